"""Weighted sums of answers by cell, added up a part of the file at a time; nothing of single respondents is kept.

For each cell, variable and answer v the tally holds the count n_v, the sum of weights W_v and of their squares Q_v.
With W = sum W_v: mean m = sum v W_v / W, Kish's effective sample size n_eff = W^2 / sum Q_v (Kish 1965), variance
s2 = sum W_v (v - m)^2 / W, standard error sqrt(s2 / (n_eff - 1)). The linearised standard error
sqrt(n / (n - 1) sum Q_v (v - m)^2) / W also holds where weights go with answers (Sarndal, Swensson and Wretman 1992).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Key = TypeVar("Key", bound=Hashable)
WIDTH = 10
"""Most answers that an item has."""


@dataclass(frozen=True)
class Slot:
    """A variable that is tallied, with the ends of its scale."""

    name: str
    low: int
    high: int

    @property
    def codes(self) -> Floats:
        """All answers, from low to high."""
        return np.arange(self.low, self.high + 1, dtype=np.float64)


@dataclass(frozen=True)
class Estimate:
    """What a cell says on a variable.

    Args:
        n: respondents with an answer and a weight.
        n_effective: Kish's effective sample size.
        mean: weighted mean of the codes.
        se: standard error of the mean from n_effective.
        se_linearised: standard error that allows for weights that go with answers.
        shares: weighted share of each answer, low to high.
    """

    n: int
    n_effective: float
    mean: float
    se: float
    se_linearised: float
    shares: tuple[float, ...]


def estimate(slot: Slot, counts: Floats, weights: Floats, squares: Floats) -> Estimate | None:
    """Mean, error and shares from the sums of one cell by answer; None where nobody answered or weights are out of range."""
    size = slot.high - slot.low + 1
    n, w, q = counts[:size], weights[:size], squares[:size]
    total = w.sum()
    if total <= 0 or not 0 < q.sum() < float("inf"):
        return None
    mean = float((slot.codes * w).sum() / total)
    away = (slot.codes - mean) ** 2
    effective = float(total**2 / q.sum())
    respondents = int(n.sum())
    single = respondents < 2
    kish = np.sqrt((away * w).sum() / total / max(effective - 1, 1e-9))
    linearised = np.sqrt(respondents / max(respondents - 1, 1) * (away * q).sum()) / total
    return Estimate(
        n=respondents,
        n_effective=effective,
        mean=mean,
        se=float("inf") if single else float(kish),
        se_linearised=float("inf") if single else float(linearised),
        shares=tuple((w / total).tolist()),
    )


class Tally(Generic[Key]):
    """Sums of many cells; a cell is known by its key.

    Args:
        slots: the variables.
        most: number of cells above which adding fails.
    """

    def __init__(self, slots: Sequence[Slot], most: int) -> None:
        self.slots = tuple(slots)
        self._most = most
        self._rows: dict[Key, int] = {}
        self._sums = np.zeros((3, 64, len(self.slots), WIDTH))

    @property
    def keys(self) -> tuple[Key, ...]:
        """Keys of the cells, in the order they came."""
        return tuple(self._rows)

    def add(self, keys: Sequence[Key], cell: Ints, weights: Floats, values: Mapping[str, Floats]) -> None:
        """Adds respondents.

        Args:
            keys: of the cells of this part.
            cell: index into `keys` of each respondent (n).
            weights: of each (n), all positive.
            values: slot to answers (n), NaN where there is none.

        Raises:
            OverflowError: more cells than allowed.
        """
        rows = np.array([self._rows.setdefault(key, len(self._rows)) for key in keys], dtype=np.int64)
        if len(self._rows) > self._most:
            raise OverflowError
        while len(self._rows) > self._sums.shape[1]:
            self._sums = np.concatenate([self._sums, np.zeros_like(self._sums)], axis=1)
        size = len(keys) * WIDTH
        for number, slot in enumerate(self.slots):
            if slot.name not in values:
                continue
            there = ~np.isnan(values[slot.name])
            place = cell[there] * WIDTH + (values[slot.name][there] - slot.low).astype(np.int64)
            weight = weights[there]
            for sums, each in zip(self._sums, (None, weight, weight**2), strict=True):
                added = np.bincount(place, each, minlength=size).reshape(len(keys), WIDTH)
                sums[rows, number] += added

    def estimates(self, keys: Sequence[Key]) -> dict[str, Estimate]:
        """Slot to estimate of some cells taken together; slots without an answer are not in it."""
        rows = [self._rows[key] for key in keys]
        n, w, q = self._sums[:, rows].sum(axis=1)
        found = {s.name: estimate(s, n[i], w[i], q[i]) for i, s in enumerate(self.slots)}
        return {name: e for name, e in found.items() if e is not None}
