"""The study in a few sentences, each from the numbers of a part and with how sure it is; first of all what may be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from culturescope.page.figures import count, listing, plain
from culturescope.page.map_figure import clean
from culturescope.page.report import NOT_READ
from culturescope.page.study_aim import short_sentence, unread
from culturescope.page.study_axes import entanglement_sentence
from culturescope.page.study_chart import span
from culturescope.page.study_claims import claims_sentence
from culturescope.page.study_cost import recommendation_sentence
from culturescope.page.study_direct import near_sentence, nearness
from culturescope.page.study_sweep import vectors_of

if TYPE_CHECKING:
    from culturescope.experiments.steer.search_results import Search
    from culturescope.experiments.study.file import PartRecord
    from culturescope.page.report import Report
    from culturescope.page.study_data import Study
    from culturescope.page.tables import Table

SHOWN = {
    "probe": "probe",
    "survey": "direct survey",
    "personas": "personas",
    "search": "search over blocks",
    "sweep": "sweep over coefficients",
    "entangle": "entanglement",
    "domains": "domains",
    "methods": "methods",
    "steered": "steered readings",
    "aim": "aim",
    "together": "persona and vector together",
    "generate": "answers side by side",
    "tax": "benchmarks",
}


@dataclass(frozen=True)
class Line:
    """A sentence of the summary and the section that holds its numbers."""

    anchor: str
    title: str
    sentence: str


def summary_lines(report: Report, study: Study) -> tuple[Line, ...]:
    """What the parts of the study found, in the order of the page."""
    found: list[Line] = []
    if (claims := claims_sentence(study)) is not None:
        found.append(Line("claims", "Claims of the paper", claims))
    if study.search is not None:
        found.append(Line("search", "Blocks", _blocks(study, study.search.found)))
    if study.sweep is not None and vectors_of(study.sweep):
        controls = study.sweep.random
        beyond = sum(e.beyond for e in controls)
        if controls:
            found.append(
                Line(
                    "sweep",
                    "Coefficients",
                    f"At its largest coefficients, {beyond} of {count(len(controls), 'effect')} lie "
                    "beyond what random vectors of the "
                    "same norms do.",
                )
            )
        found.append(Line("cost", "Cost", recommendation_sentence(study.sweep)))
    if study.entangle is not None:
        found.append(Line("axes", "Axes", entanglement_sentence(study.entangle, [])))
    if study.aims:
        found.append(
            Line("aim", "Aims", " ".join((*unread(study), *map(short_sentence, study.aims.values()))))
        )
    near = [n for n in nearness(study) if not n.method.startswith("steered")]
    if near:
        found.append(Line("near", "Personas", near_sentence(near)))
    return tuple(found)


def caution(report: Report) -> str:
    """What the verdict means for all figures of steering."""
    dark = [a.words for a in report.axes if report.verdict_of(a.id) in NOT_READ]
    if not dark:
        return (
            "The instrument may be read on every axis, so a change of d that exceeds its controls is a change of what the "
            "answers lean to."
        )
    where = "both axes" if len(dark) == len(report.axes) else listing(dark)
    return f"The instrument may not be read on {where}: there a change of d says that the letters move, and nothing of values."


def _blocks(study: Study, found: dict[str, Search]) -> str:
    """A sentence for each axis; of more than a few items only how many are surely moved."""
    if len(found) <= 3:
        return " ".join(_search(study, one) for one in found.values())
    chosen = [one.choice("chosen") for one in found.values()]
    sure = sum(c.effect.low > (c.random_band or 0.0) for c in chosen)
    return f"The chosen blocks move d surely beyond random vectors on {sure} of {count(len(found), 'item')} that were searched."


def _search(study: Study, found: Search) -> str:
    chosen = found.choice("chosen")
    e, band = chosen.effect, chosen.random_band or 0.0
    name = study.axis(found.axis) if found.item is None else clean(found.item)
    surely = e.low > band
    maybe = abs(e.value) > band
    word = "surely beyond" if surely else "beyond" if maybe and e.value > 0 else "not beyond"
    return (
        f"{name}: {count(len(chosen.blocks), 'chosen block')} move d by {span(e.value, e.low, e.high)}, {word} random vectors "
        f"(±{plain(band)})."
    )


def parts_table(study: Study) -> Table | None:
    """What became of each part, and how long it took; None without `study.json`."""
    from culturescope.page.tables import Table

    if study.record is None:
        return None
    rows = tuple(
        (
            SHOWN.get(p.part, clean(p.part)),
            p.status,
            "" if p.seconds is None else f"{p.seconds:,.0f} s",
            "" if p.planned.seconds is None else f"{p.planned.seconds:,.0f} s",
            *(_counted(p, name) for name in ("prompts", "readings", "written")),
            clean(p.reason or ""),
        )
        for p in study.record.parts
    )
    head = ("part", "status", "took", "expected", "prompts", "steered readings", "tokens written", "why")
    return Table(head, rows)


def _counted(part: PartRecord, name: str) -> str:
    """What was asked, and what was planned where that is another number; nothing where there is neither."""
    planned: int = getattr(part.planned, name)
    asked: int | None = None if part.asked is None else getattr(part.asked, name)
    if asked is None:
        return f"{planned:,} planned" if planned else ""
    if asked == planned:
        return f"{asked:,}" if asked else ""
    return f"{asked:,} ({planned:,} planned)"
