"""Goes on with a run that was stopped: the same design, the same model, and only what has no answer yet."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from culturescope.errors import RunFolderError
from culturescope.experiments.audit import MAY_DIFFER, carry_out, design_of, run_config
from culturescope.experiments.survey import go_on_with_survey, is_survey
from culturescope.models import open_model
from culturescope.probing.results import Results
from culturescope.probing.survey_results import SurveyResults
from culturescope.runs import RunFolder


def resume_run(
    path: str | os.PathLike[str],
    *,
    batch_size: int | None = None,
    quiet: bool = False,
    progress: Callable[[str], None] | None = None,
) -> tuple[Path, Results | SurveyResults]:
    """Continues the run in a folder and gives its path and results.

    Args:
        path: the run folder.
        batch_size: another number of prompts in one forward pass.
        quiet: no progress bar.
        progress: is told what happens while the model loads.

    Raises:
        RunFolderError: no run, another process is at work on it, or its model or texts have changed since.
        KeyboardInterrupt: Ctrl-C; the run can be resumed again.
    """
    with RunFolder.resume(path) as folder:
        if is_survey(folder):
            return folder.path, go_on_with_survey(
                folder, batch_size=batch_size, quiet=quiet, progress=progress
            )
        design = design_of(folder)
        options = dict(folder.manifest.config.get("load") or {})
        config = run_config(design, options)
        source = options.pop("source", None)
        if not isinstance(source, str):
            raise RunFolderError(f"{folder.path} does not say which model was asked (config.load.source)")
        folder.check_same(config, None, ignore=MAY_DIFFER)
        model = open_model(source, **options, progress=progress)
        folder.check_same(config, model.identity.as_dict(), ignore=MAY_DIFFER)
        folder.restart()
        return folder.path, carry_out(model, folder, batch_size=batch_size, quiet=quiet)
