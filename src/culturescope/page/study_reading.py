"""From the folder of a study to its page: every part that is done is read and shown, the others are left out.

RUN/ probe      RUN/survey/      RUN/personas/      RUN/search/ steering      ->      report.html
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.page.report import Report
from culturescope.page.study_data import Asked, Study, Surveyed, read_parts
from culturescope.page.study_view import map_of_study, view_of, write_figures
from culturescope.people.placement import lower_verdict

if TYPE_CHECKING:
    from culturescope.instrument import Pack
    from culturescope.people import Placement
    from culturescope.probing.item_statistics import ItemStatistics
    from culturescope.runs import RunFolder

PAGE_NAME = "report.html"


def write_study_page(run: str | os.PathLike[str], output: str | os.PathLike[str] | None = None) -> Path:
    """Writes the page of a whole study, from what its folder holds; nothing else in the folder is changed.

    Args:
        run: an audit's run folder, with what further parts left beneath it.
        output: another place for the page.

    Raises:
        BadInputError: a part's file is damaged.
        RunFolderError: no run, or some of its prompts have no answer yet.
    """
    root = Path(run)
    report, study = read_study_report(root)
    return write_parts(root, report, study, Path(output) if output is not None else root / PAGE_NAME)


def write_parts(run: Path, report: Report, study: Study, target: Path) -> Path:
    """Writes the page of a report and a study that were read from a run folder; returns where to.

    Raises:
        RunFolderError: the file cannot be written.
        RunFailedError: the disk is full or failed.
    """
    from culturescope.page.document import write

    drawn = map_of_study(study, lower_verdict({a.id: report.verdict_of(a.id) for a in report.axes}))
    if drawn is not None:
        report = replace(report, map=drawn)
    write(report, target, view_of(report, study, _statistics(run)))
    return target


def write_study_figures(
    run: str | os.PathLike[str],
    folder: str | os.PathLike[str] | None = None,
    endings: Sequence[str] = (".svg",),
) -> list[Path]:
    """Writes every chart of a run's page as files, the maps among them, without a browser.

    Args:
        run: an audit's run folder, with what further parts left beneath it.
        folder: where to; `figures` in the run folder by default.
        endings: `.svg`, `.png`, `.pdf`, and `.csv` for the numbers.

    Raises:
        BadInputError: another ending, or a part's file is damaged.
        RunFolderError: no run, some of its prompts have no answer yet, or the place cannot be written.
    """
    report, study = read_study_report(Path(run))
    return write_figures(report, study, Path(folder) if folder else Path(run) / "figures", endings)


def read_study_report(run: Path) -> tuple[Report, Study]:
    """The report of the probe and all parts of the study.

    Raises:
        BadInputError: a part's file is damaged.
        RunFolderError: no run, or some of its prompts have no answer yet.
    """
    from culturescope.experiments.audit import answered_rows, design_of, results_of
    from culturescope.experiments.report import make_report
    from culturescope.runs import RunFolder

    folder = RunFolder.open(run)
    design = design_of(folder)
    rows = answered_rows(folder, design)
    results = results_of(rows, design)
    pack = design.load_pack()
    report = make_report(results, folder.manifest.model_dump(), rows, pack, seed=design.seed)
    return report, study_of(run, report, rows, pack, design.seed)


def study_of(
    run: Path, report: Report, rows: Sequence[Mapping[str, Any]], pack: Pack, seed: int = 42
) -> Study:
    """All parts of the study beneath a run, beside the report of its probe.

    Args:
        run: the run folder.
        report: of the probe.
        rows: its samples.
        pack: its instrument.
        seed: of the draws.

    Raises:
        BadInputError: a part's file is damaged.
        RunFolderError: a run beneath it is damaged.
    """
    from culturescope.experiments.report import places_of

    name = report.model_name
    places: list[Placement] = []
    if report.map is not None:
        domains = (None, *pack.domains) if _every_domain(rows, pack.domains, pack.item_ids) else (None,)
        places = places_of(report.results, rows, name, domains=domains, seed=seed)
    return Study(
        pack,
        name,
        placements=tuple(places),
        survey=_survey(run / "survey", name),
        personas=_personas(run / "personas", name),
        **read_parts(run),
    )


def _every_domain(rows: Sequence[Mapping[str, Any]], domains: Sequence[str], items: Sequence[str]) -> bool:
    """Whether every item was asked in every domain, so that each has a place of its own."""
    asked = {(row["item"], row["domain"]) for row in rows if row.get("part") == "probe"}
    return {(item, domain) for item in items for domain in domains} <= asked


def _done(path: Path) -> RunFolder | None:
    """A run beneath the study, if it is there and done."""
    from culturescope.runs import RunFolder

    if not (path / "run.json").is_file():
        return None
    folder = RunFolder.open(path)
    return folder if folder.manifest.status == "success" else None


def _survey(path: Path, name: str) -> Surveyed | None:
    from culturescope.experiments.survey import survey_design_of, survey_rows
    from culturescope.experiments.survey_audit import survey_audits
    from culturescope.experiments.survey_place import survey_placements
    from culturescope.probing.survey_reading import compute_survey

    folder = _done(path)
    if folder is None:
        return None
    design = survey_design_of(folder)
    results = compute_survey(survey_rows(folder, design), seed=design.seed)
    audits = survey_audits(results, design.personas, seed=design.seed)
    return Surveyed(
        results,
        folder.manifest.model_dump(),
        tuple(survey_placements(results, name)),
        tuple((a.instrument, a.audit) for a in audits),
    )


def _personas(path: Path, name: str) -> Asked | None:
    from culturescope.experiments.audit import answered_rows, design_of, results_of
    from culturescope.experiments.report import persona_places_of

    folder = _done(path)
    if folder is None:
        return None
    design = design_of(folder)
    rows = answered_rows(folder, design)
    results = results_of(rows, design)
    if not results.personas:
        return None
    pack = design.load_pack()
    places: list[Placement] = []
    if pack.societies is not None and set(pack.item_ids) <= {row["item"] for row in rows}:
        places = persona_places_of(results, rows, name, seed=design.seed)
    return Asked(results, folder.manifest.model_dump(), tuple(places))


def _statistics(run: Path) -> ItemStatistics | None:
    """Item statistics with the model and its personas as respondents; None without personas."""
    from culturescope.errors import BadInputError
    from culturescope.experiments.statistics import statistics_of

    if _done(run / "personas") is None:
        return None
    try:
        return statistics_of([run / "personas"])
    except BadInputError:
        return None  # no scenario was asked of all respondents
