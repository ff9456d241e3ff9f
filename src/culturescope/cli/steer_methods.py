"""`steer methods`: where contrast texts are read and how a direction is fitted, compared on held-out scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from culturescope.cli import options as o
from culturescope.cli import steer_options as so
from culturescope.cli.steer_aim import Alpha, RandomSteps, SearchFolder, Step, opened, way_of
from culturescope.cli.steer_words import change, share
from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from culturescope.experiments.steer.methods_results import MethodRow, MethodTable


def methods_command(
    search: SearchFolder,
    axis: so.Axes = None,
    sites: Annotated[
        str, typer.Option("--site", help="Sites with commas; the first is the default of the comparison.")
    ] = "option-text,option-mean,answer-letter",
    methods: Annotated[
        str, typer.Option("--method", help="Methods with commas; the first is the default of the comparison.")
    ] = "mean-difference,pca,logistic",
    dose: Step = 0.1,
    alpha: Alpha = None,
    blocks: so.Blocks = None,
    first_order: Annotated[
        bool,
        typer.Option(
            "--first-order",
            "--first_order",
            help="Estimate all changes (one backward pass) and measure only the default and the best (for large models).",
        ),
    ] = False,
    random: RandomSteps = "measured",
    batch_size: so.BatchSize = 8,
    force: so.Force = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Compare sites and methods: change on the axis and off it by equally long steps, beside random vectors.

    Fits on the search's scenarios for fitting, tests on those that report; vectors of shuffled labels are a floor.
    Steers all blocks of the search's vectors, or --blocks. Writes methods.json into the search's folder.
    """
    import json

    from culturescope.experiments.steer.steps import methods_into
    from culturescope.prompts.contrast import site as site_of
    from culturescope.steering.directions import method_of

    way, chosen_sites, chosen_methods = way_of(random), _names(sites, "site"), _names(methods, "method")
    for name in chosen_sites:
        site_of(name)
    for name in chosen_methods:
        method_of(name)
    wanted = tuple(a.strip() for a in axis.split(",")) if axis else None
    stored, bench = opened(search, dose, alpha, blocks, batch_size, force, quiet, every=True)
    tables = methods_into(
        stored,
        bench,
        wanted,
        sites=chosen_sites,
        methods=chosen_methods,
        first_order=first_order,
        random=way,
    )
    if as_json:
        typer.echo(json.dumps({table.axis: table.model_dump(mode="json") for table in tables}))
        return
    for table in tables:
        for line in method_lines(table):
            typer.echo(line)
    typer.echo(f"Methods: {search / 'methods.json'}")


def method_lines(table: MethodTable) -> list[str]:
    """The table of an axis in lines, and what of it lies beyond its interval."""
    bands = ", ".join(f"{axis} +-{band:.3f}" for axis, band in table.random_band.items())
    ratios = "".join(
        f"; measured, {axis} changes {ratio:.2f} times its estimate"
        for axis, ratio in table.control_ratio.items()
    )
    blocks = ", ".join(map(str, table.blocks))
    lines = [
        f"{table.axis} steered at blocks {blocks} ({table.unit} {table.step:g}, steps as long for all): signed change of d, "
        "95% intervals",
        f"  {table.pairs} contrast pairs, tested on {table.scenarios} other scenarios; 95% of random vectors: {bands} "
        f"({table.random}{ratios})",
    ]
    for how in dict.fromkeys(row.how for row in table.rows):
        lines.append(f"  {how}:")
        lines += [_row(row, table) for row in table.rows if row.how == how]
    return lines + _verdict(table)


def _row(row: MethodRow, table: MethodTable) -> str:
    on = f"{table.axis} {change(row.change[table.axis])}{' inside the band' if row.inside else ''}"
    off = "".join(f"; {axis} {change(d)}" for axis, d in row.change.items() if axis != table.axis)
    against = "default" if row.difference is None else f"against default {change(row.difference[table.axis])}"
    e = f"E {share(row.e)}" if row.e else "E undefined"
    against_e = f", against default {change(row.e_difference)}" if row.e_difference else ""
    mass = "" if row.letter_mass is None else f"; letter mass {row.letter_mass:.2f}"
    return f"    {row.site:13s} {row.method:15s} {on} ({against}){off}; {e}{against_e}; cosine {row.cosine:+.2f}{mass}"


def _verdict(table: MethodTable) -> list[str]:
    """Which vectors do more or less than the default beyond the interval of the difference, in words."""
    compared = [row for row in table.rows if row.difference is not None]
    if not compared:
        return []
    sides = {
        "more": [_name(row) for row in compared if row.difference and row.difference[table.axis].low > 0],
        "less": [_name(row) for row in compared if row.difference and row.difference[table.axis].high < 0],
    }
    told = "; ".join(
        f"{side} than the default: {', '.join(names) or 'none'}" for side, names in sides.items()
    )
    lines = [f"  {told} (each by its own interval; of {len(compared)} one in twenty errs by chance)"]
    if table.best is not None:
        lines.append(f"  best by its estimate on the scenarios that choose: {' '.join(table.best)}")
    beyond = [row for row in table.rows if not row.inside]
    if not beyond:
        lines.append("  no vector leaves the band of random vectors: what is compared here is noise")
    return lines


def _name(row: MethodRow) -> str:
    return f"{row.site} {row.method}" + (" (estimated)" if row.how == "estimated" else "")


def _names(text: str, kind: str) -> tuple[str, ...]:
    """Names with commas, each once.

    Raises:
        BadInputError: none, or one twice.
    """
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not names or len(set(names)) < len(names):
        raise BadInputError(f'--{kind}: "{text}" names none, or one twice')
    return names
