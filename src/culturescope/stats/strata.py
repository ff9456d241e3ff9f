"""Which scenarios share a variance, and which mean their deviations are taken from.

A scenario is random within its cell (item x domain), so its deviation is taken from the mean of its cell.
Small cells do not know their variance: they are pooled, item by item, so that an item has the same variance
on its own and inside its axis.

| the item has | variance of | deviations from | degrees of freedom |
|---|---|---|---|
| five or more scenarios in every cell | each cell | the cell's mean | n_cell - 1 |
| two or more a cell on average | the item | the cell's mean | n_item - cells |
| fewer, but two at least | the item | the item's mean | n_item - 1 |
| a single scenario | all such items together | their common mean | items - 1 |

The last two count differences between domains (or items) as spread of scenarios: their intervals are too
wide rather than too narrow. A lone single scenario joins the item with the fewest scenarios.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]

OWN_VARIANCE = 5
"""Scenarios that a cell needs for a variance of its own."""


@dataclass(frozen=True, eq=False)
class Design:
    """Scenarios in canonical order (item, cell, mean, wordings): the order of the input has no effect.

    `values` (S, W) and `means` (S,), the mean over wordings; codes of `item` and `cell` (S,); `cell_names`,
    a cell's label by code; `weight` (S,), sums to one: equal weights of scenarios in a cell, cells in an
    item, items in the axis; `stratum` (S,), code of the set that shares a variance; `centre` (S,), code of
    the set whose mean is subtracted; `freedom` (strata,), degrees of freedom of each stratum's variance.
    """

    values: Floats
    means: Floats
    item: Codes
    cell: Codes
    cell_names: tuple[Any, ...]
    weight: Floats
    stratum: Codes
    centre: Codes
    freedom: Floats

    @property
    def wordings(self) -> int:
        """Number of wordings."""
        return int(self.values.shape[1])

    def deviations(self) -> Floats:
        """Deviations (S,) of the scenario means, rescaled: their mean square in a stratum is unbiased.

        The factor sqrt(n / (n - 1)), with n - 1 replaced by the degrees of freedom, is that of Rao and Wu
        (1988), "Resampling inference with complex survey data", JASA 83, 231-241.
        """
        size = np.bincount(self.stratum)
        return (self.means - group_mean(self.means, self.centre)) * np.sqrt(size / self.freedom)[self.stratum]

    def variance(self) -> Floats:
        """Unbiased variance (strata,) of the scenario means in each stratum."""
        return np.bincount(self.stratum, self.deviations() ** 2) / np.bincount(self.stratum)

    def interaction(self) -> Floats:
        """Unbiased variance (strata,) of scenario x wording, noise of an answer included."""
        if self.wordings == 1:
            return np.zeros(len(self.freedom))
        residual = self.values - self.means[:, None]
        residual = residual - np.column_stack([group_mean(column, self.centre) for column in residual.T])
        return np.bincount(self.stratum, (residual**2).sum(axis=1)) / (self.freedom * (self.wordings - 1))


def group_mean(values: Floats, group: Codes) -> Floats:
    """Mean of each value's group, (S,) to (S,)."""
    return (np.bincount(group, values) / np.maximum(np.bincount(group), 1))[group]


def design_of(values: ArrayLike, items: ArrayLike, cells: ArrayLike) -> Design:
    """Check the input, sort it, weigh it and choose the strata.

    Args:
        values: (S, W) numbers, one row a scenario, one column a wording; (S,) is read as one wording.
        items: (S,) codes or names.
        cells: (S,) codes or names; a cell belongs to one item.

    Raises:
        ValueError: values are not finite, shapes do not fit, a cell lies in two items, or there is one
            scenario only.
    """
    table, item_labels, cell_labels = (
        np.asarray(values, dtype=np.float64),
        np.asarray(items),
        np.asarray(cells),
    )
    if table.ndim == 1:
        table = table[:, None]
    if table.ndim != 2 or table.shape[1] == 0:
        raise ValueError(f"values must be (scenarios, wordings), not of shape {np.shape(values)}")
    count = len(table)
    if item_labels.shape != (count,) or cell_labels.shape != (count,):
        raise ValueError(
            f"items and cells must be ({count},) like the rows of values, "
            f"not {item_labels.shape} and {cell_labels.shape}"
        )
    if count < 2:
        raise ValueError(
            f"an interval needs two scenarios or more, not {count}: one says nothing of the spread"
        )
    if not np.isfinite(table).all():
        bad = int((~np.isfinite(table)).any(axis=1).sum())
        raise ValueError(
            f"values must be finite numbers, but {bad} of {count} scenarios hold NaN or infinity"
        )
    item = np.unique(item_labels, return_inverse=True)[1].astype(np.intp)
    names, cell = np.unique(cell_labels, return_inverse=True)
    cell = cell.astype(np.intp)
    item_of_cell = np.zeros(len(names), dtype=np.intp)
    item_of_cell[cell] = item
    if (item_of_cell[cell] != item).any():
        wrong = names[cell[item_of_cell[cell] != item][0]]
        raise ValueError(f"a cell belongs to one item, but cell {wrong!r} lies in several")

    means = np.sort(table, axis=1).mean(axis=1)
    order = np.lexsort((*table.T[::-1], means, cell, item))
    table, means, item, cell = table[order], means[order], item[order], cell[order]
    cells_of_item, in_cell = np.bincount(item_of_cell), np.bincount(cell)
    weight = 1.0 / (len(cells_of_item) * cells_of_item[item] * in_cell[cell])
    stratum, centre, freedom = _strata(item, cell, item_of_cell)
    return Design(table, means, item, cell, tuple(names.tolist()), weight, stratum, centre, freedom)


def _strata(item: Codes, cell: Codes, item_of_cell: Codes) -> tuple[Codes, Codes, Floats]:
    """Stratum and centre of each scenario, degrees of freedom of each stratum."""
    in_item, in_cell, cells_of_item = np.bincount(item), np.bincount(cell), np.bincount(item_of_cell)
    smallest = np.full(len(in_item), len(item))
    np.minimum.at(smallest, item_of_cell, in_cell)
    by_cell = (smallest >= OWN_VARIANCE)[item]
    centred_on_cell = (in_item >= 2 * cells_of_item)[item]

    home = np.arange(len(in_item))
    single = np.flatnonzero(in_item == 1)
    if len(single) > 1:
        home[single] = single[0]
    elif len(single) == 1:
        others = np.flatnonzero(in_item > 1)
        host = others[np.argmin(in_item[others])]
        home[single] = host
        centred_on_cell &= item != host
        by_cell &= item != host

    offset = len(in_item)
    stratum = np.unique(np.where(by_cell, offset + cell, home[item]), return_inverse=True)[1]
    centre = np.unique(np.where(by_cell | centred_on_cell, offset + cell, home[item]), return_inverse=True)[1]
    stratum_of_centre = np.zeros(centre.max() + 1, dtype=np.intp)
    stratum_of_centre[centre] = stratum
    freedom = np.bincount(stratum) - np.bincount(stratum_of_centre)
    return stratum.astype(np.intp), centre.astype(np.intp), freedom.astype(np.float64)
