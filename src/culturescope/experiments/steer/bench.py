"""One model with the scenarios that an experiment measures it on, and the size of its steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError
from culturescope.experiments.steer.controls import MEASURED_FEW, RANDOM_STEPS, Controls, Way, estimated
from culturescope.experiments.steer.measuring import Measured, measure, step_of
from culturescope.experiments.steer.parts import Parts
from culturescope.experiments.steer.slopes import Slopes, slopes
from culturescope.instrument import Pack, Scenario
from culturescope.prompts import Persona, Template
from culturescope.steering.fitting import random_like

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel
    from culturescope.models.resuming import Change
    from culturescope.steering.vector import SteeringVector


class Bench:
    """One model with the scenarios to measure it on; steps are doses, or raw coefficients where `alpha` is given.

    Args:
        model: white-box.
        parts: scenarios to choose by and to report on.
        pack: the instrument.
        templates: wordings.
        dose: of one step at every block of a vector.
        alpha: raw coefficient of one step instead.
        batch_size: prompts recorded together.
        say: told what is being done.
    """

    def __init__(
        self,
        model: CausalModel,
        parts: Parts,
        pack: Pack,
        templates: Sequence[Template],
        *,
        dose: float | None = 0.1,
        alpha: float | None = None,
        batch_size: int = 8,
        say: Callable[[str], Any] | None = None,
    ) -> None:
        self.model, self.parts, self.pack, self.templates = model, parts, pack, templates
        self.dose: float | None = dose if alpha is None else None
        self.alpha: float | None = alpha
        self.batch_size = batch_size
        self.say = say or (lambda line: None)
        self._slopes: dict[tuple[str, ...], Slopes] = {}

    @property
    def unit(self) -> str:
        """What a coefficient counts: doses or raw coefficients."""
        return "dose" if self.alpha is None else "alpha"

    @property
    def step(self) -> float:
        """Size of one step in that unit."""
        return float(self.dose if self.alpha is None else self.alpha)  # type: ignore[arg-type]

    def with_step(self, step: float) -> Bench:
        """The same with steps of another size, in the same unit."""
        dose, alpha = (step, None) if self.unit == "dose" else (None, step)
        other = Bench(
            self.model,
            self.parts,
            self.pack,
            self.templates,
            dose=dose,
            alpha=alpha,
            batch_size=self.batch_size,
            say=self.say,
        )
        other._slopes = self._slopes
        return other

    def change(self, vector: SteeringVector, scale: float = 1.0) -> Change:
        """One step along a vector, or a multiple of it."""
        return step_of(vector, dose=self.dose, alpha=self.alpha, scale=scale)

    def both_signs(self, vectors: Sequence[SteeringVector], on: Sequence[Scenario]) -> Measured:
        """Every vector's step with + and then with -."""
        return self.steps_both_ways([self.change(v) for v in vectors], on)

    def steps_both_ways(self, steps: Sequence[Change], on: Sequence[Scenario]) -> Measured:
        """Every step with + and then with -."""
        signs = (1.0, -1.0)
        return self.measured([{b: sign * v for b, v in step.items()} for step in steps for sign in signs], on)

    def slopes(self, on: Sequence[Scenario]) -> Slopes:
        """Gradients of d on some scenarios, read once."""
        ids = tuple(s.id for s in on)
        if ids not in self._slopes:
            self.say(f"slopes on {len(ids)} scenarios")
            self._slopes[ids] = slopes(self.model, on, self.templates, batch_size=self.batch_size)
        return self._slopes[ids]

    def estimated(self, steps: Sequence[Change], on: Sequence[Scenario]) -> Measured:
        """Every step with + and then with -, to first order; see `controls.estimated`."""
        return estimated(self.slopes(on), on, steps, self.pack)

    def controls(self, steps: Sequence[Change], on: Sequence[Scenario], way: Way = "measured") -> Controls:
        """Random steps, all of them measured; or estimated, with a few measured beside.

        Raises:
            BadInputError: an unknown way, or fewer than 20 steps.
        """
        if len(steps) < RANDOM_STEPS:
            raise BadInputError(f"at least {RANDOM_STEPS} random steps are needed, not {len(steps)}")
        if way == "measured":
            return Controls(self.steps_both_ways(steps, on))
        if way != "estimated":
            raise BadInputError(f"random steps are measured or estimated, not {way}")
        return Controls(self.estimated(steps, on), self.steps_both_ways(steps[:MEASURED_FEW], on))

    def random_steps(
        self,
        vectors: Mapping[str, SteeringVector],
        on: Sequence[Scenario],
        count: int,
        seed: int,
        way: Way = "measured",
    ) -> dict[str, Controls]:
        """Random steps as long as each vector's own: by dose the same for all, by raw coefficient for each.

        Raises:
            BadInputError: an unknown way, or fewer than 20 steps.
        """
        either = list(vectors.values())
        if self.unit == "dose":
            drawn = [self.change(random_like(either[r % len(either)], seed + r)) for r in range(count)]
            return dict.fromkeys(vectors, self.controls(drawn, on, way))
        return {
            name: self.controls([self.change(random_like(vector, seed + r)) for r in range(count)], on, way)
            for name, vector in vectors.items()
        }

    def measured(
        self, changes: Sequence[Change], on: Sequence[Scenario], persona: Persona | None = None
    ) -> Measured:
        """Any changes, on some scenarios."""
        return measure(
            self.model, on, changes, self.pack, self.templates, persona=persona, batch_size=self.batch_size
        )
