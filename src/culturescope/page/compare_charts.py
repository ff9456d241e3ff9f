"""The charts of a comparison: one row a run, hollow and grey where it may not be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from culturescope.page.drawing import PAGE, SHAPES, TICKS, Spec, Theme, chart_of, cycle, finish
from culturescope.probing.results import Estimate

STEP = 26
EXTENT = 150


@dataclass(frozen=True)
class Line:
    """One run in a chart of rows; `verdict` decides its style."""

    label: str
    estimate: Estimate
    verdict: str
    tip: str


@dataclass(frozen=True)
class Dot:
    """One run in a chart of distance against steerability; `series` is an axis or a kind of persona."""

    label: str
    x: float
    y: Estimate
    series: str
    verdict: str
    tip: str


def rows(
    lines: Sequence[Line], title: str, theme: Theme = PAGE, *, from_zero: bool = False, reach: float = 0.0
) -> Spec:
    """Estimates with intervals, one run a row.

    Args:
        lines: of the runs, in the order that is shown; labels are unique.
        title: of the axis.
        theme: colours.
        from_zero: whether the axis begins at zero, as that of a distance does; otherwise it is symmetric about it.
        reach: how far the axis goes at least, so that charts share a scale.
    """
    import altair as alt

    ends = (abs(e) for r in lines for e in (r.estimate.low, r.estimate.high))
    reach = max(reach, *ends) if lines else reach
    half = max(1.08 * reach, 0.05)
    scale = alt.Scale(domain=[0.0 if from_zero else -half, half], nice=False, zero=False)
    ticks = "format(datum.value, '.2~f')" if from_zero else TICKS
    ruler = alt.Axis(
        title=title, labelExpr=ticks, ticks=False, domain=False, grid=True, tickCount=5, labelFlush=True,
        labelPadding=6,
    )  # fmt: skip
    y = alt.Y("label:N").sort(None).scale(domain=[line.label for line in lines]).title(None)
    y = y.axis(
        minExtent=EXTENT, maxExtent=EXTENT, labelLimit=EXTENT - 10, domain=False, ticks=False, labelPadding=8
    )
    values = [
        {"label": r.label, **r.estimate.model_dump(exclude={"df"}), **_style(r.verdict), "tip": r.tip}
        for r in lines
    ]

    def x(field: str) -> Any:
        return alt.X(f"{field}:Q").scale(scale).axis(ruler)

    base = chart_of(values).encode(y, tooltip=alt.Tooltip("tip:N"))
    zero = chart_of([{"value": 0}]).mark_rule(color=theme.zero, strokeWidth=1, tooltip=None)
    layers: list[Any] = [zero.encode(x("value"))]
    for dashed in (False, True):
        part = base.transform_filter(f"datum.read === {str(not dashed).lower()}")
        rule = part.mark_rule(strokeWidth=1.8, strokeDash=[3, 2] if dashed else [1, 0])
        layers.append(rule.encode(x("low"), x2="high:Q", color=_ink(theme)))
    point = base.mark_point(opacity=1, strokeWidth=1.8, size=90, shape="diamond", filled=True)
    layers.append(point.encode(x("value"), stroke=_ink(theme), fill=_fill(theme)))
    return finish(alt.layer(*layers), theme, height=STEP * max(len(lines), 1))


def trade_off(dots: Sequence[Dot], x_title: str, y_title: str, theme: Theme = PAGE) -> Spec:
    """Distance without steering against what steering does, one dot a run and series."""
    import altair as alt

    series = list(dict.fromkeys(d.series for d in dots))
    reach = max((abs(e) for d in dots for e in (d.y.low, d.y.high)), default=0.0)
    half = max(1.08 * reach, 0.05)
    far = max(1.15 * max((d.x for d in dots), default=0.0), 0.1)
    values = [
        {"x": d.x, "value": d.y.value, "low": d.y.low, "high": d.y.high, "series": d.series, **_style(d.verdict), "tip": d.tip}
        for d in dots
    ]  # fmt: skip
    ruler: dict[str, Any] = {
        "ticks": False,
        "domain": False,
        "tickCount": 5,
        "labelPadding": 6,
        "labelFlush": True,
    }
    x = alt.X("x:Q").scale(domain=[0, far], nice=False).axis(title=x_title, **ruler)
    scale = alt.Scale(domain=[-half, half], nice=False, zero=False)

    def y(field: str) -> Any:
        return alt.Y(f"{field}:Q").scale(scale).axis(title=y_title, labelExpr=TICKS, minExtent=44, **ruler)

    zero = chart_of([{"value": 0}]).mark_rule(color=theme.zero, strokeWidth=1, tooltip=None)
    base = chart_of(values).encode(x, tooltip=alt.Tooltip("tip:N"))
    colours = alt.Scale(domain=series, range=cycle(theme.series, len(series)))
    shapes = alt.Scale(domain=series, range=cycle(SHAPES, len(series)))
    unread = "datum.read === false"
    colour = alt.condition(unread, alt.value(theme.muted), alt.Color("series:N").scale(colours).legend(None))
    rule = base.mark_rule(strokeWidth=1.6).encode(y("low"), y2="high:Q", color=colour)
    fill = alt.condition(
        "datum.solid === true", alt.Fill("series:N").scale(colours).legend(None), alt.value(theme.paper)
    )
    stroke = alt.condition(unread, alt.value(theme.muted), alt.Stroke("series:N").scale(colours).legend(None))
    shape = alt.Shape("series:N").scale(shapes).legend(None)
    point = base.mark_point(opacity=1, strokeWidth=1.8, size=80, filled=True)
    layers: list[Any] = [
        zero.encode(y("value")),
        rule,
        point.encode(y("value"), shape=shape, fill=fill, stroke=stroke),
    ]
    return finish(alt.layer(*layers), theme, height=280)


def _style(verdict: str) -> dict[str, bool]:
    return {"read": verdict in ("interpretable", "weak"), "solid": verdict == "interpretable"}


def _ink(theme: Theme) -> Any:
    import altair as alt

    return alt.condition("datum.read === true", alt.value(theme.ink), alt.value(theme.muted))


def _fill(theme: Theme) -> Any:
    import altair as alt

    return alt.condition("datum.solid === true", alt.value(theme.ink), alt.value(theme.paper))
