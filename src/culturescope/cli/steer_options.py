"""Options that the commands of `steer` share, and how a vector is opened for a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from culturescope.cli.options import say
from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel
    from culturescope.steering.vector import SteeringVector

VectorFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="A vector: .safetensors, a GGUF control vector, or a .pt file of lm-eval."
    ),
]
Blocks = Annotated[
    str | None,
    typer.Option("--blocks", help="Blocks: 10-18, or 3,7,10-12; all by default.", show_default=False),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="Use a vector of another revision of the model, or of other weights of its name."
    ),
]

BatchSize = Annotated[int, typer.Option("--batch-size", "--batch_size", help="Prompts recorded together.")]
Axes = Annotated[
    str | None,
    typer.Option(
        "--axis", help="Axes of the search with commas; all of them by default.", show_default=False
    ),
]

_MOST = 10_000


def blocks_of(text: str | None) -> tuple[int, ...] | None:
    """Numbers of blocks, ascending, each once; None for all.

    Raises:
        BadInputError: it is not `all`, nor numbers and ranges with commas.
    """
    if text is None or text.strip() == "all":
        return None
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = (end.strip() for end in part.partition("-"))
        ends = [first, last] if dash else [first]
        if not all(end.isascii() and end.isdigit() and len(end) < 6 for end in ends):
            raise BadInputError(f'--blocks: "{text}" is not all, nor numbers and ranges such as 3,7,10-12')
        start, stop = int(ends[0]), int(ends[-1])
        if start > stop or stop >= _MOST:
            raise BadInputError(f'--blocks: "{part.strip()}" is no range of blocks')
        found.update(range(start, stop + 1))
    return tuple(sorted(found))


def vector_for(path: Path, model: CausalModel, *, force: bool = False) -> SteeringVector:
    """The vector of a file, checked against the model; what stays uncertain is said on stderr.

    Raises:
        BadInputError: it cannot be read, or does not belong to the model.
    """
    from culturescope.steering.files import load_vector

    return checked(load_vector(path), model, force=force)


def checked(vector: SteeringVector, model: CausalModel, *, force: bool = False) -> SteeringVector:
    """The vector itself, if it belongs to the model; every command that steers comes through here.

    Raises:
        BadInputError: it does not belong to the model.
    """
    from culturescope.steering.files import check_fits

    note = check_fits(vector, model, force=force)
    if note:
        say(note)
    return vector


def output_file(path: Path, *suffixes: str) -> Path:
    """The place for a file, checked before anything long begins.

    Raises:
        BadInputError: another ending, no such folder, or a folder in its place.
    """
    if path.suffix not in suffixes:
        raise BadInputError(f"the output must end in {' or '.join(suffixes)}, not {path.name}")
    if not path.parent.is_dir():
        raise BadInputError(f"there is no folder {path.parent} for the output {path.name}")
    if path.is_dir():
        raise BadInputError(f"the output {path} is a folder; name a file")
    return path
