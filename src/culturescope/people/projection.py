"""From ten item means to the map: a linear fit on societies, by least squares, with the error of a new place.

(x, y) = [1, m] B + e, where m are the raw means of the ten items. B is fitted on the societies that have all ten means
and a position of the same survey year. Models are never in the fit.

The error of a new place is that of a society's official position: with the covariance C of the leave-one-out residuals
and the leverage h(m) = [1, m] (A'A)^-1 [1, m]', it is C (1 + h). C already holds the leverage of an ordinary society, so
this is slightly too wide inside the societies; far outside of them h takes over.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.people.tables import People, check_item_value, load_people

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Projection:
    """The fitted map.

    Args:
        people: the tables behind it.
        codes: societies of the fit (n).
        means: their raw item means (n x 10).
        positions: their official positions, x and y (n x 2).
        coefficients: intercept first (11 x 2).
        r2: of x and y.
        residuals: leave-one-out residuals, official less predicted (n x 2).
        inverse: (A'A)^-1 of the fit (11 x 11).
    """

    people: People
    codes: tuple[str, ...]
    means: Floats
    positions: Floats
    coefficients: Floats
    r2: tuple[float, float]
    residuals: Floats
    inverse: Floats

    @property
    def loo_rmse(self) -> tuple[float, float]:
        """Leave-one-out error of x and y: root of the mean square."""
        x, y = np.sqrt((self.residuals**2).mean(axis=0))
        return float(x), float(y)

    @property
    def covariance(self) -> Floats:
        """Mean products of the leave-one-out residuals (2 x 2, order x, y)."""
        return np.asarray(self.residuals.T @ self.residuals / len(self.codes))

    @property
    def freedom(self) -> int:
        """Degrees of freedom behind the covariance: societies less coefficients."""
        return len(self.codes) - len(self.coefficients)

    @property
    def slopes(self) -> Floats:
        """Change of (x, y) with each item's raw mean (10 x 2)."""
        return self.coefficients[1:]

    def project(self, means: Floats) -> Floats:
        """Places (2) or (n x 2) of raw item means (10) or (n x 10), whatever their range."""
        return np.asarray(self.coefficients[0] + means @ self.slopes)

    def leverage(self, means: Floats) -> float:
        """Leverage h of raw item means (10): how far they lie from those of the societies."""
        at = np.concatenate([[1.0], means])
        return float(at @ self.inverse @ at)

    def error(self, means: Floats) -> Floats:
        """Covariance (2 x 2) of the projection's error at raw item means (10)."""
        return np.asarray(self.covariance * (1 + self.leverage(means)))

    def resampled(self, means: Floats, count: int, rng: np.random.Generator) -> Floats:
        """Bootstrap of that error (count x 2): leave-one-out residuals drawn with replacement, leverage included."""
        drawn = self.residuals[rng.integers(len(self.residuals), size=count)]
        return np.asarray(drawn * np.sqrt(1 + self.leverage(means)))

    def place(self, means: Mapping[str, float]) -> tuple[float, float]:
        """The place (x, y) of ten raw item means.

        Raises:
            BadInputError: an item is missing or unknown, or a value lies outside of its range.
        """
        x, y = self.project(self.vector(means))
        return float(x), float(y)

    def vector(self, means: Mapping[str, float]) -> Floats:
        """Item means in the order of the fit, checked.

        Raises:
            BadInputError: as `place`.
        """
        missing = [i for i in self.people.item_ids if i not in means]
        unknown = [i for i in means if i not in self.people.item_ids]
        if missing or unknown:
            raise BadInputError(
                "the map needs the means of all ten items; "
                + "; ".join(
                    f"{what}: {', '.join(ids)}"
                    for what, ids in (("missing", missing), ("unknown", unknown))
                    if ids
                )
            )
        return np.array([check_item_value(i, float(means[i.id])) for i in self.people.items])


@functools.lru_cache(maxsize=4)
def fit_projection(people: People | None = None, *, include_left_out: bool = False) -> Projection:
    """Fits the map on the societies with all ten item means and a position of the same survey year.

    Args:
        people: tables; by default those of the package.
        include_left_out: also use the societies that the tables set aside, to see what that changes.

    Raises:
        BadInputError: fewer than 20 societies can be used.
    """
    people = people or load_people()
    used = [
        (m, p)
        for m in people.complete()
        if (p := people.position(m.code, m.year)) is not None
        and (include_left_out or m.code not in people.left_out)
    ]
    if len(used) < 20:
        raise BadInputError(f"the map needs 20 societies with all ten items, these tables have {len(used)}")
    means = np.array([[m.means[i] for i in people.item_ids] for m, _ in used])
    positions = np.array([[p.x, p.y] for _, p in used])
    design = np.column_stack([np.ones(len(used)), means])
    coefficients = np.linalg.lstsq(design, positions, rcond=None)[0]
    inverse = np.linalg.inv(design.T @ design)
    residuals = positions - design @ coefficients
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    r2 = 1 - (residuals**2).sum(axis=0) / ((positions - positions.mean(axis=0)) ** 2).sum(axis=0)
    return Projection(
        people=people,
        codes=tuple(m.code for m, _ in used),
        means=means,
        positions=positions,
        coefficients=coefficients,
        r2=(float(r2[0]), float(r2[1])),
        residuals=residuals / (1 - leverage)[:, None],
        inverse=inverse,
    )
