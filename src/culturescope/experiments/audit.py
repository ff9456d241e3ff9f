"""The main job: ask, save as it goes, compute, write the page. The order of the steps, and nothing of how they work."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from culturescope.errors import RunFolderError
from culturescope.experiments.design import Design
from culturescope.models.protocols import BlackBox
from culturescope.probing.agreement import NEW_TOKENS
from culturescope.probing.ask import ask, ask_freely, letters_key, text_key
from culturescope.probing.reading import compute_results
from culturescope.probing.results import Results
from culturescope.probing.tasks import Task
from culturescope.runs import Interrupts, Progress, RunFolder, write_json

RESULTS_NAME = "results.json"
PAGE_NAME = "report.html"
MAY_DIFFER = ("config.design.batch_size", "config.load", "model.device", "model.name")
"""What may change between start and resume: it moves logits by floating-point noise only, or is a name."""


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
    return RunFolder.create(
        root, model.identity.name, run_config(design, load), path=output_path, model=model.identity.as_dict()
    )


def run_config(design: Design, load: Mapping[str, Any]) -> dict[str, Any]:
    """What a run is made of, for `run.json`: the design, its texts by hash, and how the model was loaded."""
    return {
        "profile": design.profile,
        "seed": design.seed,
        "design": design.as_dict(),
        "texts": design.texts(),
        "load": dict(load),
    }


def carry_out(
    model: BlackBox, design: Design, folder: RunFolder, *, quiet: bool = False, page: bool = True
) -> Results:
    """Asks what is not answered yet, then computes and writes results and page. Used for new and for resumed runs.

    Raises:
        KeyboardInterrupt: Ctrl-C; the finished batches are saved and the run can be resumed.
        CulturescopeError: the run failed; what was answered is saved.
    """
    tasks = design.tasks()
    with Interrupts() as interrupts:

        def stop_if_asked() -> None:
            if interrupts.requested:
                raise KeyboardInterrupt

        _ask_letters(model, design, folder, tasks, stop_if_asked, quiet)
        _ask_words(model, design, folder, tasks, quiet)
        stop_if_asked()
    results = compute_run(folder, design)
    if page:
        write_run_page(folder, results, design)
    folder.finish("success")
    return results


def compute_run(folder: RunFolder, design: Design) -> Results:
    """Computes the results of a run from its samples and writes `results.json`.

    Raises:
        RunFolderError: samples are missing.
    """
    results = compute_results(_asked_rows(folder, design), seed=design.seed)
    write_json(folder.path / RESULTS_NAME, results.model_dump(mode="json"))
    return results


def write_run_page(folder: RunFolder, results: Results, design: Design) -> Path:
    """Writes `report.html` of a run and gives its path."""
    from culturescope.page import write

    path = folder.path / PAGE_NAME
    write(make_report(results, folder.manifest.model_dump(), _asked_rows(folder, design), design), path)
    return path


def rewrite_page(run: str | os.PathLike[str], output: str | os.PathLike[str] | None = None) -> Path:
    """Computes results and page of a finished run again, from its samples alone.

    Args:
        run: the run folder.
        output: another place for the page; then nothing in the run folder is written.

    Raises:
        RunFolderError: no run, or samples are missing.
    """
    folder = RunFolder.open(run)
    design = design_of(folder)
    rows = _asked_rows(folder, design)
    if output is not None:
        from culturescope.page import write

        results = compute_results(rows, seed=design.seed)
        write(make_report(results, folder.manifest.model_dump(), rows, design), Path(output))
        return Path(output)
    folder.lock()
    try:
        return write_run_page(folder, compute_run(folder, design), design)
    finally:
        folder.close()


def make_report(
    results: Results, run: Mapping[str, Any], samples: Sequence[Mapping[str, Any]], design: Design
) -> Any:
    """Everything that a page shows, in the page's own words."""
    from culturescope.page import AxisText, ItemText, Report

    pack = design.load_pack()
    return Report(
        results=results,
        run=run,
        items=[ItemText(i.id, i.axis, i.label, i.negative, i.positive) for i in pack.items],
        axes=[AxisText(a.id, a.name, a.negative, a.positive) for a in pack.axes],
        samples=samples,
        scenarios={
            s.id: s.model_dump(include={"situation", "positive", "negative", "note", "tags"})
            for s in pack.scenarios
        },
    )


def design_of(folder: RunFolder) -> Design:
    """The design that a run folder was started with.

    Raises:
        RunFolderError: the folder holds no audit.
    """
    stored = folder.manifest.config.get("design")
    if not isinstance(stored, dict):
        raise RunFolderError(f"{folder.path} is not an audit: its run.json has no config.design")
    return Design.from_dict(stored)


def _ask_letters(
    model: BlackBox,
    design: Design,
    folder: RunFolder,
    tasks: Sequence[Task],
    stop_if_asked: Callable[[], None],
    quiet: bool,
) -> None:
    keys = [letters_key(model.identity, task) for task in tasks]
    known = folder.known()
    missing = [n for n, key in enumerate(keys) if key not in known]
    with Progress(len(tasks), "Asking", quiet=quiet) as progress:
        progress.skip(len(tasks) - len(missing))
        if not missing:
            return
        for rows in ask(
            model, [tasks[n] for n in missing], [keys[n] for n in missing], batch_size=design.batch_size
        ):
            folder.append(rows)
            progress.advance(len(rows))
            stop_if_asked()


def _ask_words(
    model: BlackBox, design: Design, folder: RunFolder, tasks: Sequence[Task], quiet: bool
) -> None:
    chosen = design.agreement_tasks(list(tasks))
    known = folder.known()
    keys = [text_key(model.identity, task, NEW_TOKENS) for task in chosen]
    missing = [n for n, key in enumerate(keys) if key not in known]
    if not missing:
        return
    letters = [known[letters_key(model.identity, chosen[n])] for n in missing]
    with Progress(len(missing), "Writing", quiet=quiet) as progress:
        folder.append(
            ask_freely(
                model,
                [chosen[n] for n in missing],
                letters,
                [keys[n] for n in missing],
                new_tokens=NEW_TOKENS,
            )
        )
        progress.advance(len(missing))


def _asked_rows(folder: RunFolder, design: Design) -> list[dict[str, Any]]:
    """The run's samples in the order of the design, whatever order they were answered in."""
    scenarios = {s.id: n for n, s in enumerate(design.load_pack().scenarios)}
    wordings = {t: n for n, t in enumerate(design.template_ids)}

    def place(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return (
            ("probe", "check", "agreement").index(row["part"]),
            row["persona"] or "",
            scenarios.get(row["scenario"], len(scenarios)),
            wordings.get(row["template"], len(wordings)),
            row["order"],
            row["key"],
        )

    try:
        return sorted(folder.samples(), key=place)
    except (KeyError, TypeError, ValueError) as error:
        raise RunFolderError(f"{folder.path}: a sample was not written by an audit ({error})") from None
