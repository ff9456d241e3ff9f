"""`steer fit`: a steering vector of a model, fitted on the contrast texts of scenarios."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from culturescope.cli import options as o
from culturescope.cli import steer_options as so


def fit_command(
    model: o.Model,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where to write the vector, .safetensors.")
    ] = Path("vector.safetensors"),
    axis: Annotated[
        str | None,
        typer.Option("--axis", help="Only scenarios of this axis, for example X.", show_default=False),
    ] = None,
    item: Annotated[
        str | None,
        typer.Option("--item", help="Only scenarios of this item, for example X01.", show_default=False),
    ] = None,
    domain: Annotated[
        str | None,
        typer.Option(
            "--domain", help="Only scenarios of this domain, for example legal.", show_default=False
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            "--method", help="mean-difference, pca (uncentred), logistic, or one that you registered."
        ),
    ] = "mean-difference",
    site: Annotated[
        str,
        typer.Option("--site", help="What is read: option-text, option-mean or answer-letter (both orders)."),
    ] = "option-text",
    blocks: so.Blocks = None,
    limit: o.Limit = None,
    split: Annotated[
        str,
        typer.Option("--split", help="optimise; a vector of the split evaluate cannot be judged on it."),
    ] = "optimise",
    batch_size: Annotated[
        int, typer.Option("--batch-size", "--batch_size", help="Texts in one forward pass.")
    ] = 16,
    pack: o.PackFolder = None,
    dtype: o.Dtype = None,
    device: o.Device = None,
    revision: o.Revision = None,
    blocks_path: o.BlocksPath = None,
    model_args: o.ModelArgs = None,
    download: o.Download = False,
    trust_remote_code: o.TrustRemoteCode = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Fit a steering vector on contrast texts: each scenario answered for one pole and for the other.

    Its positive direction is the positive pole of the scenarios. Without --axis, --item or --domain it is fitted on all of
    them, which mixes the axes. The file keeps model, texts, site, norms and gaps; steer show prints them.
    """
    from culturescope.api import fit_vector, scenarios
    from culturescope.cli.steer_files import as_dict, describe
    from culturescope.instrument import load_pack
    from culturescope.models import load as load_model
    from culturescope.prompts.contrast import site as site_of
    from culturescope.steering.directions import method_of

    so.output_file(output, ".safetensors")
    wanted = so.blocks_of(blocks)
    method_of(method)
    site_of(site)
    o.one_of("split", split, ("optimise", "evaluate"))
    instrument = load_pack(pack)
    o.one_of("axis", axis, tuple(a.id for a in instrument.axes))
    o.one_of("item", item, instrument.item_ids)
    o.one_of("domain", domain, instrument.domains)
    items = [i.id for i in instrument.items if axis in (None, i.axis) and item in (None, i.id)]
    chosen = scenarios(split, items=items, domains=[domain] if domain else None, limit=limit, pack=pack)
    options = o.load_options(
        model_args,
        dtype=dtype,
        device=device,
        revision=revision,
        blocks=blocks_path,
        download=download,
        trust_remote_code=trust_remote_code,
    )
    loaded = load_model(model, **options, progress=None if quiet else o.say)
    if not quiet:
        o.say(f"Reading {len(chosen)} contrast pairs ...")
    vector = fit_vector(
        loaded,
        chosen,
        axis,
        item=item,
        domain=domain,
        method=method,
        site=site,
        blocks=wanted,
        batch_size=batch_size,
        pack=pack,
    )
    vector.save(output)
    if as_json:
        typer.echo(json.dumps({"vector": str(output), **as_dict(vector)}, ensure_ascii=False))
        return
    for line in describe(vector):
        typer.echo(line)
    typer.echo(f"Vector: {output}")
