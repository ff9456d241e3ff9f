"""The command that compares runs, and fails where a condition is met."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from culturescope.cli import options as o
from culturescope.errors import BadInputError


def compare_command(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...", help="Run folders of audit or probe; the first is the base of the differences."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the page (.html).")] = Path(
        "compare.html"
    ),
    conversion: Annotated[
        str, typer.Option("--conversion", help="How scores become item values: anchored or paper.")
    ] = "anchored",
    society: Annotated[
        str,
        typer.Option(
            "--society",
            help="Societies (codes or names, with commas) to whose people the distances are taken.",
        ),
    ] = "IND,VNM,MEX,DNK",
    steer: Annotated[
        list[Path] | None,
        typer.Option(
            "--steer",
            metavar="DIR",
            help="A folder of `steer search` of one of these models (repeat for more): how far its vectors move it.",
            show_default=False,
        ),
    ] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-if",
            metavar="CONDITION",
            help='Exit with 1 where a run meets it (repeat for more): "distance(IND) > 1.5", "abs(change(d(X))) > 0.3 or '
            'mass < 0.9", \'verdict != "interpretable"\'.',
            show_default=False,
        ),
    ] = None,
    fail_if_sure: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-if-sure",
            metavar="CONDITION",
            help="The same, but only where the whole interval of 95% meets it.",
            show_default=False,
        ),
    ] = None,
    seed: o.Seed = None,
    as_json: o.Json = False,
) -> None:
    """Compare several models or revisions over the scenarios that all of them were asked, on one map and one table.

    Positions with intervals and verdicts, paired differences, the order by distance to societies with the ranks that cannot be
    told apart, and baseline distance beside steerability where it was measured. With --fail-if it is a test for a CI.
    """
    import culturescope
    from culturescope.errors import RunFailedError
    from culturescope.experiments.compare import compare_runs
    from culturescope.experiments.compare_text import axis_texts, describe_comparison
    from culturescope.page.compare_document import write_comparison

    if output.suffix.lower() not in (".html", ".htm"):
        raise BadInputError(f"--output is an HTML page, not “{output.name}”; culturescope map draws figures")
    o.one_of("conversion", conversion, ("anchored", "paper"))
    societies = [part.strip() for part in society.split(",") if part.strip()]
    conditions = [*(fail_if or ()), *(fail_if_sure or ())]
    compared, figure = compare_runs(
        runs,
        conversion="paper" if conversion == "paper" else "anchored",
        societies=societies,
        searches=steer or (),
        fail_if=fail_if or (),
        fail_if_sure=fail_if_sure or (),
        seed=42 if seed is None else seed,
    )
    axes = axis_texts(runs[0])
    write_comparison(compared, axes, figure, output, conditions=conditions, version=culturescope.__version__)
    if as_json:
        typer.echo(compared.model_dump_json())
    else:
        for line in describe_comparison(compared):
            typer.echo(line)
        typer.echo(f"Page: {output}")
    if compared.failures:
        raise RunFailedError("failed: " + "; ".join(failure.line for failure in compared.failures))
