"""The documentation site: `make docs` builds it into build/site, offline; open index.html there by double click."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tools"))

import culturescope  # noqa: E402

project = "culturescope"
version = release = culturescope.__version__
html_title = f"culturescope {version}"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_static"]
default_role = "code"  # `name` in docstrings

# Pages are Markdown that also reads well where the code is hosted; headings have anchors as there.
myst_heading_anchors = 3
myst_enable_extensions = ["attrs_block"]

autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False

# No web fonts, no CDN, no analytics: the built site asks no network.
smartquotes = False  # "--option" stays what one types
html_show_search_summary = False  # summaries are fetched, which a browser refuses for files
html_theme = "furo"
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {"navigation_with_keys": False}
pygments_style = "default"
pygments_dark_style = "monokai"


def setup(app: Any) -> None:
    """Fills the two pages that are not written by hand."""
    app.connect("source-read", _fill)
    app.connect("autodoc-process-docstring", _plain, priority=400)  # before napoleon


def _fill(app: Any, name: str, source: list[str]) -> None:
    if name == "reference/commands":
        from command_reference import command_reference

        source[0] = command_reference()
    elif name == "index":
        source[0] = source[0].replace("% pages without a place", "\n".join(unplaced(source[0])))


def _plain(app: Any, what: str, name: str, thing: object, options: Any, lines: list[str]) -> None:
    """Docstrings are plain text with `code`; |v| is a length in them, not a substitution."""
    lines[:] = [re.sub(r"(`[^`]*`)|\|", lambda m: m[1] or r"\|", line) for line in lines]


def unplaced(index: str) -> list[str]:
    """Pages that no list of the index names, so that a new page is never unreachable."""
    named = set(re.findall(r"(?m)^(?:[^<\n]*<)?([\w/-]+)>?$", index))
    pages = (page.relative_to(HERE).with_suffix("").as_posix() for page in HERE.rglob("*.md"))
    return sorted(page for page in pages if page != "index" and page not in named)
