"""Bootstrap weights over scenarios within cells, for figures that are no plain means (ratios, choices, matrices).

The same draw serves every figure computed from the same scenarios, so that differences and ratios are paired.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def balanced_weights(items: Sequence[Any], cells: Sequence[Any]) -> Floats:
    """Weights (S) that sum to one: scenarios weigh equally in a cell, cells in an item, items in all.

    Raises:
        ValueError: no scenarios, or different lengths.
    """
    if len(items) == 0 or len(items) != len(cells):
        raise ValueError(f"items and cells must be as many, and some: {len(items)}, {len(cells)}")
    item = np.unique(np.asarray(items), return_inverse=True)[1]
    cell = np.unique(np.asarray(cells), return_inverse=True)[1]
    item_of_cell = np.zeros(cell.max() + 1, dtype=np.intp)
    item_of_cell[cell] = item
    cells_of_item = np.bincount(item_of_cell)
    weights: Floats = 1.0 / (len(cells_of_item) * cells_of_item[item] * np.bincount(cell)[cell])
    return weights


def resampled_weights(
    items: Sequence[Any], cells: Sequence[Any], *, resamples: int = 2000, seed: int = 42
) -> Floats:
    """Bootstrap draws of `balanced_weights`, (resamples, S).

    From a stratum of n scenarios n - 1 are drawn with replacement and weigh n / (n - 1) times as much, so that the variance
    of a mean over the draws is the unbiased one also in small strata (Rao, Wu and Yue 1992, "Some recent work on resampling
    methods for complex surveys", Survey Methodology 18, 209-217). A stratum is a cell; cells with a single scenario
    are joined within their item, single items with each other: too wide an interval rather than too narrow.

    Raises:
        ValueError: fewer than two scenarios.
    """
    weights = balanced_weights(items, cells)
    if len(weights) < 2:
        raise ValueError(f"a bootstrap needs two scenarios or more, not {len(weights)}")
    rng = np.random.default_rng(seed)
    found = np.zeros((resamples, len(weights)))
    for members in _strata(items, cells):
        size = len(members)
        drawn = rng.integers(size, size=(resamples, size - 1))
        slots = (drawn + size * np.arange(resamples)[:, None]).ravel()
        counts = np.bincount(slots, minlength=resamples * size).reshape(resamples, size)
        # In a joined stratum members may weigh differently: deviations are resampled, the total weight is kept.
        found[:, members] = weights[members].mean() * counts * size / (size - 1)
        if np.ptp(weights[members]) > 0:
            found[:, members] += weights[members] - weights[members].mean()
    return found


def _strata(items: Sequence[Any], cells: Sequence[Any]) -> list[list[int]]:
    by_cell: dict[Any, list[int]] = {}
    for n, cell in enumerate(cells):
        by_cell.setdefault(cell, []).append(n)
    strata = [members for members in by_cell.values() if len(members) > 1]
    single: dict[Any, list[int]] = {}
    for members in by_cell.values():
        if len(members) == 1:
            single.setdefault(items[members[0]], []).extend(members)
    strata += [members for members in single.values() if len(members) > 1]
    left = [members[0] for members in single.values() if len(members) == 1]
    if len(left) > 1:
        strata.append(left)
    elif left:
        if not strata:
            raise ValueError("a bootstrap needs two scenarios or more")
        min(strata, key=len).extend(left)
    return strata


def random_band(effects: Sequence[float] | Floats, level: float = 0.95) -> float:
    """How large the effect of one more random vector may be: t_n rms(effects), two-sided.

    A random direction and its opposite are equally likely and the signed change is odd in the direction, so the effects
    have the mean zero; their n values give their spread with n degrees of freedom.

    Args:
        effects: (n), signed changes by random vectors of one norm.
        level: share of random vectors inside of the band.

    Raises:
        ValueError: fewer than two effects, or not finite.
    """
    from scipy.special import stdtrit

    values = np.asarray(effects, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"effects must be two finite numbers or more, not of shape {values.shape}")
    return float(stdtrit(len(values), (1 + level) / 2) * np.sqrt((values**2).mean()))
