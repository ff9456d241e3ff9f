"""Toxicity by a maintained classifier, where its package is installed: what the linter's own list of insults does not hold.

`alt-profanity-check` is a linear classifier of words, trained on comments that people labelled; it comes with its weights and
needs no network. It judges words, not sense, so that harmless texts score high too: they are read again. That package opens its
own weights with joblib, which can run code; so it is used only where the user installed it, and is no dependency of this one.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

from culturescope.authoring.findings import Finding
from culturescope.authoring.texts import read_texts
from culturescope.instrument import Scenario

PACKAGE = "profanity_check"
INSTALL = "pip install alt-profanity-check"
LANGUAGE = "en"
SUSPECT, TOXIC = 0.5, 0.9
PARTS = ("situation", "positive option", "negative option")
Score = Callable[[Sequence[str]], Sequence[float]]
"""Probabilities that texts are toxic."""


def packaged_classifier() -> Score | None:
    """The classifier of the package `alt-profanity-check`, or None where it is not installed."""
    if importlib.util.find_spec(PACKAGE) is None:
        return None

    def score(texts: Sequence[str]) -> Sequence[float]:
        module: Any = importlib.import_module(PACKAGE)
        return [float(p) for p in module.predict_prob(list(texts))]

    return score


def toxic_texts(scenarios: Sequence[Scenario], score: Score) -> list[Finding]:
    """Texts that the classifier takes for toxic: above 0.5 a warning, above 0.9 an error."""
    texts = [(s.id, part, text) for s in scenarios for part, text in zip(PARTS, read_texts(s), strict=True)]
    scores = score([text for *_, text in texts]) if texts else []
    return [
        Finding(
            "toxicity",
            "error" if p > TOXIC else "warning",
            (one,),
            f"the classifier takes the {part} for toxic (probability {p:.2f}); read it again",
        )
        for (one, part, _), p in zip(texts, scores, strict=True)
        if p > SUSPECT
    ]
