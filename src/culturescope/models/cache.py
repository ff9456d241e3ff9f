"""The cache on disk: where it lies, how a folder gets into it whole or not at all, and hashes of large files.

A folder is written to a hidden sibling, synced, and renamed as the last step, under a lock. So a folder under
its final name is complete, and a hidden sibling that nobody locks was left by an attempt that died.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from culturescope.errors import ModelError, RunFailedError

HOME_VARIABLE = "CULTURESCOPE_HOME"
_SMALL = 16_000_000  # hashed faster than looked up


def cache_home() -> Path:
    """The cache folder: `CULTURESCOPE_HOME`, or the user's cache folder of the system."""
    if chosen := os.environ.get(HOME_VARIABLE):
        return Path(chosen).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("culturescope")


def models_home() -> Path:
    """The folder of converted models inside the cache."""
    return cache_home() / "models"


def build_folder(name: str, write: Callable[[Path], None]) -> Path:
    """The folder `name` among the converted models; `write` fills it if it is not there yet.

    Args:
        name: of the finished folder.
        write: fills an empty folder; called at most once at a time over all processes.

    Raises:
        RunFailedError: the disk is full or the cache cannot be written.
    """
    home = models_home()
    final = home / name
    if final.is_dir():
        return final
    from filelock import FileLock

    try:
        home.mkdir(parents=True, exist_ok=True)
        with FileLock(home / f".{name}.lock"):
            remove_leftovers(name)
            if final.is_dir():
                return final
            partial = Path(tempfile.mkdtemp(prefix=f".partial-{name}-", dir=home))
            try:
                write(partial)
                _sync(partial)
                partial.rename(final)
                _sync_entry(home)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise RunFailedError(
                f"the disk of the cache {home} is full; free some space and try again"
            ) from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EPERM):
            raise RunFailedError(
                f"the cache {home} cannot be written; set {HOME_VARIABLE} to a folder of your own"
            ) from error
        raise
    return final


def remove_leftovers(name: str) -> None:
    """Removes what dead attempts at the folder `name` left; to be called under its lock."""
    for folder in models_home().glob(f".partial-{name}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def discard_folder(name: str) -> None:
    """Removes the folder `name` among the converted models; whoever has its files open keeps them."""
    from filelock import FileLock

    home = models_home()
    with FileLock(home / f".{name}.lock"):
        if (home / name).is_dir():
            away = Path(tempfile.mkdtemp(prefix=f".partial-{name}-", dir=home))
            (home / name).rename(away / "damaged")
            shutil.rmtree(away, ignore_errors=True)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def known_sha256(path: Path) -> str:
    """SHA-256 of a large file, remembered in the cache by path, size and time of change."""
    real = path.resolve()
    status = real.stat()
    if status.st_size < _SMALL:
        return file_sha256(real)
    state = [status.st_size, status.st_mtime_ns]
    memory = cache_home() / "hashes" / f"{hashlib.sha256(str(real).encode()).hexdigest()[:32]}.json"
    try:
        remembered = json.loads(memory.read_text(encoding="utf-8"))
        if remembered["state"] == state and remembered["path"] == str(real):
            return str(remembered["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # never hashed, or an unreadable note: hash again
    digest = file_sha256(real)
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=memory.parent, prefix=".", encoding="utf-8", delete=False
        ) as note:
            json.dump({"path": str(real), "state": state, "sha256": digest}, note)
        Path(note.name).replace(memory)
    except OSError:
        pass  # a cache that cannot be written costs time, not correctness
    return digest


def weights_sha256(files: Iterable[Path]) -> str:
    """SHA-256 over the sorted (file name, file's SHA-256) of a model's weight files.

    Raises:
        ModelError: a file cannot be read.
    """
    try:
        entries = sorted((path.name, known_sha256(path)) for path in files)
    except OSError as error:
        raise ModelError(f"the weight file {error.filename} cannot be read: {error.strerror}") from error
    return hashlib.sha256(json.dumps(entries).encode()).hexdigest()


def _sync(folder: Path) -> None:
    """Makes the folder last and, where several users share a cache, readable."""
    for entry in (*folder.rglob("*"), folder):
        entry.chmod(0o755 if entry.is_dir() else 0o644)
        _sync_entry(entry)


def _sync_entry(entry: Path) -> None:
    if os.name == "nt" and entry.is_dir():
        return  # Windows cannot open a folder
    descriptor = os.open(entry, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
