"""Where a vector is read and how it is fitted: every site and method beside random steps as long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from culturescope.page.drawing import Spec, Theme
from culturescope.page.figures import plain, signed
from culturescope.page.map_figure import clean
from culturescope.page.study_chart import KeyEntry, StudyChart, Value, span
from culturescope.page.study_section import Section
from culturescope.page.study_views import RowMark, rows_view
from culturescope.page.tables import Table

if TYPE_CHECKING:
    from culturescope.experiments.steer.methods_results import MethodRow, MethodTable
    from culturescope.page.study_data import Study

KEY = (
    KeyEntry("measured", "point", "first", "circle"),
    KeyEntry("estimated to first order (≈)", "point", "second", "square"),
    KeyEntry("inside of 95% of random steps", "hollow", "muted"),
    KeyEntry("95% of random steps", "band"),
)


def methods_section(study: Study) -> Section | None:
    """The section; None where sites and methods were not compared."""
    if not study.methods:
        return None
    reach = max(
        (
            abs(e)
            for t in study.methods.values()
            for r in t.rows
            for e in (r.change[t.axis].low, r.change[t.axis].high)
        ),
        default=0.0,
    )
    one = next(iter(study.methods.values()))
    lead = (
        f"Vectors of other sites and methods, at the same blocks and with steps as long as the default’s ({clean(one.unit)} "
        f"{one.step:g}), on scenarios that nothing was fitted on. Many are compared: the best of them is partly luck.",
    )
    charts = tuple(_chart(study, table, reach) for table in study.methods.values())
    tables = tuple(
        (f"Sites and methods as a table, {clean(t.axis)}", _table(t)) for t in study.methods.values()
    )
    return Section("methods", lead, charts, tables)


def _chart(study: Study, table: MethodTable, reach: float) -> StudyChart:
    band = table.random_band.get(table.axis)
    several = len({r.how for r in table.rows}) > 1
    marks = [
        RowMark(
            f"{'≈ ' if several and r.how != 'measured' else ''}{name_of(r)}",
            r.change[table.axis].value,
            r.change[table.axis].low,
            r.change[table.axis].high,
            f"{name_of(r)}, {clean(r.how)}\nsigned change of d {_change(r, table.axis)}\nE {_e(r)}\n"
            f"cosine with the default {signed(r.cosine)}",
            band,
            series=0 if r.how == "measured" else 1,
            quiet=r.inside,
        )
        for r in table.rows
    ]

    def draw(theme: Theme) -> Spec:
        return rows_view(marks, "signed change of d", theme, reach=reach, step=24, extent=210)

    rows: tuple[dict[str, Value], ...] = tuple(
        {
            "axis": table.axis,
            "site": r.site,
            "method": r.method,
            "how": r.how,
            "change": r.change[table.axis].value,
            "low": r.change[table.axis].low,
            "high": r.change[table.axis].high,
            "random_band": band,
            "inside": r.inside,
            "E": r.e.value if r.e else None,
            "cosine": r.cosine,
            "letter_mass": r.letter_mass,
        }
        for r in table.rows
    )
    title = f"{clean(table.axis)}: {study.axis(table.axis)}"
    return StudyChart(f"methods-{table.axis}", title, methods_sentence(table), draw, rows, KEY)


def methods_sentence(table: MethodTable) -> str:
    """How many vectors exceed random steps, and whether one surely exceeds the default."""
    beyond = [r for r in table.rows if not r.inside]
    better = [
        r
        for r in table.rows
        if r.difference is not None and r.difference[table.axis].low > 0 and not r.inside
    ]
    text = f"{len(beyond)} of {len(table.rows)} vectors change d beyond random steps"
    if not better:
        return f"{text}; none surely more than the default, {clean(table.default[0])} with {clean(table.default[1])}."
    best = max(better, key=lambda r: r.change[table.axis].value)
    return (
        f"{text}; {len(better)} surely more than the default, most of all {name_of(best)} at {_change(best, table.axis)} "
        f"({clean(best.how)})."
    )


def name_of(row: MethodRow) -> str:
    """Site and method in words."""
    return f"{clean(row.site)}, {clean(row.method)}"


def _change(row: MethodRow, axis: str) -> str:
    d = row.change[axis]
    return span(d.value, d.low, d.high)


def _e(row: MethodRow) -> str:
    if row.e is None:
        return f"undefined: {clean(row.undefined or '')}"
    return f"{plain(row.e.value)} ({plain(row.e.low)} to {plain(row.e.high)})"


def _table(table: MethodTable) -> Table:
    axes = list(table.random_band)
    rows = tuple(
        (
            name_of(r),
            clean(r.how),
            *(_change(r, a) if a in r.change else "" for a in axes),
            _e(r),
            "default" if r.difference is None else span(*_ends(r, table.axis)),
            signed(r.cosine),
        )
        for r in table.rows
    )
    head = (
        "site, method",
        "how",
        *(f"change of {clean(a)} (random ±{plain(table.random_band[a])})" for a in axes),
    )
    return Table((*head, "E", "less the default", "cosine"), rows)


def _ends(row: MethodRow, axis: str) -> tuple[float, float, float]:
    d = (row.difference or row.change)[axis]
    return d.value, d.low, d.high
