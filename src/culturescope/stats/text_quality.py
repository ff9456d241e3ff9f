"""How good written texts are, from their tokens and likelihoods, compared prompt by prompt with those of another setting.

Perplexity is exp(sum of cross-entropies / number of tokens) over all texts; the ratio of two settings is resampled over
prompts, both settings on the same draws, so that what makes a prompt hard cancels.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from culturescope.stats.resampling import resampled_weights

Floats = NDArray[np.float64]
Bounds = tuple[float, float, float]
"""Value, and the ends of its interval."""


def distinct(tokens: Sequence[Hashable], n: int) -> float | None:
    """Distinct n-grams as a share of all n-grams; None for a text without any.

    Li et al. 2016, "A Diversity-Promoting Objective Function for Neural Conversation Models" (distinct-n). It falls with the
    length of a text: compare texts of the same length.

    Raises:
        ValueError: n is below 1.
    """
    if n < 1:
        raise ValueError(f"an n-gram has one token or more, not {n}")
    grams = [tuple(tokens[at : at + n]) for at in range(len(tokens) - n + 1)]
    return len(set(grams)) / len(grams) if grams else None


def repetition(tokens: Sequence[Hashable], n: int = 4) -> float | None:
    """Share of n-grams that stood in the text before; None for a text without any.

    Welleck et al. 2020, "Neural Text Generation with Unlikelihood Training" (seq-rep-n).
    """
    share = distinct(tokens, n)
    return None if share is None else 1 - share


def perplexity(cross_entropies: ArrayLike, tokens: ArrayLike) -> float | None:
    """exp(sum / sum) of texts' summed cross-entropies (nats) and numbers of tokens; None without any token."""
    total = float(np.sum(tokens))
    return float(np.exp(np.sum(cross_entropies) / total)) if total > 0 else None


def prompt_draws(prompts: int, *, resamples: int = 2000, seed: int = 42) -> Floats:
    """Bootstrap weights (resamples, prompts); each row sums to one.

    Raises:
        ValueError: fewer than two prompts.
    """
    return resampled_weights([0] * prompts, [0] * prompts, resamples=resamples, seed=seed)


def perplexity_ratio(
    cross_entropies: ArrayLike,
    tokens: ArrayLike,
    reference_cross_entropies: ArrayLike,
    reference_tokens: ArrayLike,
    draws: Floats,
    level: float = 0.95,
) -> Bounds | None:
    """Perplexity over that of the reference, with its paired interval; None where one of them has no token.

    Args:
        cross_entropies: (P), summed over each prompt's text, nats.
        tokens: (P), number of tokens of each text; 0 for an empty one.
        reference_cross_entropies: (P), the same prompts in the other setting.
        reference_tokens: (P).
        draws: (resamples, P), from `prompt_draws`.
        level: of the interval.
    """
    sums = [
        np.asarray(a, dtype=np.float64)
        for a in (cross_entropies, tokens, reference_cross_entropies, reference_tokens)
    ]
    if sums[1].sum() <= 0 or sums[3].sum() <= 0:
        return None
    drawn = draws @ np.stack(sums, axis=1)  # (resamples, 4)
    # A draw of empty texts alone has no perplexity; there are few of them unless most texts are empty.
    drawn = drawn[(drawn[:, 1] > 0) & (drawn[:, 3] > 0)]
    ratios = np.exp(drawn[:, 0] / drawn[:, 1] - drawn[:, 2] / drawn[:, 3])
    value = float(np.exp(sums[0].sum() / sums[1].sum() - sums[2].sum() / sums[3].sum()))
    return _bounds(value, ratios, level)


def mean_over_prompts(values: ArrayLike, draws: Floats, level: float = 0.95) -> Bounds:
    """Mean of one figure for each prompt (P), with its interval; of paired differences it is the paired change."""
    wide = np.asarray(values, dtype=np.float64)
    return _bounds(float(wide.mean()), draws @ wide, level)


def ratio_of_means(over: ArrayLike, under: ArrayLike, weights: Floats, draws: Floats) -> Bounds:
    """Weighted mean of one figure over that of another, on the same prompts and draws.

    Args:
        over: (P).
        under: (P), above 0.
        weights: (P), sum to one.
        draws: (resamples, P), draws of the weights.

    Raises:
        ValueError: `under` has no positive mean.
    """
    a, b = np.asarray(over, dtype=np.float64), np.asarray(under, dtype=np.float64)
    if not weights @ b > 0:
        raise ValueError("a ratio needs a reference above 0")
    return _bounds(float(weights @ a / (weights @ b)), (draws @ a) / (draws @ b), 0.95)


def _bounds(value: float, draws: Floats, level: float) -> Bounds:
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return value, float(low), float(high)
