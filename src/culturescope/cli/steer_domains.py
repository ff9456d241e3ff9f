"""`steer domains`: vectors fitted on one domain of life, tested on all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from culturescope.cli import options as o
from culturescope.cli import steer_options as so
from culturescope.cli.steer_aim import Alpha, RandomSteps, SearchFolder, Step, opened, way_of
from culturescope.cli.steer_words import change

if TYPE_CHECKING:
    from culturescope.experiments.steer.results import DomainTable


def domains_command(
    search: SearchFolder,
    axis: so.Axes = None,
    dose: Step = 0.1,
    alpha: Alpha = None,
    blocks: so.Blocks = None,
    random: RandomSteps = "measured",
    batch_size: so.BatchSize = 8,
    force: so.Force = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Fit a vector on each domain (family, workplace, legal) and test each on every domain, beside random vectors.

    Fits on the search's scenarios for fitting, tests on those that report. Writes domains.json into the search's folder.
    """
    import json

    from culturescope.experiments.steer.steps import domains_into

    way = way_of(random)
    wanted = tuple(a.strip() for a in axis.split(",")) if axis else None
    stored, bench = opened(search, dose, alpha, blocks, batch_size, force, quiet)
    tables = domains_into(stored, bench, wanted, random=way)
    if as_json:
        typer.echo(json.dumps({table.axis: table.model_dump(mode="json") for table in tables}))
        return
    for table in tables:
        for line in domain_lines(table):
            typer.echo(line)
    typer.echo(f"Domains: {search / 'domains.json'}")


def domain_lines(table: DomainTable) -> list[str]:
    """The table of an axis in lines: where a vector was fitted, where it was tested, what it changed."""
    lines = [
        f"{table.axis} steered ({table.unit} {table.step:g}): signed change of d, 95% intervals; a random vector's in brackets"
    ]
    for cell in table.cells:
        changes = "  ".join(
            f"{axis} {change(d)} (+-{cell.random_band[axis]:.3f})" for axis, d in cell.change.items()
        )
        lines.append(f"  fitted on {cell.fitted:9s} tested on {cell.tested:9s} {changes}")
    names = list(table.cosine)
    pairs = ", ".join(f"{name} {table.pairs[name]}" for name in names)
    cosines = ", ".join(
        f"{a}-{b} {table.cosine[a][b]:+.2f}" for n, a in enumerate(names) for b in names[n + 1 :]
    )
    lines += [f"  contrast pairs: {pairs}", f"  cosine of the vectors: {cosines}"]
    return lines + [f"  Note: {note}" for note in table.notes]
