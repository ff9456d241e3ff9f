"""The map as a reader has it: opened from its file, offline, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from culturescope.page import write
from culturescope.page.map_people import figure_of
from culturescope.page.map_section import write_map
from culturescope.people import nulls
from tests.page.conftest import Opened
from tests.page.factory import report
from tests.page.test_map import full, hostile_map, model

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser
DOTS = '[data-map="map-anchored"] .societies_marks path'
MODELS = '[data-map="map-anchored"] .models_marks path'


@pytest.fixture(scope="module")
def map_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models, one of which may not be read, by both conversions."""
    path = tmp_path_factory.mktemp("map") / "map.html"
    places = [*nulls("anchored"), *nulls("paper")]
    for conversion in ("anchored", "paper"):
        places.append(model(conversion=conversion))
        places.append(model("not interpretable", label="model-b", conversion=conversion, shift=(-0.5, -0.3)))
    write_map(figure_of(places), path, title="Two models")
    return path


@pytest.fixture
def shown(browser: Browser) -> Iterator[Any]:
    """Opens a file as a double click does, offline, and waits until the maps are there."""
    contexts = []

    def open_file(path: Path, *, width: int = 1280, scheme: Any = "light") -> Opened:
        context = browser.new_context(
            offline=True, viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        contexts.append(context)
        result = Opened(context.new_page())
        result.page.on("console", lambda message: result.messages.append(message.text))
        result.page.on("pageerror", lambda error: result.messages.append(str(error)))
        result.page.on("request", lambda request: result.requests.append(request.url))
        result.page.goto(path.as_uri())
        result.page.wait_for_selector("html[data-map=drawn]", timeout=20_000)
        return result

    yield open_file
    for context in contexts:
        context.close()


def test_both_maps_are_drawn_with_all_dots_in_silence(shown: Any, map_file: Path) -> None:
    seen = shown(map_file)
    for conversion in ("anchored", "paper"):
        place = seen.page.locator(f'[data-map="map-{conversion}"]')
        assert place.locator(".societies_marks path").count() == 115
        assert place.locator(".models_marks path").count() == 2
        assert place.locator(".nulls_marks path").count() == 1
        words = place.locator("svg text").all_text_contents()
        for text in (f"Conversion: {conversion}", "Denmark", "India", "Mexico", "Vietnam", "model-a"):
            assert any(text in word for word in words)
    assert seen.page.locator("canvas").count() == 0
    assert seen.messages == []
    assert seen.requests == [map_file.as_uri()]


def test_one_unit_is_as_long_on_both_axes_at_any_width(shown: Any, map_file: Path) -> None:
    page = shown(map_file).page
    grid = (
        "kind => { const lines = [...document.querySelectorAll('[data-map=map-anchored] .role-axis-grid line')]"
        ".map(l => l.getBoundingClientRect()); const at = lines.filter(b => kind === 'x' ? b.height > b.width : "
        "b.width > b.height).map(b => kind === 'x' ? b.x : b.y).sort((a, b) => a - b); return at[3] - at[0]; }"
    )
    for width in (1280, 420):
        page.set_viewport_size({"width": width, "height": 900})
        edge = "document.querySelector('[data-map=map-anchored] svg').getBoundingClientRect().right"
        page.wait_for_function(f"{edge} <= {width} && {edge} > {width} * .7")
        assert page.evaluate(grid, "x") == pytest.approx(
            page.evaluate(grid, "y"), abs=1.1
        )  # lines lie on whole pixels


def test_hovering_names_a_society_and_a_model(shown: Any, map_file: Path) -> None:
    page = shown(map_file).page
    zealand = [society.code for society in full().societies].index("NZL")
    for layer, index, words in (
        (
            "society_targets",
            zealand,
            ("New Zealand", "English-Speaking, survey of 2020", "x +2.86", "y +0.53"),
        ),
        ("place_targets", 2, ("model-b", "not interpretable on survival", "no position")),
    ):
        mark = page.locator(f'[data-map="map-anchored"] .{layer}_marks path').nth(index)
        mark.scroll_into_view_if_needed()
        mark.hover(force=True)
        tip = page.locator("#vg-tooltip-element.visible", has_text=words[0])
        tip.wait_for()
        text = tip.inner_text()
        for word in words:
            assert word in text


def test_the_keyboard_hides_and_shows_a_zone_and_a_model(shown: Any, map_file: Path) -> None:
    from playwright.sync_api import expect

    page = shown(map_file).page
    box = page.locator("input[value=Confucian]")
    box.focus()
    page.keyboard.press("Space")
    expect(page.locator(DOTS)).to_have_count(108)
    assert page.locator("#map-found").inner_text() == "108 of 115 societies shown"
    texts = page.locator('[data-map="map-anchored"] svg text')
    assert "Confucian" not in texts.all_text_contents()
    page.keyboard.press("Space")
    expect(page.locator(DOTS)).to_have_count(115)
    assert "Confucian" in texts.all_text_contents()
    page.locator("input[value='model-b']").focus()
    page.keyboard.press("Space")
    expect(page.locator(MODELS)).to_have_count(1)
    page.locator("button[data-all=no]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(DOTS)).to_have_count(0)
    page.locator("button[data-all=yes]").click()
    expect(page.locator(DOTS)).to_have_count(115)
    assert page.locator(MODELS).count() == 1


def test_a_phone_never_scrolls_sideways(shown: Any, map_file: Path) -> None:
    page = shown(map_file, width=420, scheme="dark").page
    for table in page.locator("details.table > summary").all():
        table.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 420
    right = (
        "Math.max(...[...document.querySelectorAll('.map svg')].map(s => s.getBoundingClientRect().right))"
    )
    assert page.evaluate(right) <= 420


def test_the_map_is_a_section_of_the_report(shown: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write(replace(report(), map=full("not interpretable")), path)
    seen = shown(path)
    seen.page.wait_for_selector("html[data-charts=drawn][data-prompts=ready]")
    assert seen.page.locator("#map h2").inner_text() == "On the map"
    assert seen.page.locator(DOTS).count() == 115
    fills = seen.page.locator(MODELS).evaluate_all("marks => marks.map(m => getComputedStyle(m).fill)")
    paper = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert fills == [paper]
    assert seen.messages == []
    assert seen.requests == [path.as_uri()]


def test_hostile_names_are_shown_as_text(shown: Any, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    write_map(hostile_map(), tmp_path / "map.html")
    seen = shown(tmp_path / "map.html")
    seen.page.on("dialog", lambda dialog: pytest.fail("a script of the data ran"))
    assert seen.page.locator("script").count() == 3
    assert seen.page.locator("[onload]").count() == 0
    seen.page.locator("fieldset.zones input").first.click()
    expect(seen.page.locator(DOTS)).to_have_count(1)
    assert seen.messages == []
