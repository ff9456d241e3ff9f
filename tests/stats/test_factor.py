"""Components, varimax and score weights: against statsmodels and by what must hold."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturescope.errors import BadInputError
from culturescope.stats.factor import rotated_components, varimax

TWO = np.array([[0.8, 0.3], [0.7, 0.4], [0.2, 0.9], [-0.1, 0.6], [0.5, -0.5], [0.3, 0.3]])
THREE = np.column_stack([TWO, [0.1, -0.2, 0.1, 0.5, 0.4, 0.7]])


def gap(found, expected):
    """Largest difference after the best order and signs of the columns."""
    expected = np.array(expected)
    turns = []
    for order in itertools.permutations(range(expected.shape[1])):
        columns = found[:, order]
        turns.append(np.abs(columns * np.sign((columns * expected).sum(axis=0)) - expected).max())
    return min(turns)


def criterion(loadings, kaiser):
    if kaiser:
        loadings = loadings / np.sqrt((loadings**2).sum(axis=1, keepdims=True))
    return (loadings**2).var(axis=0).sum()


def random_correlation(seed, size=10):
    rows = np.random.default_rng(seed).normal(size=(200, size))
    return np.corrcoef(rows + rows[:, :1], rowvar=False)


@pytest.mark.parametrize(
    ("loadings", "kaiser", "expected"),
    [
        (
            TWO,
            True,
            [
                [0.8502242300, -0.0843727366],
                [0.8047033938, 0.0495221978],
                [0.5770992124, 0.7189968700],
                [0.1754144091, 0.5824343612],
                [0.2276041813, -0.6694746721],
                [0.4016848033, 0.1365625088],
            ],
        ),
        (
            TWO,
            False,
            [
                [0.8500938277, 0.0856766252],
                [0.7789580467, 0.2079046934],
                [0.4232791415, 0.8190450344],
                [0.0565949369, 0.6056376913],
                [0.3556789052, -0.6111403410],
                [0.3666842046, 0.2134073431],
            ],
        ),
        (
            THREE,
            True,
            [
                [0.7892119255, -0.2660669811, 0.2152973322],
                [0.8290299281, 0.0180182048, 0.0488336211],
                [0.5328377299, 0.4318576378, 0.6241657908],
                [0.0355540949, 0.1641773412, 0.7692734930],
                [0.1035824494, -0.8052897372, -0.0279126377],
                [0.1946111724, -0.3474558958, 0.7151229908],
            ],
        ),
    ],
    ids=["two columns", "two columns, raw", "three columns"],
)
def test_varimax_is_that_of_statsmodels(loadings, kaiser, expected):
    """Figures of statsmodels 0.15.0; the rows are normalised by hand, it knows no Kaiser normalisation:

    from statsmodels.multivariate.factor_rotation import rotate_factors
    lengths = np.sqrt((A**2).sum(axis=1, keepdims=True))
    rotate_factors(A / lengths, "varimax", tol=1e-13)[0] * lengths     # kaiser
    rotate_factors(A, "varimax", tol=1e-13)[0]                         # raw
    """
    assert gap(varimax(loadings, kaiser=kaiser)[0], expected) < 1e-5


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), columns=st.integers(2, 4), kaiser=st.booleans())
def test_varimax_keeps_lengths_and_no_turn_is_better(seed, columns, kaiser):
    loadings = np.random.default_rng(seed).normal(size=(8, columns))
    rotated, rotation = varimax(loadings, kaiser=kaiser)
    assert np.allclose(rotation.T @ rotation, np.eye(columns), atol=1e-12)
    assert np.allclose(rotated, loadings @ rotation)
    best = criterion(rotated, kaiser)
    assert best >= criterion(loadings, kaiser) - 1e-12
    for i, j in itertools.combinations(range(columns), 2):
        for angle in (-0.3, -0.01, 0.01, 0.3):
            turn = np.eye(columns)
            turn[[i, i, j, j], [i, j, i, j]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
            assert criterion(rotated @ turn, kaiser) <= best + 1e-12


def test_two_columns_find_the_best_of_all_turns():
    loadings = np.random.default_rng(3).normal(size=(10, 2))
    angles = np.linspace(0, np.pi / 2, 2000)
    turns = [np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in angles]
    best = max(criterion(loadings @ t, True) for t in turns)
    assert criterion(varimax(loadings)[0], True) == pytest.approx(best, abs=1e-5)


def test_a_variable_without_loading_stays_at_zero():
    rotated, _ = varimax(np.vstack([TWO, [0.0, 0.0]]))
    assert np.isfinite(rotated).all()
    assert rotated[-1].tolist() == [0, 0]


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_standard_and_uncorrelated(seed):
    matrix = random_correlation(seed)
    found = rotated_components(matrix)
    assert np.allclose(found.weights.T @ matrix @ found.weights, np.eye(2), atol=1e-10)
    inverse = np.linalg.inv(matrix)
    other = inverse @ found.loadings @ np.linalg.inv(found.loadings.T @ inverse @ found.loadings)
    assert np.allclose(found.weights, other, atol=1e-10)
    # The correlations of items with scores are the loadings.
    assert np.allclose(matrix @ found.weights, found.loadings, atol=1e-10)
    assert found.explained == pytest.approx((found.loadings**2).sum() / 10)


def test_planted_blocks_are_found():
    planted = np.zeros((6, 2))
    planted[:3, 0], planted[3:, 1] = 0.8, -0.6
    matrix = planted @ planted.T
    np.fill_diagonal(matrix, 1)
    found = rotated_components(matrix).loadings
    assert (
        gap(np.where(np.abs(found) < 1e-9, 0, found), np.sign(planted) * np.abs(found).max(axis=1)[:, None])
        < 1e-9
    )


@pytest.mark.parametrize(
    ("matrix", "text"),
    [
        (np.ones((3, 3)), "singular"),
        (
            [[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]],
            r"not positive definite \(smallest eigenvalue -0.8\)",
        ),
        ([[1, 0.2, np.nan], [0.2, 1, 0], [np.nan, 0, 1]], "no respondents in common"),
        ([[1, 0.2], [0.3, 1]], "symmetric"),
        ([[2, 0.2], [0.2, 1]], "ones on its diagonal"),
        ([[1, 1.5], [1.5, 1]], "outside of -1 to 1"),
        (np.ones((2, 3)), "square"),
    ],
)
def test_what_is_no_correlation_matrix(matrix, text):
    with pytest.raises(BadInputError, match=text):
        rotated_components(matrix, 1)


def test_bad_loadings_and_counts():
    with pytest.raises(BadInputError, match="finite"):
        varimax([[np.nan, 1.0]])
    with pytest.raises(BadInputError, match="10 components of 10"):
        rotated_components(random_correlation(0), 10)
