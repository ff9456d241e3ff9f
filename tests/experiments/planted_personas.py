"""A model that answers as the persona of a society, with values planted for each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from culturescope.instrument import load_pack
from culturescope.models.mock import MockModel
from culturescope.prompts import Prompt, check_personas

CHECK = {p.text: p for p in check_personas(load_pack())}
SCENARIOS = load_pack().scenarios


def planted_personas(
    values: Mapping[str, Mapping[str, float]],
    texts: Mapping[str, str],
    *,
    check: float = 3.0,
    noise: float = 0.2,
    bias: float = 0.3,
) -> MockModel:
    """The value logit of an item is `values[persona id][item]`; "none" without persona.

    Args:
        values: of each persona of a society, and of "none".
        texts: the text of each of those personas.
        check: what the opposed personas of the check move d by, up and down.
        noise: standard deviation over scenarios, the same scenario by scenario under every persona.
        bias: preference for A.
    """
    named = {text: name for name, text in texts.items()}

    def logits(prompt: Prompt) -> tuple[float, float]:
        user = prompt.messages[-1].content
        system = prompt.messages[0].content if len(prompt.messages) > 1 else None
        scenario = next(s for s in SCENARIOS if s.situation in user)
        if system in CHECK:
            sign = {"positive": 1, "negative": -1, "neutral": 0}[CHECK[system].kind]
            d = values["none"][scenario.item] + sign * check
        else:
            d = values["none" if system is None else named[system]][scenario.item]
        share = int(hashlib.sha256(scenario.id.encode()).hexdigest()[:8], 16) / 16**8
        d += noise * 12**0.5 * (share - 0.5)
        at_a = user.index(scenario.positive) < user.index(scenario.negative)
        return (bias + (d if at_a else -d), 0.0)

    return MockModel(logits, name="planted")
