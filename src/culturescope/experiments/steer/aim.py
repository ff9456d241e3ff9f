"""Steers towards a point: measure the response, solve for both coefficients, measure again; damped where it bends.

It is a Levenberg-Marquardt iteration (Marquardt 1963, SIAM J. Appl. Math. 11, 431-441) on the distance to the target, with few
and costly evaluations: the response matrix is measured by differences at the start and corrected after every step by Broyden's
rule (Broyden 1965, Math. Comp. 19, 577-593), so a step costs one evaluation. Coefficients stay within a budget.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from culturescope.errors import BadInputError
from culturescope.experiments.steer.results import Aim, AimStep

Floats = NDArray[np.float64]
Respond = Callable[[Floats], Floats]
"""Coefficients (n, k) to the places (n, 2) that they lead to; NaN where a place breaks the quality budget."""

MOST_STEPS = 6


def aim_at(
    respond: Respond,
    target: ArrayLike,
    *,
    limits: ArrayLike,
    probe_step: float = 0.25,
    tolerance: float = 0.05,
    steps: int = MOST_STEPS,
) -> Aim:
    """Looks for coefficients that lead to a target.

    Args:
        respond: the model, or a synthetic one; called with the unsteered coefficients (zeros) among the first.
        target: (2), a place in the same coordinates as the answers.
        limits: (k), largest absolute coefficient of each vector (dose cap, quality budget).
        probe_step: size of the differences that measure the response, as a share of the limits.
        tolerance: distance that counts as reached.
        steps: at most so many steps after the response was measured.

    Raises:
        BadInputError: a target or limit that is not a finite number, or a start without a place.
    """
    goal, cap = np.asarray(target, dtype=np.float64), np.asarray(limits, dtype=np.float64)
    if goal.shape != (2,) or not np.isfinite(goal).all() or not np.isfinite(cap).all() or (cap <= 0).any():
        raise BadInputError(
            f"a target is two finite numbers and limits lie above 0, not {goal.tolist()} and {cap.tolist()}"
        )
    first = np.concatenate([np.zeros((1, len(cap))), np.diag(probe_step * cap), np.diag(-probe_step * cap)])
    places = np.asarray(respond(first))
    evaluations = len(first)
    start = places[0]
    if not np.isfinite(start).all():
        raise BadInputError(
            "the unsteered model has no place within the quality budget: there is nothing to start from"
        )
    response = _differences(places, probe_step * cap)
    at, place = np.zeros(len(cap)), start
    best_at, best_place = at, place
    damping, walked, settled = 1e-3, [], False
    for _ in range(steps):
        if _distance(best_place, goal) <= tolerance:
            break
        proposed = _solve(response, goal - best_place, best_at, cap, damping)
        if np.allclose(proposed, best_at, atol=1e-9 * cap):
            settled = True
            break
        reached = np.asarray(respond(proposed[None]))[0]
        evaluations += 1
        fine = bool(np.isfinite(reached).all())
        nearer = fine and _distance(reached, goal) < _distance(best_place, goal)
        walked.append(
            AimStep(
                coefficients=tuple(proposed.tolist()),
                place=tuple(reached.tolist()) if fine else (),
                distance=_distance(reached, goal) if fine else float("inf"),
                damping=damping,
                accepted=nearer,
            )
        )
        if fine:
            move = proposed - best_at
            response = response + np.outer(reached - best_place - response @ move, move) / float(move @ move)
        if nearer:
            best_at, best_place = proposed, reached
            damping = damping / 4
        else:
            damping = max(damping * 16, 0.05)
    distance = _distance(best_place, goal)
    begun = _distance(start, goal)
    nearer_yet = distance < begun and not settled
    status = "reached" if distance <= tolerance else "closer" if nearer_yet else "out of reach"
    return Aim(
        target=tuple(goal.tolist()),
        start=tuple(start.tolist()),
        start_distance=begun,
        coefficients=tuple(best_at.tolist()),
        place=tuple(best_place.tolist()),
        distance=distance,
        status=status,
        overshoot=_overshoot(start, goal, [np.array(s.place) for s in walked if s.place]),
        steps=tuple(walked),
        evaluations=evaluations,
    )


def _differences(places: Floats, step: Floats) -> Floats:
    """Response (2, k) from the places at +step and -step of each coefficient; one-sided where one of them has no place."""
    count = len(step)
    columns = []
    for j in range(count):
        plus, minus = places[1 + j], places[1 + count + j]
        if np.isfinite(plus).all() and np.isfinite(minus).all():
            columns.append((plus - minus) / (2 * step[j]))
        elif np.isfinite(plus).all():
            columns.append((plus - places[0]) / step[j])
        elif np.isfinite(minus).all():
            columns.append((places[0] - minus) / step[j])
        else:
            columns.append(np.zeros(2))
    return np.stack(columns, axis=1)


def _solve(response: Floats, wanted: Floats, at: Floats, cap: Floats, damping: float) -> Floats:
    """Damped least squares for the step, in units of the limits, kept inside of them; exact on the box's edges."""
    from scipy.optimize import lsq_linear

    scaled = response * cap
    size = max(float(np.linalg.norm(scaled, 2)), 1e-12)
    stacked = np.vstack([scaled, np.sqrt(damping) * size * np.eye(len(cap))])
    room = np.stack([-1 - at / cap, 1 - at / cap])
    room = np.stack([np.minimum(room[0], -1e-12), np.maximum(room[1], 1e-12)])
    found = lsq_linear(stacked, np.concatenate([wanted, np.zeros(len(cap))]), bounds=(room[0], room[1]))
    inside: Floats = np.clip(at + found.x * cap, -cap, cap)
    return inside


def _distance(one: Floats, other: Floats) -> float:
    return float(np.linalg.norm(one - other))


def _overshoot(start: Floats, goal: Floats, places: list[Floats]) -> float:
    length = _distance(start, goal)
    if length == 0 or not places:
        return 0.0
    along = [float((place - start) @ (goal - start)) / length - length for place in places]
    return max(0.0, *along)
