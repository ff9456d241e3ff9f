"""A matrix of signed figures as a view: blue above zero, orange below, grey and dashed inside the control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from culturescope.page.drawing import Spec, Theme
from culturescope.page.map_figure import clean


@dataclass(frozen=True)
class CellMark:
    """A cell of a matrix; `quiet` lies inside its control and is not coloured."""

    row: str
    column: str
    value: float
    text: str
    under: str
    tip: str
    quiet: bool = False


def matrix_view(
    cells: Sequence[CellMark],
    rows: Sequence[str],
    columns: Sequence[str],
    titles: tuple[str, str],
    theme: Theme,
    *,
    reach: float = 0.0,
    step: int = 54,
    extent: int = 84,
) -> Spec:
    """A matrix of signed figures: blue above zero, orange below, stronger the larger; grey and dashed inside the control.

    Args:
        cells: any number of them.
        rows: their order.
        columns: their order.
        titles: of columns and rows.
        theme: colours.
        reach: the figure of the strongest colour at least, so that charts share a scale.
        step: height of a row.
        extent: width of the row labels.
    """
    most = max([reach, *(abs(c.value) for c in cells)], default=1.0) or 1.0
    values = [
        {
            "row": clean(c.row),
            "column": clean(c.column),
            "size": abs(c.value),
            "sign": c.value >= 0,
            "text": c.text,
            "under": c.under,
            "tip": c.tip,
            "quiet": c.quiet,
        }
        for c in cells
    ]
    label = {"domain": False, "ticks": False, "labelPadding": 7, "grid": False}
    x = {
        "field": "column",
        "type": "nominal",
        "sort": None,
        "scale": {"domain": [clean(c) for c in columns], "paddingInner": 0.03},
        "axis": {
            **label,
            "title": titles[0],
            "orient": "top",
            "labelAngle": 0,
            "labelLimit": 120,
            "titlePadding": 6,
        },
    }
    y = {
        "field": "row",
        "type": "nominal",
        "sort": None,
        "scale": {"domain": [clean(r) for r in rows], "paddingInner": 0.05},
        "axis": {**label, "title": titles[1], "minExtent": extent, "labelLimit": extent},
    }
    tip = {"field": "tip", "type": "nominal"}
    both = {"x": x, "y": y}
    loud, quiet = [{"filter": "!datum.quiet"}], [{"filter": "datum.quiet"}]
    opacity = {
        "field": "size",
        "type": "quantitative",
        "scale": {"domain": [0, most], "range": [0.06, 0.6]},
        "legend": None,
    }
    colour = {"condition": {"test": "datum.sign", "value": theme.first}, "value": theme.second}
    ink = {"condition": {"test": "datum.quiet", "value": theme.muted}, "value": theme.ink}
    edge = {"type": "rect", "filled": False, "stroke": theme.zero, "strokeDash": [3, 3], "strokeWidth": 1}
    layers: list[Spec] = [
        {
            "transform": loud,
            "mark": {"type": "rect"},
            "encoding": {**both, "color": colour, "fillOpacity": opacity, "tooltip": tip},
        },
        {"transform": quiet, "mark": edge, "encoding": {**both, "tooltip": tip}},
    ]
    low = step >= 44
    for field, size, dy in (("text", 13, -7 if low else 0), ("under", 10.5, 9))[: 2 if low else 1]:
        mark = {"type": "text", "fontSize": size, "dy": dy, "tooltip": None}
        layers.append({"mark": mark, "encoding": {**both, "text": {"field": field}, "color": ink}})
    return {"height": step * max(len(rows), 1), "data": {"values": values}, "layer": layers}
