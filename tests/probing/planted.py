"""Models with planted bias and values, made of a function."""

import random
from collections.abc import Callable

from culturescope.instrument import load_pack
from culturescope.models.mock import MockModel
from culturescope.prompts import Prompt, check_personas

PERSONAS = {p.text: p for p in check_personas(load_pack())}


def planted(
    *,
    bias: float = 0.0,
    value: Callable[[str], float] | float = 0.0,
    persona: float = 0.0,
    null_persona: float = 0.0,
    noise: float = 0.0,
    rest_mass: float = 0.0,
    seed: int = 0,
) -> MockModel:
    """A model that prefers A by `bias`, the positive option by `value` (of the item's id), moved by personas.

    `persona` moves d up under a positive and down under a negative persona; `null_persona` is the standard deviation of a
    shift that belongs to each persona text, whatever its kind; `noise` is that of a shift of each prompt's pair of options.
    """
    scenarios = load_pack().scenarios

    def draw(*names: object) -> float:
        return random.Random(f"{seed}/{names}").gauss(0, 1)

    def logits(prompt: Prompt) -> tuple[float, float]:
        user = prompt.messages[-1].content
        system = prompt.messages[0].content if len(prompt.messages) > 1 else ""
        scenario = next(s for s in scenarios if s.situation in user)
        positive_is_a = user.index(scenario.positive) < user.index(scenario.negative)
        d = value(scenario.item) if callable(value) else value
        kind = PERSONAS[system].kind if system else "none"
        d += persona * {"positive": 0.5, "negative": -0.5}.get(kind, 0.0)
        if system:
            d += null_persona * draw("persona", PERSONAS[system].id, scenario.item[0])
        d += noise * draw(
            scenario.id, system, user.replace(scenario.positive, "").replace(scenario.negative, "")
        )
        return (bias + d if positive_is_a else bias - d), 0.0

    return MockModel(logits, rest_mass=rest_mass)
