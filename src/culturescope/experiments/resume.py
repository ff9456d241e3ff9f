"""Goes on with a run that was stopped: the same design, the same model, and only what has no answer yet."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from culturescope.errors import RunFolderError
from culturescope.experiments.audit import MAY_DIFFER, carry_out, design_of, run_config
from culturescope.models import load
from culturescope.probing.results import Results
from culturescope.runs import RunFolder


def resume_run(
    path: str | os.PathLike[str], *, batch_size: int | None = None, quiet: bool = False
) -> tuple[Path, Results]:
    """Continues the run in a folder and gives its path and results.

    Args:
        path: the run folder.
        batch_size: another number of prompts in one forward pass.
        quiet: no progress bar.

    Raises:
        RunFolderError: no run, another process is at work on it, or its model has changed since.
        KeyboardInterrupt: Ctrl-C; the run can be resumed again.
    """
    with RunFolder.resume(path) as folder:
        design = design_of(folder)
        options = dict(folder.manifest.config.get("load") or {})
        source = options.pop("source", None)
        if not isinstance(source, str):
            raise RunFolderError(f"{folder.path} does not say which model was asked (config.load.source)")
        now = run_config(design, folder.manifest.config["load"])
        folder.check_same(now, None, ignore=MAY_DIFFER)
        model = load(source, **options)
        folder.check_same(now, model.identity.as_dict(), ignore=MAY_DIFFER)
        folder.restart()
        if batch_size is not None:
            design = replace(design, batch_size=batch_size)
        return folder.path, carry_out(model, design, folder, quiet=quiet)
