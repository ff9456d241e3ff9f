"""Files that are either old and whole or new and whole, and disk errors in one line.

A file is written beside its place, synced, and renamed over the old one; rename is atomic within a folder.
What a reader sees is never half a file, whatever kills the writer. A process killed outright can leave the
file beside; its name ends in `TEMPORARY_SUFFIX`, and `remove_leftovers` finds it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from culturescope.errors import CulturescopeError, RunFailedError, RunFolderError

TEMPORARY_SUFFIX = ".culturescope-tmp"

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG}
_FOLDER_SYNC_NOT_OFFERED = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES, errno.EPERM}
_NOT_WRITABLE = {
    errno.EROFS: "the disk is read-only; choose another place",
    errno.EACCES: "permission denied; choose a folder you may write to",
    errno.EPERM: "permission denied; choose a folder you may write to",
    errno.ENOENT: "its folder does not exist and cannot be made; choose another one",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another path",
    errno.EISDIR: "a folder stands in its place; choose another path",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.ELOOP: "its links run in a circle; choose another path",
}


def explain(path: str | os.PathLike[str], error: OSError) -> CulturescopeError:
    """Turns an error of the disk into one line that names the path and what to do.

    Returns:
        `RunFailedError` where the disk gave out (full, quota, input/output error), `RunFolderError` where the
        path cannot be used as it is (read-only, no permission, a file in the way).
    """
    if error.errno in _FULL:
        kind = "the quota is used up" if error.errno == getattr(errno, "EDQUOT", None) else "the disk is full"
        if error.errno == errno.EFBIG:
            kind = "the file would be larger than this system allows"
        return RunFailedError(
            f"cannot write {os.fspath(path)}: {kind}; make room, then run `culturescope resume` on the run "
            "folder (what was saved before is whole)"
        )
    if error.errno in _NOT_WRITABLE:
        return RunFolderError(f"cannot write {os.fspath(path)}: {_NOT_WRITABLE[error.errno]}")
    return RunFailedError(
        f"cannot write {os.fspath(path)}: {error.strerror or error}; check the disk, then run "
        "`culturescope resume` on the run folder (what was saved before is whole)"
    )


@contextlib.contextmanager
def disk_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Raises errors of the disk inside the block again as `explain` says them."""
    try:
        yield
    except OSError as error:
        raise explain(path, error) from error


def sync_folder(folder: Path) -> None:
    """Makes a new or renamed entry of a folder survive a power cut, where the system offers that."""
    if os.name == "nt":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _FOLDER_SYNC_NOT_OFFERED:
            raise


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a whole file, or leaves the old one as it was.

    Raises:
        RunFailedError: the disk is full or failed.
        RunFolderError: the place cannot be written (read-only, no permission, no such folder).
    """
    target = Path(path)
    temporary = target.with_name(f".{target.name[:60]}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    with disk_errors(target):
        try:
            with temporary.open("xb", buffering=0) as file:
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        sync_folder(target.parent)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes a whole text file as UTF-8, line ends as given, or leaves the old one as it was.

    Raises:
        RunFailedError: the disk is full or failed.
        RunFolderError: the place cannot be written (read-only, no permission, no such folder).
    """
    write_bytes(path, text.encode())


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Writes a whole JSON file, indented, or leaves the old one as it was.

    Raises:
        RunFailedError: the value has no JSON form (NaN, infinity, a foreign type), or the disk is full or
            failed.
        RunFolderError: the place cannot be written (read-only, no permission, no such folder).
    """
    try:
        data = encode_json(value, indent=2) + b"\n"
    except (TypeError, ValueError) as error:
        raise RunFailedError(
            f"cannot write {os.fspath(path)}: a value has no JSON form ({error}); the file is as it was"
        ) from error
    write_bytes(path, data)


def encode_json(value: Any, *, indent: int | None = None) -> bytes:
    """Strict JSON as UTF-8: no NaN, no infinity; keys in the order given.

    Half surrogate pairs (file names that are not UTF-8 arrive like that) have no UTF-8 form and are escaped.

    Raises:
        TypeError: a value of a foreign type.
        ValueError: NaN, infinity or a circle.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent).encode()
    except UnicodeEncodeError:
        return json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent).encode()


def remove_leftovers(folder: Path) -> None:
    """Removes what killed writers left beside their targets; call it with the folder locked."""
    for leftover in folder.rglob(f".*{TEMPORARY_SUFFIX}"):
        with contextlib.suppress(OSError):
            leftover.unlink()
