"""The program: its commands, put together. Heavy imports come inside of the commands."""

from __future__ import annotations

from typing import Annotated

import typer

from culturescope.cli.comparing import compare_command
from culturescope.cli.exporting import export_command
from culturescope.cli.generating import accept_command, generate_command, review_command
from culturescope.cli.lint import lint_command
from culturescope.cli.listing import models_app, scenarios_app
from culturescope.cli.mapping import map_command
from culturescope.cli.people import people_app
from culturescope.cli.planning import plan
from culturescope.cli.reproducing import reproduce_command
from culturescope.cli.running import audit, page, probe, resume
from culturescope.cli.statistics import stats_command
from culturescope.cli.steering import steer_app
from culturescope.cli.surveying import survey

app = typer.Typer(
    help="Shows where a language model stands on the human map of values, and how sure one may be of it.\n\n"
    "Start with:  culturescope models get smollm2-135m  and then  culturescope audit smollm2-135m",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (audit, probe, survey, resume, page, plan):
    app.command()(command)
app.command("map")(map_command)
app.command("compare")(compare_command)
app.command("export")(export_command)
app.command("reproduce")(reproduce_command)
scenarios_app.command("lint")(lint_command)
scenarios_app.command("stats")(stats_command)
scenarios_app.command("generate")(generate_command)
scenarios_app.command("review")(review_command)
scenarios_app.command("accept")(accept_command)
app.add_typer(people_app, name="people")
app.add_typer(steer_app, name="steer")
app.add_typer(models_app, name="models")
app.add_typer(scenarios_app, name="scenarios")


def _version(wanted: bool) -> None:
    if wanted:
        import culturescope

        typer.echo(f"culturescope {culturescope.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass
