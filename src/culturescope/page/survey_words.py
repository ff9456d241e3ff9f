"""The words and tables of a survey's page, computed from its numbers."""

from __future__ import annotations

from collections.abc import Sequence

from culturescope.page.figures import count, listing, percent, plain, signed, with_interval
from culturescope.page.map_figure import clean
from culturescope.page.report import AxisText, ItemText
from culturescope.page.tables import Table
from culturescope.probing.results import Estimate
from culturescope.probing.survey_results import (
    AxisSurvey,
    LedgerRow,
    RefusalChange,
    Share,
    SurveyPlace,
    SurveyReading,
    SurveyResults,
    Unmoved,
)

HOW = {"text": "free replies", "options": "log-probabilities of the numbers"}
MEANS = {
    "interpretable": "Turned round, the scale is answered in the same sense. The values may be read, with their intervals.",
    "weak": "The answers hold when the scale is turned round only when all are taken together, or too many are missing. Read a "
    "side at most.",
    "not interpretable": "The answers do not hold when the scale is turned round, or stay at its middle. "
    "Read no value into them.",
}
LONGEST = 4_000
"""Characters of a reply on the page: a server may send more than it was asked for."""
EVENTS = ("answered", "neutral", "refused", "invalid", "empty")


def lead(results: SurveyResults, axes: Sequence[AxisText]) -> str:
    """The verdict on every axis by every instrument, without persona, in a sentence each."""
    words = {a.id: a.words for a in axes}
    said = []
    for reading in without_persona(results):
        for verdict in ("interpretable", "weak", "not interpretable"):
            found = [words.get(a.axis, a.axis) for a in reading.axes if a.verdict == verdict]
            if found:
                said.append(f"By {HOW[reading.instrument]}: {verdict} on {listing(found)}.")
    return " ".join(said)


def without_persona(results: SurveyResults) -> list[SurveyReading]:
    """The readings of the model itself."""
    return [r for r in results.readings if r.persona is None]


def name_of_reading(reading: SurveyReading | SurveyPlace | LedgerRow) -> str:
    """`no persona, free replies`; a persona made of a part of its society's answers is marked."""
    partial = ""
    if isinstance(reading, SurveyReading) and reading.persona_missing:
        partial = f" (partial, without {', '.join(reading.persona_missing)})"
    return (
        f"{clean(reading.persona) + partial if reading.persona else 'no persona'}, {HOW[reading.instrument]}"
    )


def axis_numbers(axis: AxisSurvey) -> tuple[tuple[str, str, str], ...]:
    """Name, figure and unit of what decided."""
    found = [
        ("meaning", plain(axis.meaning), "of half a scale"),
        ("order", plain(axis.order), "of half a scale"),
        ("null model", "p < 0.001" if axis.p < 0.001 else f"p = {axis.p:.3f}", "sign flips"),
        ("with a value", percent(axis.answered), "of the replies"),
    ]
    if axis.mass is not None:
        found[-1] = ("number mass", percent(axis.mass), "of the probability")
    return tuple(found)


def ledger_table(rows: Sequence[LedgerRow], items: Sequence[ItemText]) -> Table:
    """How the replies to each item were read, with Wilson intervals."""
    labels = {i.id: i.label for i in items}
    return Table(
        ("item", "replies", *EVENTS),
        tuple(
            (
                "all items" if r.item is None else f"{r.item} {labels.get(r.item, '')}".strip(),
                f"{r.replies:,}",
                *(_share(getattr(r, event)) for event in EVENTS),
            )
            for r in rows
        ),
    )


def values_table(reading: SurveyReading, items: Sequence[ItemText], scales: dict[str, str]) -> Table:
    """Each item's mean with its interval, and where it lies with the missing answers put somewhere."""
    labels = {i.id: i.label for i in items}
    rows = [
        (
            f"{v.item} {labels.get(v.item, '')}".strip(),
            scales.get(v.item, ""),
            _plain_estimate(v.mean),
            plain(v.neutral),
            f"{plain(v.lowest)} to {plain(v.highest)}",
        )
        for v in reading.items
    ]
    head = ("item", "scale", "mean (95% interval)", "missing at the middle", "missing at either end")
    return Table(head, tuple(rows))


def consistency_table(reading: SurveyReading, items: Sequence[ItemText]) -> Table:
    """How each item's answers hold when the scale is turned round and the question is worded otherwise."""
    labels = {i.id: i.label for i in items}
    rows = []
    for v in reading.items:
        c = v.consistency
        rows.append(
            (
                f"{v.item} {labels.get(v.item, '')}".strip(),
                _or_none(c.meaning, signed),
                _or_none(c.order, signed),
                _or_none(c.gap, percent),
                _or_none(c.same_side, percent),
                ", ".join(_or_none(w, plain) for w in c.wordings),
                _or_none(c.wording_sd, plain),
            )
        )
    head = (
        "item",
        "meaning",
        "order",
        "apart when turned round",
        "same side of the middle",
        "value under each wording",
        "spread (sd)",
    )
    return Table(head, tuple(rows))


def places_table(places: Sequence[SurveyPlace]) -> Table:
    """Where each reading falls, and the band that missing answers leave open."""
    rows = []
    for p in places:
        band = p.band
        rows.append(
            (
                name_of_reading(p),
                _verdicts(p.verdicts),
                "" if band is None or band.drop is None else _point(band.drop),
                "" if p.half_axes is None else f"{p.half_axes[0]:.2f}, {p.half_axes[1]:.2f}",
                "" if p.from_null is None else _point(p.from_null),
                "" if band is None else percent(band.missing),
                "" if band is None else _point(band.neutral),
                "" if band is None else f"{signed(band.x[0])} to {signed(band.x[1])}",
                "" if band is None else f"{signed(band.y[0])} to {signed(band.y[1])}",
                p.reason or "",
            )
        )
    head = (
        "reading",
        "verdict",
        "x, y of the answers",
        "ellipse, half-axes",
        "from the null",
        "missing",
        "x, y with missing at the middle",
        "x, missing at either end",
        "y, missing at either end",
        "why no position",
    )
    return Table(head, tuple(rows))


def band_sentence(place: SurveyPlace) -> str:
    """What missing answers leave open of a place."""
    band = place.band
    name = name_of_reading(place)
    if band is None:
        return f"{_upper(name)}: no place ({place.reason})."
    opened = f"x from {signed(band.x[0])} to {signed(band.x[1])}, y from {signed(band.y[0])} to {signed(band.y[1])}"
    if band.missing == 0:
        return f"{_upper(name)}: every reply has a value, so no band is left open."
    start = f"{_upper(name)}: {percent(band.missing)} of the replies have no value"
    if band.drop is None:
        return f"{start}, and {place.reason}; whatever they would have been, the place lies within {opened}."
    return (
        f"{start}. Left out, the place is x {signed(band.drop[0])}, y {signed(band.drop[1])}; put to the middle, x "
        f"{signed(band.neutral[0])}, y {signed(band.neutral[1])}; at either end, {opened}."
    )


def unmoved_sentence(found: Unmoved) -> str:
    """How many answers no persona moves."""
    if found.same is None:
        return (
            f"By {HOW[found.instrument]}: no answer was given under every persona, so none can be compared."
        )
    text = (
        f"By {HOW[found.instrument]}: of {count(found.same.of, 'answer')} given under all {found.personas} personas (none "
        f"among them), {_share(found.same)} stay the same under every one"
    )
    return text + (
        f", and {_share(found.neutral)} are at the middle under every one." if found.neutral else "."
    )


def refusals_table(changes: Sequence[RefusalChange]) -> Table:
    """How often free replies refuse under each persona, and how much more often than without."""
    rows = [
        (
            clean(c.persona) if c.persona else f"all {c.persona_kind} personas",
            _share(c.without),
            _share(c.under),
            _points(c.change),
        )
        for c in changes
    ]
    return Table(("persona", "refused without persona", "refused under it", "change in points"), tuple(rows))


def refusal_sentence(change: RefusalChange) -> str:
    """The same of one persona, or of all of a kind, in a sentence."""
    who = clean(change.persona) if change.persona else f"the {change.persona_kind} personas"
    return (
        f"Under {who} {_share(change.under)} of the free replies refuse, without persona {_share(change.without)}: a change "
        f"of {_points(change.change)} points."
    )


def shown(reply: str) -> str:
    """A reply as it is listed: its beginning, where it is very long."""
    if len(reply) <= LONGEST:
        return reply
    return f"{reply[:LONGEST]} … ({len(reply) - LONGEST:,} more characters in samples.jsonl)"


def summary_lines(
    results: SurveyResults, places: Sequence[SurveyPlace], axes: Sequence[AxisText]
) -> list[str]:
    """What the command prints: verdict and why, then the ledger, then the place with its interval and band."""
    names = {a.id: a.words for a in axes}
    lines = []
    for reading, place in zip(results.readings, places, strict=True):
        lines.append(f"{_upper(name_of_reading(reading))}:")
        for axis in reading.axes:
            lines.append(f"  {names.get(axis.axis, axis.axis)} ({axis.axis}): {axis.verdict}")
            lines.extend(f"    why     {reason}" for reason in axis.reasons)
            figures = ", ".join(f"{name} {value}" for name, value, _ in axis_numbers(axis))
            lines.append(f"    {figures}")
        row = next(
            r
            for r in results.ledger
            if (r.item, r.persona, r.instrument) == (None, reading.persona, reading.instrument)
        )
        if reading.instrument == "text":
            lines.append(
                "  ledger    " + ", ".join(f"{event} {_share(getattr(row, event))}" for event in EVENTS)
            )
        lines.append(f"  place     {_place_words(place)}")
    lines += [unmoved_sentence(u) for u in results.unmoved]
    lines += [refusal_sentence(c) for c in results.refusals]
    return lines


def _place_words(place: SurveyPlace) -> str:
    band = place.band
    if band is None:
        return f"none: {place.reason}"
    text = band_sentence(place).split(": ", 1)[1]
    if place.reason is not None and band.drop is not None:
        return f"not to be read ({place.reason}); {text}"
    if band.drop is None or place.half_axes is None:
        return text
    long, short = place.half_axes
    return f"x {signed(band.drop[0])}, y {signed(band.drop[1])}, ellipse {long:.2f}, {short:.2f}; {text}"


def _share(share: Share) -> str:
    return f"{percent(share.value)} ({percent(share.low)} to {percent(share.high)})"


def _points(change: Estimate) -> str:
    return with_interval(
        Estimate(value=100 * change.value, low=100 * change.low, high=100 * change.high), digits=0
    )


def _plain_estimate(estimate: Estimate | None) -> str:
    if estimate is None:
        return "none"
    return with_interval(estimate).replace("+", "")


def _point(point: tuple[float, float]) -> str:
    return f"{signed(point[0])}, {signed(point[1])}"


def _verdicts(verdicts: dict[str, str]) -> str:
    return ", ".join(f"{axis} {verdict}" for axis, verdict in verdicts.items())


def _or_none(value: float | None, form: object) -> str:
    return "none" if value is None or not callable(form) else str(form(value))


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
