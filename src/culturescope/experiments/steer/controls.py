"""Random steps beside an effect: measured, or estimated to first order and held against a few that are measured.

Twenty random vectors with both signs cost more than all that they stand beside. Their changes to first order come from the
gradients of the scenarios alone (`slopes`), for any number of them and any length of step; how much larger such changes are
when measured is found on a few, and every estimate is that much larger (never smaller: a band too wide claims too little).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from culturescope.errors import BadInputError
from culturescope.experiments.steer.measuring import Measured
from culturescope.experiments.steer.slopes import Slopes
from culturescope.instrument import Pack, Scenario

if TYPE_CHECKING:
    from culturescope.models.resuming import Change

Floats = NDArray[np.float64]
Way = Literal["measured", "estimated"]
RANDOM_STEPS = 20
"""Random steps beside an effect, at least."""
MEASURED_FEW = 5
"""Of estimated ones, so many are measured as well."""


@dataclass(frozen=True, eq=False)
class Controls:
    """Random steps on the same scenarios as an effect.

    Args:
        steps: + and - of every step in turn; measured, or their estimates (see `estimated`).
        few: the first of them as measured, where `steps` holds estimates; None where all are measured.
    """

    steps: Measured
    few: Measured | None = None

    def among(self, keep: Callable[[Scenario], bool]) -> Controls:
        """The same on some of the scenarios, for example those of one domain."""
        return replace(
            self, steps=self.steps.among(keep), few=None if self.few is None else self.few.among(keep)
        )

    def ratio(self) -> Floats:
        """(axes): how much larger the few are than their estimates (root mean square); 1 where all are measured.

        NaN for an axis without scenarios.
        """
        found = _halved(self.steps)
        if self.few is None:
            return np.ones(found.shape[1])
        return ratio_of(_halved(self.few), found)

    def changes(self) -> Floats:
        """Signed changes of d, (steps, axes); estimates times their ratio where it exceeds 1."""
        corrected: Floats = np.maximum(1.0, self.ratio()) * _halved(self.steps)
        return corrected


def ratio_of(measured: ArrayLike, estimated: ArrayLike) -> Floats:
    """Root mean square of changes as measured, over that of the same steps' estimates; 1 where the estimates are all zero.

    Args:
        measured: (few, ...).
        estimated: (few or more, ...), the same steps first.
    """
    real = np.asarray(measured, dtype=np.float64)
    guess = np.asarray(estimated, dtype=np.float64)[: len(real)]
    above, below = (np.sqrt((part**2).mean(axis=0)) for part in (real, guess))
    found: Floats = np.divide(above, below, out=np.ones_like(above), where=below != 0)
    return found


def estimated(slopes: Slopes, scenarios: Sequence[Scenario], steps: Sequence[Change], pack: Pack) -> Measured:
    """What steps do to first order, in the form of a measurement: + and - of every step in turn.

    `d` is the change from the unsteered model, so its halved difference is the signed change; one wording (the mean of
    them), no bias, and a letter mass that is not known (NaN).

    Args:
        slopes: of the same scenarios, in their order.
        scenarios: (S).
        steps: at any blocks.
        pack: the instrument, for the axes.

    Raises:
        BadInputError: no steps, or slopes of other scenarios.
    """
    import torch

    gradients = slopes.gradients
    if not steps or len(gradients) != len(scenarios):
        raise BadInputError(
            f"an estimate needs a step, and slopes of its {len(scenarios)} scenarios, not of {len(gradients)}"
        )
    change = torch.zeros(len(steps), len(scenarios), dtype=torch.float64)
    for block in sorted({b for step in steps for b in step}):
        nothing = torch.zeros(gradients.shape[2])
        moved = torch.stack([step.get(block, nothing).float().cpu() for step in steps])
        change += (moved @ gradients[:, block].T).double()
    axes = tuple(a.id for a in pack.axes)
    both = np.stack([change.numpy(), -change.numpy()], axis=1).reshape(2 * len(steps), len(scenarios), 1)
    return Measured(
        axes,
        tuple(scenarios),
        np.array([axes.index(pack.axis_of(s)) for s in scenarios]),
        both,
        np.zeros_like(both),
        np.full_like(both, np.nan),
    )


def _halved(found: Measured) -> Floats:
    means = found.means()
    half: Floats = (means[0::2] - means[1::2]) / 2
    return half
