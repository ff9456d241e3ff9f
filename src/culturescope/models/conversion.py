"""Turns a GGUF file into a folder of safetensors, once: GGUF loads in many seconds, safetensors in one.

The weights are unpacked to float32, the dtype in which every other one can be had by rounding once.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.errors import ModelError
from culturescope.models.cache import build_folder, discard_folder, file_sha256, known_sha256, models_home
from culturescope.models.gguf_header import check_model
from culturescope.models.quiet import quiet

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Progress = Callable[[str], None]

CONVERTER = 1
DTYPE = "float32"
NOTE = "culturescope.json"


def of_the_files(error: BaseException) -> bool:
    """Whether files that are not what they say are to blame: libraries that read them fail in any way, and panic in Rust."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def folder_name(stem: str) -> str:
    """Name in the cache of what the converter of this version makes of a source."""
    return f"{stem}-{DTYPE}-v{CONVERTER}"


def gguf_folder(file: Path, progress: Progress | None = None) -> Path:
    """The folder of safetensors for a GGUF file, converted at the first call, kept under its content.

    Raises:
        ModelError: the file is not a whole GGUF file of a model that transformers knows.
        RunFailedError: the cache cannot be written.
    """
    check_gguf(file)
    digest = known_sha256(file)
    name = folder_name(f"gguf-{digest[:32]}")
    discard_damaged(name, progress)
    return build_folder(
        name,
        lambda folder: convert_gguf(file, folder, sha256=digest, progress=progress),
    )


def damaged_file(folder: Path) -> str | None:
    """Name of a file in a converted folder that is not what was written; None where all are, or no hashes were noted."""
    try:
        files = json.loads((folder / NOTE).read_text(encoding="utf-8")).get("files", {})
        return next((name for name, sha256 in files.items() if known_sha256(folder / name) != sha256), None)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        return Path(getattr(error, "filename", None) or NOTE).name


def discard_damaged(name: str, progress: Progress | None = None) -> None:
    """Removes a converted folder from the cache where one of its files was changed or cut, so that it is made anew."""
    folder = models_home() / name
    if folder.is_dir() and (damaged := damaged_file(folder)):
        if progress:
            progress(f"{damaged} in the cache is damaged; converting again")
        discard_folder(name)


def check_gguf(file: Path) -> None:
    """Refuses what is no GGUF file, or not a whole one, before it is hashed and converted.

    Raises:
        ModelError: the file cannot be read, does not begin like a GGUF file, or holds less than it says.
    """
    try:
        with file.open("rb") as opened:
            head = opened.read(8)
    except OSError as error:
        raise ModelError(f"the GGUF file {file} cannot be read: {error.strerror}") from error
    if len(head) < 8 or head[:4] != b"GGUF":
        raise ModelError(f"{file} is not a GGUF file (it does not begin with the letters GGUF)")
    version = struct.unpack("<I", head[4:])[0]
    if version not in (2, 3):
        raise ModelError(f"{file} is a GGUF file of version {version}; versions 2 and 3 can be read")
    check_model(file)


def convert_gguf(file: Path, folder: Path, *, sha256: str, progress: Progress | None = None) -> None:
    """Writes config, float32 safetensors, tokenizer and chat template of a GGUF file into a folder.

    Raises:
        ModelError: the file is not a whole GGUF file of a model that transformers knows.
    """
    from transformers import AutoTokenizer

    if importlib.util.find_spec("accelerate") is None:
        raise ModelError(
            "converting a GGUF file needs the package accelerate; install it with: pip install accelerate"
        )
    if progress:
        progress(f"converting {file.name} to safetensors (once)")
    with quiet(), contextlib.redirect_stderr(io.StringIO()):  # the unpacking draws a bar that knows no switch
        try:
            tokenizer = AutoTokenizer.from_pretrained(
                str(file.parent), gguf_file=file.name, local_files_only=True
            )
            module = _load(file)
        except BaseException as error:
            if not of_the_files(error):
                raise
            raise ModelError(
                f"the GGUF file {file.name} cannot be converted: it is damaged, cut short, or of an "
                f"architecture that transformers cannot load ({_reason(error)})"
            ) from error
        if progress:
            progress(f"saving {file.name} as safetensors")
        _plain(module).save_pretrained(folder, max_shard_size="5GB")
        tokenizer.save_pretrained(folder)
    note: dict[str, Any] = {
        "source": "gguf",
        "file": file.name,
        "sha256": sha256,
        "dtype": DTYPE,
        "converter": CONVERTER,
    }
    note["files"] = {one.name: file_sha256(one) for one in sorted(folder.iterdir()) if one.is_file()}
    (folder / NOTE).write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
    if progress:
        progress("finishing")


def _load(file: Path) -> PreTrainedModel:
    import torch
    import transformers

    options = {}
    if hasattr(transformers, "GgufConfig"):  # unpack, also where a kernel could compute on packed weights
        options["quantization_config"] = transformers.GgufConfig(dequantize=True)
    loader: Any = transformers.AutoModelForCausalLM
    module, info = loader.from_pretrained(
        str(file.parent),
        gguf_file=file.name,
        dtype=getattr(torch, DTYPE),
        local_files_only=True,
        output_loading_info=True,
        **options,
    )
    if info["missing_keys"]:
        missing = sorted(info["missing_keys"])
        raise ValueError(f"{len(missing)} tensors are missing, among them {missing[0]}")
    loaded: PreTrainedModel = module
    return loaded


def _plain(module: PreTrainedModel) -> PreTrainedModel:
    """The same weights in a module that knows nothing of GGUF; the weights are shared, not copied."""
    import torch

    config = type(module.config).from_dict(
        {key: value for key, value in module.config.to_dict().items() if key != "quantization_config"}
    )
    config.dtype = module.dtype
    with torch.device("meta"):
        plain = type(module)(config)
    plain.load_state_dict(module.state_dict(), strict=True, assign=True)
    plain.tie_weights()
    plain.generation_config = module.generation_config
    return plain


def _reason(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
