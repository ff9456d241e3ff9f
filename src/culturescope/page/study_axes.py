"""How the axes hang together: response matrix J, entanglement E beside that of random steps, and ways to part them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from culturescope.page.drawing import Spec, Theme
from culturescope.page.figures import plain, signed
from culturescope.page.map_figure import clean
from culturescope.page.study_chart import KeyEntry, StudyChart, Value, series_key, span
from culturescope.page.study_matrix import CellMark, matrix_view
from culturescope.page.study_section import Section
from culturescope.page.study_steps import map_sentence, steps_chart, steps_table
from culturescope.page.study_views import RowMark, rows_view
from culturescope.page.tables import Table

if TYPE_CHECKING:
    from culturescope.experiments.steer.results import Decoupled, Drawn, Entanglement, EntangleStudy
    from culturescope.page.study_data import Study


def axes_section(study: Study) -> Section | None:
    """The section; None where entanglement was not measured."""
    found = study.entangle
    if found is None:
        return None
    charts = [_response(study, found), _entanglement(study, found)]
    tables = [("Entanglement as a table", _table(found))]
    if (by_step := steps_chart(found)) is not None:
        charts.append(by_step)
    if found.decoupled:
        charts.append(_parted(study, found))
        tables.append(("Ways to part the axes as a table", _parted_table(found)))
    if (parted := steps_table(found)) is not None:
        tables.append(("Ways to part the axes at other steps as a table", parted))
    human = found.human.get("r")
    lead = [
        f"Each axis is steered one step ({clean(found.unit)} {found.step:g}) both ways, and both axes "
        "are measured. E = min(1, "
        "change off the axis / change on it): 0 parts the axes, 1 couples them. The ratio of two "
        "noises is 0.72 on average, so E "
        "stands only where the change on the axis exceeds random steps, and beside the E of those."
    ]
    if human is not None:
        lead.append(
            f"Over societies the two axes correlate by {signed(human)}: people are not uncoupled either."
        )
    if (placed := map_sentence(found)) is not None:
        lead.append(placed)
    return Section("axes", tuple(lead), tuple(charts), tuple(tables), tuple(clean(n) for n in found.notes))


def _response(study: Study, found: EntangleStudy) -> StudyChart:
    axes = found.response.axes
    names = [f"{clean(a)} steered" for a in axes]
    measured = [f"{clean(a)} moves" for a in axes]
    cells, rows = [], []
    for i, axis in enumerate(axes):
        for j, steered in enumerate(axes):
            d = found.response.matrix[i][j]
            cells.append(
                CellMark(
                    measured[i],
                    names[j],
                    d.value,
                    signed(d.value),
                    f"{signed(d.low)} to {signed(d.high)}",
                    f"d of {study.axis(axis)}\nper unit along {study.axis(steered)}\n{_span(d)}",
                    d.low <= 0 <= d.high,
                )
            )
            row: dict[str, Value] = {
                "measured": axis,
                "steered": steered,
                "J": d.value,
                "low": d.low,
                "high": d.high,
            }
            rows.append(row)

    def draw(theme: Theme) -> Spec:
        return matrix_view(cells, measured, names, ("", ""), theme, step=74)

    condition = found.response.condition
    off = sum(
        1
        for i in range(len(axes))
        for j in range(len(axes))
        if i != j and not found.response.matrix[i][j].low <= 0 <= found.response.matrix[i][j].high
    )
    total = len(axes) * (len(axes) - 1)
    sentence = f"{off} of {total} responses off the steered axis are clear of zero. "
    sentence += (
        "The matrix has no inverse: no mix of the vectors moves one axis alone."
        if condition is None
        else f"Its condition number is {plain(condition, 1)}: "
        + (
            "both axes can be set apart by mixing the vectors."
            if condition < 10
            else "the two vectors do nearly the same, so a mix of them is unsure."
        )
    )
    key = (
        KeyEntry("towards the positive pole", "point", "first", "square"),
        KeyEntry("towards the negative pole", "point", "second", "square"),
        KeyEntry("interval holds zero", "hollow", "muted", "square"),
    )
    return StudyChart(
        "response",
        "Response matrix J: change of d per unit of a coefficient",
        sentence,
        draw,
        tuple(rows),
        key,
    )


def _entanglement(study: Study, found: EntangleStudy) -> StudyChart:
    tables = [("all domains", found.overall), *((t.entanglements[0].domain or "", t) for t in found.domains)]
    marks, rows = [], []
    axes = list(found.overall.steered)
    for where, table in tables:
        for e in table.entanglements:
            label = f"{clean(e.axis)}, {clean(where)}"
            value = e.e
            marks.append(
                RowMark(
                    label,
                    value.value if value else 0.0,
                    value.low if value else 0.0,
                    value.high if value else 0.0,
                    _tip(study, e, label),
                    series=axes.index(e.axis) if e.axis in axes else 0,
                    quiet=value is None,
                )
            )
            row: dict[str, Value] = {
                "steered": e.axis,
                "domain": e.domain or "all",
                "E": value.value if value else None,
                "low": value.low if value else None,
                "high": value.high if value else None,
                "undefined": e.undefined,
                "random_E": e.random_e,
                "on_axis": e.on_axis.value,
                "off_axis": e.off_axis.value,
                "on_band": e.random_band,
                "off_band": e.off_band,
            }
            rows.append(row)
    null = sum(e.random_e for e in found.overall.entanglements) / max(len(found.overall.entanglements), 1)
    marks = [m for m in marks if not m.quiet]
    undefined = [
        str(r["steered"]) + (f" ({r['domain']})" if r["domain"] != "all" else "")
        for r in rows
        if r["E"] is None
    ]

    def draw(theme: Theme) -> Spec:
        return rows_view(marks, "entanglement E", theme, from_zero=True, reach=1.0, step=24, reference=null)

    key = (
        *series_key([f"{a} steered" for a in axes]),
        KeyEntry("median E of random steps", "dashed", "zero"),
    )
    return StudyChart(
        "entanglement",
        "Entanglement E",
        entanglement_sentence(found, undefined),
        draw,
        tuple(rows),
        key,
    )


def entanglement_sentence(found: EntangleStudy, undefined: list[str]) -> str:
    """How coupled the axes are, and how sure that is."""
    said = []
    for e in found.overall.entanglements:
        if e.e is None:
            said.append(
                f"Steering {clean(e.axis)} does not move its own axis beyond random steps, so E is undefined"
            )
            continue
        way = "the same way" if e.sign > 0 else "the opposite way"
        sure = (
            "the change off the axis is within that of random steps"
            if abs(e.off_axis.value) <= e.off_band
            else "the change off the axis exceeds random steps"
        )
        said.append(
            f"Steering {clean(e.axis)} moves the other axis {way} by E {plain(e.e.value)} ({plain(e.e.low)} to "
            f"{plain(e.e.high)}), random steps {plain(e.random_e)}; {sure}"
        )
    more = [u for u in undefined if "(" in u]
    if more:
        said.append(f"Undefined and not drawn: {clean(', '.join(more))}")
    return ". ".join(said) + "."


def _tip(study: Study, e: Entanglement, label: str) -> str:
    return "\n".join(
        (
            label,
            f"on {study.axis(e.axis)}: {_span(e.on_axis)}, random ±{plain(e.random_band)}",
            f"off the axis: {_span(e.off_axis)}, random ±{plain(e.off_band)}",
            f"E of random steps {plain(e.random_e)}",
        )
    )


def _parted(study: Study, found: EntangleStudy) -> StudyChart:
    axes = list(dict.fromkeys(d.axis for d in found.decoupled))
    marks = [
        RowMark(
            f"{clean(d.way)}, {clean(d.axis)}",
            d.e.value,
            d.e.low,
            d.e.high,
            f"{clean(d.way)}: {clean(d.axis)} alone\non the axis {_span(d.on_axis)}, random ±{plain(d.random_band)}\n"
            f"off it {_span(d.off_axis)}\nkept of the plain vector: {_kept(d)}",
            series=axes.index(d.axis),
        )
        for axis in axes
        for d in found.decoupled
        if d.axis == axis and d.e is not None
    ]

    def draw(theme: Theme) -> Spec:
        return rows_view(marks, "entanglement E", theme, from_zero=True, reach=1.0, step=26)

    rows: tuple[dict[str, Value], ...] = tuple(
        {
            "way": d.way,
            "axis": d.axis,
            "E": d.e.value if d.e else None,
            "low": d.e.low if d.e else None,
            "high": d.e.high if d.e else None,
            "undefined": d.undefined,
            "on_axis": d.on_axis.value,
            "off_axis": d.off_axis.value,
            "random_band": d.random_band,
            "kept": d.kept.value if d.kept else None,
        }
        for d in found.decoupled
    )
    return StudyChart(
        "parted",
        "Ways to part the axes",
        parted_sentence(found),
        draw,
        rows,
        series_key([f"{a} alone" for a in axes]),
    )


def parted_sentence(found: EntangleStudy) -> str:
    """Which way parts the axes best, and what it costs; whether it is surely better."""
    said = []
    for axis in dict.fromkeys(d.axis for d in found.decoupled):
        known = [d for d in found.decoupled if d.axis == axis and d.e is not None]
        if not known:
            said.append(f"For {clean(axis)} no way moves the axis beyond random steps.")
            continue
        best = min(known, key=lambda d: d.e.value if d.e else 1.0)
        assert best.e is not None  # noqa: S101 - those without were left out
        text = (
            f"For {clean(axis)} the lowest E is that of {clean(best.way)}, {plain(best.e.value)} ({plain(best.e.low)} to "
            f"{plain(best.e.high)}), which keeps {_kept(best)} of the change on the axis"
        )
        plain_e = next((e.e for e in found.overall.entanglements if e.axis == axis), None)
        if best.lowered is not None and plain_e is not None:
            surely = "surely" if best.lowered.low > 0 else "not surely"
            text += f"; it is {surely} below the {plain(plain_e.value)} of the plain vector"
        said.append(text + ".")
    return " ".join(said)


def _kept(d: Decoupled) -> str:
    return "an unknown share" if d.kept is None else f"{100 * d.kept.value:.0f}%"


def _span(d: Drawn) -> str:
    return span(d.value, d.low, d.high)


def _table(found: EntangleStudy) -> Table:
    tables = [("all domains", found.overall), *((t.entanglements[0].domain or "", t) for t in found.domains)]
    tables += [(f"{found.unit} {size}", t) for size, t in found.by_step.items()]
    rows = tuple(
        (
            f"{clean(e.axis)}, {clean(where)}",
            f"undefined: {clean(e.undefined or '')}" if e.e is None else _span(e.e),
            plain(e.random_e),
            _span(e.on_axis),
            f"±{plain(e.random_band)}",
            _span(e.off_axis),
            f"±{plain(e.off_band)}",
            f"{100 * e.wrong_way:.0f}%",
        )
        for where, table in tables
        for e in table.entanglements
    )
    head = (
        "steered",
        "E",
        "E of random",
        "on the axis",
        "random",
        "off the axis",
        "random",
        "scenarios the wrong way",
    )
    return Table(head, rows)


def _parted_table(found: EntangleStudy) -> Table:
    every = [*found.decoupled, *found.decoupled_by_domain]
    rows = tuple(
        (
            f"{clean(d.way)}, {clean(d.axis)}" + (f", {clean(d.domain)}" if d.domain else ""),
            f"undefined: {clean(d.undefined or '')}" if d.e is None else _span(d.e),
            "" if d.lowered is None else _span(d.lowered),
            _kept(d),
            _span(d.on_axis),
            f"±{plain(d.random_band)}",
            _span(d.off_axis),
        )
        for d in every
    )
    return Table(("way, axis", "E", "lowered by", "kept", "on the axis", "random", "off the axis"), rows)
