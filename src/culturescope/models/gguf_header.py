"""The head of a GGUF file (fields and the list of tensors), read with every length checked.

The package `gguf` believes the lengths and counts that a file gives: on some files it runs without end or asks for all
memory. So a file is walked through here first.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from culturescope.errors import ModelError

_STRING, _ARRAY = 8, 9
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_DEEPEST = 4
_MOST_TENSORS = 200_000
_MOST_FIELDS = 10_000
_MOST_ENTRIES = 1 << 23  # of all arrays together: the largest vocabularies have a quarter of a million
_LONGEST_ENTRY = 1 << 16
_LONGEST_TEXT = 1 << 24
_LARGEST = 1 << 32
_MOST_EXPERTS = 4096


class DamagedGgufError(Exception):
    """What is wrong, in words."""


class Cursor:
    """Reads a file from front to back; never beyond its end."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self.data = data
        self.at = 0
        self._entries = 0

    def take(self, count: int) -> bytes:
        """The next bytes."""
        self.skip(count)
        return self.data[self.at - count : self.at]

    def skip(self, count: int) -> None:
        """Goes on by some bytes, which must be there."""
        if count > len(self.data) - self.at:
            raise DamagedGgufError("it ends too early")
        self.at += count

    def number(self, code: str) -> Any:
        """The next number, by its code of `struct`."""
        return struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))[0]

    def text(self, longest: int = _LONGEST_TEXT) -> str:
        """The next text."""
        length = self.number("Q")
        if length > min(longest, len(self.data) - self.at):
            raise DamagedGgufError("it ends too early, or within a text")
        try:
            return self.take(length).decode()
        except UnicodeDecodeError as error:
            raise DamagedGgufError("a text is not UTF-8") from error

    def value(self, kind: int, depth: int = 0) -> Any:
        """The next value of a kind; of an array only its length, as `Length`."""
        if kind in _SCALARS:
            return self.number(_SCALARS[kind])
        if kind == _STRING:
            return self.text(_LONGEST_TEXT if depth == 0 else _LONGEST_ENTRY)
        if kind != _ARRAY or depth > _DEEPEST:
            raise DamagedGgufError(f"it has a value of the unknown kind {kind}")
        of, count = self.number("I"), self.number("Q")
        self._entries += count
        if self._entries > _MOST_ENTRIES:
            raise DamagedGgufError("its lists have more entries than any model's")
        if of in _SCALARS:
            self.skip(count * struct.calcsize(f"<{_SCALARS[of]}"))
        else:
            for _ in range(count):
                self.value(of, depth + 1)
        return Length(count)


@dataclass(frozen=True)
class Length:
    """The length of an array, in place of its entries."""

    entries: int


@dataclass(frozen=True)
class GgufTensor:
    """Where a tensor lies: shape, kind of its numbers, and offset from the beginning of the data."""

    shape: tuple[int, ...]
    kind: int
    offset: int


def read_head(
    data: bytes | mmap.mmap, most_tensors: int = _MOST_TENSORS
) -> tuple[dict[str, Any], dict[str, GgufTensor], int]:
    """Fields, tensors by name, and where the data begin.

    Raises:
        DamagedGgufError: a length, count or kind cannot be right.
    """
    cursor = Cursor(data)
    cursor.take(4)
    version = cursor.number("I")
    if version not in (2, 3):
        raise DamagedGgufError(f"it has the version {version}; 2 and 3 are read, in little-endian order")
    tensor_count, field_count = cursor.number("Q"), cursor.number("Q")
    if tensor_count > most_tensors or field_count > _MOST_FIELDS:
        raise DamagedGgufError(f"it would have {tensor_count} tensors and {field_count} fields")
    fields: dict[str, Any] = {}
    for _ in range(field_count):
        name = cursor.text()
        fields[name] = cursor.value(cursor.number("I"))
    alignment = fields.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 0 < alignment <= 2**16:
        raise DamagedGgufError("its alignment is not a number that can be meant")
    tensors: dict[str, GgufTensor] = {}
    for _ in range(tensor_count):
        name, dimensions = cursor.text(), cursor.number("I")
        if name in tensors or dimensions > _DEEPEST:
            raise DamagedGgufError("a tensor comes twice or has too many dimensions")
        shape = tuple(cursor.number("Q") for _ in range(dimensions))
        tensors[name] = GgufTensor(shape, cursor.number("I"), cursor.number("Q"))
    return fields, tensors, -(-cursor.at // alignment) * alignment


def check_model(file: Path) -> None:
    """Refuses a model whose file is cut off, or that claims to be larger than its file can make it.

    Raises:
        ModelError: it is; or the file cannot be read.
    """
    try:
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
            fields, tensors, start = read_head(data)
            _check_data(tensors, len(data) - start)
            _check_sizes(fields, tensors)
    except DamagedGgufError as error:
        raise ModelError(
            f"the GGUF file {file.name} cannot be converted: it is damaged or cut short ({error})"
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"the GGUF file {file} cannot be read: {error}") from error


def _check_data(tensors: dict[str, GgufTensor], size: int) -> None:
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    known = {
        int(kind): sizes for kind, sizes in GGML_QUANT_SIZES.items() if isinstance(kind, GGMLQuantizationType)
    }
    total = 0
    for tensor in tensors.values():
        if tensor.kind not in known:
            raise DamagedGgufError(f"a tensor has the unknown kind of numbers {tensor.kind}")
        block, stored = known[tensor.kind]
        count = 1
        for length in tensor.shape:
            count *= length
        if count == 0 or tensor.shape[0] % block:
            raise DamagedGgufError("a tensor has a shape that its kind of numbers cannot have")
        length = count // block * stored
        total += length
        if tensor.offset + length > size or total > size:
            raise DamagedGgufError("it ends within its tensors")


def _check_sizes(fields: dict[str, Any], tensors: dict[str, GgufTensor]) -> None:
    """What a model would be built from must be in the file: its memory is asked for before the tensors are read."""
    widest = max((length for tensor in tensors.values() for length in tensor.shape), default=0)
    prefix = f"{fields.get('general.architecture')}."
    for name, value in fields.items():
        if not name.startswith(prefix) or not isinstance(value, (int, float)):
            continue
        most = {
            "block_count": len(tensors),
            "embedding_length": widest,
            "feed_forward_length": widest,
            "vocab_size": widest,
            "expert_count": _MOST_EXPERTS,
            "head_count": widest,
            "head_count_kv": widest,
            "key_length": widest,
            "value_length": widest,
            "dimension_count": widest,
        }.get(name.rpartition(".")[2], _LARGEST)
        if abs(value) > most and name.rpartition(".")[2] not in ("freq_base", "scale"):
            raise DamagedGgufError(f"{name[:80]} is {value}, which its tensors cannot be")
