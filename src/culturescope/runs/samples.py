"""`samples.jsonl`: one sample a line, only ever appended to.

A batch is one write, synced before `append` returns: what was appended survives a kill. A kill in the middle
of a write leaves a last line without its end; it is not read, and the next append cuts it away first, so that
lines never merge.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Any, NoReturn

from culturescope.errors import RunFailedError, RunFolderError
from culturescope.runs.atomic import disk_errors, encode_json, sync_folder

_CHUNK = 1 << 16


class SampleLog:
    """The samples of a run, on disk.

    Example:
        >>> log = SampleLog(folder / "samples.jsonl")
        >>> log.append([{"key": key.digest, "d": 0.25}])
        >>> log.known()[key.digest]["d"]
        0.25
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Saves a batch; all of it is on the disk when this returns, none of it when this raises.

        Raises:
            RunFailedError: a row has no `key` or no JSON form, or the disk is full or failed.
            RunFolderError: the file cannot be written.
        """
        batch = b"".join(_encode(row) for row in rows)
        if not batch:
            return
        with disk_errors(self.path):
            new = not self.path.exists()
            with FileIO(self.path, "a+") as file:
                end, line_is_whole = _whole_end(file)
                if end < _size(file):
                    file.truncate(end)
                try:
                    rest = memoryview(batch if line_is_whole else b"\n" + batch)
                    while rest:
                        rest = rest[file.write(rest) or 0 :]
                    os.fsync(file.fileno())
                except BaseException:
                    # Should the cut fail as well, the broken last line is not read and is cut by the next
                    # append.
                    with contextlib.suppress(OSError):
                        file.truncate(end)
                    raise
            if new:
                sync_folder(self.path.parent)

    def samples(self) -> list[dict[str, Any]]:
        """All samples in the order of the file; of samples with one key only the first.

        Raises:
            RunFolderError: a line other than a broken last one is not a sample (the line is named), or the
                file cannot be read.
        """
        return list(self.known().values())

    def known(self) -> dict[str, dict[str, Any]]:
        """The samples by their key, in the order of the file; of samples with one key the first one counts.

        Raises:
            RunFolderError: a line other than a broken last one is not a sample (the line is named), or the
                file cannot be read.
        """
        found: dict[str, dict[str, Any]] = {}
        for row in self._rows():
            found.setdefault(row["key"], row)
        return found

    def _rows(self) -> Iterator[dict[str, Any]]:
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        except OSError as error:
            raise RunFolderError(
                f"cannot read {self.path}: {error.strerror}; check the path and its rights"
            ) from error
        with file:
            for number, line in enumerate(file, start=1):
                if line.endswith(b"\n") and not line.strip():
                    continue
                try:
                    yield _decode(line)
                except ValueError as error:
                    if not line.endswith(b"\n"):
                        return
                    raise RunFolderError(
                        f"{self.path}, line {number}: not a sample ({error}); something else has changed "
                        "the file. Remove the line and resume: its prompt is asked again"
                    ) from error


def _encode(row: Mapping[str, Any]) -> bytes:
    key = row.get("key")
    if not isinstance(key, str) or not key:
        raise RunFailedError(f"a sample needs a `key` (text), got {key!r}; nothing of the batch was saved")
    try:
        return encode_json(dict(row)) + b"\n"
    except (TypeError, ValueError) as error:
        raise RunFailedError(
            f"sample {key} has no JSON form ({error}); nothing of the batch was saved. A model that answers "
            "with NaN often needs another dtype (float32)"
        ) from error


def _decode(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line.decode(), parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(row, dict):
        raise ValueError(f"expected an object, found {type(row).__name__}")
    if not isinstance(row.get("key"), str) or not row["key"]:
        raise ValueError("it has no `key`")
    return row


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _size(file: FileIO) -> int:
    return os.fstat(file.fileno()).st_size


def _whole_end(file: FileIO) -> tuple[int, bool]:
    """Where the whole samples end, and whether a line end stands there (an editor may have left it out)."""
    size = start = _size(file)
    tail = b""
    while start > 0 and b"\n" not in tail:
        step = min(_CHUNK, start)
        start -= step
        file.seek(start)
        tail = _read(file, step) + tail
    last_line = tail[tail.rfind(b"\n") + 1 :]
    if not last_line:
        return size, True
    try:
        _decode(last_line)
    except ValueError:
        return size - len(last_line), True
    return size, False


def _read(file: FileIO, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = file.read(count - len(data))
        if not piece:
            break
        data += piece
    return data
