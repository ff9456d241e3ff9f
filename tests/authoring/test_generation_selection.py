"""The spread of a shortlist: greedy facility location against brute force, and against a choice at random."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturescope.authoring.selection import choose, coverage, facility_location, similarities
from culturescope.authoring.selection_plot import diversity_svg


def random_similarity(seed: int, number: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(number, 3))
    return similarities(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 8))
def test_greedy_is_near_the_best_of_all_choices(seed: int, number: int) -> None:
    similarity = random_similarity(seed, number)
    for size in range(1, number + 1):
        chosen = facility_location(similarity, size)
        assert len(set(chosen)) == size
        best = max(coverage(similarity, those) for those in itertools.combinations(range(number), size))
        assert coverage(similarity, chosen) >= (1 - 1 / np.e) * best - 1e-12
        if size == 1 or size == number:
            assert coverage(similarity, chosen) == pytest.approx(best)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 12))
def test_lazy_gains_change_nothing(seed: int, number: int) -> None:
    similarity = random_similarity(seed, number)
    chosen = facility_location(similarity, number)
    for step, taken in enumerate(chosen):
        before = chosen[:step]
        best = max(coverage(similarity, [*before, n]) for n in range(number) if n not in before)
        assert coverage(similarity, [*before, taken]) == pytest.approx(best, abs=1e-12)


def test_one_of_each_cluster_comes_before_a_second() -> None:
    corners = np.eye(4)[[0, 0, 0, 1, 1, 2, 3]]
    chosen = facility_location(similarities(corners), 4)
    assert {int(corners[n].argmax()) for n in chosen} == {0, 1, 2, 3}
    assert chosen[0] == 0, "the largest cluster first, and of equals the first"


def test_more_than_there_are_is_all() -> None:
    assert sorted(facility_location(np.eye(3), 9)) == [0, 1, 2]
    assert facility_location(np.zeros((0, 0)), 3) == []
    assert coverage(np.eye(3), []) == 0.0


TEXTS = {
    "a": ["the well and the garden"] * 5 + ["a vote in the council", "songs on the radio"],
    "b": ["one text alone"],
    "c": [],
}


def test_the_comparison_with_chance_leaves_out_cells_without_a_choice() -> None:
    chosen, found = choose(TEXTS, 3, None, seed=1)
    assert chosen == {"a": [0, 5, 6], "b": [0], "c": []}
    assert found
    assert (found.cells, found.candidates, found.places) == (1, 7, 3)
    assert found.greedy == pytest.approx(1.0)
    assert found.low <= found.random <= found.high <= found.greedy + 1e-9
    assert [row[0] for row in found.curve] == [1, 2, 3]
    # Three of seven without repeats: the share of draws that hold a text, per text, times its weight.
    every = list(itertools.combinations(range(7), 3))
    similarity = similarities(np.eye(3)[[0, 0, 0, 0, 0, 1, 2]])
    expected = np.mean([coverage(similarity, those) for those in every])
    assert found.random == pytest.approx(expected, abs=0.05)
    assert choose({"b": ["one"]}, 3, None)[1] is None


def test_the_space_is_named_and_the_encoder_used() -> None:
    def encode(texts: object) -> np.ndarray:
        return np.eye(8, dtype=np.float32)[: len(list(texts))]  # type: ignore[call-overload]

    _, found = choose({"a": list("abcd")}, 2, encode)
    assert found
    assert found.space == "sentence embeddings"
    assert found.greedy == found.random == pytest.approx(0.5)


def test_the_plot_is_svg_with_both_choices() -> None:
    _, found = choose(TEXTS, 3, None)
    assert found
    svg = diversity_svg(found).decode()
    assert svg.startswith("<svg")
    assert "greedy" in svg
    assert "at random" in svg
