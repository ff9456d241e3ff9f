"""The page of a study as a reader has it: opened from its file, offline, in a real browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from culturescope.page.document import write
from culturescope.page.study_view import map_of_study, view_of
from tests.page import factory, study_factory
from tests.page.test_study_page import hostile_study

pytestmark = pytest.mark.browser
MAP = '[data-map="map-anchored"]'


def written(path: Path, study: Any, *, hostile: bool = False) -> Path:
    report = factory.report("interpretable", "weak")
    figure = map_of_study(study, "weak")
    shown = replace(report, map=figure)
    if hostile:
        shown = replace(shown, run={**factory.RUN, "model": {"name": study.model}})
    write(shown, path, view_of(shown, study))
    return path


@pytest.fixture(scope="module")
def study_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("study") / "report.html", study_factory.study())


@pytest.mark.parametrize("width", [1280, 390])
def test_every_chart_is_drawn_and_nothing_is_asked_of_the_network(
    study_file: Path, opened: Any, width: int
) -> None:
    found = opened(study_file, width=width)
    page = found.page
    page.wait_for_selector("html[data-planes=drawn][data-map=drawn][data-steered=ready]", timeout=20_000)
    places = page.locator("[data-chart], [data-plane], [data-map]")
    assert places.count() > 40
    empty = page.evaluate(
        "[...document.querySelectorAll('[data-chart], [data-plane], [data-map]')]"
        ".filter(e => !e.querySelector('svg path, svg text')).map(e => e.outerHTML.slice(0, 80))"
    )
    assert empty == []
    assert found.messages == []
    assert all(url.startswith("file:") for url in found.requests)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # One unit is as long on both axes of a way on the map.
    box = page.locator('[data-plane="sweep-way"] svg').bounding_box()
    assert (box["width"] - 66) * 0.62 == pytest.approx(box["height"] - 52, abs=3)


def test_filters_hide_ways_methods_and_societies(study_file: Path, opened: Any) -> None:
    from playwright.sync_api import expect

    page = opened(study_file).page
    page.wait_for_selector("html[data-map=drawn]", timeout=20_000)
    heads, models = f"{MAP} .step_heads_marks path", f"{MAP} .models_marks path"
    named = f"{MAP} .named_marks path"
    # Both vectors over all domains; the domains of their own are asked for.
    expect(page.locator(heads)).to_have_count(2)
    expect(page.locator(models)).to_have_count(9)
    page.get_by_role("checkbox", name="legal", exact=True).check()
    expect(page.locator(heads)).to_have_count(4)
    page.get_by_role("checkbox", name="steered", exact=True).uncheck()
    expect(page.locator(heads)).to_have_count(0)
    page.get_by_role("checkbox", name="dilemmas, advanced persona").uncheck()
    expect(page.locator(models)).to_have_count(6)
    before = page.locator(named).count()
    page.get_by_role("checkbox", name="India", exact=True).uncheck()
    expect(page.locator(named)).to_have_count(before - 1)
    expect(page.locator(models)).to_have_count(5)


def test_a_scenario_is_found_and_opened_by_keyboard(study_file: Path, opened: Any) -> None:
    found = opened(study_file)
    page = found.page
    page.wait_for_selector("html[data-steered=ready]", timeout=20_000)
    assert page.locator("#steered-found").inner_text() == "150 of 150 readings"
    page.locator("#s-item").select_option("X03")
    page.locator("#s-domain").select_option("legal")
    some = page.locator("#steered-list details")
    assert 0 < some.count() < 25
    page.locator("#s-order").select_option("most")
    moved = [float(t.split()[1]) for t in page.locator("#steered-list .figure:last-child").all_inner_texts()]
    assert moved == sorted(moved, reverse=True)
    some.first.locator("summary").focus()
    page.keyboard.press("Enter")
    rows = some.first.locator("tbody tr")
    rows.last.wait_for()
    assert rows.count() == 5
    assert rows.nth(0).locator("th").inner_text() == "unsteered"
    # d and b of the first order of this reading give the chance that is shown for A.
    cells = [c.replace("\N{MINUS SIGN}", "-") for c in rows.nth(0).locator("td").all_inner_texts()]
    d, b = float(cells[0]), float(cells[2])
    assert float(cells[3].rstrip("%")) == pytest.approx(100 / (1 + 2.718281828 ** -(b + d)), abs=1.1)
    with page.expect_download() as saved:
        page.locator('a[download="sweep-X.csv"]').click()
    assert saved.value.suggested_filename == "sweep-X.csv"
    assert found.messages == []


def test_hover_tells_the_number_and_its_control(study_file: Path, opened: Any) -> None:
    page = opened(study_file).page
    place = page.locator('[data-chart="together-X"]')
    place.scroll_into_view_if_needed()
    place.locator("svg .mark-symbol path").first.hover()
    tip = page.locator("#vg-tooltip-element.visible")
    tip.wait_for(timeout=5_000)
    assert "95% of random vectors within" in tip.inner_text()


def test_hostile_text_is_shown_as_text(tmp_path: Path, opened: Any) -> None:
    found = opened(written(tmp_path / "report.html", hostile_study(), hostile=True))
    page = found.page
    page.wait_for_selector("html[data-planes=drawn][data-map=drawn][data-steered=ready]", timeout=20_000)
    assert found.messages == []
    assert "alert(1)" in page.locator("#answers").inner_text()
    page.locator("#steered-list summary").first.click()
    page.locator("#steered-list tbody tr").last.wait_for()
    assert "alert(1)" in page.locator("#steered-list").inner_text()
    assert page.locator("#answers script, #steered-list script, #study script").count() == 0
