"""How much of a steering step goes off its axis: response matrix J and entanglement E, each beside its control.

J[i, j] is the change of axis i (mean d) for one unit of the coefficient of vector j, from both signs: (d_i(+a) - d_i(-a)) / 2a.
E_j = min(1, |J[off, j]| / |J[on, j]|). The ratio of two independent noises is 0.72 on average, so E is undefined where the
change on the axis stays inside the band of random vectors, and the E of those vectors stands beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.experiments.steer.controls import Controls
from culturescope.experiments.steer.coordinates import places_of
from culturescope.experiments.steer.measuring import Measured
from culturescope.experiments.steer.results import (
    Drawn,
    Entanglement,
    EntanglementTable,
    Response,
    drawn_estimate,
)
from culturescope.stats.resampling import random_band

Floats = NDArray[np.float64]


def signed_changes(measured: Measured) -> Floats:
    """(steps, axes): change n was measured with + at 2n and with - at 2n + 1.

    Raises:
        BadInputError: an odd number of changes.
    """
    return halves(measured.means())


def halves(by_change: Floats) -> Floats:
    """Half the difference between the two signs of every step, first dimension (2 x steps) to (steps).

    Raises:
        BadInputError: an odd number of changes.
    """
    if len(by_change) % 2:
        raise BadInputError("signed changes need every step with both signs")
    half: Floats = (by_change[0::2] - by_change[1::2]) / 2
    return half


def entanglement_of(
    measured: Measured,
    random: Controls | Mapping[str, Controls],
    steered: Sequence[str],
    *,
    domain: str | None = None,
    resamples: int = 2000,
    seed: int = 42,
) -> EntanglementTable:
    """Entanglement of one step along each of two axes.

    Args:
        measured: changes (+ step of the first axis, - step, + step of the second, - step).
        random: random steps of the same norm on the same scenarios; for each axis, if its steps differ.
        steered: ids of the two axes in the order of the steps.
        domain: label of the domain that the scenarios are from, or None.
        resamples: bootstrap draws over scenarios.
        seed: of the draws.

    Raises:
        BadInputError: the changes are not two steps with both signs, or an axis was not measured.
    """
    if len(measured.d) != 4 or len(steered) != 2 or any(a not in measured.axes for a in steered):
        raise BadInputError(
            "entanglement needs both signs of one step along each of two axes that were measured"
        )
    columns = [measured.axes.index(a) for a in steered]
    for axis, column in zip(steered, columns, strict=True):
        if (measured.axis == column).sum() < 2:
            raise BadInputError(f"axis {axis} has fewer than two scenarios: its response has no interval")
    shift = signed_changes(measured)[:, columns]  # (step, measured axis)
    drawn = measured.draws(resamples, seed)[:, :, columns]
    drawn = (drawn[:, 0::2] - drawn[:, 1::2]) / 2  # (draws, step, measured axis)
    found = []
    for on, axis in enumerate(steered):
        off = 1 - on
        controls = random if isinstance(random, Controls) else random[axis]
        null = controls.changes()[:, columns]  # (vectors, measured axis)
        band = random_band(null[:, on])
        inside = abs(shift[on, on]) <= band
        ratio = shift[on, off] / shift[on, on] if shift[on, on] else np.inf
        wrong = _wrong_way(measured, on, columns[on])
        found.append(
            Entanglement(
                axis=axis,
                domain=domain,
                on_axis=drawn_estimate(shift[on, on], drawn[:, on, on]),
                off_axis=drawn_estimate(shift[on, off], drawn[:, on, off]),
                random_band=band,
                off_band=random_band(null[:, off]),
                e=None if inside else clipped(ratio, drawn[:, on, off], drawn[:, on, on]),
                undefined="the change on the axis lies inside the band of random vectors" if inside else None,
                sign=0 if inside else int(np.sign(ratio)),
                random_e=float(np.median(shares(null[:, off], null[:, on]))),
                wrong_way=wrong,
            )
        )
    told = {e.axis for e in found if e.e is not None}
    return EntanglementTable(
        steered=tuple(steered),
        entanglements=tuple(found),
        map=_on_map(measured, steered, told, resamples, seed),
    )


def clipped(ratio: float, off: Floats, on: Floats) -> Drawn:
    """E = min(1, |off / on|) with its percentile interval."""
    return drawn_estimate(min(1.0, abs(ratio)), shares(off, on))


def shares(off: Floats, on: Floats) -> Floats:
    """min(1, |off / on|), 1 where nothing changes on the axis."""
    found: Floats = np.minimum(1.0, np.divide(np.abs(off), np.abs(on), out=np.ones_like(on), where=on != 0))
    return found


def response_matrix(
    measured: Measured,
    steered: Sequence[str],
    alphas: Mapping[str, float],
    *,
    resamples: int = 2000,
    seed: int = 42,
) -> Response:
    """J with bootstrap intervals: rows are the axes measured, columns those steered, both in the order of `steered`.

    Args:
        measured: as for `entanglement_of`.
        steered: ids of the axes in the order of the steps.
        alphas: axis to the coefficient of its step.
        resamples: bootstrap draws over scenarios.
        seed: of the draws.

    Raises:
        BadInputError: a coefficient is zero, or the changes do not fit.
    """
    if any(alphas[a] == 0 for a in steered):
        raise BadInputError("a response needs a step: the coefficients must not be 0")
    columns = [measured.axes.index(a) for a in steered]
    unit = np.array([alphas[a] for a in steered])
    matrix = (signed_changes(measured)[:, columns] / unit[:, None]).T
    drawn = measured.draws(resamples, seed)[:, :, columns]
    drawn = np.transpose((drawn[:, 0::2] - drawn[:, 1::2]) / 2 / unit[None, :, None], (0, 2, 1))
    cells = tuple(
        tuple(drawn_estimate(matrix[i, j], drawn[:, i, j]) for j in range(len(steered)))
        for i in range(len(steered))
    )
    condition = float(np.linalg.cond(matrix))
    return Response(
        axes=tuple(steered), matrix=cells, condition=condition if np.isfinite(condition) else None
    )


def _wrong_way(measured: Measured, step: int, column: int) -> float:
    """Share of the axis's scenarios whose signed change is negative."""
    by_scenario = halves(measured.d.mean(axis=2))[step, measured.axis == column]
    return float((by_scenario < 0).mean())


def _on_map(
    measured: Measured, steered: Sequence[str], told: Set[str], resamples: int, seed: int
) -> dict[str, Drawn] | None:
    """E on the map's coordinates by axis, where E on d is told.

    None where an item of the map was not measured, or in a single scenario, whose spread nobody knows.
    """
    from culturescope.people.projection import fit_projection

    items, means = measured.item_means()
    counts = Counter(s.item for s in measured.scenarios)
    if set(steered) != {"X", "Y"} or any(counts[i] < 2 for i in fit_projection().people.item_ids):
        return None
    place = {"X": 0, "Y": 1}
    shift = halves(places_of(items, means))
    drawn = places_of(items, measured.item_draws(resamples, seed))
    drawn = (drawn[:, 0::2] - drawn[:, 1::2]) / 2
    found = {}
    for step, axis in enumerate(steered):
        if axis in told:
            on, off = place[axis], 1 - place[axis]
            value = float(shares(shift[step : step + 1, off], shift[step : step + 1, on])[0])
            found[axis] = drawn_estimate(value, shares(drawn[:, step, off], drawn[:, step, on]))
    return found
