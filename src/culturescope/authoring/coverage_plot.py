"""The coverage plot: how many topics an item has in each domain, and in how many scenarios themes and settings occur."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from culturescope.authoring.coverage import OTHER, Coverage
from culturescope.errors import BadInputError

FORMATS = (".svg", ".html")
STEP, CELL = 21, 42
GAP_INK = "#b3261e"
TITLES = {"topic": "scenarios that touch a topic", "setting": "scenarios that name a setting"}


def write_coverage(found: Coverage, path: Path, title: str) -> None:
    """Writes the plot as SVG or as a page that holds it, by the ending of the file; whole or not at all.

    Raises:
        BadInputError: another ending.
        RunFolderError: the place cannot be written.
    """
    from culturescope.runs.atomic import disk_errors, write_bytes

    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise BadInputError(f"--plot: a coverage plot is written as .svg or .html, not as {path.name}")
    svg = coverage_svg(found, title if ending == ".svg" else "")
    data = svg if ending == ".svg" else _page(svg.decode(), found, title).encode()
    with disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, data)


def coverage_svg(found: Coverage, title: str) -> bytes:
    """One figure: topics by item and domain on top, then themes and settings by item and by domain; gaps are red."""
    import altair as alt
    import vl_convert

    from culturescope.page.drawing import FONT, LIGHT

    top = _grid(
        [
            {
                "row": c.item,
                "column": c.domain,
                "gap": not c.topics,
                "share": c.topics / c.scenarios if c.scenarios else 0.0,
                "text": str(c.topics),
            }
            for c in found.cells
        ],
        found.items,
        found.domains,
        "different topics of an item in a domain",
    )
    views: list[Any] = [top]
    for kind, heading in TITLES.items():
        those = [c for c in found.counts if c.kind == kind]
        if not those:
            continue
        rows = list(dict.fromkeys(c.theme for c in those))
        pair = []
        for group, columns in (("item", found.items), ("domain", found.domains)):
            values = [
                {
                    "row": c.theme,
                    "column": c.id,
                    "share": c.scenarios / c.of if c.of else 0.0,
                    "text": str(c.scenarios),
                    "gap": not c.scenarios and c.theme != OTHER,
                }
                for c in those
                if c.group == group
            ]
            pair.append(
                _grid(values, rows, columns, heading if group == "item" else "", labels=group == "item")
            )
        views.append(alt.hconcat(*pair, spacing=18))
    chart = alt.vconcat(*views, spacing=26).properties(
        title=alt.Title(title, anchor="start", font=FONT, fontSize=16, color=LIGHT.ink, offset=12),
        padding=14,
    )
    spec = (
        chart.configure(font=FONT, background=LIGHT.paper)
        .configure_view(stroke=None)
        .configure_concat(spacing=18)
        .to_dict()
    )
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    return str(vl_convert.vegalite_to_svg(spec, vl_version=version)).encode()


def _grid(
    values: list[dict[str, Any]],
    rows: Sequence[str],
    columns: Sequence[str],
    heading: str,
    *,
    labels: bool = True,
) -> Any:
    """Cells shaded by share, with their number; empty ones stand out."""
    import altair as alt

    from culturescope.page.drawing import FONT, LIGHT, chart_of

    wide = max(CELL, max(map(len, columns)) * 7 + 12)
    x = alt.X("column:N").sort(None).scale(domain=list(columns)).title(None)
    x = x.axis(orient="top", labelAngle=0, domain=False, ticks=False, labelColor=LIGHT.ink, labelPadding=6)
    y = alt.Y("row:N").sort(None).scale(domain=list(rows)).title(None)
    y = (
        y.axis(
            domain=False,
            ticks=False,
            labels=labels,
            labelColor=LIGHT.ink,
            labelLimit=220,
            labelPadding=8,
            minExtent=150,
        )
        if labels
        else y.axis(None)
    )
    shade = alt.Color("share:Q").scale(domain=[0, 1], range=[LIGHT.paper, LIGHT.first]).legend(None)
    base = chart_of(values)
    cells = base.mark_rect(stroke=LIGHT.paper, strokeWidth=2).encode(x, y, shade)
    # Dark ink is the better legible one up to there.
    ink = alt.when("datum.gap").then(alt.value(GAP_INK)).when("datum.share > 0.8").then(alt.value("white"))
    number = base.mark_text(font=FONT, fontSize=11).encode(
        x, y, text="text:N", color=ink.otherwise(alt.value(LIGHT.ink))
    )
    title = alt.Title(heading, anchor="start", font=FONT, fontSize=12, fontWeight=400, color=LIGHT.muted)
    return alt.layer(cells, number).properties(
        width=wide * len(columns), height=STEP * len(rows), title=title
    )


def _page(svg: str, found: Coverage, title: str) -> str:
    """A page without scripts: the figure, and its numbers as tables."""
    tables = [
        _table(
            "Different topics",
            found.items,
            found.domains,
            {(c.item, c.domain): c.topics for c in found.cells},
        )
    ]
    for kind, heading in TITLES.items():
        those = [c for c in found.counts if c.kind == kind]
        if those:
            numbers = {(c.theme, c.id): c.scenarios for c in those}
            rows = list(dict.fromkeys(c.theme for c in those))
            tables.append(_table(heading.capitalize(), rows, (*found.items, *found.domains), numbers))
    name = html.escape(title)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{name}</title>'
        "<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#1f1e1b;"
        "background:#fcfbf8}figure{margin:0;overflow-x:auto}details{margin:1rem 0}table{border-collapse:collapse}"
        "th,td{padding:.15rem .6rem;text-align:right;border-bottom:1px solid #e4e0d7}th:first-child{text-align:left}"
        "</style></head>\n"
        f"<body><h1>{name}</h1><figure>{svg}</figure>\n{''.join(tables)}</body></html>\n"
    )


def _table(
    heading: str, rows: Sequence[str], columns: Sequence[str], numbers: dict[tuple[str, str], int]
) -> str:
    e = html.escape
    head = "".join(f'<th scope="col">{e(c)}</th>' for c in columns)
    body = "".join(
        f'<tr><th scope="row">{e(r)}</th>{"".join(f"<td>{numbers.get((r, c), 0)}</td>" for c in columns)}</tr>'
        for r in rows
    )
    table = f'<table><tr><th scope="col"></th>{head}</tr>{body}</table>'
    return f"<details><summary>{e(heading)} as a table</summary>{table}</details>"
