"""Entanglement of two fitted vectors, by domain too, beside random steps, people and the projection; and ways to part them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.experiments.steer.bench import Bench
from culturescope.experiments.steer.coordinates import projection_entanglement
from culturescope.experiments.steer.decouple import from_inverse, orthogonal, penalised
from culturescope.experiments.steer.entangle import clipped, entanglement_of, halves, response_matrix
from culturescope.experiments.steer.measuring import Measured
from culturescope.experiments.steer.results import Decoupled, EntangleStudy, Response, drawn_estimate
from culturescope.stats.resampling import random_band

if TYPE_CHECKING:
    from culturescope.models.resuming import Change
    from culturescope.steering.fitting import PairStates
    from culturescope.steering.vector import SteeringVector

Floats = NDArray[np.float64]
RANDOM_STEPS = 20
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)
"""Penalties tried on the scenarios that choose."""


def entangle(
    bench: Bench,
    vectors: Mapping[str, SteeringVector],
    *,
    states: Mapping[str, PairStates] | None = None,
    random: int = RANDOM_STEPS,
    others: Sequence[float] = (),
    seed: int = 42,
) -> EntangleStudy:
    """Entanglement of the vectors of two axes, by domain too, and three ways to part them.

    Args:
        bench: the model and its scenarios.
        vectors: axis to its vector; both with the same blocks.
        states: axis to contrast pairs (of the fitting part), for the penalised way; left out without them.
        random: random steps beside each effect.
        others: sizes of further steps, in the bench's unit.
        seed: of random steps and bootstrap.

    Raises:
        BadInputError: not two axes, different blocks, or too few random steps.
    """
    axes = tuple(vectors)
    if len(axes) != 2 or vectors[axes[0]].blocks != vectors[axes[1]].blocks:
        raise BadInputError("entanglement needs vectors of two axes with the same blocks")
    if random < RANDOM_STEPS:
        raise BadInputError(f"at least {RANDOM_STEPS} random steps are needed, not {random}")
    report = bench.parts.report
    bench.say("both axes and random steps, on the scenarios that report")
    found = bench.both_signs([vectors[a] for a in axes], report)
    null = bench.random_steps(vectors, report, random, seed)
    unit = dict.fromkeys(axes, bench.step)
    tables, notes = [], []
    for domain in bench.pack.domains:
        try:
            tables.append(
                entanglement_of(
                    found.among(lambda s, d=domain: s.domain == d),  # type: ignore[misc]
                    {a: n.among(lambda s, d=domain: s.domain == d) for a, n in null.items()},  # type: ignore[misc]
                    axes,
                    domain=domain,
                    seed=seed,
                )
            )
        except (BadInputError, ValueError) as error:
            notes.append(f"{domain}: not estimable ({error})")
    bench.say("response on the scenarios that choose, and three ways to part the axes")
    chosen = response_matrix(
        bench.both_signs([vectors[a] for a in axes], bench.parts.choose), axes, unit, seed=seed
    )
    by_step = {}
    for step in others:
        bench.say(f"steps of {bench.unit} {step:g}, with random steps as long")
        at = bench.with_step(step)
        by_step[f"{step:g}"] = entanglement_of(
            at.both_signs([vectors[a] for a in axes], report),
            at.random_steps(vectors, report, random, seed),
            axes,
            seed=seed,
        )
    decoupled = _decoupled(bench, vectors, axes, chosen, found, null, states, notes, seed)
    first, second = (vectors[a] for a in axes)
    return EntangleStudy(
        step=bench.step,
        unit=bench.unit,
        overall=entanglement_of(found, null, axes, seed=seed),
        domains=tuple(tables),
        response=response_matrix(found, axes, unit, seed=seed),
        cosine={b: first.cosine(second, b) for b in first.blocks},
        human=human_slopes(),
        projection=projection_entanglement(),
        decoupled=tuple(decoupled),
        by_step=by_step,
        notes=tuple(notes),
    )


def _decoupled(
    bench: Bench,
    vectors: Mapping[str, SteeringVector],
    axes: tuple[str, ...],
    chosen: Response,
    plain: Measured,
    null: Mapping[str, Measured],
    states: Mapping[str, PairStates] | None,
    notes: list[str],
    seed: int,
) -> list[Decoupled]:
    ways: dict[tuple[str, str], Change] = {}
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
    if not ways:
        return []
    measured = bench.steps_both_ways(list(ways.values()), bench.parts.report)
    columns = [measured.axes.index(a) for a in axes]
    shift, drawn = halves(measured.means())[:, columns], _half_draws(measured, seed)[:, :, columns]
    usual, usual_drawn = halves(plain.means())[:, columns], _half_draws(plain, seed)[:, :, columns]
    bands = [random_band(halves(null[a].means())[:, c]) for a, c in zip(axes, columns, strict=True)]
    found = []
    for n, (way, axis) in enumerate(ways):
        on = axes.index(axis)
        off = 1 - on
        inside = abs(shift[n, on]) <= bands[on]
        kept = None
        if abs(usual[on, on]) > bands[on]:
            kept = drawn_estimate(shift[n, on] / usual[on, on], drawn[:, n, on] / usual_drawn[:, on, on])
        found.append(
            Decoupled(
                way=way,
                axis=axis,
                on_axis=drawn_estimate(shift[n, on], drawn[:, n, on]),
                off_axis=drawn_estimate(shift[n, off], drawn[:, n, off]),
                random_band=bands[on],
                e=None
                if inside
                else clipped(shift[n, off] / shift[n, on], drawn[:, n, off], drawn[:, n, on]),
                undefined="the change on the axis lies inside the band of random vectors" if inside else None,
                kept=kept,
            )
        )
    return found


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
