"""Places of runs over the same scenarios: coordinates, distances to societies, what differs, and in which order they stand.

A place is linear in the scenarios' values v: with the slopes L of the map (per item) x = c + mean(10 L v), and the mean is
the balanced one of `stats.crossed_interval`. So any combination sum_k a_k . p_k of places has the interval of the mean of
sum_k 10 (a_k . L) v_k, scenario by scenario and wording by wording: what the runs share cancels. A difference of distances to
a society q is that combination with a_k = +-(p_k - q) / |p_k - q|, to first order.

The error of the map is common to all runs. It enters a combination with sum_k a_k sqrt(1 + h_k), h_k the leverage of the
place, and is joined to the interval as the root of the sum of squares (see `stats.intervals`).

Ranks: run i is nearer than run j where the interval of their difference lies below zero at the level 1 - 0.05 / (number of
pairs). A run's rank is between one more than the runs that are nearer, and all less those that are farther: with Bonferroni's
level all ranks hold together in 95% of cases, whatever ties there are (a bootstrap of ranks does not: Hall and Miller 2009,
"Using the bootstrap to quantify the authority of an empirical ranking", Annals of Statistics 37, 3929-3959).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from culturescope.probing.aggregate import codes
from culturescope.probing.results import Estimate
from culturescope.probing.scores import Scores
from culturescope.stats import crossed_interval

if TYPE_CHECKING:
    from culturescope.people import Conversion, Placement, Projection

Floats = NDArray[np.float64]
LEVEL = 0.95
CORNERS = 1440


@dataclass(frozen=True, eq=False)
class Places:
    """Runs on one map, scenario by scenario.

    Args:
        points: places (K x 2), order x, y.
        moves: what each scenario and wording adds to a place, before the mean (K x S x W x 2).
        scale: sqrt(1 + leverage) of each place (K).
        items: item of each scenario (S).
        cells: item and domain of each scenario (S).
        projection: the map.
        seed: of the bootstrap.
    """

    points: Floats
    moves: Floats
    scale: Floats
    items: tuple[str, ...]
    cells: tuple[str, ...]
    projection: Projection
    seed: int = 42

    @classmethod
    def of(
        cls,
        scores: Sequence[Scores],
        conversion: Conversion,
        projection: Projection | None = None,
        seed: int = 42,
    ) -> Places | None:
        """The places of runs whose scores are aligned; None where an item of the map is missing."""
        from culturescope.people import conversion_of, fit_projection
        from culturescope.people.joint import joint_means

        projection = projection or fit_projection()
        lines = conversion_of(conversion, projection)
        ids = projection.people.item_ids
        rows = [n for n, item in enumerate(scores[0].items) if item in ids]
        items = tuple(scores[0].items[n] for n in rows)
        if set(items) != set(ids):
            return None
        cells = tuple(scores[0].cells[n] for n in rows)
        values = np.stack([(one.d if lines.measure == "d" else one.s)[rows] for one in scores])
        measured = np.empty((len(scores), len(ids)))
        measured[:, [ids.index(i) for i in sorted(ids)]] = joint_means(values, items, cells)
        means = lines.values(measured)
        loadings = len(ids) * (lines.gain[:, None] * projection.slopes)
        per_scenario = loadings[[ids.index(item) for item in items]]
        return cls(
            points=np.asarray(projection.project(means)),
            moves=values[..., None] * per_scenario[None, :, None, :],
            scale=np.sqrt([1 + projection.leverage(one) for one in means]),
            items=items,
            cells=cells,
            projection=projection,
            seed=seed,
        )

    def combination(self, parts: Mapping[int, Floats], level: float = LEVEL) -> tuple[float, float]:
        """How far below and above its value sum_k a_k . p_k may lie.

        Args:
            parts: number of a run to its a_k (2).
            level: of the interval.
        """
        from scipy.special import stdtrit

        values = np.asarray(sum(self.moves[k] @ a for k, a in parts.items()))
        found = crossed_interval(values, codes(self.items), codes(self.cells), level=level, seed=self.seed)
        along = np.asarray(sum(self.scale[k] * a for k, a in parts.items()))
        error = float(along @ self.projection.covariance @ along)
        half = float(stdtrit(self.projection.freedom, (1 + level) / 2)) * np.sqrt(max(error, 0.0))
        return float(np.hypot(found.value - found.low, half)), float(np.hypot(found.high - found.value, half))

    def coordinate(self, run: int, axis: int, less: int | None = None) -> Estimate:
        """x (axis 0) or y (axis 1) of a run, or that less the same of another run."""
        unit = np.eye(2)[axis]
        parts = {run: unit} if less is None else {run: unit, less: -unit}
        value = float(self.points[run][axis] - (0.0 if less is None else self.points[less][axis]))
        return _around(value, self.combination(parts))

    def nearer(self, first: int, second: int, point: Floats, level: float = LEVEL) -> Estimate:
        """Distance of the run `second` to a point less that of the run `first`."""
        away = self.points[[first, second]] - point
        lengths = np.sqrt((away**2).sum(axis=1))
        # At the point itself a distance has no direction: any one will do, and the way between the runs is the widest.
        between = self.points[second] - self.points[first]
        spare = between / np.hypot(*between) if between.any() else np.array([1.0, 0.0])
        units = [a / n if n > 1e-9 else spare for a, n in zip(away, lengths, strict=True)]
        reach = self.combination({first: -units[0], second: units[1]}, level)
        return _around(float(lengths[1] - lengths[0]), reach)


def distance_of(place: Placement, point: Floats) -> Estimate:
    """Distance of a place to a point, with the distances that its 95% ellipse allows: they hold for all points at once."""
    centre = np.array([place.x, place.y])
    values, axes = np.linalg.eigh(np.array(place.covariance))
    half = np.sqrt(np.maximum(values, 0.0) * place.radius2)
    angles = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    edge = np.column_stack([np.cos(angles), np.sin(angles)]) * half @ axes.T + centre
    reach = np.sqrt(((edge - point) ** 2).sum(axis=1))
    offset = axes.T @ (np.asarray(point) - centre)
    within = bool(half.all() and ((offset / half) ** 2).sum() <= 1)
    value = float(np.hypot(*(centre - point)))
    low = 0.0 if within else float(min(reach.min(), value))
    return Estimate(value=value, low=low, high=float(max(reach.max(), value)))


def ranks(places: Places, chosen: Sequence[int], point: Floats) -> dict[int, tuple[int, int, int]]:
    """Rank by distance to a point, lowest and highest rank, of the chosen runs; all hold together at 95%."""
    lengths = {k: float(np.hypot(*(places.points[k] - point))) for k in chosen}
    pairs = len(chosen) * (len(chosen) - 1) // 2
    nearer = dict.fromkeys(chosen, 0)
    farther = dict.fromkeys(chosen, 0)
    for n, i in enumerate(chosen):
        for j in chosen[n + 1 :]:
            found = places.nearer(i, j, point, level=1 - (1 - LEVEL) / pairs)
            if found.low > 0:
                nearer[j] += 1
                farther[i] += 1
            elif found.high < 0:
                nearer[i] += 1
                farther[j] += 1
    order = sorted(chosen, key=lambda k: lengths[k])
    return {k: (order.index(k) + 1, 1 + nearer[k], len(chosen) - farther[k]) for k in chosen}


def _around(value: float, reach: tuple[float, float]) -> Estimate:
    return Estimate(value=value, low=value - reach[0], high=value + reach[1])
