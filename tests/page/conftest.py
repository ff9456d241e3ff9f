"""A real Chromium for the page, and pages rendered once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from culturescope.page import write
from tests.page import factory

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@dataclass
class Opened:
    """A page that was opened from its file, with all that it said and asked for."""

    page: Page
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with one interpretable and one uninterpretable axis."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    write(factory.report("interpretable", "not interpretable"), path)
    return path


@pytest.fixture
def opened(browser: Browser) -> Iterator[Any]:
    """Opens a file as a double click does, offline, and waits until charts and prompts are there."""
    contexts = []

    def open_file(path: Path, *, width: int = 1280, scheme: Any = "light") -> Opened:
        context = browser.new_context(
            offline=True, viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True
        )
        contexts.append(context)
        result = Opened(context.new_page())
        result.page.on("console", lambda message: result.messages.append(message.text))
        result.page.on("pageerror", lambda error: result.messages.append(str(error)))
        result.page.on("request", lambda request: result.requests.append(request.url))
        result.page.goto(path.as_uri())
        result.page.wait_for_selector("html[data-charts=drawn][data-prompts=ready]", timeout=20_000)
        return result

    yield open_file
    for context in contexts:
        context.close()
