"""Where a run folder is made, and what is refused there; nothing of the user's is ever deleted."""

from __future__ import annotations

import contextlib
import re
import secrets
from pathlib import Path

from culturescope.errors import RunFolderError
from culturescope.runs.atomic import TEMPORARY_SUFFIX, disk_errors
from culturescope.runs.lock import LOCK_NAME
from culturescope.runs.manifest import MANIFEST_NAME, now


def safe_name(name: str) -> str:
    """A name for a folder on any disk: letters, digits, `.`, `_`, `-`; at most 60 characters, never empty."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)
    plain = re.sub(r"\.{2,}", ".", plain)
    return plain.strip(".-")[:60].rstrip(".-") or "model"


def make_new(root: Path, model_name: str) -> tuple[Path, bool]:
    """Makes `root/<date>-<model>-<id>`; the date is that of UTC.

    Returns:
        the folder, and that it was made here.

    Raises:
        RunFolderError: the root is a file or cannot be written.
        RunFailedError: the disk is full or failed.
    """
    usable(root)
    with disk_errors(root):
        if root.exists() and not root.is_dir():
            raise RunFolderError(
                f"{root} is a file, not a folder for runs; choose another with --output_path"
            )
        root.mkdir(parents=True, exist_ok=True)
    while True:
        folder = root / f"{now()[:10]}-{safe_name(model_name)}-{secrets.token_hex(3)}"
        with disk_errors(folder), contextlib.suppress(FileExistsError):
            folder.mkdir()
            return folder, True


def make_exact(folder: Path) -> tuple[Path, bool]:
    """Makes the folder that the user named, or takes it as it is when it is empty.

    Returns:
        the folder, and whether it was made here.

    Raises:
        RunFolderError: it holds something, is a file, or cannot be written.
        RunFailedError: the disk is full or failed.
    """
    usable(folder)
    with disk_errors(folder):
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if not folder.is_dir():
                raise RunFolderError(f"{folder} is a file; choose another path for the run folder") from None
        else:
            return folder, True
        refuse_taken(folder)
        return folder, False


def refuse_taken(folder: Path) -> None:
    """Says that a folder holds something already; also early, before a model is loaded for a run in it.

    Raises:
        RunFolderError: it is not empty.
    """
    usable(folder)
    with disk_errors(folder):
        # Another process may be making a run here, or was killed while it did; the lock will tell.
        if folder.is_dir() and any(
            child.name != LOCK_NAME and child.suffix != TEMPORARY_SUFFIX for child in folder.iterdir()
        ):
            raise RunFolderError(taken(folder))


def taken(folder: Path) -> str:
    """The line for a folder that holds something already."""
    if (folder / MANIFEST_NAME).exists():
        return (
            f"{folder} holds a run already; go on with `culturescope resume {folder}`, or choose another name"
        )
    return f"{folder} is not empty; choose another name (a run goes on with `culturescope resume {folder}`)"


def usable(path: Path) -> Path:
    """Gives the path back, if a disk can have it at all.

    Raises:
        RunFolderError: it holds a NUL character.
    """
    if "\0" in str(path):
        raise RunFolderError(f"the path {str(path)!r} holds a NUL character; choose another path")
    return path
