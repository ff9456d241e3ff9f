"""No text of a model, a stranger's scenario or a file runs in a page: seen in a real browser, for every kind of page."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import cycle, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hostile.payloads import PAYLOADS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

# What a text could do, noted in a place of the page's own window.
WATCH = """
window.noted = [];
for (const name of ["ran", "alert", "confirm", "prompt", "open"])
    window[name] = (...what) => { window.noted.push([name, ...what.map(String)]); };
"""


class Seen:
    """An opened page, and everything that must not happen in it."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page = page
        self.messages: list[str] = []
        self.requests: list[str] = []
        page.add_init_script(WATCH)
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("dialog", lambda dialog: self.messages.append(f"dialog {dialog.message}"))
        page.goto(file.as_uri())

    def assert_calm(self, file: Path) -> None:
        """Nothing ran, nothing was asked for, nothing was reported, and no element or attribute came from a text."""
        # All that waits for the mouse, the keyboard, an animation or a focus gets its event.
        self.page.evaluate(
            "for (const one of document.querySelectorAll('*')) for (const kind of ['mouseover', 'focus', 'animationstart'])"
            " one.dispatchEvent(new Event(kind, {bubbles: false}))"
        )
        assert self.page.evaluate("window.noted") == []
        assert self.requests == [file.as_uri()]
        assert self.messages == []
        handlers = (
            "[...document.querySelectorAll('*')].flatMap(e => [...e.attributes].filter(a => a.name.startsWith('on')"
            " || (/^(href|src|action|formaction|data|xlink:href)$/.test(a.name) && /^\\s*(javascript|https?):/i.test(a.value))).map(a => e.tagName + ' ' + a.name))"
        )
        assert self.page.evaluate(handlers) == []
        foreign = "iframe, object, embed, base, link[rel=stylesheet], meta[http-equiv=refresh], marquee, audio, video, math"
        assert self.page.locator(foreign).count() == 0
        assert (
            self.page.evaluate("document.documentElement.innerHTML.includes('src=\"https://evil')") is False
        )


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[[Path], Seen]]:
    contexts = []

    def open_file(file: Path) -> Seen:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        contexts.append(context)
        return Seen(context.new_page(), file)

    yield open_file
    for context in contexts:
        context.close()


def words(text: str) -> str:
    return "".join(text.split())


def test_there_are_at_least_sixty_texts() -> None:
    assert len(set(PAYLOADS)) >= 60


def test_a_report_with_every_text_in_every_place(opened: Callable[[Path], Seen], tmp_path: Path) -> None:
    from culturescope.page import AxisText, ItemText, PackText, write
    from tests.page import factory
    from tests.page.test_map import hostile_map

    texts = cycle(PAYLOADS)
    made = factory.report("interpretable", "weak")
    samples = [
        {**sample, "text": next(texts), "reply": next(texts), "template": PAYLOADS[n % 3]}
        for n, sample in enumerate(made.samples)
    ]
    scenarios = {
        key: {name: next(texts) for name in ("situation", "positive", "negative", "note")} | {"tags": {"topic": next(texts), "setting": next(texts)}}
        for key in made.scenarios
    }  # fmt: skip
    run = {
        **factory.RUN,
        "model": {**factory.RUN["model"], "name": " ".join(PAYLOADS[:20]), "extra": dict(pairwise(PAYLOADS))},
        "command": list(PAYLOADS),
        "versions": {"torch": PAYLOADS[0], "python": PAYLOADS[1]},
        **{text: text for text in PAYLOADS},
    }  # fmt: skip
    file = tmp_path / "report.html"
    write(
        replace(
            made,
            run=run,
            samples=samples,
            scenarios=scenarios,
            items=[ItemText(i.id, i.axis, next(texts), next(texts), next(texts)) for i in made.items],
            axes=[AxisText(a.id, next(texts), next(texts), next(texts)) for a in made.axes],
            map=hostile_map(),
            pack=PackText(*PAYLOADS[4:8]),
        ),
        file,
    )
    seen = opened(file)
    seen.page.wait_for_selector("html[data-charts=drawn][data-prompts=ready]", timeout=30_000)
    while seen.page.locator("#more").is_visible():
        seen.page.locator("#more").click()
    seen.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    seen.page.locator(".reading").nth(150).wait_for(state="attached")
    seen.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    seen.page.locator(".order").nth(300).wait_for(state="attached")
    shown = words(seen.page.locator("body").text_content() or "")
    missing = [text for text in PAYLOADS if words(text) not in shown]
    assert missing == []
    seen.page.locator('[data-chart="item-Y01"] .mark-symbol path').first.hover()
    seen.page.wait_for_selector("#vg-tooltip-element.visible")
    seen.assert_calm(file)


def test_a_survey_with_every_text_as_a_reply(opened: Callable[[Path], Seen], tmp_path: Path) -> None:
    from culturescope.api import survey, write_page
    from culturescope.models.mock import MockModel

    texts = cycle(PAYLOADS)
    model = MockModel(
        lambda prompt: (0.0, 0.0), name=" ".join(PAYLOADS[:20]), reply=lambda prompt, seed: next(texts)
    )
    file = tmp_path / "survey.html"
    write_page(survey(model, instruments=("text",), samples=2, wordings=2), file)
    seen = opened(file)
    seen.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    shown = words(seen.page.locator("body").text_content() or "")
    assert [text for text in PAYLOADS[:40] if words(text) not in shown] == []
    seen.assert_calm(file)


def test_a_review_sheet_with_every_text(opened: Callable[[Path], Seen], tmp_path: Path) -> None:
    from culturescope.authoring.pool import Candidate
    from culturescope.authoring.review import review_csv, review_page
    from culturescope.instrument import Scenario, load_pack

    pack = load_pack()
    candidates = [
        Candidate(
            Scenario(
                id=f"Y01-family-p{n}", item="Y01", domain="family", split="evaluate", situation=text, positive=f"1 {text}",
                negative=f"2 {text}", note=text, tags={"topic": text, "setting": text},
            ),
            (text,),
        )
        for n, text in enumerate(PAYLOADS)
    ]  # fmt: skip
    file = tmp_path / "review.html"
    file.write_text(review_page(pack, candidates), encoding="utf-8")
    seen = opened(file)
    shown = words(
        (seen.page.locator("body").text_content() or "")
        + " ".join(seen.page.locator("textarea").evaluate_all("all => all.map(one => one.value)"))
    )
    assert [text for text in PAYLOADS if words(text) not in shown] == []
    seen.assert_calm(file)
    rows = list(csv.reader(review_csv(candidates).splitlines()))
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
