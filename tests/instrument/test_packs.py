"""A pack is a folder; a faulty one is named by file, line and field, and packaged ones go by name."""

import json
import re

import pytest

from culturescope.errors import InstrumentError
from culturescope.instrument import load_pack, pack_source, packaged_packs
from culturescope.prompts import check_personas

HEAD = """[pack]
id = "p"
name = "Far to Near"
language = "en"
licence = "CC0-1.0"
domains = ["family"]
"""
AXIS = """
[[axis]]
id = "Z"
name = "n"
negative = "far"
positive = "near"
"""
ITEM = """
[[item]]
id = "Z1"
axis = "Z"
label = "l"
negative = "a"
positive = "b"
"""
SCENARIO = {
    "id": "Z1-family-01",
    "item": "Z1",
    "domain": "family",
    "split": "evaluate",
    "situation": "A situation.",
    "positive": "Do this.",
    "negative": "Do that.",
    "note": "Because.",
    "tags": {"topic": "a", "setting": "b"},
}


def persona(kind, number, wording=1, /, **other):
    entry = {"id": f"{kind}-{number}", "kind": kind, "wording": wording, "text": f"{kind} {number}", **other}
    return "[[persona]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in entry.items())


PERSONAS = [persona("positive", 1), persona("negative", 1), persona("neutral", 1), persona("neutral", 2)]


def make(folder, toml=HEAD + AXIS + ITEM, personas=None, scenarios=(SCENARIO,)):
    (folder / "scenarios").mkdir(parents=True)
    (folder / "pack.toml").write_text(toml, encoding="utf-8")
    (folder / "scenarios" / "all.jsonl").write_text("".join(json.dumps(s) + "\n" for s in scenarios))
    if personas is not None:
        (folder / "personas.toml").write_text("\n".join(personas), encoding="utf-8")
    return folder


def test_a_pack_without_personas_and_societies_has_neither(tmp_path):
    pack = load_pack(make(tmp_path / "some"))
    assert pack.personas == check_personas(pack) == ()
    assert pack.societies is None


def test_personas_belong_to_their_pack(tmp_path):
    pack = load_pack(make(tmp_path / "some", personas=PERSONAS))
    assert [p.text for p in check_personas(pack)] == ["positive 1", "negative 1", "neutral 1", "neutral 2"]


def test_the_personas_of_the_map_are_the_ones_that_runs_pin():
    """Their hashes stand in every run folder: a text that changes makes earlier runs unreadable."""
    hashes = {p.id: p.sha256[:12] for p in check_personas(load_pack())}
    assert hashes["positive-1"] == "bd77e1186449"
    assert list(hashes) == [
        *(f"{kind}-{n}" for kind in ("positive", "negative") for n in (1, 2, 3)),
        *(f"neutral-{n}" for n in range(1, 7)),
    ]


def test_packaged_packs_go_by_name(tmp_path, monkeypatch):
    assert packaged_packs()[0] == "wvs"
    assert load_pack("wvs") is load_pack()
    assert pack_source("wvs") is pack_source(None) is None
    monkeypatch.chdir(make(tmp_path / "wvs").parent)
    assert load_pack("wvs").id == "wvs"
    assert load_pack("./wvs").id == "p"
    assert pack_source("./wvs") == str(tmp_path / "wvs")
    for name in packaged_packs():
        assert load_pack(name).id == name


def test_an_unknown_pack_names_the_packaged_ones():
    with pytest.raises(InstrumentError, match=r"nowhere is not a pack: .*packaged packs are wvs"):
        load_pack("nowhere")


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[pack\n", "not valid TOML.*line 1"),
        ("a = 1", r"unknown entry 'a'; known are pack, axis, item"),
        (AXIS + ITEM, r"the table \[pack\] is missing"),
        (HEAD, r"at least one \[\[axis\]\]"),
        (HEAD + AXIS, r"at least one \[\[item\]\]"),
        (HEAD + AXIS + ITEM.replace('"Z"', '"Q"'), 'item Z1 names the axis "Q"'),
        (HEAD + AXIS + AXIS.replace('"Z"', '"V"') + ITEM, "axis V has no item"),
        (HEAD + AXIS + AXIS + ITEM, 'axis "Z" is there twice'),
        (HEAD + AXIS + ITEM + ITEM, 'item "Z1" is there twice'),
        (HEAD + AXIS + ITEM + ITEM.replace("Z1", "Z2"), "no scenario belongs to the item Z2"),
        (
            HEAD + AXIS + ITEM + 'colour = "red"',
            r'line 14 \(item 1\): the field "colour" is not known; known',
        ),
        (
            HEAD + AXIS + ITEM.replace('label = "l"\n', ""),
            r'line 14 \(item 1\): the field "label" is missing',
        ),
        (HEAD + AXIS.replace('"far"', '" "') + ITEM, r'line 8 \(axis 1\): the field "negative" is empty'),
        (HEAD.replace('["family"]', '"family"') + AXIS + ITEM, r"\[pack\] needs domains"),
        (HEAD.replace('["family"]', '["family", "family"]') + AXIS + ITEM, 'domain "family" is there twice'),
        (HEAD.replace('["family"]', '["family", "sea"]') + AXIS + ITEM, "belongs to the domain sea"),
        (
            HEAD.replace('licence = "CC0-1.0"\n', "") + AXIS + ITEM,
            r'\[pack\]: the field "licence" is missing',
        ),
        (HEAD + 'items = ["x"]\n' + AXIS + ITEM, r'"items" does not belong into \[pack\]'),
        (HEAD + 'societies = "mars"\n' + AXIS + ITEM, 'the field "societies"'),
        (HEAD + 'societies = "wvs"\n' + AXIS + ITEM, "needs the ten items of the map"),
        (
            HEAD + AXIS + ITEM + 'scale = { low = 2, high = 1, low_label = "a", high_label = "b" }',
            "item Z1: the scale ends at 1, below its beginning 2",
        ),
    ],
)
def test_faulty_packs_are_named(tmp_path, toml, message):
    with pytest.raises(InstrumentError, match=message) as error:
        load_pack(make(tmp_path / "some", toml))
    assert "\n" not in str(error.value)
    assert re.search(r"pack\.toml|scenarios", str(error.value))


@pytest.mark.parametrize(
    ("personas", "message"),
    [
        ([], r"at least one \[\[persona\]\]"),
        (["[[person]]"], "unknown entry 'person'"),
        (PERSONAS[1:], "each positive persona needs a negative one"),
        ([*PERSONAS, persona("positive", 2, 2)], r"positive are \[1, 2\], negative are \[1\]"),
        (PERSONAS[:3], "2 neutral personas or more .*not 1"),
        ([*PERSONAS, persona("neutral", 2, text="x")], 'persona "neutral-2" is there twice'),
        ([*PERSONAS, persona("neutral", 3, text="neutral 2")], 'persona, "neutral 2" is there twice'),
        (
            [*PERSONAS, persona("neutral", 3, id="happy-3")],
            'persona "happy-3": the id is its kind and a number',
        ),
        ([persona("positive", 1, 2), *PERSONAS[1:]], 'persona "positive-1": wording is 2; 1 is expected'),
        ([*PERSONAS, persona("neutral", 3, kind="calm")], r'line 25 \(persona 5\): the field "kind"'),
        ([*PERSONAS, persona("neutral", 3, text=" ")], r'\(persona 5\): the field "text" is empty'),
        ([*PERSONAS, persona("neutral", 3, wording=0)], r'\(persona 5\): the field "wording"'),
    ],
)
def test_faulty_personas_are_named(tmp_path, personas, message):
    with pytest.raises(InstrumentError, match=message) as error:
        load_pack(make(tmp_path / "some", personas=personas))
    assert "\n" not in str(error.value)
    assert "personas.toml" in str(error.value)
