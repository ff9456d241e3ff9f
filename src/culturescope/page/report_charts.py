"""The charts of a report as a study's charts are: each with its sentence, its numbers to download, and its figure as a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from culturescope.page import charts, summary
from culturescope.page.drawing import Spec, Theme
from culturescope.page.figures import percent, with_interval
from culturescope.page.map_figure import clean
from culturescope.page.readings import ScenarioReading
from culturescope.page.report import NOT_READ, AxisText, ItemText, Report
from culturescope.page.study_chart import KeyEntry, StudyChart, Value, series_key
from culturescope.probing.results import Estimate, Position

_PAGE_ALONE = ("$schema", "config", "datasets", "width")


def report_charts(report: Report, readings: Sequence[ScenarioReading]) -> tuple[StudyChart, ...]:
    """Check, position, items, bias: every chart of a report but its map, in the order of the page.

    Args:
        report: what is shown.
        readings: value and bias of its scenarios (`readings.scenario_readings`), empty where one order was asked.
    """
    found: list[StudyChart] = []
    found += [_check(report, axis) for axis in report.axes if report.check_of(axis.id) is not None]
    found += [_position(report, axis) for axis in report.axes]
    found += [_item(report, item) for axis in report.axes for item in report.items_of(axis.id)]
    asked = {reading.axis for reading in readings}
    found += [_scatter(report, readings, axis) for axis in report.axes if axis.id in asked]
    if report.both_orders:
        found.append(_bias(report))
    found.append(_mass(report))
    return tuple(found)


def item_rows(report: Report, axis: AxisText) -> tuple[dict[str, Value], ...]:
    """Numbers behind the items of an axis, as one table."""
    return tuple(row for item in report.items_of(axis.id) for row in _item_rows(report, item))


def bare(spec: Spec) -> Spec:
    """A view that can be part of another figure: without what belongs to a whole one, its data in their places."""
    named = spec.get("datasets", {})

    def inline(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: {"values": named[inner["name"]]}
                if key == "data" and isinstance(inner, dict) and inner.get("name") in named
                else inline(inner)
                for key, inner in value.items()
            }
        return [inline(inner) for inner in value] if isinstance(value, list) else value

    found: Spec = inline({key: value for key, value in spec.items() if key not in _PAGE_ALONE})
    return found


def _check(report: Report, axis: AxisText) -> StudyChart:
    check = report.check_of(axis.id)
    assert check is not None  # noqa: S101 - only such axes are drawn
    rows: list[dict[str, Value]] = [
        {"axis": axis.id, "personas": "pooled", **_ends("D", check.D), "null_band": check.null_band}
    ]
    rows += [
        {
            "axis": axis.id,
            "personas": f"wording {w.wording}",
            **_ends("D", w.D),
            "null_band": check.null_band,
        }
        for w in check.wordings
    ]
    rows += [
        {"axis": axis.id, "personas": "value-free pair", **_at("D", pair), "null_band": check.null_band}
        for pair in check.null_pairs
    ]

    def draw(theme: Theme) -> Spec:
        return bare(charts.check_chart(report, axis, theme))

    key = (
        *_key(report, axis.id, "pooled", "one wording"),
        KeyEntry("a pair of value-free personas", "line", "muted"),
        KeyEntry("null band", "band"),
    )
    title = f"Instrument check: {axis.words}"
    return StudyChart(f"check-{axis.id}", title, summary.check_sentence(axis, check), draw, tuple(rows), key)


def _position(report: Report, axis: AxisText) -> StudyChart:
    position = report.position_of(axis.id)
    rows: list[dict[str, Value]] = []
    if position is not None:
        rows.append({"axis": axis.id, "wording": "all", **_ends("d", position.d)})
    rows += [{"axis": axis.id, "wording": w.template, **_ends("d", w.d)} for w in report.wordings_of(axis.id)]
    verdict = report.verdict_of(axis.id)

    def draw(theme: Theme) -> Spec:
        return bare(charts.position_chart(report, axis, theme))

    return StudyChart(
        f"position-{axis.id}",
        f"Value logit: {axis.words}",
        summary.position_sentence(report, axis),
        draw,
        tuple({**row, "verdict": verdict} for row in rows),
        _key(report, axis.id, "all wordings", "one wording"),
    )


def _item(report: Report, item: ItemText) -> StudyChart:
    def draw(theme: Theme) -> Spec:
        return bare(charts.item_chart(report, item, theme, title="value logit d"))

    domains = charts.domains_of(report)
    muted = report.verdict_of(item.axis) in NOT_READ
    key = _key(report, item.axis, "all domains")
    key += () if muted else series_key(domains)
    title = f"{item.id} {item.label}: {item.negative_pole}\N{NO-BREAK SPACE}– {item.positive_pole}"
    return StudyChart(
        f"item-{item.id}", title, item_sentence(report, item), draw, tuple(_item_rows(report, item)), key
    )


def item_sentence(report: Report, item: ItemText) -> str:
    """Where an item lies over all domains, and how far apart its domains are; no lean where none may be read."""
    mean, cells = report.item_position(item.id), report.cells_of(item.id)
    if mean is None:
        return "The item has one scenario only, so it has no interval."
    verdict = report.verdict_of(item.axis)
    zero = "holds zero" if mean.d.low <= 0 <= mean.d.high else "leaves zero out"
    text = f"Over all domains d is {with_interval(mean.d)}, which {zero}"
    if verdict in NOT_READ:
        return f"{text}; the axis is {verdict}, so this is no lean."
    if len(cells) > 1:
        low, high = (f(cells, key=lambda c: c.d.value) for f in (min, max))
        apart = low.d.high < high.d.low
        text += (
            f"; from {clean(str(low.domain))}, {with_interval(low.d)}, to {clean(str(high.domain))}, "
            f"{with_interval(high.d)}, which {'do not overlap' if apart else 'overlap'}"
        )
    return f"{text}."


def _item_rows(report: Report, item: ItemText) -> Iterable[dict[str, Value]]:
    mean = report.item_position(item.id)
    verdict = report.verdict_of(item.axis)
    for position in (*(() if mean is None else (mean,)), *report.cells_of(item.id)):
        yield {
            "item": item.id,
            "label": item.label,
            "axis": item.axis,
            "domain": position.domain or "all",
            **_ends("d", position.d),
            **_rest(position),
            "verdict": verdict,
        }


def _scatter(report: Report, readings: Sequence[ScenarioReading], axis: AxisText) -> StudyChart:
    def draw(theme: Theme) -> Spec:
        return bare(charts.scatter_chart(report, readings, axis, theme))

    rows: tuple[dict[str, Value], ...] = tuple(
        {
            "scenario": r.scenario,
            "axis": r.axis,
            "item": r.item,
            "domain": r.domain,
            "d": r.d,
            "b": r.b,
            "place_decides": r.place_decides,
        }
        for r in readings
        if r.axis == axis.id
    )
    key = (*series_key(charts.domains_of(report)), KeyEntry("the place decides: |b| > |d|", "band"))
    return StudyChart(
        f"scatter-{axis.id}",
        f"Place against content: {axis.words}",
        summary.scatter_sentence(readings, axis),
        draw,
        rows,
        key,
    )


def _bias(report: Report) -> StudyChart:
    def draw(theme: Theme) -> Spec:
        return bare(charts.bias_chart(report, theme))

    return StudyChart(
        "bias", "Position bias by item", summary.bias_sentence(report), draw, by_item_rows(report)
    )


def _mass(report: Report) -> StudyChart:
    def draw(theme: Theme) -> Spec:
        return bare(charts.mass_chart(report, theme))

    known = [p for p in report.results.probe.items if p.item is not None]
    low, high = (f(known, key=lambda p: p.letter_mass) for f in (min, max)) if known else (None, None)
    sentence = (
        "No item was probed with two scenarios."
        if low is None or high is None
        else f"The two letters hold from {percent(low.letter_mass)} of the probability ({clean(str(low.item))}) to "
        f"{percent(high.letter_mass)} ({clean(str(high.item))}); the rest goes to other words."
    )
    return StudyChart("mass", "Letter mass by item", sentence, draw, by_item_rows(report))


def by_item_rows(report: Report) -> tuple[dict[str, Value], ...]:
    """Bias and letter mass of each item."""
    return tuple(
        {"item": p.item, "axis": p.axis, "mean_abs_b": p.mean_abs_b, "letter_mass": p.letter_mass}
        for p in report.results.probe.items
    )


def _key(report: Report, axis: str, pooled: str, part: str | None = None) -> tuple[KeyEntry, ...]:
    """Signs of estimates: hollow where they are not interpretable, grey where they may not be read."""
    verdict = report.verdict_of(axis)
    kind: Any = "point" if verdict == "interpretable" else "hollow"
    colour = "muted" if verdict in NOT_READ else "ink"
    found = [KeyEntry(f"{pooled}, 95% interval ({verdict})", kind, colour, "diamond")]
    if part is not None:
        found.append(KeyEntry(part, kind, colour, "circle"))
    return tuple(found)


def _ends(name: str, estimate: Estimate) -> dict[str, Value]:
    return {name: estimate.value, "low": estimate.low, "high": estimate.high}


def _at(name: str, value: float) -> dict[str, Value]:
    return {name: value, "low": None, "high": None}


def _rest(position: Position) -> dict[str, Value]:
    return {"b": position.b, "letter_mass": position.letter_mass, "scenarios": position.scenarios}
