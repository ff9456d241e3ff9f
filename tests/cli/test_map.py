"""`culturescope map`: several runs on one map, every format, domains, and what may not be said."""

import json

import pytest

from culturescope.cli import run


@pytest.fixture(scope="module")
def probed(tiny, tmp_path_factory):
    folders = []
    for family in ("qwen2", "llama"):
        folder = tmp_path_factory.mktemp("map") / family
        ask = ["probe", str(tiny(family)), "--limit", "30", "--templates", "2", "--quiet", "-o", str(folder)]
        assert run(ask) == 0
        folders.append(folder)
    return folders


def test_several_runs_stand_on_one_map_beside_the_nulls(probed, tmp_path, capsys):
    assert run(["map", *map(str, probed), "-o", str(tmp_path / "map.html"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["placements"]
    assert [(p["kind"], p["label"], p["conversion"]) for p in found if p["kind"] == "model"] == [
        ("model", "qwen2", "anchored"),
        ("model", "qwen2", "paper"),
        ("model", "llama", "anchored"),
        ("model", "llama", "paper"),
    ]
    assert [(p["label"], p["conversion"]) for p in found if p["kind"] == "null"] == [
        ("uniform", "anchored"),
        ("always-A", "anchored"),
        ("uniform", "paper"),
        ("always-A", "paper"),
    ]
    assert all(p["nearest"] == [] for p in found)
    text = (tmp_path / "map.html").read_text()
    assert text.startswith("<!doctype html>") or text.lower().startswith("<!doctype html>")
    assert len(text.encode()) < 2_000_000


def test_runs_of_one_name_are_told_apart_and_none_is_drawn_twice(probed, tmp_path, capsys):
    copy = tmp_path / "qwen2"
    copy.mkdir()
    for f in probed[0].iterdir():
        (copy / f.name).write_bytes(f.read_bytes())
    assert run(["map", str(probed[0]), str(copy), "-o", str(tmp_path / "m.html"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["placements"]
    labels = {p["label"] for p in found if p["kind"] == "model"}
    assert labels == {"qwen2 (qwen2) 1", "qwen2 (qwen2) 2"}
    assert run(["map", str(copy), str(copy)]) == 2
    assert "was given twice" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_figures_are_written_without_a_browser(probed, tmp_path, ending):
    assert run(["map", str(probed[0]), "--conversion", "paper", "-o", str(tmp_path / f"map.{ending}")]) == 0
    start = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF"}[ending]
    assert (tmp_path / f"map.{ending}").read_bytes().startswith(start)
    assert run(["map", str(probed[0]), "-o", str(tmp_path / f"both.{ending}")]) == 0
    assert {f.name for f in tmp_path.glob("both*")} == {f"both-anchored.{ending}", f"both-paper.{ending}"}


def test_domains_have_places_of_their_own(probed, tmp_path, capsys):
    assert run(["map", str(probed[0]), "--domain", "each", "-o", str(tmp_path / "m.html"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["placements"]
    places = {p["domain"] for p in found if p["kind"] == "model"}
    assert places == {"family", "workplace", "legal"}


def test_words_say_that_an_unchecked_model_has_no_place(probed, tmp_path, capsys):
    assert run(["map", str(probed[0]), "-o", str(tmp_path / "m.html")]) == 0
    out = capsys.readouterr().out
    assert "not checked on this model: read no values into the place" in out
    assert "Leans" not in out
    assert out.splitlines()[-1] == f"Map: {tmp_path / 'm.html'}"


def test_the_page_of_a_run_has_the_map(probed):
    text = (probed[0] / "report.html").read_text()
    assert '"map-anchored"' in text
    assert '"map-paper"' in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["map", "no-such-run"], "no-such-run"),
        (["map", "RUN", "--conversion", "mean"], '"mean" is not one of anchored, paper, both'),
        (["map", "RUN", "--domain", "sea"], '"sea" is not one of family'),
        (["map", "RUN", "-o", "map.gif"], "map.gif"),
        (["people", "show", "Indai"], "India"),
        (["people", "list", "--zone", "Atlantis"], "Atlantis"),
    ],
)
def test_bad_input_is_one_line(probed, capsys, arguments, message):
    assert run([str(probed[0]) if a == "RUN" else a for a in arguments]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert message in lines[0]


def test_a_run_without_all_ten_items_says_which_are_missing(tiny, tmp_path, capsys):
    folder = tmp_path / "r"
    assert (
        run(["probe", str(tiny("qwen2")), "--limit", "8", "--templates", "1", "--quiet", "-o", str(folder)])
        == 0
    )
    assert '"map-anchored"' not in (folder / "report.html").read_text()
    capsys.readouterr()
    assert run(["map", str(folder)]) == 2
    assert "Y05, X05" in capsys.readouterr().err


def test_an_empty_run_has_no_place(probed, tmp_path, capsys):
    (tmp_path / "run.json").write_bytes((probed[0] / "run.json").read_bytes())
    assert run(["map", str(tmp_path)]) == 2
    assert "have no answer yet" in capsys.readouterr().err


def test_in_single_orders_the_place_of_a_pure_letter_bias_is_not_claimed(tiny, tmp_path, capsys):
    folder = tmp_path / "r"
    ask = ["probe", str(tiny("qwen2")), "--limit", "30", "--orders", "random", "--quiet", "-o", str(folder)]
    assert run(ask) == 0
    capsys.readouterr()
    assert run(["map", str(folder), "--domain", "each", "-o", str(tmp_path / "m.html"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["placements"]
    nulls = [(p["label"], p["conversion"]) for p in found if p["kind"] == "null"]
    assert ("always-A", "anchored") not in nulls
    paper = {p["domain"]: (p["x"], p["y"]) for p in found if p["label"] == "always-A"}
    assert set(paper) == {"family", "workplace", "legal"}
    assert len(set(paper.values())) == 3
