"""What all files of vectors have in common: how large they may be, and the header that tells of the vector's origin.

Files come from strangers. Everything is checked before it is used, and a fault is one line that names the file.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from culturescope.errors import BadInputError
from culturescope.runs.atomic import encode_json
from culturescope.steering.vector import Origin, SteeringVector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

FORMAT = 1
LARGEST_FILE = 128 * 2**20
LARGEST_HEADER = 2**20
MOST_BLOCKS = 10_000
_LONGEST_TEXT = 500


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The content of a file that should hold a vector.

    Raises:
        BadInputError: it is missing, no file, too large, or cannot be read.
    """
    place = Path(path)
    try:
        if not place.exists():
            raise BadInputError(f"there is no file {place}")
        if not place.is_file():
            raise BadInputError(f"{place} is not a file; a vector is one file")
        with place.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:  # a path with a null character is a ValueError
        reason = error.strerror if isinstance(error, OSError) else None
        raise BadInputError(f"{place} cannot be read: {reason or error}") from error
    if len(data) > LARGEST_FILE:
        raise BadInputError(
            f"{place} is larger than {LARGEST_FILE >> 20} MiB; that is no steering vector (is it a model?)"
        )
    return data


def header_text(vector: SteeringVector) -> str:
    """The header of a vector's file, JSON: format, hash of the directions, and origin."""
    origin = vector.origin.model_dump(mode="json", exclude_defaults=True)
    return encode_json({"format": FORMAT, "sha256": vector.sha256, "origin": origin}).decode()


def vector_of(directions: Mapping[int, Tensor], header: str, place: str | os.PathLike[str]) -> SteeringVector:
    """The vector of a file that this toolkit wrote.

    Raises:
        BadInputError: the header is wrong, or directions and header do not belong together.
    """
    fields = _parsed(header, place)
    origin = _origin(fields.get("origin"), place)
    vector = built(directions, origin, place)
    if fields.get("sha256") != vector.sha256:
        raise BadInputError(
            f"{place} is damaged or was changed: its directions do not have the hash of its header"
        )
    if origin.hidden_size not in (None, vector.width):
        raise BadInputError(
            f"{place}: its directions have the width {vector.width}, its header says {origin.hidden_size}"
        )
    if origin.block_count is not None and max(vector.blocks) >= origin.block_count:
        raise BadInputError(
            f"{place}: it has a direction for block {max(vector.blocks)} of a model with {origin.block_count} blocks"
        )
    return vector


def built(directions: Mapping[int, Tensor], origin: Origin, place: str | os.PathLike[str]) -> SteeringVector:
    """The vector, or an error that names the file.

    Raises:
        BadInputError: no directions, no width, different widths, or numbers that are not finite.
    """
    if any(direction.numel() == 0 for direction in directions.values()):
        raise BadInputError(f"{place}: a direction has no numbers at all")
    try:
        return SteeringVector(directions, origin)
    except BadInputError as error:
        raise BadInputError(f"{place}: {error}") from error


def plain(text: object, longest: int = _LONGEST_TEXT) -> str:
    """A text from a file as one printable line: what a terminal would obey becomes a question mark."""
    return "".join(c if c.isprintable() else "?" for c in str(text)[:longest])


def _parsed(header: str, place: str | os.PathLike[str]) -> dict[str, Any]:
    if len(header) > LARGEST_HEADER:
        raise BadInputError(f"{place}: its header is longer than {LARGEST_HEADER >> 20} MiB")
    try:
        fields = json.loads(header)
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"{place}: its header is not JSON ({plain(error, 80)})") from error
    if not isinstance(fields, dict):
        raise BadInputError(f"{place}: its header is not a JSON object")
    if fields.get("format") != FORMAT or isinstance(fields.get("format"), bool):
        raise BadInputError(
            f"{place} has the format {plain(fields.get('format'), 40)}, this version of culturescope reads format {FORMAT}; "
            "a newer version may read it"
        )
    return fields


def _origin(stored: object, place: str | os.PathLike[str]) -> Origin:
    try:
        origin = Origin.model_validate(stored)
    except (ValidationError, RecursionError) as error:
        where, why = "", "it is nested too deeply"
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            where = ".".join(plain(part, 40) for part in first["loc"])
            why = first["msg"]
        raise BadInputError(f"{place}: its header tells no origin: {where or 'origin'}: {why}") from error
    if not all(map(math.isfinite, (*origin.median_norm.values(), *origin.gap.values()))):
        raise BadInputError(f"{place}: its header has a median norm or gap that is not a finite number")
    for figure in (origin.median_norm, origin.gap):
        if not all(0 <= block < MOST_BLOCKS for block in figure):
            raise BadInputError(f"{place}: its header has figures of blocks that no model has")
    texts = {name: plain(value) for name, value in origin.model_dump().items() if isinstance(value, str)}
    return origin.model_copy(update=texts)
