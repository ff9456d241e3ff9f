"""`steer`: fit vectors, show and export them, and what is done with them; one line for each command."""

from __future__ import annotations

import typer

from culturescope.cli.steer_aim import aim_command, entangle_command
from culturescope.cli.steer_domains import domains_command
from culturescope.cli.steer_files import export_command, show_command
from culturescope.cli.steer_fit import fit_command
from culturescope.cli.steer_generate import generate_command
from culturescope.cli.steer_methods import methods_command
from culturescope.cli.steer_search import search_command
from culturescope.cli.steer_sweep import sweep_command
from culturescope.cli.steer_tax import tax_command

steer_app = typer.Typer(
    help="Steering vectors: fit, show, export, and move a model with them.", no_args_is_help=True
)
steer_app.command("fit")(fit_command)
steer_app.command("show")(show_command)
steer_app.command("export")(export_command)
steer_app.command("search")(search_command)
steer_app.command("entangle")(entangle_command)
steer_app.command("domains")(domains_command)
steer_app.command("methods")(methods_command)
steer_app.command("aim")(aim_command)
steer_app.command("sweep")(sweep_command)
steer_app.command("generate")(generate_command)
steer_app.command("tax")(tax_command)
