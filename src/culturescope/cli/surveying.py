"""The command that asks the items of the map directly, as a survey does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from culturescope.cli import asked
from culturescope.cli import executor_options as eo
from culturescope.cli import options as o
from culturescope.cli import speed_options as so
from culturescope.errors import BadInputError


def survey(
    model: o.Model,
    instrument: Annotated[
        str | None,
        typer.Option(
            "--instrument",
            help="text (free replies), options (log-probabilities of the numbers), or both with a comma; by default both, "
            "or free replies alone where a server offers no log-probabilities.",
            show_default=False,
        ),
    ] = None,
    samples: Annotated[int, typer.Option("--samples", help="Free replies to each prompt.")] = 2,
    wordings: Annotated[
        int, typer.Option("--wordings", help="Wordings of each question, 2 to 4; with 2 no verdict can pass.")
    ] = 4,
    items: Annotated[
        str | None,
        typer.Option("--items", help="Items by id with commas; all ten by default.", show_default=False),
    ] = None,
    temperature: Annotated[float, typer.Option("--temperature", help="Of the free replies.")] = 0.7,
    new_tokens: Annotated[
        int, typer.Option("--max-new-tokens", "--max_new_tokens", help="Longest free reply.")
    ] = 128,
    max_tokens_total: Annotated[
        int | None,
        typer.Option(
            "--max-tokens-total",
            "--max_tokens_total",
            help="Ask nothing if reading and writing may take more tokens than this.",
            show_default=False,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "--dry_run", help="Only say what it would cost at most.")
    ] = False,
    batch_size: so.Batches = None,
    seed: o.Seed = None,
    persona: o.Persona = None,
    society: o.Society = None,
    given_name: o.GivenName = None,
    allow_partial: o.AllowPartial = False,
    tables: o.Tables = None,
    dtype: o.Dtype = None,
    device: o.Device = None,
    revision: o.Revision = None,
    blocks_path: o.BlocksPath = None,
    model_args: o.ModelArgs = None,
    threads: so.Threads = None,
    attn_implementation: so.AttnImplementation = None,
    compiled: so.Compile = False,
    exact: so.Exact = False,
    executor: eo.Executor = None,
    workers: eo.Workers = None,
    gpus_per_worker: eo.GpusPerWorker = None,
    device_map: eo.DeviceMap = None,
    download: o.Download = False,
    trust_remote_code: o.TrustRemoteCode = False,
    output_path: o.OutputPath = None,
    profile_time: so.ProfileTime = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Ask the ten items of the map directly, with their scales, and say whether the answers may be read.

    Every question is asked in several wordings, with its scale in both directions, with and without "a number only". The
    ledger counts every reply; the place on the map carries the band that missing answers leave open.
    """
    from culturescope.executors import Placement, note_placement, opened
    from culturescope.experiments.survey import (
        carry_out_survey,
        offered_instruments,
        start_survey,
    )
    from culturescope.experiments.survey_design import SurveyDesign
    from culturescope.experiments.survey_planning import check_cost, survey_cost
    from culturescope.runs.place import refuse_taken

    given: dict[str, Any] = {
        "instruments": _listed(instrument),
        "items": _listed(items),
        "batch_size": so.batch_size_of(batch_size),
        "seed": seed,
    }
    design = SurveyDesign(
        samples=samples,
        wordings=wordings,
        temperature=temperature,
        new_tokens=new_tokens,
        personas=asked.personas(persona, society, given_name, allow_partial, tables),
        **{key: value for key, value in given.items() if value is not None},
    )
    load = o.load_options(
        model_args,
        dtype=dtype,
        device=device,
        revision=revision,
        blocks=blocks_path,
        threads=threads,
        attn_implementation=attn_implementation,
        compiled=compiled,
        exact=exact,
        device_map=device_map,
        download=download,
        trust_remote_code=trust_remote_code,
    )
    if output_path is not None and not dry_run:
        refuse_taken(output_path)
    placement = Placement.of(executor, workers, gpus_per_worker)
    load = placement.fitted(load)
    with (
        so.profiling(profile_time) as times,
        opened(
            Placement() if dry_run else placement, model, load, progress=None if quiet else o.say
        ) as respondent,
    ):
        cost = survey_cost(design, respondent)
        if dry_run:
            lines = cost.pop("lines")
            typer.echo(json.dumps(cost, indent=2) if as_json else "\n".join(lines))
            check_cost(cost, max_tokens_total)
            return
        check_cost(cost, max_tokens_total)
        if not quiet:
            for line in cost["lines"]:
                o.say(line)
        if instrument is None:
            design, why = offered_instruments(respondent, design)
            if why is not None:
                o.say(f"Free replies only: {why}")
        source = str(Path(model).resolve()) if Path(model).exists() else model
        with start_survey(
            respondent, design, load={"source": source, **load}, output_path=output_path
        ) as folder:
            note_placement(folder, placement)
            o.say(f"Run folder: {folder.path}")
            effect = so.say_effect(respondent, source, load, [t.prompt for t in design.tasks()], quiet=quiet)
            if effect is not None:
                folder.update(effect=effect)
            try:
                results = carry_out_survey(respondent, folder, quiet=quiet)
            except (KeyboardInterrupt, Exception):
                o.say(f"Stopped. To go on: culturescope resume {folder.path}")
                raise
    print_survey(folder.path, results, as_json)
    so.say_cost(folder.path, times)


def print_survey(path: Path, results: Any, as_json: bool) -> None:
    """Prints a survey's verdict, ledger and place, and where its page is."""
    from culturescope.experiments.survey import RESULTS_NAME
    from culturescope.experiments.survey_place import survey_places
    from culturescope.instrument import load_pack
    from culturescope.page.report import AxisText
    from culturescope.page.survey_words import summary_lines

    if as_json:
        typer.echo(
            json.dumps({"run": str(path), **json.loads((path / RESULTS_NAME).read_text(encoding="utf-8"))})
        )
        return
    axes = [AxisText(a.id, a.name, a.negative, a.positive) for a in load_pack().axes]
    for line in summary_lines(results, survey_places(results), axes):
        typer.echo(line)
    typer.echo(f"Page: {path / 'report.html'}")


def _listed(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    found = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not found:
        raise BadInputError(f'"{text}" names nothing; write for example --items Y01,X03')
    return found
