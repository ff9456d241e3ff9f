"""Intervals of crossed means: the point estimate, the sources of width, small strata, errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturescope.stats import cell_intervals, crossed_interval
from culturescope.stats.strata import design_of


def table(items: int = 5, cells: int = 3, per_cell: int = 10, wordings: int = 3, seed: int = 0):
    rng = np.random.default_rng(seed)
    item = np.repeat(np.arange(items), cells * per_cell)
    cell = np.repeat(np.arange(items * cells), per_cell)
    scenario = rng.normal(size=(len(item), 1))
    return scenario + rng.normal(size=(len(item), wordings)), item, cell


@given(
    sizes=st.lists(st.integers(1, 12), min_size=2, max_size=12),
    wordings=st.integers(1, 4),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=60, deadline=None)
def test_value_is_the_mean_of_item_means_of_cell_means_and_lies_inside(sizes, wordings, seed):
    rng = np.random.default_rng(seed)
    cell = np.repeat(np.arange(len(sizes)), sizes)
    item = cell // 3
    values = rng.normal(size=(len(cell), wordings)) + rng.normal(size=len(sizes))[cell][:, None]
    cell_means = [values[cell == c].mean() for c in range(len(sizes))]
    item_means = [np.mean(cell_means[3 * i : 3 * i + 3]) for i in range(item.max() + 1)]
    estimate = crossed_interval(values, item, cell, resamples=200)
    assert estimate.value == pytest.approx(np.mean(item_means))
    assert estimate.low < estimate.value < estimate.high
    assert estimate.se > 0
    assert estimate.df >= min(1, wordings - 1 or 1)
    assert estimate.n == len(cell)
    for name, of_cell in cell_intervals(values, item, cell, resamples=200).items():
        assert of_cell.value == pytest.approx(cell_means[name])
        assert of_cell.low < of_cell.value < of_cell.high
        assert of_cell.n == sizes[name]


@given(seed=st.integers(0, 2**16), per_cell=st.sampled_from([1, 2, 7]))
@settings(max_examples=25, deadline=None)
def test_the_order_of_scenarios_has_no_effect_at_all(seed, per_cell):
    values, item, cell = table(per_cell=per_cell)
    values = np.round(values, 1)  # ties
    order = np.random.default_rng(seed).permutation(len(item))
    assert crossed_interval(values[order], item[order], cell[order], resamples=500) == crossed_interval(
        values, item, cell, resamples=500
    )
    assert cell_intervals(values[order], item[order], cell[order], resamples=500) == cell_intervals(
        values, item, cell, resamples=500
    )


def test_names_serve_as_codes_and_the_seed_decides():
    values, item, cell = table()
    named = crossed_interval(values, [f"X{i:02}" for i in item], [f"X{c:02}" for c in cell])
    assert named == crossed_interval(values, item, cell)
    assert named == crossed_interval(values, item, cell, seed=42)
    other = crossed_interval(values, item, cell, seed=43)
    assert other != named
    assert other.low == pytest.approx(named.low, abs=0.03 * (named.high - named.low))


def test_shift_scale_and_sign_carry_over():
    values, item, cell = table()
    plain = crossed_interval(values, item, cell)
    moved = crossed_interval(3 - 2 * values, item, cell)
    assert moved.value == pytest.approx(3 - 2 * plain.value)
    assert moved.se == pytest.approx(2 * plain.se)
    assert moved.high - moved.low == pytest.approx(2 * (plain.high - plain.low), rel=1e-3)
    assert moved.low == pytest.approx(3 - 2 * plain.high, abs=0.03)


def test_scenario_variance_is_that_of_the_stratified_mean():
    values, item, cell = table(wordings=1)
    expected = sum(values[cell == c].var(ddof=1) / 10 for c in range(15)) / 15**2
    assert crossed_interval(values, item, cell).se == pytest.approx(np.sqrt(expected))


def test_wordings_widen_and_bring_the_degrees_of_freedom_down_to_theirs():
    values, item, cell = table()
    shifted = values + np.array([-20.0, 0.0, 20.0])
    estimate = crossed_interval(shifted, item, cell)
    assert estimate.se == pytest.approx(20 / np.sqrt(3), rel=0.05)
    assert estimate.df == pytest.approx(2, abs=0.01)
    assert estimate.high - estimate.value == pytest.approx(4.303 * estimate.se, rel=0.01)
    one = crossed_interval(shifted.mean(axis=1), item, cell)
    assert one.df > 50
    assert one.high - one.low < 0.1 * (estimate.high - estimate.low)


def test_half_the_width_is_the_t_quantile_times_se():
    from scipy.stats import t

    for per_cell in (1, 2, 10):
        values, item, cell = table(per_cell=per_cell)
        estimate = crossed_interval(values + np.array([0, 0.2, 0.5]), item, cell)
        half = (estimate.high - estimate.low) / 2
        assert half == pytest.approx(t.ppf(0.975, estimate.df) * estimate.se, rel=0.02)


def test_interaction_of_scenario_and_wording_counts_once():
    means = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        _, item, cell = table()
        means.append(crossed_interval(rng.normal(size=(150, 3)), item, cell, resamples=100).se ** 2)
    # True variance 1 / (150 * 3); cutting at zero adds 1/e of the term, counting twice would double it.
    assert np.mean(means) * 450 == pytest.approx(1 + np.exp(-1), abs=0.15)


def test_skewed_scenarios_get_the_longer_side_where_the_tail_is():
    rng = np.random.default_rng(1)
    values = rng.lognormal(sigma=1.2, size=60)
    estimate = crossed_interval(values, np.zeros(60, int), np.repeat(np.arange(3), 20))
    assert estimate.high - estimate.value > 1.1 * (estimate.value - estimate.low)


@pytest.mark.parametrize(
    ("sizes", "strata", "freedom"),
    [
        ([5, 5, 5], 3, [4, 4, 4]),
        ([5, 5, 4], 1, [11]),
        ([2, 2, 2], 1, [3]),
        ([2, 2, 1], 1, [4]),
        ([1, 1, 1], 1, [2]),
        ([9, 9, 1], 1, [16]),
    ],
)
def test_small_cells_share_the_variance_of_their_item(sizes, strata, freedom):
    cell = np.repeat(np.arange(3), sizes)
    design = design_of(np.arange(len(cell), dtype=float), np.zeros(len(cell)), cell)
    assert len(set(design.stratum)) == strata
    assert design.freedom.tolist() == freedom


def test_single_scenarios_are_merged_never_certain():
    item = np.array([0, 1, 2, 3, 3, 3, 3])
    cell = np.array([0, 1, 2, 3, 3, 3, 3])
    values = np.array([5.0, 0.0, -5.0, 1.0, 1.1, 0.9, 1.0])
    design = design_of(values, item, cell)
    assert design.freedom.tolist() == [2, 3]
    assert crossed_interval(values, item, cell).se > 1
    lone = design_of(values[2:], item[2:], cell[2:])
    assert lone.freedom.tolist() == [4]
    assert cell_intervals(values[2:], item[2:], cell[2:])[2].se > 1


def test_constant_answers_have_no_width_and_no_warning():
    _, item, cell = table()
    estimate = crossed_interval(np.zeros((150, 3)), item, cell)
    assert (estimate.value, estimate.low, estimate.high, estimate.se) == (0, 0, 0, 0)


def test_cells_of_one_scenario_use_the_spread_of_their_item():
    values, item, cell = table(per_cell=1, wordings=1)
    estimates = cell_intervals(values, item, cell)
    assert list(estimates) == list(range(15))
    assert estimates[0].se == pytest.approx(values[item == 0].std(ddof=1))
    assert estimates[0].df == 2


def test_an_item_has_the_same_variance_alone_and_in_its_axis():
    values, item, cell = table(per_cell=2)
    whole, alone = (
        cell_intervals(values, item, cell),
        cell_intervals(*(a[item == 1] for a in (values, item, cell))),
    )
    assert alone[4] == whole[4]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"values": np.full((150, 3), np.nan)}, "NaN"),
        ({"values": np.zeros((149, 3))}, "149"),
        ({"values": np.zeros((150, 3, 1))}, "scenarios, wordings"),
        ({"values": np.zeros((150, 0))}, "scenarios, wordings"),
        ({"items": np.arange(150)}, "several"),
        ({"level": 1.0}, "level"),
        ({"level": 95}, "level"),
        ({"resamples": 10}, "resamples"),
    ],
)
@pytest.mark.parametrize("function", [crossed_interval, cell_intervals])
def test_bad_input_is_named(function, change, text):
    values, item, cell = table()
    arguments = {"values": values, "items": item, "cells": cell} | change
    with pytest.raises(ValueError, match=text):
        function(**arguments)


def test_one_scenario_has_no_interval():
    with pytest.raises(ValueError, match="two scenarios"):
        crossed_interval([[1.0, 2.0, 3.0]], [0], [0])
