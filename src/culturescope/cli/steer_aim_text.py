"""An aim in words: the way, what it comes to, and what it costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from culturescope.cli.steer_words import change, ratio

if TYPE_CHECKING:
    from culturescope.experiments.steer.results import AimQuality, AimStep, AimStudy, RandomReach, Reached


def aim_lines(study: AimStudy) -> list[str]:
    """The way and what it comes to."""
    found = study.aim
    lines = [
        f"Target {study.target_name} at ({found.target[0]:+.2f}, {found.target[1]:+.2f}), from "
        f"({found.start[0]:+.2f}, {found.start[1]:+.2f}): distance {found.start_distance:.2f}",
        f"{found.status}: distance {found.distance:.2f} at {_steps(study, found.coefficients)} steps of {study.unit} "
        f"{study.step:g} ({found.evaluations} places measured), on the scenarios that choose",
    ]
    most = None if study.quality is None else study.quality.most
    lines += [f"  step {n}: {_way(study, step, most)}" for n, step in enumerate(found.steps, 1)]
    if found.overshoot is not None:
        passed = "passed the target" if found.overshoot > 0 else "no step passed the target"
        lines.append(f"  overshoot along the line from the start: {found.overshoot:+.2f} at most; {passed}")
    lines.append(
        "On scenarios that chose nothing (conversion anchored; the projection's own error is not in the intervals):"
    )
    lines += [f"  {_reached(study, r)}" for r in study.reached]
    if study.random is not None:
        lines.append(_beside_random(study.random))
    if study.quality is not None:
        lines.append(_quality(study.quality, found.budget_asked))
    return lines


def _steps(study: AimStudy, coefficients: tuple[float, ...]) -> str:
    return ", ".join(f"{axis} {c:+.2f}" for axis, c in zip(study.axes, coefficients, strict=True))


def _way(study: AimStudy, step: AimStep, most: float | None) -> str:
    told = [_steps(study, step.coefficients)]
    if step.distance is not None:
        told.append(f"distance {step.distance:.2f}")
    if step.overshoot is not None:
        told.append(f"{abs(step.overshoot):.2f} {'beyond' if step.overshoot > 0 else 'short of'} the target")
    if step.budget_used is not None and most is not None:
        told.append(f"perplexity ratio {math.exp(step.budget_used * math.log(most)):.3f}")
    if step.place is None:
        told.append("refused by the quality budget")
    else:
        told.append("nearer" if step.accepted else "not nearer")
    return "; ".join(told)


def _reached(study: AimStudy, r: Reached) -> str:
    told = f"{r.name:14s} at ({r.place[0]:+.2f}, {r.place[1]:+.2f}): distance {change(r.distance)}"
    if r.change is not None:
        told += f"; change from no steering and no persona {change(r.change)}"
    if r.change_from_persona is not None:
        told += f"; change from the persona {study.on_top_of} alone {change(r.change_from_persona)}"
    return f"{told}; letter mass {r.letter_mass:.2f}"


def _beside_random(found: RandomReach) -> str:
    verdict = "aimed comes nearer than that" if found.beyond else "aimed comes no nearer than chance does"
    return (
        f"Random steps as long ({found.vectors} measured): 95% change the distance by {found.low:+.3f} to {found.high:+.3f}; "
        f"{verdict}"
    )


def _quality(found: AimQuality, asked: int) -> str:
    if found.confirmed is None or found.chosen_by is None:
        return "Quality: nothing was written, so there is no perplexity"
    there = found.confirmed
    if there.value > found.most:
        verdict = "beyond the budget there"
    elif there.high > found.most:
        verdict = "within the budget by estimate, its interval reaches beyond"
    else:
        verdict = "within the budget"
    return (
        f"Quality: perplexity over that of unsteered texts {ratio(there)} on prompts that chose nothing, {verdict}; "
        f"{ratio(found.chosen_by)} on those that decided (budget {found.most:g}; {found.prompts} prompts, "
        f"{found.max_new_tokens} tokens; {asked} places written)"
    )
