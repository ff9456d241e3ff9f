"""The chart of a search: what is drawn are the numbers, words follow from them, nothing is fetched, signs differ in form."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from culturescope.errors import BadInputError
from culturescope.page.figure_files import write_figure
from culturescope.page.search_chart import BlockPoint, SearchPanel, search_spec

POINTS = (
    BlockPoint(3, 0.10, 0.02, 0.18, 0.09, 0.05, 0.07, False),
    BlockPoint(4, 0.30, 0.20, 0.41, 0.28, 0.06, 0.08, True),
    BlockPoint(9, None, None, None, -0.02, 0.04, None, False),
)
PANEL = SearchPanel("Axis X: Survival – Self-Expression", "Block 4 alone moves d most.", POINTS)


def layers_of(spec) -> list[dict]:
    return spec["vconcat"][0]["concat"][0]["layer"]


def test_what_is_drawn_are_the_numbers():
    spec = search_spec([PANEL], "m")
    rows = spec["vconcat"][0]["concat"][0]["data"]["values"]
    assert [(r["block"], r["change"], r["low"], r["high"]) for r in rows] == [
        (p.block, p.change, p.low, p.high) for p in POINTS
    ]
    assert [(r["under"], r["random"]) for r in rows] == [(-0.05, 0.05), (-0.06, 0.06), (-0.04, 0.04)]
    assert [(r["against"], r["shuffled"]) for r in rows] == [(-0.07, 0.07), (-0.08, 0.08), (None, None)]
    band = layers_of(spec)[0]["encoding"]
    assert (band["y"]["field"], band["y2"]["field"]) == ("under", "random")
    low, high = band["y"]["scale"]["domain"]
    assert low < -0.08
    assert high > 0.41
    assert band["x"]["scale"]["domain"] == [2.5, 9.5]
    assert "Block 4 alone moves d most." in spec["description"]


def test_signs_differ_in_form_not_in_colour_alone():
    marks = [layer["mark"] for layer in layers_of(search_spec([PANEL], "m"))]
    assert marks[0]["type"] == "rect"
    assert [m for m in marks if m["type"] == "rule" and m.get("strokeDash")]
    shapes = {m["shape"]: m["filled"] for m in marks if m["type"] == "point"}
    assert shapes == {"circle": False, "diamond": True}
    legend = search_spec([PANEL], "m")["vconcat"][1]["data"]["values"]
    assert [r["name"] for r in legend] == [
        "steered together",
        "not chosen",
        "95% of random vectors",
        "95% of shuffled labels",
        "estimate only",
    ]
    plain = SearchPanel("X", "", tuple(replace(p, shuffled=None, change=0.1) for p in POINTS))
    names = {r["name"] for r in search_spec([plain], "m")["vconcat"][1]["data"]["values"]}
    assert not names & {"95% of shuffled labels", "estimate only"}


def test_panels_share_one_scale_and_a_blank_search_has_one():
    large = SearchPanel("Y", "", (replace(POINTS[0], high=2.0),))
    spec = search_spec([PANEL, large], "m")
    scales = [p["layer"][0]["encoding"]["y"]["scale"]["domain"] for p in spec["vconcat"][0]["concat"]]
    assert scales[0] == scales[1]
    nothing = SearchPanel("Y", "", (BlockPoint(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, True),))
    low, high = layers_of(search_spec([nothing], "m"))[0]["encoding"]["y"]["scale"]["domain"]
    assert low < 0 < high


def test_files_of_every_format(tmp_path):
    hostile = '<script>alert("x")</script>\x00\ud800 & more'
    panel = SearchPanel(hostile, "The best does as well with p = 0.05, and so on.", POINTS)
    spec = search_spec([panel, PANEL], hostile)
    starts = {".svg": b"<svg", ".png": b"\x89PNG", ".pdf": b"%PDF"}
    for ending, start in starts.items():
        write_figure(spec, tmp_path / "new" / f"search{ending}")
        assert (tmp_path / "new" / f"search{ending}").read_bytes().startswith(start)
    svg = (tmp_path / "new" / "search.svg").read_text()
    assert "<script" not in svg
    assert not re.findall(r"(?:href|src)=|url\(http", svg)
    text = re.sub(r"<[^>]*>", "", svg)
    for words in ("Block 4 alone moves d most.", "steered together", "signed change of d", "p = 0.05"):
        assert words in text.replace("\N{NO-BREAK SPACE}", " ")
    with pytest.raises(BadInputError, match="svg"):
        write_figure(spec, tmp_path / "search.gif")
    (tmp_path / "x.svg").mkdir()
    with pytest.raises(BadInputError, match="a folder"):
        write_figure(spec, tmp_path / "x.svg")
