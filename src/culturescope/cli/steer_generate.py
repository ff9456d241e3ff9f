"""`steer generate`: the same questions answered without and with steering."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from culturescope.cli import options as o
from culturescope.cli import steer_options as so
from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from culturescope.experiments.steer.generating import Generated

Vectors = Annotated[
    list[Path], typer.Option("--vector", help="A vector's file; repeat for more, they add up.")
]
Alphas = Annotated[
    list[float],
    typer.Option("--alpha", help="Raw coefficient; one for each vector, in their order, or one for all."),
]


def generate_command(
    model: o.Model,
    vector: Vectors,
    alpha: Alphas,
    question: Annotated[
        list[str] | None, typer.Argument(metavar="[QUESTION]...", help="What to ask.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="A file with one question a line instead.", show_default=False),
    ] = None,
    system: Annotated[
        str | None, typer.Option("--system", help="System prompt of both answers.", show_default=False)
    ] = None,
    blocks: so.Blocks = None,
    positions: Annotated[
        str, typer.Option("--positions", help="Steered tokens: all, prompt, generated, last, or from:i.")
    ] = "all",
    max_new_tokens: Annotated[
        int, typer.Option("--max-new-tokens", "--max_new_tokens", help="Longest answer.")
    ] = 128,
    temperature: Annotated[
        float, typer.Option("--temperature", help="0 takes the likeliest token; above it answers are drawn.")
    ] = 0.0,
    seed: o.Seed = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write the answers as well, .json.", show_default=False),
    ] = None,
    batch_size: o.BatchSize = None,
    force: so.Force = False,
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
    """Answer questions unsteered and steered, side by side; sampled answers are drawn with the same noise."""
    from culturescope.experiments.steer.generating import side_by_side
    from culturescope.models import load as load_model
    from culturescope.runs.atomic import write_json
    from culturescope.steering.applying import Edit

    asked = _questions(question, file)
    numbers, alphas = so.blocks_of(blocks), alphas_of(vector, alpha)
    if output is not None:
        so.output_file(output, ".json")
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
    opened = [so.vector_for(path, loaded, force=force) for path in vector]
    edits = [
        Edit(v if numbers is None else v.at(numbers), a, positions)
        for v, a in zip(opened, alphas, strict=True)
    ]
    found = side_by_side(
        loaded,
        asked,
        edits,
        system=system,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        seed=42 if seed is None else seed,
        batch_size=batch_size or 16,
    )
    if output is not None:
        write_json(output, found.as_dict())
    if as_json:
        typer.echo(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    for line in lines_of(found, shutil.get_terminal_size((100, 24)).columns):
        typer.echo(line)
    if output is not None:
        typer.echo(f"Answers: {output}")


def alphas_of(vectors: list[Path], alphas: list[float]) -> list[float]:
    """One coefficient for each vector.

    Raises:
        BadInputError: neither one for all nor one for each.
    """
    if len(alphas) == 1:
        return alphas * len(vectors)
    if len(alphas) != len(vectors):
        raise BadInputError(
            f"{len(vectors)} vectors and {len(alphas)} coefficients: give one --alpha for each, or one for all"
        )
    return alphas


def lines_of(found: Generated, width: int) -> Iterator[str]:
    """Both answers in two columns of a terminal so wide."""
    column = max(20, (min(width, 160) - 3) // 2)
    steering = ", ".join(f"{e['label']} {e['alpha']:+.3g}" for e in found.steering) or "all coefficients 0"
    for answer in found.answers:
        yield f"> {_printable(answer.question)}"
        yield f"{'unsteered':<{column}} | steered ({steering})"
        left, right = _wrapped(answer.unsteered, column), _wrapped(answer.steered, column)
        for n in range(max(len(left), len(right))):
            one = left[n] if n < len(left) else ""
            other = right[n] if n < len(right) else ""
            yield f"{one:<{column}} | {other}".rstrip()
        if answer.same:
            yield "(the same words)"
        yield ""


def _wrapped(text: str, width: int) -> list[str]:
    found: list[str] = []
    for line in (text or "(nothing)").splitlines():
        found += textwrap.wrap(_printable(line), width) or [""]
    return found


def _printable(text: str) -> str:
    """What a model wrote, without what a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in text)


def _questions(given: list[str] | None, file: Path | None) -> list[str]:
    if bool(given) == (file is not None):
        raise BadInputError("give either questions or a --file with one question a line")
    if file is None:
        return list(given or ())
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"cannot read the questions in {file}: {error}") from error
    found = [line.strip() for line in lines if line.strip()]
    if not found:
        raise BadInputError(f"{file} holds no question")
    return found
