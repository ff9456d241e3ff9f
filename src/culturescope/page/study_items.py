"""Items against domains as a heat map, and how reliably the scenarios of an item agree over respondents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from culturescope.page.drawing import Spec, Theme
from culturescope.page.figures import count, excludes_zero, plain, signed, with_interval
from culturescope.page.map_figure import clean
from culturescope.page.study_chart import KeyEntry, StudyChart, Value
from culturescope.page.study_matrix import CellMark, matrix_view
from culturescope.page.study_section import Section
from culturescope.page.tables import Table

if TYPE_CHECKING:
    from culturescope.page.report import Report
    from culturescope.probing.item_statistics import ItemStatistics
    from culturescope.stats.reliability import Figure

KEY = (
    KeyEntry("towards the positive pole", "point", "first", "square"),
    KeyEntry("towards the negative pole", "point", "second", "square"),
    KeyEntry("interval holds zero", "hollow", "muted", "square"),
)


def items_section(report: Report) -> Section | None:
    """The heat map of the probe without persona; None where no cell has an interval."""
    cells = report.results.probe.cells
    if not cells:
        return None
    labels = {i.id: i.label for i in report.items}
    domains = list(dict.fromkeys(str(c.domain) for c in cells))
    items = list(dict.fromkeys(str(c.item) for c in cells))
    names = {i: f"{i} {labels.get(i, '')}".strip() for i in items}
    marks = [
        CellMark(
            names[str(c.item)],
            str(c.domain),
            c.d.value,
            signed(c.d.value),
            "",
            f"{clean(names[str(c.item)])}, {clean(str(c.domain))}\nvalue logit d {with_interval(c.d)}\n"
            f"{count(c.scenarios, 'scenario')}",
            not excludes_zero(c.d),
        )
        for c in cells
    ]

    def draw(theme: Theme) -> Spec:
        return matrix_view(marks, list(names.values()), domains, ("", ""), theme, step=30, extent=170)

    rows: tuple[dict[str, Value], ...] = tuple(
        {
            "item": c.item,
            "domain": c.domain,
            "d": c.d.value,
            "low": c.d.low,
            "high": c.d.high,
            "scenarios": c.scenarios,
        }
        for c in cells
    )
    return Section("heat", (), (StudyChart("heat", "All cells", heat_sentence(report), draw, rows, KEY),))


def heat_sentence(report: Report) -> str:
    """How many cells lean, which domain leans most, and what chance alone gives."""
    cells = report.results.probe.cells
    clear = [c for c in cells if excludes_zero(c.d)]
    by: Mapping[str, list[float]] = {
        str(d): [c.d.value for c in cells if c.domain == d] for d in dict.fromkeys(c.domain for c in cells)
    }
    means = {name: sum(values) / len(values) for name, values in by.items()}
    top, low = max(means, key=lambda n: means[n]), min(means, key=lambda n: means[n])
    return (
        f"{len(clear)} of {count(len(cells), 'cell')} have an interval clear of zero, where chance "
        "alone would give about "
        f"{plain(0.05 * len(cells), 1)}. Over items the mean is highest in the {clean(top)} domain ({signed(means[top])}) and "
        f"lowest in the {clean(low)} domain ({signed(means[low])})."
    )


def reliability_section(found: ItemStatistics | None) -> Section | None:
    """Reliability over the respondents of the run (the model under each persona); None where there are too few."""
    if found is None or not found.panels:
        return None
    tables = []
    for panel in found.panels:
        rows = tuple(
            (
                f"{r.level} {clean(r.id)}",
                str(r.scenarios),
                _figure(r.alpha),
                _figure(r.split_half),
                _figure(r.spread),
                _figure(r.rest),
            )
            for r in panel.rows
            if r.level in ("axis", "item")
        )
        head = ("", "scenarios", "Cronbach’s alpha", "split half", "spread over respondents", "with the rest")
        tables.append((f"Reliability as a table, {clean(panel.name)}", Table(head, rows)))
    first = found.panels[0]
    return Section("reliability", (reliability_sentence(found), _who(first.respondents)), (), tuple(tables))


def reliability_sentence(found: ItemStatistics) -> str:
    """How many items are reliable over these respondents."""
    panel = found.panels[0]
    items = [r for r in panel.rows if r.level == "item"]
    known = [r for r in items if r.alpha.value is not None]
    if not known:
        reason = next((r.alpha.reason for r in items if r.alpha.reason), "too few respondents")
        return f"Reliability cannot be told from {count(panel.respondents, 'respondent')}: {clean(reason)}."
    good = [r for r in known if (r.alpha.value or 0.0) >= 0.7]
    sure = [r for r in good if r.alpha.low is not None and r.alpha.low >= 0.7]
    return (
        f"Over {count(panel.respondents, 'respondent')} (the model under each persona, and under none), {len(good)} of "
        f"{count(len(items), 'item')} have an alpha of 0.7 or more, {len(sure)} of them with their whole interval."
    )


def _who(respondents: int) -> str:
    text = "Alpha and split half say how alike the scenarios of an item order these respondents."
    return text + (" So few respondents leave wide intervals." if respondents < 30 else "")


def _figure(figure: Figure) -> str:
    if figure.value is None:
        return f"none: {clean(figure.reason)}" if figure.reason else "none"
    if figure.low is None or figure.high is None:
        return plain(figure.value)
    return f"{plain(figure.value)} ({plain(figure.low)} to {plain(figure.high)})"
