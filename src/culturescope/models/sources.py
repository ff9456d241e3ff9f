"""From what the user wrote to a folder of safetensors: a packaged name, a hub id, a folder or a GGUF file.

Nothing is fetched unless the user asked for it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from culturescope.errors import ModelError, RunFailedError
from culturescope.models import packaged
from culturescope.models.address import is_address
from culturescope.models.conversion import Progress, damaged_file, gguf_folder
from culturescope.models.fingerprint import fingerprint

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_LONGEST = 4_000
_LARGEST = 1 << 40
_MOST = {"layers": 2_000, "n_layer": 2_000, "experts": 100_000, "heads": 100_000, "n_head": 100_000}
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "spiece.model",
    "vocab.json",
    "vocab.txt",
    "tekken.json",
    "tokenizer_config.json",
)
_HUB_FILES = [
    "*.safetensors",
    "*.safetensors.index.json",
    "*.json",
    "*.jinja",
    "*.model",
    "*.txt",
    "*.tiktoken",
]
_HUB_DOUBLES = ["consolidated*", "*/*.safetensors", "*/*.json"]  # the same weights for other programs


@dataclass(frozen=True)
class Source:
    """Where a model was found.

    Args:
        kind: `packaged`, `hub`, `folder` or `gguf`.
        name: short, for display.
        folder: holds config, safetensors and tokenizer.
        revision: commit of the hub, version of the package, or None.
        extra: hashes of what else can change a number.
    """

    kind: str
    name: str
    folder: Path
    revision: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def weights(self) -> list[Path]:
        """The weight files, sorted by name."""
        index = self.folder / "model.safetensors.index.json"
        if (self.folder / "model.safetensors").is_file():
            return [self.folder / "model.safetensors"]
        if index.is_file():
            shards = json.loads(index.read_text(encoding="utf-8")).get("weight_map", {}).values()
            return sorted({self.folder / shard for shard in shards})
        return sorted(self.folder.glob("*.safetensors"))


def find_source(
    given: str | Path,
    *,
    revision: str | None = None,
    download: bool = False,
    trust_remote_code: bool = False,
    progress: Progress | None = None,
) -> Source:
    """Finds the folder of a model, converting a GGUF file and downloading from the hub only where asked.

    Raises:
        ModelError: nothing is there, or what is there cannot be loaded safely.
        RunFailedError: the download failed.
    """
    text = str(given).strip()
    if not text:
        raise ModelError("no model was given; give a packaged name, a hub id, a folder or a .gguf file")
    if is_address(text):
        raise ModelError(
            "an address is a served model: it answers, but its weights and blocks are not here; this needs a packaged name, a "
            "hub id, a folder or a .gguf file"
        )
    if len(text) > _LONGEST or "\0" in text:
        raise ModelError(
            f"there is no model of this name, which is {len(text):,} characters long: {text[:60]!r}..."
        )
    if text in packaged.REGISTRY:
        _no_revision(revision, "a packaged model")
        source = _packaged(text, download=download, progress=progress)
    elif _kind(path := _expanded(text)) == "folder":
        _no_revision(revision, "a folder")
        source = Source("folder", path.resolve().name, path)
    elif _kind(path) == "file":
        _no_revision(revision, "a file")
        if path.suffix.lower() != ".gguf":
            raise ModelError(f"{text} is a file; a model is a folder with safetensors, or a .gguf file")
        source = Source("gguf", path.name, gguf_folder(path.resolve(), progress))
    elif _looks_like_path(text):
        raise ModelError(f"there is no folder or file {text}")
    elif _HUB_ID.fullmatch(text):
        source = _hub(text, revision=revision, download=download, trust_remote_code=trust_remote_code)
    else:
        raise _unknown(text)
    _check_folder(source.folder, text)
    hashes = fingerprint(source.folder, code=trust_remote_code)
    return Source(source.kind, source.name, source.folder, source.revision, hashes)


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # a user that does not exist
        return Path(text)


def _kind(path: Path) -> str | None:
    try:
        return "folder" if path.is_dir() else "file" if path.is_file() else None
    except (OSError, ValueError):  # a name that no disk can hold
        return None


def _packaged(name: str, *, download: bool, progress: Progress | None) -> Source:
    model = packaged.find(name)
    if not model.fetched:
        if not download:
            raise ModelError(f"the model {name} is not fetched yet; run: culturescope models get {name}")
        packaged.get(name, progress)
    elif damaged := damaged_file(model.folder):
        if not download:
            raise ModelError(
                f"the file {damaged} of {name} in the cache is damaged; this makes it anew: culturescope models get {name}"
            )
        packaged.get(name, progress)
    return Source("packaged", name, model.folder, model.version)


def _hub(name: str, *, revision: str | None, download: bool, trust_remote_code: bool) -> Source:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    at = f" at revision {revision}" if revision else ""
    patterns = [*_HUB_FILES, *(["*.py"] if trust_remote_code else [])]
    try:
        folder = snapshot_download(
            name,
            revision=revision,
            local_files_only=not download,
            allow_patterns=patterns,
            ignore_patterns=_HUB_DOUBLES,
        )
    except HFValidationError as error:
        raise _unknown(name) from error
    except LocalEntryNotFoundError as error:
        if download:
            raise RunFailedError(f"the model hub could not be reached to download {name}{at}") from error
        if "/" not in name:
            raise _unknown(name) from error
        raise ModelError(
            f"{name}{at} is neither a folder nor a model in the local hub cache; "
            "add --download (download=True) to fetch it from the hub"
        ) from error
    except GatedRepoError as error:
        raise ModelError(
            f"the model {name} is gated: accept its licence on the hub and log in with: hf auth login"
        ) from error
    except RevisionNotFoundError as error:
        raise ModelError(f"the model {name} has no revision {revision} on the hub") from error
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"the hub has no model {name}, or it is private and you are not logged in"
        ) from error
    except (HfHubHTTPError, OSError) as error:
        raise RunFailedError(
            f"the download of {name}{at} failed: {' '.join(str(error).split())[:200]}"
        ) from error
    return Source("hub", name, Path(folder), Path(folder).name)


def _check_folder(folder: Path, given: str) -> None:
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        raise ModelError(
            f"{given} is an adapter, not a whole model; merge it into its base model and save that"
        )
    if not (folder / "config.json").is_file():
        raise ModelError(f"{given} has no config.json, so it is not a model that transformers can load")
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"the config.json of {given} cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise ModelError(f"the config.json of {given} is not an object")
    _check_claims(config, given)
    if not any(folder.glob("*.safetensors")):
        pickles = sorted(file.name for pattern in _PICKLES for file in folder.glob(pattern))
        if pickles:
            raise ModelError(
                f"{given} has its weights only as pickles ({pickles[0]}), which can run foreign code when "
                "they are opened; convert them to safetensors with save_pretrained, or take a revision that "
                "has them"
            )
        raise ModelError(f"{given} has no weights (*.safetensors; pickles such as *.bin are never opened)")
    if not any((folder / name).is_file() for name in _TOKENIZER_FILES):
        raise ModelError(
            f"{given} has no tokenizer (tokenizer.json); save the model's tokenizer into the folder"
        )


def _check_claims(config: dict[str, Any], given: str) -> None:
    """A model is built from its config before its weights are looked at, however large the config says it is.

    Raises:
        ModelError: it says what no model is.
    """
    for name, value in config.items():
        if isinstance(value, dict):
            _check_claims(value, given)
        elif isinstance(value, int):
            most = next((most for words, most in _MOST.items() if name.endswith(words)), _LARGEST)
            if abs(value) > most:
                raise ModelError(
                    f"the config.json of {given} says {name} = {str(value)[:40]}, which no model has"
                )


def _looks_like_path(text: str) -> bool:
    return (
        text.startswith((".", "/", "~", "\\"))
        or text.count("/") > 1
        or "\\" in text
        or text.endswith(".gguf")
    )


def _no_revision(revision: str | None, what: str) -> None:
    if revision is not None:
        raise ModelError(f"{what} has no revisions; revision= is for hub ids")


def _unknown(text: str) -> ModelError:
    near = packaged.nearest(text)
    hint = f"did you mean {near}?" if near else f"packaged models: {', '.join(sorted(packaged.REGISTRY))}"
    return ModelError(
        f"there is no model {text!r}: no packaged name, folder, .gguf file or model in the local hub cache; "
        f"{hint}"
    )
