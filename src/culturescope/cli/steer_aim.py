"""`steer entangle` and `steer aim`: what two axes' vectors do to each other, and how near they bring a model to a society."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from culturescope.cli import asked
from culturescope.cli import options as o
from culturescope.cli import steer_options as so
from culturescope.cli import steer_searched as sd
from culturescope.cli.steer_aim_text import aim_lines
from culturescope.cli.steer_entangle_text import entangle_lines
from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from culturescope.experiments.steer.bench import Bench
    from culturescope.experiments.steer.controls import Way
    from culturescope.experiments.steer.opening import OpenSearch
    from culturescope.experiments.steer.quality import Writing

SearchFolder = Annotated[
    Path, typer.Argument(metavar="SEARCH", help="The folder that steer search wrote; it names the model too.")
]
Step = Annotated[
    float, typer.Option("--dose", help="Size of one step at every block, in units of the median |h|.")
]
RandomSteps = Annotated[
    str,
    typer.Option(
        "--random",
        help="Random vectors: measured, or estimated to first order with a few measured beside (for large models).",
    ),
]
Alpha = Annotated[
    float | None,
    typer.Option(
        "--alpha", help="Size of one step as a raw coefficient instead of a dose.", show_default=False
    ),
]


def entangle_command(
    search: SearchFolder,
    dose: Step = 0.1,
    alpha: Alpha = None,
    others: Annotated[
        str | None,
        typer.Option(
            "--other-steps",
            "--other_steps",
            help="Further step sizes with commas, in the same unit: E for each.",
            show_default=False,
        ),
    ] = None,
    blocks: so.Blocks = None,
    random: RandomSteps = "measured",
    penalised: Annotated[
        bool,
        typer.Option(
            "--penalised/--no-penalised", help="Fit the penalised directions too (reads the pairs)."
        ),
    ] = True,
    batch_size: so.BatchSize = 8,
    force: so.Force = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Measure how much steering one axis moves the other, beside random vectors; and three ways to part them.

    Primary figures are changes of d on both axes. E is undefined where the change on the axis lies inside the band of
    random vectors. Writes entangle.json into the search's folder.
    """
    from culturescope.experiments.steer.steps import entangle_into

    steps, way = _sizes(others, 1 if alpha is None else 10), way_of(random)
    stored, bench = opened(search, dose, alpha, blocks, batch_size, force, quiet)
    study = entangle_into(stored, bench, others=steps, random=way, penalised=penalised)
    if as_json:
        typer.echo(study.model_dump_json())
        return
    for line in entangle_lines(study):
        typer.echo(line)
    typer.echo(f"Entanglement: {search / 'entangle.json'}")


def aim_command(
    search: sd.SearchOrModel,
    society: Annotated[
        str | None,
        typer.Option("--society", help="A society of the map, for example DNK.", show_default=False),
    ] = None,
    point: Annotated[
        str | None, typer.Option("--point", help="A place x,y on the map instead.", show_default=False)
    ] = None,
    dose: Step = 0.1,
    alpha: Alpha = None,
    cap: Annotated[float, typer.Option("--cap", help="Largest coefficient, in steps.")] = 3.0,
    mass: Annotated[
        float, typer.Option("--least-mass", help="Least letter mass, as a share of the unsteered one.")
    ] = 0.5,
    most_perplexity: Annotated[
        float,
        typer.Option(
            "--most-perplexity",
            "--most_perplexity",
            help="Largest perplexity of texts written under steering, over that of unsteered ones; 0 lifts it.",
        ),
    ] = 1.05,
    quality_prompts: Annotated[
        int,
        typer.Option(
            "--quality-prompts",
            "--quality_prompts",
            help="Neutral prompts for it: one half decides, the other confirms.",
        ),
    ] = 40,
    max_new_tokens: Annotated[
        int, typer.Option("--max-new-tokens", "--max_new_tokens", help="Longest text that is written.")
    ] = 128,
    persona: Annotated[
        str | None,
        typer.Option(
            "--on-top-of",
            help="Steer on top of the society's persona: basic or advanced.",
            show_default=False,
        ),
    ] = None,
    blocks: so.Blocks = None,
    steps: Annotated[int, typer.Option("--steps", help="Most steps after the response was measured.")] = 6,
    tolerance: Annotated[float, typer.Option("--tolerance", help="Distance that counts as reached.")] = 0.05,
    random: Annotated[
        int,
        typer.Option(
            "--random",
            help="Random steps as long as the one found, on the scenarios that report: 20 or more; 0 leaves them out.",
        ),
    ] = 20,
    tables: o.Tables = None,
    search_path: sd.SearchPath = None,
    limit: o.Limit = None,
    dtype: o.Dtype = None,
    device: o.Device = None,
    model_args: o.ModelArgs = None,
    download: o.Download = False,
    batch_size: so.BatchSize = 8,
    force: so.Force = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Steer towards a society or a point: measure the response, solve, measure again; confirmed on other scenarios.

    Says "out of reach" with the nearest place within the budget of perplexity and letter mass. Beside it stand no steering,
    random steps as long and, for a society, its basic and advanced personas. Writes aim-NAME.json into the search's folder,
    and the texts. A model is searched first, and its search is used again by further aims.
    """
    from culturescope.experiments.steer.controls import RANDOM_STEPS
    from culturescope.experiments.steer.opening import check_step
    from culturescope.experiments.steer.steps import aim_into, personas_of

    if (society is None) == (point is None):
        raise BadInputError("name one target: --society CODE or --point x,y")
    writing = _writing(most_perplexity, quality_prompts, max_new_tokens)
    if random != 0 and random < RANDOM_STEPS:
        raise BadInputError(f"--random: {RANDOM_STEPS} or more, or 0, not {random}")
    people = asked.people_tables(tables)
    name, target = _point(point) if point is not None else ("", (0.0, 0.0))
    beside = []
    if society is not None:
        found = people.society(society)
        name, target = found.code, (found.x, found.y)
        beside = personas_of(found.code, people, None if quiet else o.say)
    o.one_of("on-top-of", persona, ("basic", "advanced"))
    chosen = next((p for p in beside if p.kind == persona), None)
    if persona is not None and chosen is None:
        raise BadInputError(
            f"there is no {persona} persona for {name}: name a society whose item means are known"
        )
    check_step(dose, alpha)
    of_model = {
        "limit": limit,
        "dtype": dtype,
        "device": device,
        "model_args": model_args,
        "download": download,
    }
    search = sd.searched_folder(search, search_path, of_model, quiet=quiet)
    stored, bench = opened(search, dose, alpha, blocks, batch_size, force, quiet, placing=True)
    study, path = aim_into(
        stored,
        bench,
        target,
        name,
        on_top_of=chosen,
        beside=beside,
        cap=cap,
        least_mass=mass,
        writing=writing,
        most_perplexity=most_perplexity,
        tolerance=tolerance,
        steps=steps,
        random=random,
    )
    if as_json:
        typer.echo(study.model_dump_json())
        return
    for line in aim_lines(study):
        typer.echo(line)
    typer.echo(f"Aim: {path}")


def opened(
    search: Path,
    dose: float,
    alpha: float | None,
    blocks: str | None,
    batch_size: int,
    force: bool,
    quiet: bool,
    *,
    placing: bool = False,
    every: bool = False,
) -> tuple[OpenSearch, Bench]:
    """The search with its vectors at the chosen blocks (or at every one), and the model with the search's scenarios."""
    from dataclasses import replace

    from culturescope.experiments.steer.opening import check_step, open_search
    from culturescope.models import load as load_model

    check_step(dose, alpha)
    found = open_search(search, so.blocks_of(blocks), placing=placing, every=every)
    load = found.stored.load
    options = {k: v for k, v in load.items() if k not in ("source", "trust_remote_code")}
    model = load_model(str(load["source"]), **options, progress=None if quiet else o.say)
    checked = {axis: so.checked(vector, model, force=force) for axis, vector in found.vectors.items()}
    found = replace(found, vectors=checked)
    say = None if quiet else o.say
    return found, found.bench(model, dose=dose, alpha=alpha, batch_size=batch_size, say=say)


def way_of(text: str) -> Way:
    """How random vectors are measured.

    Raises:
        BadInputError: another word.
    """
    known: dict[str, Way] = {"measured": "measured", "estimated": "estimated"}
    if text not in known:
        raise BadInputError(f'--random: measured or estimated, not "{text}"')
    return known[text]


def _writing(most: float, prompts: int, max_new_tokens: int) -> Writing | None:
    """How texts are written for the perplexity budget; None where it is lifted."""
    from culturescope.experiments.steer.quality import Writing
    from culturescope.prompts.neutral import neutral_prompts

    if most == 0:
        return None
    if not 1 < most < math.inf:
        raise BadInputError(f"--most-perplexity: a ratio above 1 (or 0 to lift the budget), not {most:g}")
    if prompts < 4 or max_new_tokens < 1:
        raise BadInputError(
            f"a perplexity budget needs 4 prompts or more and a token to write, not {prompts} and {max_new_tokens}"
        )
    return Writing(neutral_prompts(prompts), max_new_tokens=max_new_tokens)


def _sizes(text: str | None, most: float) -> tuple[float, ...]:
    """Sizes of further steps."""
    try:
        found = tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        found = (0.0,)
    if not all(0 < size <= most for size in found):
        raise BadInputError(
            f'--other-steps: "{text}" is not numbers with commas, each above 0 and at most {most:g}'
        )
    return found


def _point(text: str) -> tuple[str, tuple[float, float]]:
    parts = text.split(",")
    try:
        x, y = (float(part) for part in parts)
    except ValueError:
        raise BadInputError(f'--point: "{text}" is not x,y, for example 1.2,-0.5') from None
    if not (math.isfinite(x) and math.isfinite(y)) or max(abs(x), abs(y)) > 10:
        raise BadInputError(f"--point: the map reaches from about -2.5 to 2.5 on both axes, not to {text}")
    return f"{x:g}_{y:g}", (x, y)
