"""The page of a survey: one HTML file with verdict, ledger, consistency, values, map with its band, and every reply."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from culturescope.page import survey_words as words
from culturescope.page.embed import json_for_script, policy, vega_bundle
from culturescope.page.figures import count, plain, signed
from culturescope.page.map_section import map_css, map_script, map_section
from culturescope.page.personas import TOLD, audit_text
from culturescope.page.provenance import provenance
from culturescope.page.report import AxisText, ItemText
from culturescope.page.writing import write_page
from culturescope.probing.survey_results import SurveyAudit, SurveyPlace, SurveyResults

if TYPE_CHECKING:
    from jinja2 import Environment

    from culturescope.page.map_figure import MapFigure

SHOWN = 2_000
"""Replies on the page; the others are in samples.jsonl."""


@dataclass(frozen=True)
class SurveyReply:
    """A reply as it is listed: what was asked, in which form, what was written and how it was read."""

    question: str
    form: str
    persona: str
    reply: str
    category: str
    value: str
    reason: str


@dataclass(frozen=True)
class SurveyReport:
    """All that the page of a survey shows.

    Args:
        results: what was found.
        run: `run.json`.
        places: of each reading, in the order of `results.readings`.
        items: in the order in which they are shown.
        axes: in the order in which they are shown.
        scales: item id to its answer scale in words.
        questions: id and the wordings of each question.
        replies: every free reply, as it was read.
        map: societies and places, where all ten items were asked.
        audits: of the personas, where their people's places are known.
    """

    results: SurveyResults
    run: Mapping[str, Any]
    places: Sequence[SurveyPlace]
    items: Sequence[ItemText]
    axes: Sequence[AxisText]
    scales: dict[str, str]
    questions: Sequence[tuple[str, Sequence[str]]]
    replies: Sequence[SurveyReply]
    map: MapFigure | None = None
    audits: Sequence[SurveyAudit] = ()

    @property
    def model_name(self) -> str:
        """The model's name for display."""
        model = self.run.get("model")
        return str((model if isinstance(model, Mapping) else {}).get("name") or "The model")


def render_survey(report: SurveyReport) -> str:
    """The page as one self-contained HTML document; whatever a model wrote is escaped."""
    from markupsafe import Markup

    safe = Markup  # what is passed through it is code of this package, or JSON escaped for a script
    mapped = map_section(report.map) if report.map else None
    scripts = [vega_bundle(), map_script()] if mapped else []
    results = report.results
    readings = [
        {
            "name": words.name_of_reading(reading),
            "free": reading.instrument == "text",
            "ledger": words.ledger_table(
                [
                    r
                    for r in results.ledger
                    if (r.persona, r.instrument) == (reading.persona, reading.instrument)
                ],
                report.items,
            ),
            "values": words.values_table(reading, report.items, report.scales),
            "consistency": words.consistency_table(reading, report.items),
        }
        for reading in results.readings
    ]
    cards = [
        {"reading": words.HOW[r.instrument], "axis": axis, "numbers": words.axis_numbers(axis)}
        for r in words.without_persona(results)
        for axis in r.axes
    ]
    html = (
        _environment()
        .get_template("survey.html.j2")
        .render(
            report=report,
            policy=policy(scripts),
            css=safe(_file("report.css") + (map_css() if mapped else "")),
            scripts=[safe(script) for script in scripts],
            specs=safe(json_for_script(mapped.specs if mapped else {})),
            lead=words.lead(results, report.axes),
            cards=cards,
            axis_words={a.id: a.words for a in report.axes},
            meanings=words.MEANS,
            readings=readings,
            replies_asked=sum(r.replies for r in results.readings),
            unmoved=[words.unmoved_sentence(u) for u in results.unmoved],
            refusals=words.refusals_table(results.refusals) if results.refusals else None,
            audits=[audit_text(a.audit, words.HOW[a.instrument]) for a in report.audits],
            told=TOLD if any(a.audit.kind == "advanced" for a in report.audits) else "",
            bands=[words.band_sentence(p) for p in report.places],
            places=words.places_table(report.places),
            map=mapped,
            shown=report.replies[:SHOWN],
            left_out=max(0, len(report.replies) - SHOWN),
            provenance=provenance(report.run),
        )
    )
    return html.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be written to a file


def write_survey(report: SurveyReport, path: str | os.PathLike[str]) -> None:
    """Writes the page to a file, whole or not at all.

    Raises:
        RunFolderError: the file cannot be written.
        RunFailedError: the disk is full or failed.
    """
    write_page(path, lambda: render_survey(report))


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("culturescope.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"signed": signed, "plain": plain}
    environment.globals["count"] = count
    return environment


def _file(name: str) -> str:
    return files("culturescope.page").joinpath("templates", name).read_text(encoding="utf-8")
