"""`scenarios stats`: item statistics over the readings of some runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from culturescope.cli import options as o

if TYPE_CHECKING:
    from culturescope.probing.item_statistics import ItemStatistics, Panel
    from culturescope.stats.reliability import Figure

WARNING = (
    "Respondents are prompts to models, not a sample of people: those of one model share its weights, and what they show\n"
    "of the scenarios need not hold among people. Intervals resample respondents (wordings and personas of these models), not "
    "models and not scenarios.\nConvinced personas are told what to answer, on all scenarios at once; they raise alpha and "
    "split half whatever the scenarios are worth."
)
LEGEND = (
    "mean d: value logit over respondents; spread: standard deviation over respondents; rest: correlation with the rest\n"
    "(an item with the other items of its axis, a scenario with the other scenarios of its item); alpha: Cronbach's, over\n"
    "the items of an axis and the scenarios of an item; split half: Spearman-Brown, over scenarios dealt item by item.\n"
    "What the items of an axis do not share is error to its alpha and none to its split half, so the two may differ widely."
)
ONE_ORDER = "respondents were asked in one order, so that position bias is part of their d."


def stats_command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="One or more run folders.")],
    pack: o.PackFolder = None,
    scenarios: Annotated[
        bool, typer.Option("--scenarios", help="Show every scenario too, not only axes and items.")
    ] = False,
    seed: Annotated[int, typer.Option("--seed", help="Seed of bootstrap and random splits.")] = 42,
    as_json: o.Json = False,
) -> None:
    """Item statistics over readings: mean, spread, correlation with the rest, Cronbach's alpha, split half.

    A respondent is a model x persona x wording. Every figure stands with and without the convinced personas of the
    instrument check.
    """
    from culturescope.experiments.statistics import statistics_of

    found = statistics_of(runs, pack=pack, seed=seed)
    if as_json:
        typer.echo(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    typer.echo(as_text(found, scenarios=scenarios))


def as_text(found: ItemStatistics, *, scenarios: bool = False) -> str:
    """The statistics as lines: one table a set of respondents, the reasons of missing figures, and what to beware of."""
    left = f"; {found.left_out} others were asked of some only and are left out" if found.left_out else ""
    reasons: dict[str, str] = {}
    levels = ("axis", "item", "scenario") if scenarios else ("axis", "item")
    parts = [f"{found.scenarios} scenarios were asked of every respondent{left}."]
    parts += [_panel(panel, levels, reasons) for panel in found.panels]
    if reasons:
        parts.append("\n".join(f"({letter}) {reason}" for reason, letter in reasons.items()))
    notes = [LEGEND, f"Intervals: {found.level:.0%}, {found.resamples:,} draws, percentiles.", WARNING]
    if found.one_order:
        notes.append(f"{found.one_order} {ONE_ORDER}")
    return "\n\n".join([*parts, "\n".join(notes)])


def _panel(panel: Panel, levels: tuple[str, ...], reasons: dict[str, str]) -> str:
    models = ", ".join(f"{name}: {n}" for name, n in panel.models.items())
    head = ["", "scenarios", "mean d", "spread", "rest", "alpha", "split half"]
    lines = [
        [
            row.id,
            str(row.scenarios),
            _shown(row.mean, reasons, "+.2f"),
            _shown(row.spread, reasons, ".2f"),
            "" if row.level == "axis" else _shown(row.rest, reasons, "+.2f"),
            *(
                "" if row.level == "scenario" else _shown(f, reasons, ".2f")
                for f in (row.alpha, row.split_half)
            ),
        ]
        for level in levels
        for row in panel.rows
        if row.level == level
    ]
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    table = [
        "  " + "  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in (head, *lines)
    ]
    personas = "1 persona" if panel.personas == 1 else f"{panel.personas} personas"
    title = (
        f"Respondents {panel.name}: {panel.respondents} ({models}; {personas}, none at all counted as one)"
    )
    return "\n".join([title, *table])


def _shown(figure: Figure, reasons: dict[str, str], form: str) -> str:
    """A figure with its interval; a letter stands for the reason why one of them is missing."""
    mark = ""
    if figure.reason:
        mark = f" ({reasons.setdefault(figure.reason, chr(ord('a') + len(reasons)))})"
    if figure.value is None:
        return f"not estimable{mark}"
    # Rounded first, so that no negative zero is shown.
    value, low, high = (
        None if x is None else round(x, 2) + 0.0 for x in (figure.value, figure.low, figure.high)
    )
    return (
        f"{value:{form}}{mark}"
        if low is None or high is None
        else f"{value:{form}} [{low:{form}}, {high:{form}}]"
    )
