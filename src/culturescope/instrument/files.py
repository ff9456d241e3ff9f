"""What readers of instrument files share: text, TOML, checked entries; a fault is one line with file, line and field."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from culturescope.errors import InstrumentError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Model = TypeVar("Model", bound=BaseModel)


def read_text(path: Path) -> str:
    """The text of a file (UTF-8).

    Raises:
        InstrumentError: it is not there, cannot be read, or is no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InstrumentError(f"{path} does not exist") from None
    except UnicodeDecodeError as error:
        raise InstrumentError(f"{path} is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise InstrumentError(f"{path} cannot be read: {error.strerror}") from None


def read_toml(path: Path, known: Sequence[str]) -> tuple[dict[str, Any], str]:
    """Content and text of a TOML file whose tables have known names.

    Raises:
        InstrumentError: broken TOML, or a table that is not known.
    """
    text = read_text(path)
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InstrumentError(f"{path}: not valid TOML: {error}") from None
    for name in content:
        if name not in known:
            raise InstrumentError(f"{path}: unknown entry {name!r}; known are {', '.join(known)}")
    return content, text


def entries(model: type[Model], content: dict[str, Any], text: str, key: str, path: Path) -> list[Model]:
    """The tables `[[key]]` of a file, each checked.

    Raises:
        InstrumentError: there are none, or one is wrong; the message names its line.
    """
    found = content.get(key)
    if not isinstance(found, list) or not found:
        raise InstrumentError(f"{path}: at least one [[{key}]] is needed")
    lines = table_lines(text, key)
    places = (
        [f"line {n} ({key} {i})" for i, n in enumerate(lines, 1)]
        if len(lines) == len(found)
        else [f"{key} {i}" for i in range(1, len(found) + 1)]
    )
    return [validate(model, entry, f"{path}, {where}") for entry, where in zip(found, places, strict=True)]


def table_lines(text: str, key: str) -> list[int]:
    """Line numbers of the heads `[[key]]` of a TOML text."""
    head = re.compile(rf"\s*\[\[\s*{re.escape(key)}\s*\]\]\s*(#.*)?")
    return [n for n, line in enumerate(text.split("\n"), 1) if head.fullmatch(line.rstrip("\r"))]


def validate(model: type[Model], entry: Any, where: str) -> Model:
    """An entry as the data that it should be.

    Raises:
        InstrumentError: a field is missing, empty, unknown or wrong.
    """
    try:
        return model.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "entry"
        if first["type"] == "missing":
            raise InstrumentError(f'{where}: the field "{field}" is missing') from None
        if first["type"] == "string_too_short":
            raise InstrumentError(f'{where}: the field "{field}" is empty') from None
        if first["type"] == "extra_forbidden":
            known = f"; known are {', '.join(model.model_fields)}" if len(first["loc"]) == 1 else ""
            raise InstrumentError(f'{where}: the field "{field}" is not known{known}') from None
        reason = first["msg"].removeprefix("Value error, ")[:200]
        raise InstrumentError(f'{where}: the field "{field}": {reason}') from None


def check_unique(ids: Sequence[str], what: str) -> None:
    """Refuses an id that is there twice.

    Raises:
        InstrumentError: an id is.
    """
    for n, one in enumerate(ids):
        if one in ids[:n]:
            raise InstrumentError(f'{what} "{one}" is there twice')
