"""The page as a reader has it: opened from its file, offline, in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from culturescope.page import write
from tests.page.factory import report
from tests.page.test_document import HOSTILE, hostile_report

pytestmark = pytest.mark.browser


def test_all_charts_are_drawn_in_silence_and_without_a_request(opened: Any, page_file: Path) -> None:
    seen = opened(page_file)
    places = seen.page.locator("[data-chart]")
    assert places.count() == 2 + 2 + 10 + 2 + 2
    for i in range(places.count()):
        assert places.nth(i).locator("svg .mark-symbol path").count() > 0
    assert seen.page.locator("canvas").count() == 0
    assert seen.messages == []
    assert seen.requests == [page_file.as_uri()]


def test_hovering_shows_the_figures(opened: Any, page_file: Path) -> None:
    page = opened(page_file).page
    mark = page.locator('[data-chart="position-Y"] .mark-symbol path').first
    mark.scroll_into_view_if_needed()
    mark.hover()
    tooltip = page.wait_for_selector("#vg-tooltip-element.visible")
    assert "value logit d +0.42 (+0.36 to +0.48)" in tooltip.inner_text()


def test_a_click_shows_both_orders_of_a_prompt(opened: Any, page_file: Path) -> None:
    page = opened(page_file).page
    scenario = page.locator(".scenario").first
    scenario.locator("> summary").click()
    orders = scenario.locator(".order")
    orders.nth(1).wait_for()
    assert orders.count() == 2
    assert orders.locator("h5").all_inner_texts() == ["A is the positive pole", "B is the positive pole"]
    stored = [
        s for s in report("interpretable").samples if s["scenario"] == scenario.get_attribute("data-id")
    ]
    shown = {text.strip() for text in orders.locator("pre").all_text_contents()}
    assert shown <= {s["text"].strip() for s in stored}
    figures = orders.first.locator("table").inner_text()
    assert "logit" in figures
    assert "P" in figures
    assert scenario.locator(".reading").count() == 6


def test_the_keyboard_opens_a_prompt(opened: Any, page_file: Path) -> None:
    page = opened(page_file).page
    page.locator("#download").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(".scenario .order").nth(1).wait_for()
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.wait_for_function("!document.querySelector('.reading').open")


def test_filters_and_search_narrow_the_list(opened: Any, page_file: Path) -> None:
    page = opened(page_file).page
    found = page.locator("#found")
    assert found.inner_text() == "30 of 30 scenarios"
    assert page.locator(".scenario").count() == 20
    page.locator("#more").click()
    assert page.locator(".scenario").count() == 30
    page.locator("#f-item").select_option("Y01")
    assert found.inner_text() == "3 of 30 scenarios"
    page.locator("#f-domain").select_option("legal")
    assert found.inner_text() == "1 of 30 scenarios"
    page.locator("#f-persona").select_option("positive-1")
    page.locator(".scenario > summary").click()
    page.locator(".reading").wait_for()
    assert page.locator(".reading .who").all_inner_texts() == ["persona positive-1"]
    page.locator("#f-text").fill("no such words")
    assert found.inner_text() == "0 of 30 scenarios"


def test_the_download_is_the_data_as_json(opened: Any, page_file: Path) -> None:
    page = opened(page_file).page
    with page.expect_download() as waiting:
        page.locator("#download").click()
    stored = json.loads(Path(waiting.value.path()).read_text(encoding="utf-8"))
    assert len(stored["samples"]) == 360


def test_hostile_text_is_shown_as_text(opened: Any, tmp_path: Path) -> None:
    write(hostile_report(), tmp_path / "hostile.html")
    seen = opened(tmp_path / "hostile.html")
    seen.page.on("dialog", lambda dialog: pytest.fail("a script of the data ran"))
    seen.page.locator(".scenario > summary").first.click()
    seen.page.locator(".order").first.wait_for()
    for reading in seen.page.locator(".reading").all():
        if not reading.evaluate("box => box.open"):
            reading.locator("> summary").click()
    visible = HOSTILE.split()[0]
    assert visible in seen.page.locator("h1").inner_text()
    assert any(visible in text for text in seen.page.locator("pre").all_text_contents())
    mark = seen.page.locator('[data-chart="item-Y01"] .mark-symbol path').first
    mark.scroll_into_view_if_needed()
    mark.hover()
    assert visible in seen.page.wait_for_selector("#vg-tooltip-element.visible").inner_text()
    assert seen.page.locator("script").count() == 5
    assert seen.page.locator("[onload]").count() == 0
    assert seen.messages == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_never_scrolls_sideways(opened: Any, page_file: Path, scheme: str) -> None:
    page = opened(page_file, width=420, scheme=scheme).page
    page.locator(".scenario > summary").first.click()
    page.locator(".order").first.wait_for()
    for table in page.locator("details.table > summary").all():
        table.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 420
    right = (
        "Math.max(...[...document.querySelectorAll('.chart svg')].map(s => s.getBoundingClientRect().right))"
    )
    assert page.evaluate(right) <= 420


def test_charts_follow_the_width_and_the_colours_of_the_page(opened: Any, page_file: Path) -> None:
    page = opened(page_file).page
    chart = page.locator('[data-chart="position-Y"] svg')
    wide = chart.bounding_box()["width"]
    page.set_viewport_size({"width": 420, "height": 900})
    width = "document.querySelector('[data-chart=position-Y] svg').getBoundingClientRect().width"
    page.wait_for_function(f"{width} < {wide} / 1.5")
    mark = page.locator('[data-chart="position-Y"] .mark-symbol path').first
    light = mark.evaluate("path => getComputedStyle(path).fill")
    page.emulate_media(color_scheme="dark")
    assert mark.evaluate("path => getComputedStyle(path).fill") != light
    page.emulate_media(media="print", color_scheme="dark")
    assert mark.evaluate("path => getComputedStyle(path).fill") == light


def test_a_page_without_prompts_opens(opened: Any, tmp_path: Path) -> None:
    write(report(samples=[], checked=(), agree=False), tmp_path / "empty.html")
    seen = opened(tmp_path / "empty.html")
    assert seen.page.locator("#found").inner_text() == "0 of 0 scenarios"
    assert seen.messages == []
