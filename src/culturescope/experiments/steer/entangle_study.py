"""Entanglement of two fitted vectors, by domain too, beside random steps, people and the projection; and ways to part them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.experiments.steer.bench import Bench
from culturescope.experiments.steer.controls import RANDOM_STEPS, Controls, Way
from culturescope.experiments.steer.coordinates import projection_entanglement
from culturescope.experiments.steer.decouple import from_inverse, orthogonal, penalised
from culturescope.experiments.steer.entangle import (
    clipped,
    entanglement_of,
    halves,
    response_matrix,
    shares,
)
from culturescope.experiments.steer.measuring import Measured
from culturescope.experiments.steer.results import (
    Decoupled,
    EntanglementTable,
    EntangleStudy,
    Response,
    drawn_estimate,
)
from culturescope.stats.resampling import random_band

if TYPE_CHECKING:
    from culturescope.models.resuming import Change
    from culturescope.steering.fitting import PairStates
    from culturescope.steering.vector import SteeringVector

Floats = NDArray[np.float64]
Ways = dict[tuple[str, str], "Change"]
"""Way to part the axes, and axis, to the step."""
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)
"""Penalties tried on the scenarios that choose."""


def entangle(
    bench: Bench,
    vectors: Mapping[str, SteeringVector],
    *,
    states: Mapping[str, PairStates] | None = None,
    random: Way = "measured",
    count: int = RANDOM_STEPS,
    others: Sequence[float] = (),
    seed: int = 42,
) -> EntangleStudy:
    """Entanglement of the vectors of two axes, by domain too, and three ways to part them.

    Args:
        bench: the model and its scenarios.
        vectors: axis to its vector; both with the same blocks.
        states: axis to contrast pairs (of the fitting part), for the penalised way; left out without them.
        random: whether random steps are measured, or estimated to first order with a few measured beside.
        count: of random steps beside each effect.
        others: sizes of further steps, in the bench's unit; the ways to part the axes are scaled with them.
        seed: of random steps and bootstrap.

    Raises:
        BadInputError: not two axes, different blocks, or too few random steps.
    """
    axes = tuple(vectors)
    if len(axes) != 2 or vectors[axes[0]].blocks != vectors[axes[1]].blocks:
        raise BadInputError("entanglement needs vectors of two axes with the same blocks")
    if count < RANDOM_STEPS:
        raise BadInputError(f"at least {RANDOM_STEPS} random steps are needed, not {count}")
    notes: list[str] = []
    unit = dict.fromkeys(axes, bench.step)
    bench.say("response on the scenarios that choose, and three ways to part the axes")
    chosen = response_matrix(
        bench.both_signs([vectors[a] for a in axes], bench.parts.choose), axes, unit, seed=seed
    )
    ways = _ways(bench, vectors, axes, chosen, states, notes)
    sizes = {}
    for size in dict.fromkeys((bench.step, *others)):
        bench.say(f"steps of {bench.unit} {size:g} on the scenarios that report, random steps as long")
        sizes[size] = _at(bench, size, vectors, ways, random, count, seed)
    base = sizes[bench.step]
    tables: list[EntanglementTable] = []
    parted: list[Decoupled] = []
    for domain in bench.pack.domains:
        try:
            part = base.among(domain)
            table = part.table(axes, seed, domain)
            parted += part.decoupled(axes, seed, domain)
            tables.append(table)
        except (BadInputError, ValueError) as error:
            notes.append(f"{domain}: not estimable ({error})")
    first, second = (vectors[a] for a in axes)
    by_step = {f"{size:g}": sizes[size] for size in others}
    return EntangleStudy(
        step=bench.step,
        unit=bench.unit,
        overall=base.table(axes, seed),
        domains=tuple(tables),
        response=response_matrix(base.plain, axes, unit, seed=seed),
        cosine={b: first.cosine(second, b) for b in first.blocks},
        human=human_slopes(),
        projection=projection_entanglement(),
        decoupled=base.decoupled(axes, seed),
        decoupled_by_domain=tuple(parted),
        by_step={size: found.table(axes, seed) for size, found in by_step.items()},
        decoupled_by_step={size: found.decoupled(axes, seed) for size, found in by_step.items()},
        random=random,
        control_ratio=_ratios(base, axes) if random == "estimated" else {},
        notes=tuple(notes),
    )


@dataclass(frozen=True, eq=False)
class _Size:
    """Steps of one size, each with + and then with -, on the same scenarios.

    Args:
        plain: of both axes' vectors.
        ways: names of the ways to part the axes, with their axes.
        parted: of these ways.
        null: axis to random steps as long as its own.
    """

    plain: Measured
    ways: tuple[tuple[str, str], ...]
    parted: Measured
    null: Mapping[str, Controls]

    def among(self, domain: str) -> _Size:
        """The same on the scenarios of one domain."""
        return _Size(
            self.plain.among(lambda s: s.domain == domain),
            self.ways,
            self.parted.among(lambda s: s.domain == domain),
            {axis: found.among(lambda s: s.domain == domain) for axis, found in self.null.items()},
        )

    def table(self, axes: tuple[str, ...], seed: int, domain: str | None = None) -> EntanglementTable:
        """Entanglement of the plain vectors."""
        return entanglement_of(self.plain, self.null, axes, domain=domain, seed=seed)

    def decoupled(self, axes: tuple[str, ...], seed: int, domain: str | None = None) -> tuple[Decoupled, ...]:
        """What each way to part the axes comes to."""
        columns = [self.plain.axes.index(a) for a in axes]
        shift, drawn = (
            halves(self.parted.means())[:, columns],
            _half_draws(self.parted, seed)[:, :, columns],
        )
        usual = halves(self.plain.means())[:, columns]
        usual_drawn = _half_draws(self.plain, seed)[:, :, columns]
        bands = [random_band(self.null[a].changes()[:, c]) for a, c in zip(axes, columns, strict=True)]
        found = []
        for n, (way, axis) in enumerate(self.ways):
            on = axes.index(axis)
            off = 1 - on
            inside = abs(shift[n, on]) <= bands[on]
            kept = lowered = None
            if abs(usual[on, on]) > bands[on]:
                whole = usual_drawn[:, on, on]
                told = whole != 0
                kept = drawn_estimate(shift[n, on] / usual[on, on], drawn[told, n, on] / whole[told])
                if not inside:
                    lowered = drawn_estimate(
                        min(1.0, abs(usual[on, off] / usual[on, on]))
                        - min(1.0, abs(shift[n, off] / shift[n, on])),
                        shares(usual_drawn[:, on, off], whole) - shares(drawn[:, n, off], drawn[:, n, on]),
                    )
            found.append(
                Decoupled(
                    way=way,
                    axis=axis,
                    domain=domain,
                    on_axis=drawn_estimate(shift[n, on], drawn[:, n, on]),
                    off_axis=drawn_estimate(shift[n, off], drawn[:, n, off]),
                    random_band=bands[on],
                    e=None
                    if inside
                    else clipped(shift[n, off] / shift[n, on], drawn[:, n, off], drawn[:, n, on]),
                    undefined="the change on the axis lies inside the band of random vectors"
                    if inside
                    else None,
                    lowered=lowered,
                    kept=kept,
                )
            )
        return tuple(found)


def _at(
    bench: Bench,
    size: float,
    vectors: Mapping[str, SteeringVector],
    ways: Ways,
    random: Way,
    count: int,
    seed: int,
) -> _Size:
    """Plain steps, the ways to part the axes and random steps at one size, on the scenarios that report."""
    at = bench.with_step(size)
    plain = [at.change(vector) for vector in vectors.values()]
    scaled = [{b: size / bench.step * v for b, v in step.items()} for step in ways.values()]
    measured = at.steps_both_ways([*plain, *scaled], bench.parts.report)
    both = 2 * len(plain)
    return _Size(
        measured.of(slice(0, both)),
        tuple(ways),
        measured.of(slice(both, None)),
        at.random_steps(vectors, bench.parts.report, count, seed, random),
    )


def _ratios(base: _Size, axes: tuple[str, ...]) -> dict[str, dict[str, float]]:
    columns = [base.plain.axes.index(a) for a in axes]
    return {
        steered: {axis: float(base.null[steered].ratio()[c]) for axis, c in zip(axes, columns, strict=True)}
        for steered in axes
    }


def _ways(
    bench: Bench,
    vectors: Mapping[str, SteeringVector],
    axes: tuple[str, ...],
    chosen: Response,
    states: Mapping[str, PairStates] | None,
    notes: list[str],
) -> Ways:
    """Steps that move one axis alone, as long as the plain ones; chosen where the report does not look."""
    ways: Ways = {}
    steps = {axis: bench.change(vector) for axis, vector in vectors.items()}
    matrix = np.array([[cell.value for cell in row] for row in chosen.matrix])
    for on, axis in enumerate(axes):
        other = axes[1 - on]
        ways["orthogonal", axis] = bench.change(orthogonal(vectors[axis], vectors[other]))
        try:
            order = [on, 1 - on]
            ways["inverse", axis] = from_inverse(steps[axis], steps[other], matrix[np.ix_(order, order)])
        except BadInputError as error:
            notes.append(f"{axis}, inverse: {error}")
        if states is not None:
            best = _best_penalty(bench, vectors[axis], states[other], on, axes)
            ways["penalised", axis] = bench.change(best)
    return ways


def _best_penalty(
    bench: Bench, plain: SteeringVector, off: PairStates, on: int, axes: tuple[str, ...]
) -> SteeringVector:
    """The penalty with the least change off the axis that keeps 80% of the change on it, where blocks are chosen."""
    tried = [plain, *(penalised(off, plain, strength) for strength in STRENGTHS)]
    measured = bench.both_signs(tried, bench.parts.choose)
    columns = [measured.axes.index(a) for a in axes]
    shift = halves(measured.means())[:, columns]
    if shift[0, on] <= 0:
        return plain  # a vector that moves its axis the wrong way has nothing to keep
    keeps = shift[:, on] >= 0.8 * shift[0, on]
    off_axis = np.where(keeps, np.abs(shift[:, 1 - on]), np.inf)
    return tried[int(np.argmin(off_axis))]


def _half_draws(measured: Measured, seed: int) -> Floats:
    drawn = measured.draws(seed=seed)
    half: Floats = (drawn[:, 0::2] - drawn[:, 1::2]) / 2
    return half


def human_slopes() -> dict[str, float]:
    """The axes over societies: correlation, and both slopes (least squares)."""
    from culturescope.people.projection import fit_projection

    people = fit_projection().people
    places = np.array([(s.x, s.y) for s in people.societies.values()])
    covariance = np.cov(places.T)
    return {
        "r": float(np.corrcoef(places.T)[0, 1]),
        "y_on_x": float(covariance[0, 1] / covariance[0, 0]),
        "x_on_y": float(covariance[0, 1] / covariance[1, 1]),
    }
