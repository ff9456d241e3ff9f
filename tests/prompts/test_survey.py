"""The survey's questions: scales in both directions, mapped back; four wordings; the composed items whole."""

import re

import pytest

from culturescope.errors import InstrumentError
from culturescope.instrument import load_pack
from culturescope.prompts import Persona
from culturescope.prompts.survey import question, questions_of, survey_prompt, survey_questions


def text(*args, **options):
    return survey_prompt(*args, **options).messages[-1].content


def test_every_item_of_the_map_is_asked_in_four_wordings_that_differ():
    asked = {q.item for q in survey_questions()}
    assert asked == set(load_pack().item_ids)
    for q in survey_questions():
        assert len({survey_prompt(q, w).sha256 for w in (1, 2, 3, 4)}) == 4
        assert not any("{" in survey_prompt(q, w).messages[0].content for w in (1, 2, 3, 4))


def test_codes_of_single_questions_are_those_of_the_items_scale():
    pack = load_pack()
    for q in survey_questions():
        if q.id == q.item:
            scale = pack.item(q.item).scale
            codes = q.scale().codes
            assert sorted(set(codes)) == list(range(scale.low, scale.high + 1))
            assert q.scale(turned=True).codes == codes[::-1]


def test_a_turned_scale_swaps_the_labels_and_keeps_the_numbers_in_order():
    straight, turned = (text(question("X03"), 1, turned=t) for t in (False, True))
    assert "1 means “never justifiable” and 10 means “always justifiable”" in straight
    assert "1 means “always justifiable” and 10 means “never justifiable”" in turned
    assert question("X03").scale(turned=True).code(10) == 1
    assert question("X03").scale(turned=True).code(7.5) == 3.5
    listed = text(question("X02"), 1, turned=True)
    assert re.findall(r"^(\d)\. (.+)$", listed, re.M) == [
        ("1", "not at all happy"),
        ("2", "not very happy"),
        ("3", "quite happy"),
        ("4", "very happy"),
    ]


def test_the_first_wording_of_every_label_names_the_right_code():
    # The labels' order in the data file is the codebook's: a swap would turn an axis.
    def label(q, code):
        return next(a.label for a in question(q).scale().answers if a.code == code)

    assert label("Y01", 10) == "very important"
    assert label("Y03", 10) == label("X03", 10) == "always justifiable"
    assert label("Y04", 1) == "very proud"
    assert label("Y05", 3) == "a bad thing"
    assert label("X02", 1) == "very happy"
    assert label("X04", 3) == "would never do it"
    assert label("X05", 2).endswith("very careful with people")
    assert label("Y02-faith", 1) == "yes"


def test_pairs_of_aims_are_the_six_and_turned_they_swap_their_poles():
    straight = question("X01").scale()
    material, post = ("order", "prices"), ("say", "speech")
    for answer in straight.answers:
        aims = [w for w in (*material, *post) if w in answer.label.split() or answer.label.endswith(w)]
        assert len(aims) == 2
        assert answer.code == 1 + sum(a in post for a in aims)
    assert len({a.label for a in straight.answers}) == 6
    turned = question("X01").scale(turned=True)
    assert [a + b for a, b in zip(straight.codes, turned.codes, strict=True)] == [4] * 6


def test_each_quality_is_asked_with_the_whole_list_and_its_limit():
    for q in questions_of(["Y02"]):
        for wording in (1, 2, 3, 4):
            asked = text(q, wording)
            assert "five" in asked
            for word in (
                "manners",
                "independence",
                "obedience",
                "religious faith",
                "determination",
                "thrift",
            ):
                assert word in asked


def test_number_only_and_persona():
    q = question("Y05")
    assert text(q, 2, number_only=True).endswith("\nAnswer with a number only.")
    assert "number only" not in text(q, 2)
    prompt = survey_prompt(q, 1, persona=Persona("basic-IND", "basic", 1, "You live in India."))
    assert [m.role for m in prompt.messages] == ["system", "user"]


def test_unknown_wordings_items_and_questions_are_named():
    with pytest.raises(InstrumentError, match="1 to 4, not 5"):
        survey_prompt(question("X03"), 5)
    with pytest.raises(InstrumentError, match='no question for "Q1"'):
        questions_of(["Q1"])
    with pytest.raises(InstrumentError, match='no question "X9"'):
        question("X9")
