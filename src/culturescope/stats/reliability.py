"""Reliability of scores: Cronbach's alpha, split halves, corrected part-total correlation, each with a bootstrap interval.

Scores are R respondents x K parts. Every figure is computed from weighted sums over respondents, so that the figure itself
(all weights one) and its bootstrap (weights are how often each respondent was drawn) come from the same formula:

- alpha = K / (K - 1) (1 - sum_k var_k / var(sum of the parts)) (Cronbach 1951, Psychometrika 16, 297-334).
- split half: parts are dealt into two halves at random, many times; r is the mean correlation of the halves' means over the
  splits. A test of K parts is n = K / h times as long as a half of h parts, and its reliability is n r / (1 + (n - 1) r)
  (Spearman and Brown 1910). Of an odd number of parts one is left out in each split. A negative r is not stepped up: the
  formula presumes halves that measure the same.
- corrected part-total correlation: a part with the mean of the others.

What cannot be estimated has no value but a reason. Intervals are percentiles over resampled respondents; they say nothing of
parts that were not asked, nor of respondents of another kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from culturescope.stats.bands import check_level

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
"""Weights (draws, R) in, one value a draw out; NaN where a draw has none."""

FEWEST_FOR_INTERVAL = 5
FEWEST_FOR_CORRELATION = 3
LEAST_USABLE = 0.9
RELATIVE_ZERO = 1e-12

ONE_RESPONDENT = "one respondent does not vary"
TWO_RESPONDENTS = "two respondents always correlate by 1 or -1"
ONE_PART = "there is one part only"
NO_VARIANCE = "respondents do not differ"


@dataclass(frozen=True)
class Figure:
    """A figure with its interval, or the reason why there is none.

    `value` is None where the figure cannot be estimated; `low` and `high` are None where only the interval cannot.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Resampling:
    """How intervals are made: level, number of bootstrap draws, seed of the draws and of the splits."""

    level: float = 0.95
    resamples: int = 2000
    seed: int = 42

    def __post_init__(self) -> None:
        """Refuses settings that cannot be meant.

        Raises:
            ValueError: level outside of (0, 1), or fewer than 100 draws.
        """
        check_level(self.level)
        if self.resamples < 100:
            raise ValueError(f"resamples must be 100 or more, not {self.resamples}")


def mean(scores: ArrayLike, how: Resampling = Resampling()) -> Figure:
    """Mean over respondents of scores (R,).

    Raises:
        ValueError: scores are not finite or not one a respondent.
    """
    x = _vector(scores)
    return _figure(lambda w: w @ x / w.sum(axis=1), len(x), how, "")


def spread(scores: ArrayLike, how: Resampling = Resampling()) -> Figure:
    """Standard deviation (divisor R - 1) over respondents of scores (R,).

    Raises:
        ValueError: scores are not finite or not one a respondent.
    """
    x = _vector(scores)
    if len(x) < 2:
        return Figure(None, reason=ONE_RESPONDENT)
    centred = (x - x.mean())[:, None]
    return _figure(lambda w: np.sqrt(_variances(w, centred)[:, 0]), len(x), how, "")


def cronbach_alpha(parts: ArrayLike, how: Resampling = Resampling()) -> Figure:
    """Cronbach's alpha of parts (R, K); may be negative.

    Raises:
        ValueError: parts are not finite or not of two dimensions.
    """
    x = _matrix(parts)
    respondents, number = x.shape
    reason = ONE_PART if number < 2 else ONE_RESPONDENT if respondents < 2 else ""
    if reason:
        return Figure(None, reason=reason)
    centred = x - x.mean(axis=0)
    total = centred.sum(axis=1, keepdims=True)
    zero = RELATIVE_ZERO * float((x**2).sum())

    def alpha(weights: Floats) -> Floats:
        within = _variances(weights, centred).sum(axis=1)
        whole = _variances(weights, total)[:, 0]
        ratio = np.divide(within, whole, out=np.full(len(weights), np.nan), where=whole > zero)
        return np.asarray(number / (number - 1) * (1 - ratio))

    return _figure(alpha, respondents, how, NO_VARIANCE)


def part_total_correlation(part: ArrayLike, rest: ArrayLike, how: Resampling = Resampling()) -> Figure:
    """Correlation over respondents of a part (R,) with the mean of the other parts (R,).

    Raises:
        ValueError: scores are not finite or of different lengths.
    """
    x, y = _vector(part), _vector(rest)
    if len(x) != len(y):
        raise ValueError(f"part and rest must have one score a respondent each, not {len(x)} and {len(y)}")
    if reason := _too_few(len(x)):
        return Figure(None, reason=reason)
    a, b = x[:, None], y[:, None]
    return _figure(lambda w: _correlations(w, a, b)[:, 0], len(x), how, NO_VARIANCE)


def split_half(
    parts: ArrayLike,
    strata: ArrayLike | None = None,
    *,
    splits: int = 200,
    how: Resampling = Resampling(),
) -> Figure:
    """Split-half reliability (Spearman-Brown) of parts (R, K), the mean over random splits.

    Args:
        parts: scores of the parts.
        strata: (K,) label of each part; halves are dealt stratum by stratum, so that both hold as much of each. The test that
            the step leads to is the whole one.
        splits: number of random splits.
        how: interval and seed.

    Raises:
        ValueError: parts are not finite or not of two dimensions, strata do not fit, or there is no split.
    """
    x = _matrix(parts)
    respondents, number = x.shape
    labels = np.zeros(number) if strata is None else np.asarray(strata)
    if labels.shape != (number,):
        raise ValueError(f"strata must be ({number},), one a part, not of shape {labels.shape}")
    if splits < 1:
        raise ValueError(f"splits must be 1 or more, not {splits}")
    if number < 2:
        return Figure(None, reason=ONE_PART)
    if reason := _too_few(respondents):
        return Figure(None, reason=reason)
    first, second = _halves(labels, splits, how.seed)
    length = number / float(first[:, 0].sum())
    a, b = (x @ (half / half.sum(axis=0)) for half in (first, second))

    def stepped(weights: Floats) -> Floats:
        every = _correlations(weights, a, b)
        usable = np.isfinite(every)
        some = usable.any(axis=1)
        total = np.where(usable, every, 0).sum(axis=1)
        r = np.divide(total, usable.sum(axis=1), out=np.full(len(weights), np.nan), where=some)
        return np.asarray(np.where(r > 0, length * r / (1 + (length - 1) * np.maximum(r, 0)), r))

    return _figure(stepped, respondents, how, NO_VARIANCE)


def _halves(labels: NDArray[np.generic], splits: int, seed: int) -> tuple[Floats, Floats]:
    """Membership of both halves (K, splits), 0 or 1; both have as many parts, and as many of each stratum but for one."""
    rng = np.random.default_rng(seed)
    number = len(labels)
    first, second = np.zeros((number, splits)), np.zeros((number, splits))
    strata = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    for column in range(splits):
        dealt = [rng.permutation(those) for those in strata]
        pairs = np.array([p[n : n + 2] for p in dealt for n in range(0, len(p) - 1, 2)]).reshape(-1, 2)
        rest = rng.permutation([p[-1] for p in dealt if len(p) % 2])
        pairs = np.vstack([pairs, np.reshape(rest[: len(rest) // 2 * 2], (-1, 2))]).astype(int)
        first[pairs[:, 0], column] = second[pairs[:, 1], column] = 1
    return first, second


def _figure(statistic: Statistic, respondents: int, how: Resampling, reason: str) -> Figure:
    value = float(statistic(np.ones((1, respondents)))[0])
    if not np.isfinite(value):
        return Figure(None, reason=reason)
    if respondents < FEWEST_FOR_INTERVAL:
        return Figure(
            value, reason=f"no interval: {respondents} respondents, {FEWEST_FOR_INTERVAL} are needed"
        )
    drawn = statistic(_draws(respondents, how))
    usable = drawn[np.isfinite(drawn)]
    if len(usable) < LEAST_USABLE * how.resamples:
        return Figure(value, reason="no interval: respondents do not differ in too many resamples")
    low, high = np.quantile(usable, [(1 - how.level) / 2, (1 + how.level) / 2])
    return Figure(value, float(low), float(high))


@lru_cache(maxsize=4)
def _draws(respondents: int, how: Resampling) -> Floats:
    """How often each respondent is in each resample (draws, R)."""
    rng = np.random.default_rng(how.seed)
    drawn = rng.multinomial(respondents, np.full(respondents, 1 / respondents), size=how.resamples)
    return np.asarray(drawn, dtype=np.float64)


def _variances(weights: Floats, x: Floats) -> Floats:
    """Variances (draws, columns) of x (R, columns), centred, with divisor R - 1."""
    total = weights.sum(axis=1, keepdims=True)
    means = weights @ x / total
    return np.asarray(np.maximum(weights @ x**2 / total - means**2, 0) * total / (total - 1))


def _correlations(weights: Floats, x: Floats, y: Floats) -> Floats:
    """Correlations (draws, columns) of x and y (R, columns); NaN where one of them does not vary."""
    zero_x, zero_y = (RELATIVE_ZERO * (v**2).sum(axis=0) for v in (x, y))
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    total = weights.sum(axis=1, keepdims=True)
    covariance = weights @ (x * y) / total - (weights @ x / total) * (weights @ y / total)
    var_x, var_y = (_variances(weights, v) * (total - 1) / total for v in (x, y))
    varies = (var_x > zero_x) & (var_y > zero_y)
    found = np.divide(covariance, np.sqrt(var_x * var_y), out=np.full(covariance.shape, np.nan), where=varies)
    return np.asarray(np.clip(found, -1, 1))


def _too_few(respondents: int) -> str:
    if respondents < 2:
        return ONE_RESPONDENT
    return TWO_RESPONDENTS if respondents < FEWEST_FOR_CORRELATION else ""


def _vector(scores: ArrayLike) -> Floats:
    x = np.asarray(scores, dtype=np.float64)
    if x.ndim != 1 or not len(x) or not np.isfinite(x).all():
        raise ValueError(f"scores must be finite and of shape (R,), one a respondent, not of shape {x.shape}")
    return x


def _matrix(parts: ArrayLike) -> Floats:
    x = np.asarray(parts, dtype=np.float64)
    if x.ndim != 2 or not x.size or not np.isfinite(x).all():
        raise ValueError(f"parts must be finite and of shape (R, K), respondents x parts, not {x.shape}")
    return x
