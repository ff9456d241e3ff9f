"""`steer entangle` and `steer aim`: what two axes' vectors do to each other, and how near they bring a model to a society."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from culturescope.cli import options as o
from culturescope.cli import steer_options as so
from culturescope.cli.steer_aim_text import aim_lines
from culturescope.cli.steer_entangle_text import entangle_lines
from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from culturescope.experiments.steer.bench import Bench
    from culturescope.experiments.steer.controls import Way
    from culturescope.experiments.steer.folder import SearchFile
    from culturescope.experiments.steer.quality import Writing
    from culturescope.steering.vector import SteeringVector

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
    batch_size: Annotated[
        int, typer.Option("--batch-size", "--batch_size", help="Prompts recorded together.")
    ] = 8,
    force: so.Force = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Measure how much steering one axis moves the other, beside random vectors; and three ways to part them.

    Primary figures are changes of d on both axes. E is undefined where the change on the axis lies inside the band of
    random vectors. Writes entangle.json into the search's folder.
    """
    from culturescope.experiments.steer.entangle_study import entangle
    from culturescope.runs import write_json
    from culturescope.steering.fitting import read_pairs

    steps, way = _sizes(others, 1 if alpha is None else 10), way_of(random)
    stored, vectors, bench = opened(search, dose, alpha, blocks, batch_size, force, quiet)
    if len(vectors) != 2:
        raise BadInputError(f"entanglement needs a search of two axes; {search} has {', '.join(vectors)}")
    states = None
    if penalised:
        states = {
            axis: read_pairs(
                bench.model,
                [s for s in bench.parts.fit if bench.pack.axis_of(s) == axis],
                where=vector.origin.site or "option-text",
                blocks=vector.blocks,
                batch_size=batch_size,
            )
            for axis, vector in vectors.items()
        }
    study = entangle(bench, vectors, states=states, random=way, others=steps, seed=int(stored.plan["seed"]))
    write_json(search / "entangle.json", study.model_dump(mode="json"))
    if as_json:
        typer.echo(study.model_dump_json())
        return
    for line in entangle_lines(study):
        typer.echo(line)
    typer.echo(f"Entanglement: {search / 'entangle.json'}")


def aim_command(
    search: SearchFolder,
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
    batch_size: Annotated[
        int, typer.Option("--batch-size", "--batch_size", help="Prompts recorded together.")
    ] = 8,
    force: so.Force = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Steer towards a society or a point: measure the response, solve, measure again; confirmed on other scenarios.

    Says "out of reach" with the nearest place within the budget of perplexity and letter mass. Beside it stand no steering and,
    for a society, its basic and advanced personas, and random steps as long. Writes aim-NAME.json into the search's folder, and the texts.
    """
    from culturescope.experiments.steer.aim_study import aim
    from culturescope.experiments.steer.controls import RANDOM_STEPS
    from culturescope.runs import write_json
    from culturescope.runs.lock import FolderLock
    from culturescope.runs.samples import SampleLog

    if (society is None) == (point is None):
        raise BadInputError("name one target: --society CODE or --point x,y")
    writing = _writing(most_perplexity, quality_prompts, max_new_tokens)
    if random != 0 and random < RANDOM_STEPS:
        raise BadInputError(f"--random: {RANDOM_STEPS} or more, or 0, not {random}")
    people = o.people_tables(tables)
    name, target = _point(point) if point is not None else ("", (0.0, 0.0))
    beside = []
    if society is not None:
        found = people.society(society)
        name, target = found.code, (found.x, found.y)
        beside = _personas(found.code, people, quiet)
    o.one_of("on-top-of", persona, ("basic", "advanced"))
    chosen = next((p for p in beside if p.kind == persona), None)
    if persona is not None and chosen is None:
        raise BadInputError(
            f"there is no {persona} persona for {name}: name a society whose item means are known"
        )
    _, vectors, bench = opened(search, dose, alpha, blocks, batch_size, force, quiet, placing=True)
    path = search / f"aim-{name}{f'-{persona}' if persona else ''}.json"
    lock = FolderLock(search)
    lock.acquire()
    try:
        study = aim(
            bench,
            vectors,
            target,
            name=name,
            cap=cap,
            least_mass=mass,
            writing=writing,
            most_perplexity=most_perplexity,
            log=SampleLog(search / "aim-texts.jsonl"),
            on_top_of=chosen,
            beside=beside,
            tolerance=tolerance,
            steps=steps,
            random=random,
        )
        write_json(path, study.model_dump(mode="json"))
    finally:
        lock.release()
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
) -> tuple[SearchFile, dict[str, SteeringVector], Bench]:
    """The search, its vectors at the chosen blocks (or at every one), and the model with the search's scenarios."""
    from culturescope.experiments.steer.aim_study import check_items
    from culturescope.experiments.steer.bench import Bench
    from culturescope.experiments.steer.folder import check_same, read_search
    from culturescope.models import load as load_model
    from culturescope.prompts import templates

    if not (0 < dose <= 1) or (alpha is not None and not 0 < alpha <= 10):
        raise BadInputError("a step's dose lies above 0 and at most at 1, its alpha at most at 10")
    stored, vectors, pack = read_search(search)
    parts = stored.scenarios(pack)
    check_same(vectors, parts, pack)
    if placing:
        check_items(parts.choose, 1)
        check_items(parts.report, 2)
    wanted = so.blocks_of(blocks)
    if wanted is None and not every:
        wanted = stored.blocks()
    chosen = {axis: vector if wanted is None else vector.at(wanted) for axis, vector in vectors.items()}
    options = {k: v for k, v in stored.load.items() if k not in ("source", "trust_remote_code")}
    model = load_model(str(stored.load["source"]), **options, progress=None if quiet else o.say)
    chosen = {axis: so.checked(vector, model, force=force) for axis, vector in chosen.items()}
    wordings = templates(stored.templates)
    say = None if quiet else o.say
    return (
        stored,
        chosen,
        Bench(model, parts, pack, wordings, dose=dose, alpha=alpha, batch_size=batch_size, say=say),
    )


def way_of(text: str) -> Way:
    """How random vectors are measured.

    Raises:
        BadInputError: another word.
    """
    known: dict[str, Way] = {"measured": "measured", "estimated": "estimated"}
    if text not in known:
        raise BadInputError(f'--random: measured or estimated, not "{text}"')
    return known[text]


def _personas(code: str, people: object, quiet: bool) -> list:  # type: ignore[type-arg]
    """The personas of a society as far as its answers are known."""
    from culturescope.experiments.personas import choose_personas

    found = []
    for kind in ("basic", "advanced"):
        try:
            found += [p.persona() for p in choose_personas([kind], [code], people)]  # type: ignore[arg-type]
        except BadInputError as error:
            if not quiet:
                o.say(f"without the {kind} persona: {error}")
    return found


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
