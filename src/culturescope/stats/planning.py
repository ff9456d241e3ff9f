"""How much scenarios and wordings vary, and how many scenarios a difference needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from culturescope.stats.strata import design_of


@dataclass(frozen=True)
class Spread:
    """Standard deviations in the unit of the values.

    `scenario`: of scenario means within their cell (their share of the interaction included); `wording`:
    between wordings; `interaction`: scenario x wording, noise of a single answer included. One wording
    leaves the last two unknown: None.
    """

    scenario: float
    wording: float | None
    interaction: float | None


def spread(values: ArrayLike, items: ArrayLike, cells: ArrayLike) -> Spread:
    """Estimate the three standard deviations by the method of moments.

    Sums of squares are pooled over the strata of `crossed_interval`. Wordings: var_w(mean of wording w)
    less what the interaction adds to it, not below zero (Searle, Casella and McCulloch 1992, "Variance
    Components", chapter 4).

    Args:
        values: (S, W), S scenarios and W wordings.
        items: (S,) item of each scenario.
        cells: (S,) item x domain of each scenario.

    Raises:
        ValueError: as `crossed_interval`.
    """
    design = design_of(values, items, cells)
    share = design.freedom / design.freedom.sum()
    scenario = float(np.sqrt(share @ design.variance()))
    if design.wordings == 1:
        return Spread(scenario, None, None)
    interaction = design.interaction()
    between = (design.weight @ design.values).var(ddof=1)
    from_interaction = np.bincount(design.stratum, design.weight**2) @ interaction
    return Spread(
        scenario, float(np.sqrt(max(0.0, between - from_interaction))), float(np.sqrt(share @ interaction))
    )


def scenarios_needed(sd: float, delta: float = 0.1, power: float = 0.8, alpha: float = 0.05) -> int:
    """Return the smallest number of scenarios that shows a difference of delta (two-sided paired t test).

    Power at n is P(T > t_{n-1, 1 - alpha/2}) with T non-central t, n - 1 degrees of freedom, non-centrality
    delta sqrt(n) / sd (Cohen 1988, "Statistical Power Analysis", chapter 2); the far side's share is left
    out.

    Args:
        sd: standard deviation of the differences between paired scenarios, in the unit of delta.
        delta: difference of means to be shown, value logits.
        power: wanted probability of showing it.
        alpha: two-sided error of the test.

    Raises:
        ValueError: sd is negative or not finite, delta is not positive, or power or alpha lie outside of
            (0, 1).

    Example:
        >>> scenarios_needed(sd=1.0, delta=0.5)
        34
    """
    from scipy.special import nctdtr, ndtri, stdtrit

    if not (np.isfinite(sd) and sd >= 0 and np.isfinite(delta) and delta > 0):
        raise ValueError(f"sd must be zero or more and delta above zero, not {sd} and {delta}")
    if not (0 < alpha < 1 and 0 < power < 1):
        raise ValueError(f"power and alpha must lie between 0 and 1, not {power} and {alpha}")
    if sd == 0:
        return 2

    def reached(n: int) -> bool:
        critical = stdtrit(n - 1, 1 - alpha / 2)
        return bool(1 - nctdtr(n - 1, delta * np.sqrt(n) / sd, critical) >= power)

    normal = ((ndtri(1 - alpha / 2) + ndtri(power)) * sd / delta) ** 2
    if normal > 100_000:
        return int(np.ceil(normal))
    n = max(2, int(normal))
    while not reached(n):
        n += 1
    while n > 2 and reached(n - 1):
        n -= 1
    return n
