"""From a survey to what its page shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from culturescope.experiments.survey_audit import survey_audits
from culturescope.experiments.survey_design import SurveyDesign
from culturescope.experiments.survey_place import survey_placements, survey_places
from culturescope.instrument import Item, load_pack
from culturescope.probing.survey_answers import read_answers
from culturescope.probing.survey_results import SurveyAudit, SurveyResults
from culturescope.prompts.survey import question

if TYPE_CHECKING:
    from culturescope.page.map_figure import MapFigure
    from culturescope.page.survey_document import SurveyReport


def survey_report(
    results: SurveyResults, run: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]
) -> SurveyReport:
    """Everything that the page of a survey shows.

    Args:
        results: what was found.
        run: `run.json`.
        rows: samples of the survey.
    """
    from culturescope.page.report import AxisText, ItemText
    from culturescope.page.survey_document import SurveyReply, SurveyReport
    from culturescope.page.survey_words import shown

    pack = load_pack()
    asked = list(dict.fromkeys(row["question"] for row in rows))
    answers = read_answers(rows)
    replies = [
        SurveyReply(
            question=a.question,
            form=f"wording {a.wording}{', turned round' if a.turned else ''}{', number only' if a.number_only else ''}",
            persona=a.persona or "none",
            reply=shown(row["reply"]),
            category=a.category,
            value="" if a.value is None else f"{a.value:g}",
            reason=a.reason,
        )
        for a, row in zip(answers, rows, strict=True)
        if a.instrument == "text"
    ]
    return SurveyReport(
        results=results,
        run=run,
        places=survey_places(results),
        items=[
            ItemText(i.id, i.axis, i.label, i.negative, i.positive)
            for i in pack.items
            if any(i.id == v.item for r in results.readings for v in r.items)
        ],
        axes=[AxisText(a.id, a.name, a.negative, a.positive) for a in pack.axes],
        scales={i.id: _scale(i) for i in pack.items},
        questions=[(q, question(q).wordings) for q in asked],
        replies=replies,
        map=_map(results, run),
        audits=_audits(results, run),
    )


def _scale(item: Item) -> str:
    if item.scale is None:
        return ""
    return f"{item.scale.low} {item.scale.low_label} to {item.scale.high} {item.scale.high_label}"


def _audits(results: SurveyResults, run: Mapping[str, Any]) -> tuple[SurveyAudit, ...]:
    """The audit of the personas as the run keeps them; none in a survey without a run folder."""
    stored = (run.get("config") or {}).get("survey")
    if not stored:
        return ()
    design = SurveyDesign.from_dict(stored)
    return survey_audits(results, design.personas, seed=design.seed)


def _map(results: SurveyResults, run: Mapping[str, Any]) -> MapFigure | None:
    """The map; None where a place needs items that were not asked."""
    from culturescope.page import figure_of

    places = survey_placements(results, str((run.get("model") or {}).get("name") or "the model"))
    return figure_of(places) if any(p.kind == "model" for p in places) else None
