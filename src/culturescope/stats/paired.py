"""Differences between two runs over the same questions: McNemar's test for right and wrong, the bootstrap for other scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from culturescope.stats.resampling import resampled_weights


@dataclass(frozen=True)
class PairedDifference:
    """Mean of `after` less that of `before`.

    `lost` and `gained` count the questions whose score fell and rose; `p` is McNemar's exact two-sided p, None where scores are
    not 0 and 1.
    """

    before: float
    after: float
    value: float
    low: float
    high: float
    lost: int
    gained: int
    n: int
    p: float | None


def paired_difference(
    before: ArrayLike, after: ArrayLike, *, level: float = 0.95, resamples: int = 2000, seed: int = 42
) -> PairedDifference:
    """Compare scores of the same questions.

    For scores of 0 and 1 the interval is Tango's (1998, "Equivalence test and confidence interval for the difference
    in proportions for the paired-sample design", Statistics in Medicine 17, 891-908), which has a width also where no answer
    changed. The test is McNemar's (1947), exact: the changes are coin tosses. Other scores get the percentile interval of a
    paired bootstrap over questions.

    Args:
        before: (n), scores in the order of the questions.
        after: (n).
        level: of the interval.
        resamples: bootstrap draws, for scores that are not 0 and 1.
        seed: of the draws.

    Raises:
        ValueError: fewer than two questions, different numbers, or scores that are not finite.
    """
    a, b = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2 or not np.isfinite([a, b]).all():
        raise ValueError(
            f"two finite scores of each of two questions or more are needed, not {a.shape}, {b.shape}"
        )
    n, change = len(a), b - a
    lost, gained = int((change < 0).sum()), int((change > 0).sum())
    value = float(change.mean())
    p: float | None = None
    if np.isin([a, b], (0.0, 1.0)).all():
        from scipy.stats import binom

        changed = lost + gained
        p = min(1.0, 2 * float(binom.cdf(min(lost, gained), changed, 0.5))) if changed else 1.0
        low, high = _tango(gained, lost, n, level)
    else:
        drawn = resampled_weights([0] * n, [0] * n, resamples=resamples, seed=seed) @ change
        low, high = map(float, np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]))
    return PairedDifference(float(a.mean()), float(b.mean()), value, low, high, lost, gained, n, p)


def _tango(gained: int, lost: int, n: int, level: float) -> tuple[float, float]:
    """Differences of proportions that the score test does not reject."""
    from scipy.optimize import brentq
    from scipy.special import ndtri

    critical, edge = float(ndtri((1 + level) / 2)), 1 - 1e-9

    def score(delta: float) -> float:
        # q is the likeliest share of losses if the difference were delta: the root of 2n q^2 + linear q + constant.
        linear = (2 * n - gained + lost) * delta - gained - lost
        constant = -lost * delta * (1 - delta)
        q = (np.sqrt(linear**2 - 8 * n * constant) - linear) / (4 * n)
        variance = n * (2 * q + delta * (1 - delta))
        off = gained - lost - n * delta
        return float(off / np.sqrt(max(variance, 1e-15)))

    value = float(np.clip((gained - lost) / n, -edge, edge))
    low = -1.0 if score(-edge) <= critical else brentq(lambda d: score(d) - critical, -edge, value)
    high = 1.0 if score(edge) >= -critical else brentq(lambda d: score(d) + critical, value, edge)
    return float(low), float(high)
