"""A study as the page's templates read it, its map with ways of steering, and its figures as files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.page.drawing import Spec
from culturescope.page.map_figure import STEERED, MapFigure, Steps, clean
from culturescope.page.personas import PersonaSection, persona_section
from culturescope.page.readings import scenario_readings
from culturescope.page.report import NOT_READ, Report
from culturescope.page.report_charts import report_charts
from culturescope.page.study_aim import aim_section
from culturescope.page.study_axes import axes_section
from culturescope.page.study_blocks import blocks_section
from culturescope.page.study_chart import StudyChart, csv_of, figure_spec, sign_of
from culturescope.page.study_claims import claims_section
from culturescope.page.study_cost import cost_section
from culturescope.page.study_direct import direct_section, near_section
from culturescope.page.study_domains import domains_section
from culturescope.page.study_items import items_section, reliability_section
from culturescope.page.study_methods import methods_section
from culturescope.page.study_section import Section, data_uri
from culturescope.page.study_sweep import rows_of, sweep_section, vectors_of
from culturescope.page.study_texts import Answers, Browser, answers_of, browser_of
from culturescope.page.study_words import Line, caution, parts_table, summary_lines
from culturescope.page.tables import Table
from culturescope.people.placement import lower_verdict

if TYPE_CHECKING:
    from culturescope.experiments.steer.sweep_results import Place
    from culturescope.page.study_data import Study
    from culturescope.people import Placement
    from culturescope.probing.item_statistics import ItemStatistics


NUMBERS = ".csv"
"""Beside the formats of figures: the numbers behind each."""


@dataclass(frozen=True)
class ShownChart:
    """A chart as a template places it."""

    id: str
    title: str
    sentence: str
    key: tuple[tuple[Any, str], ...]
    plane: bool
    csv: str
    json: str


@dataclass(frozen=True)
class ShownSection:
    """A section as a template places it."""

    lead: tuple[str, ...]
    charts: tuple[ShownChart, ...]
    tables: tuple[tuple[str, Table], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class StudyView:
    """All that the page of a study shows beyond the report; sections by the anchors of the template."""

    caution: str
    lines: tuple[Line, ...]
    parts: Table | None
    sections: dict[str, ShownSection]
    heat: ShownSection | None
    reliability: ShownSection | None
    answers: Answers | None
    browser: Browser | None
    personas: PersonaSection | None
    off: tuple[str, ...]
    specs: dict[str, Spec]


def sections_of(report: Report, study: Study) -> list[Section]:
    """The sections that the study has data for, in the order of the page."""
    makers = (
        claims_section,
        direct_section,
        near_section,
        blocks_section,
        methods_section,
        sweep_section,
        cost_section,
        axes_section,
        domains_section,
        aim_section,
    )
    found = [*(make(study) for make in makers), items_section(report)]
    return _named(section for section in found if section is not None)


def _named(sections: Iterable[Section]) -> list[Section]:
    """The same with ids that an attribute and a file can hold, each once: names of vectors and files are foreign text."""
    from culturescope.runs.place import safe_name

    taken: dict[str, int] = {}

    def name(chart: StudyChart) -> StudyChart:
        plain = safe_name(chart.id)
        taken[plain] = taken.get(plain, 0) + 1
        return replace(chart, id=plain if taken[plain] == 1 else f"{plain}.{taken[plain]}")

    return [replace(section, charts=tuple(map(name, section.charts))) for section in sections]


def view_of(report: Report, study: Study, statistics: ItemStatistics | None = None) -> StudyView:
    """The study for the page.

    Args:
        report: of the probe without persona.
        study: its further parts.
        statistics: over the model and its personas as respondents, where there are any.
    """
    sections = sections_of(report, study)
    shown = {section.id: _shown(section) for section in sections}
    heat = shown.pop("heat", None)
    reliability = reliability_section(statistics)
    personas = None
    if study.personas is not None:
        asked = replace(report, results=study.personas.results, run=study.personas.run)
        personas = persona_section(asked)
    lines = tuple(line for line in summary_lines(report, study) if line.anchor in shown)
    domains = tuple(dict.fromkeys(p.domain for p in study.placements if p.domain))
    direct = tuple(f"direct survey, {kind} persona" for kind in ("basic", "advanced"))
    return StudyView(
        caution=caution(report),
        lines=lines,
        parts=parts_table(study),
        sections=shown,
        heat=heat,
        reliability=_shown(reliability) if reliability else None,
        answers=answers_of(study),
        browser=browser_of(study),
        personas=personas,
        off=(*map(clean, domains), *direct),
        specs={chart.id: chart.spec for section in sections for chart in section.charts},
    )


def _shown(section: Section) -> ShownSection:
    from markupsafe import Markup

    charts = tuple(
        ShownChart(
            c.id,
            c.title,
            c.sentence,
            tuple((Markup(sign_of(e)), e.name) for e in c.key),  # noqa: S704 - this package's own words
            c.ratio is not None,
            data_uri(c, "csv"),
            data_uri(c, "json"),
        )
        for c in section.charts
    )
    return ShownSection(section.lead, charts, section.tables, section.notes)


def map_of_study(study: Study, verdict: str) -> MapFigure | None:
    """The map with every place that the study knows and the ways of steering; None where there is no place.

    Args:
        study: all its parts.
        verdict: the lower one of the probe's axes, which decides how ways are drawn.
    """
    from culturescope.page.map_people import figure_of

    # Places that are drawn last have the first choice of room for their words.
    places: list[Placement] = sorted(study.placements, key=lambda p: p.domain is None)
    for part in (study.survey, study.personas):
        if part is not None:
            known = [p.model_dump() for p in places]
            places += [p for p in part.placements if p.kind == "model" or p.model_dump() not in known]
    if not any(p.kind == "model" for p in places):
        return None
    return replace(figure_of(places), steps=steps_of(study, verdict))


def steps_of(study: Study, verdict: str) -> tuple[Steps, ...]:
    """The ways of steering: of the sweep, over all domains and in each; else of the steered readings."""
    readable = verdict not in NOT_READ
    model = clean(study.model)

    def way(label: str, found: Sequence[tuple[str, Place]], domain: str | None) -> Steps | None:
        if len(found) < 2:
            return None
        names = tuple(f"{model}, {name}" for name, _ in found)
        spots = tuple((p.x, p.y) for _, p in found)
        return Steps(label, model, "anchored", spots, names, domain, readable)

    ways: list[Steps | None] = []
    if study.sweep is not None:
        for vector in vectors_of(study.sweep):
            rows = rows_of(study.sweep, vector)
            named = [(f"{clean(vector)} {STEERED} by alpha {r.alpha:+g}", r) for r in rows]
            label = f"{clean(vector)} {rows[-1].alpha:+g}"
            everywhere = [(name, r.everywhere.place) for name, r in named]
            ways.append(way(label, [(n, p) for n, p in everywhere if p], None))
            for domain in dict.fromkeys(d for r in rows for d in r.domains):
                local = [(f"{n}, {domain}", r.domains[domain].place) for n, r in named if domain in r.domains]
                ways.append(way(f"{label} · {clean(domain)}", [(n, p) for n, p in local if p], domain))
    elif study.steered is not None:
        changes = study.steered.changes
        for axis in dict.fromkeys(c.axis for c in changes if c.axis):
            own = sorted((c for c in changes if c.axis in (axis, None)), key=lambda c: c.coefficient)
            places = [(f"{STEERED} {clean(c.name)}", c.where.place) for c in own]
            ways.append(way(f"{clean(axis)}+", [(n, p) for n, p in places if p], None))
    return tuple(w for w in ways if w is not None)


def charts_of(report: Report, study: Study) -> tuple[StudyChart, ...]:
    """Every chart of a study."""
    return tuple(chart for section in sections_of(report, study) for chart in section.charts)


def figures_of(report: Report, study: Study) -> tuple[StudyChart, ...]:
    """Every chart of the page but the map: those of the report and those of the study."""
    readings = scenario_readings(report.samples)
    return (*report_charts(report, readings), *charts_of(report, study))


def write_figures(
    report: Report, study: Study, folder: str | os.PathLike[str], endings: Sequence[str] = (".svg",)
) -> list[Path]:
    """Writes every chart of the page as files, the maps among them, without a browser.

    Args:
        report: of the probe.
        study: its further parts.
        folder: where to; it is made.
        endings: `.svg`, `.png`, `.pdf`, and `.csv` for the numbers.

    Raises:
        BadInputError: another ending, or a folder stands where a file should.
        RunFolderError: the place cannot be written.
        RunFailedError: the disk is full or failed.
    """
    from culturescope.page.figure_files import FORMATS, ending_of, write_figure
    from culturescope.page.map_section import write_map
    from culturescope.page.report_downloads import map_rows

    for ending in endings:
        if ending != NUMBERS:
            ending_of(f"figure{ending}")
    written: list[Path] = []
    for chart in figures_of(report, study):
        for ending in endings:
            path = Path(folder) / f"{chart.id}{ending}"
            if ending == NUMBERS:
                _write_text(path, chart.csv)
            else:
                write_figure(figure_spec(chart), path)
            written.append(path)
    verdict = lower_verdict({a.id: report.verdict_of(a.id) for a in report.axes})
    drawn = map_of_study(study, verdict) or report.map
    if drawn is None:
        return written
    for conversion in dict.fromkeys(p.conversion for p in drawn.placements):
        for ending in (e for e in endings if e in FORMATS):
            written.append(Path(folder) / f"map-{conversion}{ending}")
            write_map(drawn, written[-1], conversion=conversion)
    if NUMBERS in endings:
        written.append(Path(folder) / f"map{NUMBERS}")
        _write_text(written[-1], csv_of(map_rows(drawn)))
    return written


def _write_text(path: Path, text: str) -> None:
    from culturescope.runs.atomic import disk_errors, write_bytes

    with disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, text.encode("utf-8", "replace"))
