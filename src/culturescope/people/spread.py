"""How sure a place is: covariance over scenarios, wordings and the map itself, and the radius of its ellipse.

The place is linear in the scenarios' values: (x, y) = c + sum_s w_s v_s with w_s (2). So with the strata of the
intervals (`stats.strata`; variance sd_h^2, f_h degrees of freedom):

- scenarios: A = sum_s w_s w_s' sd_h^2. It is exact for the bootstrap within cells.
- wordings, shared by all items and crossed with scenarios, so that items covary: B = cov_w(place under wording w) / W less
  the scenario x wording interaction that A holds already. Two or three wordings say little about the shape of B, so half
  of it is taken from the shape of S = A + P: B' = B / 2 + tr(S^-1 B) S / 4.
- the map: P, errors of the projection and, where there is one, of the calibration.

covariance = S + B'. The ellipse of 95% holds S at the radius 2 F(2, f) and B' at t(W - 1)^2 / 0.75: squared radius = the
largest eigenvalue of covariance^-1 (2 F S + t^2 / 0.75 B'). f is Welch's, over the strata and the errors of the map, in the
metric of S. The factor 0.75 makes the ellipse exact for wordings that move a place along one line, and more than enough
for wordings that move it in any direction.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from culturescope.people.placement import Placement
from culturescope.stats.strata import Design

Floats = NDArray[np.float64]
Error = tuple[Floats, float]
"""A covariance (2 x 2) and the degrees of freedom behind it."""
LEVEL = 0.95


def spread_of(design: Design, weights: Floats, errors: Sequence[Error]) -> tuple[Floats, float]:
    """Covariance (2 x 2) of a place and the squared radius of its ellipse.

    Args:
        design: scenarios, wordings and strata.
        weights: what each scenario's mean adds to x and y (S x 2), in the design's order.
        errors: of the map.
    """
    from scipy.special import stdtrit

    squares = _squares(design, weights)
    parts = squares * design.variance()[:, None, None]
    sure, radius = pooled([*zip(parts, design.freedom, strict=True), *errors])
    if design.wordings == 1:
        return sure, radius
    between = np.cov(weights.T @ design.values)
    extra = np.einsum("hij,h->ij", squares, design.interaction())
    values, axes = np.linalg.eigh((between - extra) / design.wordings)
    wordings = (axes * np.maximum(values, 0.0)) @ axes.T
    wordings = wordings / 2 + np.trace(np.linalg.solve(sure, wordings)) * sure / 4
    t2 = float(stdtrit(design.wordings - 1, (1 + LEVEL) / 2)) ** 2 / 0.75
    covariance = sure + wordings
    wide = np.linalg.solve(covariance, radius * sure + t2 * wordings)
    return covariance, float(np.linalg.eigvals(wide).real.max())


def pooled(errors: Sequence[Error]) -> tuple[Floats, float]:
    """The sum of independent errors, and the squared radius of its ellipse with Welch's degrees of freedom."""
    parts, f = np.array([part for part, _ in errors]), np.array([freedom for _, freedom in errors])
    whole = parts.sum(axis=0)
    shares = np.einsum("ij,hji->h", np.linalg.inv(whole), parts)
    return whole, radius_squared(float(np.clip(4 / (shares**2 / (f + 2)).sum() - 2, f.min(), f.sum())))


def resampled(design: Design, weights: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Bootstrap of a place over scenarios (within strata) and wordings: offsets (count x 2) from the place.

    Scenarios and wordings are drawn with replacement, deviations rescaled for small samples as in the intervals of d.
    The scenario x wording interaction, which both hold, is taken out of the wordings' share.
    """
    deviations = design.deviations()
    offsets = np.zeros((count, 2))
    for stratum in range(len(design.freedom)):
        inside = np.flatnonzero(design.stratum == stratum)
        drawn = rng.integers(len(inside), size=(count, len(inside)))
        offsets += deviations[inside][drawn] @ weights[inside]
    if design.wordings > 1:
        places = (weights.T @ design.values).T
        apart = (places - places.mean(axis=0)) * np.sqrt(design.wordings / (design.wordings - 1))
        between = np.trace(np.cov(places.T))
        extra = float(np.einsum("hii,h->", _squares(design, weights), design.interaction()))
        share = max(0.0, 1 - extra / between) if between > 0 else 0.0
        drawn = rng.integers(design.wordings, size=(count, design.wordings))
        offsets += np.sqrt(share) * apart[drawn].mean(axis=1)
    return offsets


def radius_squared(freedom: float) -> float:
    """Squared radius 2 F(2, f) of a 95% ellipse whose covariance is known up to a factor with f degrees of freedom.

    F(2, f) has the quantile (f / 2) ((1 - level)^(-2 / f) - 1).
    """
    return float(freedom * np.expm1(-2 / freedom * np.log(1 - LEVEL)))


def holds_null(placement: Placement) -> bool:
    """Whether the ellipse of a place holds a model without values: the uniform one, or in single orders any letter bias.

    In single orders these lie on a line through the uniform null (see `Placement.letters`).
    """
    offset, covariance = np.array(placement.displacement), np.array(placement.covariance)
    if np.linalg.det(covariance) <= 0:
        return not offset.any()
    along = np.array(placement.letters or (0.0, 0.0))
    if along.any():
        unit = np.linalg.solve(covariance, along)
        reach = 1.0 if placement.conversion == "paper" else np.inf
        offset = offset - np.clip(unit @ offset / (unit @ along), -reach, reach) * along
    return distance_squared(offset, covariance) <= placement.radius2


def distance_squared(offset: Floats, covariance: Floats) -> float:
    """Squared distance of an offset (2) in the metric of a covariance."""
    return float(offset @ np.linalg.solve(covariance, offset))


def _squares(design: Design, weights: Floats) -> Floats:
    """Sum of w w' in each stratum (strata x 2 x 2)."""
    squares = np.zeros((len(design.freedom), 2, 2))
    np.add.at(squares, design.stratum, weights[:, :, None] * weights[:, None, :])
    return squares
