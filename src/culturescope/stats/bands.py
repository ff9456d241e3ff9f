"""Bands that need no resampling: what value-free personas differ by, and what a share may be."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def null_band(persona_means: ArrayLike, level: float = 0.95) -> tuple[float, NDArray[np.float64]]:
    """Return how far two value-free personas may lie apart, and how far those at hand do.

    Let m_1..m_P be the axis means under exchangeable, normal personas with variance s^2. A new pair differs
    by a normal variable with variance 2 s^2, independent of the estimate of s^2, which has P - 1 degrees of
    freedom. So |m_a - m_b| <= t_{P-1, (1 + level) / 2} sqrt(2) s in `level` of cases: a prediction interval
    (Hahn and Meeker 1991, "Statistical Intervals", chapter 4) for a difference, with no mean to estimate.
    From sum_{i<j} (m_i - m_j)^2 = P sum_i (m_i - mean)^2 follows s^2 = sum_{i<j} D_ij^2 / (P (P - 1)).
    A signed difference exceeds the band in (1 - level) / 2 of cases (2.5% at 0.95); it would exceed the range of six
    personas in 6.0%.

    Args:
        persona_means: (P,) axis means, value logits, of personas without values. Six or more serve well;
            with two, t is 12.7.
        level: share of pairs inside the band.

    Returns:
        The band (value logits) and |m_i - m_j| for all i < j, (P (P - 1) / 2,).

    Raises:
        ValueError: fewer than two personas, a value that is not finite, or a level outside of (0, 1).
    """
    from scipy.special import stdtrit

    means = np.asarray(persona_means, dtype=np.float64)
    if means.ndim != 1 or len(means) < 2:
        raise ValueError(f"persona_means must be (P,) with two personas or more, not of shape {means.shape}")
    if not np.isfinite(means).all():
        raise ValueError("persona_means must be finite numbers")
    check_level(level)
    means = np.sort(means)
    count = len(means)
    first, second = np.triu_indices(count, k=1)
    pairs = np.abs(means[first] - means[second])
    sd = np.sqrt((pairs**2).sum() / (count * (count - 1)))
    return float(stdtrit(count - 1, (1 + level) / 2) * np.sqrt(2) * sd), pairs


def wilson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval of a share (Wilson 1927, JASA 22, 209-212), both ends in [0, 1].

    Raises:
        ValueError: n is below one, successes is not within 0..n, or level is outside of (0, 1).

    Example:
        >>> low, high = wilson(8, 10)
        >>> round(low, 3), round(high, 3)
        (0.49, 0.943)
    """
    from scipy.special import ndtri

    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"a share needs 0 <= successes <= n and n >= 1, not {successes} of {n}")
    check_level(level)
    z = float(ndtri((1 + level) / 2))
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low = 0.0 if successes == 0 else float(middle - half)
    high = 1.0 if successes == n else float(middle + half)
    return low, high


def check_level(level: float) -> None:
    """Raise ValueError unless level is a confidence level inside of (0, 1)."""
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, not {level}")
