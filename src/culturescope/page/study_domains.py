"""What steering does in each domain: vectors fitted in one and tested in another, and the sweep by domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from culturescope.page.drawing import Spec, Theme
from culturescope.page.figures import plain, signed
from culturescope.page.map_figure import clean
from culturescope.page.study_chart import KeyEntry, StudyChart, Value, series_key, span
from culturescope.page.study_matrix import CellMark, matrix_view
from culturescope.page.study_section import Section
from culturescope.page.study_sweep import axis_of, rows_of, vectors_of
from culturescope.page.study_views import LineMark, PointMark, extent_of, lines_view
from culturescope.page.tables import Table

if TYPE_CHECKING:
    from culturescope.experiments.steer.results import DomainTable
    from culturescope.experiments.steer.sweep_results import Sweep
    from culturescope.page.study_data import Study

KEY = (
    KeyEntry("towards the positive pole", "point", "first", "square"),
    KeyEntry("towards the negative pole", "point", "second", "square"),
    KeyEntry("inside of 95% of random steps", "hollow", "muted", "square"),
)


def domains_section(study: Study) -> Section | None:
    """The section; None where neither domain vectors nor a sweep by domain are there."""
    charts: list[StudyChart] = []
    reach = max(
        (abs(d.value) for t in study.domains.values() for c in t.cells for d in c.change.values()),
        default=0.0,
    )
    for table in study.domains.values():
        axes = list(dict.fromkeys(axis for cell in table.cells for axis in cell.change))
        charts += [_matrix(study, table, axis, reach) for axis in axes]
    if study.sweep is not None:
        charts += _by_domain(study, study.sweep)
    if not charts:
        return None
    lead: tuple[str, ...] = ()
    if study.domains:
        one = next(iter(study.domains.values()))
        lead = (
            f"Vectors fitted in one domain are steered and tested in every domain ({clean(one.unit)} {one.step:g}), "
            "on scenarios "
            "that nothing was fitted on. Rows say where a vector was fitted, columns where it was "
            "tested; “all” is fitted on every "
            "domain.",
        )
    tables = [(f"Domains as a table, {clean(t.axis)} steered", _table(t)) for t in study.domains.values()]
    notes = tuple(dict.fromkeys(clean(n) for t in study.domains.values() for n in t.notes))
    return Section("domains", lead, tuple(charts), tuple(tables), notes)


def _matrix(study: Study, table: DomainTable, axis: str, reach: float) -> StudyChart:
    fitted = list(dict.fromkeys(c.fitted for c in table.cells))
    tested = list(dict.fromkeys(c.tested for c in table.cells))
    cells, rows = [], []
    for c in table.cells:
        d, band = c.change[axis], c.random_band.get(axis, 0.0)
        cells.append(
            CellMark(
                c.fitted,
                c.tested,
                d.value,
                signed(d.value),
                f"{signed(d.low)} to {signed(d.high)}",
                f"fitted on {clean(c.fitted)}, tested on {clean(c.tested)}\nd of {study.axis(axis)}\n"
                f"{span(d.value, d.low, d.high)}\n95% of random steps within ±{plain(band)}",
                abs(d.value) <= band,
            )
        )
        row: dict[str, Value] = {
            "steered": table.axis,
            "measured": axis,
            "fitted": c.fitted,
            "tested": c.tested,
            "change": d.value,
            "low": d.low,
            "high": d.high,
            "random_band": band,
        }
        rows.append(row)

    def draw(theme: Theme) -> Spec:
        return matrix_view(cells, fitted, tested, ("tested on", "fitted on"), theme, reach=reach)

    on = "its own axis" if axis == table.axis else f"the other axis, {clean(axis)}"
    return StudyChart(
        f"domains-{table.axis}-{axis}",
        f"{clean(table.axis)} steered: {on}",
        matrix_sentence(table, axis),
        draw,
        tuple(rows),
        KEY,
    )


def matrix_sentence(table: DomainTable, axis: str) -> str:
    """Whether a vector works where it was fitted and whether it carries over."""
    own = [c for c in table.cells if c.fitted == c.tested]
    other = [c for c in table.cells if c.fitted != c.tested and c.fitted != "all"]
    beyond = [
        sum(abs(c.change[axis].value) > c.random_band.get(axis, 0.0) for c in part) for part in (own, other)
    ]
    text = f"Beyond random steps: {beyond[0]} of {len(own)} where the vector was fitted"
    text += f", {beyond[1]} of {len(other)} in another domain" if other else ""
    far = max(table.cells, key=lambda c: abs(c.change[axis].value))
    d = far.change[axis]
    return (
        f"{text}. The largest change is {span(d.value, d.low, d.high)}, fitted on {clean(far.fitted)} and tested on "
        f"{clean(far.tested)}."
    )


def _by_domain(study: Study, sweep: Sweep) -> list[StudyChart]:
    """Both axes over the coefficient, a line a domain."""
    drawn: list[tuple[str, str, list[LineMark], tuple[dict[str, Value], ...]]] = []
    for vector in vectors_of(sweep):
        rows = rows_of(sweep, vector)
        names = list(dict.fromkeys(d for r in rows for d in r.domains))
        axes = list(dict.fromkeys(a.axis for r in rows for w in r.domains.values() for a in w.axes))
        for axis in axes:
            lines, table = [], []
            for n, domain in enumerate(names):
                points = []
                for r in rows:
                    at = (
                        next((a for a in r.domains[domain].axes if a.axis == axis), None)
                        if domain in r.domains
                        else None
                    )
                    if at is None:
                        continue
                    c = at.change
                    tip = f"{clean(domain)}, alpha {signed(r.alpha)}\nchange of d {span(c.value, c.low, c.high)}"
                    points.append(PointMark(r.alpha, c.value, c.low, c.high, tip))
                    row: dict[str, Value] = {
                        "vector": vector,
                        "axis": axis,
                        "domain": domain,
                        "alpha": r.alpha,
                        "change": c.value,
                        "low": c.low,
                        "high": c.high,
                    }
                    table.append(row)
                if len(points) > 1:
                    lines.append(LineMark(clean(domain), n, tuple(points)))
            if lines:
                drawn.append((vector, axis, lines, tuple(table)))
    if not drawn:
        return []
    ends = [extent_of(lines, (), (0.0,)) for _, _, lines, _ in drawn]
    shown = (min(low for low, _ in ends), max(high for _, high in ends))
    charts = []
    for vector, axis, lines, numbers in drawn:

        def draw(theme: Theme, lines: list[LineMark] = lines) -> Spec:
            titles = ("coefficient alpha", "change of d, logits")
            return lines_view(lines, titles, theme, domain=shown, height=190)

        own = "its own axis" if axis == axis_of(sweep, vector) else f"the other axis, {clean(axis)}"
        charts.append(
            StudyChart(
                f"domain-way-{vector}-{axis}",
                f"{clean(vector)} over the coefficient: {own}",
                _way_sentence(lines),
                draw,
                numbers,
                series_key([line.name for line in lines]),
            )
        )
    return charts


def _way_sentence(lines: list[LineMark]) -> str:
    ends = [(line.name, line.points[-1]) for line in lines]
    parts = [f"{name} {span(p.value, p.low or 0.0, p.high or 0.0)}" for name, p in ends]
    values = sorted(p.value for _, p in ends)
    apart = any((a.low or 0.0) > (b.high or 0.0) for _, a in ends for _, b in ends)
    same = "all the same way" if values[0] * values[-1] > 0 else "not all the same way"
    surely = "some intervals do not overlap" if apart else "all intervals overlap"
    return f"At alpha {signed(ends[0][1].x)}: {'; '.join(parts)}. They go {same}, and {surely}."


def _table(table: DomainTable) -> Table:
    axes = list(dict.fromkeys(axis for cell in table.cells for axis in cell.change))
    rows = []
    for c in table.cells:
        figures: list[str] = []
        for axis in axes:
            d = c.change[axis]
            figures += [span(d.value, d.low, d.high), f"±{plain(c.random_band.get(axis, 0.0))}"]
        rows.append((f"fitted on {clean(c.fitted)}, tested on {clean(c.tested)}", *figures))
    head = [name for axis in axes for name in (f"change of {clean(axis)}", "random")]
    return Table(("vector", *head), tuple(rows))
