"""The words of the instrument: axis, item, scenario, pack. All of it is data; none of it knows a model."""

from __future__ import annotations

import random
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

LONGEST_NAME = 64
Split = Literal["optimise", "evaluate"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=LONGEST_NAME)]


class Data(BaseModel):
    """Instrument data do not change and have no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Axis(Data):
    """One value axis with its two poles; numbers grow towards the positive pole."""

    id: Name
    name: Text
    negative: Text
    positive: Text


class Scale(Data):
    """The answer scale of a survey item: codes and labels of its two ends."""

    low: int
    high: int
    low_label: Text
    high_label: Text


class Item(Data):
    """One survey item of an axis.

    `variable` is the name in WVS/EVS trend files, `question` the number in the WVS-7 questionnaire (both empty in packs of
    other origin); `positive_end` says which end of the scale is the positive pole.
    """

    id: Name
    axis: Name
    label: Text
    negative: Text
    positive: Text
    variable: str = ""
    question: str = ""
    scale: Scale | None = None
    positive_end: Literal["low", "high"] = "high"


class Tags(Data):
    """What a scenario is about and where it takes place."""

    topic: Text
    setting: Text


class Scenario(Data):
    """An everyday dilemma with one option for each pole of its item; `note` says why the choice reveals this item."""

    id: Name
    item: Name
    domain: Name
    split: Split
    situation: Text
    positive: Text
    negative: Text
    note: Text
    tags: Tags


class CheckPersona(Data):
    """Who a model is asked to be in the instrument check: someone of either pole in one of several wordings, or anyone."""

    id: Name
    kind: Literal["positive", "negative", "neutral"]
    wording: int = Field(ge=1)
    text: Text


class Pack(Data):
    """An instrument: axes, items, domains and scenarios in one language.

    `personas` are those of the instrument check; without any there is no check. `societies` names the reference points
    that a place on the map needs (`wvs`: those that come with the package); without it there are axis scores and verdicts.
    `source` says in words where axes and items come from. A pack whose scenarios are still to be written may have none.
    """

    id: Name
    name: Text
    language: Text
    licence: Text
    domains: tuple[Name, ...] = Field(min_length=1)
    axes: tuple[Axis, ...] = Field(min_length=1)
    items: tuple[Item, ...] = Field(min_length=1)
    scenarios: tuple[Scenario, ...]
    personas: tuple[CheckPersona, ...] = ()
    societies: Literal["wvs"] | None = None
    source: str = ""

    def item(self, item_id: str) -> Item:
        """The item of that id.

        Raises:
            KeyError: the pack has no such item.
        """
        return {i.id: i for i in self.items}[item_id]

    @property
    def item_ids(self) -> tuple[str, ...]:
        """Ids of the items, in the pack's order."""
        return tuple(i.id for i in self.items)

    @property
    def without_scenario(self) -> tuple[str, ...]:
        """Items and domains that no scenario belongs to, in words: `item Y01`, `domain family`."""
        items, domains = {s.item for s in self.scenarios}, {s.domain for s in self.scenarios}
        return (
            *(f"item {i}" for i in self.item_ids if i not in items),
            *(f"domain {d}" for d in self.domains if d not in domains),
        )

    def axis_of(self, scenario: Scenario) -> str:
        """Id of the axis that a scenario belongs to."""
        return self.item(scenario.item).axis


def split_of(item: str, domain: str, number: int, seed: int = 42) -> Split:
    """The split of scenario `number` (from 1) of a cell: of each pair (1, 2), (3, 4), ... a coin picks which one optimises.

    So every even number of scenarios in a cell is split into equal halves, and a growing data set keeps the splits it has.
    """
    pair, second = divmod(number - 1, 2)
    coin = random.Random(f"{seed}/{item}/{domain}/{pair}").random() < 0.5
    return "optimise" if coin == bool(second) else "evaluate"
