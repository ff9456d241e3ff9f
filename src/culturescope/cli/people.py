"""`people list` and `people show`: the societies of the map and what is known of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from culturescope.cli import options as o
from culturescope.cli.importing import import_command
from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from culturescope.people import People

people_app = typer.Typer(help="Societies on the map: positions and item means.", no_args_is_help=True)
people_app.command("import")(import_command)

Tables = Annotated[
    Path | None,
    typer.Option(
        "--tables", help="Folder of `people import`, taken beside the package's own.", show_default=False
    ),
]


@people_app.command("list")
def people_list(
    zone: Annotated[
        str | None,
        typer.Option(
            "--zone", help='Only this cultural zone, for example "Latin America".', show_default=False
        ),
    ] = None,
    tables: Tables = None,
    as_json: o.Json = False,
) -> None:
    """Show the societies: code, name, zone, survey year, position, and how many item means there are."""
    people = _tables(tables)
    wanted = None
    if zone is not None:
        wanted = {z.casefold(): z for z in people.zones}.get(zone.strip().casefold())
        if wanted is None:
            raise BadInputError(f'--zone: "{zone}" is not one of {", ".join(people.zones)}')
    entries = [
        {
            **s.model_dump(exclude={"source"}),
            "item_means": len(people.item_means[s.code].means) if s.code in people.item_means else 0,
        }
        for s in people.societies.values()
        if wanted in (None, s.zone)
    ]
    if as_json:
        typer.echo(json.dumps(entries, ensure_ascii=False, indent=2))
        return
    typer.echo(f"{'code':<8} {'society':<23} {'zone':<18} year       x       y  items")
    for e in entries:
        typer.echo(
            f"{e['code']:<8} {e['name']:<23} {e['zone'] or '-':<18} {e['year']} {e['x']:>+7.2f} {e['y']:>+7.2f} "
            f"{e['item_means'] or '-':>6}"
        )
    typer.echo(
        f"{len(entries)} societies; x: survival to self-expression, y: traditional to secular-rational; "
        f"series {people.series}; items: how many of the ten item means are known."
    )


@people_app.command("show")
def people_show(
    name: Annotated[
        str, typer.Argument(metavar="SOCIETY", help='Code or name, in any case: IND, india, "South Korea".')
    ],
    tables: Tables = None,
    as_json: o.Json = False,
) -> None:
    """Show a society: position, year, zone, the ten item means (or which are missing), and sources."""
    people = _tables(tables)
    s = people.society(name)
    means = people.item_means.get(s.code)
    missing = means.missing(people.item_ids) if means else people.item_ids
    keys = dict.fromkeys((s.source, *(means.sources if means else ())))
    if as_json:
        entry = {
            **s.model_dump(exclude={"source"}),
            "item_year": means.year if means else None,
            "item_means": means.means if means else {},
            "missing": list(missing),
            "sources": [people.sources[k].model_dump() for k in keys],
        }
        typer.echo(json.dumps(entry, ensure_ascii=False, indent=2))
        return
    typer.echo(f"{s.name} ({s.code}), {s.zone or 'no zone'}, survey of {s.year}")
    typer.echo(f"x {s.x:+.3f} (survival to self-expression), y {s.y:+.3f} (traditional to secular-rational)")
    if means is None:
        typer.echo("Item means: none in these tables.")
    else:
        typer.echo(f"Item means, survey of {means.year}:")
        for item in people.items:
            if item.id in means.means and item.scale:
                scale = item.scale
                typer.echo(
                    f"  {item.id}  {means.means[item.id]:>7.3f}  {item.label}: "
                    f"{scale.low} {scale.low_label} ... {scale.high} {scale.high_label}"
                )
        if missing:
            typer.echo(f"  missing: {', '.join(missing)}")
    for key in keys:
        typer.echo(f"Source: {people.sources[key]}")


def _tables(folder: Path | None) -> People:
    from culturescope.people import load_people

    if folder is None:
        return load_people()
    from culturescope.people.survey_files import load_imported

    return load_imported(folder)
