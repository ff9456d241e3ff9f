"""Sweeps coefficients: what each does to values and place, and what it costs in quality; recommends how far one may go.

All coefficients of all vectors, the unsteered model and the random vectors are rows of one measurement, each computed from the
first block it changes. Quality is watched on neutral prompts (`quality`), one coefficient after the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError
from culturescope.experiments.steer.measuring import change_of, measure
from culturescope.experiments.steer.quality import Writing, quality_of, write_rows
from culturescope.experiments.steer.recommending import recommend
from culturescope.experiments.steer.sweep_results import Budget, Sweep, TextQuality
from culturescope.experiments.steer.sweep_rows import largest_step, random_effects, rows_of
from culturescope.instrument import Pack, Scenario
from culturescope.prompts import Template
from culturescope.steering.applying import Edit
from culturescope.steering.fitting import random_like

if TYPE_CHECKING:
    from culturescope.authoring.embeddings import Encode
    from culturescope.models.causal import CausalModel
    from culturescope.runs.samples import SampleLog
    from culturescope.steering.vector import SteeringVector

RANDOM_VECTORS = 20
CAP, DOSE_CAP = 0.4, 0.3


@dataclass(frozen=True)
class SweepPlan:
    """What a sweep does.

    Args:
        alphas: raw coefficients, of both signs or one; 0 is always measured.
        doses: instead: steps in units of the median |h|; a vector's coefficient is the one whose largest dose over its
            blocks is this.
        cap: largest |alpha| (the paper's 0.4), None for no cap.
        dose_cap: largest dose at any block, None for no cap.
        random: random vectors at the largest coefficient; 0 leaves the band out.
        writing: prompts and sampling of the quality part, None leaves it out.
        budget: of the recommendation.
        seed: of random vectors and bootstrap.
        batch_size: prompts recorded together.
    """

    alphas: tuple[float, ...] = ()
    doses: tuple[float, ...] = ()
    cap: float | None = CAP
    dose_cap: float | None = DOSE_CAP
    random: int = RANDOM_VECTORS
    writing: Writing | None = None
    budget: Budget = field(default_factory=Budget)
    seed: int = 42
    batch_size: int = 8

    def __post_init__(self) -> None:
        """Refuses values that cannot be meant.

        Raises:
            BadInputError: no steps or two kinds of them, a step that is not finite, or too few random vectors.
        """
        steps = self.alphas or self.doses
        if bool(self.alphas) == bool(self.doses) or not any(steps):
            raise BadInputError("a sweep needs coefficients other than 0, either raw (alphas) or as doses")
        if not all(map(math.isfinite, steps)):
            raise BadInputError(f"coefficients must be finite numbers, not {steps}")
        if self.random != 0 and self.random < RANDOM_VECTORS:
            raise BadInputError(
                f"a band needs at least {RANDOM_VECTORS} random vectors (or 0), not {self.random}"
            )

    def alphas_for(self, vector: SteeringVector) -> tuple[float, ...]:
        """Raw coefficients of a vector, ascending, without 0, within both caps.

        Raises:
            BadInputError: a coefficient beyond a cap, or doses of a vector that does not know its unit.
        """
        unit = largest_dose(vector, 1.0, needed=True) if self.doses else 1.0
        found = tuple(sorted({step / unit for step in self.doses or self.alphas if step != 0}))
        largest = max(map(abs, found))
        name, dose = vector.origin.label, largest_dose(vector, largest)
        if self.cap is not None and largest > self.cap * (1 + 1e-9):
            raise BadInputError(
                f"alpha {largest:.3g} of the vector {name} lies beyond the cap of {self.cap:g}; take smaller steps, "
                "raise --cap, or lift both caps with --no-cap"
            )
        if self.dose_cap is not None and dose > self.dose_cap * (1 + 1e-9):
            raise BadInputError(
                f"alpha {largest:.3g} of the vector {name} is a dose of {dose:.3g}, beyond the dose cap of "
                f"{self.dose_cap:g}; take smaller steps, raise --dose-cap, or lift both caps with --no-cap"
            )
        return found


def sweep(
    model: CausalModel,
    vectors: Mapping[str, SteeringVector],
    scenarios: Sequence[Scenario],
    pack: Pack,
    templates: Sequence[Template],
    plan: SweepPlan,
    *,
    log: SampleLog | None = None,
    encode: Encode | None = None,
    progress: Callable[[str], Any] | None = None,
) -> Sweep:
    """Measures every vector alone at every coefficient.

    Args:
        model: white-box, unsteered.
        vectors: by the names they are to be called.
        scenarios: that the vectors were not fitted on.
        pack: the instrument.
        templates: wordings.
        plan: coefficients and quality.
        log: where written texts are kept, so that a stopped sweep goes on.
        encode: sentence encoder for the likeness of question and answer.
        progress: is told in words what is done.

    Raises:
        BadInputError: no vectors, coefficients beyond a cap, or the model is being steered.
    """
    say = progress or (lambda line: None)
    if not vectors or len(scenarios) < 2:
        raise BadInputError("a sweep needs a vector and at least two scenarios")
    steps = [(name, alpha) for name, vector in vectors.items() for alpha in plan.alphas_for(vector)]
    changes = [{}, *(change_of([(vectors[name], alpha)]) for name, alpha in steps)]
    controls = []
    for number, (name, vector) in enumerate(vectors.items()):
        largest = largest_step(steps, name)
        for r in range(plan.random):
            drawn = random_like(vector, plan.seed + 10_000 * number + r)
            controls += [change_of([(drawn, sign * abs(largest))]) for sign in (1.0, -1.0)]
    say(f"{len(scenarios)} scenarios under {len(changes)} coefficients and {len(controls)} random steps")
    measured = measure(model, scenarios, [*changes, *controls], pack, templates, batch_size=plan.batch_size)
    kept, null = measured.of(slice(0, len(changes))), measured.of(slice(len(changes), None))
    quality = _quality(model, vectors, steps, plan, log, encode, say)
    rows = rows_of(kept, vectors, steps, quality, pack.domains, plan.seed)
    found = tuple(
        effect
        for number, name in enumerate(vectors)
        for effect in random_effects(kept, null.of(slice(*_part(number, plan))), name, steps, plan.seed)
    )
    return Sweep(
        model=model.identity.as_dict(),
        settings=_settings(plan, scenarios, templates),
        vectors={
            name: {**v.origin.model_dump(mode="json"), "sha256": v.sha256, "blocks": list(v.blocks)}
            for name, v in vectors.items()
        },
        scenarios=len(scenarios),
        rows=rows,
        random=found,
        budget=plan.budget,
        recommendations=recommend(rows, plan.budget),
        notes=_notes(vectors, scenarios, plan, encode),
    )


def largest_dose(vector: SteeringVector, alpha: float, *, needed: bool = False) -> float:
    """The largest dose that a coefficient gives at any block of a vector; NaN where it does not know its unit.

    Raises:
        BadInputError: it is needed and not known, or all directions are zero.
    """
    if not needed and any(vector.origin.median_norm.get(b, 0) <= 0 for b in vector.blocks):
        return math.nan
    dose = max(abs(vector.dose(alpha, b)) for b in vector.blocks)
    if needed and dose == 0:
        raise BadInputError(f"the vector {vector.origin.label} is zero: no coefficient gives a dose")
    return dose


def _quality(
    model: CausalModel,
    vectors: Mapping[str, SteeringVector],
    steps: Sequence[tuple[str, float]],
    plan: SweepPlan,
    log: SampleLog | None,
    encode: Encode | None,
    say: Callable[[str], Any],
) -> list[TextQuality | None]:
    """Quality of the unsteered model and of every step."""
    if plan.writing is None:
        return [None] * (1 + len(steps))
    say(f"writing {len(plan.writing.prompts)} answers, unsteered")
    plain = write_rows(model, plan.writing, [], log)
    found: list[TextQuality | None] = [quality_of(plain, plain, encode=encode, seed=plan.seed)]
    for name, alpha in steps:
        say(f"writing {len(plan.writing.prompts)} answers, {name} {alpha:+.3g}")
        rows = write_rows(model, plan.writing, [Edit(vectors[name], alpha)], log)
        found.append(quality_of(rows, plain, encode=encode, seed=plan.seed))
    return found


def _part(number: int, plan: SweepPlan) -> tuple[int, int]:
    """Where the random steps of a vector stand."""
    return 2 * plan.random * number, 2 * plan.random * (number + 1)


def _settings(
    plan: SweepPlan, scenarios: Sequence[Scenario], templates: Sequence[Template]
) -> dict[str, Any]:
    writing = plan.writing
    return {
        "alphas": list(plan.alphas),
        "doses": list(plan.doses),
        "cap": plan.cap,
        "dose_cap": plan.dose_cap,
        "random_vectors": plan.random,
        "seed": plan.seed,
        "templates": [t.id for t in templates],
        "scenarios": [s.id for s in scenarios],
        "writing": None
        if writing is None
        else {
            "prompts": len(writing.prompts),
            "max_new_tokens": writing.max_new_tokens,
            "temperature": writing.temperature,
            "seed": writing.seed,
        },
    }


def _notes(
    vectors: Mapping[str, SteeringVector],
    scenarios: Sequence[Scenario],
    plan: SweepPlan,
    encode: Encode | None,
) -> tuple[str, ...]:
    found = []
    unknown = [name for name, v in vectors.items() if math.isnan(largest_dose(v, 1.0))]
    if unknown and plan.dose_cap is not None:
        found.append(
            f"the dose cap was not checked for {', '.join(unknown)}: the file does not tell the median norm"
        )
    splits = {s.split for s in scenarios}
    for name, vector in vectors.items():
        seen = sorted(splits if vector.origin.split == "both" else splits & {vector.origin.split})
        if seen:
            found.append(
                f"{name} was fitted on scenarios of the split {' and '.join(seen)}: its changes there prove nothing"
            )
    if plan.writing is not None and encode is None:
        found.append("no sentence encoder: the likeness of question and answer was not measured")
    return tuple(found)
