"""The charts of a study: one description serves the page, a figure in a file, and the download of its numbers.

A chart draws a bare view (layers and a height) for a theme. On a page the view is as wide as its place and its key is a line of
the page; in a file it has a fixed width, and title, sentence and key are part of the figure.
"""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from culturescope.page.drawing import FONT, LIGHT, PAGE, SHAPES, Spec, Theme, in_style
from culturescope.page.figures import signed
from culturescope.page.map_figure import clean
from culturescope.page.map_style import FIGURE_FONT

FIGURE_WIDTH = 640
_LETTER = 6.0  # pixels, on average, at 12 pixels' height
Kind = Literal["point", "hollow", "line", "dashed", "band", "cross"]
Draw = Callable[[Theme], Spec]
Value = str | float | int | bool | None


@dataclass(frozen=True)
class KeyEntry:
    """A sign of the key: its name, how it is drawn, its colour (a field of the theme) and its shape."""

    name: str
    kind: Kind
    colour: str = "ink"
    shape: str = "circle"


@dataclass(frozen=True)
class StudyChart:
    """A chart with all that stands around it.

    Args:
        id: unique on the page, also the name of its files.
        title: what is shown, in a few words.
        sentence: what is seen and how sure it is, computed from the numbers.
        draw: its view for a theme.
        rows: the numbers behind it, as they are downloaded; all have the same keys.
        key: its signs.
        ratio: height over width, for a chart whose unit is as long on both axes.
    """

    id: str
    title: str
    sentence: str
    draw: Draw
    rows: tuple[dict[str, Value], ...]
    key: tuple[KeyEntry, ...] = ()
    ratio: float | None = None

    @property
    def spec(self) -> Spec:
        """The specification for a page."""
        view = {**self.draw(PAGE), "width": "container"}
        if self.ratio is not None:
            view |= {"width": 600, "height": 600 * self.ratio, "usermeta": {"ratio": self.ratio}}
        spec = in_style(view, PAGE)
        if self.ratio is not None:
            spec["config"]["autosize"] = {"type": "none"}
            spec["padding"] = {"left": 58, "right": 8, "top": 8, "bottom": 44}
        return spec

    @property
    def csv(self) -> str:
        """The numbers as a table of comma-separated values."""
        return csv_of(self.rows)


def csv_of(rows: Sequence[dict[str, Value]]) -> str:
    """Rows with the same keys as a table of comma-separated values."""
    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({k: safe_cell(v) for k, v in row.items()} for row in rows)
    return out.getvalue()


def safe_cell(value: Value) -> Value:
    """A cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe."""
    return "'" + value if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def figure_spec(chart: StudyChart, theme: Theme = LIGHT) -> Spec:
    """The chart as a figure that stands alone, with title, sentence and key."""
    view = {**chart.draw(theme), "width": FIGURE_WIDTH}
    if chart.ratio is not None:
        view["height"] = FIGURE_WIDTH * chart.ratio
    spec = in_style({}, theme)
    config = _with_font(spec["config"])
    config.pop("autosize", None)
    parts = [view, *([_key_view(chart.key, theme)] if chart.key else [])]
    return {
        "$schema": spec["$schema"],
        "description": clean(chart.sentence),
        "title": {
            "text": clean(chart.title),
            "subtitle": textwrap.wrap(clean(chart.sentence), int(FIGURE_WIDTH / _LETTER)) or [""],
            "anchor": "start",
            "frame": "group",
            "offset": 14,
            "fontSize": 15,
            "fontWeight": 600,
            "color": theme.ink,
            "font": FIGURE_FONT,
            "subtitleFont": FIGURE_FONT,
            "subtitleFontSize": 12,
            "subtitleColor": theme.muted,
            "subtitlePadding": 5,
            "subtitleLineHeight": 15,
        },
        "vconcat": parts,
        "spacing": 14,
        "padding": 16,
        "background": theme.paper,
        "config": {**config, "padding": 16},
    }


def _with_font(value: Any) -> Any:
    """A configuration in the font of figures; what draws files measures that one."""
    if isinstance(value, dict):
        return {key: _with_font(inner) for key, inner in value.items()}
    return FIGURE_FONT if value == FONT else value


def _key_view(key: Sequence[KeyEntry], theme: Theme) -> Spec:
    """The signs of a key with their names, in as many lines as they need."""
    rows: list[dict[str, Any]] = []
    left, line = 0.0, 0
    for entry in key:
        need = 46 + len(entry.name) * _LETTER
        if left and left + need > FIGURE_WIDTH:
            left, line = 0.0, line + 1
        rows.append({"name": clean(entry.name), "x": left, "to": left + 18, "mid": left + 9, "y": line})
        left += need
    across = {
        "type": "quantitative",
        "scale": {"domain": [0, FIGURE_WIDTH], "nice": False},
        "axis": None,
    }
    down = {
        "field": "y",
        "type": "quantitative",
        "scale": {"domain": [line + 0.5, -0.5], "nice": False, "zero": False},
        "axis": None,
    }
    layers = []
    for entry, row in zip(key, rows, strict=True):
        colour = getattr(theme, entry.colour)
        marks: dict[str, Spec] = {
            "point": {
                "type": "point",
                "shape": entry.shape,
                "filled": True,
                "opacity": 1,
                "size": 70,
                "color": colour,
            },
            "hollow": {
                "type": "point",
                "shape": entry.shape,
                "filled": False,
                "fill": theme.paper,
                "stroke": colour,
                "opacity": 1,
                "size": 70,
            },
            "line": {"type": "rule", "color": colour, "strokeWidth": 1.8},
            "dashed": {"type": "rule", "color": colour, "strokeWidth": 1.6, "strokeDash": [4, 3]},
            "band": {"type": "bar", "height": 11, "color": theme.band},
            "cross": {"type": "point", "shape": "cross", "filled": True, "size": 70, "color": colour},
        }
        spans = entry.kind in ("line", "dashed", "band")
        encoding: dict[str, Any] = {"x": {**across, "field": "x" if spans else "mid"}, "y": down}
        if spans:
            encoding["x2"] = {"field": "to"}
        layers.append({"data": {"values": [row]}, "mark": marks[entry.kind], "encoding": encoding})
    text = {
        "type": "text",
        "align": "left",
        "baseline": "middle",
        "dx": 7,
        "font": FIGURE_FONT,
        "fontSize": 12,
        "color": theme.muted,
    }
    layers.append(
        {
            "data": {"values": rows},
            "mark": text,
            "encoding": {"x": {**across, "field": "to"}, "y": down, "text": {"field": "name"}},
        }
    )
    return {"width": FIGURE_WIDTH, "height": 20 * (line + 1), "layer": layers}


PATHS = {
    "circle": "M5,0a5,5,0,1,0,-10,0a5,5,0,1,0,10,0Z",
    "square": "M-4.4,-4.4h8.8v8.8h-8.8Z",
    "triangle-up": "M0,-5L5.2,4.4H-5.2Z",
    "diamond": "M0,-6L6,0L0,6L-6,0Z",
    "cross": "M-5,-1.7h3.3v-3.3h3.4v3.3h3.3v3.4h-3.3v3.3h-3.4v-3.3h-3.3Z",
}


def sign_of(entry: KeyEntry) -> str:
    """The sign of a key as an SVG element for the page; it holds nothing but this package's own words."""
    colour = f"var(--{entry.colour})"
    if entry.kind == "band":
        inner = '<rect x="-10" y="-5" width="20" height="10" fill="var(--band)"/>'
    elif entry.kind in ("line", "dashed"):
        dash = ' stroke-dasharray="4 3"' if entry.kind == "dashed" else ""
        inner = f'<path d="M-10,0H10" stroke="{colour}" stroke-width="2"{dash}/>'
    else:
        path = PATHS["cross" if entry.kind == "cross" else entry.shape]
        fill = "var(--paper)" if entry.kind == "hollow" else colour
        inner = f'<path d="{path}" fill="{fill}" stroke="{colour}" stroke-width="1.6"/>'
    return f'<svg class="sign" viewBox="-11 -7 22 14" aria-hidden="true" focusable="false">{inner}</svg>'


def series_key(names: Sequence[str]) -> tuple[KeyEntry, ...]:
    """The key of series: each has its colour and its shape."""
    colours = ("first", "second", "third", "fourth")
    return tuple(KeyEntry(clean(n), "point", colours[i % 4], SHAPES[i % 4]) for i, n in enumerate(names))


def span(value: float, low: float, high: float, digits: int = 2) -> str:
    """`+0.12 (+0.03 to +0.21)`."""
    return f"{signed(value, digits)} ({signed(low, digits)} to {signed(high, digits)})"
