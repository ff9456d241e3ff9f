"""Which runs meet a condition under which a comparison fails, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from culturescope.errors import BadInputError
from culturescope.experiments.compare_conditions import Condition, Met, Quantity, met, parse, quantities
from culturescope.experiments.compare_places import distance_of
from culturescope.page.compare_results import Failure
from culturescope.people.placement import VERDICTS
from culturescope.probing.aggregate import interval
from culturescope.probing.results import Estimate

if TYPE_CHECKING:
    from culturescope.experiments.compare import Comparing
    from culturescope.people import People


@dataclass(frozen=True)
class Asked:
    """A condition as it was written, parsed, and whether the whole interval must meet it."""

    text: str
    condition: Condition
    sure: bool

    @property
    def changes(self) -> bool:
        """Whether it is of differences from the first run, and so not of that run itself."""
        return any(q.change for q in quantities(self.condition))

    @property
    def option(self) -> str:
        """How it was given."""
        return "--fail-if-sure" if self.sure else "--fail-if"


def check_names(fail_if: Sequence[str], fail_if_sure: Sequence[str]) -> tuple[Asked, ...]:
    """The conditions, parsed.

    Raises:
        BadInputError: one of them does not follow the grammar.
    """
    found = []
    for texts, sure in ((fail_if, False), (fail_if_sure, True)):
        for text in texts:
            asked = Asked(text, parse(text), sure)
            if sure and any(q.name == "verdict" for q in quantities(asked.condition)):
                raise BadInputError(f"{asked.option}: a verdict has no interval; use --fail-if “{text}”")
            found.append(asked)
    return tuple(found)


def failures_of(comparing: Comparing, conditions: Sequence[Asked], people: People) -> tuple[Failure, ...]:
    """Every run that meets a condition.

    A condition is asked of each run; one with `change(...)` of each run but the first.

    Raises:
        BadInputError: an unknown society or axis, no map, or a change with a single run.
    """
    found = []
    for asked in conditions:
        if asked.changes and len(comparing.aligned) < 2:
            raise BadInputError(
                f"{asked.option} “{asked.text}”: a change needs a second run to compare with the first"
            )
        for quantity in quantities(asked.condition):
            _known(comparing, quantity, people, f"{asked.option} “{asked.text}”")
        for n in range(len(comparing.labels)):
            if n == 0 and asked.changes:
                continue

            def look(quantity: Quantity, run: int = n) -> Estimate | str:
                return measured(comparing, run, quantity, people)

            holds = met(asked.condition, look, sure=asked.sure)
            if holds:
                found.append(_failure(comparing, n, asked, holds))
    return tuple(found)


def measured(comparing: Comparing, run: int, quantity: Quantity, people: People) -> Estimate | str:
    """The value of a quantity for a run, before `abs`; a verdict as its word."""
    less = 0 if quantity.change else None
    name, argument, seed = quantity.name, quantity.argument, comparing.seed
    if name == "verdict":
        verdicts = [comparing.verdicts[run].get(a, "not checked") for a in comparing.axes]
        if argument is not None:
            return verdicts[comparing.axes.index(argument)]
        return min(verdicts, key=VERDICTS.index)
    if name in ("d", "mass"):
        part = comparing.scores[run].on(axis=argument)
        values = part.d if name == "d" else part.mass
        if less is not None:
            base = comparing.scores[less].on(axis=argument)
            values = values - (base.d if name == "d" else base.mass)
        found = interval(part, values, seed=seed)
        return share(found) if name == "mass" and less is None else found
    places, place = comparing.places, comparing.place(run)
    if places is None or place is None:
        raise BadInputError(f"there is no {quantity}, since these runs have no map")
    if name in ("x", "y"):
        return places.coordinate(run, ("x", "y").index(name), less)
    society = people.society(str(argument))
    point = np.array([society.x, society.y])
    return distance_of(place, point) if less is None else places.nearer(less, run, point)


def _unread(comparing: Comparing, run: int, quantity: Quantity) -> str:
    """What must be said where the run, or the first one of a change, may not be read."""
    for n in (run, 0) if quantity.change else (run,):
        on_axis = quantity.name == "d" and not comparing.on_axis(n, str(quantity.argument))
        if on_axis or (quantity.name in ("distance", "x", "y") and not comparing.readable(n)):
            return (
                f"; {'it' if n == run else comparing.labels[n]} may not be read there, so this is no position"
            )
    return ""


def share(found: Estimate) -> Estimate:
    """The interval of a share ends at 0 and 1."""
    return found.model_copy(update={"low": max(0.0, found.low), "high": min(1.0, found.high)})


def _known(comparing: Comparing, quantity: Quantity, people: People, where: str) -> None:
    """Refuses what these runs do not have."""
    name, argument = quantity.name, quantity.argument
    if name in ("distance", "x", "y") and comparing.places is None:
        raise BadInputError(f"{where}: there is no {name}, since these runs have no map")
    if name == "distance":
        try:
            people.society(str(argument))
        except BadInputError as error:
            raise BadInputError(f"{where}: {error}") from None
    elif argument is not None and argument not in comparing.axes:
        raise BadInputError(f"{where}: “{argument}” is no axis; there are {', '.join(comparing.axes)}")


def _failure(comparing: Comparing, run: int, asked: Asked, holds: Sequence[Met]) -> Failure:
    label, words, margins = comparing.labels[run], [], []
    for one in holds:
        comparison, found = one.comparison, one.found
        if isinstance(found, str):
            words.append(f"{comparison.quantity} is {found}")
            continue
        bound = float(comparison.bound)
        above = comparison.sign in (">", ">=")
        end = (found.low if above else found.high) if asked.sure else found.value
        margins.append(abs(end - bound))
        side = "above" if above else "below"
        how = (
            f"its interval lies at least {abs(end - bound):.2f} {side}"
            if asked.sure
            else f"{abs(end - bound):.2f} {side}"
        )
        words.append(
            f"{comparison.quantity} is {found.value:.2f} ({found.low:.2f} to {found.high:.2f}), {how} {bound:g}"
            f"{_unread(comparing, run, comparison.quantity)}"
        )
    return Failure(
        label=label,
        condition=asked.text,
        sure=asked.sure,
        by=max(margins) if margins else None,
        line=f"{label}: {'; '.join(words)} ({asked.option} “{asked.text}”)",
    )
