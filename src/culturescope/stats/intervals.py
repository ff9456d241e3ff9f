"""Intervals of means over scenarios and wordings, two crossed sources of chance.

Of the answers y_sw (scenario s, wording w) one sees the weighted mean. It stands for the mean over all such
scenarios and wordings, items and domains as they are, so it errs in two ways, and each gets its own
interval:

- scenarios: the bootstrap of the scenario means within strata (module `strata`), deviations rescaled for
  small samples. It gives the shape: how much of the width lies on either side. The width is 2 t_f sqrt(A),
  with the bootstrap's variance A = sum_s w_s^2 sd_h^2 (exact, without the chance of the draws) and the
  degrees of freedom f = A^2 / sum_h (A_h^2 / (f_h + 2)) - 2, kept between the smallest f_h and their sum
  (Welch 1947, Biometrika 34, 28-35; Satterthwaite's formula of 1946 comes out too small for strata of two
  or three scenarios, where it made intervals up to 1.4 times as wide at no gain).
- wordings: B = var_w(mean of wording w) / W, the variance of the bootstrap over wordings rescaled by
  sqrt(W / (W - 1)). Scenario x wording is in A already and is taken out:
  B' = max(0, B - sum_s w_s^2 interaction_h / W). The interval is +- t_{W-1} sqrt(B'), without a shape: the
  bootstrap of three wordings has ten outcomes.

The two are joined by the square root of the sum of squares of their distances to the mean, on each side
(Zou and Donner 2008, "Construction of confidence limits about effect measures", Statistics in Medicine 27,
1693-1702). One t quantile with Satterthwaite's degrees of freedom over both would cover 91 to 92% where
wordings matter: when their variance comes out small by chance, the degrees of freedom come out large.
Quantiles of the draws are plain percentiles; corrected ones (BCa) covered skewed data no better in all, and
heavy-tailed data less well.
`benchmarks/intervals.py` shows the coverage.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from culturescope.stats.bands import check_level
from culturescope.stats.strata import Codes, Design, Floats, design_of

Structure = tuple[tuple[int, tuple[float, ...]], ...]
"""For each stratum: how many deviations it holds, and the weights of the scenarios drawn from them."""


@dataclass(frozen=True)
class IntervalEstimate:
    """A mean with its interval.

    `se` is the standard error; `df` the degrees of freedom whose t quantile times `se` is half the width
    (before the square root of squares makes the sides unequal): it goes from those of the scenarios down to
    W - 1 when wordings dominate; `n` the number of scenarios averaged.
    """

    value: float
    low: float
    high: float
    se: float
    df: float
    n: int


def crossed_interval(
    values: ArrayLike,
    items: ArrayLike,
    cells: ArrayLike,
    *,
    level: float = 0.95,
    resamples: int = 10_000,
    seed: int = 42,
) -> IntervalEstimate:
    """Estimate the mean over scenarios and wordings.

    Scenarios weigh equally in a cell, cells in an item, items in the axis.
    The rows may be those of an axis or of one item. The result does not depend on the order of the rows.

    Args:
        values: (S, W) value logits, scores or differences of them; S scenarios, W wordings; (S,) is one
            wording, and then the interval says nothing of wordings.
        items: (S,) item of each scenario.
        cells: (S,) item x domain of each scenario.
        level: confidence level.
        resamples: bootstrap draws.
        seed: of the draws; same seed, same interval.

    Raises:
        ValueError: values are not finite, shapes do not fit, a cell lies in two items, there is one
            scenario only, level is outside of (0, 1) or resamples are below 100.
    """
    _check_options(level, resamples)
    design = design_of(values, items, cells)
    return _estimate(design, design.weight, level, resamples, seed)


def cell_intervals(
    values: ArrayLike,
    items: ArrayLike,
    cells: ArrayLike,
    *,
    level: float = 0.95,
    resamples: int = 10_000,
    seed: int = 42,
) -> dict[Any, IntervalEstimate]:
    """Estimate the mean of every cell; cells of fewer than five scenarios share the variance of their item.

    Arguments and errors are those of `crossed_interval`; values are those of an axis or an item.

    Returns:
        Label of the cell, as given, to its estimate, in the labels' order.
    """
    _check_options(level, resamples)
    design = design_of(values, items, cells)
    estimates = {}
    for code, name in enumerate(design.cell_names):
        inside = design.cell == code
        estimates[name] = _estimate(design, inside / inside.sum(), level, resamples, seed)
    return estimates


def _estimate(design: Design, weight: Floats, level: float, resamples: int, seed: int) -> IntervalEstimate:
    """Interval of sum_s weight_s y_s; scenarios with weight zero serve the variance of their stratum."""
    from scipy.special import stdtrit

    upper = (1 + level) / 2
    value = float(weight @ design.means)
    used = np.unique(design.stratum[weight > 0])
    square = np.bincount(design.stratum, weight**2)
    parts = (square * design.variance())[used]
    scenario_variance = float(parts.sum())
    freedom = design.freedom[used]
    if scenario_variance > 0:
        welch = scenario_variance**2 / (parts**2 / (freedom + 2)).sum() - 2
        scenario_df = float(np.clip(welch, freedom.min(), freedom.sum()))
    else:
        scenario_df = float(freedom.sum())
    width = 2 * float(stdtrit(scenario_df, upper)) * np.sqrt(scenario_variance)
    share = _share_below(design, weight, used, upper, resamples, seed) if scenario_variance > 0 else 0.5
    below, above = width * share, width * (1 - share)

    wording_variance, wording_half = 0.0, 0.0
    if design.wordings > 1:
        between = float((weight @ design.values).var(ddof=1))
        wording_variance = max(0.0, between - float(square @ design.interaction())) / design.wordings
        wording_half = float(stdtrit(design.wordings - 1, upper)) * np.sqrt(wording_variance)
    se = float(np.sqrt(scenario_variance + wording_variance))
    return IntervalEstimate(
        value=value,
        low=value - float(np.hypot(below, wording_half)),
        high=value + float(np.hypot(above, wording_half)),
        se=se,
        df=_joint_df(np.hypot(width / 2, wording_half), se, scenario_df, design.wordings - 1, upper),
        n=int((weight > 0).sum()),
    )


def _joint_df(half: float, se: float, scenario_df: float, wording_df: int, upper: float) -> float:
    """Degrees of freedom whose t quantile is half / se; between those of the two sources."""
    from scipy.special import stdtridf

    if se == 0 or wording_df == 0:
        return scenario_df
    low, high = sorted((scenario_df, float(wording_df)))
    return float(np.clip(stdtridf(upper, half / se), low, high))


def _share_below(
    design: Design, weight: Floats, used: Codes, upper: float, resamples: int, seed: int
) -> float:
    """Share of the bootstrap interval's width that lies below the mean."""
    structure = tuple(
        (int((design.stratum == h).sum()), tuple(weight[(design.stratum == h) & (weight > 0)].tolist()))
        for h in used
    )
    kept = np.isin(design.stratum, used)
    by_stratum = np.argsort(design.stratum[kept], kind="stable")
    deviations = design.deviations()[kept][by_stratum]
    draws = _resampling_weights(structure, resamples, seed) @ deviations.astype(np.float32)
    rank = int(np.floor((1 - upper) * (resamples - 1)))
    ordered = np.partition(draws, (rank, resamples - 1 - rank))
    below, above = max(0.0, -float(ordered[rank])), max(0.0, float(ordered[resamples - 1 - rank]))
    return below / (below + above) if below + above > 0 else 0.5


@lru_cache(maxsize=16)
def _resampling_weights(structure: Structure, resamples: int, seed: int) -> NDArray[np.float32]:
    """Weights (resamples, deviations): each scenario draws from its stratum, by its own weight."""
    rng = np.random.default_rng(seed)
    blocks = []
    for pool, weights in structure:
        drawn = rng.integers(pool, size=(resamples, len(weights)))
        slots = (drawn + pool * np.arange(resamples)[:, None]).ravel()
        counted = np.bincount(slots, np.tile(weights, resamples), minlength=resamples * pool)
        blocks.append(counted.reshape(resamples, pool).astype(np.float32))
    return np.concatenate(blocks, axis=1)


def _check_options(level: float, resamples: int) -> None:
    check_level(level)
    if resamples < 100:
        raise ValueError(f"resamples must be 100 or more, not {resamples}")
