"""The views that charts of a study are made of: rows with their controls, and lines over a coefficient.

Each is the part of a Vega-Lite specification that `StudyChart` completes. What lies inside its control is grey, dashed and
hollow, as what may not be read is in every chart; series differ in colour, shape and dash.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from culturescope.page.drawing import SHAPES, TICKS, Spec, Theme
from culturescope.page.map_figure import clean

DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3])
EXTENT = 150
PLAIN = "format(datum.value, '.3~g')"


@dataclass(frozen=True)
class RowMark:
    """One row: a figure with its interval, the half-width of its control about zero, and its series.

    `quiet` is drawn grey, dashed and hollow.
    """

    label: str
    value: float
    low: float
    high: float
    tip: str
    band: float | None = None
    series: int = 0
    quiet: bool = False


@dataclass(frozen=True)
class PointMark:
    """One point of a line: place, figure, and its interval (None where there is none)."""

    x: float
    value: float
    low: float | None
    high: float | None
    tip: str


@dataclass(frozen=True)
class LineMark:
    """A line of points; its number in the key decides colour, shape and dash."""

    name: str
    series: int
    points: tuple[PointMark, ...]


@dataclass(frozen=True)
class BandMark:
    """What controls do at one place: 95% of them lie between `low` and `high`."""

    x: float
    low: float
    high: float
    tip: str


def rows_view(
    marks: Sequence[RowMark],
    title: str,
    theme: Theme,
    *,
    from_zero: bool = False,
    reach: float = 0.0,
    step: int = 28,
    extent: int = EXTENT,
    reference: float | None = None,
) -> Spec:
    """Figures with intervals, one a row, over the band of their control.

    Args:
        marks: in the order that is shown; labels are unique.
        title: of the axis.
        theme: colours.
        from_zero: whether the axis begins at zero, as that of a distance does.
        reach: how far the axis goes at least, so that charts share a scale.
        step: height of a row.
        extent: width of the row labels.
        reference: a dashed line, for example where nothing changes.
    """
    ends = [abs(e) for m in marks for e in (m.low, m.value, m.high, m.band or 0.0) if math.isfinite(e)]
    half = max(1.06 * max([reach, *ends, abs(reference or 0.0)]), 0.02)
    labels = [clean(m.label) for m in marks]
    values = [
        {
            "label": clean(m.label),
            "value": m.value,
            "low": m.low,
            "high": m.high,
            "band": m.band,
            "under": None if m.band is None else -m.band,
            "series": m.series,
            "quiet": m.quiet,
            "tip": m.tip,
        }
        for m in marks
    ]
    ruler = {
        "title": title,
        "labelExpr": "format(datum.value, '.2~f')" if from_zero else TICKS,
        "ticks": False,
        "domain": False,
        "grid": True,
        "tickCount": 5,
        "labelFlush": True,
        "labelOverlap": True,
        "labelPadding": 6,
    }
    x: dict[str, Any] = {
        "type": "quantitative",
        "scale": {"domain": [0 if from_zero else -half, half], "nice": False, "zero": False},
        "axis": ruler,
    }
    y = {
        "field": "label",
        "type": "nominal",
        "sort": None,
        "scale": {"domain": labels},
        "axis": {
            "title": None,
            "minExtent": extent,
            "maxExtent": extent,
            "labelLimit": extent - 10,
            "domain": False,
            "ticks": False,
            "labelPadding": 8,
        },
    }
    tip = {"field": "tip", "type": "nominal"}
    layers: list[Spec] = [
        {
            "transform": [{"filter": "isValid(datum.band)"}],
            "mark": {"type": "bar", "color": theme.band, "height": {"band": 0.72}},
            "encoding": {"x": {**x, "field": "under"}, "x2": {"field": "band"}, "y": y, "tooltip": tip},
        },
        _zero(x, theme, "x", 0.0),
    ]
    if reference is not None:
        layers.append(_zero(x, theme, "x", reference, dashed=True))
    for quiet in (False, True):
        where = [{"filter": f"datum.quiet === {str(quiet).lower()}"}]
        ink: Any = {"value": theme.muted} if quiet else _series_colour(theme)
        rule = {
            "type": "rule",
            "strokeWidth": 1.8,
            "strokeDash": [3, 2] if quiet else [1, 0],
            "tooltip": None,
        }
        layers.append(
            {
                "transform": where,
                "mark": rule,
                "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}, "y": y, "color": ink},
            }
        )
        point = {"type": "point", "opacity": 1, "strokeWidth": 1.8, "size": 80, "filled": not quiet}
        if quiet:
            point["fill"] = theme.paper
        layers.append(
            {
                "transform": where,
                "mark": point,
                "encoding": {
                    "x": {**x, "field": "value"},
                    "y": y,
                    "color": ink,
                    "shape": _series_shape(),
                    "tooltip": tip,
                },
            }
        )
    return {"height": step * max(len(labels), 1), "data": {"values": values}, "layer": layers}


def lines_view(
    lines: Sequence[LineMark],
    titles: tuple[str, str],
    theme: Theme,
    *,
    bands: Sequence[BandMark] = (),
    limit: tuple[float, str] | None = None,
    base: float | None = 0.0,
    domain: tuple[float, float] | None = None,
    signed: bool = True,
    height: int = 230,
) -> Spec:
    """Lines over a coefficient, with intervals and the bands of controls.

    Args:
        lines: in the order of the key.
        titles: of both axes.
        theme: colours.
        bands: of controls.
        limit: a dashed line and what it says, for example a budget.
        base: a thin line where nothing is changed.
        domain: of the vertical axis; otherwise it holds all that is drawn.
        signed: whether figures have a sign.
        height: in pixels.
    """
    values = [
        {
            "series": line.series,
            "x": p.x,
            "value": p.value,
            "low": p.value if p.low is None else p.low,
            "high": p.value if p.high is None else p.high,
            "tip": p.tip,
        }
        for line in lines
        for p in line.points
    ]
    across = [p.x for line in lines for p in line.points] + [b.x for b in bands]
    low, high = (min(across), max(across)) if across else (0.0, 1.0)
    pad = 0.04 * (high - low) or 0.05
    x: dict[str, Any] = {
        "type": "quantitative",
        "scale": {"domain": [low - pad, high + pad], "nice": False, "zero": False},
        "axis": {
            "title": titles[0],
            "labelExpr": TICKS,
            "grid": False,
            "ticks": False,
            "domain": False,
            "tickCount": 7,
        },
    }
    shown = domain or extent_of(
        lines, bands, [e for e in (base, limit[0] if limit else None) if e is not None]
    )
    y: dict[str, Any] = {
        "type": "quantitative",
        "scale": {"domain": list(shown), "nice": False, "zero": False},
        "axis": {
            "title": titles[1],
            "labelExpr": TICKS if signed else PLAIN,
            "ticks": False,
            "domain": False,
            "tickCount": 5,
            "minExtent": 34,
        },
    }
    tip = {"field": "tip", "type": "nominal"}
    layers: list[Spec] = []
    if bands:
        width = 0.022 * (high - low + 2 * pad)
        spots = [
            {"from": b.x - width, "to": b.x + width, "low": b.low, "high": b.high, "tip": b.tip}
            for b in bands
        ]
        layers.append(
            {
                "data": {"values": spots},
                "mark": {"type": "rect", "color": theme.band},
                "encoding": {
                    "x": {**x, "field": "from"},
                    "x2": {"field": "to"},
                    "y": {**y, "field": "low"},
                    "y2": {"field": "high"},
                    "tooltip": tip,
                },
            }
        )
    if base is not None:
        layers.append(_zero(y, theme, "y", base))
    if limit is not None:
        layers.append(_zero(y, theme, "y", limit[0], dashed=True))
        words = {
            "type": "text",
            "align": "center",
            "baseline": "bottom",
            "dy": -3,
            "color": theme.muted,
            "fontSize": 11,
        }
        layers.append(
            {
                "data": {"values": [{"x": (low + high) / 2, "y": limit[0], "text": clean(limit[1])}]},
                "mark": words,
                "encoding": {"x": {**x, "field": "x"}, "y": {**y, "field": "y"}, "text": {"field": "text"}},
            }
        )
    number = {"field": "series", "type": "nominal"}
    dash = {**number, "scale": {"domain": [0, 1, 2, 3], "range": [list(d) for d in DASHES]}, "legend": None}
    at = {"x": {**x, "field": "x"}, "color": _series_colour(theme)}
    ends = {"y": {**y, "field": "low"}, "y2": {"field": "high"}}
    layers += [
        {"mark": {"type": "area", "opacity": 0.13, "tooltip": None}, "encoding": {**at, **ends}},
        {
            "mark": {"type": "line", "strokeWidth": 1.8, "tooltip": None},
            "encoding": {**at, "y": {**y, "field": "value"}, "strokeDash": dash},
        },
        {"mark": {"type": "rule", "strokeWidth": 1.2, "tooltip": None}, "encoding": {**at, **ends}},
        {
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 46},
            "encoding": {**at, "y": {**y, "field": "value"}, "shape": _series_shape(), "tooltip": tip},
        },
    ]
    return {"height": height, "data": {"values": values}, "layer": layers}


def extent_of(
    lines: Sequence[LineMark], bands: Sequence[BandMark] = (), others: Sequence[float] = ()
) -> tuple[float, float]:
    """Both ends of an axis that holds lines, intervals, bands and other figures, so that charts can share it."""
    shown = [e for line in lines for p in line.points for e in (p.value, p.low, p.high) if e is not None]
    shown += [e for b in bands for e in (b.low, b.high)] + list(others)
    shown = [e for e in shown if math.isfinite(e)] or [0.0]
    pad = 0.08 * (max(shown) - min(shown)) or 0.05
    return min(shown) - pad, max(shown) + pad


def _series_colour(theme: Theme) -> Spec:
    number = {"field": "series", "type": "nominal"}
    return {**number, "scale": {"domain": [0, 1, 2, 3], "range": list(theme.series)}, "legend": None}


def _series_shape() -> Spec:
    number = {"field": "series", "type": "nominal"}
    return {**number, "scale": {"domain": [0, 1, 2, 3], "range": list(SHAPES)}, "legend": None}


def _zero(channel: Spec, theme: Theme, name: str, value: float, *, dashed: bool = False) -> Spec:
    mark = {"type": "rule", "color": theme.zero, "strokeWidth": 1, "tooltip": None}
    if dashed:
        mark |= {"strokeDash": [4, 3]}
    return {
        "data": {"values": [{"at": value}]},
        "mark": mark,
        "encoding": {name: {**channel, "field": "at"}},
    }
