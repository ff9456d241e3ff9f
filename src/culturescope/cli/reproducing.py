"""The command that does the paper's study again and sets its claims beside what was found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from culturescope.cli import options as o
from culturescope.cli import speed_options as so
from culturescope.cli import studying as st
from culturescope.errors import BadInputError, ModelError

if TYPE_CHECKING:
    from culturescope.experiments.reproduce.claims import Table
    from culturescope.experiments.reproduce.configurations import Configuration

WIDTH = 120
"""Of a table that is not printed to a terminal."""


def reproduce_command(
    configuration: Annotated[
        str | None,
        typer.Argument(
            metavar="[CONFIG]",
            help="A checked-in configuration (--list), the hub id of its model, or a .toml file based on one.",
            show_default=False,
        ),
    ] = None,
    stand_in: Annotated[
        str | None,
        typer.Option(
            "--stand-in",
            metavar="MODEL",
            help="Run the same study on another model, loaded by the usual defaults; the table says so.",
            show_default=False,
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            metavar="PATH",
            help="The configuration's own model from a folder or a .gguf file on this machine.",
            show_default=False,
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="Show the configurations, and run nothing.")] = False,
    plan: Annotated[
        bool,
        typer.Option(
            "--plan", help="Say what each part would take (prompts, tokens, time), and run nothing."
        ),
    ] = False,
    table: Annotated[
        Path | None,
        typer.Option(
            "--table",
            metavar="RUN",
            help="Judge the claims of a run again, and run nothing; of any study where CONFIG says whose claims.",
            show_default=False,
        ),
    ] = None,
    only: st.Only = None,
    without: st.Without = None,
    dtype: o.Dtype = None,
    device: o.Device = None,
    revision: o.Revision = None,
    model_args: o.ModelArgs = None,
    threads: so.Threads = None,
    download: o.Download = False,
    output_path: o.OutputPath = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Do the study of Dang and Masud again, and set the paper's claims beside what was found.

    A configuration holds the paper's settings for one of its three models, with dtype and batch sizes for a card of 16 GB. The
    run is a study as of `audit`: parts can be chosen, and `resume` goes on with it. At the end each claim is confirmed, not
    confirmed or not testable, with figures, intervals and a reason; claims.json and claims.md hold the same.
    """
    from culturescope.experiments.reproduce import recording
    from culturescope.experiments.reproduce.configurations import configuration as named

    if show:
        for line in _configurations():
            typer.echo(line)
        return
    if table is not None:
        _refuse(
            "--table",
            {"--stand-in": stand_in, "--weights": weights, "--plan": plan, "-o": output_path, "--only": only},
        )
        chosen = recording.configuration_of(table) if configuration is None else named(configuration)
        say_claims(recording.write_claims(table, chosen), table, as_json)
        return
    if configuration is None:
        raise BadInputError("name a configuration: culturescope reproduce --list shows them")
    chosen = named(configuration)
    if stand_in is not None:
        _refuse("--stand-in", {"--weights": weights})
        chosen = chosen.standing_in(stand_in)
    scope = chosen.scope()
    settings = scope.settings.chosen(st.listed(only), st.listed(without))
    load = chosen.load_options() | o.load_options(
        model_args, dtype=dtype, device=device, revision=revision, threads=threads, download=download
    )
    source = str(weights) if weights is not None else chosen.asked
    for line in _about(chosen, source):
        o.say(line)
    if plan:
        _say_plan(scope.design, source, load, settings, as_json)
        return
    changed = {"only": only, "without": without, "weights": None if weights is None else str(weights)}
    path, _ = st.new_study(
        source,
        scope.design,
        settings,
        load,
        output_path,
        quiet=quiet,
        begun=lambda run: recording.note(run, chosen, {k: v for k, v in changed.items() if v is not None}),
    )
    say_claims(recording.write_claims(path, chosen), path, as_json)
    so.say_cost(path, None)
    st.fail_if_failed(st.study_at(path))


def after_resume(run: Path, as_json: bool) -> None:
    """Judges the claims of a run that was gone on with, where it is a reproduction."""
    from culturescope.experiments.reproduce import recording
    from culturescope.experiments.reproduce.claims import read_reproduction

    found = read_reproduction(run)
    if found is not None:
        judged = recording.write_claims(run, found.configuration)
        if not as_json:  # there the run itself is what was asked for
            say_claims(judged, run, as_json)


def say_claims(found: Table, run: Path, as_json: bool) -> None:
    """Prints the claims as a table, or as JSON."""
    if as_json:
        typer.echo(found.model_dump_json())
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    from culturescope.errors import one_line
    from culturescope.experiments.reproduce.claims import CLAIMS_MD
    from culturescope.experiments.reproduce.recording import found_words, summary

    console = Console(file=sys.stdout, width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    shown = RichTable(box=box.SIMPLE_HEAD, show_lines=True, title=f"Claims of the paper on {found.of}")
    for head, ratio in (("claim, and the paper's figure", 4), ("found, with 95% interval", 4), ("", 5)):
        shown.add_column(head, ratio=ratio)
    colours = {"confirmed": "bold green", "not confirmed": "bold red", "not testable": "bold yellow"}
    for claim in found.claims:
        said = Text(f"{claim.outcome}: ", style=colours[claim.outcome])
        # Reasons quote errors and names of strangers: as text, never as markup.
        shown.add_row(
            Text(f"{claim.claim} ({claim.paper})"),
            Text("\n".join(map(str, claim.figures)) or found_words(claim)),
            said.append(one_line(claim.why), style="not bold default"),
        )
    console.print(shown)
    for line in summary(found):
        console.print(Text(one_line(line)))
    console.print(Text(f"How the paper was read where it is unclear: {run / CLAIMS_MD}"), soft_wrap=True)


def _configurations() -> list[str]:
    from culturescope.experiments.reproduce.configurations import configuration, configuration_names

    lines = []
    for name in configuration_names():
        one = configuration(name)
        lines.append(f"{name:14s} {', '.join(_about(one, one.asked))}")
    return lines


def _about(chosen: Configuration, source: str) -> list[str]:
    if not chosen.stand_in:
        where = "" if source == chosen.of else f" from {source}"
        lines = [f"{chosen.of}{where}, the paper's study"]
    else:
        lines = [f"{chosen.asked} in the place of {chosen.of}"]
    return [*lines, *([f"reduced: {chosen.reduced}"] if chosen.reduced else [])]


def _say_plan(design: Any, source: str, load: dict[str, Any], settings: Any, as_json: bool) -> None:
    from culturescope.cli.planning import print_lines
    from culturescope.experiments import planning

    try:
        found = planning.plan(design, source, load, settings)
    except ModelError as error:
        # What the paper's study asks can be counted without its model.
        o.say(f"Counted without the model: {error}")
        found = planning.plan(design, None, load, settings)
    print_lines(found, as_json)


def _refuse(option: str, given: dict[str, Any]) -> None:
    for name, value in given.items():
        if value not in (None, False):
            raise BadInputError(f"{name} and {option} do not go together")
