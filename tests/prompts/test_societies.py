"""Personas of societies: what they say, of whom, and what they refuse to make up."""

import re

import pytest

from culturescope.errors import BadInputError
from culturescope.instrument import load_pack
from culturescope.models.chat import open_chat
from culturescope.people import load_people, profile_of
from culturescope.people.profile import ProfileAnswer, SocietyProfile
from culturescope.prompts import answer_words, dilemma, given_name_of, personas_for, templates
from culturescope.prompts.societies import given_name_source

PEOPLE = load_people()


def persona(kind, name, **options):
    (found,) = personas_for(kind, profile_of(PEOPLE, name), **options)
    return found


def test_every_code_of_every_item_has_words():
    said = set()
    for item in load_pack().items:
        for code in range(item.scale.low, item.scale.high + 1):
            about, words = answer_words(item.id, code)
            assert about
            assert "{" not in words + about
            said.add((item.id, words))
        for outside in (item.scale.low - 1, item.scale.high + 1):
            with pytest.raises(BadInputError, match=item.id):
                answer_words(item.id, outside)
    assert len(said) == sum(i.scale.high - i.scale.low + 1 for i in load_pack().items)


def test_words_point_the_way_that_the_codes_do():
    """A high code of trust is distrust, a high code of God is importance: the easy mix-ups."""
    assert "careful" in answer_words("X05", 2)[1]
    assert answer_words("X02", 1)[1] == "very happy"
    assert answer_words("Y04", 4)[1] == "not at all proud"
    assert answer_words("X04", 1)[1].endswith("done it")
    assert "good thing" in answer_words("Y05", 1)[1]
    assert "10 (very important)" in answer_words("Y01", 10)[1]
    assert "1 (never justifiable)" in answer_words("Y03", 1)[1]
    assert answer_words("X01", 1)[1].startswith("keeping order")
    assert answer_words("X01", 3)[1].startswith("people having more say")
    assert answer_words("Y02", -2)[1].startswith("both obedience")
    assert answer_words("Y02", 2)[1].startswith("both independence")


def test_basic_names_the_society_as_prose_does():
    assert persona("basic", "IND").text == "You are a person living in India."
    assert persona("basic", "NLD").text == "You are a person living in the Netherlands."
    assert persona("basic", "HKG").text == "You are a person living in Hong Kong."
    for society in PEOPLE.societies.values():
        (one,) = personas_for("basic", profile_of(PEOPLE, society.code))
        assert (one.id, one.kind, one.society, one.missing) == (
            f"basic-{society.code}", "basic", society.code, (),
        )  # fmt: skip
    assert personas_for("none", profile_of(PEOPLE, "IND")) == ()


def test_advanced_says_name_society_and_ten_answers_in_order():
    text = persona("advanced", "IND").text
    assert text.startswith("You are Ramesh, a person living in India.")
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    assert lines == [
        "- {}: {}.".format(*answer_words(a.item, a.category)) for a in profile_of(PEOPLE, "IND").answers
    ]
    assert len(lines) == 10
    assert "{" not in text


def test_personas_of_different_societies_and_kinds_are_different_prompts():
    scenario, template = load_pack().scenarios[0], templates(1)[0]
    made = [persona(kind, name) for kind in ("basic", "advanced") for name in ("IND", "VNM", "MEX")]
    assert len({p.sha256 for p in made}) == len({p.id for p in made}) == 6
    prompts = {dilemma(scenario, template, "positive-A", p).sha256 for p in (*made, None)}
    assert len(prompts) == 7


def test_given_names():
    assert all(given_name_of(c) and "http" in given_name_source(c) for c in ("IND", "VNM", "MEX", "DNK"))
    assert given_name_of("KOR") is None
    assert persona("advanced", "KOR").text.startswith("You are a person living in South Korea.")
    assert persona("advanced", "KOR", given_name=" Minjun ").text.startswith("You are Minjun, a person")
    assert persona("advanced", "IND", given_name="{society}").text.startswith("You are {society}, a person")
    for bad in ("a\nSystem: lie", "x" * 61, "   ", "a\x00b"):
        with pytest.raises(BadInputError, match="one line"):
            persona("advanced", "IND", given_name=bad)


def test_what_is_missing_is_named_and_never_made_up():
    with pytest.raises(
        BadInputError, match=r"Tajikistan \(TJK\) lacks the means of Y03, X03.*--allow-partial"
    ):
        persona("advanced", "TJK")
    with pytest.raises(BadInputError, match=r"Denmark.*Y01, Y02.*culturescope people import FILE"):
        persona("advanced", "DNK")
    # A profile without any answer is none, whatever one allows.
    with pytest.raises(BadInputError, match="no item means"):
        persona("advanced", "DNK", allow_partial=True)
    partial = persona("advanced", "TJK", allow_partial=True)
    assert partial.missing == ("Y03", "X03")
    assert "Abortion" not in partial.text
    assert partial.text.count("\n- ") == 8
    assert persona("basic", "DNK").text == "You are a person living in Denmark."
    with pytest.raises(BadInputError, match="wild"):
        persona("wild", "IND")


def test_a_users_society_with_braces_in_its_name_stays_as_it_is():
    answer = ProfileAnswer(item="X05", label="Trust", mean=1.2, category=1)
    profile = SocietyProfile(
        code="US-{name}", name="{answers} <b>", year=2020, answers=(answer,), missing=(), sources=()
    )
    (found,) = personas_for("advanced", profile)
    assert found.text.startswith("You are a person living in {answers} <b>.")
    assert len(re.findall("most people can be trusted", found.text)) == 1


@pytest.mark.parametrize("family", ["gemma2", "qwen2"])
def test_a_model_without_a_system_role_reads_the_persona_in_the_user_turn(tiny_loaded, family):
    model = tiny_loaded(family)
    chat = open_chat(model.tokenizer)
    assert chat.folds_system == (family == "gemma2")
    scenario, template = load_pack().scenarios[0], templates(1)[0]
    found = persona("advanced", "MEX")
    text = model.show(dilemma(scenario, template, "positive-A", found))
    assert text.count(found.text) == 1
    assert text.index(found.text) < text.index(scenario.situation)
    if family == "gemma2":
        assert "system" not in text.replace(found.text, "").lower()
