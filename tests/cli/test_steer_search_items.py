"""`steer search --item`: vectors of items by one command, shown and applied; commands of axes refuse them."""

from __future__ import annotations

import json

import pytest

from culturescope.cli import run


@pytest.fixture(scope="module")
def searched(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("items") / "search"
    asked = ["steer", "search", str(tiny("llama")), "-o", str(folder), "--item", "A165,X01", "--limit", "18"]
    asked += ["--top", "1", "--blocks", "1,2", "--random", "estimated", "--figure", str(folder / "own.pdf")]
    assert run([*asked, "-q"]) == 0
    return folder


def test_items_are_named_by_id_or_variable(searched):
    stored = json.loads((searched / "search.json").read_text())
    assert set(stored["items"]) == {"X05", "X01"}
    assert stored["axes"] == {}
    assert stored["plan"]["items"] == ["X05", "X01"]
    assert sorted(p.name for p in (searched / "vectors").iterdir()) == ["X01.safetensors", "X05.safetensors"]
    assert (searched / "own.pdf").read_bytes().startswith(b"%PDF")
    assert not (searched / "search.svg").exists()
    assert not (searched / "stages").exists()
    for item, found in stored["items"].items():
        assert found["item"] == item
        assert {*found["blocks"][0]["items"]} == {item}
        chosen = next(c for c in found["choices"] if c["name"] == "chosen")
        assert chosen["random_way"] == "estimated"
        assert chosen["random_measured"] == 5


def test_show_prints_the_search_and_each_vector(searched, capsys):
    assert run(["steer", "show", str(searched)]) == 0
    out = capsys.readouterr().out
    assert "X05 (axis X): signed change of d" in out
    assert "shuffled labels" in out
    assert "estimated to first order; 5 measured are" in out
    assert "On other scenarios block" in out
    assert run(["steer", "show", str(searched / "search.json"), "--json"]) == 0
    stored = json.loads(capsys.readouterr().out)
    assert set(stored["items"]) == {"X05", "X01"}
    assert run(["steer", "show", str(searched), "--figure", str(searched.parent / "again.svg")]) == 0
    svg = (searched.parent / "again.svg").read_text()
    for item in stored["items"].values():
        chosen = next(c for c in item["choices"] if c["name"] == "chosen")
        assert f"{chosen['effect']['value']:+.3f}".replace("-", "\N{MINUS SIGN}") in svg
    capsys.readouterr()
    assert run(["steer", "show", str(searched / "vectors" / "X05.safetensors")]) == 0
    assert "X05: method mean-difference" in capsys.readouterr().out


def test_a_vector_of_an_item_is_applied(searched, tiny, capsys):
    vector = str(searched / "vectors" / "X05.safetensors")
    asked = ["steer", "generate", str(tiny("llama")), "Why?", "--vector", vector, "--alpha", "0.5"]
    assert run([*asked, "--max-new-tokens", "3", "-q"]) == 0
    assert "X05" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["entangle", "{search}"], "holds a search of items (X05, X01)"),
        (["aim", "{search}", "--point", "1,1"], "this begins from one of axes"),
        (["domains", "{search}"], "this begins from one of axes"),
        (["search", "{model}", "--item", "X05", "--axis", "X", "-o", "{new}"], "leave out --axis"),
        (["search", "{model}", "--item", "X05", "--level", "axis", "-o", "{new}"], "--level axis"),
        (["search", "{model}", "--item", "Q99", "-o", "{new}"], "X05 (A165)"),
        (["search", "{model}", "--item", "X05,A165", "-o", "{new}"], "X05 was asked for more than once"),
        (["search", "{model}", "--level", "domain", "-o", "{new}"], "axis, item"),
        (["search", "{model}", "--random", "guessed", "-o", "{new}"], "measured, estimated"),
        (["show", "{search}/vectors/X05.safetensors", "--figure", "{new}/a.svg"], "name its folder"),
        (["search", "{model}", "--figure", "{new}/a.gif", "-o", "{new}"], ".svg"),
        (["search", "{model}", "--level", "item", "--limit", "40", "-o", "{new}"], "(a larger limit)"),
    ],
)
def test_bad_input_is_one_line(searched, tiny, tmp_path, capsys, arguments, line):
    places = {"search": searched, "model": tiny("llama"), "new": tmp_path / "new"}
    assert run(["steer", *(a.format(**places) for a in arguments)]) == 2
    err = capsys.readouterr().err
    assert line in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "new").exists()
