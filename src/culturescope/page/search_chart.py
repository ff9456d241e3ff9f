"""The chart of a search: what each block does when it is steered alone, beside random vectors and shuffled labels.

One panel an axis or item, all on one scale. The band of random vectors is a surface, that of shuffled labels a pair of
dashed lines, chosen blocks are filled diamonds and others hollow circles: no colour has to be seen to tell them apart.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from culturescope.page.drawing import LIGHT, TICKS, Spec, Theme
from culturescope.page.map_figure import clean
from culturescope.page.map_style import FIGURE_FONT

HEIGHT, LEGEND = 210, 20
_LETTER = 6.0  # pixels, on average, at 12 pixels' height
_HALF = 0.5  # of the place of a block


@dataclass(frozen=True)
class BlockPoint:
    """One block steered alone; figures are signed changes of d.

    Args:
        block: its number.
        change: measured, with `low` and `high` of its interval; None where only the estimate was made.
        estimate: to first order.
        random: half-width of the band of random vectors.
        shuffled: that of vectors fitted on shuffled labels, or None.
        chosen: whether it is steered with others.
    """

    block: int
    change: float | None
    low: float | None
    high: float | None
    estimate: float
    random: float
    shuffled: float | None
    chosen: bool


@dataclass(frozen=True)
class SearchPanel:
    """One axis or item: heading, what the numbers say in a sentence, and its blocks."""

    heading: str
    sentence: str
    points: tuple[BlockPoint, ...]


def search_spec(panels: Sequence[SearchPanel], title: str, theme: Theme = LIGHT) -> Spec:
    """The chart as a Vega-Lite specification.

    Args:
        panels: one or more.
        title: of the whole figure, for example the model.
        theme: its colours.
    """
    import altair as alt

    scale = _scale_of(panels)
    most = max(len(panel.points) for panel in panels)
    columns = 1 if len(panels) == 1 else 2
    width = min(max(most * 17, 420), 680) if columns == 1 else min(max(most * 12, 330), 440)
    wide = columns * width + (columns - 1) * 60
    views = [_panel(panel, scale, width, theme) for panel in panels]
    return {
        "$schema": f"https://vega.github.io/schema/vega-lite/{alt.SCHEMA_VERSION}.json",
        "description": " ".join(f"{clean(p.heading)}. {clean(p.sentence)}" for p in panels),
        "title": {
            "text": clean(title),
            "anchor": "start",
            "fontSize": 15,
            "fontWeight": 600,
            "offset": 14,
            "color": theme.ink,
            "font": FIGURE_FONT,
        },
        "vconcat": [{"concat": views, "columns": columns, "spacing": 34}, _legend(panels, wide, theme)],
        "spacing": 16,
        "padding": 16,
        "background": theme.paper,
        "config": {
            "font": FIGURE_FONT,
            "view": {"stroke": None},
            "concat": {"spacing": 34},
            "axis": {
                "gridColor": theme.line,
                "labelColor": theme.muted,
                "titleColor": theme.muted,
                "labelFont": FIGURE_FONT,
                "titleFont": FIGURE_FONT,
                "labelFontSize": 11,
                "titleFontSize": 12,
                "titleFontWeight": 400,
                "domain": False,
                "ticks": False,
                "labelPadding": 6,
            },
        },
    }


def page_panel(panel: SearchPanel, panels: Sequence[SearchPanel], theme: Theme) -> Spec:
    """One panel as a bare view, without heading and width; all of `panels` share its scale."""
    view = _panel(panel, _scale_of(panels), 600, theme)
    for layer in view["layer"]:
        for channel in ("x", "y"):
            if axis := layer["encoding"].get(channel, {}).get("axis"):
                layer["encoding"][channel]["axis"] = {**axis, "domain": False, "ticks": False}
    return {key: value for key, value in view.items() if key not in ("title", "width")}


def _scale_of(panels: Sequence[SearchPanel]) -> tuple[float, float]:
    """Both ends of the scale: it holds zero and all that is drawn."""
    shown = [0.0]
    for p in (point for panel in panels for point in panel.points):
        ends = (p.low, p.high, p.change, -p.random, p.random, p.estimate if p.change is None else None)
        both = () if p.shuffled is None else (-p.shuffled, p.shuffled)
        shown += [value for value in (*ends, *both) if value is not None and math.isfinite(value)]
    low, high = min(shown), max(shown)
    pad = 0.06 * (high - low) or 0.01
    return low - pad, high + pad


def _panel(panel: SearchPanel, scale: tuple[float, float], width: int, theme: Theme) -> Spec:
    blocks = [p.block for p in panel.points]
    x: dict[str, Any] = {
        "field": "from",
        "type": "quantitative",
        "scale": {"domain": [min(blocks) - _HALF, max(blocks) + _HALF], "nice": False, "zero": False},
        "axis": {"title": "block", "grid": False, "format": "d", "tickMinStep": 1, "values": _ticks(blocks)},
    }
    y: dict[str, Any] = {
        "type": "quantitative",
        "scale": {"domain": list(scale), "nice": False},
        "axis": {"title": "signed change of d", "labelExpr": TICKS, "tickCount": 5},
    }
    at = {**x, "field": "block"}
    chosen = "datum.chosen"
    layers: list[Spec] = [
        {
            "mark": {"type": "rect", "color": theme.band},
            "encoding": {
                "x": x,
                "x2": {"field": "to"},
                "y": {**y, "field": "under"},
                "y2": {"field": "random"},
            },
        },
        {
            "data": {"values": [{"zero": 0}]},
            "mark": {"type": "rule", "color": theme.zero},
            "encoding": {"y": {**y, "field": "zero"}},
        },
    ]
    layers += [
        {
            "transform": [{"filter": "isValid(datum.shuffled)"}],
            "mark": {"type": "rule", "color": theme.second, "strokeWidth": 1.4, "strokeDash": [3, 2]},
            "encoding": {"x": x, "x2": {"field": "to"}, "y": {**y, "field": field}},
        }
        for field in ("shuffled", "against")
    ]
    layers += [
        {
            "transform": [{"filter": "isValid(datum.change)"}],
            "mark": {"type": "rule", "strokeWidth": 1.6},
            "encoding": {
                "x": at,
                "y": {**y, "field": "low"},
                "y2": {"field": "high"},
                "color": {"condition": {"test": chosen, "value": theme.first}, "value": theme.muted},
            },
        },
        {
            "transform": [{"filter": f"isValid(datum.change) && !{chosen}"}],
            "mark": {
                "type": "point",
                "shape": "circle",
                "filled": False,
                "fill": theme.paper,
                "opacity": 1,
                "size": 34,
            },
            "encoding": {"x": at, "y": {**y, "field": "change"}, "color": {"value": theme.ink}},
        },
        {
            "transform": [{"filter": f"isValid(datum.change) && {chosen}"}],
            "mark": {"type": "point", "shape": "diamond", "filled": True, "opacity": 1, "size": 100},
            "encoding": {"x": at, "y": {**y, "field": "change"}, "color": {"value": theme.first}},
        },
        {
            "transform": [{"filter": "!isValid(datum.change)"}],
            "mark": {"type": "tick", "orient": "horizontal", "thickness": 2, "size": 8, "color": theme.muted},
            "encoding": {"x": at, "y": {**y, "field": "estimate"}},
        },
    ]
    return {
        "title": {
            "text": clean(panel.heading),
            "subtitle": _lines(panel.sentence, width),
            "anchor": "start",
            "frame": "group",
            "offset": 10,
            "fontSize": 13,
            "fontWeight": 600,
            "color": theme.ink,
            "font": FIGURE_FONT,
            "subtitleFont": FIGURE_FONT,
            "subtitleFontSize": 12,
            "subtitleColor": theme.muted,
            "subtitlePadding": 4,
            "subtitleLineHeight": 15,
        },
        "data": {"values": [_row(p) for p in panel.points]},
        "width": width,
        "height": HEIGHT,
        "layer": layers,
    }


def _lines(sentence: str, width: int) -> list[str]:
    """The sentence in lines that fit below a heading; `p = 0.05` stays on one."""
    whole = clean(sentence).replace("p = ", "p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")
    return textwrap.wrap(whole, int(width / _LETTER))


def _row(p: BlockPoint) -> dict[str, Any]:
    return {
        "block": p.block,
        "from": p.block - _HALF,
        "to": p.block + _HALF,
        "change": p.change,
        "low": p.low,
        "high": p.high,
        "estimate": p.estimate,
        "random": p.random,
        "under": -p.random,
        "shuffled": p.shuffled,
        "against": None if p.shuffled is None else -p.shuffled,
        "chosen": p.chosen,
    }


def _ticks(blocks: Sequence[int]) -> list[int]:
    """Blocks that have their number on the axis: all of a few, every so many of more."""
    step = next(s for s in (1, 2, 4, 5, 10, 20, 50, 100, 1000) if (max(blocks) - min(blocks)) / s <= 16)
    return [b for b in range(min(blocks), max(blocks) + 1) if b % step == 0]


def _legend(panels: Sequence[SearchPanel], width: int, theme: Theme) -> Spec:
    """One row or two: each sign as it is drawn, with its name."""
    points = [p for panel in panels for p in panel.points]
    names: list[tuple[str, str]] = [
        ("chosen", "steered together"),
        ("alone", "not chosen"),
        ("random", "95% of random vectors"),
    ]
    if any(p.shuffled is not None for p in points):
        names.append(("shuffled", "95% of shuffled labels"))
    if any(p.change is None for p in points):
        names.append(("estimate", "estimate only"))
    rows: list[dict[str, Any]] = []
    left, line = 0.0, 0
    for kind, name in names:
        need = 44 + len(name) * _LETTER
        if left and left + need > width:
            left, line = 0.0, line + 1
        rows.append({"kind": kind, "name": name, "x": left, "to": left + 18, "mid": left + 9, "y": line})
        left += need
    across = {"type": "quantitative", "scale": {"domain": [0, width], "nice": False}, "axis": None}
    down = {
        "field": "y",
        "type": "quantitative",
        "scale": {"domain": [line + _HALF, -_HALF], "nice": False, "zero": False},
        "axis": None,
    }

    def sign(kind: str, mark: dict[str, Any], field: str = "mid", end: bool = False) -> Spec:
        encoding: dict[str, Any] = {"x": {**across, "field": field}, "y": down}
        if end:
            encoding["x2"] = {"field": "to"}
        return {
            "transform": [{"filter": f"datum.kind === '{kind}'"}],
            "mark": mark,
            "encoding": encoding,
        }

    return {
        "width": width,
        "height": LEGEND * (line + 1),
        "data": {"values": rows},
        "layer": [
            sign("random", {"type": "bar", "height": 11, "color": theme.band}, "x", end=True),
            sign(
                "shuffled",
                {"type": "rule", "color": theme.second, "strokeWidth": 1.4, "strokeDash": [3, 2]},
                "x",
                end=True,
            ),
            sign(
                "chosen",
                {
                    "type": "point",
                    "shape": "diamond",
                    "filled": True,
                    "opacity": 1,
                    "size": 100,
                    "color": theme.first,
                },
            ),
            sign(
                "alone",
                {
                    "type": "point",
                    "shape": "circle",
                    "filled": False,
                    "fill": theme.paper,
                    "opacity": 1,
                    "stroke": theme.ink,
                    "size": 34,
                },
            ),
            sign(
                "estimate",
                {"type": "tick", "orient": "horizontal", "thickness": 2, "size": 8, "color": theme.muted},
            ),
            {
                "mark": {
                    "type": "text",
                    "align": "left",
                    "baseline": "middle",
                    "dx": 7,
                    "font": FIGURE_FONT,
                    "fontSize": 12,
                    "color": theme.muted,
                },
                "encoding": {"x": {**across, "field": "to"}, "y": down, "text": {"field": "name"}},
            },
        ],
    }
