"""Leaks of the surface are found where they are planted, and only there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from culturescope.authoring.leaks import bag_of_words, fit, guesses, leak_findings, surface_leaks
from culturescope.authoring.words import lexicon
from culturescope.stats import wilson
from tests.authoring.making import changed, item_of

EN = lexicon("en")
TWO = [*item_of(30), *item_of(30, "Y02")]


def whole(leaks):
    return {leak.cue: leak for leak in leaks if leak.scope == "all"}


def errors(leaks):
    return [f for f in leak_findings(leaks) if f.level == "error"]


def test_a_balanced_set_has_no_leak():
    leaks = surface_leaks(TWO, EN)
    assert whole(leaks)["length in words"].share == 0.5
    assert "pleasant words" not in whole(leaks)
    assert leak_findings(leaks) == []


def test_length_is_found():
    leaks = surface_leaks([*item_of(30, longer=21), *item_of(30, "Y02", longer=21)], EN)
    found = whole(leaks)["length in words"]
    assert (found.correct, found.guesses, found.ties) == (42, 60, 0)
    assert (found.low, found.high) == wilson(42, 60)
    assert {f.ids for f in errors(leaks)} == {()}
    assert any("length in words in 42 of 60" in f.message for f in errors(leaks))


@pytest.mark.parametrize("pole", ["positive", "negative"])
def test_tone_is_found_in_either_direction(pole):
    toned = [changed(s, **{pole: getattr(s, pole).replace("wait", "smile")}) for s in TWO]
    leaks = surface_leaks(toned, EN)
    assert whole(leaks)["pleasant words"].correct == (60 if pole == "positive" else 0)
    assert any("from pleasant words in" in f.message for f in errors(leaks))


def test_words_carried_over_items_are_reported_but_no_gate():
    marked = [changed(s, positive=s.positive.replace("wait", "knit")) for s in TWO]
    leaks = surface_leaks(marked, EN)
    assert whole(leaks)["bag of words, learned"].share == 1
    assert leak_findings(leaks) == []


def test_words_of_one_item_only_do_not_carry_over():
    marked = [
        changed(s, positive=s.positive.replace("wait", "knit" if s.item == "Y01" else "swim")) for s in TWO
    ]
    found = whole(surface_leaks(marked, EN))["bag of words, learned"]
    assert found.low < 1


def test_embeddings_are_read_if_they_are_there():
    def encode(texts):
        return np.array([[float("knit" in t), 1.0] for t in texts], dtype=np.float32)

    marked = [changed(s, positive=s.positive.replace("wait", "knit")) for s in TWO]
    assert whole(surface_leaks(marked, EN, encode))["embeddings, learned"].share == 1
    assert "embeddings, learned" not in whole(surface_leaks(marked, EN))


def test_one_item_has_no_learned_cues():
    assert not any("learned" in leak.cue for leak in surface_leaks(item_of(8), EN))


def test_a_bag_counts_positive_less_negative():
    one = changed(positive="Go up up.", negative="Go down.")
    assert sorted(bag_of_words([one])[0]) == [-1, 2]


@given(st.integers(0, 1000), st.integers(2, 6))
def test_the_fit_is_at_its_minimum_and_odd(seed, width):
    x = np.random.default_rng(seed).normal(size=(20, width))
    w = fit(x, penalty=0.1)
    assert np.allclose(fit(-x, penalty=0.1), -w, atol=1e-4)
    scale = np.sqrt((x**2).sum(axis=1).mean())

    def loss(v):
        return np.logaddexp(0, -x @ v).mean() + 0.05 * scale**2 * v @ v

    for step in np.eye(width) * 0.01:
        assert loss(w) <= min(loss(w + step), loss(w - step)) + 1e-7


def test_random_features_guess_at_chance():
    x = np.random.default_rng(7).normal(size=(600, 40))
    groups = np.repeat([f"i{n}" for n in range(10)], 60)
    right = int((guesses(x, groups) > 0).sum())
    low, high = wilson(right, 600)
    assert low <= 0.5 <= high
