"""How sure a place is: covariance over scenarios, wordings and the projection, and the radius of its ellipse.

The place is linear in the scenarios' values: (x, y) = c + sum_s w_s v_s with w_s (2). So with the strata of the
intervals (`stats.strata`; variance sd_h^2, f_h degrees of freedom):

- scenarios: A = sum_s w_s w_s' sd_h^2. It is exact for the bootstrap within cells.
- wordings, shared by all items and crossed with scenarios, so that items covary: B = cov_w(place under wording w) / W less
  the scenario x wording interaction that A holds already. Two or three wordings say little about the shape of B, so half
  of it is taken from the shape of S = A + P: B' = B / 2 + tr(S^-1 B) S / 4.
- projection: P, see `projection`.

covariance = S + B'. The ellipse of 95% holds S at the radius 2 F(2, f) and B' at t(W - 1)^2 / 0.75: squared radius = the
largest eigenvalue of covariance^-1 (2 F S + t^2 / 0.75 B'). f is Welch's, over the strata and the projection, in the
metric of S. The factor 0.75 makes the ellipse exact for wordings that move a place along one line, and more than enough
for wordings that move it in any direction.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from culturescope.stats.strata import Design

Floats = NDArray[np.float64]
LEVEL = 0.95


def spread_of(design: Design, weights: Floats, error: Floats, freedom: int) -> tuple[Floats, float]:
    """Covariance (2 x 2) of a place and the squared radius of its ellipse.

    Args:
        design: scenarios, wordings and strata.
        weights: what each scenario's mean adds to x and y (S x 2), in the design's order.
        error: covariance of the projection (2 x 2).
        freedom: degrees of freedom behind it.
    """
    from scipy.special import stdtrit

    squares = np.zeros((len(design.freedom), 2, 2))
    np.add.at(squares, design.stratum, weights[:, :, None] * weights[:, None, :])
    parts = squares * design.variance()[:, None, None]
    sure = parts.sum(axis=0) + error
    shares = np.append(np.einsum("ij,hji->h", np.linalg.inv(sure), parts), 0.0)
    shares[-1] = 2 - shares.sum()
    f = np.append(design.freedom, freedom)
    radius = radius_squared(float(np.clip(4 / (shares**2 / (f + 2)).sum() - 2, f.min(), f.sum())))
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


def radius_squared(freedom: float) -> float:
    """Squared radius 2 F(2, f) of a 95% ellipse whose covariance is known up to a factor with f degrees of freedom.

    F(2, f) has the quantile (f / 2) ((1 - level)^(-2 / f) - 1).
    """
    return float(freedom * np.expm1(-2 / freedom * np.log(1 - LEVEL)))


def freedom_of(radius2: float) -> float:
    """The degrees of freedom that give a squared radius; infinite at or below that of the normal distribution."""
    from scipy.optimize import brentq

    if radius2 <= radius_squared(1e6):
        return float("inf")
    return float(brentq(lambda f: radius_squared(f) - radius2, 0.05, 1e6))


def draws(place: Floats, covariance: Floats, radius2: float, count: int, seed: int) -> Floats:
    """Draws (count x 2) of Student's t in two dimensions, 95% of which lie in the ellipse."""
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal((count, 2)) @ np.linalg.cholesky(covariance).T
    f = freedom_of(radius2)
    scale = 1.0 if np.isinf(f) else np.sqrt(f / rng.chisquare(f, count))[:, None]
    return np.asarray(place + normal * scale)


def distance_squared(offset: Floats, covariance: Floats) -> float:
    """Squared distance of an offset (2) in the metric of a covariance."""
    return float(offset @ np.linalg.solve(covariance, offset))
