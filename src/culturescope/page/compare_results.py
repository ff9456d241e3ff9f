"""The shape of a comparison: runs over the same scenarios, their differences, their order, what steers them, what failed."""

from __future__ import annotations

from typing import Any, Literal

from culturescope.people.placement import Conversion, Placement
from culturescope.probing.results import Estimate, Frozen, Position


class ComparedRun(Frozen):
    """A run on the shared scenarios and wordings.

    `verdicts` are those of the run's own instrument check. `left_out_...` count scenarios and name wordings that the run
    asked and others did not. `place`, `x` and `y` are None where the pack has no societies or an item of the map was not
    shared; intervals of `x` and `y` hold scenarios, wordings and the projection. `mass` is the letter mass by axis, and
    over all scenarios under "all".
    """

    label: str
    run: str
    created: str
    model: dict[str, Any]
    verdicts: dict[str, str]
    left_out_scenarios: int
    left_out_wordings: tuple[str, ...]
    axes: tuple[Position, ...]
    mass: dict[str, Estimate]
    place: Placement | None = None
    x: Estimate | None = None
    y: Estimate | None = None

    @property
    def readable(self) -> bool:
        """Whether its place may be read as a position."""
        return self.place is not None and self.place.readable


class Difference(Frozen):
    """`value` of the run `second` less that of the run `first`, paired over scenarios and wordings, 95%.

    `quantity` is `d` (with `axis`, and `item` for one item), `x`, `y` or `distance` (with `society`). `readable` says
    whether both runs may be read there.
    """

    first: str
    second: str
    quantity: Literal["d", "x", "y", "distance"]
    axis: str | None = None
    item: str | None = None
    society: str | None = None
    value: Estimate
    readable: bool


class Ranked(Frozen):
    """A run in the order by distance to a society.

    `distance` has the interval that the 95% ellipse of the place allows, which holds for all societies at once. `rank`
    counts from the nearest among the runs that may be read; `lowest` and `highest` are the ranks that cannot be told from
    it, for all runs together at 95%. All three are None where the run may not be read.
    """

    label: str
    distance: Estimate
    rank: int | None = None
    lowest: int | None = None
    highest: int | None = None


class Order(Frozen):
    """The runs by distance to the people of a society, nearest first; those that may not be read stand last."""

    society: str
    name: str
    year: int
    x: float
    y: float
    runs: tuple[Ranked, ...]


class VectorSteerability(Frozen):
    """How far steering vectors move a model on an axis: change of d for a step of one dose, on scenarios that chose nothing.

    `dose` is the mean step of the chosen blocks in units of the median |h|, at which it was measured; `random_band` holds
    95% of random vectors, on the same scale. `source` is the folder of the search.
    """

    label: str
    axis: str
    per_dose: Estimate
    random_band: float | None
    dose: float
    blocks: tuple[int, ...]
    source: str


class PersonaSteerability(Frozen):
    """How a persona moves a model: the distance to its society's people without and with it, and the paired change."""

    label: str
    kind: Literal["basic", "advanced"]
    society: str
    without: float
    distance: float
    change: Estimate
    shifts: dict[str, Estimate]


class Failure(Frozen):
    """A condition that a run met: what was found, how far beyond the bound (None for a verdict), and the line that says so."""

    label: str
    condition: str
    sure: bool
    by: float | None
    line: str


class Compared(Frozen):
    """Everything that the page of a comparison shows."""

    format: Literal[1] = 1
    pack: str
    conversion: Conversion
    orders: Literal["both", "random"]
    scenarios: tuple[str, ...]
    wordings: tuple[str, ...]
    runs: tuple[ComparedRun, ...]
    differences: tuple[Difference, ...]
    orders_by_distance: tuple[Order, ...] = ()
    vectors: tuple[VectorSteerability, ...] = ()
    personas: tuple[PersonaSteerability, ...] = ()
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
