"""Prompts: both orders, all wordings, personas; braces in a text stay text."""

from types import SimpleNamespace

import pytest

from culturescope.errors import InstrumentError
from culturescope.instrument import load_pack
from culturescope.prompts import Prompt, all_templates, check_personas, dilemma, templates

SCENARIO = load_pack().scenarios[0]


@pytest.mark.parametrize("template", all_templates(), ids=lambda t: t.id)
def test_order_says_which_letter_is_positive(template):
    for order, first, second in (
        ("positive-A", SCENARIO.positive, SCENARIO.negative),
        ("positive-B", SCENARIO.negative, SCENARIO.positive),
    ):
        text = dilemma(SCENARIO, template, order).messages[-1].content
        assert text.count(SCENARIO.situation) == text.count(first) == text.count(second) == 1
        assert text.index(SCENARIO.situation) < text.index(first) < text.index(second)
        before = text[: text.index(first)]
        assert before.rstrip().endswith(("A.", "A:", "(A)"))


def test_the_two_orders_differ_by_the_exchange_only():
    a, b = (
        dilemma(SCENARIO, all_templates()[0], o).messages[0].content for o in ("positive-A", "positive-B")
    )
    mark = "\x00"
    swapped = (
        b.replace(SCENARIO.negative, mark)
        .replace(SCENARIO.positive, SCENARIO.negative)
        .replace(mark, SCENARIO.positive)
    )
    assert swapped == a


def test_there_are_three_wordings_and_they_name_no_value():
    assert len(all_templates()) >= 3
    for template in all_templates():
        assert set("AB") <= set(template.text.replace("{a}", "").replace("{b}", ""))
        for word in ("value", "right", "should", "good", "moral"):
            assert word not in template.text.lower()


def test_braces_and_places_in_a_text_stay_text():
    hostile = SimpleNamespace(situation="{a} and {b} {0} %s", positive="{negative}", negative="{situation}")
    text = dilemma(hostile, all_templates()[0], "positive-A").messages[0].content
    assert text.startswith("{a} and {b} {0} %s\n\nA. {negative}\nB. {situation}")


def test_personas_of_the_check():
    personas = check_personas(load_pack())
    kinds = [p.kind for p in personas]
    assert kinds.count("positive") == kinds.count("negative") == 3
    assert kinds.count("neutral") >= 6
    assert [p.wording for p in personas if p.kind == "positive"] == [1, 2, 3]
    assert len({p.sha256 for p in personas}) == len(personas)
    lengths = [len(p.text) for p in personas]
    assert max(lengths) < 1.2 * min(lengths)


def test_value_free_personas_say_nothing_of_values():
    for persona in check_personas(load_pack()):
        if persona.kind == "neutral":
            for word in (
                "god",
                "relig",
                "pray",
                "church",
                "child",
                "proud",
                "nation",
                "flag",
                "boss",
                "happy",
                "trust",
                "petition",
                "abortion",
                "obey",
                "vote",
                "love",
                "wife",
                "husband",
                "should",
                "believe",
            ):
                assert word not in persona.text.lower(), (persona.id, word)


def test_a_persona_is_the_system_turn():
    persona = check_personas(load_pack())[0]
    prompt = dilemma(SCENARIO, all_templates()[0], "positive-A", persona)
    assert [m.role for m in prompt.messages] == ["system", "user"]
    assert prompt.messages[0].content == persona.text


def test_hash_tells_roles_and_texts_apart():
    assert Prompt.of("a", "b").sha256 != Prompt.of("b", "a").sha256
    assert Prompt.of("ab").sha256 != Prompt.of("b", "a").sha256


@pytest.mark.parametrize("chosen", [0, 99, ["none"], []])
def test_unknown_wordings(chosen):
    with pytest.raises(InstrumentError):
        templates(chosen)
    assert [t.id for t in templates(2)] == [t.id for t in all_templates()[:2]]
