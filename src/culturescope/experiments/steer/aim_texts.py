"""The perplexity budget of an aim: texts written at the places that the solver proposes, each place once.

Perplexity is that of a sweep (`quality`): of texts written under steering, under the unsteered model, over that of unsteered
texts from the same prompts with the same noise. The prompts are halved: one half decides what the budget allows, the other
one, by which nothing was chosen, gives the ratio of the place that is reported.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.experiments.steer.quality import Row, Writing, quality_of, write_rows
from culturescope.experiments.steer.results import AimQuality, Drawn
from culturescope.steering.applying import Edit
from culturescope.steering.vector import Origin, SteeringVector

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel
    from culturescope.models.resuming import Change
    from culturescope.runs.samples import SampleLog

Floats = NDArray[np.float64]
MOST_PERPLEXITY = 1.05
"""A sweep's budget too."""


class TextBudget:
    """Perplexity at places, in shares of a budget: log ratio over the log of the ratio that is allowed.

    Args:
        model: white-box, unsteered.
        change: from coefficients to the step that they make.
        writing: neutral prompts, four or more, and the sampling.
        most: largest perplexity ratio allowed, above 1.
        log: where written texts are kept, so that a stopped aim goes on.

    Raises:
        BadInputError: a ratio that is no budget, or too few prompts to halve.
    """

    def __init__(
        self,
        model: CausalModel,
        change: Callable[[Floats], Change],
        writing: Writing,
        most: float = MOST_PERPLEXITY,
        log: SampleLog | None = None,
    ) -> None:
        if not 1 < most < float("inf"):
            raise BadInputError(f"a perplexity budget is a ratio above 1, for example 1.05, not {most}")
        if len(writing.prompts) < 4:
            raise BadInputError(
                f"a perplexity budget needs 4 prompts or more, half of them to confirm it, not {len(writing.prompts)}"
            )
        half = len(writing.prompts) // 2
        self.most = most
        self._model, self._change, self._log = model, change, log
        self._choosing = replace(writing, prompts=writing.prompts[:half])
        self._confirming = replace(writing, prompts=writing.prompts[half:])
        self._rows: dict[tuple[bool, tuple[float, ...]], list[Row]] = {}

    def spend(self, coefficients: Floats) -> float:
        """Share of the budget that a place uses, by the prompts that decide; NaN where nothing is written at all."""
        found = self.ratio(coefficients)
        return float("nan") if found is None else float(np.log(found.value) / np.log(self.most))

    def ratio(self, coefficients: Floats, *, confirming: bool = False) -> Drawn | None:
        """Perplexity ratio of a place with its paired interval over prompts; None where one side wrote nothing."""
        seed = self._choosing.seed
        written = self._written(coefficients, confirming)
        plain = self._written(np.zeros(len(coefficients)), confirming)
        return quality_of(written, plain, seed=seed).perplexity_ratio

    def confirmed(self, coefficients: Floats) -> AimQuality:
        """What the place that was chosen costs, on either half of the prompts."""
        return AimQuality(
            most=self.most,
            prompts=len(self._choosing.prompts),
            max_new_tokens=self._choosing.max_new_tokens,
            chosen_by=self.ratio(coefficients),
            confirmed=self.ratio(coefficients, confirming=True),
        )

    def _written(self, coefficients: Floats, confirming: bool) -> list[Row]:
        key = confirming, tuple(float(c) for c in coefficients)
        if key not in self._rows:
            change = self._change(coefficients)
            moved = any(bool(step.any()) for step in change.values())
            edits = (
                [Edit(SteeringVector(dict(change), Origin(label="aim", method="combined")))] if moved else []
            )
            writing = self._confirming if confirming else self._choosing
            self._rows[key] = write_rows(self._model, writing, edits, self._log)
        return self._rows[key]
