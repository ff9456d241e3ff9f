"""What a search does: its plan, and the scenarios of each axis or item that it searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from culturescope.errors import BadInputError
from culturescope.experiments.steer.parts import Parts
from culturescope.instrument import Pack, Scenario
from culturescope.prompts.neutral import neutral_prompts

RANDOM_VECTORS = 20
SHUFFLES = 20


@dataclass(frozen=True)
class SearchPlan:
    """What a search does.

    Args:
        axes: ids of the axes whose vectors are searched.
        items: ids of items whose vectors are searched instead, each fitted, chosen by and reported on its own scenarios.
        dose: step at every block in units of the median |h| there, unless `alpha` is given.
        alpha: raw coefficient for all blocks instead.
        method: of the fit.
        site: of the contrast texts.
        top: number of blocks that are steered together (the paper takes four).
        how: `exact` measures every block; `first-order` measures only the `verify` best by estimate.
        joint: `top` takes the best blocks each alone, `greedy` adds the block that helps most to those chosen.
        verify: blocks measured exactly after a first-order search.
        random: random vectors at every block, and at the chosen blocks on the scenarios that report.
        random_way: whether those on the scenarios that report are `measured`, all of them, or `estimated` to first order and
            corrected by a few that are measured; by default as `how` does with blocks.
        shuffles: vectors fitted on shuffled labels at every block; fewer where the pairs cannot be shuffled in as many ways.
        threshold: signed change of d from which an item counts as moved; what random vectors reach by default.
        blocks: only these blocks; all by default.
        quality_prompts: neutral prompts that are answered under each set of blocks, with either sign; 0 for none.
        max_new_tokens: longest of these answers.
        seed: of random vectors, shuffled labels and bootstrap.
    """

    axes: tuple[str, ...] = ("Y", "X")
    items: tuple[str, ...] = ()
    dose: float = 0.1
    alpha: float | None = None
    method: str = "mean-difference"
    site: str = "option-text"
    top: int = 4
    how: Literal["exact", "first-order"] = "exact"
    joint: Literal["top", "greedy"] = "top"
    verify: int = 8
    random: int = RANDOM_VECTORS
    random_way: Literal["measured", "estimated"] | None = None
    shuffles: int = SHUFFLES
    threshold: float | None = None
    blocks: tuple[int, ...] | None = None
    quality_prompts: int = 0
    max_new_tokens: int = 128
    seed: int = 42

    def __post_init__(self) -> None:
        """Refuses values that cannot be meant.

        Raises:
            BadInputError: a number out of range.
        """
        if not 0 < self.dose <= 1 or (self.alpha is not None and not 0 < self.alpha <= 10):
            raise BadInputError(
                f"the dose lies above 0 and at most at 1, alpha at most at 10, not {self.dose}, {self.alpha}"
            )
        if self.threshold is not None and not 0 <= self.threshold < float("inf"):
            raise BadInputError(f"a threshold is a change of d of 0 or more, not {self.threshold}")
        if self.top < 1 or self.verify < self.top or self.random < RANDOM_VECTORS or self.shuffles < SHUFFLES:
            raise BadInputError(
                "a search needs at least one block to choose, as many to verify, "
                f"{RANDOM_VECTORS} random vectors and {SHUFFLES} shuffles"
            )
        if self.quality_prompts:
            neutral_prompts(self.quality_prompts)
        if self.max_new_tokens < 1:
            raise BadInputError(f"answers have a token or more, not {self.max_new_tokens}")
        if self.random_way not in (None, "measured", "estimated"):
            raise BadInputError(f"random vectors are measured or estimated, not {self.random_way}")
        for name in ("axes", "items"):
            labels = getattr(self, name)
            twice = sorted({label for label in labels if labels.count(label) > 1})
            if twice:
                raise BadInputError(f"{', '.join(twice)} was asked for more than once")

    @property
    def level(self) -> Literal["axis", "item"]:
        """What a vector belongs to."""
        return "item" if self.items else "axis"

    @property
    def report_way(self) -> Literal["measured", "estimated"]:
        """How random vectors on the scenarios that report are found."""
        return self.random_way or ("measured" if self.how == "exact" else "estimated")

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a method that is a function by its name."""
        found = asdict(self)
        if callable(self.method):
            found["method"] = getattr(self.method, "__name__", "function")
        return {**found, "random_way": self.report_way}


@dataclass(frozen=True)
class Group:
    """The scenarios of one axis or item, by what they are for.

    Args:
        label: id of the axis or item.
        axis: id of the axis.
        item: id of the item, or None.
        fit: scenarios to fit on.
        choose: scenarios to choose by.
        report: scenarios to report on.
    """

    label: str
    axis: str
    item: str | None
    fit: tuple[Scenario, ...]
    choose: tuple[Scenario, ...]
    report: tuple[Scenario, ...]


def groups_of(parts: Parts, pack: Pack, plan: SearchPlan) -> tuple[Group, ...]:
    """The groups that a plan searches, in its order.

    Raises:
        BadInputError: the pack has no such item, or a group has too few scenarios in a part.
    """
    unknown = [i for i in plan.items if i not in pack.item_ids]
    if unknown:
        raise BadInputError(f"the instrument has no item {', '.join(unknown)}")
    found = []
    for label in plan.items or plan.axes:
        item = label if plan.items else None
        axis = pack.item(label).axis if plan.items else label

        def of(
            members: Sequence[Scenario], item: str | None = item, axis: str = axis
        ) -> tuple[Scenario, ...]:
            return tuple(s for s in members if (pack.axis_of(s) == axis if item is None else s.item == item))

        group = Group(label, axis, item, of(parts.fit), of(parts.choose), of(parts.report))
        for name in ("fit", "choose", "report"):
            count = len(getattr(group, name))
            if count < 2:
                raise BadInputError(
                    f"{plan.level} {label} has {count} scenarios to {name}, at least two are needed (a larger limit)"
                )
        found.append(group)
    return tuple(found)
