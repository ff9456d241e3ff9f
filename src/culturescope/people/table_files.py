"""The files of the people tables as text: rows with their lines, and notes; every fault is named by file and line."""

from __future__ import annotations

import csv
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from culturescope.errors import BadInputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def rows_of(
    file: Path, columns: tuple[str, ...], sources: Collection[str]
) -> list[tuple[str, dict[str, str]]]:
    """The rows of a table, each with its file and line.

    Raises:
        BadInputError: it cannot be read, has other columns than these, or a row with too few fields or an unknown source.
    """
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines, strict=True)
            rows = [(f"{file.name}, line {reader.line_num}", row) for row in reader]
            head = reader.fieldnames or []
    except OSError as error:
        raise BadInputError(f"{file} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"{file.name}: not a table in UTF-8: {error}") from None
    missing, more = [c for c in columns if c not in head], [c for c in head if c not in columns]
    if missing or more or len(head) != len(columns):
        wrong = f"without {', '.join(missing)}" if missing else f"with {', '.join(more) or 'a column twice'}"
        raise BadInputError(f"{file.name}, line 1: columns must be {', '.join(columns)}; these are {wrong}")
    for where, row in rows:
        if None in row or None in row.values():
            raise BadInputError(f"{where}: {len(columns)} fields are needed, one for each column")
        if row["source"] not in sources:
            raise BadInputError(
                f'{where}: source "{row["source"]}" is not in sources.toml, which has {", ".join(sources)}'
            )
    return rows


def notes_of(file: Path) -> dict[str, Any]:
    """What has to be known of the tables: series, rescaling, sources and the societies that the fit leaves out.

    Raises:
        BadInputError: it cannot be read, or one of these is missing.
    """
    try:
        notes = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInputError(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"{file}: not valid TOML: {error}") from None
    for table in ("series", "rescaling", "source", "left_out"):
        if not isinstance(notes.get(table), dict):
            raise BadInputError(f"{file.name}: the table [{table}] is missing")
    if not isinstance(notes["series"].get("id"), str):
        raise BadInputError(f"{file.name}, [series]: id is missing")
    for axis in ("x", "y"):
        line = notes["rescaling"].get(axis)
        if not (
            isinstance(line, dict) and {type(line.get(k)) for k in ("slope", "intercept")} <= {int, float}
        ):
            raise BadInputError(f"{file.name}, [rescaling]: {axis} needs numbers slope and intercept")
    return notes
