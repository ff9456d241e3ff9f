"""The page of a study: parts that are there and no others, numbers that can be traced, text that stays text."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from culturescope.errors import BadInputError
from culturescope.page.document import render
from culturescope.page.report import Report
from culturescope.page.study_chart import figure_spec
from culturescope.page.study_data import Study, read_parts
from culturescope.page.study_reading import read_study_report, write_study_figures, write_study_page
from culturescope.page.study_view import charts_of, map_of_study, sections_of, view_of, write_figures
from tests.page import factory, study_factory
from tests.page.test_document import HOSTILE, Reader

EMPTY: dict[str, Any] = {
    "record": None,
    "search": None,
    "sweep": None,
    "entangle": None,
    "domains": {},
    "methods": {},
    "steered": None,
    "aims": {},
    "generated": None,
    "tax": None,
    "survey": None,
    "personas": None,
}
WHOLE = study_factory.study()


def page_of(study: Study, report: Report | None = None) -> str:
    shown = report or factory.report("interpretable", "interpretable")
    figure = map_of_study(study, "interpretable")
    return render(replace(shown, map=figure) if figure else shown, view_of(shown, study))


@pytest.fixture(scope="module")
def whole() -> str:
    return page_of(WHOLE)


def test_every_chart_has_its_place_its_sentence_and_its_data(whole: str) -> None:
    specs = json.loads(Reader(whole).script("chart-specs"))
    placed = re.findall(r'data-(?:chart|plane|map)="([^"]+)"', whole)
    assert sorted(placed) == sorted(specs)
    assert len(placed) == len(set(placed)) > 40
    report = factory.report("interpretable", "interpretable")
    for chart in charts_of(report, WHOLE):
        assert len(chart.sentence) > 30, chart.id
        assert chart.rows, chart.id
        for kind in ("csv", "json"):
            assert f'download="{chart.id}.{kind}"' in whole


def test_downloads_hold_the_numbers_of_the_parts(whole: str) -> None:
    found = dict(re.findall(r'download="([^"]+)" href="data:[^;]+;base64,([^"]+)"', whole))
    table = list(csv.DictReader(io.StringIO(base64.b64decode(found["blocks-X.csv"]).decode())))
    assert WHOLE.search is not None
    effects = WHOLE.search.axes["X"].blocks
    assert [int(row["block"]) for row in table] == [e.block for e in effects]
    assert float(table[15]["change"]) == effects[15].effect.value  # type: ignore[union-attr]
    assert table[0]["change"] == ""
    assert float(table[0]["first_order"]) == effects[0].first_order
    aims = json.loads(base64.b64decode(found["aim-DNK-distance.json"]))
    assert aims["rows"][1]["distance"] == pytest.approx(
        WHOLE.aims["aim-DNK"].reached[1].distance.value, abs=1e-6
    )


PARTS = {
    "search": {"search"},
    "sweep": {"sweep", "cost", "domains"},
    "entangle": {"axes"},
    "domains": {"domains"},
    "methods": {"methods"},
    "aims": {"aim", "near"},
    "generated": {"answers"},
    "steered": {"steered"},
    "tax": {"cost"},
    "survey": {"direct", "near"},
    "personas": {"near"},
}


@pytest.mark.parametrize("part", [*PARTS, None])
def test_a_part_shows_its_own_sections_and_no_others(part: str | None) -> None:
    only = replace(WHOLE, **{**EMPTY, **({part: getattr(WHOLE, part)} if part else {})})
    shown = view_of(factory.report("weak"), only)
    found = set(shown.sections)
    found |= {"answers"} if shown.answers else set()
    found |= {"steered"} if shown.browser else set()
    assert found == (PARTS[part] if part else set())
    if part not in ("aims", "steered", None):
        return  # the template asks the same of every part; drawing is slow
    html = render(factory.report("weak"), shown)
    for anchor in set().union(*PARTS.values()):
        assert (f'<section id="{anchor}"' in html) == (anchor in found)
    # No line of the summary leads nowhere.
    assert all(f'<section id="{a}"' in html for a in re.findall(r'<dt><a href="#([^"]+)"', html))


def test_the_verdict_comes_before_what_steering_did(whole: str) -> None:
    assert whole.index('id="verdict"') < whole.index('id="study"') < whole.index("data-chart=")
    dark = view_of(factory.report("not interpretable", "interpretable"), WHOLE).caution
    assert "nothing of values" in dark
    assert "Traditional" in dark
    assert "Survival" not in dark
    assert "may be read on every axis" in view_of(factory.report("weak", "interpretable"), WHOLE).caution


def test_the_page_is_small(whole: str) -> None:
    assert len(whole.encode()) < 3_000_000


def hostile_study() -> Study:
    """Foreign text wherever a file of a part can hold it."""
    assert WHOLE.search
    assert WHOLE.sweep
    assert WHOLE.entangle
    assert WHOLE.tax
    assert WHOLE.steered
    assert WHOLE.record
    bad = HOSTILE
    sweep = WHOLE.sweep
    steered = WHOLE.steered
    first = steered.scenarios[0].model_copy(update={"scenario": bad, "template": bad, "domain": bad})
    return replace(
        WHOLE,
        model=bad,
        search=WHOLE.search.model_copy(update={"model": {"name": bad}, "plan": {"dose": 0.1, "site": bad}}),
        sweep=sweep.model_copy(
            update={
                "vectors": {bad: {"label": "X"}},
                "rows": tuple(
                    r.model_copy(update={"vector": bad, "domains": {bad: r.everywhere}})
                    if r.vector == "X"
                    else r
                    for r in sweep.rows
                    if r.vector != "Y"
                ),
                "recommendations": (
                    sweep.recommendations[0].model_copy(update={"vector": bad, "reason": bad}),
                ),
                "random": (),
                "notes": (bad,),
            }
        ),
        entangle=WHOLE.entangle.model_copy(
            update={
                "notes": (bad,),
                "decoupled": tuple(d.model_copy(update={"way": bad}) for d in WHOLE.entangle.decoupled),
            }
        ),
        domains={
            a: t.model_copy(
                update={
                    "cells": tuple(c.model_copy(update={"fitted": bad}) for c in t.cells[:3]),
                    "notes": (bad,),
                }
            )
            for a, t in WHOLE.domains.items()
        },
        aims={"aim-x": WHOLE.aims["aim-DNK"].model_copy(update={"target_name": bad, "on_top_of": bad})},
        generated=study_factory.generated(bad),
        tax=WHOLE.tax.model_copy(
            update={"differences": (WHOLE.tax.differences[0].model_copy(update={"task": bad}),)}
        ),
        steered=steered.model_copy(update={"scenarios": (first,)}),
        record=WHOLE.record.model_copy(
            update={"parts": (WHOLE.record.parts[-1].model_copy(update={"part": bad, "reason": bad}),)}
        ),
    )


def test_hostile_text_stays_text() -> None:
    html = page_of(hostile_study())
    read = Reader(html)
    assert not [t for t, a in read.tags if any(name.startswith("on") for name in a)]
    # The page's own: specifications, prompts, steered readings, and the code that draws them.
    assert len(read.scripts) == 8
    assert "alert(1)" in "".join(read.text)
    assert not any("alert(1)" in code for about, code in read.scripts if not about)
    for text in re.findall(r'href="(data:[^"]*)"', html):
        assert re.fullmatch(r"data:(image/png|application/json|text/csv)?[;,][A-Za-z0-9+/=;,]*", text)


def test_a_spreadsheet_takes_no_text_for_a_formula() -> None:
    made = replace(WHOLE, **{**EMPTY, "tax": WHOLE.tax})
    assert made.tax is not None
    one = made.tax.differences[0].model_copy(update={"task": '=HYPERLINK("http://x")'})
    made = replace(made, tax=made.tax.model_copy(update={"differences": (one,)}))
    (chart,) = [c for c in charts_of(factory.report(), made) if c.id == "cost-tax"]
    assert next(csv.DictReader(io.StringIO(chart.csv)))["task"].startswith("'=")


def test_figures_are_drawn_without_a_browser(tmp_path: Path) -> None:
    report = factory.report()
    chosen = {"blocks-Y", "sweep-way", "response", "near-1", "cost-kl"}
    made = replace(
        WHOLE,
        **{**EMPTY, "entangle": WHOLE.entangle, "sweep": None, "domains": {}, "personas": WHOLE.personas},
    )
    written = write_figures(report, made, tmp_path, (".svg",))
    assert {"response", "near-1"} <= {p.stem for p in written}
    for path in written:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("<svg")
        assert "var(--" not in text
    from culturescope.page.figure_files import write_figure

    for chart in charts_of(report, WHOLE):
        spec = json.dumps(figure_spec(chart))
        assert "var(--" not in spec
        assert chart.title.split()[0] in spec
        if chart.id in chosen - {"response", "near-1"}:
            write_figure(figure_spec(chart), tmp_path / f"{chart.id}.png")
            assert (tmp_path / f"{chart.id}.png").read_bytes().startswith(b"\x89PNG")
    write_figure(figure_spec(charts_of(report, made)[0]), tmp_path / "one.pdf")
    assert (tmp_path / "one.pdf").read_bytes().startswith(b"%PDF")


def test_parts_are_read_as_they_were_stored(tmp_path: Path) -> None:
    study_factory.write_parts(tmp_path, WHOLE)
    found = read_parts(tmp_path)
    for name in (
        "record",
        "search",
        "sweep",
        "entangle",
        "domains",
        "methods",
        "steered",
        "tax",
        "generated",
    ):
        assert found[name] == getattr(WHOLE, name), name
    assert dict(found["aims"]) == dict(WHOLE.aims)
    assert all(not value for value in read_parts(tmp_path / "elsewhere").values())


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("search/entangle.json", lambda text: text[: len(text) // 2]),
        ("search/sweep/sweep.json", lambda text: "[]"),
        ("search/generate.json", lambda text: '{"answers": 3}'),
        ("search/domains.json", lambda text: '{"X": {"axis": 1}}'),
        ("search/aim-DNK.json", lambda text: text.replace('"status"', '"state"')),
    ],
)
def test_a_damaged_part_is_named(tmp_path: Path, name: str, damage: Callable[[str], str]) -> None:
    study_factory.write_parts(tmp_path, WHOLE)
    path = tmp_path / name
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(BadInputError, match=re.escape(path.name)):
        read_parts(tmp_path)


def test_ways_of_steering_stand_on_the_map() -> None:
    figure = map_of_study(WHOLE, "interpretable")
    assert figure is not None
    assert WHOLE.sweep is not None
    ways = [w for w in figure.steps if w.domain is None]
    assert [w.label for w in ways] == ["Y +0.4", "X +0.4"]
    assert all(len(w.spots) == 9 for w in ways)
    at = {(r.vector, r.alpha): r.everywhere.place for r in WHOLE.sweep.rows}
    end = at["X", 0.4]
    assert end is not None
    assert ways[1].spots[-1] == (end.x, end.y)
    assert {w.domain for w in figure.steps} == {None, "family", "workplace", "legal"}
    assert figure.methods == (
        "dilemmas",
        "direct survey",
        "dilemmas, basic persona",
        "dilemmas, advanced persona",
        "steered",
    )
    dark = map_of_study(WHOLE, "not interpretable")
    assert dark is not None
    assert not any(w.readable for w in dark.steps)
    # Without a sweep the steered readings tell the way.
    other = map_of_study(replace(WHOLE, sweep=None), "weak")
    assert other is not None
    assert [w.label for w in other.steps] == ["Y+", "X+"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study") / "run"
    study_factory.study_run(folder)
    return folder


def test_a_run_folder_of_a_study_becomes_its_page(run: Path, tmp_path: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file()}
    path = write_study_page(run, tmp_path / "page.html")
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file()} == before
    html = path.read_text(encoding="utf-8")
    for anchor in ("study", "direct", "near", *PARTS["sweep"], "axes", "aim", "answers", "steered", "map"):
        assert f'<section id="{anchor}"' in html, anchor
    assert "planted as India (basic)" in html
    report, study = read_study_report(run)
    assert {p.domain for p in study.placements} == {None, "family", "workplace", "legal"}
    assert [s.id for s in sections_of(report, study)][-1] == "heat"


def test_the_command_page_shows_the_study(run: Path, tmp_path: Path) -> None:
    from culturescope.cli import run as command

    assert command(["page", str(run), "-o", str(tmp_path / "p.html")]) == 0
    assert '<section id="aim"' in (tmp_path / "p.html").read_text(encoding="utf-8")


def test_the_command_page_writes_every_chart_as_a_file(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The easy wrong version: the study's charts alone, without the report's and the maps."""
    from culturescope.cli import run as command

    page, folder = tmp_path / "p.html", tmp_path / "figures"
    asked = ["page", str(run), "-o", str(page), "--figures", "svg,csv", "--figures-dir", str(folder)]
    assert command(asked) == 0
    names = {p.name for p in folder.iterdir()}
    html = page.read_text(encoding="utf-8")
    for kind in ("chart", "plane", "map"):
        for name in re.findall(f'data-{kind}="([^"]+)"', html):
            assert f"{name}.svg" in names, name
            assert kind == "map" or f"{name}.csv" in names, name
    assert f"{len(names)} files in {folder}" in capsys.readouterr().out
    places = list(csv.DictReader(io.StringIO((folder / "map.csv").read_text(encoding="utf-8"))))
    assert {"anchored", "paper"} == {p["conversion"] for p in places}
    assert (folder / "map-anchored.svg").read_text(encoding="utf-8").startswith("<svg")
    assert not (run / "figures").exists()
    capsys.readouterr()
    for wrong in (["--figures", "gif"], ["--figures-dir", str(folder)]):
        assert command(["page", str(run), "-o", str(page), *wrong]) == 2
    assert command(["page", str(run / "survey"), "-o", str(page), "--figures", "svg"]) == 2
    assert "culturescope map" in capsys.readouterr().err


def test_figures_of_a_run_go_where_they_are_asked_to(run: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInputError):
        write_study_figures(run, tmp_path, (".gif",))
