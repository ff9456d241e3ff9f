"""The quality budget of an aim: what each place uses of it, and where its edge lies.

Quality is lost about as the square of a step's length, more in some directions than in others. So the share of the budget that
was used at the places tried is described by a quadratic form x'Qx (x: coefficients in units of their limits), drawn towards
one that is the same in all directions while little is known; what was measured near the edge counts most. The solver looks
for its steps inside of x'Qx <= 1, and a place that uses more than was expected is drawn back towards no steering.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Spend = Callable[[Floats], float]
"""Coefficients (k) to the share of the quality budget that they use; above 1, or NaN, is refused."""

EDGE = 0.985
"""Share of the budget that proposed steps may use: a place a little inside is allowed, one a little outside is lost."""
_TRIES = 3
_TELLING = 0.25
"""A smaller share of the budget says little about where its edge lies."""
_PRIOR = 0.003
_UNKNOWN = 2.0
"""Share counted where a place is refused and nobody knows by how much."""


class QualityBudget:
    """What is known of a budget, and how much of it was asked for.

    Args:
        spend: tells what a place uses; None where only refusals are known (see `refuse`).
        cap: (k), limits of the coefficients.
    """

    def __init__(self, spend: Spend | None, cap: Floats) -> None:
        self._spend, self._cap = spend, cap
        self._seen: list[tuple[Floats, float]] = []
        self.asked = 0

    def inside(self, proposed: Floats) -> tuple[Floats, float | None, bool]:
        """The place itself, or one on the way from it to no steering that the budget allows.

        Returns:
            coefficients, the share that they use (None where nobody asks for it, NaN where nothing tells), and whether they
            are allowed: after a few tries none may be.
        """
        if self._spend is None:
            return proposed, None, True
        at, used = proposed, self._ask(proposed)
        for _ in range(_TRIES):
            if used <= 1:
                break
            # Nothing written at all lies outside, nobody knows how far.
            at = at * (float(np.clip(np.sqrt(EDGE / used), 0.5, 0.98)) if np.isfinite(used) else 0.5)
            used = self._ask(at)
        return at, used, used <= 1

    def refuse(self, at: Floats) -> None:
        """A place was refused for another reason (letter mass): the edge lies before it."""
        self._seen.append((at / self._cap, _UNKNOWN))

    def form(self) -> Floats | None:
        """Q (k, k), positive definite; None where no place has told anything of the edge yet."""
        told = [(x, used) for x, used in self._seen if used > _TELLING and x @ x > 0]
        if not told:
            return None
        size = len(self._cap)
        rows, columns = np.triu_indices(size)
        twice = np.where(rows == columns, 1.0, 2.0)
        steepness = np.array([used / (x @ x) for x, used in told])
        weights = np.exp(-(np.log([used for _, used in told]) ** 2))
        weights = weights / weights.sum()
        alike = float(weights @ steepness) * np.eye(size)
        directions = np.stack([x / np.linalg.norm(x) for x, _ in told])
        design = directions[:, rows] * directions[:, columns] * twice
        left = np.concatenate(
            [np.sqrt(weights)[:, None] * design, np.sqrt(_PRIOR * twice) * np.eye(len(rows))]
        )
        right = np.concatenate([np.sqrt(weights) * steepness, np.sqrt(_PRIOR * twice) * alike[rows, columns]])
        entries = np.linalg.lstsq(left, right, rcond=None)[0]
        found = np.zeros((size, size))
        found[rows, columns] = found[columns, rows] = entries
        values, axes = np.linalg.eigh(found)
        form: Floats = (axes * np.maximum(values, 0.05 * alike[0, 0])) @ axes.T
        return form

    def _ask(self, at: Floats) -> float:
        self.asked += 1
        used = float(self._spend(at)) if self._spend is not None else 0.0
        self._seen.append((at / self._cap, used if np.isfinite(used) else _UNKNOWN))
        return used


def nearest_inside(
    response: Floats, wanted: Floats, at: Floats, cap: Floats, damping: float, form: Floats | None
) -> Floats:
    """Damped least squares for a step, within the limits and inside of x'Qx <= 1.

    The smallest multiplier of x'Qx that keeps it inside is found by bisection: the larger it is, the nearer to no steering.

    Args:
        response: (2, k), change of the place per unit of each coefficient.
        wanted: (2), from the present place to the target.
        at: (k), present coefficients.
        cap: (k), limits.
        damping: of the step's length.
        form: Q, or None.

    Returns:
        (k), coefficients.
    """
    from scipy.optimize import lsq_linear

    size = max(float(np.linalg.norm(response * cap, 2)), 1e-12)
    root = None if form is None else size * np.linalg.cholesky(form).T
    here = at / cap
    room = (np.minimum(-1 - here, -1e-12), np.maximum(1 - here, 1e-12))
    scaled = np.vstack([response * cap, np.sqrt(damping) * size * np.eye(len(cap))])
    goal = np.concatenate([wanted, np.zeros(len(cap))])

    def step(multiplier: float) -> Floats:
        stacked, aim = scaled, goal
        if root is not None and multiplier > 0:
            stacked = np.vstack([scaled, np.sqrt(multiplier) * root])
            aim = np.concatenate([goal, -np.sqrt(multiplier) * root @ here])
        found = lsq_linear(stacked, aim, bounds=room)
        inside: Floats = np.clip(here + found.x, -1, 1)
        return inside

    found = step(0.0)
    if form is not None and found @ form @ found > EDGE:
        low, high = -12.0, 12.0  # exponents of ten
        for _ in range(40):
            middle = (low + high) / 2
            tried = step(10**middle)
            low, high = (middle, high) if tried @ form @ tried > EDGE else (low, middle)
        found = step(10**high)
    coefficients: Floats = found * cap
    return coefficients
