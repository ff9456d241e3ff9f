"""The sentence of a search follows from its numbers: inside of the band nothing is said to move."""

from __future__ import annotations

import pytest

from culturescope.experiments.steer.results import Drawn
from culturescope.experiments.steer.search_results import BlockEffect, Choice, RankAgreement, Search
from culturescope.experiments.steer.search_words import runs_of, sentence_of


def found(
    alone: float, together: float, band: float, way: str = "measured", shuffled: float | None = None
) -> Search:
    def drawn(value: float) -> Drawn:
        return Drawn(value=value, low=value - 0.1, high=value + 0.1)

    blocks = tuple(
        BlockEffect(
            block=b,
            alpha=1.0,
            dose=0.1,
            effect=None if b == 9 else drawn(alone if b == 7 else alone - 0.2),
            first_order=5.0,
            random_band=0.1,
            shuffled_band=0.1,
            shuffled_worst=0.2,
        )
        for b in (3, 7, 9)
    )
    choice = Choice(
        name="chosen",
        blocks=(3, 7),
        effect=drawn(together),
        random_band=band,
        random_way=way,
        shuffled_band=shuffled,
        letter_mass=1.0,
        mean_abs_b=0.0,
    )
    return Search(
        axis="X",
        how="exact",
        joint="top",
        blocks=blocks,
        chosen=(3, 7),
        largest_random=0.1,
        p_chosen=0.24,
        control_ratio=1.0,
        shuffles=20,
        largest_shuffled=0.1,
        p_shuffled=0.48,
        shuffled_ratio=1.0,
        rank_agreement=RankAgreement(spearman=None, overlap=1, of=1, regret=None),
        choices=(choice,),
        items=(),
    )


def test_the_best_block_is_one_that_was_measured():
    sentence = sentence_of(found(0.3, 0.4, 0.2))
    assert "Block 7 alone moves d most, +0.300 (+0.200 to +0.400)" in sentence
    assert "p = 0.24" in sentence
    assert "20 vectors fitted on shuffled labels with p = 0.48" in sentence
    assert "blocks 3 and 7 together: +0.400 (+0.300 to +0.500), beyond ±0.200" in sentence


@pytest.mark.parametrize(
    ("together", "band", "way", "words"),
    [
        (0.4, 0.2, "measured", "beyond ±0.200, where 95% of random vectors lie."),
        (0.2, 0.2, "measured", "inside of ±0.200, where 95% of random vectors lie."),
        (-0.1, 0.2, "estimated", "inside of ±0.200, where 95% of random vectors lie (estimated)."),
        (
            -0.4,
            0.2,
            "measured",
            "beyond ±0.200, where 95% of random vectors lie; towards the negative pole.",
        ),
    ],
)
def test_beyond_or_inside_of_random_vectors(together, band, way, words):
    assert sentence_of(found(0.3, together, band, way)).endswith(words)


def test_a_vector_that_does_no_more_than_shuffled_labels_is_said_to():
    inside = sentence_of(found(0.3, 0.4, 0.2, shuffled=0.5))
    assert "but inside of ±0.500, that of vectors fitted on shuffled labels" in inside
    beyond = sentence_of(found(0.3, 0.4, 0.2, shuffled=0.3))
    assert beyond.endswith("lie, and beyond ±0.300, that of vectors fitted on shuffled labels.")


def test_no_block_is_said_to_move_when_none_does():
    sentence = sentence_of(found(-0.1, 0.1, 0.2))
    assert sentence.startswith("No block alone moves d towards the positive pole.")
    assert "p =" not in sentence


def test_runs_of_blocks():
    assert runs_of((5,)) == "5"
    assert runs_of((3, 4, 9, 10, 11)) == "3–4 and 9–11"
    assert runs_of((1, 3, 5, 6)) == "1, 3 and 5–6"
