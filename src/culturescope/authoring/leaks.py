"""Surface leaks: how well the positive option is guessed without reading the situation.

Single cues guess by a fixed rule (the longer option, the option with the more pleasant words). Learned cues guess by
a logistic regression of the difference x of both options' features, trained on the scenarios of all other items:

    minimise over w:  mean log(1 + exp(-w . x)) + penalty / 2 |w|^2

where x is the positive less the negative option, scaled so that |x|^2 is one on average. A guess is right if w . x > 0.
There is no intercept: exchanging the options changes the sign of x and of the guess, no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from culturescope.authoring.embeddings import Encode
from culturescope.authoring.findings import Finding, Leak
from culturescope.authoring.texts import count_words, words
from culturescope.authoring.words import Lexicon
from culturescope.instrument import Scenario
from culturescope.stats import wilson

PENALTY = 0.01
Floats = NDArray[np.float64]


def surface_leaks(
    scenarios: Sequence[Scenario], lexicon: Lexicon | None, encode: Encode | None = None
) -> tuple[Leak, ...]:
    """How often each cue guesses the positive option, over all scenarios and by item.

    Length and tone, alone and together, are gates over all scenarios; bags of words and embeddings of the options are not,
    since the poles share content over items. Learned cues need two items or more.
    """
    items = np.array([s.item for s in scenarios])
    gaps = {
        "length in words": _gap(scenarios, count_words),
        "length in characters": _gap(scenarios, len),
    }
    if lexicon:
        gaps["pleasant words"] = _gap(scenarios, lexicon.tone)
    found = [leak for cue, gap in gaps.items() for leak in _by_scope(cue, gap, items, gate=True)]
    if len(set(items)) < 2:
        return tuple(found)
    together = np.column_stack([gap / max(1e-9, float(np.sqrt((gap**2).mean()))) for gap in gaps.values()])
    learned = [("length and pleasant words, learned" if lexicon else "lengths, learned", together, True)]
    learned.append(("bag of words, learned", bag_of_words(scenarios), False))
    if encode:
        vectors = encode([s.positive for s in scenarios]) - encode([s.negative for s in scenarios])
        learned.append(("embeddings, learned", vectors.astype(np.float64), False))
    for cue, features, gate in learned:
        found += _by_scope(cue, guesses(features, items), items, gate=gate)
    return tuple(found)


def leak_findings(leaks: Sequence[Leak]) -> list[Finding]:
    """A gate whose interval misses 50% is an error over all scenarios and a warning in an item.

    Learned guesses that are right less often than by chance are no leak: what was learned does not carry over.
    """
    found = []
    for leak in leaks:
        missed = leak.low > 0.5 or (leak.high < 0.5 and not leak.cue.endswith("learned"))
        if leak.gate and missed:
            text = (
                f"the positive option is guessed from {leak.cue} in {leak.correct} of {leak.guesses} scenarios "
                f"({leak.share:.0%}, interval {leak.low:.0%} to {leak.high:.0%}); it must reach 50%"
            )
            whole = leak.scope == "all"
            found.append(
                Finding("surface-leak", "error" if whole else "warning", () if whole else (leak.scope,), text)
            )
    return found


def bag_of_words(scenarios: Sequence[Scenario]) -> Floats:
    """Counts of words in the positive less the negative option (scenarios, words that differ anywhere)."""
    vocabulary: dict[str, int] = {}
    for s in scenarios:
        for word in words(f"{s.positive} {s.negative}"):
            vocabulary.setdefault(word, len(vocabulary))
    counts = np.zeros((len(scenarios), len(vocabulary)))
    for row, s in zip(counts, scenarios, strict=True):
        for sign, text in ((1, s.positive), (-1, s.negative)):
            for word in words(text):
                row[vocabulary[word]] += sign
    used: Floats = counts[:, np.any(counts != 0, axis=0)]
    return used


def guesses(features: Floats, groups: NDArray[np.str_]) -> Floats:
    """Guesses w . x of each scenario (above 0: the positive option), w learned on all other groups.

    Args:
        features: positive less negative option (scenarios, features).
        groups: the item of each scenario.
    """
    found = np.zeros(len(features))
    for group in np.unique(groups):
        held_out = groups == group
        found[held_out] = features[held_out] @ fit(features[~held_out])
    return found


def fit(differences: Floats, penalty: float = PENALTY) -> Floats:
    """Weights of the logistic regression with L2 penalty; every row is a positive less a negative option."""
    from scipy.optimize import minimize
    from scipy.special import expit

    if not differences.size:
        return np.zeros(differences.shape[1])
    scale = np.sqrt((differences**2).sum(axis=1).mean()) or 1.0
    x = differences / scale

    def loss(w: Floats) -> tuple[float, Floats]:
        margins = x @ w
        gradient = -(expit(-margins) @ x) / len(x) + penalty * w
        return float(np.logaddexp(0, -margins).mean() + penalty / 2 * w @ w), gradient

    result = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B")
    return np.asarray(result.x / scale, dtype=np.float64)


def _gap(scenarios: Sequence[Scenario], measure: Callable[[str], float]) -> Floats:
    return np.array([measure(s.positive) - measure(s.negative) for s in scenarios], dtype=np.float64)


def _by_scope(cue: str, gap: Floats, items: NDArray[np.str_], *, gate: bool) -> list[Leak]:
    """Shares of right guesses, over all and by item; scopes without a guess are left out."""
    found = []
    for scope in ("all", *dict.fromkeys(items.tolist())):
        mine = gap if scope == "all" else gap[items == scope]
        correct, number = int((mine > 1e-9).sum()), int((np.abs(mine) > 1e-9).sum())
        if number:
            low, high = wilson(correct, number)
            found.append(Leak(cue, scope, correct, number, len(mine) - number, low, high, gate))
    return found
