"""The steering files of lm-eval (`--model steered --model_args pretrained=...,steer_path=FILE.pt`).

Such a file is a dictionary saved by torch: name of a module below the base model (`layers.3`) to `steering_vector`,
`steering_coefficient`, `action`, `bias` and `head_index`. lm-eval adds vector times coefficient to the module's output. It
opens files as pickles, which can run foreign code; here they are opened with `weights_only=True`, and only if nothing in
them is compressed. Its other form, a .csv, names features of sparse models, so it holds no vector.
"""

from __future__ import annotations

import io
import math
import os
import re
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError
from culturescope.runs.atomic import write_bytes
from culturescope.steering.stored import LARGEST_FILE, MOST_BLOCKS, built, header_text, plain, vector_of
from culturescope.steering.vector import Origin, SteeringVector

if TYPE_CHECKING:
    from torch import Tensor

_HEADER = "culturescope"
_BLOCK = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]*\.)*(?:layers|h|blocks|block|layer)\.([0-9]{1,4})")
_WIDEST = 2**20


def to_lm_eval(
    vector: SteeringVector,
    path: str | os.PathLike[str],
    *,
    alpha: float = 1.0,
    hookpoint: str | None = None,
) -> Path:
    """Writes a steering file of lm-eval that does what `vector.applied(model, alpha)` does.

    Args:
        vector: its directions are written as they are.
        path: of the file, `.pt` or `.pth`; an existing one is replaced as a whole.
        alpha: the coefficient, which lm-eval cannot be told later.
        hookpoint: name of a block below the base model, `{}` for its number (`layers.{}`); by default that of the model
            it was fitted on.

    Raises:
        BadInputError: the name ends otherwise, the coefficient is not finite, or the hookpoint is not known.
        RunFolderError: the place cannot be written.
        RunFailedError: the disk is full or failed.
    """
    import torch

    place = Path(path)
    if place.suffix not in (".pt", ".pth"):
        raise BadInputError(f"lm-eval reads steering files that end in .pt or .pth, not {place.name}")
    if not math.isfinite(alpha):
        raise BadInputError(f"a coefficient must be a finite number, not {alpha}")
    name = hookpoint or _hookpoint(vector)
    if name.count("{}") != 1:
        raise BadInputError(f'the hookpoint "{name}" needs one {{}} for the number of the block: layers.{{}}')
    content = {
        name.replace("{}", str(block)): {
            "steering_vector": vector[block],
            "steering_coefficient": float(alpha),
            "action": "add",
            "bias": None,
            "head_index": None,
        }
        for block in vector.blocks
    }
    next(iter(content.values()))[_HEADER] = header_text(vector)
    file = io.BytesIO()
    torch.save(content, file)
    write_bytes(place, file.getvalue())
    return place


def from_lm_eval(data: bytes, place: str | os.PathLike[str]) -> SteeringVector:
    """The vector of a steering file of lm-eval; each direction is vector times coefficient.

    Args:
        data: content of the file.
        place: its path, for errors and for the label of a vector that tells no origin.

    Raises:
        BadInputError: it is none, it holds more than tensors and plain values, or it does something else than to add
            directions behind blocks.
    """
    directions: dict[int, Tensor] = {}
    coefficients: dict[int, float] = {}
    header = None
    for hookpoint, info in _content(data, place).items():
        block = _block(hookpoint, place)
        if block in directions:
            raise BadInputError(f"{place}: block {block} comes twice")
        if not isinstance(info, Mapping):
            raise BadInputError(f"{place}: {hookpoint} must hold a dictionary")
        directions[block], coefficients[block] = _entry(info, f"{place}: {hookpoint}")
        header = info.get(_HEADER, header)
    same = set(coefficients.values())
    if isinstance(header, str) and len(same) == 1:
        vector, alpha = vector_of(directions, header, place), same.pop()
        return vector if alpha == 1 else alpha * vector
    scaled = {block: coefficients[block] * direction for block, direction in directions.items()}
    return built(scaled, Origin(label=plain(Path(place).stem, 80), method="read from lm-eval"), place)


def _hookpoint(vector: SteeringVector) -> str:
    """The list of blocks, named from the base model on, which is the first part of its path (`model.layers`)."""
    path = vector.origin.blocks_path
    if path is None:
        raise BadInputError(
            f"the vector {vector.origin.label} does not say where its model has its blocks; give the name that lm-eval "
            'needs: --hookpoint "layers.{}"'
        )
    return f"{path.partition('.')[2] or path}.{{}}"


def _content(data: bytes, place: str | os.PathLike[str]) -> dict[str, Any]:
    import torch

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise BadInputError(f"{place} is a damaged file of torch: {plain(error, 100)}") from error
    # torch writes nothing compressed; what is could unfold without end.
    if any(part.compress_type != zipfile.ZIP_STORED for part in parts) or (
        sum(part.file_size for part in parts) > 2 * LARGEST_FILE
    ):
        raise BadInputError(f"{place} is no file of torch: it holds compressed or oversized parts")
    try:
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # a hostile pickle fails in any way; none of them runs its code
        raise BadInputError(
            f"{place} holds something else than tensors and plain values, or is damaged; it was not opened "
            f"({type(error).__name__})"
        ) from error
    if not isinstance(content, dict) or not content or not all(isinstance(k, str) for k in content):
        raise BadInputError(
            f"{place} is no steering file of lm-eval: that is a dictionary from names of modules to steering vectors"
        )
    return content


def _block(hookpoint: str, place: str | os.PathLike[str]) -> int:
    found = _BLOCK.fullmatch(hookpoint)
    if found is None or int(found.group(1)) >= MOST_BLOCKS:
        raise BadInputError(
            f'{place} steers "{plain(hookpoint, 80)}", which is not the output of a block (layers.3, h.3); only those are read'
        )
    return int(found.group(1))


def _entry(info: Mapping[str, Any], what: str) -> tuple[Tensor, float]:
    """Direction and coefficient."""
    import torch

    if info.get("action") != "add":
        raise BadInputError(
            f'{what}: the action is "{plain(info.get("action"), 40)}"; only "add" is a steering vector'
        )
    if info.get("bias") is not None or info.get("head_index") is not None:
        raise BadInputError(f"{what}: a bias or an attention head cannot be said by a steering vector")
    vector, coefficient = info.get("steering_vector"), info.get("steering_coefficient", 1.0)
    if (
        isinstance(coefficient, torch.Tensor)
        and coefficient.numel() == 1
        and coefficient.device.type == "cpu"
    ):
        coefficient = coefficient.item()
    if isinstance(coefficient, bool) or not (
        isinstance(coefficient, (int, float)) and abs(coefficient) <= sys.float_info.max
    ):
        raise BadInputError(f"{what}: steering_coefficient must be a finite number")
    # Without storage, or wider than any model: a few bytes can say "as wide as you like".
    if (
        not isinstance(vector, torch.Tensor)
        or vector.layout != torch.strided
        or vector.device.type != "cpu"
        or not vector.is_floating_point()
        or vector.dim() != 1
        or not 0 < vector.numel() <= _WIDEST
    ):
        raise BadInputError(f"{what}: steering_vector must be one row of floating-point numbers")
    return vector.detach().float(), float(coefficient)
