"""Direct survey beside dilemmas, and how near personas and steering bring the model to people, by method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from culturescope.page.drawing import Spec, Theme
from culturescope.page.figures import count, listing, plain
from culturescope.page.map_figure import AXES, clean
from culturescope.page.study_aim import target_of
from culturescope.page.study_chart import KeyEntry, StudyChart, Value, span
from culturescope.page.study_section import Section
from culturescope.page.study_views import RowMark, rows_view
from culturescope.page.survey_words import HOW, ledger_table
from culturescope.page.tables import Table

if TYPE_CHECKING:
    from culturescope.page.report import ItemText
    from culturescope.page.study_data import Study
    from culturescope.people import Placement
    from culturescope.probing.results import KindAudit

READABLE = ("interpretable", "weak")


@dataclass(frozen=True)
class Near:
    """How a method changes the distance to the people of a society."""

    society: str
    method: str
    distance: float
    without: float
    change: float
    low: float
    high: float
    verdict: str
    conversion: str


def direct_section(study: Study) -> Section | None:
    """Direct survey beside dilemmas; None where no survey was asked or neither has a place."""
    if study.survey is None:
        return None
    places = [
        p for p in study.placements if p.conversion == "paper" and p.kind == "model" and p.domain is None
    ]
    direct = [p for p in study.survey.placements if p.kind == "model" and p.persona is None]
    rows = [("dilemmas", p) for p in places] + [(_survey_name(p), p) for p in direct]
    charts = [_axis(study, rows, axis, words) for axis, words in AXES] if rows else []
    survey = study.survey.results
    asked = [r for r in survey.readings if r.persona is None]
    lead = [
        f"By {HOW[r.instrument]}, {100 * r.answered:.0f}% of {count(r.replies, 'reply', 'replies')} to "
        "the direct questions have a value."
        for r in asked
    ]
    tables = [
        (f"Ledger of the direct survey, {HOW[r.instrument]}", _ledger(study, r.instrument))
        for r in asked
        if any(row.instrument == r.instrument and row.persona is None for row in survey.ledger)
    ]
    return Section("direct", tuple(lead), tuple(charts), tuple(tables))


def _survey_name(place: Placement) -> str:
    return "direct, " + clean(place.label).rsplit("(", 1)[-1].rstrip(")")


def _ledger(study: Study, instrument: str) -> Table:
    assert study.survey is not None  # noqa: S101 - the section has one
    rows = [r for r in study.survey.results.ledger if r.persona is None and r.instrument == instrument]
    return ledger_table(rows, _items(study))


def _items(study: Study) -> list[ItemText]:
    from culturescope.page.report import ItemText

    return [ItemText(i.id, i.axis, i.label, i.negative, i.positive) for i in study.pack.items]


def _axis(study: Study, places: Sequence[tuple[str, Placement]], axis: str, words: str) -> StudyChart:
    n = 0 if axis == "X" else 1
    marks, rows = [], []
    for label, p in places:
        value = p.x if n == 0 else p.y
        half = math.sqrt(max(p.radius2 * p.covariance[n][n], 0.0))
        verdict = p.verdict_on(axis)
        marks.append(
            RowMark(
                label,
                value,
                value - half,
                value + half,
                f"{label}\n{words}: {span(value, value - half, value + half)}\n{verdict}",
                series=0 if label == "dilemmas" else 1,
                quiet=verdict not in READABLE,
            )
        )
        row: dict[str, Value] = {
            "method": label,
            "axis": axis,
            "value": value,
            "low": value - half,
            "high": value + half,
            "verdict": verdict,
        }
        rows.append(row)

    def draw(theme: Theme) -> Spec:
        return rows_view(marks, f"place on the map, {axis.lower()}", theme, step=30)

    key = (
        KeyEntry("dilemmas", "point", "first", "circle"),
        KeyEntry("direct survey", "point", "second", "square"),
        KeyEntry("not to be read", "hollow", "muted"),
    )
    return StudyChart(
        f"direct-{axis}", f"{words[:1].upper()}{words[1:]}", direct_sentence(marks), draw, tuple(rows), key
    )


def direct_sentence(marks: Sequence[RowMark]) -> str:
    """Whether what the model says and what it does in dilemmas can be told apart."""
    base = next((m for m in marks if m.label == "dilemmas"), None)
    others = [m for m in marks if m.label != "dilemmas"]
    if base is None or not others:
        return "Only one of the two ways to ask has a place on this axis, so they cannot be set beside each other."
    unread = [m.label for m in marks if m.quiet]
    said = []
    for m in others:
        apart = m.low > base.high or m.high < base.low
        said.append(
            f"{m.label} lies at {span(m.value, m.low, m.high)}, dilemmas at "
            f"{span(base.value, base.low, base.high)}: the intervals "
            + ("do not overlap" if apart else "overlap")
        )
    text = "; ".join(said) + " (conversion paper; each interval is the shadow of the 95% ellipse)."
    text = text[:1].upper() + text[1:]
    if unread:
        text += f" Not to be read as a position: {', '.join(unread)}."
    return text


def near_section(study: Study) -> Section | None:
    """Distance to people per society and method; None where no persona was asked and nothing was aimed at."""
    found = nearness(study)
    if not found:
        return None
    methods = list(dict.fromkeys(n.method for n in found))
    societies = list(dict.fromkeys(n.society for n in found))
    ordered = [n for s in societies for n in found if n.society == s]
    reach = max(abs(e) for n in found for e in (n.low, n.high))
    charts = tuple(
        _near_chart(number, [n for n in ordered if n.society == society], methods, reach)
        for number, society in enumerate(societies)
    )
    table = Table(
        ("society, method", "distance", "without", "change", "verdict", "conversion"),
        tuple(
            (
                f"{n.society}, {n.method}",
                plain(n.distance),
                plain(n.without),
                span(n.change, n.low, n.high),
                n.verdict,
                n.conversion,
            )
            for n in ordered
        ),
    )
    lead = (
        near_sentence(ordered),
        "Below zero a method brings the model nearer to the people of a society. Dilemmas and "
        "steering by the conversion anchored; "
        "the direct survey stands on people’s own scales.",
    )
    return Section("near", lead, charts, (("Distances as a table", table),))


def _near_chart(number: int, found: Sequence[Near], methods: Sequence[str], reach: float) -> StudyChart:
    marks = [
        RowMark(
            n.method,
            n.change,
            n.low,
            n.high,
            f"{n.society}, {n.method}\ndistance {plain(n.distance)}, without {plain(n.without)}\n"
            f"change {span(n.change, n.low, n.high)}\n{n.verdict}, conversion {n.conversion}",
            series=methods.index(n.method) % 4,
            quiet=n.verdict not in READABLE,
        )
        for n in found
    ]

    def draw(theme: Theme) -> Spec:
        return rows_view(marks, "change of the distance to people", theme, reach=reach, step=24, extent=196)

    rows: tuple[dict[str, Value], ...] = tuple(asdict(n) for n in found)
    sure = [n.method for n in found if n.high < 0 and n.verdict in READABLE]
    sentence = f"Surely nearer by {listing(sure)}." if sure else "No method brings the model surely nearer."
    sentence += nearest_sentence(found)
    quiet = any(m.quiet for m in marks)
    key = (KeyEntry("not to be read", "hollow", "muted"),) if quiet else ()
    return StudyChart(f"near-{number + 1}", found[0].society, sentence, draw, rows, key)


def nearest_sentence(found: Sequence[Near]) -> str:
    """Which method's place lies nearest to one society; as on the map, only an interpretable place is near to anybody."""
    placed = [n for n in found if n.verdict == "interpretable"]
    if not placed:
        return " No verdict allows to say whose place is the nearest."
    nearest = min(placed, key=lambda n: n.distance)
    among = "" if len(placed) == len(found) else " that is interpretable"
    return f" The nearest place{among} is that of {nearest.method}, {plain(nearest.distance)} away."


def nearness(study: Study) -> list[Near]:
    """Every change of a distance with an interval, by society and method: personas, and steering."""
    found: list[Near] = []
    if study.personas is not None and study.personas.results.persona_audit is not None:
        for kind in study.personas.results.persona_audit.kinds:
            if kind.conversion == "anchored":
                found += _of(kind, f"{kind.kind} persona in dilemmas")
    if study.survey is not None:
        for instrument, kind in study.survey.audits:
            asked = "survey" if instrument == "text" else "survey numbers"
            found += _of(kind, f"{kind.kind} persona in the {asked}")
    verdict = next(
        (p.verdict for p in study.placements if p.conversion == "anchored" and p.kind == "model"),
        "not checked",
    )
    for one in study.aims.values():
        aimed = next((r for r in one.reached if r.name == "aimed"), None)
        start = next((r for r in one.reached if r.name == "unsteered"), None)
        if aimed is None or aimed.change is None or start is None:
            continue
        method = "steered and persona" if one.on_top_of else "steered"
        c = aimed.change
        found.append(
            Near(
                target_of(one),
                method,
                aimed.distance.value,
                start.distance.value,
                c.value,
                c.low,
                c.high,
                verdict,
                "anchored",
            )
        )
    return found


def _of(kind: KindAudit, method: str) -> list[Near]:
    return [
        Near(
            clean(s.name),
            method,
            s.distance,
            s.distance_without,
            s.change.value,
            s.change.low,
            s.change.high,
            kind.verdict,
            kind.conversion,
        )
        for s in kind.societies
        if s.change.value is not None and s.change.low is not None and s.change.high is not None
    ]


def near_sentence(found: Sequence[Near]) -> str:
    """Which methods bring the model surely nearer, and to how many societies."""
    said = []
    for method in dict.fromkeys(n.method for n in found):
        of = [n for n in found if n.method == method]
        nearer, further = sum(n.high < 0 for n in of), sum(n.low > 0 for n in of)
        said.append(
            f"{method}: surely nearer to {nearer} and surely further from {further} of "
            f"{count(len(of), 'society', 'societies')}"
        )
    text = "; ".join(said)
    text = text[:1].upper() + text[1:] + "."
    if any(n.verdict not in READABLE for n in found):
        text += " Where the verdict is not interpretable this is drawn grey and is no effect on values."
    return text
