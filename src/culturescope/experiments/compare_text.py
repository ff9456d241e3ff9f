"""A comparison as lines for a terminal, and the words of its axes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from culturescope.experiments.audit import design_of
from culturescope.page.compare_results import Compared
from culturescope.probing.results import Estimate
from culturescope.runs import RunFolder

if TYPE_CHECKING:
    from culturescope.page import AxisText


def axis_texts(run: str | os.PathLike[str]) -> list[AxisText]:
    """The words of the axes of a run's pack.

    Raises:
        RunFolderError: no run of audit or probe.
    """
    from culturescope.page import AxisText

    pack = design_of(RunFolder.open(run)).load_pack()
    return [AxisText(a.id, a.name, a.negative, a.positive) for a in pack.axes]


def describe_comparison(compared: Compared) -> list[str]:
    """Verdicts and positions of every run, differences from the first, and the order by distance."""
    shared = f"{len(compared.scenarios)} scenarios, wordings {', '.join(compared.wordings)}"
    lines = [f"Compared over what all {len(compared.runs)} runs were asked: {shared}"]
    for run in compared.runs:
        lines.append(run.label)
        for p in run.axes:
            lines.append(f"  {p.axis}: d {_interval(p.d)}, {run.verdicts[p.axis]}")
        if run.x is not None and run.y is not None:
            told = "" if run.readable else " (not to be read as a position)"
            lines.append(f"  map: x {_interval(run.x)}, y {_interval(run.y)}{told}")
        if run.left_out_scenarios or run.left_out_wordings:
            words = f" and the wordings {', '.join(run.left_out_wordings)}" if run.left_out_wordings else ""
            lines.append(f"  left out: {run.left_out_scenarios} scenarios{words}, which not all runs asked")
    for d in compared.differences:
        if d.quantity == "d" and d.item is None and d.first == compared.runs[0].label:
            told = "" if d.readable else " (not to be read)"
            lines.append(f"{d.second} less {d.first}: d({d.axis}) {_interval(d.value)}{told}")
    for order in compared.orders_by_distance:
        read = [r for r in order.runs if r.rank is not None]
        ranks = [f"{r.label} {r.distance.value:.2f} (rank {r.lowest}-{r.highest})" for r in read]
        lines.append(f"Nearest to {order.name}: {'; '.join(ranks) or 'no run may be read as a position'}")
    return [*lines, *compared.notes]


def _interval(found: Estimate) -> str:
    return f"{found.value:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"
