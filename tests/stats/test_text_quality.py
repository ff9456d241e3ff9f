"""Figures of texts, and paired intervals: right on cases worked out by hand, and covering what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from culturescope.stats.paired import paired_difference
from culturescope.stats.text_quality import (
    distinct,
    mean_over_prompts,
    perplexity,
    perplexity_ratio,
    prompt_draws,
    ratio_of_means,
    repetition,
)


def test_repetition_counts_repeated_n_grams():
    assert distinct("abcd", 1) == 1
    assert distinct("aaaa", 1) == 0.25
    assert distinct("abab", 2) == pytest.approx(2 / 3)
    assert repetition("abcabcabc", 4) == pytest.approx(1 - 3 / 6)
    assert repetition("abcdefgh", 4) == 0
    assert repetition("abc", 4) is None
    with pytest.raises(ValueError, match="n-gram"):
        distinct("abc", 0)


def test_perplexity_weighs_tokens_not_texts():
    """The easy wrong versions: the mean of the texts' perplexities, or of their mean cross-entropies."""
    assert perplexity([8 * np.log(2), np.log(32)], [8, 1]) == pytest.approx(np.exp(13 / 9 * np.log(2)))
    assert perplexity([0.0], [0]) is None


def test_a_ratio_is_paired_over_prompts():
    """Prompts that differ a hundredfold in difficulty, all raised by a tenth: the paired interval has no width."""
    rng = np.random.default_rng(0)
    tokens = np.full(12, 50)
    reference = rng.uniform(0.1, 6, 12) * tokens
    draws = prompt_draws(12)
    value, low, high = perplexity_ratio(reference + np.log(1.1) * tokens, tokens, reference, tokens, draws)
    assert (value, low, high) == pytest.approx((1.1, 1.1, 1.1))
    assert perplexity_ratio(reference, tokens, reference, 0 * tokens, draws) is None
    with pytest.raises(ValueError, match="two scenarios"):
        prompt_draws(1)


def test_empty_texts_count_as_no_tokens():
    draws = prompt_draws(3, resamples=200)
    found = perplexity_ratio([5.0, 0, 0], [5, 0, 0], [5.0, 5, 5], [5, 5, 5], draws)
    assert found == pytest.approx((1, 1, 1))


def test_intervals_of_means_and_ratios_cover():
    rng = np.random.default_rng(1)
    draws = prompt_draws(20, resamples=400)
    weights = np.full(20, 1 / 20)
    inside = np.zeros(2)
    for _ in range(300):
        under = rng.uniform(1, 2, 20)
        over = 0.5 * under + rng.normal(0, 0.1, 20)
        mean, ratio = mean_over_prompts(over - 0.75, draws), ratio_of_means(over, under, weights, draws)
        inside += mean[1] < 0 < mean[2], ratio[1] < 0.5 < ratio[2]
    assert ((inside / 300 > 0.89) & (inside / 300 < 0.99)).all()
    with pytest.raises(ValueError, match="above 0"):
        ratio_of_means(weights, 0 * weights, weights, draws)


def test_right_and_wrong_answers_get_mcnemars_test():
    before = [1] * 30 + [0] * 20 + [1] * 9 + [0] * 2
    after = [1] * 30 + [0] * 20 + [0] * 9 + [1] * 2
    found = paired_difference(before, after)
    assert (found.lost, found.gained, found.n) == (9, 2, 61)
    assert found.value == pytest.approx(-7 / 61)
    assert found.p == pytest.approx(binomtest(2, 11).pvalue)
    assert found.low < -7 / 61 < found.high
    # 7 of 21 pairs fell and 1 rose: -0.517 to -0.026 (Fagerland, Lydersen and Laake 2014, Statistics in Medicine 33, 2850-2875).
    known = paired_difference([1] * 7 + [0] + [1] * 13, [0] * 7 + [1] + [1] * 13)
    assert (known.low, known.high) == pytest.approx((-0.517, -0.026), abs=5e-4)
    same = paired_difference(before, before)
    assert same.p == 1
    z = 1.959964**2
    assert (same.low, same.high) == pytest.approx((-z / (61 + z), z / (61 + z)), rel=1e-4)
    assert same.low < 0 < same.high, "no change among 61 questions does not prove that there is none"


def test_the_interval_of_matched_proportions_covers():
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(600):
        u = rng.random(40)
        before, after = (u < 0.55).astype(float), ((u > 0.05) & (u < 0.5)).astype(float)  # -0.10 in truth
        found = paired_difference(before, after)
        inside += found.low <= -0.10 <= found.high
    assert inside / 600 > 0.93


def test_other_scores_get_a_bootstrap():
    before = np.linspace(0, 0.9, 10)
    found = paired_difference(before, before + 0.05)
    assert (found.value, found.low, found.high) == pytest.approx((0.05, 0.05, 0.05))
    assert found.p is None
    for bad in ([0.5], [0.5, np.nan]):
        with pytest.raises(ValueError, match="two"):
            paired_difference(bad, bad)
