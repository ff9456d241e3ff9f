"""An aim at a place on the map: solved on the scenarios that choose, confirmed on those that report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.experiments.steer.aim import MOST_STEPS, aim_at
from culturescope.experiments.steer.aim_texts import MOST_PERPLEXITY, TextBudget
from culturescope.experiments.steer.bench import Bench
from culturescope.experiments.steer.controls import RANDOM_STEPS
from culturescope.experiments.steer.coordinates import coordinates, distances, places_of
from culturescope.experiments.steer.measuring import Measured, change_of, sum_of
from culturescope.experiments.steer.quality import Writing
from culturescope.experiments.steer.results import (
    AimStudy,
    Drawn,
    RandomReach,
    Reached,
    drawn_estimate,
)
from culturescope.instrument import Scenario
from culturescope.prompts import Persona
from culturescope.steering.fitting import random_like
from culturescope.steering.vector import Origin, SteeringVector

if TYPE_CHECKING:
    from culturescope.models.resuming import Change
    from culturescope.runs.samples import SampleLog

Floats = NDArray[np.float64]


def aim(
    bench: Bench,
    vectors: Mapping[str, SteeringVector],
    target: tuple[float, float],
    *,
    name: str = "point",
    cap: float = 3.0,
    least_mass: float = 0.5,
    writing: Writing | None = None,
    most_perplexity: float = MOST_PERPLEXITY,
    log: SampleLog | None = None,
    on_top_of: Persona | None = None,
    beside: Sequence[Persona] = (),
    tolerance: float = 0.05,
    steps: int = MOST_STEPS,
    random: int = RANDOM_STEPS,
    seed: int = 42,
) -> AimStudy:
    """Aims at a place on the map with two vectors: solves on the scenarios that choose, confirms on those that report.

    Args:
        bench: the model and its scenarios; the items of the map must all be among them, twice each for intervals.
        vectors: axis to its vector.
        target: x, y on the map.
        name: of the target.
        cap: largest coefficient, in steps.
        least_mass: the least letter mass allowed, as a share of the unsteered one.
        writing: neutral prompts and sampling of the perplexity budget; None leaves it out.
        most_perplexity: largest perplexity of texts written under steering, over that of unsteered texts (both under the
            unsteered model, without a persona).
        log: where written texts are kept.
        on_top_of: a persona that is asked of the model all the time.
        beside: personas whose places stand beside the result.
        tolerance: distance that counts as reached.
        steps: at most so many steps after the response was measured.
        random: random steps as long as the one found, beside what it comes to; 0 leaves them out.
        seed: of random steps and bootstrap.

    Raises:
        BadInputError: items of the map are missing, a bad target, or too few random steps.
    """
    if random != 0 and random < RANDOM_STEPS:
        raise BadInputError(f"at least {RANDOM_STEPS} random steps are needed (or 0), not {random}")
    check_items(bench.parts.choose, 1)
    check_items(bench.parts.report, 2)
    axes, pair = tuple(vectors), list(vectors.values())
    floor: list[float] = []

    def combined(coefficients: Floats) -> Change:
        return sum_of([bench.change(v, float(c)) for v, c in zip(pair, coefficients, strict=True) if c != 0])

    def respond(coefficients: Floats) -> Floats:
        measured = bench.measured([combined(c) for c in coefficients], bench.parts.choose, on_top_of)
        mass = measured.mass.mean(axis=(1, 2))
        if not floor:
            floor.append(least_mass * float(mass[0]))
        found = coordinates(measured)
        found[mass < floor[0]] = np.nan
        bench.say(f"{name}: {len(coefficients)} places measured")
        return found

    budget = None if writing is None else TextBudget(bench.model, combined, writing, most_perplexity, log)

    def spend(coefficients: Floats) -> float:
        bench.say(
            f"{name}: writing {len(writing.prompts) // 2 if writing else 0} answers at a proposed place"
        )
        return budget.spend(coefficients) if budget else 0.0

    result = aim_at(
        respond,
        target,
        limits=[cap] * len(pair),
        spend=spend if budget else None,
        tolerance=tolerance,
        steps=steps,
    )
    bench.say(f"{name}: confirming on the scenarios that report")
    report = bench.parts.report
    best = combined(np.array(result.coefficients))
    plain = bench.measured([{}], report)
    alone = None if on_top_of is None else bench.measured([{}], report, on_top_of)
    reached = [_reached("unsteered", plain, plain, target, seed)]
    if on_top_of is not None and alone is not None:
        reached.append(_reached(on_top_of.id, alone, plain, target, seed))
    reached.append(_reached("aimed", bench.measured([best], report, on_top_of), plain, target, seed, alone))
    for persona in beside:
        if on_top_of is None or persona.id != on_top_of.id:
            reached.append(_reached(persona.id, bench.measured([{}], report, persona), plain, target, seed))
    beyond = None
    if random and best:
        bench.say(f"{name}: {random} random steps as long")
        aimed = next(r for r in reached if r.name == "aimed")
        gained = aimed.change if aimed.change_from_persona is None else aimed.change_from_persona
        if gained is not None:
            drawn = SteeringVector(dict(best), Origin(label="aim", method="combined"))
            others = bench.measured(
                [change_of([(random_like(drawn, seed + r), 1.0)]) for r in range(random)], report, on_top_of
            )
            beyond = _beside_random(others, plain if alone is None else alone, target, gained.value)
    if budget:
        bench.say(f"{name}: confirming the perplexity on prompts that chose nothing")
    return AimStudy(
        target_name=name,
        axes=axes,
        step=bench.step,
        unit=bench.unit,
        on_top_of=on_top_of.id if on_top_of else None,
        aim=result,
        reached=tuple(reached),
        random=beyond,
        quality=budget.confirmed(np.array(result.coefficients)) if budget else None,
    )


def check_items(scenarios: Sequence[Scenario], least: int) -> None:
    """Whether scenarios give a place on the map, before anything long begins.

    Raises:
        BadInputError: an item of the map has fewer than `least` scenarios.
    """
    from culturescope.people.projection import fit_projection

    counts = Counter(s.item for s in scenarios)
    few = [item for item in fit_projection().people.item_ids if counts[item] < least]
    if few:
        raise BadInputError(
            f"a place on the map needs {least} or more scenarios of each of its items; {', '.join(few)} have fewer "
            "(search both axes, with a larger limit)"
        )


def _reached(
    name: str,
    found: Measured,
    unsteered: Measured,
    target: tuple[float, float],
    seed: int,
    alone: Measured | None = None,
) -> Reached:
    place = coordinates(found)[0]
    return Reached(
        name=name,
        place=(float(place[0]), float(place[1])),
        distance=distances(found, target, seed=seed)[0],
        change=None if found is unsteered else _change(found, unsteered, target, seed),
        change_from_persona=None if alone is None else _change(found, alone, target, seed),
        letter_mass=float(found.mass.mean()),
    )


def _beside_random(
    others: Measured, before: Measured, target: tuple[float, float], gained: float
) -> RandomReach:
    """The band of one more random step's change of distance, mean +- t_{n-1} sd sqrt(1 + 1/n): a push has a mean effect too."""
    from scipy.special import stdtrit

    goal = np.array(target)
    at = np.linalg.norm(coordinates(others) - goal, axis=-1)
    changes = at - float(np.linalg.norm(coordinates(before)[0] - goal))
    n, centre = len(changes), float(changes.mean())
    half = float(stdtrit(n - 1, 0.975)) * float(changes.std(ddof=1)) * float(np.sqrt(1 + 1 / n))
    return RandomReach(vectors=n, low=centre - half, high=centre + half, beyond=gained < centre - half)


def _change(found: Measured, other: Measured, target: tuple[float, float], seed: int) -> Drawn:
    """Distance to the target less that of another measurement of the same scenarios, on the same draws."""
    goal = np.array(target)
    drawn = [
        np.linalg.norm(places_of(m.item_means()[0], m.item_draws(seed=seed))[:, 0] - goal, axis=-1)
        for m in (found, other)
    ]
    at = [float(np.linalg.norm(coordinates(m)[0] - goal)) for m in (found, other)]
    return drawn_estimate(at[0] - at[1], drawn[0] - drawn[1])
