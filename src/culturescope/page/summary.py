"""The words of the report, computed from its numbers: no figure is said that the results do not hold."""

from __future__ import annotations

from collections.abc import Sequence

from culturescope.page.figures import (
    count,
    excludes_zero,
    listing,
    percent,
    percent_with_interval,
    plain,
    signed,
    with_interval,
)
from culturescope.page.readings import ScenarioReading
from culturescope.page.report import NOT_READ, UNCHECKED, AxisText, Report, ShownVerdict
from culturescope.probing.results import Agreement, AxisCheck, Position

VERDICT_MEANS: dict[ShownVerdict, str] = {
    "interpretable": "Opposed personas move the answers clearly further than value-free ones. "
    "A position may be read, with its interval.",
    "weak": "The instrument reacts, but not surely. Read a side at most, never a distance.",
    "not interpretable": "The answers do not follow values that this instrument can see. "
    "A dot on this axis is no position.",
    "not checked": "No persona was tried, so nobody knows what the answers follow. "
    "A dot on this axis is no position.",
}


def headline(report: Report) -> str:
    """What may be read of the model's answers, without full stop: the first words of the report."""
    who = possessive(report.model_name)
    groups: dict[ShownVerdict, list[AxisText]] = {}
    for axis in report.axes:
        groups.setdefault(report.verdict_of(axis.id), []).append(axis)
    if set(groups) <= {UNCHECKED}:
        return f"{who} answers were not checked"
    if len(groups) == 1:
        return f"{who} answers " + _carry(next(iter(groups)), report)
    order: tuple[ShownVerdict, ...] = ("interpretable", "weak", "not interpretable", UNCHECKED)
    said = {
        "interpretable": "can be read on {}",
        "weak": "only weakly on {}",
        "not interpretable": "not on {}",
        "not checked": "were not checked on {}",
    }
    parts = [said[v].format(listing([a.words for a in groups[v]])) for v in order if v in groups]
    if "interpretable" not in groups:
        parts[0] = "can be read " + parts[0]
    return f"{who} answers " + ", ".join(parts)


def _carry(verdict: ShownVerdict, report: Report) -> str:
    if verdict == "interpretable":
        return "carry values that this instrument can see"
    if verdict == "weak":
        return "carry values that this instrument sees only weakly"
    checks = [report.check_of(axis.id) for axis in report.axes]
    if any(check and check.before_reasons != "not interpretable" for check in checks):
        return "carry no values that this instrument can tell from the model's own biases"
    return "carry no values that this instrument can see"


def summary(report: Report) -> str:
    """The report in a few sentences."""
    return " ".join(sentences(report))


def sentences(report: Report) -> list[str]:
    """The report in a few sentences: headline with what personas move, what lowered it, what may be read."""
    moves: list[str] = []
    for axis in report.axes:
        check = report.check_of(axis.id)
        if check is not None:
            moves.append(_move(axis, check, first=not moves))
    opening = headline(report)
    if moves:
        first = f"{opening}: {'; '.join(moves)}."
    else:
        first = f"{opening}: no opposed personas were tried, so nobody knows whether they carry values."
    return [first, *lowered(report), *may_be_read(report)]


def _move(axis: AxisText, check: AxisCheck, *, first: bool) -> str:
    verb = "two opposed personas move them by" if first else "and by"
    noun = "value-free personas differ by up to" if first else "against"
    joint = ", while " if first else ", "
    return f"{verb} {with_interval(check.D)} on {axis.words}{joint}{noun} {plain(check.null_band)}"


def lowered(report: Report) -> list[str]:
    """A sentence for each verdict that bias or letter mass lowered."""
    found = []
    for axis in report.axes:
        check = report.check_of(axis.id)
        if check is not None and check.before_reasons != check.verdict:
            found.append(
                f"On {axis.words} the personas alone would say “{check.before_reasons}”; a mean "
                f"position bias of {signed(check.mean_b)} and a letter mass of {percent(check.letter_mass)} "
                f"lower that to “{check.verdict}”."
            )
    return found


def may_be_read(report: Report) -> list[str]:
    """What a reader may take from the positions, and on which axes there is nothing to take."""
    found, stands = [], []
    for axis in report.axes:
        position, verdict = report.position_of(axis.id), report.verdict_of(axis.id)
        if position is not None and verdict not in NOT_READ:
            caution = " (weak: a side at most, no distance)" if verdict == "weak" else ""
            stands.append(f"at {_lean(axis, position)}{caution}")
    if stands:
        found.append(f"Without a persona they stand {'; and '.join(stands)}.")
    dark = [axis.words for axis in report.axes if report.verdict_of(axis.id) in NOT_READ]
    if len(dark) == len(report.axes):
        found.append("Where its dots lie below should not be read as a position.")
    elif dark:
        found.append(f"Where its dots lie on {listing(dark)} should not be read as a position.")
    return found


def _lean(axis: AxisText, position: Position, *, named: bool = True) -> str:
    figure = with_interval(position.d) + (f" on {axis.words}" if named else "")
    if not excludes_zero(position.d):
        return f"{figure}, which cannot be told from the middle"
    pole = axis.positive_pole if position.d.value > 0 else axis.negative_pole
    return f"{figure}, on the {pole} side"


def position_sentence(report: Report, axis: AxisText) -> str:
    """What the position chart of an axis shows."""
    position, verdict = report.position_of(axis.id), report.verdict_of(axis.id)
    if position is None:
        return f"No scenario of {axis.words} was probed."
    start = f"The mean over {count(position.scenarios, 'scenario')} is {_lean(axis, position, named=False)}"
    if verdict in NOT_READ:
        return f"{start}; as this axis is {verdict}, this is no position."
    spread = [w.d.value for w in report.wordings_of(axis.id)]
    if len(spread) > 1:
        start += f"; the wordings of the prompt lie between {signed(min(spread))} and {signed(max(spread))}"
    return start + "."


def items_sentence(report: Report, axis: AxisText) -> str:
    """What the item x domain chart of an axis shows."""
    cells = [cell for cell in report.results.probe.cells if cell.axis == axis.id]
    if not cells:
        return f"No item of {axis.words} has two scenarios, so none of them has an interval or is shown."
    clear = [cell for cell in cells if excludes_zero(cell.d)]
    far = max(cells, key=lambda cell: abs(cell.d.value))
    chance = 0.05 * len(cells)
    text = (
        f"{len(clear)} of {count(len(cells), 'cell')} of item and domain have an interval clear of zero, "
        f"where chance alone would give about {plain(chance, 1)}; furthest out is {far.item} in the "
        f"{far.domain} domain at {with_interval(far.d)}."
    )
    if report.verdict_of(axis.id) in NOT_READ:
        text += f" The axis is {report.verdict_of(axis.id)}: this is drawn for completeness, not to be read."
    return text


def check_sentence(axis: AxisText, check: AxisCheck | None) -> str:
    """What the instrument check of an axis shows."""
    if check is None:
        return f"On {axis.words} no persona was tried."
    moved, band = check.D, plain(check.null_band)
    scenarios = count(check.scenarios, "scenario")
    start = f"Under a persona of each pole, the answers to {scenarios} differ by {with_interval(moved)}"
    if moved.high < 0:
        return f"{start}, against the direction that the personas ask for."
    if moved.low <= 0:
        return f"{start}, which cannot be told from nothing; two value-free personas differ by up to {band}."
    if moved.value <= check.null_band:
        return f"{start}, no more than the {band} by which two value-free personas may differ."
    return f"{start}, beyond the {band} by which two value-free personas may differ."


def scatter_sentence(readings: Sequence[ScenarioReading], axis: AxisText) -> str:
    """What the chart of bias against value shows on an axis."""
    found = [r for r in readings if r.axis == axis.id]
    if not found:
        return (
            f"No scenario of {axis.words} was shown in both orders, so bias and value cannot be told apart."
        )
    decided = sum(r.place_decides for r in found)
    return (
        f"In {decided} of {count(len(found), 'scenario')} the place outweighs the content "
        "(|b| > |d|, the shaded part): the same letter is the likelier one in both orders, whatever it "
        "stands for."
    )


def bias_sentence(report: Report) -> str:
    """What the chart of bias and letter mass by item shows."""
    items = report.results.probe.items
    if not items:
        return "No item has two scenarios, so none of them is shown."
    masses = [p.letter_mass for p in items]
    low = min(items, key=lambda p: p.letter_mass)
    mass = (
        f"the letters A and B take {percent(sum(masses) / len(masses))} of the probability on average, "
        f"least on {low.item} ({percent(low.letter_mass)})"
    )
    biased = [(p.mean_abs_b, p) for p in items if p.mean_abs_b is not None]
    if not biased:
        return f"With one order a prompt the position bias is unknown; {mass}."
    most, where = max(biased, key=lambda pair: pair[0])
    mean = sum(b for b, _ in biased) / len(biased)
    return (
        f"The place of an option shifts an answer by {mean:.2f} logits on average, most on {where.item} "
        f"({most:.2f}); {mass}."
    )


def agreement_sentence(agreement: Agreement | None) -> str:
    """How the letters agree with text that the model writes."""
    if agreement is None:
        return (
            "No free answers were written in this run, so it is unknown whether the letters agree with "
            "what the model would write."
        )
    text = (
        f"In {agreement.agree} of {count(agreement.prompts, 'prompt')} the likelier letter is the one that "
        f"the model writes when it may write freely (greedy): {percent_with_interval(agreement.rate)}."
    )
    rest = []
    if agreement.differ:
        rest.append(f"{agreement.differ} name the other letter")
    if agreement.unreadable:
        rest.append(f"{agreement.unreadable} name neither")
    return text + (f" Of the others, {listing(rest)}." if rest else "")


def possessive(name: str) -> str:
    """`SmolLM2-135M’s`."""
    return name + "’s"
