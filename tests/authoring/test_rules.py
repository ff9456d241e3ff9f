"""Each rule lets a clean scenario pass and finds a planted fault."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from culturescope.authoring import balance_rules as b
from culturescope.authoring import form_rules as f
from culturescope.authoring import word_rules as w
from culturescope.authoring.texts import count_words, options
from culturescope.authoring.words import lexicon
from culturescope.instrument import load_pack
from tests.authoring.making import GOOD, changed, item_of

EN = lexicon("en")
ITEMS = load_pack().items


def levels(findings):
    return [(x.level, x.ids) for x in findings]


@pytest.mark.parametrize(
    ("rule", "fields", "message"),
    [
        (f.situation_length, {"situation": "word " * 23 + "end."}, "24 words"),
        (f.situation_length, {"situation": "word " * 60 + "end."}, "61 words"),
        (f.option_length, {"positive": "Go there right now."}, "positive option has 4 words"),
        (f.option_length, {"negative": "word " * 20 + "end."}, "negative option has 21 words"),
        (f.option_gap, {"positive": "a b c d e f g.", "negative": "a b c d e."}, "5 and 7 words"),
        (f.one_sentence, {"situation": GOOD.situation + " What now?"}, "question mark"),
        (f.one_sentence, {"situation": GOOD.situation[:-1]}, "situation does not end"),
        (f.one_sentence, {"positive": "Give it to her now"}, "positive option does not end"),
        (
            f.one_sentence,
            {"negative": "Give it away. Tell the elders so."},
            "negative option has 2 sentences",
        ),
        (f.one_sentence, {"negative": "Go home! tell them so."}, "negative option has 2 sentences"),
    ],
)
def test_rules_of_form(rule, fields, message):
    assert rule([GOOD]) == []
    (finding, *_) = rule([GOOD, changed(id="bad", **fields)])
    assert finding.level == "error"
    assert finding.ids == ("bad",)
    assert message in finding.message or any(message in x.message for x in rule([changed(**fields)]))


@pytest.mark.parametrize(
    "text", ["Tell Mr. Okello that it is settled.", "Say 'it is settled.'", "Ask Dr. A. Haddad to come."]
)
def test_titles_initials_and_quotes_are_no_further_sentences(text):
    assert f.one_sentence([changed(positive=text)]) == []


@given(st.integers(1, 30), st.integers(1, 30))
def test_the_gap_is_a_quarter_of_the_longer_option(first, second):
    text = ["word " * (n - 1) + "end." for n in (first, second)]
    found = f.option_gap([changed(positive=text[0], negative=text[1])])
    assert bool(found) == (4 * abs(first - second) > max(first, second))


def test_ids_and_texts_occur_once():
    clean = item_of(4)
    assert f.unique_ids(clean) == f.unique_texts(clean) == []
    assert levels(f.unique_ids([*clean, clean[0]])) == [("error", (clean[0].id,))]
    shouted = changed(clean[1], situation=clean[0].situation.upper().replace(".", "!"))
    assert levels(f.unique_texts([clean[0], shouted])) == [("error", (clean[0].id, clean[1].id))]
    same_option = changed(clean[1], negative=clean[0].positive)
    assert levels(f.unique_texts([clean[0], same_option])) == [("warning", (clean[0].id, clean[1].id))]


def test_shared_runs_of_words():
    other = changed(
        id="other",
        situation="A ferry leaves tonight for the far shore. Two seats are left on it. Anneli may take one of them.",
        positive="Take a seat and sleep on board.",
        negative="Stay on land and sleep at home.",
    )
    assert f.shared_runs([GOOD, other]) == []
    variant = changed(
        id="variant", situation=GOOD.situation.replace("garden", "field").replace("Amparo", "Ewa")
    )
    assert levels(f.shared_runs([GOOD, variant])) == [("error", (GOOD.id, "variant"))]
    seven = "the elders have left the choice to"
    hint = changed(other, situation=f"{other.situation} On board {seven} the crew.")
    assert levels(f.shared_runs([GOOD, hint])) == [("warning", (GOOD.id, "other"))]
    assert f.shared_runs([GOOD, changed(variant, item="Y02")]) == []


@pytest.mark.parametrize(
    ("number", "longer", "fault"),
    [
        (20, 10, False),
        (20, 11, False),
        (20, 12, True),
        (20, 8, True),
        (1, 1, False),
        (3, 2, False),
        (3, 3, True),
    ],
)
def test_the_longer_option_does_not_tell_the_pole(number, longer, fault):
    found = [x for x in b.length_balance(item_of(number, longer=longer)) if x.level == "error"]
    assert bool(found) == fault
    assert all(x.ids == ("Y01",) for x in found)


def test_length_by_split_is_a_warning():
    clean = item_of(20)
    assert b.length_balance(clean) == []
    by_length = [
        changed(s, split="optimise" if count_words(s.positive) > count_words(s.negative) else "evaluate")
        for s in clean
    ]
    assert levels(b.length_balance(by_length)) == [("warning", ("Y01",))] * 2
    ties = [changed(s, negative=s.positive) for s in clean]
    assert b.length_balance(ties) == []


def test_cells_are_split_in_halves():
    clean = item_of(8)
    assert b.split_balance(clean) == b.split_balance(clean[:-1]) == []
    assert levels(b.split_balance([changed(s, split="evaluate") for s in clean])) == [
        ("error", ("Y01-family",))
    ]


def test_topics():
    clean = item_of(14)
    assert b.topics(clean) == b.topics(clean[:3]) == []
    twice = [*clean[:13], changed(clean[13], topic="Topic  0")]
    assert levels(b.topics(twice)) == [("warning", (clean[0].id, clean[13].id))]
    few = [changed(s, topic=f"topic {n % 11}") for n, s in enumerate(clean)]
    assert levels(b.topics(few))[0] == ("error", ("Y01",))


def test_negations():
    clean = item_of(12)
    assert b.negation_balance(clean, EN) == []
    denied = [changed(s, negative=s.negative.replace("wait", "don’t wait")) for s in clean]
    assert levels(b.negation_balance(denied, EN)) == [("error", ("Y01",))]
    some = [changed(s, negative=s.negative.replace("wait", "never wait")) for s in clean[:3]]
    assert levels(b.negation_balance([*some, *clean[3:]], EN)) == [("warning", ("Y01",))]
    both = [changed(s, positive=s.positive.replace("wait", "not wait")) for s in denied]
    assert b.negation_balance(both, EN) == []


@pytest.mark.parametrize(
    ("rule", "text", "level"),
    [
        (w.value_words, "Keep to the Traditional way of sharing.", "error"),
        (w.value_words, "Take the more liberal reading of the rule.", "error"),
        (w.value_words, "Take the old-fashioned road to the mill.", "error"),
        (w.toxic_words, "Call him an idiot before the elders.", "error"),
        (w.loaded_words, "Call the plan shameful before the elders.", "warning"),
        (w.names_of_places, "Send the water to a cousin in South Africa.", "error"),
        (w.names_of_places, "Ask the Norwegian neighbour for a share.", "error"),
        (w.names_of_places, "Look for an answer on YouTube tonight.", "error"),
        (w.names_of_places, "Fly home from Turkey with the others.", "error"),
        (w.names_of_places, "Give the water to Georgia and her sons.", "warning"),
    ],
)
def test_words_that_do_not_belong(rule, text, level):
    assert rule([GOOD], EN) == []
    for part in ("situation", "positive", "negative"):
        assert levels(rule([changed(**{part: text})], EN)) == [(level, (GOOD.id,))]


@pytest.mark.parametrize(
    "text",
    [
        "Serve the turkey on the good china.",
        "Turkey is what the guests like best.",
        "Polish the brass before they come.",
        "'Target the weeds first,' she says.",
        "He says: 'Guinea fowl are dear.' China plates are cheap.",
        "Look for shell and apple on the visa.",
        "Take the modem to the liberated islanders.",
    ],
)
def test_ordinary_words_that_look_like_names(text):
    assert w.names_of_places([changed(positive=text)], EN) == []
    assert w.value_words([changed(positive=text)], EN) == []


def test_religions_by_name():
    religious = w.religious_items(ITEMS)
    assert religious == {"Y01", "Y02"}
    named = changed(positive="Ask the Buddhist neighbours to pray for rain.")
    assert w.names_of_religions([GOOD], EN) == []
    assert levels(w.names_of_religions([named], EN)) == [("error", (GOOD.id,))]
    assert levels(w.names_of_religions([named], EN, religious)) == [("warning", (GOOD.id,))]
    hint = changed(positive="Meet the others behind the mosque at noon.")
    assert levels(w.names_of_religions([hint], EN)) == [("warning", (GOOD.id,))]
    assert w.names_of_religions([hint], EN, religious) == []


def test_reading_ease():
    assert w.easy_to_read([GOOD]) == []
    hard = "Administrative interdependencies necessitate comprehensive organisational reconsideration."
    assert levels(w.easy_to_read([changed(situation=hard * 3)])) == [("warning", (GOOD.id,))]


def test_people_occur_once():
    ferry = changed(
        id="ferry",
        situation="The ferry leaves tonight. Sefo and the boatman wait for Ewa's bag.",
        positive="Tell them to go on board now.",
    )
    again = changed(ferry, id="again", situation="On Monday the boatman tells Sefo of Ewa, who sleeps.")
    assert w.people_once([GOOD, ferry], EN) == []
    found = w.people_once([GOOD, ferry, again], EN)
    assert levels(found) == [("warning", ("ferry", "again"))] * 2
    assert {x.message.split()[0] for x in found} == {"Sefo", "Ewa"}
    assert w.people_once([ferry, changed(again, item="Y02")], EN) == []


@given(st.permutations(item_of(6)))
def test_findings_do_not_depend_on_the_order(scenarios):
    faulty = [changed(s, negative="Wait here.") for s in scenarios]
    assert {x.ids for x in f.option_length(faulty)} == {(s.id,) for s in scenarios}
    assert all(count_words(text) for s in scenarios for text in options(s))
    assert len(b.topics([changed(s, topic="one") for s in scenarios])) == 2
