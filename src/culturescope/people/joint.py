"""Several readings of the same scenarios and wordings, resampled together: what they share cancels in their differences.

A place is linear in the scenarios' values (see `spread`), so a draw takes the same scenarios and wordings for all readings
and gives each its own offset. The error of the projection is common to places that lie near to each other and is left out:
differences are read on the map as it is fitted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from culturescope.stats.strata import Design, Floats, design_of, group_mean


def joint_means(values: Floats, items: Sequence[str], cells: Sequence[str]) -> NDArray[np.float64]:
    """Mean value of each item (C x I, items in alphabetical order): wordings, then scenario, cell, item, equal weights each."""
    table = np.asarray(values, dtype=np.float64).mean(axis=2)
    design, order = _design(table.shape[1], items, cells)
    weights = np.zeros((table.shape[1], int(design.item.max()) + 1))
    weights[np.arange(len(weights)), design.item] = design.weight
    return np.asarray(table[:, order] @ (weights / weights.sum(axis=0)))


def joint_offsets(
    values: Floats, items: Sequence[str], cells: Sequence[str], loadings: Floats, count: int, seed: int
) -> NDArray[np.float64]:
    """Bootstrap offsets of the places of several readings: over scenarios within strata, and over wordings.

    Deviations are rescaled for small samples, and the scenario x wording interaction, which scenarios and wordings both hold,
    is taken out of the wordings' share, as in the spread of a single place.

    Args:
        values: of C readings (C x S x W), scenarios and wordings in the same order in each.
        items: of the scenarios (S).
        cells: item and domain of the scenarios (S).
        loadings: what the mean value of an item adds to x and y, items in alphabetical order (I x 2).
        count: draws.
        seed: of the draws.

    Returns:
        Offsets (count x C x 2).
    """
    table = np.asarray(values, dtype=np.float64)
    design, order = _design(table.shape[1], items, cells)
    table = table[:, order]
    weights = len(loadings) * design.weight[:, None] * np.asarray(loadings)[design.item]
    means = table.mean(axis=2)
    scale = np.sqrt(np.bincount(design.stratum) / design.freedom)[design.stratum]
    deviations = np.array([(row - group_mean(row, design.centre)) * scale for row in means])
    rng = np.random.default_rng(seed)
    offsets = np.zeros((count, len(table), 2))
    for stratum in range(len(design.freedom)):
        inside = np.flatnonzero(design.stratum == stratum)
        drawn = rng.integers(len(inside), size=(count, len(inside)))
        offsets += np.einsum("cdm,mk->dck", deviations[:, inside][:, drawn], weights[inside])
    wordings = table.shape[2]
    if wordings > 1:
        drawn = rng.integers(wordings, size=(count, wordings))
        for n, own in enumerate(table):
            places = own.T @ weights
            apart = (places - places.mean(axis=0)) * np.sqrt(wordings / (wordings - 1))
            offsets[:, n] += np.sqrt(_share(own, weights, design)) * apart[drawn].mean(axis=1)
    return offsets


def _design(count: int, items: Sequence[str], cells: Sequence[str]) -> tuple[Design, NDArray[np.intp]]:
    """The strata of the scenarios, and the scenarios in the design's order.

    That order goes by the values: with the scenarios' numbers as values it is known, and the same for all readings.
    """
    design = design_of(np.arange(count, dtype=np.float64), list(items), list(cells))
    return design, design.values[:, 0].astype(np.intp)


def _share(values: Floats, weights: Floats, design: Design) -> float:
    """Share of the variance between wordings (of a place) that is not the scenario x wording interaction."""
    between = float(np.trace(np.cov((values.T @ weights).T)))
    if between <= 0:
        return 0.0
    rest = values - values.mean(axis=1, keepdims=True)
    rest = rest - np.column_stack([group_mean(column, design.centre) for column in rest.T])
    squares = np.bincount(design.stratum, (rest**2).sum(axis=1))
    interaction = squares / (design.freedom * (values.shape[1] - 1))
    extra = float((weights**2).sum(axis=1) @ interaction[design.stratum])
    return max(0.0, 1 - extra / between)
