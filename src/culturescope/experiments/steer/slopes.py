"""The first-order estimate: what every vector would do at every block, from one backward pass.

With g the gradient of d at a block (summed over tokens), a small step alpha v changes d by alpha g . v. It tells large
effects from small ones at a fraction of the cost; the exact measure decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from culturescope.instrument import Scenario
from culturescope.prompts import ORDERS, Template, dilemma

if TYPE_CHECKING:
    from torch import Tensor

    from culturescope.models.causal import CausalModel
    from culturescope.steering.vector import SteeringVector

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Slopes:
    """Gradients of the value logit.

    Args:
        gradients: (S, blocks, width), d(d) / d(step) behind every block, mean over wordings.
    """

    gradients: Tensor

    def of(self, vector: SteeringVector, alphas: Sequence[float]) -> Floats:
        """Estimated signed change of d, (S, blocks of the vector), for one raw coefficient a block."""
        import torch

        steps = torch.stack([a * vector[b] for a, b in zip(alphas, vector.blocks, strict=True)])
        found: Floats = (
            torch.einsum("sbd,bd->sb", self.gradients[:, list(vector.blocks)], steps).double().numpy()
        )
        return found


def slopes(
    model: CausalModel, scenarios: Sequence[Scenario], templates: Sequence[Template], *, batch_size: int = 8
) -> Slopes:
    """Reads the gradients of d on scenarios, both orders, all wordings; all blocks at once.

    Raises:
        BadInputError: the model is being steered.
    """
    from culturescope.models.gradients import summed_gradients

    # d is half the letters' gap with the positive pole at A less half the gap with it at B.
    share = 0.5 / len(templates)
    weights = [sign * share for _ in templates for sign in (1, -1)]
    ids = iter(model.encode([dilemma(s, w, o) for s in scenarios for w in templates for o in ORDERS]))
    sums = [[(next(ids), weight) for weight in weights] for _ in scenarios]
    return Slopes(summed_gradients(model, sums, batch_size=batch_size))
