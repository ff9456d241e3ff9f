"""The null band, Wilson's interval, sizes of studies."""

from __future__ import annotations

import numpy as np
import pytest

from culturescope.stats import null_band, scenarios_needed, spread, wilson


def test_null_band_is_t_times_the_sd_of_a_difference():
    from scipy.stats import t

    means = np.array([0.1, -0.2, 0.05, 0.3, 0.0, -0.1])
    band, pairs = null_band(means)
    assert band == pytest.approx(t.ppf(0.975, 5) * np.sqrt(2) * means.std(ddof=1))
    assert len(pairs) == 15
    assert pairs.max() == pytest.approx(0.5)
    assert null_band(means[::-1])[0] == band


def test_a_new_pair_exceeds_the_null_band_as_often_as_promised():
    rng = np.random.default_rng(7)
    means = rng.normal(size=(20_000, 8))
    difference = means[:, 6] - means[:, 7]
    bands = np.array([null_band(m)[0] for m in means[:, :6]])
    ranges = np.ptp(means[:, :6], axis=1)
    assert (difference > bands).mean() == pytest.approx(0.025, abs=0.004)
    assert (difference > ranges).mean() == pytest.approx(0.060, abs=0.006)


@pytest.mark.parametrize("means", [[1.0], [1.0, np.nan], np.zeros((3, 2))])
def test_null_band_refuses_what_it_cannot_use(means):
    with pytest.raises(ValueError, match="persona_means"):
        null_band(means)


def test_wilson_against_published_figures():
    # Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3.
    for successes, n, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (1, 29, 0.0061, 0.1718),
    ]:
        assert wilson(successes, n) == pytest.approx((low, high), abs=6e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=6e-5)
    assert wilson(29, 29) == pytest.approx((0.8830, 1.0), abs=6e-5)
    with pytest.raises(ValueError, match="successes"):
        wilson(3, 2)


def test_scenarios_needed_against_known_sizes():
    # R: power.t.test(delta = 0.5, sd = 1, power = 0.8, type = "paired") gives n = 33.4; delta = 0.2: 198.2.
    assert scenarios_needed(1.0, 0.5) == 34
    assert scenarios_needed(1.0, 0.2) == 199
    assert scenarios_needed(1.0, 0.2, power=0.9) > 199
    assert scenarios_needed(0.0) == 2
    assert scenarios_needed(100.0, 0.1) == pytest.approx(7.849e6, rel=1e-3)
    with pytest.raises(ValueError, match="delta"):
        scenarios_needed(1.0, 0.0)
    with pytest.raises(ValueError, match="power"):
        scenarios_needed(1.0, power=80)


def test_scenarios_needed_reaches_the_power_it_promises():
    n = scenarios_needed(0.3, 0.1)
    rng = np.random.default_rng(3)
    from scipy.stats import ttest_1samp

    power = (ttest_1samp(rng.normal(0.1, 0.3, (4_000, n)), 0, axis=1).pvalue < 0.05).mean()
    assert power == pytest.approx(0.8, abs=0.03)


def test_spread_finds_the_planted_standard_deviations():
    rng = np.random.default_rng(11)
    item, cell = np.repeat(np.arange(5), 30), np.repeat(np.arange(15), 10)
    values = (
        rng.normal(size=15)[cell][:, None]
        + rng.normal(0, 0.8, (150, 1))
        + rng.normal(0, 0.5, 40)
        + rng.normal(0, 0.6, (150, 40))
    )
    found = spread(values, item, cell)
    assert found.scenario == pytest.approx(0.8, abs=0.1)
    assert found.wording == pytest.approx(0.5, abs=0.1)
    assert found.interaction == pytest.approx(0.6, abs=0.03)
    one = spread(values[:, 0], item, cell)
    assert (one.wording, one.interaction) == (None, None)
    assert one.scenario == pytest.approx(1.0, abs=0.12)
