"""Vectors fitted on shuffled labels: what the method finds where there is nothing to find.

A labelling swaps the poles of half of the pairs. With few pairs there are few labellings, and none is used twice, nor
together with its opposite, which gives the opposite vector. A first principal direction does not change when pairs
swap their poles, only its sign does: for `pca` the shuffled vectors are the vector itself with a random sign.
"""

from __future__ import annotations

import math
import random
from itertools import combinations
from typing import TYPE_CHECKING

from culturescope.steering.directions import (
    Method,
    logistic,
    mean_difference,
    method_of,
    uncentred_pca,
)
from culturescope.steering.fitting import PairStates, as_long_as, fit, swapped
from culturescope.steering.vector import SteeringVector

if TYPE_CHECKING:
    from torch import Tensor

_OF_DIFFERENCES = (mean_difference, uncentred_pca, logistic)
"""Methods that see the pairs' differences only, and turn with them when space is turned."""


def labellings(pairs: int, count: int, seed: int) -> list[tuple[int, ...]]:
    """Which pairs swap their poles, for `count` labellings, or for all there are."""
    half = pairs // 2
    there = math.comb(pairs, half) // (1 if pairs % 2 else 2)
    if there <= count:
        return [c for c in combinations(range(pairs), half) if pairs % 2 or 0 in c]
    drawn = random.Random(seed)
    found: dict[tuple[int, ...], bool] = {}  # a dict keeps the order, which the results depend on
    while len(found) < count:
        swap = tuple(sorted(drawn.sample(range(pairs), half)))
        if pairs % 2 == 0 and 0 not in swap:
            swap = tuple(n for n in range(pairs) if n not in swap)
        found[swap] = True
    return list(found)


def shuffled_vectors(
    states: PairStates, vector: SteeringVector, method: str | Method, count: int, seed: int
) -> list[SteeringVector]:
    """Vectors fitted on shuffled labels, with the norms of the vector fitted on the real ones.

    Args:
        states: the pairs that the vector was fitted on.
        vector: that vector.
        method: of its fit.
        count: of labellings; fewer where there are not as many.
        seed: of the labellings.
    """
    label = f"{vector.origin.label} shuffled"
    small, bases = _reduced(states) if method_of(method)[1] in _OF_DIFFERENCES else (states, None)
    found = []
    for swap in labellings(len(states.positive), count, seed):
        fitted = fit(swapped(small, swap), label, method)
        if bases is not None:
            wide = {b: basis @ fitted[b] for b, basis in zip(states.blocks, bases, strict=True)}
            fitted = SteeringVector(wide, fitted.origin)
        found.append(as_long_as(vector, fitted))
    return found


def _reduced(states: PairStates) -> tuple[PairStates, list[Tensor] | None]:
    """The pairs' differences in an orthonormal basis of their own span, and the bases (width, pairs), one a block.

    Every labelling's vector lies in that span, and is found there at a fraction of the cost.
    """
    import torch

    pairs, _, width = states.positive.shape
    if pairs >= width:
        return states, None
    bases, inside = [], []
    for n in range(len(states.blocks)):
        difference = (states.positive[:, n] - states.negative[:, n]).double()
        basis, small = torch.linalg.qr(difference.T)
        bases.append(basis.float())
        inside.append(small.T.float())
    positive = torch.stack(inside, dim=1)
    return PairStates(
        positive, torch.zeros_like(positive), states.median_norms, states.blocks, states.origin
    ), bases
