"""Goes on with a run that was stopped: the same design, the same model, and only what has no answer yet."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from culturescope.errors import RunFolderError
from culturescope.executors import Placement, kept_placement, note_placement, opened
from culturescope.experiments import audit, survey
from culturescope.experiments.groups import as_begun
from culturescope.experiments.study.file import is_study
from culturescope.experiments.study.running import carry_out_study
from culturescope.experiments.survey import is_survey
from culturescope.models.filling import BatchSize
from culturescope.models.protocols import BlackBox
from culturescope.probing.results import Results
from culturescope.probing.survey_results import SurveyResults
from culturescope.runs import RunFolder


def resume_run(
    path: str | os.PathLike[str],
    *,
    batch_size: BatchSize | None = None,
    executor: str | None = None,
    workers: int | None = None,
    gpus_per_worker: float | None = None,
    quiet: bool = False,
    progress: Callable[[str], None] | None = None,
) -> tuple[Path, Results | SurveyResults]:
    """Continues the run in a folder and gives its path and results.

    Args:
        path: the run folder.
        batch_size: another number of prompts in one forward pass, or `auto`.
        executor: `local`, `ray` or `ray://host:port`; by default as the run was carried out last (see `executors`).
        workers: another number of workers.
        gpus_per_worker: another number of GPUs for each of them.
        quiet: no progress bar.
        progress: is told what happens while the model loads.

    Raises:
        RunFolderError: no run, another process is at work on it, or its model or texts have changed since.
        KeyboardInterrupt: Ctrl-C; the run can be resumed again.
    """
    with ExitStack() as stack:
        folder = stack.enter_context(RunFolder.resume(path))
        placement = kept_placement(folder).changed(executor, workers, gpus_per_worker)

        def same_model(config: dict[str, Any], may_differ: tuple[str, ...]) -> BlackBox:
            return _same_model(stack, folder, placement, config, may_differ, progress)

        options = dict(folder.manifest.config.get("load") or {})
        if is_survey(folder):
            config = survey.survey_config(survey.survey_design_of(folder), options)
            model = same_model(config, survey.MAY_DIFFER)
            return folder.path, survey.carry_out_survey(model, folder, batch_size=batch_size, quiet=quiet)
        config = audit.run_config(audit.design_of(folder), options)
        model = same_model(config, audit.MAY_DIFFER)
        if is_study(folder.path):
            found, _ = carry_out_study(model, folder, batch_size=batch_size, quiet=quiet, say=progress)
            return folder.path, found
        return folder.path, audit.carry_out(model, folder, batch_size=batch_size, quiet=quiet)


def _same_model(
    stack: ExitStack,
    folder: RunFolder,
    placement: Placement,
    config: dict[str, Any],
    may_differ: tuple[str, ...],
    progress: Callable[[str], None] | None,
) -> BlackBox:
    """Opens the run's model again and restarts the run, where neither texts nor model have changed."""
    options = dict(config["load"])
    source = options.pop("source", None)
    if not isinstance(source, str):
        raise RunFolderError(f"{folder.path} does not say which model was asked (config.load.source)")
    folder.check_same(config, None, ignore=may_differ)
    as_begun(folder, progress)
    model = stack.enter_context(opened(placement, source, options, progress=progress))
    folder.check_same(config, model.identity.as_dict(), ignore=may_differ)
    folder.restart()
    note_placement(folder, placement)
    return model
