"""What experiments with steering found, as stored: every effect with its interval and its control beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

Floats = NDArray[np.float64]


class Stored(BaseModel):
    """Stored values do not change and have no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Drawn(Stored):
    """A figure with its 95% interval, from bootstrap draws over scenarios."""

    value: float
    low: float
    high: float


def drawn_estimate(value: float, draws: Floats | Sequence[float], level: float = 0.95) -> Drawn:
    """A figure with the percentile interval of its bootstrap draws."""
    low, high = np.quantile(np.asarray(draws), [(1 - level) / 2, (1 + level) / 2])
    return Drawn(value=float(value), low=float(low), high=float(high))


class Entanglement(Stored):
    """One step along an axis: what it changes there and on the other axis (d, logits; signed changes).

    `random_band` and `off_band` hold 95% of random steps on either axis, `e` (entanglement E) is None with the reason in
    `undefined`, `sign` tells whether the other axis moves the same way (+1) or the opposite (-1), `random_e` is the median of E
    over random steps, and `wrong_way` the share of the axis's scenarios that move against the step.
    """

    axis: str
    domain: str | None
    on_axis: Drawn
    off_axis: Drawn
    random_band: float
    off_band: float
    e: Drawn | None
    undefined: str | None
    sign: int
    random_e: float
    wrong_way: float


class EntanglementTable(Stored):
    """Entanglement of steps along two axes; `map` is E on the map's coordinates, which the projection entangles by itself.

    `map` has no axis whose E is undefined, and is None where an item of the map has fewer than two scenarios.
    """

    steered: tuple[str, ...]
    entanglements: tuple[Entanglement, ...]
    map: dict[str, Drawn] | None


class Response(Stored):
    """Response matrix J: change of an axis (row, d in logits) per unit of a coefficient (column), with its condition number.

    The condition is None where the matrix has no inverse.
    """

    axes: tuple[str, ...]
    matrix: tuple[tuple[Drawn, ...], ...]
    condition: float | None


class Decoupled(Stored):
    """One way to steer an axis alone, on scenarios that nothing was fitted on.

    `e` as in `Entanglement`; `lowered` is E of the plain vector less this one, on the same draws, None where one of them is
    undefined; `kept` is the signed change on the axis as a share of that by the plain vector at the same
    step length, None where the plain vector's lies inside the band. `domain` is None for all of them.
    """

    way: str
    axis: str
    domain: str | None = None
    on_axis: Drawn
    off_axis: Drawn
    random_band: float
    e: Drawn | None
    undefined: str | None
    lowered: Drawn | None = None
    kept: Drawn | None


class AimStep(Stored):
    """One step of an aim: coefficients, place reached, distance to the target, and whether it was accepted.

    Place and distance are None where the quality budget refused the step. `overshoot` is the signed distance beyond the target
    along the line from the start (below 0: short of it), `budget_used` the share of the quality budget that the step uses.
    """

    coefficients: tuple[float, ...]
    place: tuple[float, ...] | None
    distance: float | None
    overshoot: float | None
    damping: float
    accepted: bool
    budget_used: float | None = None


class Aim(Stored):
    """A way towards a target.

    `status` is `reached`, `closer` (the steps ended before the tolerance) or `out of reach` (no allowed step comes nearer);
    `coefficients` and `place` are the best that was measured, with the share of the quality budget used there (None
    without one). `overshoot` is the largest signed one of the steps: below 0 where the way never passed the target, None where
    no step was measured. `budget_asked` counts the places whose quality was measured.
    """

    target: tuple[float, ...]
    start: tuple[float, ...]
    start_distance: float
    coefficients: tuple[float, ...]
    place: tuple[float, ...]
    distance: float
    status: str
    overshoot: float | None
    steps: tuple[AimStep, ...]
    evaluations: int
    budget_used: float | None = None
    budget_asked: int = 0


class Reached(Stored):
    """A place on the map, with its distance to the target, on scenarios that nothing was chosen by.

    Changes are those of the distance, paired over scenarios: `change` from the model without steering or persona (None for that
    place itself), `change_from_persona` from the persona alone (for a place that was aimed at on top of it).
    """

    name: str
    place: tuple[float, float]
    distance: Drawn
    change: Drawn | None
    change_from_persona: Drawn | None = None
    letter_mass: float


class RandomReach(Stored):
    """What random steps as long as the one aimed at do to the distance, at the same blocks and on the same scenarios.

    `low` and `high` hold 95% of the changes by one more random step; `beyond` tells whether the aimed step brings the model
    nearer than that.
    """

    vectors: int
    low: float
    high: float
    beyond: bool


class AimQuality(Stored):
    """Perplexity of the place that was chosen, over that of unsteered texts, with paired intervals over prompts.

    `chosen_by` is the ratio on the prompts that decided what the budget of `most` allows, `confirmed` that on as many or one
    more by which nothing was chosen; None where nothing was written.
    """

    most: float
    prompts: int
    max_new_tokens: int
    chosen_by: Drawn | None
    confirmed: Drawn | None


class AimStudy(Stored):
    """An aim on the scenarios that choose, and what it comes to on those that report, beside other ways to get there.

    `step` is the dose (or the raw alpha) that one unit of a coefficient stands for; `random` is None where no step was found or
    none was asked for, `quality` without a perplexity budget.
    """

    target_name: str
    axes: tuple[str, ...]
    step: float
    unit: str
    on_top_of: str | None
    aim: Aim
    reached: tuple[Reached, ...]
    random: RandomReach | None = None
    quality: AimQuality | None = None


class EntangleStudy(Stored):
    """Entanglement of two axes' vectors with its controls; `domains` holds one table a domain.

    `cosine` is that of the two directions by block, `human` the correlation of the axes over societies with both slopes,
    `projection` what the map entangles by itself, `decoupled` the ways to part the axes (by domain, and at other step
    sizes, too), `by_step` the table at other step sizes, each beside random steps of its own size. `random` says whether
    random steps were all measured, or estimated; then `control_ratio` (steered axis, measured axis) is how much larger
    a few of them are when measured, and bands are wider by it where it exceeds 1.
    """

    step: float
    unit: str
    overall: EntanglementTable
    domains: tuple[EntanglementTable, ...]
    response: Response
    cosine: dict[int, float]
    human: dict[str, float]
    projection: dict[str, dict[str, float]]
    decoupled: tuple[Decoupled, ...]
    decoupled_by_domain: tuple[Decoupled, ...] = ()
    by_step: dict[str, EntanglementTable] = {}
    decoupled_by_step: dict[str, tuple[Decoupled, ...]] = {}
    random: str = "measured"
    control_ratio: dict[str, dict[str, float]] = {}
    notes: tuple[str, ...] = ()


class DomainCell(Stored):
    """A vector fitted on one domain (`all` for every domain), tested on scenarios of one: change of d by axis.

    `random_band` holds 95% of random steps of the same length on those scenarios, by axis.
    """

    fitted: str
    tested: str
    change: dict[str, Drawn]
    random_band: dict[str, float]


class DomainTable(Stored):
    """One axis's vectors by domain, each tested on every domain, on scenarios that nothing was fitted on.

    `pairs` counts the contrast pairs behind each vector, `cosine` is the mean over blocks of the cosine between two vectors.
    """

    axis: str
    step: float
    unit: str
    blocks: tuple[int, ...]
    pairs: dict[str, int]
    cosine: dict[str, dict[str, float]]
    cells: tuple[DomainCell, ...]
    notes: tuple[str, ...] = ()
