"""GGUF control vectors, the files of llama.cpp and repeng: a tensor `direction.N` for each block.

Both add `direction.N` to the output of block N, counted from 0 (llama.cpp: `build_cvec` at the end of layer `il`, with the
data of layer `il` at offset `il - 1`; repeng: `layers[N]`). llama.cpp has no place for block 0 and refuses a file with
`direction.0`; repeng reads one. llama.cpp's own generator measures behind block N - 1 what it calls `direction.N`; such a file
is read here as llama.cpp applies it.

Files are written by the package `gguf`. They are read here, with every length checked: the package's reader believes the
lengths that a file gives, and runs without end on some.
"""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError
from culturescope.models.gguf_header import DamagedGgufError, GgufTensor, read_head
from culturescope.runs.atomic import disk_errors, write_bytes
from culturescope.steering.stored import built, header_text, plain, vector_of
from culturescope.steering.vector import Origin, SteeringVector

if TYPE_CHECKING:
    from torch import Tensor

ARCHITECTURE = "controlvector"
_HEADER = "culturescope.vector"
_HINT = f"{ARCHITECTURE}.model_hint"
_DIRECTION = re.compile(r"direction\.(0|[1-9][0-9]{0,3})")
_NUMBERS = {0: "<f4", 1: "<f2", 28: "<f8"}
_MOST_ENTRIES = 10_000


def to_gguf(
    vector: SteeringVector,
    path: str | os.PathLike[str],
    *,
    model_hint: str | None = None,
    leave_out_block_0: bool = False,
) -> Path:
    """Writes a GGUF control vector; a coefficient alpha here is the scale there (`--control-vector-scaled FILE:alpha`).

    Args:
        vector: its directions are written as they are, not normalised.
        path: of the file; an existing one is replaced as a whole.
        model_hint: kind of model; by default that of the model it was fitted on.
        leave_out_block_0: write the other blocks where the vector has a direction for block 0.

    Raises:
        BadInputError: the vector has a direction for block 0, or only that one.
        RunFolderError: the place cannot be written.
        RunFailedError: the disk is full or failed.
    """
    from gguf import GGUFWriter

    place = Path(path)
    if 0 in vector.blocks:
        rest = [block for block in vector.blocks if block != 0]
        if not leave_out_block_0 or not rest:
            raise BadInputError(
                f"the vector {vector.origin.label} has a direction for block 0, which a GGUF control vector cannot say; "
                + (
                    "take other blocks"
                    if not rest
                    else "leave it out with --leave-out-block-0, or choose --blocks"
                )
            )
        vector = vector.at(rest)
    with disk_errors(place), tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "vector.gguf"
        writer = GGUFWriter(file, ARCHITECTURE)
        writer.add_string(_HINT, model_hint or vector.origin.family or "unknown")
        writer.add_uint32(f"{ARCHITECTURE}.layer_count", len(vector.blocks))
        writer.add_string(_HEADER, header_text(vector))
        for block in vector.blocks:
            writer.add_tensor(f"direction.{block}", vector[block].numpy())
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        data = file.read_bytes()
    write_bytes(place, data)
    return place


def from_gguf(data: bytes, place: str | os.PathLike[str]) -> SteeringVector:
    """The vector of a GGUF control vector.

    Args:
        data: content of the file.
        place: its path, for errors and for the label of a vector that tells no origin.

    Raises:
        BadInputError: it is no control vector, or it is damaged.
    """
    try:
        fields, tensors = _read(data)
    except DamagedGgufError as error:
        raise BadInputError(f"{place} is a damaged GGUF file: {error}") from error
    architecture = fields.get("general.architecture")
    if architecture != ARCHITECTURE:
        raise BadInputError(
            f"{place} is a GGUF file of the architecture {plain(architecture, 40)}, not a control vector"
        )
    directions = {}
    for name, tensor in tensors.items():
        found = _DIRECTION.fullmatch(name)
        if found is None or tensor is None:
            raise BadInputError(
                f'{place}: "{plain(name, 60)}" is not a direction; a control vector has direction.1, direction.2 and so '
                "on, each one row of F32, F16 or F64"
            )
        directions[int(found.group(1))] = tensor
    header = fields.get(_HEADER)
    if isinstance(header, str):
        return vector_of(directions, header, place)
    hint = fields.get(_HINT)
    family = plain(hint) if isinstance(hint, str) and hint not in ("", "unknown") else None
    label = plain(Path(place).stem, 80)
    return built(directions, Origin(label=label, method="read from GGUF", family=family), place)


def _read(data: bytes) -> tuple[dict[str, Any], dict[str, Tensor | None]]:
    """Fields (arrays as their lengths), and tensors (None where not one row of a plain kind of number)."""
    fields, tensors, start = read_head(data, _MOST_ENTRIES)
    if fields.get("general.architecture") != ARCHITECTURE:
        return fields, {}
    return fields, {name: _tensor(data, start, tensor) for name, tensor in tensors.items()}


def _tensor(data: bytes, start: int, tensor: GgufTensor) -> Tensor | None:
    import numpy as np
    import torch

    shape = tensor.shape
    if len(shape) != 1 or shape[0] == 0 or tensor.kind not in _NUMBERS:
        return None
    numbers = np.dtype(_NUMBERS[tensor.kind])
    begin = start + tensor.offset
    if begin + shape[0] * numbers.itemsize > len(data):
        raise DamagedGgufError("it ends within its directions")
    found = np.frombuffer(data, dtype=numbers, count=shape[0], offset=begin)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as such
        return torch.from_numpy(found.astype(np.float32))
