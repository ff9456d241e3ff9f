"""Steers towards a point: measure the response, solve for both coefficients, measure again; damped where it bends.

It is a Levenberg-Marquardt iteration (Marquardt 1963, SIAM J. Appl. Math. 11, 431-441) on the distance to the target, with few
and costly evaluations: the response matrix is measured by differences at the start and corrected after every step by Broyden's
rule (Broyden 1965, Math. Comp. 19, 577-593), so a step costs one evaluation. Coefficients stay within their limits, and places
within a quality budget (`aim_budget`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from culturescope.errors import BadInputError
from culturescope.experiments.steer.aim_budget import QualityBudget, Spend, nearest_inside
from culturescope.experiments.steer.results import Aim, AimStep

Floats = NDArray[np.float64]
Respond = Callable[[Floats], Floats]
"""Coefficients (n, k) to the places (n, 2) that they lead to; NaN where a place breaks the quality budget."""

MOST_STEPS = 6
_UNDAMPED = 1e-9
_WORTH = 0.05
"""A step is worth a measurement if it promises to come nearer by this share of the tolerance."""


def aim_at(
    respond: Respond,
    target: ArrayLike,
    *,
    limits: ArrayLike,
    spend: Spend | None = None,
    probe_step: float = 0.25,
    tolerance: float = 0.05,
    steps: int = MOST_STEPS,
) -> Aim:
    """Looks for coefficients that lead to a target.

    Args:
        respond: the model, or a synthetic one; called with the unsteered coefficients (zeros) among the first.
        target: (2), a place in the same coordinates as the answers.
        limits: (k), largest absolute coefficient of each vector (dose cap, quality budget).
        spend: what coefficients use of the quality budget; asked for proposed steps only, before they are measured.
        probe_step: size of the differences that measure the response, as a share of the limits.
        tolerance: distance that counts as reached.
        steps: at most so many steps after the response was measured.

    Raises:
        BadInputError: a target or limit that is not a finite number, no step, or a start without a place.
    """
    goal, cap = np.asarray(target, dtype=np.float64), np.asarray(limits, dtype=np.float64)
    if goal.shape != (2,) or not np.isfinite(goal).all() or not np.isfinite(cap).all() or (cap <= 0).any():
        raise BadInputError(
            f"a target is two finite numbers and limits lie above 0, not {goal.tolist()} and {cap.tolist()}"
        )
    if steps < 1 or not 0 < tolerance < np.inf:
        raise BadInputError(
            f"an aim takes a step or more and a tolerance above 0, not {steps} and {tolerance}"
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
    budget = QualityBudget(spend, cap)
    best_at, best_place, best_used = np.zeros(len(cap)), start, None
    damping, settled, fresh = 1e-3, False, True
    walked: list[AimStep] = []
    while len(walked) < steps:
        left = _distance(best_place, goal)
        if left <= tolerance:
            break
        form = budget.form()
        boldest = nearest_inside(response, goal - best_place, best_at, cap, _UNDAMPED, form)
        if left - _distance(best_place + response @ (boldest - best_at), goal) < _WORTH * tolerance:
            # Before the target is called out of reach the response is measured at the place itself.
            if not fresh:
                response = _inward(respond, best_at, best_place, probe_step * cap / 4)
                evaluations += len(cap)
                fresh = True
                continue
            settled = True
            break
        proposed = nearest_inside(response, goal - best_place, best_at, cap, damping, form)
        proposed, used, allowed = budget.inside(proposed)
        move = proposed - best_at
        if not allowed or np.allclose(move, 0, atol=1e-9 * cap):
            walked.append(_step(proposed, None, goal, start, damping, used, False))
            continue
        reached = np.asarray(respond(proposed[None]))[0]
        evaluations += 1
        fine = bool(np.isfinite(reached).all())
        nearer = fine and _distance(reached, goal) < left
        walked.append(_step(proposed, reached if fine else None, goal, start, damping, used, nearer))
        if not fine:
            budget.refuse(proposed)
            continue
        fresh = False
        response = response + np.outer(reached - best_place - response @ move, move) / float(move @ move)
        if nearer:
            best_at, best_place, best_used = proposed, reached, used
            damping = damping / 4
        else:
            damping = max(damping * 16, 0.05)
    distance = _distance(best_place, goal)
    begun = _distance(start, goal)
    nearer_yet = distance < begun and not settled
    status = "reached" if distance <= tolerance else "closer" if nearer_yet else "out of reach"
    passed = [s.overshoot for s in walked if s.overshoot is not None]
    return Aim(
        target=tuple(goal.tolist()),
        start=tuple(start.tolist()),
        start_distance=begun,
        coefficients=tuple(best_at.tolist()),
        place=tuple(best_place.tolist()),
        distance=distance,
        status=status,
        overshoot=max(passed) if passed else None,
        steps=tuple(walked),
        evaluations=evaluations,
        budget_used=best_used,
        budget_asked=budget.asked,
    )


def _step(
    at: Floats,
    place: Floats | None,
    goal: Floats,
    start: Floats,
    damping: float,
    used: float | None,
    accepted: bool,
) -> AimStep:
    return AimStep(
        coefficients=tuple(at.tolist()),
        place=None if place is None else tuple(place.tolist()),
        distance=None if place is None else _distance(place, goal),
        overshoot=None if place is None else overshoot_of(start, goal, place),
        damping=damping,
        accepted=accepted,
        budget_used=used if used is not None and np.isfinite(used) else None,
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


def _inward(respond: Respond, at: Floats, place: Floats, step: Floats) -> Floats:
    """Response (2, k) by one-sided differences towards no steering, where the quality budget is not in the way."""
    moves = np.diag(np.where(at > 0, -step, step))
    found = np.asarray(respond(at + moves))
    slopes: Floats = ((found - place) / np.diag(moves)[:, None]).T
    return np.where(np.isfinite(slopes), slopes, 0.0)


def _distance(one: Floats, other: Floats) -> float:
    return float(np.linalg.norm(one - other))


def overshoot_of(start: Floats, goal: Floats, place: Floats) -> float | None:
    """How far a place lies beyond the target along the line from the start: above 0 passed, below 0 short of it.

    None where the start is the target: there is no line.
    """
    length = _distance(start, goal)
    return float((place - start) @ (goal - start)) / length - length if length > 0 else None
