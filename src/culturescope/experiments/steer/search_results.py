"""What a search over blocks found, as stored: every effect beside random vectors and shuffled labels."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from culturescope.experiments.steer.results import Drawn, Stored
from culturescope.experiments.steer.sweep_results import TextQuality

Floats = NDArray[np.float64]


class RankAgreement(Stored):
    """How well the first-order estimate orders the blocks that were measured exactly.

    `spearman` is the rank correlation (None where an order is constant), `overlap` how many of the best blocks are the
    same, `of` how many were compared, and `regret` the share of the best block's effect that is lost by trusting the
    estimate's best block.
    """

    spearman: float | None
    overlap: int
    of: int
    regret: float | None


class BlockEffect(Stored):
    """One block steered alone: signed change of d (logits); `effect` is None where only the estimate was made.

    `random_band` holds 95% of random vectors of the same norm, `shuffled_band` 95% of vectors fitted on shuffled labels and
    scaled to the same norm (None where too few pairs can be shuffled), `shuffled_worst` is the largest change, of either
    sign, among those that were fitted; all by the first-order estimate, widened (see `Search`). `items` holds the signed
    change of every item.
    """

    block: int
    alpha: float
    dose: float
    effect: Drawn | None
    first_order: float
    random_band: float
    shuffled_band: float | None
    shuffled_worst: float
    items: dict[str, float] = Field(default_factory=dict)


class Choice(Stored):
    """A set of blocks steered together, on scenarios that chose nothing.

    `random_band` holds 95% of random vectors of the same norms at the same blocks, for the chosen set. `random_way` says how
    it was found: `measured` (all of them), or `estimated` to first order, in which case `random_measured` of them were measured
    as well and were `control_ratio` times their estimates (root mean square); the band is wider by it where it exceeds 1.
    `shuffled_band` holds 95% of vectors fitted on shuffled labels, likewise estimated, and `shuffled_ratio` times by measure.
    `letter_mass` and `mean_abs_b` are the worse of both signs, `quality` is that of texts written under either (`+`, `-`),
    where they were asked for.
    """

    name: str
    blocks: tuple[int, ...]
    effect: Drawn
    random_band: float | None
    random_way: Literal["measured", "estimated"] | None = None
    random_measured: int | None = None
    control_ratio: float | None = None
    shuffled_band: float | None = None
    shuffled_ratio: float | None = None
    letter_mass: float
    mean_abs_b: float
    quality: dict[str, TextQuality] = Field(default_factory=dict)


class ItemEffect(Stored):
    """Largest signed change of an item at the chosen blocks; `moved` where it lies beyond the threshold.

    The threshold is `random_band`, what 95% of random vectors stay below at the blocks that they choose, or the one that was
    asked for.
    """

    item: str
    effect: float
    random_band: float
    moved: bool


class Search(Stored):
    """Blocks of one axis, or of one item.

    `largest_random` is what 95% of random vectors stay below at their best block (of 20: the largest), `p_chosen` the share
    of random vectors (the best block counted with them) that reach as much as the best block did; `largest_shuffled` and
    `p_shuffled` say the same of `shuffles` vectors fitted on shuffled labels. Both kinds are estimated to first order;
    `control_ratio` and `shuffled_ratio` are how much larger (root mean square) a few of them are when measured at the best
    block, and every band is wider by it where it exceeds 1.
    """

    axis: str
    item: str | None = None
    how: str
    joint: str
    blocks: tuple[BlockEffect, ...]
    chosen: tuple[int, ...]
    largest_random: float
    p_chosen: float
    control_ratio: float
    shuffles: int
    largest_shuffled: float
    p_shuffled: float
    shuffled_ratio: float
    rank_agreement: RankAgreement
    choices: tuple[Choice, ...]
    items: tuple[ItemEffect, ...]

    @property
    def label(self) -> str:
        """What the vector was fitted for: the item, or the axis."""
        return self.axis if self.item is None else self.item

    @property
    def best(self) -> BlockEffect:
        """The block that moves d most, alone, of those that were measured."""
        return max((e for e in self.blocks if e.effect), key=lambda e: e.effect.value if e.effect else 0.0)

    def choice(self, name: str) -> Choice:
        """A set of blocks by its name: `best`, `chosen` or `all`."""
        return next(c for c in self.choices if c.name == name)


def agreement_of(exact: Floats, estimate: Floats, top: int) -> RankAgreement:
    """Compares two orders of the same blocks."""
    from scipy.stats import spearmanr

    varied = len(exact) > 2 and np.ptp(exact) > 0 and np.ptp(estimate) > 0
    best, guessed = np.argsort(-exact)[:top], np.argsort(-estimate)[:top]
    largest = float(exact.max())
    regret = (largest - float(exact[guessed[0]])) / largest if largest > 0 else None
    return RankAgreement(
        spearman=float(spearmanr(exact, estimate).statistic) if varied else None,
        overlap=len({*best.tolist()} & {*guessed.tolist()}),
        of=min(top, len(exact)),
        regret=regret,
    )
