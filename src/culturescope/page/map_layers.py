"""The layers of the map, from the ground up: outlines, societies, ellipses, ways from the null, marks, words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from culturescope.page.drawing import TICKS, Spec, Theme
from culturescope.page.map_data import LARGE, SMALL
from culturescope.page.map_figure import MapFigure
from culturescope.page.map_geometry import frame_of
from culturescope.page.map_style import MODEL_SHAPE, NARROW, NULL_SHAPE, on_page, zone_colours, zone_shapes

LEADER = ("xOffset", "yOffset", "x2Offset", "y2Offset")
HIDDEN = (
    "indexof(hidden_zones, datum.zone) < 0 && indexof(hidden_models, datum.model) < 0"
    " && indexof(hidden_domains, datum.domain) < 0 && indexof(hidden_methods, datum.method) < 0"
    " && indexof(hidden_societies, datum.society) < 0"
)


def map_layers(figure: MapFigure, theme: Theme, font: str, *, alone: bool) -> list[Spec]:
    """The layers of the chart; `alone` for a figure outside of a page, which has a legend and no filters."""
    frame = frame_of(figure)
    zones = list(figure.zones)
    scales = {"x": [frame.left, frame.right], "y": [frame.bottom, frame.top]}
    titles = {
        "x": "← survival \N{MIDDLE DOT} self-expression →",
        "y": "← traditional \N{MIDDLE DOT} secular-rational →",
    }

    def at(field_x: str = "x", field_y: str = "y") -> Spec:
        return {
            channel: {
                "field": field,
                "type": "quantitative",
                "scale": {"domain": scales[channel], "nice": False, "zero": False},
                "axis": {"title": titles[channel], "values": list(range(-6, 7)), "labelExpr": TICKS},
            }
            for channel, field in (("x", field_x), ("y", field_y))
        }

    def layer(name: str, data: str, mark: Spec, encoding: Spec, where: str | None = None) -> Spec:
        filters = [where] if where else []
        if not alone:
            filters.append(HIDDEN)
            if data == "labels":
                filters.append(f"(datum.view === 'narrow') === (width < {NARROW})")
        made: Spec = {"name": name, "data": {"name": data}, "mark": {"tooltip": None, **mark}}
        if filters:
            made["transform"] = [{"filter": each} for each in filters]
        return {**made, "encoding": {**at(), **encoding}}

    def sized(area: float) -> float | Spec:
        return area if alone else _by_width(area, 0.6 * area)

    colour: Spec = {
        "field": "zone",
        "type": "nominal",
        "scale": {"domain": zones, "range": zone_colours(zones, theme)},
        "legend": _legend(font) if alone else None,
    }
    hue: Spec = {"field": "hue", "type": "nominal", "scale": None}
    shape = {**colour, "scale": {"domain": zones, "range": zone_shapes(zones)}}
    ink: Spec = {
        "condition": {"test": "datum.style === 'unread'", "value": theme.muted},
        "value": theme.ink,
    }
    tip: Spec = {"tooltip": {"field": "tip", "type": "nominal"}}
    ring = {"detail": {"field": "ring"}, "order": {"field": "n", "type": "quantitative"}}
    round_ = {"detail": {"field": "id"}, "order": {"field": "n", "type": "quantitative"}}
    closed = {"type": "line", "interpolate": "linear-closed"}
    ground = {**closed, "strokeWidth": 1, "strokeOpacity": 0.55, "clip": True}
    border = {**closed, "strokeWidth": 1.5, "clip": True}
    solid, dashed = "datum.style === 'interpretable' || datum.style === 'weak'", "datum.style === 'unread'"
    fill: Spec = {
        "condition": {"test": "datum.style === 'interpretable'", "value": theme.ink},
        "value": theme.paper,
    }
    return [
        layer(
            "zones",
            "zones",
            {**closed, "strokeWidth": 0, "fillOpacity": 0.1, "clip": True},
            {**ring, "fill": hue},
        ),
        layer("outlines", "zones", ground, {**ring, "color": hue}),
        layer(
            "societies",
            "societies",
            {"type": "point", "filled": True, "size": sized(34), "opacity": 0.9},
            {"color": colour, "shape": shape},
        ),
        layer(
            "named",
            "societies",
            {"type": "point", "size": sized(130), "filled": False, "stroke": theme.ink, "strokeWidth": 1.3},
            {},
            "datum.named",
        ),
        layer(
            "ellipses",
            "ellipses",
            {**border, "stroke": theme.ink, "fill": theme.ink, "fillOpacity": 0.09},
            round_,
            solid,
        ),
        layer(
            "ellipses_unread",
            "ellipses",
            {**border, "stroke": theme.muted, "strokeDash": [5, 4]},
            round_,
            dashed,
        ),
        layer(
            "ellipses_null",
            "ellipses",
            {**border, "stroke": theme.ink, "strokeWidth": 1.2, "strokeDash": [2, 3]},
            round_,
            "datum.style === 'null'",
        ),
        layer(
            "bands",
            "bands",
            {**closed, "strokeWidth": 1.2, "strokeDash": [8, 3, 1, 3], "clip": True},
            {**round_, "stroke": ink},
        ),
        layer(
            "people",
            "people",
            {"type": "rule", "strokeWidth": 1.2, "strokeDash": [1, 3], "clip": True},
            {"x2": {"field": "x2"}, "y2": {"field": "y2"}, "stroke": ink},
        ),
        layer(
            "ways",
            "ways",
            {"type": "rule", "strokeWidth": 1.2, "stroke": theme.ink},
            {"x2": {"field": "x2"}, "y2": {"field": "y2"}},
            solid,
        ),
        layer(
            "ways_unread",
            "ways",
            {"type": "rule", "strokeWidth": 1, "stroke": theme.muted, "strokeDash": [3, 3]},
            {"x2": {"field": "x2"}, "y2": {"field": "y2"}},
            dashed,
        ),
        layer(
            "heads",
            "ways",
            {
                "type": "point",
                "shape": "triangle",
                "filled": True,
                "size": sized(70),
                "opacity": 1,
                "color": theme.ink,
            },
            {**at("xm", "ym"), "angle": {"field": "angle", "type": "quantitative", "scale": None}},
            solid,
        ),
        *_step_layers(layer, theme, sized, font, round_, ink, tip),
        layer(
            "models",
            "places",
            {
                "type": "point",
                "shape": MODEL_SHAPE,
                "size": sized(170),
                "strokeWidth": 2,
                "opacity": 1,
                "fillOpacity": 1,
            },
            {
                "stroke": ink,
                "fill": fill,
                "strokeDash": {"condition": {"test": dashed, "value": [3, 2]}, "value": [1, 0]},
            },
            "datum.style !== 'null'",
        ),
        layer(
            "nulls",
            "places",
            {"type": "point", "shape": NULL_SHAPE, "size": sized(110), "filled": True, "opacity": 1}
            | {"color": theme.ink, "stroke": theme.paper, "strokeWidth": 1},
            {},
            "datum.style === 'null'",
        ),
        layer(
            "leaders",
            "labels",
            {
                "type": "rule",
                "strokeWidth": 1.2,
                **{channel: {"expr": f"datum.leader[{n}]"} for n, channel in enumerate(LEADER)},
            },
            {"x2": {"field": "x"}, "y2": {"field": "y"}, "color": ink},
            "isValid(datum.leader)",
        ),
        *_words(layer, theme, font, hue, ink),
        layer("society_targets", "societies", {**_TARGET, "size": sized(150)}, tip),
        layer("place_targets", "places", {**_TARGET, "size": sized(420)}, tip),
    ]


_TARGET: Spec = {"type": "point", "filled": True, "fill": "transparent", "opacity": 1, "strokeWidth": 0}


def _words(layer: Any, theme: Theme, font: str, hue: Spec, ink: Spec) -> list[Spec]:
    """Labels, each above its own halo in the colour of the paper."""
    kinds: tuple[tuple[str, Spec, Spec], ...] = (
        ("zone", {"fontWeight": 600, "fontSize": LARGE, "fontStyle": "italic"}, {"color": hue}),
        ("society", {"fontWeight": 400, "fontSize": LARGE}, {"color": {"value": theme.ink}}),
        ("place", {"fontWeight": 700, "fontSize": LARGE + 0.5}, {"color": ink}),
    )
    found = []
    for kind, look, encoding in kinds:
        text: Spec = {
            "type": "text",
            "font": font,
            "lineBreak": "\n",
            "baseline": "top",
            "lineHeight": 1.22 * float(look["fontSize"]),
            "clip": False,
            "align": {"expr": "datum.align"},
            "dx": {"expr": "datum.dx"},
            "dy": {"expr": "datum.dy"},
            **look,
        }
        if on_page(theme):
            text["fontSize"] = _by_width(look["fontSize"], look["fontSize"] + SMALL - LARGE)
        words = {"text": {"field": "text"}}
        halo = {
            **text,
            "stroke": theme.paper,
            "strokeWidth": 3.5,
            "strokeJoin": "round",
            "strokeOpacity": 0.85,
        }
        where = f"datum.kind === '{kind}'"
        found.append(
            layer(
                f"{kind}_halo",
                "labels",
                {**halo, "aria": False},
                {**words, "color": {"value": theme.paper}},
                where,
            )
        )
        found.append(layer(f"{kind}_words", "labels", text, {**words, **encoding}, where))
    return found


def _step_layers(
    layer: Callable[..., Spec],
    theme: Theme,
    sized: Callable[[float], Any],
    font: str,
    round_: Spec,
    ink: Spec,
    tip: Spec,
) -> list[Spec]:
    """Ways of steering: a line above its own halo, a dot a coefficient, an arrow and a name at the end."""
    line = {"type": "line", "strokeJoin": "round", "clip": True}
    dash = {"condition": {"test": "datum.style === 'unread'", "value": [4, 3]}, "value": [1, 0]}
    head = {"type": "point", "shape": "triangle", "filled": True, "opacity": 1, "size": sized(120)}
    text = {
        "type": "text",
        "font": font,
        "fontSize": LARGE,
        "fontWeight": 600,
        "align": "left",
        "baseline": "middle",
        "dx": 9,
    }
    halo = {**text, "stroke": theme.paper, "strokeWidth": 3.5, "strokeJoin": "round", "aria": False}
    words = {"text": {"field": "text"}}
    return [
        layer(
            "steps_halo",
            "steps",
            {**line, "stroke": theme.paper, "strokeWidth": 5, "strokeOpacity": 0.85, "aria": False},
            round_,
        ),
        layer("steps", "steps", {**line, "strokeWidth": 2}, {**round_, "stroke": ink, "strokeDash": dash}),
        layer(
            "step_dots",
            "steps",
            {"type": "point", "filled": True, "opacity": 1, "size": sized(26)},
            {"color": ink, **tip},
            "!datum.last",
        ),
        layer(
            "step_heads",
            "steps",
            head,
            {"color": ink, "angle": {"field": "angle", "type": "quantitative", "scale": None}, **tip},
            "datum.last",
        ),
        layer("step_names_halo", "steps", halo, {**words, "color": {"value": theme.paper}}, "datum.last"),
        layer("step_names", "steps", text, {**words, "color": ink}, "datum.last"),
    ]


def _by_width(wide: float, narrow: float) -> Spec:
    """A length that is smaller on a narrow map of a page."""
    return {"expr": f"width < {NARROW} ? {narrow} : {wide}"}


def _legend(font: str) -> Spec:
    return {
        "title": None,
        "orient": "bottom",
        "columns": 5,
        "labelFont": font,
        "labelFontSize": 12,
        "symbolSize": 60,
        "columnPadding": 18,
        "rowPadding": 4,
        "offset": 26,
        "labelLimit": 220,
    }
