"""The main job: ask, save as it goes, compute, write the page. The order of the steps, and nothing of how they work."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from culturescope.errors import RunFolderError
from culturescope.experiments.accounting import USUAL_BATCH, counted, filled, head_timed
from culturescope.experiments.answers import kept_answers
from culturescope.experiments.design import Design
from culturescope.experiments.groups import ask_letters, ask_words, note_machine, unfinished
from culturescope.experiments.persona_audit import audit_personas
from culturescope.experiments.report import make_report
from culturescope.models.filling import BatchSize
from culturescope.models.protocols import BlackBox, LetterReading, ModelIdentity, batches_at_once
from culturescope.probing.agreement import NEW_TOKENS
from culturescope.probing.ask import letters_key, text_key
from culturescope.probing.choices import lm_eval_keys
from culturescope.probing.reading import compute_results
from culturescope.probing.results import Results
from culturescope.probing.scores import SCORER
from culturescope.probing.tasks import Task, probe_rows
from culturescope.runs import Interrupts, Progress, RunFolder, write_json
from culturescope.runs.manifest import now
from culturescope.timing import open_profile, phase

RESULTS_NAME = "results.json"
PAGE_NAME = "report.html"
_ANY_LETTERS = LetterReading((0.0, 0.0), (0.0, 0.0))
TAKEN = "taken"
"""In `run.json`: whether answers without personas of societies were taken from another run."""
MAY_DIFFER = ("config.design.batch_size",)
"""What may change between start and resume: it moves logits by floating-point noise only."""


def start_run(
    model: BlackBox,
    design: Design,
    *,
    load: Mapping[str, Any],
    output_path: str | os.PathLike[str] | None = None,
    root: str | os.PathLike[str] = "runs",
) -> RunFolder:
    """Makes the run folder of an audit, locked for this process.

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
        run_config(design.pinned(), load),
        path=output_path,
        model=model.identity.as_dict(),
    )
    note_machine(folder, model)
    return folder


def run_config(design: Design, load: Mapping[str, Any]) -> dict[str, Any]:
    """What a run is made of, for `run.json`: the design, its texts by hash, the scorer, and how the model was loaded."""
    return {
        "profile": design.profile,
        "seed": design.seed,
        "design": design.as_dict(),
        "texts": design.texts(),
        "scorer": SCORER,
        "load": dict(load),
    }


def carry_out(
    model: BlackBox, folder: RunFolder, *, batch_size: BatchSize | None = None, quiet: bool = False
) -> Results:
    """Asks what is not answered yet, then computes and writes results and page. Used for new and for resumed runs.

    Args:
        model: who is asked.
        folder: a run that was started or restarted by this process.
        batch_size: another one than the design's.
        quiet: no progress bar.

    Raises:
        KeyboardInterrupt: Ctrl-C; the finished batches are saved and the run can be resumed.
        CulturescopeError: the run failed; what was answered is saved.
    """
    design = design_of(folder)
    tasks = design.tasks()
    with head_timed(model, open_profile()), Interrupts() as interrupts:

        def stop_if_asked() -> None:
            if interrupts.requested:
                raise KeyboardInterrupt

        wanted = batch_size or design.batch_size
        _ask_letters(model, folder, tasks, wanted, stop_if_asked, quiet)
        size = batches_at_once(model) * (USUAL_BATCH if wanted == "auto" else wanted)
        with counted(model, folder):
            _ask_words(model, folder, design.agreement_tasks(tasks), size, stop_if_asked, quiet)
    with phase("statistics"):
        rows = answered_rows(folder, design)
        results = _write_results(folder, design, rows)
    folder.update()
    ended = {**folder.manifest.model_dump(), "status": "success", "finished": now()}
    with phase("writing"):
        _write_page(results, ended, rows, design, folder.path / PAGE_NAME)
    folder.finish("success")
    return results


def rewrite_page(run: str | os.PathLike[str], output: str | os.PathLike[str] | None = None) -> Path:
    """Computes results and page of a finished run again, from its samples alone.

    Args:
        run: the run folder.
        output: another place for the page; then nothing in the run folder is written.

    Raises:
        RunFolderError: no run, samples are missing, or scenarios, wordings or personas have changed since.
    """
    folder = RunFolder.open(run)
    design = design_of(folder)
    folder.check_same(run_config(design, folder.manifest.config.get("load") or {}), None, ignore=MAY_DIFFER)
    rows = answered_rows(folder, design)
    manifest = folder.manifest.model_dump()
    if output is not None:
        results = results_of(rows, design)
        return _write_page(results, manifest, rows, design, Path(output), folder.path)
    folder.lock()
    try:
        results = _write_results(folder, design, rows)
        return _write_page(results, manifest, rows, design, folder.path / PAGE_NAME, folder.path)
    finally:
        folder.close()


def design_of(folder: RunFolder) -> Design:
    """The design that a run folder was started with.

    Raises:
        RunFolderError: the folder holds no audit.
    """
    stored = folder.manifest.config.get("design")
    if not isinstance(stored, dict):
        raise RunFolderError(f"{folder.path} is not an audit: its run.json has no config.design")
    return Design.from_dict(stored)


def answered_rows(folder: RunFolder, design: Design) -> list[dict[str, Any]]:
    """The samples of exactly the prompts of the design, asked of the run's model, in the design's order.

    Raises:
        RunFolderError: some prompts have no answer yet, or `run.json` names no model.
    """
    tasks = design.tasks()

    def keys_of(identity: ModelIdentity) -> list[str]:
        asked_in_words = design.agreement_tasks(tasks)
        return [letters_key(identity, t) for t in tasks] + [
            text_key(identity, t, NEW_TOKENS) for t in asked_in_words
        ]

    asked = [task.row("", _ANY_LETTERS, "") for task in tasks]
    in_words = [
        task.row("", _ANY_LETTERS, "") | {"part": "agreement", "reply": ""}
        for task in design.agreement_tasks(tasks)
    ]
    return kept_answers(folder, keys_of, asked + in_words)


def own_task(task: Task) -> bool:
    """Whether a run as people of societies asks a task itself: of one without personas the rest may be taken."""
    return task.persona is not None and task.part == "probe"


def _ask_letters(
    model: BlackBox,
    folder: RunFolder,
    tasks: Sequence[Task],
    batch_size: BatchSize,
    stop_if_asked: Callable[[], None],
    quiet: bool,
) -> None:
    known = folder.known()
    if folder.manifest.model_dump().get(TAKEN):
        # What another run answered is no part of a group: it would be asked again with the group.
        tasks = [t for t in tasks if own_task(t) or letters_key(model.identity, t) not in known]
    keys = [letters_key(model.identity, task) for task in tasks]
    missing = [n for n, key in enumerate(keys) if key not in known]
    # Work goes with the length of a prompt, and long ones come first.
    work = {key: _length(task) for key, task in zip(keys, tasks, strict=True)}
    size = filled(model, folder, [tasks[n].prompt for n in missing], batch_size)
    with (
        counted(model, folder),
        Progress(len(tasks), "Asking", total_weight=sum(work.values()), quiet=quiet) as progress,
    ):
        progress.skip(len(tasks) - len(missing), sum(work[k] for k in keys if k in known))
        if not missing:
            return
        for rows in ask_letters(model, folder, tasks, keys, known, batch_size=size):
            folder.append(rows)
            progress.advance(len(rows), sum(work[row["key"]] for row in rows))
            stop_if_asked()


def _ask_words(
    model: BlackBox,
    folder: RunFolder,
    tasks: Sequence[Task],
    batch_size: int,
    stop_if_asked: Callable[[], None],
    quiet: bool,
) -> None:
    known = folder.known()
    keys = [text_key(model.identity, task, NEW_TOKENS) for task in tasks]
    missing = [n for n, key in enumerate(keys) if key not in known]
    if not missing:
        return
    with Progress(len(tasks), "Writing", quiet=quiet) as progress:
        progress.skip(len(tasks) - len(missing))
        for chosen in unfinished(model, range(len(tasks)), keys, known, batch_size):
            batch, batch_keys = [tasks[n] for n in chosen], [keys[n] for n in chosen]
            letters = [known[letters_key(model.identity, task)] for task in batch]
            rows = ask_words(model, folder, batch, letters, batch_keys, new_tokens=NEW_TOKENS)
            new = [row for row in rows if row["key"] not in known]
            folder.append(new)
            progress.advance(len(new))
            stop_if_asked()


def _length(task: Task) -> float:
    return float(sum(len(message.content) for message in task.prompt.messages))


def results_of(rows: Sequence[Mapping[str, Any]], design: Design) -> Results:
    """Results of a run from its answers, with the audit of its personas where it has some.

    Raises:
        RunFolderError: samples are missing.
    """
    results = compute_results(rows, seed=design.seed)
    if not design.personas:
        return results
    audited = audit_personas(results, rows, design.personas, design.load_pack(), seed=design.seed)
    return results.model_copy(update={"persona_audit": audited})


def _write_results(folder: RunFolder, design: Design, rows: Sequence[Mapping[str, Any]]) -> Results:
    results = results_of(rows, design)
    stored = {**results.model_dump(mode="json"), **lm_eval_keys(probe_rows(rows), design.load_pack().id)}
    with phase("writing"):
        write_json(folder.path / RESULTS_NAME, stored)
    return results


def _write_page(
    results: Results,
    run: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    design: Design,
    path: Path,
    folder: Path | None = None,
) -> Path:
    """Writes the page; with a folder also what further parts of a study left beneath it."""
    from culturescope.page import write
    from culturescope.page.study_data import has_study

    pack = design.load_pack()
    report = make_report(results, run, rows, pack, seed=design.seed)
    if folder is not None and has_study(folder):
        from culturescope.page.study_reading import study_of, write_parts

        return write_parts(folder, report, study_of(folder, report, rows, pack, design.seed), path)
    write(report, path)
    return path
