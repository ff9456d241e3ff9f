"""Reads the pages of docs/: their code blocks and where they lie."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", *sorted(DOCS.glob("*.md")))
_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```', re.M | re.S)


def blocks(page: Path, language: str | None = None) -> list[tuple[str, str]]:
    """Title and text of a page's code blocks, in their order."""
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [(title, text) for kind, title, text in found if language in (None, kind)]


def block(page: Path, title: str) -> str:
    """The one block of that title."""
    (text,) = [text for name, text in blocks(page) if name == title]
    return text
