"""The command that says what a run would cost, before it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from culturescope.cli import asked
from culturescope.cli import options as o
from culturescope.cli import speed_options as so
from culturescope.cli import studying as st
from culturescope.errors import BadInputError


def plan(
    model: Annotated[
        str | None,
        typer.Argument(metavar="[MODEL]", help="Count tokens and estimate the time for this model."),
    ] = None,
    profile: o.Profile = "quick",
    limit: o.Limit = None,
    check_limit: o.CheckLimit = None,
    templates: o.Templates = None,
    orders: o.Orders = None,
    split: o.Split = None,
    batch_size: so.Batches = None,
    pack: o.PackFolder = None,
    only: st.Only = None,
    without: st.Without = None,
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
    download: o.Download = False,
    trust_remote_code: o.TrustRemoteCode = False,
    as_survey: Annotated[
        bool,
        typer.Option(
            "--survey",
            help="Plan the direct survey with its defaults; culturescope survey MODEL --dry-run takes its options.",
        ),
    ] = False,
    power: Annotated[
        bool, typer.Option("--power", help="How many scenarios show a difference in d (default 0.1).")
    ] = False,
    delta: Annotated[
        float, typer.Option("--delta", help="The difference in d to be shown, with --power.")
    ] = 0.1,
    from_run: Annotated[
        Path | None,
        typer.Option(
            "--run", help="Take the spread over scenarios from this run, with --power.", show_default=False
        ),
    ] = None,
    show_tokens: Annotated[
        bool,
        typer.Option("--show-tokens", help="Show a prompt token by token, and where the letter is read."),
    ] = False,
    as_json: o.Json = False,
) -> None:
    """Say what a run would cost before it runs: prompts, tokens, time; or how many scenarios are needed."""
    from culturescope.experiments import planning

    if power:
        print_lines(planning.power_table(delta, from_run), as_json)
        return
    personas = asked.personas(persona, society, given_name, allow_partial, tables)
    if as_survey:
        _refuse_options_of_the_probe(
            {
                "--limit": limit,
                "--check-limit": check_limit,
                "--templates": templates,
                "--orders": orders,
                "--split": split,
                "--pack": pack,
                "--show-tokens": show_tokens or None,
            }
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
        download=download,
        trust_remote_code=trust_remote_code,
    )
    if as_survey:
        print_lines(planning.survey_plan(personas, model, load), as_json)
        return
    size = so.batch_size_of(batch_size)
    design = asked.design(profile, limit, check_limit, templates, orders, split, size, None, pack, personas)
    if show_tokens:
        if model is None:
            raise BadInputError("--show-tokens needs a model: culturescope plan MODEL --show-tokens")
        typer.echo(planning.token_table(model, design, load))
        return
    settings = st.settings_of(profile, only, without, design, personas, tables=tables)
    print_lines(planning.plan(design, model, load, settings), as_json)


def _refuse_options_of_the_probe(given: dict[str, Any]) -> None:
    wrong = next((name for name, value in given.items() if value is not None), None)
    if wrong is not None:
        raise BadInputError(
            f"{wrong} belongs to the probe, not to --survey; culturescope survey MODEL --dry-run takes the survey's own options"
        )


def print_lines(found: dict[str, Any], as_json: bool) -> None:
    """A plan in lines, or as JSON."""
    lines = found.pop("lines")
    typer.echo(json.dumps(found, indent=2) if as_json else "\n".join(lines))
