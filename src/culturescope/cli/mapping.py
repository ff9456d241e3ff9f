"""The command that draws runs on the cultural map."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from culturescope.cli import options as o
from culturescope.errors import BadInputError


def map_command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="One or more run folders.")],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Where to draw it: .html, or .svg, .png, .pdf (a file for each conversion).",
        ),
    ] = Path("map.html"),
    conversion: Annotated[
        str,
        typer.Option("--conversion", help="How scores become item values: anchored, paper, or both."),
    ] = "both",
    domain: Annotated[
        str | None,
        typer.Option(
            "--domain",
            help="Domains with commas, or each: a place for each of them alone.",
            show_default=False,
        ),
    ] = None,
    calibrate: Annotated[
        list[Path] | None,
        typer.Option(
            "--calibrate",
            metavar="RUN",
            help="A run of the same model with personas of societies (repeat for more): it sets how far a logit moves on "
            "people's scale, instead of 1 sd.",
            show_default=False,
        ),
    ] = None,
    persona: Annotated[
        str | None,
        typer.Option(
            "--persona",
            help="With --calibrate: basic or advanced, where its runs hold both.",
            show_default=False,
        ),
    ] = None,
    personas: Annotated[
        bool,
        typer.Option("--personas/--no-personas", help="Draw the places under personas of societies as well."),
    ] = True,
    as_json: o.Json = False,
) -> None:
    """Draw runs on the map of societies, with ellipses, nulls and what may be said of each place.

    The result of a run is d on the two axes; the map is derived from it. Models that are not interpretable are drawn
    hollow, and nothing is said of whom they are near to.
    """
    from culturescope.experiments.mapping import map_runs
    from culturescope.experiments.report import CONVERSIONS
    from culturescope.page import write_map
    from culturescope.people import calibration_words, describe

    o.one_of("conversion", conversion, (*CONVERSIONS, "both"))
    if persona is not None:
        o.one_of("persona", persona, ("basic", "advanced"))
        if not calibrate:
            raise BadInputError("--persona says what to calibrate on, so it needs --calibrate RUN")
    chosen = CONVERSIONS if conversion == "both" else tuple(c for c in CONVERSIONS if c == conversion)
    domains: tuple[str | None, ...] | None = (None,)
    if domain is not None:
        domains = None if domain == "each" else tuple(d.strip() for d in domain.split(","))
    figure = map_runs(
        runs,
        conversions=chosen,
        domains=domains,
        calibrate=calibrate or (),
        persona=persona,
        personas=personas,
    )
    written = [output]
    if output.suffix.lower() not in (".svg", ".png", ".pdf") or len(chosen) == 1:
        write_map(figure, output, conversion=chosen[0])
    else:
        written = [output.with_stem(f"{output.stem}-{c}") for c in chosen]
        for path, c in zip(written, chosen, strict=True):
            write_map(figure, path, conversion=c)
    if as_json:
        places = [p.model_dump(mode="json") for p in figure.placements]
        typer.echo(
            json.dumps({"maps": [str(path) for path in written], "placements": places}, ensure_ascii=False)
        )
        return
    if figure.calibration:
        typer.echo(calibration_words(figure.calibration))
    for place in figure.placements:
        typer.echo(" ".join(describe(place)))
    for path in written:
        typer.echo(f"Map: {path}")
