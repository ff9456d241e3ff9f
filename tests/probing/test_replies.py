"""The reader of free replies, on a corpus written before it; a third was held out while it was made."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturescope.probing.replies import CATEGORIES, read_reply
from culturescope.prompts.survey import question, survey_prompt, survey_questions

CORPUS = [
    json.loads(line)
    for line in (Path(__file__).parent / "replies.jsonl").read_text(encoding="utf-8").splitlines()
]
SCALES = [q.scale(turned=t) for q in survey_questions() for t in (False, True)]


def read(row, reply=None):
    scale = question(row["question"]).scale(turned=row["reversed"])
    return read_reply(row["reply"] if reply is None else reply, scale)


def right(row):
    found = read(row)
    return (found.category, found.value) == (row["category"], row["value"])


def test_the_corpus_is_large_and_covers_every_category_and_manner():
    assert len(CORPUS) > 300
    assert {row["category"] for row in CORPUS} == set(CATEGORIES)
    assert len({row["manner"] for row in CORPUS}) >= 15
    assert sum(row["held_out"] for row in CORPUS) >= 108


@pytest.mark.parametrize("row", [r for r in CORPUS if not r["held_out"]], ids=lambda r: r["reply"][:40])
def test_every_reply_that_it_was_made_on_is_read_as_expected(row):
    assert right(row), read(row)


def test_the_held_out_third_is_read_as_expected_in_95_of_100():
    held = [right(row) for row in CORPUS if row["held_out"]]
    assert sum(held) / len(held) >= 0.95


def test_case_and_space_change_nothing():
    for row in CORPUS:
        check_case_and_space(row)


def check_case_and_space(row):
    expected = read(row)
    for reply in (
        row["reply"].upper(),
        row["reply"].lower(),
        f"\n  {row['reply']}\t \n",
        row["reply"].replace(" ", "  "),
    ):
        found = read(row, reply)
        assert (found.category, found.value) == (expected.category, expected.value), reply


PIECES = st.sampled_from(
    [
        *{row["reply"] for row in CORPUS},
        *[str(n) for n in range(-1, 12)],
        "not",
        "never",
        "-",
        " to ",
        "/",
        "10",
        "<think>",
        "</think>",
        "```",
        "{",
        "}",
        '"answer":',
        "as an AI",
        "\n",
        "1.",
        "%",
    ]
)


@given(st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=6).map(" ".join)), st.sampled_from(SCALES))
@settings(max_examples=250, deadline=None)
def test_whatever_is_written_there_is_an_answer_within_the_scale_or_a_reason(reply, scale):
    found = read_reply(reply, scale)
    assert found.category in CATEGORIES
    assert found.reason
    assert (found.value is not None) == (found.category in ("answered", "neutral"))
    if found.value is not None:
        assert min(scale.codes) <= found.value <= max(scale.codes)
        if scale.kind == "choice":
            assert found.value in scale.codes


@given(st.integers(0, len(SCALES) - 1), st.data())
@settings(max_examples=100, deadline=None)
def test_every_number_that_is_shown_gives_its_own_code_in_any_script(index, data):
    scale = SCALES[index]
    answer = data.draw(st.sampled_from(scale.answers))
    zero = data.draw(st.sampled_from("0٠۰०০๐၀０੦௦"))
    digits = "".join(chr(ord(zero) + int(d)) for d in str(answer.number))
    frame = data.draw(
        st.sampled_from(["{}", "**{}**", "{}.", "I'd say {}", " ({}) ", "```\n{}\n```", '{{"answer": {}}}'])
    )
    assert read_reply(frame.format(digits), scale).value == answer.code


@pytest.mark.parametrize("asked", survey_questions(), ids=lambda q: q.id)
def test_a_question_said_again_is_no_answer_and_every_label_is_one(asked):
    for wording in (1, 2, 3, 4):
        for turned in (False, True):
            scale = asked.scale(turned=turned)
            text = survey_prompt(asked, wording, turned=turned, number_only=True).messages[-1].content
            assert read_reply(text, scale, text).category == "invalid"
            for answer in scale.answers:
                assert read_reply(f"{text}\n\nAnswer: {answer.number}", scale, text).value == answer.code
                if answer.label:
                    assert read_reply(answer.label, scale, text).value == answer.code
                    assert read_reply(f"{answer.number}. {answer.label}", scale, text).value == answer.code


def test_a_number_and_words_that_contradict_each_other_are_no_answer():
    assert read_reply("2. very happy", question("X02").scale()).category == "invalid"
    assert read_reply("10, never justifiable", question("X03").scale()).category == "invalid"
    assert read_reply("10, never justifiable", question("X03").scale(turned=True)).value == 1


def test_of_a_very_long_reply_the_beginning_is_read():
    scale = question("X03").scale()
    assert read_reply("7\n" + "because " * 50_000, scale).value == 7
    for text in (
        "1 " * 50_000,
        "i " * 50_000,
        "<think>" * 9_000,
        "(" * 90_000,
        "not " * 40_000,
        "1 to " * 20_000,
    ):
        assert read_reply(text, scale).category in ("answered", "invalid", "empty")


def test_what_others_are_said_to_think_is_no_answer_after_a_refusal():
    scale = question("X03").scale()
    start = "As an AI, I have no opinion. "
    assert read_reply(f"{start}Many call it always justifiable, others never.", scale).category == "refused"
    assert read_reply(f"{start}Though many object, I would say always justifiable.", scale).value == 10
