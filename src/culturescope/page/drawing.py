"""What all charts share: colours, the row chart, and the finish of a Vega-Lite specification.

A chart is one view that is as wide as its place; the words at both ends of its axis (the poles) are text of
the page, so that they wrap. Colours come from a theme: the page passes CSS variables and so follows light,
dark and print; `LIGHT` holds the same colours as values, for figures outside of a page. Domains differ in
colour and shape (Okabe and Ito's palette, darkened for contrast on paper).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from culturescope.page.figures import plain, signed
from culturescope.page.report import NOT_READ, ShownVerdict
from culturescope.probing.results import Estimate

Spec = dict[str, Any]
POOLED, PART = "pooled", "part"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
TICKS = "datum.value === 0 ? '0' : format(datum.value, '+.2~f')"


@dataclass(frozen=True)
class Theme:
    """Colours of a chart; `first` to `fourth` are those of the domains."""

    ink: str
    muted: str
    line: str
    zero: str
    band: str
    paper: str
    first: str
    second: str
    third: str
    fourth: str

    @property
    def series(self) -> tuple[str, ...]:
        """Colours of the domains, in their order."""
        return (self.first, self.second, self.third, self.fourth)


LIGHT = Theme(
    ink="#1f1e1b",
    muted="#6a665f",
    line="#e4e0d7",
    zero="#8d887e",
    band="#e0dbcf",
    paper="#fcfbf8",
    first="#0072b2",
    second="#c25400",
    third="#00805f",
    fourth="#a3527f",
)
PAGE = Theme(**{field.name: f"var(--{field.name})" for field in fields(Theme)})
SHAPES = ("circle", "square", "triangle-up", "diamond")


@dataclass(frozen=True)
class Row:
    """One line of a row chart: an estimate with its interval, or ticks alone."""

    label: str
    estimate: Estimate | None
    tip: str
    series: str = POOLED
    ticks: tuple[float, ...] = ()


def limit(estimates: Sequence[Estimate], others: Sequence[float] = ()) -> float:
    """Half the width of an axis that is symmetric about zero and holds all intervals."""
    ends = [*(end for e in estimates for end in (e.low, e.value, e.high)), *others]
    return max(1.1 * max((abs(end) for end in ends if math.isfinite(end)), default=0.0), 0.05)


def chart_of(values: list[dict[str, Any]]) -> Any:
    """A chart that carries its values."""
    import altair as alt

    data: Any = alt.Data
    return alt.Chart(data(values=values))


def cycle(values: Sequence[str], count: int) -> list[str]:
    """The first `count` values, again from the start when there are fewer."""
    return [values[i % len(values)] for i in range(count)]


def row_chart(
    rows: Sequence[Row],
    half: float,
    verdict: ShownVerdict,
    theme: Theme,
    *,
    title: str | None = None,
    band: tuple[float, float] | None = None,
    series: Sequence[str] = (),
    step: int = 20,
    extent: int = 84,
) -> Spec:
    """Estimates with intervals, one a row, about zero; what may not be read is grey, dashed and hollow.

    `band` is the half-width of the null band and its level.
    """
    labels = tuple(row.label for row in rows)
    ticks = [
        {"label": row.label, "value": tick, "tip": f"{row.tip}\ndifference {signed(tick)}"}
        for row in rows
        for tick in row.ticks
    ]
    form = _row_form(
        labels, half, verdict, theme, title, band is not None, bool(ticks), tuple(series), step, extent
    )
    data = {"zero": [{"value": 0}], "rows": [_datum(row, row.estimate) for row in rows if row.estimate]}
    if band is not None:
        width, level = band
        words = f"null band\ntwo value-free personas differ by up to {plain(width)} in {level:.0%} of cases"
        data["band"] = [{"low": -width, "high": width, "tip": words}]
    if ticks:
        data["ticks"] = ticks
    return {**deepcopy(form), "datasets": data}


@lru_cache(maxsize=64)
def _row_form(
    labels: tuple[str, ...],
    half: float,
    verdict: ShownVerdict,
    theme: Theme,
    title: str | None,
    band: bool,
    ticks: bool,
    series: tuple[str, ...],
    step: int,
    extent: int,
) -> Spec:
    """A row chart without its data: items of one axis share it, and altair is slow."""
    import altair as alt

    muted, hollow = verdict in NOT_READ, verdict != "interpretable"
    names = [POOLED, PART, *series]
    scale = alt.Scale(domain=[-half, half], nice=False, zero=False)
    ruler = alt.Axis(
        title=title,
        labels=title is not None,
        labelExpr=TICKS,
        ticks=False,
        domain=False,
        grid=True,
        tickCount=5,
        labelFlush=True,
        labelPadding=6,
    )
    y = alt.Y("label:N").sort(None).scale(domain=list(labels)).title(None)
    y = y.axis(
        minExtent=extent, maxExtent=extent, labelLimit=extent - 8, domain=False, ticks=False, labelPadding=8
    )

    def x(field: str) -> Any:
        return alt.X(f"{field}:Q").scale(scale).axis(ruler)

    def of(name: str) -> Any:
        return alt.Chart(alt.NamedData(name))

    colours = [theme.ink, theme.ink, *cycle(theme.series, len(series))]
    shapes = ["diamond", "circle", *cycle(SHAPES, len(series))]
    colour = alt.Color("series:N").scale(domain=names, range=colours).legend(None)
    ink: Any = alt.value(theme.muted) if muted else colour
    shape = alt.Shape("series:N").scale(domain=names, range=shapes).legend(None)
    size = alt.condition(f"datum.series === '{POOLED}'", alt.value(110), alt.value(52))
    tip = alt.Tooltip("tip:N")
    layers: list[Any] = []
    if band:
        block = of("band").mark_rect(color=theme.band)
        layers.append(block.encode(x("low"), x2="high:Q", tooltip=tip))
    layers.append(of("zero").mark_rule(color=theme.zero, strokeWidth=1, tooltip=None).encode(x("value")))
    rule = of("rows").mark_rule(strokeWidth=1.8, strokeDash=[3, 2] if muted else [1, 0])
    layers.append(rule.encode(x("low"), y, x2="high:Q", color=ink, tooltip=tip))
    fill: dict[str, Any] = {"fill": theme.paper, "filled": False} if hollow else {"filled": True}
    point = of("rows").mark_point(opacity=1, strokeWidth=1.8, **fill)
    layers.append(point.encode(x("value"), y, color=ink, shape=shape, size=size, tooltip=tip))
    if ticks:
        mark = of("ticks").mark_tick(color=theme.muted, thickness=1.6, height=11)
        layers.append(mark.encode(x("value"), y, tooltip=tip))
    return finish(alt.layer(*layers), theme, height=step * max(len(labels), 1))


def _datum(row: Row, estimate: Estimate) -> dict[str, Any]:
    return {
        "label": row.label,
        "series": row.series,
        "value": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "tip": row.tip,
    }


def finish(chart: Any, theme: Theme, *, height: int) -> Spec:
    """The specification of a chart that takes the width of its place, in the type and lines of the page."""
    return in_style(chart.properties(width="container", height=height).to_dict(), theme)


def in_style(spec: Spec, theme: Theme) -> Spec:
    """A specification in the type and lines of the page."""
    words = {"labelColor": theme.muted, "labelFont": FONT, "labelFontSize": 12, "labelFontWeight": 400}
    title = {
        "titleColor": theme.muted,
        "titleFont": FONT,
        "titleFontSize": 12,
        "titleFontWeight": 400,
        "titlePadding": 8,
    }
    config = {
        "background": None,
        "font": FONT,
        "padding": {"left": 0, "right": 2, "top": 2, "bottom": 2},
        "view": {"stroke": None},
        "axis": {"gridColor": theme.line, "gridWidth": 1, **words, **title},
        "axisY": {"labelColor": theme.ink},
        "autosize": {"type": "fit-x", "contains": "padding"},
    }
    return {"$schema": _schema(), **spec, "config": config}


@lru_cache(maxsize=1)
def _schema() -> str:
    import altair as alt

    return str(alt.SCHEMA_URL)
