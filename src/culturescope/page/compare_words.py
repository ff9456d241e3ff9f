"""The words and tables of a comparison, computed from its numbers; nothing is said of runs that may not be read."""

from __future__ import annotations

from collections.abc import Sequence

from culturescope.page.compare_results import Compared, ComparedRun, Difference, Order
from culturescope.page.figures import count, excludes_zero, listing, percent, plain, signed, with_interval
from culturescope.page.map_figure import clean
from culturescope.page.report import AxisText
from culturescope.page.tables import Table
from culturescope.people.placement import VERDICTS
from culturescope.probing.results import Estimate

NOT_MEASURED = "Not measured: no folder of a search was given (culturescope steer search MODEL -o DIR; compare --steer DIR)."
NO_PERSONAS = (
    "Not measured: none of the runs asked personas of societies (audit --persona basic --society IND)."
)


def worst(run: ComparedRun) -> str:
    """The lowest verdict over a run's axes."""
    return min(run.verdicts.values(), key=VERDICTS.index)


def lead(compared: Compared) -> str:
    """What may be compared, in a sentence."""
    by_verdict: dict[str, list[str]] = {}
    for run in compared.runs:
        by_verdict.setdefault(worst(run), []).append(clean(run.label))
    parts = [
        f"{listing(by_verdict[verdict])} {'is' if len(by_verdict[verdict]) == 1 else 'are'} {verdict}"
        for verdict in reversed(VERDICTS)
        if verdict in by_verdict
    ]
    return (
        f"{count(len(compared.runs), 'run')} over the same {count(len(compared.scenarios), 'scenario')}: "
        + "; ".join(parts)
        + "."
    )


def shared(compared: Compared) -> list[str]:
    """What the comparison rests on, and what each run asked beside it."""
    orders = "both orders" if compared.orders == "both" else "one random order"
    words = [
        f"{count(len(compared.scenarios), 'scenario')} in {count(len(compared.wordings), 'wording')} "
        f"({listing([clean(w) for w in compared.wordings])}), {orders}: what all runs were asked. "
        "Differences are paired scenario by scenario and wording by wording, so what the runs share cancels."
    ]
    for run in compared.runs:
        if run.left_out_scenarios or run.left_out_wordings:
            out = [count(run.left_out_scenarios, "scenario")] if run.left_out_scenarios else []
            if run.left_out_wordings:
                names = [clean(w) for w in run.left_out_wordings]
                out.append(f"the wording{'s' if len(names) > 1 else ''} {listing(names)}")
            words.append(f"Left out of {clean(run.label)}: {' and '.join(out)}, which not all runs asked.")
    if not any(run.left_out_scenarios or run.left_out_wordings for run in compared.runs):
        words.append("Nothing was left out.")
    return [*words, *(clean(note) for note in compared.notes)]


def axis_sentence(compared: Compared, axis: AxisText) -> str:
    """Which runs differ from the first one on an axis, among those that may be read there."""
    found = [
        d for d in compared.differences
        if d.quantity == "d" and d.axis == axis.id and d.item is None and d.first == compared.runs[0].label
    ]  # fmt: skip
    if not found:
        return "One run: there is nothing to compare it with."
    base = clean(compared.runs[0].label)
    read = [d for d in found if d.readable]
    if not read:
        return f"No difference from {base} may be read on this axis: it takes two runs that are at least weak there."
    sure = [d for d in read if excludes_zero(d.value)]
    poles = (axis.negative_pole, axis.positive_pole)
    parts = [
        f"{clean(d.second)} lies {plain(abs(d.value.value))} logits further towards {poles[d.value.value > 0]} "
        f"({with_interval(d.value)})"
        for d in sure
    ]
    rest = [clean(d.second) for d in read if d not in sure]
    said = [f"Against {base}, {listing(parts)}."] if parts else []
    if rest:
        said.append(f"{listing(rest)} cannot be told from {base}.")
    unread = [clean(d.second) for d in found if not d.readable]
    if unread:
        said.append(f"Nothing is said of {listing(unread)}.")
    return " ".join(said)


def order_sentence(order: Order) -> str:
    """The runs from the nearest to the farthest, with the ranks that cannot be told from each."""
    read = [r for r in order.runs if r.rank is not None]
    if not read:
        return f"No run may be read as a position, so none is put in an order by its distance to {clean(order.name)}."
    parts = [
        f"{clean(r.label)} {plain(r.distance.value)} ({rank_words(r.rank, r.lowest, r.highest)})"
        for r in read
    ]
    said = f"From the people of {clean(order.name)} ({order.year}), nearest first: {'; '.join(parts)}."
    left = [clean(r.label) for r in order.runs if r.rank is None]
    return f"{said} Without a rank: {listing(left)}." if left else said


def rank_words(rank: int | None, lowest: int | None, highest: int | None) -> str:
    """`rank 1`, or `rank 1, could be 1 to 3`; a run without one has a dash."""
    if rank is None:
        return "–"
    return f"rank {rank}" if lowest == highest else f"rank {rank}, could be {lowest} to {highest}"


def span(found: Estimate) -> str:
    """A figure without sign and its interval: `1.20 (1.02 to 1.41)`."""
    return f"{plain(found.value)} ({plain(found.low)} to {plain(found.high)})"


def runs_table(compared: Compared, axes: Sequence[AxisText]) -> Table:
    """Positions of every run with intervals and verdicts."""
    mapped = any(run.x is not None for run in compared.runs)
    head = ["run"]
    for axis in axes:
        head += [f"verdict on {axis.id}", f"d on {axis.id} (95% interval)"]
    head += ["x (95% interval)", "y (95% interval)"] if mapped else []
    rows = []
    for run in compared.runs:
        by_axis = {p.axis: p for p in run.axes}
        row = [clean(run.label)]
        for axis in axes:
            row += [run.verdicts[axis.id], with_interval(by_axis[axis.id].d)]
        if mapped:
            row += [with_interval(e) if e is not None else "–" for e in (run.x, run.y)]
        mass, bias = run.mass["all"], max((p.mean_abs_b or 0.0 for p in run.axes), default=0.0)
        both = compared.orders == "both"
        rows.append(
            (
                *row,
                f"{percent(mass.value)} ({percent(mass.low)} to {percent(mass.high)})",
                plain(bias) if both else "unknown",
            )
        )
    return Table((*head, "letter mass", "largest mean |b|"), tuple(rows))


def differences_table(compared: Compared) -> Table:
    """Every paired difference between two runs; those of items follow those of axes and places."""
    names = {o.society: o.name for o in compared.orders_by_distance}
    rows = [
        (
            f"{clean(d.second)} less {clean(d.first)}",
            _what(d, names),
            with_interval(d.value),
            ("yes" if excludes_zero(d.value) else "no") if d.readable else "not to be read",
        )
        for d in sorted(compared.differences, key=lambda d: d.item is not None)
    ]
    return Table(("runs", "what", "difference (95% interval)", "told from zero"), tuple(rows))


def _what(found: Difference, names: dict[str, str]) -> str:
    if found.quantity == "distance":
        return f"distance to {clean(names.get(str(found.society), str(found.society)))}"
    return f"{found.quantity} on {found.item or found.axis}" if found.axis else found.quantity


def order_table(compared: Compared) -> Table:
    """Distance and rank of every run for each society."""
    rows = [
        (clean(o.name), clean(r.label), span(r.distance), rank_words(r.rank, r.lowest, r.highest))
        for o in compared.orders_by_distance
        for r in o.runs
    ]
    return Table(
        ("society", "run", "distance (from the 95% ellipse)", "rank (all together 95%)"), tuple(rows)
    )


def vectors_table(compared: Compared) -> Table:
    """Change of d for one dose of each model's vectors, beside random ones."""
    rows = [
        (
            clean(v.label),
            v.axis,
            with_interval(v.per_dose),
            "not measured" if v.random_band is None else f"±{plain(v.random_band)}",
            f"{v.dose:.3g} at blocks {', '.join(map(str, v.blocks))}",
            clean(v.source),
        )
        for v in compared.vectors
    ]
    head = (
        "run",
        "axis",
        "change of d for a dose of one (95% interval)",
        "random vectors",
        "measured at",
        "search",
    )
    return Table(head, tuple(rows))


def personas_table(compared: Compared) -> Table:
    """What each persona changes."""
    rows = [
        (
            clean(p.label),
            f"{p.kind} {clean(p.society)}",
            plain(p.without),
            plain(p.distance),
            with_interval(p.change),
            ", ".join(f"{axis} {signed(shift.value)}" for axis, shift in p.shifts.items()),
        )
        for p in compared.personas
    ]
    head = ("run", "persona", "distance without", "distance with", "change (95% interval)", "change of d")
    return Table(head, tuple(rows))


def vectors_sentence(compared: Compared) -> str:
    """Whether vectors move the models more than random ones; not measured where they were not."""
    if not compared.vectors:
        return NOT_MEASURED
    beyond = [
        f"{clean(v.label)} on {v.axis}"
        for v in compared.vectors
        if v.random_band is not None and v.per_dose.low > 0 and v.per_dose.value > v.random_band
    ]
    told = f"Moved surely and further than by random vectors: {listing(beyond)}." if beyond else (
        "No vector moves its model surely and further than random ones."
    )  # fmt: skip
    left = [clean(r.label) for r in compared.runs if r.label not in {v.label for v in compared.vectors}]
    return f"{told} {_little(compared)}" + (f" Not measured for {listing(left)}." if left else "")


def personas_sentence(compared: Compared) -> str:
    """Whether personas bring the models nearer to their people."""
    if not compared.personas:
        return NO_PERSONAS
    readable = {r.label for r in compared.runs if r.readable}
    read = [p for p in compared.personas if p.label in readable]
    nearer = [f"{clean(p.label)} ({p.kind} {clean(p.society)})" for p in read if p.change.high < 0]
    farther = [f"{clean(p.label)} ({p.kind} {clean(p.society)})" for p in read if p.change.low > 0]
    if not read:
        told = "The runs with personas may not be read as positions, so nothing is said of their distances."
    elif nearer or farther:
        told = " ".join(
            f"Surely {way}: {listing(who)}." for way, who in (("nearer", nearer), ("farther", farther)) if who
        )
    else:
        told = "No persona surely changes a distance."
    left = [clean(r.label) for r in compared.runs if r.label not in {p.label for p in compared.personas}]
    return told + (f" Not measured for {listing(left)}." if left else "")


def _little(compared: Compared) -> str:
    models = len({v.label for v in compared.vectors})
    return f"{count(models, 'model')} cannot show whether baseline distance and steerability go together." if models < 5 else (
        "Models are the sample here: the chart shows them, and no line is fitted."
    )  # fmt: skip


def failures_lead(compared: Compared, asked: Sequence[str]) -> str:
    """Whether the conditions were met."""
    if not asked:
        return ""
    if not compared.failures:
        which = "the condition" if len(asked) == 1 else "any of the conditions"
        return f"No run meets {which} {listing([f'“{clean(a)}”' for a in asked])}."
    return f"Failed: {count(len({f.label for f in compared.failures}), 'run meets a condition', 'runs meet a condition')}."
