"""The direct survey: ask, save as it goes, read, write the page. The order of the steps, as in `audit`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError, ModelError, RunFolderError
from culturescope.experiments.accounting import counted, filled, head_timed
from culturescope.experiments.answers import kept_answers
from culturescope.experiments.groups import asked_of, group_size, note_machine, unfinished, with_fewer
from culturescope.experiments.survey_design import SurveyDesign
from culturescope.models.filling import BatchSize
from culturescope.models.options import OptionReading, read_options
from culturescope.models.protocols import BlackBox, ModelIdentity
from culturescope.probing.replies import READER
from culturescope.probing.survey_ask import ask_survey
from culturescope.probing.survey_reading import compute_survey
from culturescope.probing.survey_results import SurveyResults
from culturescope.probing.survey_tasks import SURVEY, SurveyTask
from culturescope.runs import Interrupts, Progress, RunFolder, write_json
from culturescope.runs.manifest import now
from culturescope.timing import open_profile, phase

if TYPE_CHECKING:
    from culturescope.people import Placement

KIND = "survey"
RESULTS_NAME = "results.json"
PAGE_NAME = "report.html"
MAY_DIFFER = ("config.survey.batch_size", "config.reader")
"""What may change between start and resume: the batch size, and the reader, since replies are stored as written."""


def start_survey(
    model: BlackBox,
    design: SurveyDesign,
    *,
    load: Mapping[str, Any],
    output_path: str | os.PathLike[str] | None = None,
    root: str | os.PathLike[str] = "runs",
) -> RunFolder:
    """Makes the run folder of a survey, locked for this process.

    Args:
        model: who is asked.
        design: what is asked.
        load: how the model was loaded (source and options), so that a resume can load it again.
        output_path: exact place of the folder.
        root: where run folders are collected otherwise.

    Raises:
        RunFolderError: the place is taken or cannot be written.
    """
    folder = RunFolder.create(
        root,
        model.identity.name,
        survey_config(design, load),
        path=output_path,
        model=model.identity.as_dict(),
    )
    note_machine(folder, model)
    return folder


def offered_instruments(model: BlackBox, design: SurveyDesign) -> tuple[SurveyDesign, str | None]:
    """The design without log-probabilities where the model offers none, found out with one prompt; and why.

    Raises:
        EndpointError: the model's server does not answer.
    """
    first = next((task for task in design.tasks() if task.instrument == "options"), None)
    if first is None or "text" not in design.instruments:
        return design, None
    try:
        next(iter(read_options(model, [first.prompt], [first.options])))
    except ModelError as error:
        return replace(design, instruments=("text",)), str(error)
    return design, None


def survey_config(design: SurveyDesign, load: Mapping[str, Any]) -> dict[str, Any]:
    """What a survey is made of, for `run.json`."""
    return {
        "kind": KIND,
        "seed": design.seed,
        "survey": design.as_dict(),
        "texts": design.texts(),
        "scorer": SURVEY,
        "reader": READER,
        "load": dict(load),
    }


def is_survey(folder: RunFolder) -> bool:
    """Whether a run folder holds a survey."""
    return folder.manifest.config.get("kind") == KIND


def survey_design_of(folder: RunFolder) -> SurveyDesign:
    """The design that a survey was started with.

    Raises:
        RunFolderError: the folder holds no survey.
    """
    stored = folder.manifest.config.get("survey")
    if not is_survey(folder) or not isinstance(stored, dict):
        raise RunFolderError(f"{folder.path} is not a survey: its run.json has no config.survey")
    return SurveyDesign.from_dict(stored)


def carry_out_survey(
    model: BlackBox, folder: RunFolder, *, batch_size: BatchSize | None = None, quiet: bool = False
) -> SurveyResults:
    """Asks what is not answered yet, then reads the answers and writes results and page; for new and for resumed runs.

    Args:
        model: who is asked.
        folder: a run that was started or restarted by this process.
        batch_size: another one than the design's.
        quiet: no progress bar.

    Raises:
        KeyboardInterrupt: Ctrl-C; the finished batches are saved and the run can be resumed.
        CulturescopeError: the run failed (an endpoint that does not answer any more); what was answered is saved.
    """
    design = survey_design_of(folder)
    tasks = design.tasks()
    with head_timed(model, open_profile()), Interrupts() as interrupts:

        def stop_if_asked() -> None:
            if interrupts.requested:
                raise KeyboardInterrupt

        wanted = batch_size or design.batch_size
        size = filled(model, folder, [task.prompt for task in tasks], wanted, rows=True)
        with counted(model, folder):
            _ask(model, folder, design, tasks, size, stop_if_asked, quiet)
    with phase("statistics"):
        rows = survey_rows(folder, design)
        results = compute_survey(rows, seed=design.seed)
        stored = stored_results(results, design)
    with phase("writing"):
        write_json(folder.path / RESULTS_NAME, stored)
    folder.update()
    ended = {**folder.manifest.model_dump(), "status": "success", "finished": now()}
    with phase("writing"):
        _write_page(results, ended, rows, folder.path / PAGE_NAME)
    folder.finish("success")
    return results


def stored_results(results: SurveyResults, design: SurveyDesign) -> dict[str, Any]:
    """What `results.json` holds: the results, the places on the map with their bands, and the audit of personas."""
    from culturescope.experiments.survey_audit import survey_audits
    from culturescope.experiments.survey_place import survey_places

    return {
        **results.model_dump(mode="json"),
        "places": [p.model_dump(mode="json") for p in survey_places(results)],
        "persona_audits": [
            a.model_dump(mode="json") for a in survey_audits(results, design.personas, seed=design.seed)
        ],
    }


def rewrite_survey(run: str | os.PathLike[str], output: str | os.PathLike[str] | None = None) -> Path:
    """Reads the replies of a finished survey again and writes results and page, from its samples alone.

    Args:
        run: the run folder.
        output: another place for the page; then nothing in the run folder is written.

    Raises:
        RunFolderError: no survey, replies are missing, or questions or personas have changed since.
    """
    folder = RunFolder.open(run)
    design = survey_design_of(folder)
    config = survey_config(design, folder.manifest.config.get("load") or {})
    folder.check_same(config, None, ignore=MAY_DIFFER)
    rows = survey_rows(folder, design)
    results = compute_survey(rows, seed=design.seed)
    manifest = folder.manifest.model_dump()
    if output is not None:
        return _write_page(results, manifest, rows, Path(output))
    folder.lock()
    try:
        write_json(folder.path / RESULTS_NAME, stored_results(results, design))
        return _write_page(results, manifest, rows, folder.path / PAGE_NAME)
    finally:
        folder.close()


def survey_rows(folder: RunFolder, design: SurveyDesign) -> list[dict[str, Any]]:
    """The samples of exactly the prompts of the design, asked of the run's model, in the design's order.

    Raises:
        RunFolderError: some prompts have no answer yet, or `run.json` names no model.
    """
    tasks = design.tasks()
    asked = [task.row("", "", "" if task.instrument == "text" else _any(task)) for task in tasks]
    return kept_answers(folder, lambda identity: [task_key(task, identity, design) for task in tasks], asked)


def _any(task: SurveyTask) -> OptionReading:
    return OptionReading((0.0,) * len(task.options), ((),) * len(task.options))


def survey_map_places(folder: RunFolder, name: str, *, personas: bool = True) -> list[Placement]:
    """The places of a finished survey for a map, its null first.

    Args:
        folder: the run.
        name: of the model.
        personas: whether the places under personas are wanted as well.

    Raises:
        BadInputError: nothing can be placed; why is said.
        RunFolderError: no survey, or some prompts have no answer yet.
    """
    from culturescope.experiments.survey_place import survey_placements, survey_places

    design = survey_design_of(folder)
    results = compute_survey(survey_rows(folder, design), seed=design.seed)
    found = [p for p in survey_placements(results, name) if personas or p.persona is None]
    if not any(p.kind == "model" for p in found):
        why = "; ".join(dict.fromkeys(str(p.reason) for p in survey_places(results)))
        raise BadInputError(f"{folder.path} has no place on the map: {why}")
    return found


def task_key(task: SurveyTask, identity: ModelIdentity, design: SurveyDesign) -> str:
    """The key under which the answer to a task is kept."""
    return task.key(
        identity, temperature=design.temperature, new_tokens=design.new_tokens, seed=design.seed + task.repeat
    )


def _ask(
    model: BlackBox,
    folder: RunFolder,
    design: SurveyDesign,
    tasks: Sequence[SurveyTask],
    batch_size: int,
    stop_if_asked: Callable[[], None],
    quiet: bool,
) -> None:
    known = folder.known()
    keys = [task_key(task, model.identity, design) for task in tasks]
    kinds = dict.fromkeys(sorted((task.instrument != "options", task.repeat) for task in tasks))
    parts = [
        [n for n, t in enumerate(tasks) if (t.instrument != "options", t.repeat) == kind] for kind in kinds
    ]
    with Progress(len(tasks), "Asking", quiet=quiet) as progress:
        progress.skip(sum(key in known for key in keys))
        size = group_size(model, batch_size, len(tasks))
        groups = [g for part in parts for g in unfinished(model, part, keys, known, size)]
        for group in groups:

            def batches(size: int, group: list[int] = group) -> Iterator[list[dict[str, Any]]]:
                return ask_survey(
                    model,
                    [(tasks[n], keys[n]) for n in asked_of(model, group, keys, known)],
                    temperature=design.temperature,
                    new_tokens=design.new_tokens,
                    seed=design.seed,
                    batch_size=size,
                )

            for rows in with_fewer(folder, batches, batch_size):
                new = [row for row in rows if row["key"] not in known]
                known.update((row["key"], row) for row in new)
                folder.append(new)
                progress.advance(len(new))
                stop_if_asked()


def _write_page(
    results: SurveyResults, run: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], path: Path
) -> Path:
    from culturescope.experiments.survey_report import survey_report
    from culturescope.page.survey_document import write_survey

    write_survey(survey_report(results, run, rows), path)
    return path
