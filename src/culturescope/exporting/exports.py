"""Writes a run in the form of another tool."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from culturescope.errors import BadInputError, RunFolderError
from culturescope.exporting.loading import TABLES, LoadedRun, load_run
from culturescope.instrument import Pack, Scenario
from culturescope.runs.atomic import disk_errors, write_bytes

FORMATS = ("inspect", "lm-eval", "csv", "parquet")


def export_run(
    run: LoadedRun | str | os.PathLike[str], to: str, output: str | os.PathLike[str] | None = None
) -> tuple[Path, ...]:
    """Writes a finished run for another tool.

    Args:
        run: a loaded run or its folder.
        to: `inspect` (a log in JSON), `lm-eval` (a task with its data, and results and samples with lm-eval's keys), `csv` or
            `parquet` (the tables of `LoadedRun.table`).
        output: a folder, made if needed; `export-<to>` in the run's folder by default. For `inspect` a name that ends in
            .json is the file itself.

    Returns:
        The files that were written.

    Raises:
        BadInputError: another format, or a direct survey.
        RunFolderError: no run, not finished, or the place cannot be written.
        RunFailedError: the disk is full or failed.
    """
    if to not in FORMATS:
        raise BadInputError(f"--to is one of {', '.join(FORMATS)}, not “{to}”")
    loaded = run if isinstance(run, LoadedRun) else load_run(run)
    place = loaded.path / f"export-{to}" if output is None else Path(output)
    if to == "inspect":
        from culturescope.exporting.inspect_log import inspect_log

        file = place if place.suffix == ".json" else place / f"{loaded.path.name}.json"
        return _write({file: lambda: inspect_log(loaded)})
    if to == "lm-eval":
        from culturescope.exporting.lm_eval_results import results_files
        from culturescope.exporting.lm_eval_task import task_files

        scenarios, templates, order = _asked(loaded)
        files = task_files(loaded.pack, scenarios, templates, order)
        files |= results_files(loaded)
        return _write({place / name: _ready(data) for name, data in files.items()})
    return _write({place / f"{name}.{to}": partial(_table, loaded, name, to) for name in TABLES})


def export_task(
    pack: Pack,
    scenarios: tuple[Scenario, ...],
    template_ids: tuple[str, ...],
    output: str | os.PathLike[str],
) -> tuple[Path, ...]:
    """Writes scenarios as tasks of lm-eval, one an axis, each prompt in both orders.

    Args:
        pack: the instrument.
        scenarios: of the pack.
        template_ids: wordings.
        output: a folder, made if needed.

    Raises:
        BadInputError: no scenarios.
        InstrumentError: an unknown wording.
        RunFolderError: the place cannot be written.
    """
    from culturescope.exporting.lm_eval_task import task_files

    files = task_files(pack, scenarios, template_ids, None)
    return _write({Path(output) / name: _ready(data) for name, data in files.items()})


def _asked(
    run: LoadedRun,
) -> tuple[tuple[Scenario, ...], tuple[str, ...], dict[tuple[str, str], str] | None]:
    """What the run asked without persona: scenarios, wordings, and the order of each prompt where it was one."""
    from culturescope.exporting.loading import probed

    rows, known = probed(run), {s.id: s for s in run.pack.scenarios}
    scenarios = tuple(known[name] for name in dict.fromkeys(r["scenario"] for r in rows))
    templates = tuple(dict.fromkeys(r["template"] for r in rows))
    single = run.results.probe.orders == "random"
    return (
        scenarios,
        templates,
        {(r["scenario"], r["template"]): r["order"] for r in rows} if single else None,
    )


def _ready(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def _table(run: LoadedRun, name: str, to: str) -> bytes:
    import io

    frame, data = run.to_polars(name), io.BytesIO()
    if to == "csv":
        frame.write_csv(data)
    else:
        frame.write_parquet(data)
    return data.getvalue()


def _write(files: dict[Path, Callable[[], bytes]]) -> tuple[Path, ...]:
    for folder in {path.parent for path in files}:
        if folder.is_file():
            raise RunFolderError(f"{folder} is a file; --output names a folder for the export")
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        write_bytes(path, data())
    return tuple(files)
