"""The page of a real reading (the shipped scenarios, wordings and personas), with every control used."""

from __future__ import annotations

from typing import Any

import pytest

import culturescope as cs
from tests.probing.planted import planted


@pytest.mark.browser
def test_every_prompt_of_a_real_reading_opens_with_both_orders(opened: Any, tmp_path: Any) -> None:
    model = planted(bias=0.4, value=0.3, persona=0.8, null_persona=0.05, noise=0.1)
    reading = cs.probe(model, cs.scenarios(split="evaluate", limit=20), check=True)
    seen = opened(cs.write_page(reading, tmp_path / "report.html"))
    page = seen.page
    scenario = next(s for s in reading.pack.scenarios if s.id == reading.samples[0]["scenario"])
    boxes = page.locator(".scenario")
    assert boxes.count() == 20
    for n in range(20):
        boxes.nth(n).locator("summary").first.click()
    box = page.locator(f".scenario[data-id={scenario.id}]")
    box.locator(".order").nth(1).wait_for()  # a box is filled by an event that follows the click
    text = box.inner_text()
    for words in (
        scenario.positive,
        scenario.negative,
        scenario.note,
        scenario.tags.topic,
        scenario.tags.setting,
    ):
        assert words in text
    shown = {text.strip() for text in box.locator(".order pre").all_text_contents()}
    probed = [row for row in reading.samples if row["scenario"] == scenario.id]
    assert len(shown) == 2
    assert shown <= {row["text"].strip() for row in probed}
    box.locator(".reading > summary").last.click()
    box.locator(".order").nth(3).wait_for()
    assert len(box.locator(".order pre").all_text_contents()) == 4
    assert box.locator(".reading").count() == 3 + 12
    assert seen.messages == []
    assert [url for url in seen.requests if not url.startswith(("file:", "data:", "blob:"))] == []
