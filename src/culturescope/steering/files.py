"""Vectors as files: one safetensors file, a tensor `block.N` (float32) for each block, and a JSON header.

The header is the metadata entry `culturescope`: version of the format, hash of the directions, and the whole origin. No
file is ever unpickled. Control vectors of llama.cpp and repeng and steering files of lm-eval are read as well.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from culturescope.errors import BadInputError
from culturescope.runs.atomic import write_bytes
from culturescope.steering.stored import LARGEST_HEADER, header_text, plain, read_file, vector_of

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel
    from culturescope.steering.vector import SteeringVector

KEY = "culturescope"
FileKind = Literal["safetensors", "gguf", "lm-eval"]
_NAME = re.compile(r"block\.(0|[1-9][0-9]{0,3})")


def save_vector(vector: SteeringVector, path: str | os.PathLike[str]) -> Path:
    """Writes a vector with all that is known of it; an existing file is replaced as a whole, or left as it was.

    Args:
        vector: any.
        path: of the file, `.safetensors`.

    Raises:
        BadInputError: the name ends otherwise.
        RunFolderError: the place cannot be written.
        RunFailedError: the disk is full or failed.
    """
    from safetensors.torch import save

    place = Path(path)
    if place.suffix != ".safetensors":
        raise BadInputError(
            f"a vector is saved as .safetensors, not {place.name}; other formats: culturescope steer export"
        )
    tensors = {f"block.{block}": vector[block] for block in vector.blocks}
    write_bytes(place, save(tensors, metadata={KEY: header_text(vector)}))
    return place


def load_vector(path: str | os.PathLike[str]) -> SteeringVector:
    """Reads a vector: a file that `save_vector` wrote, a GGUF control vector, or a steering file of lm-eval (`.pt`).

    Args:
        path: of the file; its content tells what it is, not its name.

    Raises:
        BadInputError: it is none of them, or something in it is wrong.
    """
    return read_vector(path)[0]


def read_vector(path: str | os.PathLike[str]) -> tuple[SteeringVector, FileKind]:
    """As `load_vector`, and says which kind of file it is."""
    data = read_file(path)
    if data[:4] == b"GGUF":
        from culturescope.steering.gguf_files import from_gguf

        return from_gguf(data, path), "gguf"
    if data[:4] == b"PK\x03\x04":
        from culturescope.steering.foreign import from_lm_eval

        return from_lm_eval(data, path), "lm-eval"
    return _from_safetensors(data, path), "safetensors"


def check_fits(vector: SteeringVector, model: CausalModel, *, force: bool = False) -> str | None:
    """Whether a vector belongs to a model: the same weights, or at least the same model in another revision.

    Args:
        vector: to be applied.
        model: white-box.
        force: accept another revision, other weights of the same name, or another kind of model where the file names
            none.

    Returns:
        What stays uncertain, one sentence for the user; None where the vector was made with these very weights.

    Raises:
        BadInputError: it does not fit; `force` helps only with what it accepts.
    """
    origin, identity = vector.origin, model.identity
    _check_shape(vector, model)
    known = origin.weights_sha256 is not None and identity.weights_sha256 is not None
    if known and origin.weights_sha256 == identity.weights_sha256:
        return None
    if origin.model is None:
        if origin.family not in (None, identity.family):
            return _forced(
                f"the vector {origin.label} was made for a model of the kind {origin.family}, and {identity.name} is of the "
                f"kind {identity.family}",
                force,
            )
        return f"The vector {origin.label} does not say which model it was made for; width and blocks fit."
    if origin.model != identity.name:
        raise BadInputError(
            f"the vector {origin.label} was made for the model {origin.model}, not for {identity.name}, and the weights "
            "differ; fit one on this model: culturescope steer fit"
        )
    if origin.revision != identity.revision:
        return _forced(
            f"the vector {origin.label} was made for {origin.model} in the revision {origin.revision or 'unknown'}, this is "
            f"{identity.revision or 'unknown'}",
            force,
        )
    if known:
        return _forced(
            f"the vector {origin.label} was made for other weights of the name {origin.model} "
            f"({_short(origin.weights_sha256)}, these are {_short(identity.weights_sha256)})",
            force,
        )
    return f"The vector {origin.label} was made for {origin.model}; whether with these weights is not known."


def _forced(reason: str, force: bool) -> str:
    if not force:
        raise BadInputError(f"{reason}; --force (force=True) uses it all the same")
    return f"Forced: {reason}."


def _short(sha256: str | None) -> str:
    return (sha256 or "")[:12]


def _check_shape(vector: SteeringVector, model: CausalModel) -> None:
    origin, name, count = vector.origin, model.identity.name, len(model.blocks)
    made = f" (it was made for {origin.model})" if origin.model else ""
    if vector.width != model.hidden_size:
        raise BadInputError(
            f"the vector {origin.label} has the width {vector.width}, the residual stream of {name} has "
            f"{model.hidden_size}{made}"
        )
    if max(vector.blocks) >= count:
        raise BadInputError(
            f"the vector {origin.label} has a direction for block {max(vector.blocks)}, {name} has the blocks 0 to "
            f"{count - 1}{made}"
        )
    if origin.block_count not in (None, count):
        raise BadInputError(
            f"the vector {origin.label} was made for a model with {origin.block_count} blocks, {name} has {count}{made}"
        )


def _from_safetensors(data: bytes, place: str | os.PathLike[str]) -> SteeringVector:
    from safetensors import SafetensorError
    from safetensors.torch import load

    entries = _header(data, place)
    metadata = entries.pop("__metadata__", None)
    header = metadata.get(KEY) if isinstance(metadata, dict) else None
    if not isinstance(header, str):
        raise BadInputError(
            f"{place} is a safetensors file, but no steering vector: its metadata have no entry {KEY}"
        )
    blocks = {name: _block(name, entry, place) for name, entry in entries.items()}
    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError, OverflowError) as error:
        raise BadInputError(f"{place} is damaged: {plain(error, 120)}") from error
    return vector_of({blocks[name]: tensor for name, tensor in tensors.items()}, header, place)


def _header(data: bytes, place: str | os.PathLike[str]) -> dict[str, Any]:
    """The JSON at the beginning of a safetensors file, whose length the first eight bytes give."""
    if Path(place).suffix.lower() == ".csv":
        raise BadInputError(
            f"{place} holds no vector: a .csv of lm-eval names features of sparse models; its .pt files are read"
        )
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or data[8:9] != b"{":
        raise BadInputError(
            f"{place} is no vector: neither safetensors, nor a GGUF control vector, nor a .pt file of lm-eval"
        )
    if length > LARGEST_HEADER:
        raise BadInputError(f"{place}: its header would be {length} bytes long; that is no steering vector")
    if 8 + length > len(data):
        raise BadInputError(f"{place} is cut off: it ends within its header")
    try:
        entries = json.loads(data[8 : 8 + length])
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"{place} is damaged: its header is not JSON ({plain(error, 80)})") from error
    if not isinstance(entries, dict):
        raise BadInputError(f"{place} is damaged: its header is not a JSON object")
    return entries


def _block(name: str, entry: object, place: str | os.PathLike[str]) -> int:
    found = _NAME.fullmatch(name)
    if found is None:
        raise BadInputError(
            f'{place} has a tensor "{plain(name, 60)}"; a vector has block.0, block.1 and so on'
        )
    if not isinstance(entry, dict) or entry.get("dtype") != "F32":
        kind = plain(entry.get("dtype"), 20) if isinstance(entry, dict) else "nothing"
        raise BadInputError(f"{place}: {name} must hold F32, not {kind}")
    shape = entry.get("shape")
    if not isinstance(shape, list) or len(shape) != 1:
        raise BadInputError(
            f"{place}: {name} must be one row of numbers, not of the shape {plain(shape, 60)}"
        )
    return int(found.group(1))
