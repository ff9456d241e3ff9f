"""Distances: against scipy, by their sources' own numbers, and by what must hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import distance as scipy_distance
from scipy.stats import wasserstein_distance

from culturescope.errors import BadInputError
from culturescope.stats.distances import (
    euclid,
    jensen_shannon,
    jensen_shannon_similarity,
    mahalanobis,
    wasserstein,
    wasserstein_similarity,
)


@st.composite
def shares(draw, count, rows=2):
    table = np.array(
        draw(
            st.lists(
                st.lists(st.integers(0, 50), min_size=count, max_size=count), min_size=rows, max_size=rows
            )
        )
    )
    table[:, 0] += table.sum(axis=1) == 0
    return table / table.sum(axis=1, keepdims=True)


@st.composite
def pairs(draw):
    return draw(shares(draw(st.integers(2, 10))))


@settings(deadline=None, max_examples=60)
@given(pq=pairs())
def test_against_scipy(pq):
    p, q = pq
    scale = np.linspace(0, 1, len(p))
    assert wasserstein(p, q) == pytest.approx(wasserstein_distance(scale, scale, p, q), abs=1e-10)
    codes = np.arange(1, len(p) + 1)
    largest = wasserstein_distance([codes[0]], [codes[-1]])
    assert wasserstein_similarity(p, q) == pytest.approx(
        1 - wasserstein_distance(codes, codes, p, q) / largest, abs=1e-10
    )
    for base in (2, np.e):
        expected = scipy_distance.jensenshannon(p, q, base=base)
        # The root of rounding: 1e-17 becomes 3e-9.
        assert jensen_shannon(p, q, base=base) == pytest.approx(expected, abs=1e-7)
        assert jensen_shannon(p, q, base=base, root=False) == pytest.approx(expected**2, abs=1e-12)
    assert jensen_shannon_similarity(p, q, base=np.e) == pytest.approx(
        1 - scipy_distance.jensenshannon(p, q), abs=1e-7
    )


@settings(deadline=None, max_examples=60)
@given(table=st.integers(2, 8).flatmap(lambda k: shares(k, rows=3)))
def test_what_a_distance_must_do(table):
    p, q, r = table
    for measure in (wasserstein, jensen_shannon):
        assert measure(p, p) == pytest.approx(0, abs=1e-7)
        assert measure(p, q) == pytest.approx(measure(q, p), abs=1e-12)
        assert 0 <= measure(p, q) <= 1 + 1e-12
        assert measure(p, r) <= measure(p, q) + measure(q, r) + 1e-7
    assert wasserstein(p[::-1], q[::-1]) == pytest.approx(wasserstein(p, q), abs=1e-12)
    order = np.random.default_rng(0).permutation(len(p))
    assert jensen_shannon(p[order], q[order]) == pytest.approx(jensen_shannon(p, q), abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(
    places=st.lists(st.floats(-5, 5), min_size=4, max_size=4),
    spread=st.tuples(st.floats(0.1, 3), st.floats(0.1, 3), st.floats(-0.9, 0.9)),
)
def test_places_against_scipy(places, spread):
    a, b = np.array(places[:2]), np.array(places[2:])
    sx, sy, r = spread
    covariance = np.array([[sx**2, r * sx * sy], [r * sx * sy, sy**2]])
    assert euclid(a, b) == pytest.approx(scipy_distance.euclidean(a, b), abs=1e-12)
    expected = scipy_distance.mahalanobis(a, b, np.linalg.inv(covariance))
    assert mahalanobis(a, b, covariance) == pytest.approx(expected, rel=1e-8, abs=1e-9)
    assert mahalanobis(a, b, np.eye(2)) == pytest.approx(euclid(a, b), abs=1e-12)
    # A change of units of both changes nothing.
    turn = np.array([[2.0, 0.3], [-0.4, 0.5]])
    assert mahalanobis(turn @ a, turn @ b, turn @ covariance @ turn.T) == pytest.approx(
        expected, rel=1e-6, abs=1e-9
    )


def test_order_counts_for_wasserstein_only():
    near, far = [0, 1, 0, 0], [0, 0, 0, 1]
    assert wasserstein([1, 0, 0, 0], near) == pytest.approx(1 / 3)
    assert wasserstein([1, 0, 0, 0], far) == 1
    assert wasserstein_similarity([1, 0, 0, 0], far) == 0
    assert jensen_shannon([1, 0, 0, 0], near) == jensen_shannon([1, 0, 0, 0], far) == 1


def test_the_base_is_stated_because_it_matters():
    p, q = [1.0, 0.0], [0.0, 1.0]
    assert jensen_shannon(p, q, base=np.e) == pytest.approx(np.sqrt(np.log(2)))
    assert jensen_shannon_similarity(p, q) == 0
    assert jensen_shannon_similarity(p, q, base=np.e) == pytest.approx(1 - 0.8325546)


def test_worldvaluesbench_example():
    """Its evaluation maps raw answers on a 1-4 scale to 0..1 and takes scipy's distance of the two samples."""
    people, model = [4, 4, 2, 1], [3, 3, 3, 3]
    expected = wasserstein_distance((np.array(people) - 1) / 3, (np.array(model) - 1) / 3)
    assert wasserstein([0.25, 0.25, 0, 0.5], [0, 0, 1, 0]) == pytest.approx(expected)


def test_uneven_codes():
    codes = [1, 2, 10]
    assert wasserstein([1, 0, 0], [0, 1, 0], codes) == pytest.approx(1 / 9)
    assert wasserstein([1, 0, 0], [0, 0, 1], codes) == 1


def test_many_at_once():
    p = np.array([[[1.0, 0, 0], [0, 1, 0]]])
    q = np.array([0.0, 0, 1])
    assert wasserstein(p, q).tolist() == [[1.0, 0.5]]
    assert jensen_shannon(p, q).shape == (1, 2)
    assert euclid(np.zeros((5, 2)), [3, 4]).tolist() == [5.0] * 5
    assert mahalanobis(np.zeros((5, 2)), [3, 4], 4 * np.eye(2)).tolist() == pytest.approx([2.5] * 5)


def test_a_very_small_share_is_no_division_by_zero():
    with np.errstate(all="raise", under="ignore"):
        assert jensen_shannon([1.0, 5e-324], [1.0, 0.0]) == 0


@pytest.mark.parametrize(
    "measure", [wasserstein, wasserstein_similarity, jensen_shannon, jensen_shannon_similarity]
)
@pytest.mark.parametrize(
    ("p", "q", "text"),
    [
        ([0.5, 0.6], [0.5, 0.5], "first distribution sums to 1.1, not to 1"),
        ([0.5, 0.5], [0, 0], "second distribution sums to 0"),
        ([3, 7], [0.5, 0.5], "divide counts by their sum"),
        ([1.5, -0.5], [0.5, 0.5], "negative"),
        ([0.5, np.nan], [0.5, 0.5], "not a number"),
        ([0.5, 0.5], [0.2, 0.3, 0.5], "2 and 3 categories"),
        ([], [], "two categories"),
        ([1.0], [1.0], "two categories"),
        (1.0, [0.5, 0.5], "two categories"),
        (np.full((2, 2), 0.5), np.full((3, 2), 0.5), "do not fit"),
    ],
)
def test_bad_distributions(measure, p, q, text):
    with pytest.raises(BadInputError, match=text):
        measure(p, q)


def test_other_bad_input():
    with pytest.raises(BadInputError, match="rising"):
        wasserstein([0.5, 0.5], [1, 0], [2, 1])
    with pytest.raises(BadInputError, match="2 rising numbers"):
        wasserstein([0.5, 0.5], [1, 0], [1, 2, 3])
    with pytest.raises(BadInputError, match="base"):
        jensen_shannon([0.5, 0.5], [1, 0], base=1)
    with pytest.raises(BadInputError, match="missing"):
        euclid([np.nan, 0], [0, 0])
    with pytest.raises(BadInputError, match="coordinates"):
        euclid([0, 0, 0], [0, 0])
    with pytest.raises(BadInputError, match="positive definite"):
        mahalanobis([0, 0], [1, 1], np.ones((2, 2)))
    with pytest.raises(BadInputError, match="2 x 2"):
        mahalanobis([0, 0], [1, 1], np.eye(3))
