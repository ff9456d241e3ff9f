"""Ratios of medians with bootstrap intervals over rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 4000


@dataclass(frozen=True)
class Ratio:
    """A ratio of medians; `low` and `high` bound its 95% interval, and are None where there are fewer than three rounds."""

    value: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        """`1.53 (1.48 to 1.60)`."""
        if self.low is None or self.high is None:
            return f"{self.value:.2f}"
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def ratio_of_medians(above: Sequence[float], below: Sequence[float], *, seed: int = 42) -> Ratio:
    """Median of `above` over median of `below`, measured in the same rounds; rounds are drawn as pairs.

    Raises:
        ValueError: different numbers of rounds, or none.
    """
    if len(above) != len(below) or not above:
        raise ValueError(f"a ratio needs the same rounds of both, and some: {len(above)}, {len(below)}")
    one, other = np.asarray(above, dtype=float), np.asarray(below, dtype=float)
    value = float(np.median(one) / np.median(other))
    if len(one) < 3:
        return Ratio(value)
    drawn = np.random.default_rng(seed).integers(len(one), size=(RESAMPLES, len(one)))
    ratios = np.median(one[drawn], axis=1) / np.median(other[drawn], axis=1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    return Ratio(value, float(low), float(high))
