"""What a sweep over coefficients found, as stored."""

from __future__ import annotations

from typing import Any

from culturescope.experiments.steer.results import Drawn, Stored


class TextQuality(Stored):
    """Texts written under a coefficient and next-token distributions, on neutral prompts.

    `perplexity` is that of the written tokens under the unsteered model, `perplexity_ratio` over that of unsteered texts;
    `kl` is KL(unsteered || steered) in nats a position; `repetition` the share of repeated 4-grams; `similarity` the cosine
    of question and answer. Changes are paired over prompts; those of repetition and variety compare equally many tokens. A
    figure is None where there is nothing to compute it from.
    """

    prompts: int
    tokens: float
    empty: float
    perplexity: float | None
    perplexity_ratio: Drawn | None
    kl: Drawn | None
    repetition: float | None
    repetition_change: Drawn | None
    distinct_1: float | None
    distinct_1_change: Drawn | None
    distinct_2: float | None
    distinct_2_change: Drawn | None
    similarity: float | None
    similarity_change: Drawn | None


class AxisAt(Stored):
    """One axis under a coefficient: mean d, its change from the unsteered model (paired), and mean score s."""

    axis: str
    d: Drawn
    change: Drawn
    score: float


class Place(Stored):
    """Place on the map, conversion `anchored`; intervals over scenarios, without the projection's own error.

    They are None where an item has a single scenario.
    """

    x: float
    y: float
    x_interval: tuple[float, float] | None
    y_interval: tuple[float, float] | None


class Where(Stored):
    """Axes that have at least two scenarios, and the place if all items of the map were asked."""

    axes: tuple[AxisAt, ...]
    place: Place | None


class SweepRow(Stored):
    """One vector at one coefficient; the unsteered model is the row with alpha 0 and no vector.

    `dose` and `gap` are by block: alpha |v| / median |h|, and alpha |v| over the distance of the classes' means; empty where
    the vector does not know them. `bias` is the mean position bias b (logits), `letter_mass` P(A) + P(B).
    """

    vector: str | None
    alpha: float
    dose: dict[int, float]
    gap: dict[int, float]
    everywhere: Where
    domains: dict[str, Where]
    letter_mass: float
    letter_mass_ratio: Drawn
    bias: float
    mean_abs_b: float
    quality: TextQuality | None


class RandomEffect(Stored):
    """What random vectors of the same norms do to an axis at the largest coefficient.

    `low` and `high` hold 95% of the changes by one more random vector, `change` is the vector's own at `alpha`, `beyond` tells
    whether it lies outside.
    """

    vector: str
    axis: str
    alpha: float
    vectors: int
    low: float
    high: float
    change: Drawn
    beyond: bool


class Budget(Stored):
    """Quality to be kept: at most so large a perplexity ratio and KL (nats), at least so large a share of letter mass."""

    perplexity_ratio: float = 1.05
    kl: float = 0.1
    letter_mass_ratio: float = 0.5


class Recommendation(Stored):
    """The largest coefficient of one sign whose quality stays within the budget, with all smaller ones.

    `alpha` is the largest whose intervals lie within it, `by_estimate` the largest whose estimates do; None where there is
    none. `reason` says what stopped it, in words.
    """

    vector: str
    sign: int
    alpha: float | None
    by_estimate: float | None
    reason: str


class Sweep(Stored):
    """A sweep: unsteered row first, then every vector's coefficients in ascending order."""

    model: dict[str, Any]
    settings: dict[str, Any]
    vectors: dict[str, dict[str, Any]]
    scenarios: int
    rows: tuple[SweepRow, ...]
    random: tuple[RandomEffect, ...]
    budget: Budget
    recommendations: tuple[Recommendation, ...]
    notes: tuple[str, ...]
