"""What is asked: every prompt of a probe or of an instrument check, and the row that keeps its answer."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from culturescope.errors import BadInputError
from culturescope.instrument import Pack, Scenario
from culturescope.models.protocols import LetterReading
from culturescope.prompts import ORDERS, Order, Persona, Prompt, Template, dilemma

Part = Literal["probe", "check", "agreement"]
Row = TypeVar("Row", bound=Mapping[str, Any])


@dataclass(frozen=True)
class Task:
    """One prompt with all that says where its answer belongs."""

    part: Part
    axis: str
    scenario: Scenario
    template: Template
    order: Order
    persona: Persona | None
    prompt: Prompt

    def row(self, key: str, reading: LetterReading, text: str) -> dict[str, Any]:
        """The line of `samples.jsonl`: enough to compute everything again.

        Args:
            key: digest of all that can change the number.
            reading: the letters as the model reads them.
            text: the exact text that the model read.
        """
        return {
            "key": key,
            "part": self.part,
            "axis": self.axis,
            "item": self.scenario.item,
            "domain": self.scenario.domain,
            "scenario": self.scenario.id,
            "template": self.template.id,
            "order": self.order,
            "persona": self.persona.id if self.persona else None,
            "persona_kind": self.persona.kind if self.persona else None,
            "society": self.persona.society if self.persona else None,
            "persona_missing": list(self.persona.missing) if self.persona else None,
            "logits": list(reading.logits) if reading.logits is not None else None,
            "logprobs": list(reading.logprobs),
            "tokens": reading.tokens,
            "text": text,
            **({"bounded": list(reading.bounded)} if reading.bounded else {}),
        }


def probe_tasks(
    pack: Pack,
    scenarios: Sequence[Scenario],
    templates: Sequence[Template],
    *,
    orders: Literal["both", "random"] = "both",
    seed: int = 42,
    personas: Sequence[Persona] = (),
) -> list[Task]:
    """The prompts of a probe: each scenario in each wording, in both orders or in one drawn by the seed.

    They are asked without persona first, and then under each of the personas of societies in the very same way, so that what
    a persona changes is paired prompt by prompt.

    Raises:
        BadInputError: an axis has fewer than two scenarios, so that its position would have no interval.
    """
    _enough(pack, scenarios)
    if orders not in ("both", "random"):
        raise BadInputError(f'orders is "both" or "random", not "{orders}"')
    return [
        Task("probe", pack.axis_of(s), s, t, order, persona, dilemma(s, t, order, persona))
        for persona in (None, *personas)
        for s in scenarios
        for t in templates
        for order in (ORDERS if orders == "both" else (random_order(s.id, t.id, seed),))
    ]


def probe_rows(samples: Iterable[Row], persona: str | None = None) -> list[Row]:
    """The rows of the probe under one persona, by default those without any: what a model's own position is read from.

    Args:
        samples: rows of `samples.jsonl`, of whatever part.
        persona: id of a persona.
    """
    return [row for row in samples if row["part"] == "probe" and row["persona"] == persona]


def check_tasks(
    pack: Pack, scenarios: Sequence[Scenario], template: Template, personas: Sequence[Persona]
) -> list[Task]:
    """The prompts of the instrument check: each scenario in both orders for every persona, in one wording.

    Raises:
        BadInputError: an axis has fewer than two scenarios, or there are no personas.
    """
    if not personas:
        raise BadInputError(
            f'the pack "{pack.id}" has no personas.toml, and without opposed personas there is no instrument check: '
            "use probe, or leave the check out (--check-limit 0)"
        )
    _enough(pack, scenarios)
    return [
        Task("check", pack.axis_of(s), s, template, order, persona, dilemma(s, template, order, persona))
        for persona in personas
        for s in scenarios
        for order in ORDERS
    ]


def _enough(pack: Pack, scenarios: Sequence[Scenario]) -> None:
    if not scenarios:
        raise BadInputError(
            'no scenarios were given; cs.scenarios(split="evaluate") has the instrument\'s own'
        )
    for one, count in Counter(s.id for s in scenarios).items():
        if count > 1:
            raise BadInputError(f"the scenario {one} was given {count} times")
    for s in scenarios:
        if s.item not in pack.item_ids:
            raise BadInputError(
                f'the scenario {s.id} belongs to the item "{s.item}", which the pack {pack.id} does not have; '
                "give the pack that it comes from (pack=...)"
            )
    for axis, count in Counter(pack.axis_of(s) for s in scenarios).items():
        if count < 2:
            raise BadInputError(
                f"axis {axis} has one scenario only: a position needs an interval, and that needs at least two; "
                "take more scenarios (a larger limit)"
            )


def random_order(scenario_id: str, template_id: str, seed: int) -> Order:
    """The order drawn for one trial (the paper's single random order); it doesn't depend on the other trials."""
    return ORDERS[random.Random(f"{seed}/{scenario_id}/{template_id}").randrange(2)]
