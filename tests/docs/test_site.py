"""The documentation site: it builds with every link checked, asks no network, and loses no page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import DOCS, ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser


def build(source: Path, into: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-d",
        str(into / "trees"),
        str(source),
    ]
    return subprocess.run(
        [*command, str(into / "site")], capture_output=True, text=True, cwd=ROOT, check=False
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not all(find_spec(name) for name in ("sphinx", "furo", "myst_parser")):
        reason = "the extra docs is not installed: pip install 'culturescope[docs]'"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    into = tmp_path_factory.mktemp("docs")
    done = build(DOCS, into)
    assert done.returncode == 0, done.stderr
    return into / "site"


class Loaded(HTMLParser):
    """What a browser loads for a page without being asked: scripts, styles, icons, images, frames."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "link" and set(given.get("rel", "").split()) & {
            "next",
            "prev",
            "index",
            "search",
            "author",
            "canonical",
        }:
            return
        names = {"a": (), "link": ("href",)}.get(tag, ("src", "srcset", "data", "poster", "xlink:href"))
        self.found += [given[name] for name in names if given.get(name)]


def loads(page: Path) -> list[str]:
    parser = Loaded()
    parser.feed(page.read_text(encoding="utf-8"))
    return parser.found


def test_what_pages_load_lies_beside_them(site):
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    seen = 0
    for page in pages:
        for address in loads(page):
            if address.startswith("data:"):
                continue
            seen += 1
            assert "//" not in address, f"{page.name} loads {address}"
            assert (page.parent / address.split("?")[0].split("#")[0]).is_file(), (
                f"{page.name}: {address} is missing"
            )
    assert seen > 100
    for style in site.rglob("*.css"):
        elsewhere = re.findall(r"url\(['\"]?(?:https?:)?//[^)]*|@import", style.read_text(encoding="utf-8"))
        assert not elsewhere, f"{style.name}: {elsewhere}"
    for picture in (DOCS / "figures").glob("*.svg"):
        text = picture.read_text(encoding="utf-8")
        assert not re.search(r"""(href|src)=["'](?!#)|url\((?!['"]?#)|<script|@import""", text), picture.name


def test_the_scanner_sees_what_a_browser_would_load(tmp_path):
    page = tmp_path / "page.html"
    page.write_text(
        '<link rel="stylesheet" href="https://a/x.css"><script src="//b/y.js"></script><img src="c.png"><a href="https://d">d</a>'
    )
    assert loads(page) == ["https://a/x.css", "//b/y.js", "c.png"]


def test_every_page_is_built_and_reachable(site):
    index = (site / "index.html").read_text(encoding="utf-8")
    side = index[index.index('class="sidebar-tree"') :]
    for page in DOCS.rglob("*.md"):
        built = page.relative_to(DOCS).with_suffix(".html").as_posix()
        assert (site / built).is_file(), built
        assert f'href="{built}"' in side or built == "index.html", f"{built} stands in no list of the index"


def test_a_broken_link_stops_the_build(tmp_path):
    pytest.importorskip("myst_parser")
    source = tmp_path / "docs"
    source.mkdir()
    (source / "conf.py").write_text('extensions = ["myst_parser"]\nmyst_heading_anchors = 3\n')
    (source / "index.md").write_text(
        "# Start\n\n## Here\n\n[fine](#here) [broken](gone.md) [broken](#nowhere)\n"
    )
    done = build(source, tmp_path)
    assert done.returncode != 0
    assert "gone.md" in done.stderr
    assert "nowhere" in done.stderr
    assert "#here" not in done.stderr


@pytest.mark.browser
def test_a_double_click_asks_no_network_and_search_works(site, browser: Browser):
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    drawn = 0
    for name in ("index.html", "concepts.html", "api.html", "reference/commands.html"):
        page.goto((site / name).as_uri())
        widths = page.evaluate("[...document.images].map(image => image.naturalWidth)")
        assert all(widths), f"{name}: a picture is not shown"
        drawn += len(widths)
    assert drawn >= 5
    page.goto((site / "search.html").as_uri() + "?q=entanglement")
    page.wait_for_selector("#search-results li")
    context.close()
    assert not [address for address in asked if not address.startswith(("file:", "data:"))]
    assert not errors
