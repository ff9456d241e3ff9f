"""Reliability: by hand, against the textbook formula on planted data, and with a reason where it cannot be estimated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturescope.stats.reliability import (
    NO_VARIANCE,
    ONE_PART,
    ONE_RESPONDENT,
    TWO_RESPONDENTS,
    Resampling,
    cronbach_alpha,
    mean,
    part_total_correlation,
    split_half,
    spread,
)

FAST = Resampling(resamples=200)
# Four respondents, three parts: variances 5/3, 2/3 and 2; sums 3, 6, 9, 8 with variance 7.
HAND = np.array([[1, 1, 1], [2, 2, 2], [3, 2, 4], [4, 3, 1]], dtype=float)


def planted(respondents, parts, noise, seed=0):
    """True score with variance 1 plus noise: alpha is K / (K + noise^2)."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(respondents, 1)) + noise * rng.normal(size=(respondents, parts))


def test_alpha_by_hand():
    within = 5 / 3 + 2 / 3 + 2
    assert np.allclose(HAND.var(axis=0, ddof=1), [5 / 3, 2 / 3, 2])
    assert cronbach_alpha(HAND, FAST).value == pytest.approx(3 / 2 * (1 - within / 7))


def test_item_total_correlation_by_hand():
    """(1, 2, 3, 4) with (2, 4, 6, 4): covariance 5/3 (times 3: 4), variances 5/3 and 8/3."""
    part, rest = HAND[:, 0], HAND[:, 1:].sum(axis=1)
    assert part_total_correlation(part, rest, FAST).value == pytest.approx(4 / np.sqrt(5 * 8))


def test_the_part_itself_is_not_in_the_total():
    x = planted(400, 4, noise=3.0)
    whole = np.corrcoef(x[:, 0], x.mean(axis=1))[0, 1]
    rest = part_total_correlation(x[:, 0], x[:, 1:].mean(axis=1), FAST).value
    assert rest < whole - 0.2


def test_split_half_of_two_parts_is_spearman_brown_of_their_correlation():
    r = np.corrcoef(HAND[:, 0], HAND[:, 1])[0, 1]
    assert split_half(HAND[:, :2], how=FAST).value == pytest.approx(2 * r / (1 + r))


def test_split_half_of_an_odd_number_steps_up_to_the_whole():
    """Three parts: a half is one part, and the test is three times as long."""
    x = planted(5000, 3, noise=1.0)
    assert split_half(x, how=FAST, splits=9).value == pytest.approx(3 / (3 + 1), abs=0.02)
    r = np.corrcoef(x.T)[np.triu_indices(3, 1)]
    stepped = split_half(x, how=FAST, splits=300).value
    assert stepped == pytest.approx(3 * r.mean() / (1 + 2 * r.mean()), abs=0.004)


@pytest.mark.parametrize(("parts", "noise"), [(2, 1.0), (5, 2.0), (12, 1.5)])
def test_planted_reliability_is_found(parts, noise):
    x = planted(5000, parts, noise)
    known = parts / (parts + noise**2)
    assert cronbach_alpha(x, FAST).value == pytest.approx(known, abs=0.02)
    assert split_half(x, how=FAST, splits=20).value == pytest.approx(known, abs=0.02)


def test_the_interval_covers_the_planted_alpha():
    known, hits = 5 / (5 + 4), 0
    for seed in range(100):
        found = cronbach_alpha(planted(40, 5, 2.0, seed), Resampling(resamples=400))
        hits += found.low <= known <= found.high
    assert 86 <= hits <= 100


def test_strata_are_dealt_evenly():
    """Two strata that measure different things: unstratified halves may get one each, and then nothing agrees."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 500, 1))
    x = np.hstack([a, a, b, b]) + 0.01 * rng.normal(size=(500, 4))
    assert split_half(x, ["a", "a", "b", "b"], how=FAST).value > 0.99
    assert split_half(x, how=FAST).value < 0.9


def test_opposite_parts_have_negative_alpha_and_no_step():
    x = np.column_stack([np.arange(6.0), 5.1 - np.arange(6.0) + 0.3 * np.sin(np.arange(6.0))])
    assert cronbach_alpha(x, FAST).value < 0
    assert -1 <= split_half(x, how=FAST).value < 0


@pytest.mark.parametrize(
    ("figure", "reason"),
    [
        (cronbach_alpha(HAND[:1]), ONE_RESPONDENT),
        (cronbach_alpha(HAND[:, :1]), ONE_PART),
        (cronbach_alpha(np.full((6, 3), 0.1)), NO_VARIANCE),
        (cronbach_alpha(np.tile([0.1, 0.2, 0.7], (6, 1))), NO_VARIANCE),
        (split_half(HAND[:1]), ONE_RESPONDENT),
        (split_half(HAND[:2]), TWO_RESPONDENTS),
        (split_half(HAND[:, :1]), ONE_PART),
        (split_half(np.full((6, 4), 0.1)), NO_VARIANCE),
        (part_total_correlation([1], [2]), ONE_RESPONDENT),
        (part_total_correlation([1, 2], [2, 1]), TWO_RESPONDENTS),
        (part_total_correlation([0.1] * 6, [1, 2, 3, 4, 5, 6]), NO_VARIANCE),
        (spread([1.0]), ONE_RESPONDENT),
    ],
)
def test_what_cannot_be_estimated_has_a_reason_and_no_number(figure, reason):
    assert (figure.value, figure.low, figure.high) == (None, None, None)
    assert figure.reason == reason


def test_few_respondents_have_a_value_and_no_interval():
    found = cronbach_alpha(HAND)
    assert found.value is not None
    assert found.low is found.high is None
    assert "no interval: 4 respondents" in found.reason
    assert mean([0.5]).value == 0.5


def test_mean_and_spread_with_intervals():
    x = np.random.default_rng(0).normal(1.0, 2.0, size=400)
    for figure, value in ((mean(x), x.mean()), (spread(x), x.std(ddof=1))):
        assert figure.value == pytest.approx(value)
        assert figure.low < value < figure.high
    assert mean(x).high - mean(x).low == pytest.approx(2 * 1.96 * x.std() / 20, rel=0.1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(3, 12), st.integers(2, 7), st.floats(0.1, 50), st.floats(-5, 5))
def test_units_and_order_do_not_matter(seed, respondents, parts, unit, origin):
    x = planted(respondents, parts, 1.0, seed)
    order = np.random.default_rng(seed).permutation(respondents)
    for one in (cronbach_alpha, lambda v, how: split_half(v, how=how, splits=5)):
        assert one(x, FAST).value == pytest.approx(one(unit * x[order] + origin, FAST).value, abs=1e-8)


def test_wrong_input_is_refused():
    for call in (
        lambda: cronbach_alpha([1, 2]),
        lambda: cronbach_alpha([[1, float("nan")]]),
        lambda: split_half(HAND, ["a"]),
        lambda: split_half(HAND, splits=0),
        lambda: part_total_correlation([1, 2, 3], [1, 2]),
        lambda: mean([]),
        lambda: Resampling(level=1.0),
        lambda: Resampling(resamples=10),
    ):
        with pytest.raises(ValueError):  # noqa: PT011
            call()
