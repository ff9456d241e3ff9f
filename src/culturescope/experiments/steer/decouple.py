"""Three ways to steer one axis and leave the other alone.

- `orthogonal`: the other axis's direction is projected out, block by block.
- `inverse`: coefficients from the inverse of the response matrix J, so that the other axis's change cancels.
- `penalised`: the direction that keeps the axis's mean difference but is punished for what it does to the other axis's pairs:
  (I + lambda S / tr(S) x width)^-1 v, with S the uncentred second moment of the other axis's differences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.experiments.steer.measuring import sum_of
from culturescope.steering.fitting import as_long_as
from culturescope.steering.vector import SteeringVector

if TYPE_CHECKING:
    from culturescope.models.resuming import Change
    from culturescope.steering.fitting import PairStates

Floats = NDArray[np.float64]


def orthogonal(on: SteeringVector, off: SteeringVector) -> SteeringVector:
    """The direction of one axis without that of the other, with the plain one's norms."""
    return as_long_as(on, on.without(off))


def from_inverse(on: Change, off: Change, response: Floats) -> Change:
    """The mix of two steps whose expected change off the axis is zero; at its longest block it is as long as the plain step.

    It mixes the very steps that J was measured with: their lengths differ by block and axis from those of the vectors.

    Args:
        on: step of the axis.
        off: step of the other axis.
        response: (2, 2), rows the axes measured, columns the steps, in the order (on, off), measured with the same blocks.

    Raises:
        BadInputError: the matrix cannot be inverted: both steps do the same.
    """
    if not np.isfinite(response).all() or np.linalg.cond(response) > 1e6:
        raise BadInputError(
            "the response matrix cannot be inverted: both vectors change both axes in the same proportion"
        )
    share = np.linalg.inv(response) @ np.array([1.0, 0.0])
    if share[0] == 0:
        raise BadInputError("the vector of the axis itself has no part in the combination")
    # The sign that raises the axis. One factor for all blocks: scaling them apart would undo the balance.
    both = ((on, float(np.sign(share[0]))), (off, float(share[1] / abs(share[0]))))
    mixed = sum_of([{b: factor * v for b, v in step.items()} for step, factor in both])
    longest = max(float(mixed[b].norm()) / float(v.norm()) for b, v in on.items() if float(v.norm()) > 0)
    return {b: v / longest for b, v in mixed.items()}


def penalised(states_off: PairStates, plain: SteeringVector, strength: float) -> SteeringVector:
    """The penalised direction at every block of the plain vector, with its norms.

    Args:
        states_off: contrast pairs of the other axis.
        plain: vector of the axis, for blocks and norms.
        strength: lambda; 0 gives the plain direction.

    Raises:
        BadInputError: a negative strength.
    """
    import torch

    if not strength >= 0:
        raise BadInputError(f"the strength of the penalty must be 0 or more, not {strength}")
    found = {}
    for block in plain.blocks:
        n = states_off.blocks.index(block)
        difference = (states_off.positive[:, n] - states_off.negative[:, n]).double()
        scale = strength * difference.shape[1] / max(float((difference**2).sum()), 1e-30)
        wide = plain[block].double()
        # Woodbury: a system of the size of the pairs instead of the width.
        inner = (
            torch.eye(len(difference), dtype=torch.float64) / max(scale, 1e-30) + difference @ difference.T
        )
        left = wide - difference.T @ torch.linalg.solve(inner, difference @ wide) if strength > 0 else wide
        found[block] = left.float()
    label = {"method": f"{plain.origin.method}, penalty {strength:g}", "gap": {}}
    return as_long_as(plain, SteeringVector(found, plain.origin.model_copy(update=label)))
