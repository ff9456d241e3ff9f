"""The chart of the cultural map: societies by zone, models with their ellipses, and the nulls.

One unit is as long on both axes. On a page the chart has no legend of its own (the page's filters are one) and
follows the width of its place by the signals `width` and `height`; the signals `hidden_zones`, `hidden_models`,
`hidden_domains`, `hidden_methods` and `hidden_societies` leave out what they name. With a numeric width it is a
figure that stands alone.
"""

from __future__ import annotations

from functools import lru_cache

from culturescope.page import map_data
from culturescope.page.drawing import FONT, Spec, Theme
from culturescope.page.figures import signed
from culturescope.page.map_figure import MapFigure, clean, name_of, null_of, shorten
from culturescope.page.map_geometry import frame_of
from culturescope.page.map_layers import map_layers
from culturescope.page.map_style import FIGURE_FONT, zone_colours
from culturescope.page.map_words import short_rule
from culturescope.people.placement import Conversion

PAGE_WIDTH, PAGE_NARROW = 900, 330
MARGIN = {"left": 46, "right": 8, "top": 58, "bottom": 50}


def map_spec(
    figure: MapFigure, theme: Theme, *, conversion: Conversion | None = None, width: float | None = None
) -> Spec:
    """The map by one conversion as a Vega-Lite specification.

    Args:
        figure: what to draw.
        theme: its colours.
        conversion: which places are drawn; the figure's first one by default.
        width: of the plot in pixels, for a figure that stands alone; on a page it follows its place.
    """
    conversion = conversion or figure.conversions[0]
    alone = width is not None
    frame, places = frame_of(figure), figure.of(conversion)
    font = FIGURE_FONT if alone else FONT
    wide = width or PAGE_WIDTH
    labels = map_data.label_rows(figure, conversion, wide, narrow=False, view="wide")
    if not alone:
        labels += map_data.label_rows(figure, conversion, PAGE_NARROW, narrow=True, view="narrow")
    hue = dict(zip(figure.zones, zone_colours(figure.zones, theme), strict=True))
    spec: Spec = {
        "$schema": _schema(),
        "description": f"Cultural map, conversion {conversion}",
        "width": wide,
        "height": wide * frame.ratio,
        "title": _title(figure, conversion, theme, font, alone=alone),
        "datasets": {
            "zones": [{**row, "hue": hue[row["zone"]]} for row in map_data.zone_rows(figure)],
            "societies": map_data.society_rows(figure),
            "places": map_data.place_rows(places),
            "ellipses": map_data.ellipse_rows(places),
            "bands": map_data.band_rows(places),
            "ways": map_data.way_rows(places),
            "steps": map_data.step_rows(figure, conversion),
            "people": map_data.people_rows(figure, places),
            "labels": [{**row, "hue": hue.get(str(row.get("zone")))} for row in labels],
        },
        "layer": map_layers(figure, theme, font, alone=alone),
        "config": _config(theme, font),
    }
    if alone:
        spec["padding"] = 14
        spec["background"] = theme.paper
        if figure.credit:
            spec["layer"].append(_credit(figure, theme, font, wide, frame.ratio))
    else:
        # There is room for two lines below the title; each further one needs its own.
        more = len(spec["title"]["subtitle"]) - 2
        spec["padding"] = {**MARGIN, "top": MARGIN["top"] + more * spec["title"]["subtitleLineHeight"]}
        spec["autosize"] = {"type": "none"}
        spec["params"] = [
            {"name": name, "value": []}
            for name in (
                "hidden_zones",
                "hidden_models",
                "hidden_domains",
                "hidden_methods",
                "hidden_societies",
            )
        ]
        spec["usermeta"] = {"ratio": frame.ratio, "across": MARGIN["left"] + MARGIN["right"]}
    return spec


def _title(figure: MapFigure, conversion: Conversion, theme: Theme, font: str, *, alone: bool) -> Spec:
    lines = [short_rule(figure, conversion), *_null_lines(figure, conversion)]
    if alone and figure.series:
        lines.append(f"Societies: {clean(figure.series)}; outlines by culturescope")
    return {
        "text": f"Conversion: {conversion}",
        "subtitle": lines,
        "anchor": "start",
        "frame": "group",
        "offset": 12,
        "fontSize": 14,
        "fontWeight": 600,
        "color": theme.ink,
        "font": font,
        "subtitleFont": font,
        "subtitleFontSize": 12,
        "subtitleColor": theme.muted,
        "subtitlePadding": 3,
        "subtitleLineHeight": 15,
    }


def _null_lines(figure: MapFigure, conversion: Conversion) -> list[str]:
    """Where each cross lies, named by its first null; models are measured from the uniform one."""
    spots = [(name_of(same[0]), (same[0].x, same[0].y), True) for same in figure.crosses(conversion)]
    spots = spots or [("uniform null", null_of(p), False) for p in figure.of(conversion)][:1]
    return [
        f"{name[:1].upper()}{shorten(name[1:], 40)}{' (cross)' if cross else ''} at x {signed(x)}, y {signed(y)}"
        for name, (x, y), cross in spots
    ] or ["No null was drawn"]


def _credit(figure: MapFigure, theme: Theme, font: str, width: float, ratio: float) -> Spec:
    """What to cite, in small words below the axis: a figure that stands alone takes it along."""
    return {
        "name": "credit",
        "data": {"values": [{}]},
        "mark": {
            "type": "text",
            "text": clean(figure.credit),
            "align": "left",
            "baseline": "top",
            "font": font,
            "fontSize": 9,
            "color": theme.muted,
            "clip": False,
        },
        "encoding": {"x": {"value": 0}, "y": {"value": width * ratio + 42}},
    }


def _config(theme: Theme, font: str) -> Spec:
    return {
        "background": None,
        "font": font,
        "view": {"stroke": theme.line, "strokeWidth": 1},
        "legend": {"labelColor": theme.ink},
        "axis": {
            "gridColor": theme.line,
            "gridWidth": 1,
            "domain": False,
            "ticks": False,
            "labelPadding": 6,
            "labelColor": theme.muted,
            "labelFont": font,
            "labelFontSize": 12,
            "titleColor": theme.ink,
            "titleFont": font,
            "titleFontSize": 13,
            "titleFontWeight": 400,
            "titlePadding": 10,
        },
        "axisY": {"minExtent": 22, "maxExtent": 22},
    }


@lru_cache(maxsize=1)
def _schema() -> str:
    import altair as alt

    return str(alt.SCHEMA_URL)
