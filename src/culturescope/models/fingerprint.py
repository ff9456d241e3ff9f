"""Hashes of the files beside the weights that can change a number.

Files are taken by name, not by suffix: a notice or a log that lies in the folder changes no number, and the
same revision fetched by two programs may or may not bring it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from culturescope.errors import ModelError
from culturescope.models.cache import known_sha256
from culturescope.models.conversion import NOTE

# What the tokenizers of transformers read, the chat template among it.
_TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.json",
    "vocab*.json",
    "vocab*.txt",
    "merges.txt",
    "*_vocab.json",
    "tekken.json",
    "normalizer.json",
    "emoji.json",
    "byte_maps.json",
    "dict.txt",
    "word_*.json",
    "bpe.codes",
    "*.model",
    "*.model.v*",
    "*.spm",
    "*.tiktoken",
    "*.tokenizer",
    "*.jinja",
    "additional_chat_templates/*.jinja",
)
_GROUPS = {
    "config_sha256": ("config.json",),
    "tokenizer_sha256": _TOKENIZER,
    "generation_sha256": ("generation_config.json",),  # names the tokens that end an answer
    "adapter_sha256": ("adapter_config.json", "adapter_model.safetensors"),
}


def fingerprint(folder: Path, *, code: bool) -> dict[str, str]:
    """SHA-256 of all beside the weights that can change a number, by what it is.

    Args:
        folder: of the model.
        code: whether the model's own Python code may run, so that it counts too.

    Returns:
        `config_sha256`, `tokenizer_sha256`, `generation_sha256`, `adapter_sha256`, `code_sha256` and
        `gguf_sha256`, as far as there are such files.

    Raises:
        ModelError: a file cannot be read.
    """
    found: dict[str, str] = {}
    try:
        for key, patterns in _GROUPS.items():
            files = {file for pattern in patterns for file in folder.glob(pattern) if file.is_file()}
            if files:
                found[key] = _combined(folder, files)
        if code and (scripts := _scripts(folder)):
            found["code_sha256"] = _combined(folder, scripts)
        if (folder / NOTE).is_file():
            note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
            found["gguf_sha256"] = str(note["sha256"])
    except OSError as error:
        raise ModelError(f"the file {error.filename} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ModelError(f"the file {folder / NOTE} is damaged; convert the model again") from error
    return found


def _scripts(folder: Path) -> list[Path]:
    return [
        file
        for file in folder.rglob("*.py")
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    ]


def _combined(folder: Path, files: Iterable[Path]) -> str:
    """SHA-256 over the sorted (path in the folder, file's SHA-256)."""
    entries = sorted((file.relative_to(folder).as_posix(), known_sha256(file)) for file in files)
    return hashlib.sha256(json.dumps(entries).encode()).hexdigest()
