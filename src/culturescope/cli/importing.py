"""`people import`: item means and answer distributions from the user's own survey files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from culturescope.cli import options as o
from culturescope.errors import BadInputError


def import_command(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="WVS wave 7, WVS trend, EVS trend, Joint EVS/WVS or Integrated file: csv, sav, dta, or a zip with one csv.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "--output-path", "--output_path", "-o", help="Folder for the tables.")
    ] = Path("people-tables"),
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            help="Also divide societies: region, sex, age_group, or columns of the file, with commas.",
            show_default=False,
        ),
    ] = None,
    programme: Annotated[
        str | None,
        typer.Option(
            "--programme",
            help="Where both programmes surveyed a society in the same year: evs, wvs, or pooled.",
            show_default=False,
        ),
    ] = None,
    min_cell: Annotated[
        int, typer.Option("--min-cell", "--min_cell", help="Respondents that a figure needs to be written.")
    ] = 100,
    weight: Annotated[
        str | None,
        typer.Option(
            "--weight",
            help="Another column of weights, or none. Usual: W_WEIGHT, S017, gwght.",
            show_default=False,
        ),
    ] = None,
    without: Annotated[
        str | None,
        typer.Option("--without", help="Codes of societies to leave out, with commas.", show_default=False),
    ] = None,
    age_bands: Annotated[
        str, typer.Option("--age-bands", "--age_bands", help="Ages at which a new age group begins.")
    ] = "30,50",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an import in the folder.")] = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Read survey files of your own and write item means and answer distributions; nothing of single respondents.

    Files are told by their columns. The tables go into a folder that other commands take with --tables.
    """
    from culturescope.people.survey_files import Options, check_output, import_files, write_import
    from culturescope.people.survey_files.writing import CITE, ERRORS, about

    check_output(output, overwrite=overwrite)
    options = Options(
        by=_parts(by),
        programme=programme,
        weight=weight,
        minimum=min_cell,
        without=tuple(code.upper() for code in _parts(without)),
        bands=_ages(age_bands),
    )
    found = import_files(files, options, quiet=quiet)
    write_import(found, output, overwrite=overwrite)
    if as_json:
        typer.echo(json.dumps({"folder": str(output), **about(found)}, ensure_ascii=False, indent=2))
        return
    for f in found.files:
        weighted = f"weight {f.weight}" if f.weight else "not weighted"
        typer.echo(
            f"{f.name}: {f.title} ({f.form}), {f.used:,} of {f.respondents:,} respondents used, {weighted}."
        )
    surveys = {(f.society, f.year) for f in found.totals}
    typer.echo(
        f"{len(surveys)} surveys of {len({s for s, _ in surveys})} societies, {len(found.totals)} item means."
    )
    if options.by:
        typer.echo(f"By {', '.join(options.by)}: {len(found.groups)} means of groups.")
    if any(found.suppressed.values()):
        typer.echo(
            f"Not written, under {options.minimum} respondents or giving such a figure away: "
            f"{found.suppressed['societies']} of societies, {found.suppressed['groups']} of groups."
        )
    if gap := found.own_map.against_official:
        typer.echo(
            f"The official procedure on these respondents: {'' if gap.holds else 'not '}the official map (root mean square "
            f"difference x {gap.x:.3f}, y {gap.y:.3f} over {gap.societies} {'society' if gap.societies == 1 else 'societies'})."
        )
    for note in found.notes:
        typer.echo(note)
    typer.echo(f"{ERRORS}\n{CITE}\nTables: {output}")


def _parts(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def _ages(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in _parts(text))
    except ValueError:
        raise BadInputError(f'--age-bands: "{text}" is not ages with commas, for example 30,50') from None
