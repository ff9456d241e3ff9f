"""The figures of each chart as a table, for screen readers and for all who want to read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from culturescope.page.figures import percent, plain, signed, with_interval
from culturescope.page.report import AxisText, Report
from culturescope.probing.results import Position


@dataclass(frozen=True)
class Table:
    """A table of words; the first column heads its row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def position_table(report: Report, axis: AxisText) -> Table:
    """Position of an axis, over all wordings and under each."""
    rows = []
    position = report.position_of(axis.id)
    if position is not None:
        rows.append(("all wordings", *_figures(position)))
    for wording in report.wordings_of(axis.id):
        rows.append((f"wording {wording.template}", with_interval(wording.d), "", "", "", ""))
    return Table(("", *FIGURES), tuple(rows))


def item_table(report: Report, axis: AxisText) -> Table:
    """Positions of the items of an axis, over all domains and in each."""
    rows = []
    for item in report.items_of(axis.id):
        mean = report.item_position(item.id)
        if mean is not None:
            rows.append((f"{item.id} {item.label}", "all", *_figures(mean)))
        rows += [(f"{item.id} {item.label}", str(c.domain), *_figures(c)) for c in report.cells_of(item.id)]
    return Table(("item", "domain", *FIGURES), tuple(rows))


def check_table(report: Report) -> Table:
    """D of the opposed personas on each axis, pooled and per wording, with both tests."""
    rows = []
    for axis in report.axes:
        check = report.check_of(axis.id)
        if check is None:
            continue
        pairs = ", ".join(plain(pair) for pair in check.null_pairs)
        rows.append((axis.words, "pooled", with_interval(check.D), plain(check.null_band), "", "", pairs))
        for w in check.wordings:
            tests = (_yes(w.above_zero), _yes(w.above_band))
            rows.append(
                (axis.words, f"wording {w.wording}", with_interval(w.D), plain(check.null_band), *tests, "")
            )
    head = (
        "axis",
        "personas",
        "D (95% interval)",
        "null band",
        "above zero",
        "above band",
        "value-free pairs",
    )
    return Table(head, tuple(rows))


def bias_table(report: Report) -> Table:
    """Position bias and letter mass of each item."""
    labels = {item.id: item.label for item in report.items}
    rows = [
        (
            f"{p.item} {labels.get(str(p.item), '')}".strip(),
            _or_unknown(p.b),
            "unknown" if p.mean_abs_b is None else f"{p.mean_abs_b:.2f}",
            percent(p.letter_mass),
            str(p.scenarios),
        )
        for p in report.results.probe.items
    ]
    return Table(("item", "mean b", "mean |b|", "letter mass", "scenarios"), tuple(rows))


FIGURES = ("value logit d (95% interval)", "score s", "bias b", "letter mass", "scenarios")


def _figures(position: Position) -> Sequence[str]:
    s = f"{position.s.value:.2f} ({position.s.low:.2f} to {position.s.high:.2f})"
    mass, scenarios = percent(position.letter_mass), str(position.scenarios)
    return (with_interval(position.d), s, _or_unknown(position.b), mass, scenarios)


def _or_unknown(b: float | None) -> str:
    return "unknown" if b is None else signed(b)


def _yes(passed: bool) -> str:
    return "yes" if passed else "no"
