"""The shipped instrument is whole; faulty files are named by file, line and field."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from culturescope.errors import InstrumentError
from culturescope.instrument import load_pack, load_scenarios, scenarios_sha256, select, split_of

PACK = load_pack()
GOOD = {
    "id": "Y01-family-01",
    "item": "Y01",
    "domain": "family",
    "split": "evaluate",
    "situation": "A situation.",
    "positive": "Do this.",
    "negative": "Do that.",
    "note": "Because.",
    "tags": {"topic": "a", "setting": "b"},
}


def test_the_shipped_pack_is_whole():
    assert [a.id for a in PACK.axes] == ["Y", "X"]
    assert [i.id for i in PACK.items] == [f"{axis}0{n}" for axis in "YX" for n in range(1, 6)]
    assert Counter((s.item, s.domain) for s in PACK.scenarios) == {
        (i.id, domain): 20 for i in PACK.items for domain in ("family", "workplace", "legal")
    }
    assert set(Counter((s.item, s.domain, s.split) for s in PACK.scenarios).values()) == {10}


def test_ids_and_splits_are_final():
    """Data sets grow behind these: an id, a split or a text that changes breaks every earlier result."""
    for s in PACK.scenarios:
        item, domain, number = s.id.split("-")
        assert (item, domain) == (s.item, s.domain)
        assert s.split == split_of(item, domain, int(number))


def test_direction_of_every_item_follows_the_codebook():
    low_is_positive = {i.id for i in PACK.items if i.positive_end == "low"}
    assert low_is_positive == {"Y01", "X02", "X04", "X05"}
    assert {i.id: (i.variable, i.scale.low, i.scale.high) for i in PACK.items} == {
        "Y01": ("F063", 1, 10),
        "Y02": ("Y003", -2, 2),
        "Y03": ("F120", 1, 10),
        "Y04": ("G006", 1, 4),
        "Y05": ("E018", 1, 3),
        "X01": ("Y002", 1, 3),
        "X02": ("A008", 1, 4),
        "X03": ("F118", 1, 10),
        "X04": ("E025", 1, 3),
        "X05": ("A165", 1, 2),
    }


def test_scenarios_follow_the_rules_of_their_making():
    for scenario in PACK.scenarios:
        words = {name: len(getattr(scenario, name).split()) for name in ("situation", "positive", "negative")}
        assert 25 <= words["situation"] <= 60, scenario.id
        assert "?" not in scenario.situation, scenario.id
        for option in ("positive", "negative"):
            assert 5 <= words[option] <= 20, scenario.id
            assert getattr(scenario, option).rstrip("'\u2019").endswith((".", "!")), scenario.id
        assert abs(words["positive"] - words["negative"]) <= max(words["positive"], words["negative"]) / 4, (
            scenario.id
        )
        text = " ".join((scenario.situation, scenario.positive, scenario.negative)).lower()
        for word in (
            "traditional",
            "modern",
            "progressive",
            "conservative",
            "old-fashioned",
            "liberal",
            "secular",
        ):
            assert word not in text, scenario.id


def test_length_does_not_tell_the_pole():
    for item in PACK.item_ids:
        for split in (None, "evaluate", "optimise"):
            chosen = select(PACK, items=[item], split=split)
            gaps = [len(s.positive.split()) - len(s.negative.split()) for s in chosen]
            longer, shorter = sum(g > 0 for g in gaps), sum(g < 0 for g in gaps)
            assert 0.45 <= longer / (longer + shorter) <= 0.55, (item, split)


def test_topics_differ_within_an_item():
    for item in PACK.item_ids:
        topics = [s.tags.topic for s in PACK.scenarios if s.item == item]
        assert len(set(topics)) == len(topics) >= 12


@given(st.integers(1, 300))
def test_a_limit_is_balanced_and_part_of_a_larger_one(limit):
    chosen = select(PACK, split="evaluate", limit=limit)
    for name in ("item", "domain"):
        known = PACK.item_ids if name == "item" else PACK.domains
        counts = Counter(getattr(s, name) for s in chosen)
        assert max(counts.values()) - min(counts.get(k, 0) for k in known) <= 1 + (name == "domain")
    axes = Counter(PACK.axis_of(s) for s in chosen)
    assert abs(axes["Y"] - axes["X"]) <= 1
    assert set(chosen) <= set(select(PACK, split="evaluate", limit=min(300, limit + 7)))
    fewer = max(1, limit // 2)
    assert select(PACK, limit=fewer, among=chosen) == chosen[:fewer]


@given(st.sampled_from(PACK.item_ids), st.sampled_from(PACK.domains), st.integers(1, 12))
def test_splits_are_halves_and_stay_as_a_cell_grows(item, domain, pairs):
    splits = [split_of(item, domain, n) for n in range(1, 2 * pairs + 1)]
    assert splits.count("evaluate") == splits.count("optimise") == pairs


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "line 1: not valid JSON"),
        ("[1]", "line 1: a JSON object is expected"),
        ("[" * 100_000, "line 1: not valid JSON"),
        ('{"a": 1}\n', 'line 1: the field "id" is missing'),
        (
            json.dumps(GOOD) + "\n" + json.dumps(GOOD),
            r'line 2: the id "Y01-family-01" was already used in .*line 1',
        ),
        (json.dumps({**GOOD, "situation": "  "}), 'line 1: the field "situation" is empty'),
        (json.dumps({k: v for k, v in GOOD.items() if k != "negative"}), 'the field "negative" is missing'),
        (json.dumps({**GOOD, "item": "Z09"}), 'line 1: unknown item "Z09"; known are Y01'),
        (json.dumps({**GOOD, "domain": "sea"}), 'line 1: unknown domain "sea"'),
        (json.dumps({**GOOD, "split": "train"}), 'line 1: the field "split"'),
        (json.dumps({**GOOD, "id": "../../etc"}), 'line 1: the field "id"'),
        (json.dumps({**GOOD, "extra": 1}), 'line 1: the field "extra"'),
        (json.dumps(GOOD) + "\n" + json.dumps({**GOOD, "id": "Y01-family-02"}), "line 2: the same situation"),
        ("\n\n", "holds no scenarios"),
        ("", "holds no scenarios"),
    ],
)
def test_faulty_scenarios_are_named(tmp_path, content, message):
    file = tmp_path / "some.jsonl"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(InstrumentError, match=message) as error:
        load_scenarios(file, items=PACK.item_ids, domains=PACK.domains)
    assert "\n" not in str(error.value)
    assert "some.jsonl" in str(error.value)


def test_files_that_are_no_text_or_not_there(tmp_path):
    with pytest.raises(InstrumentError, match="does not exist"):
        load_scenarios(tmp_path / "none.jsonl")
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InstrumentError, match="not UTF-8"):
        load_scenarios(tmp_path / "bytes.jsonl")
    with pytest.raises(InstrumentError, match="cannot be read"):
        load_scenarios(tmp_path)


def test_line_separators_inside_a_text_do_not_break_the_line(tmp_path):
    file = tmp_path / "some.jsonl"
    file.write_text(json.dumps({**GOOD, "situation": "One\u2028two"}, ensure_ascii=False), encoding="utf-8")
    assert load_scenarios(file)[0].situation == "One\u2028two"


def test_nothing_chosen_is_an_error():
    with pytest.raises(InstrumentError, match="no scenario fits"):
        select(PACK, items=["Q99"])
    with pytest.raises(InstrumentError, match="at least 1"):
        select(PACK, limit=0)


def test_the_hash_follows_every_text():
    some = PACK.scenarios[:3]
    changed = (some[0].model_copy(update={"note": "Another note."}), *some[1:])
    assert scenarios_sha256(some) != scenarios_sha256(changed)
