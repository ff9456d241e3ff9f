"""Words, sentences, syllables, and the word lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from culturescope.authoring.texts import by_item, reading_ease, runs, sentences, syllables, words
from culturescope.authoring.words import lexicon, pattern
from tests.authoring.making import item_of

EN = lexicon("en")


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("well", 1), ("garden", 2), ("settled", 2), ("asked", 1), ("wanted", 2), ("table", 2), ("house", 1),
        ("houses", 2), ("village", 2), ("called", 1), ("whole", 1), ("tables", 2), ("handled", 2), ("the", 1), ("rhythm", 1), ("petition", 3), ("times", 1),
    ],
)  # fmt: skip
def test_syllables(word, number):
    assert syllables(word) == number


def test_reading_ease_is_flesch():
    assert reading_ease(["The cat sat on the mat."]) == pytest.approx(206.835 - 1.015 * 6 - 84.6)
    assert reading_ease(["The garden is dry."] * 2) == pytest.approx(206.835 - 1.015 * 4 - 84.6 * 5 / 4)
    with pytest.raises(ValueError, match="at least one word"):
        reading_ease(["..."])


def test_sentences():
    assert sentences("He waits. 'Go!' she says. Mr. Okello nods") == [
        "He waits.",
        "'Go!'",
        "she says.",
        "Mr. Okello nods",
    ]
    assert sentences("  ") == []


@given(st.text(alphabet="ab .'!?\n", max_size=60))
def test_sentences_keep_every_character_but_white_space(text):
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


def test_words_and_runs():
    assert words("The well-known (old) elders' wasn’t  3 times.") == [
        "the", "well-known", "old", "elders", "wasn't", "times",
    ]  # fmt: skip
    assert runs(["one two three four five six"]) == {
        ("one", "two", "three", "four", "five"),
        ("two", "three", "four", "five", "six"),
    }
    assert runs(["one two three four", "five six"]) == set()


def test_by_item_gathers_what_lies_apart():
    mixed = [*item_of(2), *item_of(2, "Y02"), *item_of(2)]
    assert {item: len(those) for item, those in by_item(mixed).items()} == {"Y01": 4, "Y02": 2}


@pytest.mark.parametrize(
    ("text", "tone"),
    [
        ("Tell her that you are happy.", 1),
        ("Tell her that you are not happy.", -1),
        ("You are sad, not glad, and never bitter.", -1),
        ("Paint the door and take a denim coat.", 0),
    ],
)
def test_tone(text, tone):
    assert EN.tone(text) == tone


def test_negations():
    assert EN.negations("No one can't go; don’t wait without notes or nothing known.") == 5


def test_patterns_find_whole_words():
    assert pattern(["liberal*", "New Zealand"]).findall("Liberally, illiberal, new zealand") == [
        "Liberally",
        "new zealand",
    ]
    assert pattern(["UK"], case=True).findall("UK uk UKs") == ["UK"]


def test_a_language_without_lists_has_none():
    assert lexicon("en-GB") == EN
    assert lexicon("xx") is None
    assert lexicon("../en") is None
