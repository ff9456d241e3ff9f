"""`people list` and `people show`: the societies of the map and what is known of each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from culturescope.cli import asked
from culturescope.cli import options as o
from culturescope.cli.importing import import_command
from culturescope.cli.projecting import projection_command
from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from culturescope.people import People, Society, SocietyProfile

people_app = typer.Typer(help="Societies on the map: positions and item means.", no_args_is_help=True)
people_app.command("import")(import_command)
people_app.command("projection")(projection_command)


@people_app.command("list")
def people_list(
    zone: Annotated[
        str | None,
        typer.Option(
            "--zone", help='Only this cultural zone, for example "Latin America".', show_default=False
        ),
    ] = None,
    tables: o.Tables = None,
    as_json: o.Json = False,
) -> None:
    """Show the societies: code, name, zone, survey year, position, and how many item means there are."""
    people = asked.people_tables(tables)
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
    if people.unplaced and wanted is None:
        apart = ", ".join(
            f"{u.code} ({u.name}, {len(u.means.means)} items)" for u in people.unplaced.values()
        )
        typer.echo(
            f"Imported, without a place on the map: {apart}; culturescope people show CODE shows their item means."
        )


@people_app.command("show")
def people_show(
    name: Annotated[
        str, typer.Argument(metavar="SOCIETY", help='Code or name, in any case: IND, india, "South Korea".')
    ],
    persona: Annotated[
        str | None,
        typer.Option(
            "--persona", help="Also show the text of this persona: basic or advanced.", show_default=False
        ),
    ] = None,
    given_name: Annotated[
        str | None,
        typer.Option(
            "--given-name", "--given_name", help="A name for the advanced persona.", show_default=False
        ),
    ] = None,
    allow_partial: o.AllowPartial = False,
    tables: o.Tables = None,
    as_json: o.Json = False,
) -> None:
    """Show a society: position, year, zone, item means with the nearest answers (or what is missing), and sources."""
    from culturescope.people import profile_of
    from culturescope.prompts import answer_words, personas_for
    from culturescope.prompts.societies import given_name_source

    o.one_of("persona", persona, ("basic", "advanced"))
    people = asked.people_tables(tables)
    s = None if people.without_place(name) else people.society(name)
    profile = profile_of(people, s.code if s else name)
    keys = dict.fromkeys(((s.source,) if s else ()) + profile.sources)
    answers = [(a, *answer_words(a.item, a.category)) for a in profile.answers]
    texts = personas_for(
        "none" if persona is None else "basic" if persona == "basic" else "advanced",
        profile,
        given_name=given_name,
        allow_partial=allow_partial,
    )
    named = given_name_source(profile.code) if persona == "advanced" and given_name is None else None
    if as_json:
        entry = {
            **_position(s, profile, people),
            "item_year": profile.year,
            "item_means": {a.item: a.mean for a, *_ in answers},
            "nearest": {
                a.item: {"category": a.category, "about": about, "answer": said} for a, about, said in answers
            },
            "missing": list(profile.missing),
            "sources": [people.sources[k].model_dump() for k in keys],
        }
        if texts:
            entry["persona"] = {"id": texts[0].id, "text": texts[0].text, "given_name_source": named}
        typer.echo(json.dumps(entry, ensure_ascii=False, indent=2))
        return
    if s:
        typer.echo(f"{s.name} ({s.code}), {s.zone or 'no zone'}, survey of {s.year}")
        typer.echo(
            f"x {s.x:+.3f} (survival to self-expression), y {s.y:+.3f} (traditional to secular-rational)"
        )
    else:
        typer.echo(f"{profile.name} ({profile.code}), imported: no place on the map in these tables")
        if near := _position(s, profile, people)["predicted"]:
            typer.echo(
                f"Predicted from its ten item means, not official: x {near['x']:+.2f} (sd {near['sd_x']:.2f}), "
                f"y {near['y']:+.2f} (sd {near['sd_y']:.2f})"
            )
    if not answers:
        typer.echo("Item means: none in these tables.")
    else:
        typer.echo(f"Item means, survey of {profile.year}, and the nearest answer:")
        for a, about, said in answers:
            typer.echo(f"  {a.item}  {a.mean:>7.3f}  {a.category:>2}  {about}: {said}")
    if profile.missing:
        typer.echo(f"  missing: {', '.join(profile.missing)}")
        typer.echo("  culturescope people import FILE computes item means from a survey file of your own")
    for text in texts:
        typer.echo(f"Persona {text.id}:\n{text.text}")
        if text.missing:
            typer.echo(f"Partial profile: {', '.join(text.missing)} left out.")
    for key in keys:
        typer.echo(f"Source: {people.sources[key]}")
    if named:
        typer.echo(f"Source of the given name: {named}")


def _position(s: Society | None, profile: SocietyProfile, people: People) -> dict[str, Any]:
    """The place of a society, or where there is none what its item means predict, with the error of the projection."""
    if s:
        return s.model_dump(exclude={"source"})
    from culturescope.people import fit_projection

    known: dict[str, Any] = {
        "code": profile.code,
        "name": profile.name,
        "zone": None,
        "year": None,
        "x": None,
        "y": None,
    }
    if profile.missing:
        return {**known, "predicted": None}
    fit = fit_projection(people)
    means = fit.vector({a.item: a.mean for a in profile.answers})
    (x, y), (sd_x, sd_y) = fit.project(means).tolist(), (fit.error(means).diagonal() ** 0.5).tolist()
    return {**known, "predicted": {"x": x, "y": y, "sd_x": sd_x, "sd_y": sd_y}}
