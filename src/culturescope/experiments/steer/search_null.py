"""The controls of a search: random vectors and vectors fitted on shuffled labels, estimated and held against measured ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from culturescope.experiments.steer.controls import MEASURED_FEW, estimated, ratio_of
from culturescope.experiments.steer.gauge import Gauge, Signed
from culturescope.experiments.steer.search_plan import SearchPlan
from culturescope.experiments.steer.slopes import Slopes
from culturescope.instrument import Scenario
from culturescope.stats.resampling import balanced_weights, random_band

if TYPE_CHECKING:
    from culturescope.models.resuming import Change
    from culturescope.steering.vector import SteeringVector

Floats = NDArray[np.float64]
MEASURED_CONTROLS = 10
"""Random vectors that are measured at the best block, to see how far their estimate can be trusted."""


@dataclass(frozen=True, eq=False)
class Null:
    """Control vectors at every block alone: what they do to first order, widened where a few that are measured do more.

    Args:
        by_scenario: (vectors, S, blocks), signed change of d.
        weights: (S), of the scenarios in the mean.
        ratio: of the measured ones to their estimates, at one block.
    """

    by_scenario: Floats
    weights: Floats
    ratio: float

    @property
    def by_block(self) -> Floats:
        """(vectors, blocks)."""
        mean: Floats = np.einsum("s,rsb->rb", self.weights, self.by_scenario)
        return mean

    @property
    def largest(self) -> Floats:
        """(vectors), the largest signed change at any block."""
        most: Floats = self.by_block.max(axis=1)
        return most

    def chance(self, reached: float) -> float:
        """Share of the vectors, the one at hand counted with them, whose best block reaches as much."""
        return float((1 + (self.largest >= reached).sum()) / (1 + len(self.by_scenario)))


def null_of(
    vectors: Sequence[SteeringVector],
    estimate: Slopes,
    alphas: Sequence[float],
    at: int,
    few: int,
    choose: Sequence[Scenario],
    gauge: Gauge,
) -> Null:
    """The effects of control vectors by estimate, with `few` of them measured at one block.

    Args:
        vectors: of one length at each block.
        estimate: slopes on the scenarios that choose.
        alphas: raw coefficients, one a block.
        at: place of the block where some are measured.
        few: how many are.
        choose: the scenarios that choose.
        gauge: measures.
    """
    weights = weights_of(choose)
    by_scenario = np.stack([estimate.of(vector, alphas) for vector in vectors])
    block = vectors[0].blocks[at]
    steps = [{block: alphas[at] * vector[block]} for vector in vectors[:few]]
    guessed = np.einsum("s,rs->r", weights, by_scenario[:, :, at])
    ratio = float(ratio_of(gauge.signed(steps, choose).effects(), guessed))
    return Null(max(1.0, ratio) * by_scenario, weights, ratio)


def most_by_chance(effects: Floats, level: float = 0.95) -> float:
    """What one more control vector stays below with a probability of `level`: an order statistic, of 20 the largest.

    One more value is as likely to fall between any two neighbours of n as between any others, n + 1 places in all. A quantile
    of 20 values as numpy interpolates it would be passed in 9% of cases, not 5%.

    Args:
        effects: (n), one a control vector; with fewer than 19 the largest is passed more often than `level` says.
        level: probability.
    """
    place = min(len(effects), math.ceil(level * (len(effects) + 1) - 1e-9))
    return float(np.sort(effects)[place - 1])


def report_controls(
    steps: Sequence[Change],
    meaningless: Sequence[Change],
    plan: SearchPlan,
    gauge: Gauge,
    report: Sequence[Scenario],
) -> dict[str, Any]:
    """Bands of random steps and of those fitted on shuffled labels, on the scenarios that report, and how they were found."""
    found: dict[str, Any] = {}
    if len(meaningless) > 1:
        found["shuffled_band"], found["shuffled_ratio"] = _estimated_band(meaningless, gauge, report)
    if plan.report_way == "measured":
        band = random_band(gauge.signed(steps, report).effects())
        return {**found, "random_band": band, "random_way": "measured", "random_measured": len(steps)}
    band, ratio = _estimated_band(steps, gauge, report)
    return {
        **found,
        "random_band": band,
        "random_way": "estimated",
        "random_measured": MEASURED_FEW,
        "control_ratio": ratio,
    }


def _estimated_band(steps: Sequence[Change], gauge: Gauge, report: Sequence[Scenario]) -> tuple[float, float]:
    """The band of steps by estimate, widened where a few that are measured do more; and how much more they do."""
    guessed = Signed(estimated(gauge.slopes(report), report, steps, gauge.pack)).effects()
    ratio = float(ratio_of(gauge.signed(steps[:MEASURED_FEW], report).effects(), guessed))
    return max(1.0, ratio) * random_band(guessed), ratio


def weights_of(scenarios: Sequence[Scenario]) -> Floats:
    """Weights (S) of scenarios in a mean over cells and items."""
    return balanced_weights([s.item for s in scenarios], [f"{s.item}/{s.domain}" for s in scenarios])
