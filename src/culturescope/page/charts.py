"""The charts of a report, each a function of the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from culturescope.page.drawing import (
    PAGE,
    PART,
    SHAPES,
    TICKS,
    Row,
    Spec,
    Theme,
    chart_of,
    cycle,
    finish,
    limit,
    row_chart,
)
from culturescope.page.figures import percent, plain, signed, with_interval
from culturescope.page.readings import ScenarioReading
from culturescope.page.report import AxisText, ItemText, Report
from culturescope.probing.results import Position


def position_chart(report: Report, axis: AxisText, theme: Theme = PAGE) -> Spec:
    """Value logit of an axis, over all wordings and under each."""
    rows = []
    position = report.position_of(axis.id)
    if position is not None:
        rows.append(Row("all wordings", position.d, _tip(axis.words, position)))
    for wording in report.wordings_of(axis.id):
        tip = f"{axis.words}, wording {wording.template}\nvalue logit d {with_interval(wording.d)}"
        rows.append(Row(wording.template, wording.d, tip, PART))
    shown = [p.d for p in report.results.probe.axes] + [w.d for w in report.results.probe.wordings]
    return row_chart(rows, limit(shown), report.verdict_of(axis.id), theme, title="value logit d", step=22)


def item_chart(report: Report, item: ItemText, theme: Theme = PAGE, *, title: str | None = None) -> Spec:
    """Value logit of an item, over all domains and in each; all items of the report share the scale."""
    domains = domains_of(report)
    rows = []
    mean = report.item_position(item.id)
    if mean is not None:
        rows.append(Row("all", mean.d, _tip(f"{item.id} {item.label}", mean)))
    for cell in sorted(report.cells_of(item.id), key=lambda c: domains.index(str(c.domain))):
        tip = _tip(f"{item.id} {item.label}, {cell.domain}", cell)
        rows.append(Row(str(cell.domain), cell.d, tip, str(cell.domain)))
    shown = [p.d for p in (*report.results.probe.items, *report.results.probe.cells)]
    verdict = report.verdict_of(item.axis)
    return row_chart(rows, limit(shown), verdict, theme, title=title, series=domains, step=18, extent=76)


def check_chart(report: Report, axis: AxisText, theme: Theme = PAGE) -> Spec:
    """D of the opposed personas, pooled and per wording, against the null band and the pairs behind it.

    Raises:
        ValueError: the axis has no instrument check.
    """
    check = report.check_of(axis.id)
    if check is None:
        raise ValueError(f"axis {axis.id} has no instrument check")
    band = f"null band: up to {plain(check.null_band)}"
    rows = [Row("pooled", check.D, f"{axis.words}, all wordings\nD {with_interval(check.D)}\n{band}")]
    for wording in check.wordings:
        name = f"wording {wording.wording}"
        tests = f"{_is(wording.above_zero)} zero, {_is(wording.above_band)} the null band"
        rows.append(
            Row(name, wording.D, f"{axis.words}, {name}\nD {with_interval(wording.D)}\n{tests}", PART)
        )
    if check.null_pairs:
        rows.append(Row("value-free", None, "pair of value-free personas", ticks=check.null_pairs))
    checks = report.results.check.axes if report.results.check else ()
    shown = [e for a in checks for e in (a.D, *(w.D for w in a.wordings))]
    half = limit(shown, [x for a in checks for x in (a.null_band, *a.null_pairs)])
    verdict = report.verdict_of(axis.id)
    title = "D, value logit of opposed personas"
    return row_chart(
        rows, half, verdict, theme, title=title, band=(check.null_band, check.null_level), step=22
    )


def _is(passed: bool) -> str:
    return "above" if passed else "not above"


def scatter_chart(
    report: Report, readings: Sequence[ScenarioReading], axis: AxisText, theme: Theme = PAGE
) -> Spec:
    """Position bias b against value logit d, one point a scenario; in the shaded part |b| > |d|."""
    import altair as alt

    domains = domains_of(report)
    half = limit([], [x for r in readings for x in (r.d, r.b)])
    points = [
        {
            "d": round(r.d, 4),
            "b": round(r.b, 4),
            "domain": r.domain,
            "tip": f"{r.scenario}\n{r.item}, {r.domain}\nvalue logit d {signed(r.d)}\n"
            f"position bias b {signed(r.b)}",
        }
        for r in readings
        if r.axis == axis.id
    ]
    scale = alt.Scale(domain=[-half, half], nice=False, zero=False)
    ruler: dict[str, Any] = {
        "labelExpr": TICKS,
        "ticks": False,
        "domain": False,
        "tickCount": 5,
        "labelPadding": 6,
    }
    x = alt.X("d:Q").scale(scale).axis(title="value logit d", labelFlush=True, **ruler)
    y = (
        alt.Y("b:Q")
        .scale(scale)
        .axis(title="position bias b (+ prefers A)", minExtent=40, maxExtent=40, **ruler)
    )
    layers: list[Any] = []
    for sign in (1, -1):
        wedge = [{"x": end, "edge": sign * abs(end), "far": sign * half} for end in (-half, 0, half)]
        area = chart_of(wedge).mark_area(color=theme.band, opacity=0.6, tooltip=None)
        layers.append(area.encode(alt.X("x:Q").scale(scale), alt.Y("edge:Q").scale(scale), y2="far:Q"))
    zero = chart_of([{"d": 0, "b": 0}]).mark_rule(color=theme.zero, tooltip=None)
    layers += [zero.encode(x), zero.encode(y)]
    colour = alt.Color("domain:N").scale(domain=domains, range=cycle(theme.series, len(domains))).legend(None)
    shape = alt.Shape("domain:N").scale(domain=domains, range=cycle(SHAPES, len(domains))).legend(None)
    dots = chart_of(points).mark_point(filled=True, size=36, opacity=0.8)
    layers.append(dots.encode(x, y, color=colour, shape=shape, tooltip=alt.Tooltip("tip:N")))
    return finish(alt.layer(*layers), theme, height=300)


def bias_chart(report: Report, theme: Theme = PAGE) -> Spec:
    """Mean |b| of each item, in logits."""
    rows = [(p, p.mean_abs_b) for p in report.results.probe.items if p.mean_abs_b is not None]
    return _dots([(str(p.item), b, f"{b:.2f} logits") for p, b in rows], "mean |b|, logits", None, theme)


def mass_chart(report: Report, theme: Theme = PAGE) -> Spec:
    """Letter mass of each item: the mean of P(A) + P(B)."""
    rows = [(str(p.item), p.letter_mass, percent(p.letter_mass)) for p in report.results.probe.items]
    return _dots(rows, "letter mass P(A) + P(B)", 1.0, theme)


def _dots(rows: Sequence[tuple[str, float, str]], title: str, top: float | None, theme: Theme) -> Spec:
    import altair as alt

    values = [
        {"item": item, "value": v, "tip": f"{item}\n{title}: {words}", "from": 0} for item, v, words in rows
    ]
    domain = [0, top or max(1.1 * max((value for _, value, _ in rows), default=0.0), 0.1)]
    ruler = alt.Axis(title=title, ticks=False, domain=False, tickCount=4, labelFlush=True, labelPadding=6)
    x = alt.X("value:Q").scale(domain=domain, nice=False).axis(ruler)
    y = alt.Y("item:N").sort(None).title(None)
    y = y.axis(domain=False, ticks=False, labelPadding=8, minExtent=40, maxExtent=40, labelLimit=90)
    base = chart_of(values).encode(y, tooltip=alt.Tooltip("tip:N"))
    stems = base.mark_rule(color=theme.zero, strokeWidth=1.2).encode(x, x2="from:Q")
    dots = base.mark_point(filled=True, size=64, opacity=1, color=theme.ink).encode(x)
    return finish(alt.layer(stems, dots), theme, height=19 * max(len(rows), 1))


def domains_of(report: Report) -> list[str]:
    """The domains, in the order of the results: their colours and shapes follow it."""
    return list(dict.fromkeys(str(cell.domain) for cell in report.results.probe.cells))


def _tip(name: str, position: Position) -> str:
    b = "unknown" if position.b is None else signed(position.b)
    s = position.s
    return "\n".join(
        (
            name,
            f"value logit d {with_interval(position.d)}",
            f"score s {s.value:.2f} ({s.low:.2f} to {s.high:.2f})",
            f"position bias b {b}",
            f"letter mass {percent(position.letter_mass)}",
            f"scenarios {position.scenarios}",
        )
    )
