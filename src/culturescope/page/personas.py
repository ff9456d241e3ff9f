"""The part of the page on personas of societies: what each changes, and the audit of it beside people.

What is shown is said to be an effect of personas only where the instrument check is interpretable; otherwise the same
figures stand there with the verdict, and nothing is read into them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from culturescope.page.figures import count, excludes_zero, listing, percent, signed, with_interval
from culturescope.page.report import Report
from culturescope.page.tables import Table
from culturescope.probing.results import Estimate, Figure, KindAudit, PersonaReading

READ = "interpretable"
WORDS = {
    "anchored": "anchored to societies (an item's d moves it in standard deviations of the societies)",
    "paper": "as in the paper (scores rescaled to the range of the answers)",
}
TOLD = (
    "An advanced persona is told its society's answers to the ten items, rounded to the nearest category. That a model "
    "follows them shows that it does what it is told; it says nothing of what it knows of the society."
)
DRAWN = (
    "Intervals of changes are those of the scenarios and wordings, which all personas share; those of slopes, R² and "
    "spreads take the societies for a sample of societies like them, too. The map is taken as it is fitted."
)


@dataclass(frozen=True)
class AuditText:
    """The audit of one kind by one conversion, in words and as tables."""

    title: str
    sentences: tuple[str, ...]
    distances: Table
    following: Table


@dataclass(frozen=True)
class PersonaText:
    """A persona as the model read it."""

    title: str
    text: str


@dataclass(frozen=True)
class PersonaSection:
    """All that the page says of personas of societies."""

    lead: str
    notes: tuple[str, ...]
    readings: Table
    audits: tuple[AuditText, ...]
    texts: tuple[PersonaText, ...]


def persona_section(report: Report) -> PersonaSection | None:
    """The section, or None where no persona of a society was asked."""
    readings = report.results.personas
    if not readings:
        return None
    known = _stored(report)
    audit = report.results.persona_audit
    advanced = any(p.kind == "advanced" for p in readings)
    return PersonaSection(
        lead=lead_sentence(report),
        notes=(*((TOLD,) if advanced else ()), *((DRAWN,) if audit else ())),
        readings=_readings_table(report, known),
        audits=tuple(audit_text(kind, WORDS[kind.conversion]) for kind in audit.kinds) if audit else (),
        texts=tuple(
            PersonaText(_title(p, known), str(known[p.id]["text"]))
            for p in readings
            if known.get(p.id, {}).get("text")
        ),
    )


def lead_sentence(report: Report) -> str:
    """Whether anything may be read of what the personas change, and what was asked."""
    readings = report.results.personas
    known = _stored(report)
    names = list(dict.fromkeys(_name(p, known) for p in readings))
    kinds = listing(list(dict.fromkeys(p.kind for p in readings)))
    asked = f"The same prompts were asked again as a person of {listing(names)} ({kinds} personas)."
    verdicts = {axis.words: report.verdict_of(axis.id) for axis in report.axes}
    if all(v == READ for v in verdicts.values()):
        return f"{asked} The instrument is interpretable on both axes: what they change may be read, with its interval."
    said = listing([f"{verdict} on {words}" for words, verdict in verdicts.items()])
    partly = any(v == READ for v in verdicts.values())
    rest = (
        "what they change may be read on the interpretable axis only, and no distance on the map"
        if partly
        else "the figures below are shown, and nothing may be read into them"
    )
    return f"{asked} The instrument is {said}: {rest}."


def audit_sentences(kind: KindAudit) -> list[str]:
    """What the audit of a kind of persona says, with the verdict where it is not to be read."""
    number = len(kind.societies)
    near = sum(s.distance for s in kind.societies) / number
    far = sum(s.distance_without for s in kind.societies) / number
    text = (
        f"Under {kind.kind} personas the model lies {near:.2f} from its people on average over "
        f"{count(number, 'society', 'societies')}, without persona {far:.2f}: a change of {figure(kind.mean_change)}"
    )
    if kind.verdict == READ:
        text += f", {_direction(kind.mean_change)}." if kind.mean_change.low is not None else "."
    else:
        text += f". The verdict is “{kind.verdict}”, so this is no effect of personas on values."
    found = [text]
    for axis in kind.axes:
        if axis.slope.value is None:
            found.append(f"On {axis.axis.lower()} slope, R² and spread are {axis.slope.note}.")
            continue
        line = (
            f"On {axis.axis.lower()} the model moves {figure(axis.slope)} where people of these societies differ by one "
            f"(R² {figure(axis.r2)}); its places spread {figure(axis.spread_ratio)} times as far as theirs"
        )
        found.append(line + (f" ({axis.verdict}: not to be read)." if axis.verdict != READ else "."))
    if kind.caveat:
        found.append(f"{kind.caveat[:1].upper()}{kind.caveat[1:]}.")
    return found


def figure(found: Figure, digits: int = 2) -> str:
    """A figure with its interval, or why there is none."""
    if found.value is None:
        return found.note or "not estimable"
    text = signed(found.value, digits)
    if found.low is None or found.high is None:
        return text
    return f"{text} ({signed(found.low, digits)} to {signed(found.high, digits)})"


def _direction(change: Figure) -> str:
    estimate = Estimate(value=change.value or 0.0, low=change.low or 0.0, high=change.high or 0.0)
    if not excludes_zero(estimate):
        return "which cannot be told from none"
    return "nearer to them" if estimate.value < 0 else "further from them"


def audit_text(kind: KindAudit, made: str) -> AuditText:
    """The audit of a kind of persona in words and tables; `made` says how the places were made."""
    distances = tuple(
        (
            f"{s.name}{' (partial profile)' if s.partial else ''}",
            f"{signed(s.people[0])}, {signed(s.people[1])} ({s.people_year})",
            f"{signed(s.place[0])}, {signed(s.place[1])}",
            f"{s.distance:.2f}",
            f"{s.distance_without:.2f}",
            figure(s.change),
        )
        for s in kind.societies
    )
    mean = ("mean of these societies", "", "", "", "", figure(kind.mean_change))
    wide = ("mean of societies like these", "", "", "", "", figure(kind.mean_change_of_such))
    following = tuple(
        (
            a.axis.lower(),
            a.verdict,
            figure(a.slope),
            figure(a.r2),
            figure(a.spread_ratio),
            figure(a.spread_ratio_less_noise),
        )
        for a in kind.axes
    )
    return AuditText(
        title=f"{kind.kind.capitalize()} personas, {made}: {kind.verdict}",
        sentences=tuple(audit_sentences(kind)),
        distances=Table(
            ("society", "people at x, y", "model at x, y", "distance", "without persona", "change"),
            (*distances, mean, wide),
        ),
        following=Table(
            ("axis", "verdict", "slope", "R²", "ratio of spreads", "the same without noise"), following
        ),
    )


def _readings_table(report: Report, known: Mapping[str, Mapping[str, Any]]) -> Table:
    words = {axis.id: axis.words for axis in report.axes}
    rows = []
    for p in report.results.personas:
        shifts = {s.axis: s.d for s in p.shifts}
        for axis in p.axes:
            b = "unknown" if axis.b is None else signed(axis.b)
            rows.append(
                (
                    _title(p, known),
                    words.get(axis.axis, axis.axis),
                    report.verdict_of(axis.axis),
                    with_interval(axis.d),
                    with_interval(shifts[axis.axis]),
                    b,
                    percent(axis.letter_mass),
                )
            )
    head = ("persona", "axis", "verdict", "value logit d", "change against none", "bias b", "letter mass")
    return Table(head, tuple(rows))


def _title(reading: PersonaReading, known: Mapping[str, Mapping[str, Any]]) -> str:
    text = f"{_name(reading, known)}, {reading.kind}"
    return f"{text} (partial: without {', '.join(reading.missing)})" if reading.partial else text


def _name(reading: PersonaReading, known: Mapping[str, Mapping[str, Any]]) -> str:
    return str(known.get(reading.id, {}).get("name") or reading.society)


def _stored(report: Report) -> dict[str, Mapping[str, Any]]:
    """The personas as `run.json` has them, by id; none in a reading without a run folder."""
    config = report.run.get("config")
    design = config.get("design") if isinstance(config, Mapping) else None
    entries = design.get("personas") if isinstance(design, Mapping) else None
    return {
        str(entry["id"]): entry for entry in entries or () if isinstance(entry, Mapping) and "id" in entry
    }
