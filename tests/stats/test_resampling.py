"""Bootstrap weights: unbiased variance, kept totals, pairs stay pairs; the random band holds what it promises."""

from __future__ import annotations

import numpy as np
import pytest

from culturescope.stats.resampling import balanced_weights, random_band, resampled_weights


def test_balanced_weights():
    weights = balanced_weights(["a", "a", "a", "b"], ["a1", "a1", "a2", "b1"])
    assert weights == pytest.approx([1 / 8, 1 / 8, 1 / 4, 1 / 2])


def test_variance_of_the_draws_is_the_unbiased_one():
    rng = np.random.default_rng(0)
    items, cells = ["a"] * 8 + ["b"] * 6, ["a1"] * 4 + ["a2"] * 4 + ["b1"] * 3 + ["b2"] * 3
    values = rng.normal(size=14)
    weights = balanced_weights(items, cells)
    drawn = resampled_weights(items, cells, resamples=40_000) @ values
    exact = sum(
        (weights[np.array(cells) == c] ** 2).sum() * values[np.array(cells) == c].var(ddof=1)
        for c in set(cells)
    )
    assert drawn.var() == pytest.approx(exact, rel=0.03)
    assert drawn.mean() == pytest.approx(weights @ values, abs=0.01)


@pytest.mark.parametrize(
    "cells",
    [["a1", "a2", "a3", "b1", "b1"], ["a1", "a1", "a2", "b1", "b2"], ["a1", "a1", "a1", "a2", "b1"]],
)
def test_single_scenarios_are_joined_and_totals_kept(cells):
    items = [c[0] for c in cells]
    drawn = resampled_weights(items, cells, resamples=200)
    assert drawn.sum(axis=1) == pytest.approx(np.ones(200))
    assert (drawn.std(axis=0) > 0).all(), "every scenario is left to chance"


def test_one_scenario_has_no_spread():
    with pytest.raises(ValueError, match="two scenarios"):
        resampled_weights(["a"], ["a1"])


def test_random_band_holds_its_level():
    rng = np.random.default_rng(1)
    outside = [abs(rng.normal()) > random_band(rng.normal(size=20)) for _ in range(4000)]
    assert np.mean(outside) == pytest.approx(0.05, abs=0.012)
