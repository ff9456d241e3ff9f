"""Ways on a cut-out of the map, one unit as long on both axes: societies around them, steps in order, a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from culturescope.page.drawing import SHAPES, TICKS, Spec, Theme
from culturescope.page.map_figure import clean
from culturescope.page.map_style import on_page
from culturescope.page.study_chart import KeyEntry, StudyChart, Value
from culturescope.page.study_views import DASHES

RATIO = 0.62
NAMED = 340  # pixels: on a narrower page societies are named on hover only
LEAST = 0.9  # of the map's units: the cut-out is at least so wide


Frame = tuple[float, float, float, float]


@dataclass(frozen=True)
class Spot:
    """A place on the map with the words beside it; `start` is the place where nothing is steered."""

    x: float
    y: float
    label: str
    tip: str
    start: bool = False


@dataclass(frozen=True)
class Track:
    """Places in the order in which they were reached; its number decides colour, shape and dash."""

    name: str
    series: int
    spots: tuple[Spot, ...]


def plane_chart(
    name: str,
    title: str,
    sentence: str,
    tracks: Sequence[Track],
    rows: tuple[dict[str, Value], ...],
    key: tuple[KeyEntry, ...],
    *,
    target: Spot | None = None,
    others: Sequence[Spot] = (),
) -> StudyChart:
    """A chart of ways on the map.

    Args:
        name: id of the chart.
        title: what is shown.
        sentence: what is seen.
        tracks: the ways.
        rows: the numbers behind them.
        key: its signs.
        target: where a way was to lead.
        others: places that no way leads to, such as those of personas.
    """

    def draw(theme: Theme) -> Spec:
        return _view(tracks, target, others, theme)

    return StudyChart(name, title, sentence, draw, rows, key, ratio=RATIO)


def _view(tracks: Sequence[Track], target: Spot | None, others: Sequence[Spot], theme: Theme) -> Spec:
    known = [s for t in tracks for s in t.spots] + list(others) + ([target] if target else [])
    frame = _frame(known)
    left, right, bottom, top = frame
    at: dict[str, Any] = {
        "x": _axis("x", (left, right), "← survival · self-expression →"),
        "y": _axis("y", (bottom, top), "← traditional · secular-rational →"),
    }
    tip = {"field": "tip", "type": "nominal"}
    inside = [s for s in _societies() if left < s["x"] < right and bottom < s["y"] < top]
    words = {"type": "text", "fontSize": 11, "clip": True, "tooltip": None}
    layers: list[Spec] = [
        {
            "data": {"values": inside},
            "mark": {"type": "point", "filled": False, "size": 26, "color": theme.muted, "opacity": 0.75},
            "encoding": {**at, "tooltip": tip},
        },
        {
            "data": {"values": _apart(inside, known, frame)},
            "transform": [{"filter": f"width > {NAMED}"}] if on_page(theme) else [],
            "mark": {**words, "align": "left", "dx": 6, "dy": 1, "color": theme.muted},
            "encoding": {**at, "text": {"field": "name"}},
        },
    ]
    values = [
        {"series": t.series, "n": n, "x": s.x, "y": s.y, "tip": s.tip, "start": s.start}
        for t in tracks
        for n, s in enumerate(t.spots)
    ]
    number = {"field": "series", "type": "nominal"}
    marks = [0, 1, 2, 3]
    colour = {**number, "scale": {"domain": marks, "range": list(theme.series)}, "legend": None}
    shape = {**number, "scale": {"domain": marks, "range": list(SHAPES)}, "legend": None}
    dash = {**number, "scale": {"domain": marks, "range": [list(d) for d in DASHES]}, "legend": None}
    layers += [
        {
            "data": {"values": values},
            "mark": {"type": "line", "strokeWidth": 2, "tooltip": None},
            "encoding": {
                **at,
                "order": {"field": "n", "type": "quantitative"},
                "color": colour,
                "strokeDash": dash,
            },
        },
        {
            "data": {"values": [v for v in values if not v["start"]]},
            "mark": {"type": "point", "filled": True, "opacity": 1, "size": 44},
            "encoding": {**at, "color": colour, "shape": shape, "tooltip": tip},
        },
        {
            "data": {"values": [v for v in values if v["start"]][:1]},
            "mark": {
                "type": "point",
                "filled": True,
                "opacity": 1,
                "size": 120,
                "shape": "diamond",
                "color": theme.ink,
            },
            "encoding": {**at, "tooltip": tip},
        },
        {
            "data": {"values": [{"x": s.x, "y": s.y, "tip": s.tip, "label": clean(s.label)} for s in others]},
            "mark": {
                "type": "point",
                "shape": "square",
                "filled": False,
                "fill": theme.paper,
                "stroke": theme.ink,
                "strokeWidth": 1.6,
                "opacity": 1,
                "size": 70,
            },
            "encoding": {**at, "tooltip": tip},
        },
    ]
    if target is not None:
        goal = {"values": [{"x": target.x, "y": target.y, "tip": target.tip}]}
        for size, filled in ((230, False), (30, True)):
            mark = {
                "type": "point",
                "shape": "circle",
                "filled": filled,
                "strokeWidth": 2,
                "opacity": 1,
                "size": size,
            }
            layers.append(
                {"data": goal, "mark": {**mark, "color": theme.ink}, "encoding": {**at, "tooltip": tip}}
            )
    named = [s for t in tracks for s in (t.spots[0], t.spots[-1]) if s.label]
    named += [*others, *([target] if target else [])]
    ends = [
        {"x": s.x, "y": s.y, "label": clean(s.label), **_side(s.x > left + 0.78 * (right - left))}
        for s in named
    ]
    label = {
        **words,
        "align": {"expr": "datum.align"},
        "dx": {"expr": "datum.dx"},
        "dy": -7,
        "fontSize": 12,
    }
    halo = {**label, "stroke": theme.paper, "strokeWidth": 3, "color": theme.paper, "aria": False}
    for mark in (halo, {**label, "color": theme.ink}):
        layers.append(
            {"data": {"values": ends}, "mark": mark, "encoding": {**at, "text": {"field": "label"}}}
        )
    return {"layer": layers}


def _side(left: bool) -> Spec:
    """On which side of its place a name stands: on the left near the right edge."""
    return {"align": "right", "dx": -11} if left else {"align": "left", "dx": 9}


def _axis(field: str, ends: tuple[float, float], title: str) -> Spec:
    return {
        "field": field,
        "type": "quantitative",
        "scale": {"domain": list(ends), "nice": False, "zero": False},
        "axis": {"title": title, "labelExpr": TICKS, "ticks": False, "domain": False, "tickCount": 6},
    }


def _frame(spots: Sequence[Spot]) -> Frame:
    """Left, right, bottom, top of a cut-out in the ratio of the chart that holds all places with room for words."""
    xs, ys = [s.x for s in spots], [s.y for s in spots]
    width = max(max(xs) - min(xs), (max(ys) - min(ys)) / RATIO, LEAST / 1.5) * 1.5
    x, y = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2
    return x - width / 2, x + width / 2, y - width * RATIO / 2, y + width * RATIO / 2


def _apart(societies: list[dict[str, Any]], spots: Sequence[Spot], frame: Frame) -> list[dict[str, Any]]:
    """Societies whose names have room: none lies on a place, on another society or on a name that is there already."""
    left, right, _, _ = frame
    width = right - left
    letter, line, dot = 0.0125 * width, 0.034 * width, 0.014 * width
    marks = [(s.x - dot, s.x + dot, s.y) for s in spots]
    marks += [(s.x, s.x + dot + letter * len(s.label), s.y + 0.6 * line) for s in spots if s.label]
    marks += [(s["x"] - 0.5 * dot, s["x"] + 0.5 * dot, s["y"]) for s in societies]
    found: list[dict[str, Any]] = []
    for s in societies:
        start, end = s["x"] + 0.6 * dot, s["x"] + dot + letter * len(s["name"])
        taken = any(a < end and b > start and abs(y - s["y"]) < 0.8 * line for a, b, y in marks)
        if not taken and end < right:
            found.append(s)
            marks.append((start, end, s["y"]))
    return found


@lru_cache(maxsize=1)
def _societies() -> tuple[dict[str, Any], ...]:
    from culturescope.people import load_people

    return tuple(
        {"name": clean(s.name), "x": s.x, "y": s.y, "tip": f"{clean(s.name)}\nsurvey of {s.year}"}
        for s in load_people().societies.values()
    )
