"""`run.json`: what was run, with what, on what, and how it ended."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from culturescope.errors import RunFolderError

FORMAT = 1
MANIFEST_NAME = "run.json"

Status = Literal["started", "success", "cancelled", "error"]
FinalStatus = Literal["success", "cancelled", "error"]

_SECRET_VALUE = re.compile(r"(?i)((?:api[_-]?key|token|secret|password)[=:])[^,\s]+")
_SECRET_NEXT = re.compile(r"(?i)^--?[\w-]*(?:api[_-]?key|token|secret|password)$")
_URL_LOGIN = re.compile(r"(://)[^/@\s]+@")


class Manifest(BaseModel):
    """The content of `run.json`; fields that the caller adds are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    format: Literal[1] = 1
    status: Status = "started"
    created: str
    finished: str | None = None
    command: tuple[str, ...] = ()
    config: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, Any] = Field(default_factory=dict)
    model: dict[str, Any] = Field(default_factory=dict)
    error: str | None = None
    elapsed_seconds: float = 0.0


def now() -> str:
    """The time in UTC, ISO 8601, in seconds."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def environment() -> dict[str, Any]:
    """Versions of the packages that can change a number, and the machine; imports none of them."""
    found: dict[str, Any] = {}
    for package in ("culturescope", "torch", "transformers", "tokenizers"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    found["python"] = platform.python_version()
    found["platform"] = platform.platform()
    found["processor"] = _processor()
    found["threads"] = _threads()
    return found


def recorded_command(arguments: Sequence[str]) -> tuple[str, ...]:
    """The command line as it may be shared: keys, tokens, passwords, logins in addresses are starred."""
    recorded: list[str] = []
    hide_next = False
    for argument in arguments:
        readable = argument.encode("utf-8", "backslashreplace").decode()
        hidden = _URL_LOGIN.sub(r"\1***@", _SECRET_VALUE.sub(r"\1***", readable))
        recorded.append("***" if hide_next else hidden)
        hide_next = bool(_SECRET_NEXT.match(argument))
    return tuple(recorded)


def read_manifest(folder: Path) -> Manifest:
    """Reads `run.json` of a run folder.

    Raises:
        RunFolderError: the folder is not there, is no run folder, comes from another format version, or its
            `run.json` is damaged.
    """
    path = folder / MANIFEST_NAME
    try:
        text = path.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError):
        raise RunFolderError(_not_a_run(folder)) from None
    except UnicodeDecodeError as error:
        raise RunFolderError(_damaged(path, str(error))) from error
    except OSError as error:
        raise RunFolderError(
            f"cannot read {path}: {error.strerror}; check the path and its rights"
        ) from error
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RunFolderError(_damaged(path, str(error))) from error
    if not isinstance(content, dict) or "format" not in content:
        raise RunFolderError(
            f"{path} was not written by culturescope (it has no `format`); give a run folder"
        )
    if content["format"] != FORMAT:
        raise RunFolderError(
            f"{path} has format {content['format']!r}, this culturescope reads format {FORMAT}; "
            "use the version of culturescope that wrote the run"
        )
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RunFolderError(_damaged(path, f"{where}: {first['msg']}")) from error


def first_difference(before: Any, after: Any, name: str) -> tuple[str, Any, Any] | None:
    """The first place where two JSON values differ: its dotted name and both values; None if equal."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            found = first_difference(before.get(key), after.get(key), f"{name}.{key}")
            if found is not None:
                return found
        return None
    if type(before) is type(after) and before == after:
        return None
    both_numbers = all(type(value) in (int, float) for value in (before, after))
    return None if both_numbers and before == after else (name, before, after)


def _not_a_run(folder: Path) -> str:
    if not folder.exists():
        return (
            f"no run folder at {folder}; check the path (runs are in `runs/` unless --output_path was given)"
        )
    if not folder.is_dir():
        return f"{folder} is a file; give the run folder in which it lies"
    inside = sorted(child.parent.name for child in folder.glob(f"*/{MANIFEST_NAME}"))
    if inside:
        return f"{folder} holds runs but is none itself; give one of them, for example {folder / inside[-1]}"
    return f"{folder} is not a run folder (it has no {MANIFEST_NAME}); give a folder that culturescope made"


def _damaged(path: Path, why: str) -> str:
    return f"{path} is damaged ({why}); put back a copy of it, or start a new run under another name"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _threads() -> int:
    """Threads of torch where it is loaded (never loads it), else the processors this process may use."""
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_num_threads"):
        return int(torch.get_num_threads())
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
