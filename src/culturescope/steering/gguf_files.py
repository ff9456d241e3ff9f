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
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError
from culturescope.runs.atomic import disk_errors, write_bytes
from culturescope.steering.stored import built, header_text, plain, vector_of
from culturescope.steering.vector import Origin, SteeringVector

if TYPE_CHECKING:
    from torch import Tensor

ARCHITECTURE = "controlvector"
_HEADER = "culturescope.vector"
_HINT = f"{ARCHITECTURE}.model_hint"
_DIRECTION = re.compile(r"direction\.(0|[1-9][0-9]{0,3})")
_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_NUMBERS = {0: "<f4", 1: "<f2", 28: "<f8"}
_MOST_ENTRIES = 10_000
_DEEPEST = 4


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
    except _DamagedError as error:
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


class _DamagedError(Exception):
    pass


class _Cursor:
    """Reads a file from front to back; never beyond its end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        if count > len(self.data) - self.at:
            raise _DamagedError("it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, code: str) -> Any:
        return struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))[0]

    def text(self) -> str:
        try:
            return self.take(self.number("Q")).decode()
        except UnicodeDecodeError as error:
            raise _DamagedError("a name is not UTF-8") from error

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind in _SCALARS:
            return self.number(_SCALARS[kind])
        if kind == _STRING:
            return self.text()
        if kind != _ARRAY or depth > _DEEPEST:
            raise _DamagedError(f"it has a value of the unknown kind {kind}")
        of, count = self.number("I"), self.number("Q")
        if of in _SCALARS:
            self.take(count * struct.calcsize(f"<{_SCALARS[of]}"))
        else:  # each entry takes at least its length, so the end of the file bounds the loop
            for _ in range(count):
                self.value(of, depth + 1)
        return None


def _read(data: bytes) -> tuple[dict[str, Any], dict[str, Tensor | None]]:
    """Fields (arrays as None), and tensors (None where not one row of a plain kind of number)."""
    cursor = _Cursor(data)
    cursor.take(4)
    version = cursor.number("I")
    if version not in (2, 3):
        raise _DamagedError(f"it has the version {version}; 2 and 3 are read, in little-endian order")
    tensor_count, field_count = cursor.number("Q"), cursor.number("Q")
    if max(tensor_count, field_count) > _MOST_ENTRIES:
        raise _DamagedError(f"it would have {tensor_count} tensors and {field_count} fields")
    fields: dict[str, Any] = {}
    for _ in range(field_count):
        name = cursor.text()
        fields[name] = cursor.value(cursor.number("I"))
    if fields.get("general.architecture") != ARCHITECTURE:
        return fields, {}
    alignment = fields.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 0 < alignment <= 2**16:
        raise _DamagedError("its alignment is not a number that can be meant")
    entries: dict[str, tuple[list[int], int, int]] = {}
    for _ in range(tensor_count):
        name, dimensions = cursor.text(), cursor.number("I")
        if name in entries or dimensions > _DEEPEST:
            raise _DamagedError("a tensor comes twice or has too many dimensions")
        shape = [cursor.number("Q") for _ in range(dimensions)]
        entries[name] = (shape, cursor.number("I"), cursor.number("Q"))
    start = -(-cursor.at // alignment) * alignment
    return fields, {name: _tensor(data, start, *entry) for name, entry in entries.items()}


def _tensor(data: bytes, start: int, shape: list[int], kind: int, offset: int) -> Tensor | None:
    import numpy as np
    import torch

    if len(shape) != 1 or shape[0] == 0 or kind not in _NUMBERS:
        return None
    numbers = np.dtype(_NUMBERS[kind])
    begin = start + offset
    if begin + shape[0] * numbers.itemsize > len(data):
        raise _DamagedError("it ends within its directions")
    found = np.frombuffer(data, dtype=numbers, count=shape[0], offset=begin)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as such
        return torch.from_numpy(found.astype(np.float32))
