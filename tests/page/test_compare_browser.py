"""The page of a comparison as a reader has it: opened from its file, offline, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from culturescope.experiments.compare import compare_runs
from culturescope.experiments.compare_text import axis_texts
from culturescope.page.compare_document import write_comparison
from culturescope.page.compare_results import PersonaSteerability, VectorSteerability
from culturescope.probing.results import Estimate
from tests.experiments.compared import by_axis, planted_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=alert(1)> & co"


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three models, one of which may not be read and one of a hostile name, with steerability."""
    home = tmp_path_factory.mktemp("compare-page")
    runs = [
        planted_run(home / "a", by_axis(0.0, 0.0), name="model-a"),
        planted_run(home / "b", by_axis(0.5, 0.2), name=HOSTILE),
        planted_run(home / "c", by_axis(0.5, 0.0), name="blind", follow=0.0),
    ]
    compared, figure = compare_runs(runs, fail_if=["d(X) > 0.3"])
    effect = Estimate(value=0.6, low=0.2, high=1.0)
    compared = compared.model_copy(
        update={
            "vectors": (
                VectorSteerability(
                    label="model-a",
                    axis="X",
                    per_dose=effect,
                    random_band=0.1,
                    dose=0.1,
                    blocks=(1, 2),
                    source="s",
                ),
            ),
            "personas": (
                PersonaSteerability(
                    label=HOSTILE,
                    kind="basic",
                    society="IND",
                    without=1.0,
                    distance=0.8,
                    change=effect,
                    shifts={},
                ),
            ),
        }
    )
    path = home / "compare.html"
    write_comparison(compared, axis_texts(runs[0]), figure, path, conditions=["d(X) > 0.3"])
    return path


@pytest.mark.parametrize("width", [1280, 420])
def test_every_chart_is_drawn_in_silence_and_nothing_is_wider_than_the_page(
    browser: Browser, comparison: Path, width: int
) -> None:
    context = browser.new_context(offline=True, viewport={"width": width, "height": 900})
    try:
        page = context.new_page()
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(comparison.as_uri())
        page.wait_for_selector("html[data-charts=drawn][data-map=drawn]", timeout=20_000)
        places = page.locator("[data-chart]")
        assert places.count() == 2 + 4 + 2
        assert places.locator("svg").count() == places.count()
        marks = page.locator('[data-chart="axis-X"] .mark-symbol path')
        assert marks.count() == 3
        fills = {marks.nth(n).get_attribute("fill") for n in range(3)}
        assert len(fills) == 2  # what may not be read is hollow
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert said == []
        assert [url for url in asked if not url.startswith("data:")] == [comparison.as_uri()]
        assert page.locator("img").count() == 0
        assert HOSTILE in page.locator("#verdict").inner_text()
    finally:
        context.close()


def test_filters_tables_and_the_figures_are_reached_by_keyboard(browser: Browser, comparison: Path) -> None:
    context = browser.new_context(offline=True, accept_downloads=True)
    try:
        page = context.new_page()
        page.goto(comparison.as_uri())
        page.wait_for_selector("html[data-charts=drawn][data-map=drawn]", timeout=20_000)
        reached: list[Any] = []
        for _ in range(60):
            page.keyboard.press("Tab")
            tag = page.evaluate("document.activeElement.tagName + ' ' + (document.activeElement.value || "
                                "document.activeElement.textContent.trim().slice(0, 40))")  # fmt: skip
            reached.append(tag)
            if "All figures" in tag:
                break
        assert any(tag.startswith("INPUT") and "model-a" in tag for tag in reached)
        assert sum(tag.startswith("SUMMARY") for tag in reached) >= 6
        with page.expect_download() as download:
            page.keyboard.press("Enter")
        assert '"orders_by_distance"' in Path(download.value.path()).read_text()
        page.locator('#map-filters input[value="blind"]').uncheck()
        page.wait_for_function("document.querySelectorAll('[data-map] .models_marks path').length === 2")
    finally:
        context.close()
