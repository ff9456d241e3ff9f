"""The command that takes a run, or the scenarios, to another tool."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from culturescope.cli import options as o
from culturescope.errors import BadInputError


def export_command(
    run: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RUN]",
            help="A run folder; without it, --to lm-eval writes the scenarios.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[str, typer.Option("--to", help="inspect, lm-eval, csv or parquet.")] = "csv",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="A folder; export-<to> in the run's folder by default.", show_default=False
        ),
    ] = None,
    split: o.Split = None,
    limit: o.Limit = None,
    templates: o.Templates = None,
    pack: o.PackFolder = None,
    as_json: o.Json = False,
) -> None:
    """Write a run for another tool: a log for Inspect, a task and results for lm-eval, tables as csv or parquet.

    Without a run, `--to lm-eval` writes the instrument as tasks, one an axis: all scenarios, each prompt in both orders. The
    accuracy of a task is the share of choices of the positive pole.
    """
    from culturescope.exporting import FORMATS, export_run, export_task
    from culturescope.instrument import load_pack, select
    from culturescope.prompts import templates as wordings

    o.one_of("to", to, FORMATS)
    if run is not None:
        if any(one is not None for one in (split, limit, templates, pack)):
            raise BadInputError(
                "--split, --limit, --templates and --pack choose scenarios for a task without a run; a run has its own"
            )
        written = export_run(run, to, output)
    elif to != "lm-eval":
        raise BadInputError(f"--to {to} needs a run: culturescope export RUN --to {to}")
    else:
        instrument = load_pack(pack)
        chosen = select(instrument, split=o.one_of("split", split, ("evaluate", "optimise")), limit=limit)
        ids = o.template_ids(templates) or tuple(t.id for t in wordings())
        written = export_task(instrument, chosen, ids, output or Path(f"lm-eval-{instrument.id}"))
    if as_json:
        typer.echo(json.dumps([str(path) for path in written], ensure_ascii=False))
        return
    for path in written:
        typer.echo(str(path))
