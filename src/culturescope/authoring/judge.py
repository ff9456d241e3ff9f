"""The judge: blind to item and pole, does it recover both from the text alone?

It reads the situation, the options in an order drawn by the seed, and all items of the pack, each with its poles in an order
drawn by the seed. A candidate whose item or poles it does not recover measures something else, or nothing.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from culturescope.authoring.generation_plan import texts
from culturescope.instrument import Pack, Scenario
from culturescope.prompts import Prompt

LOWEST_RELEVANCE = 4


class Judgement(BaseModel):
    """What the judge says."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    item: str
    pole_of_a: int = Field(ge=1, le=2)
    relevance: int = Field(ge=1, le=5)


@dataclass(frozen=True)
class Sheet:
    """What the judge is shown, and the right answer to it.

    Args:
        prompt: for the judge.
        codes: code of each item shown, and the item's id.
        pole_of_a: the right pole (1 or 2) of option (a).
    """

    prompt: Prompt
    codes: dict[str, str]
    pole_of_a: int


def sheet(pack: Pack, scenario: Scenario, seed: int = 42) -> Sheet:
    """The judge's prompt for a candidate; codes of items say nothing, and neither order tells the pole."""
    words = texts()["judge"]
    draw = random.Random(f"{seed}/{scenario.id}/{scenario.situation}/judge")
    items = draw.sample(pack.items, len(pack.items))
    codes = {f"Q{n}": item.id for n, item in enumerate(items, 1)}
    lines, right = [], 0
    positive_is_a = draw.random() < 0.5
    for code, item in zip(codes, items, strict=True):
        positive_is_1 = draw.random() < 0.5
        poles = (item.positive, item.negative) if positive_is_1 else (item.negative, item.positive)
        lines.append(f"{code}. {item.label}. Pole 1: {poles[0]}. Pole 2: {poles[1]}.")
        if item.id == scenario.item:
            right = 1 if positive_is_a == positive_is_1 else 2
    options = (scenario.positive, scenario.negative)
    first, second = options if positive_is_a else options[::-1]
    user = words["user"].format(
        situation=scenario.situation, first=first, second=second, items="\n".join(lines)
    )
    return Sheet(Prompt.of(user.strip(), words["system"].strip()), codes, right)


@dataclass(frozen=True)
class Verdict:
    """What came of the judge.

    Args:
        item: id of the item that the judge named, or None where it named none of the list.
        item_recovered: whether it is the item that the candidate was written for.
        poles_recovered: whether the poles are right as well.
        relevance: 1 to 5.
    """

    item: str | None
    item_recovered: bool
    poles_recovered: bool
    relevance: int

    @property
    def reason(self) -> str:
        """Why the candidate is not relevant, or an empty text; see `relevant`."""
        if not self.item_recovered:
            return f"the judge took it for {self.item or 'no item of the list'}"
        if not self.poles_recovered:
            return "the judge took the poles the other way round"
        return ""

    def relevant(self, lowest: int = LOWEST_RELEVANCE) -> bool:
        """Whether item and poles are recovered and the relevance suffices."""
        return self.item_recovered and self.poles_recovered and self.relevance >= lowest


def verdict(shown: Sheet, said: Judgement, scenario: Scenario) -> Verdict:
    """Compares what the judge said with what the candidate was written for."""
    code = said.item.strip().rstrip(".").upper()
    item = shown.codes.get(code)
    same = item == scenario.item
    return Verdict(item, same, same and said.pole_of_a == shown.pole_of_a, said.relevance)
