"""One writing process at a time per run folder.

The lock is `flock` on a file in the folder: the system drops it when its process ends, however it ends, so
the lock of a dead process is no lock. Where there is no `flock` (Windows, some network disks) nothing is
locked.
"""

from __future__ import annotations

import contextlib
import errno
import os
import warnings
from pathlib import Path
from typing import IO

from culturescope.errors import RunFolderError
from culturescope.runs.atomic import disk_errors

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK_NAME = ".lock"
_NOT_OFFERED = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


class FolderLock:
    """The lock of one folder; taken once, released by `release` or with the process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._file is not None

    def acquire(self) -> None:
        """Takes the lock at once, or fails at once; does nothing when it is held.

        Raises:
            RunFolderError: another process holds it (its number is named), or the folder cannot be written.
            RunFailedError: the disk is full or failed.
        """
        if self._file is not None:
            return
        path = self._folder / LOCK_NAME
        with contextlib.ExitStack() as stack, disk_errors(path):
            file = stack.enter_context(path.open("a+b", buffering=0))
            self._flock(file)
            file.truncate(0)
            file.write(str(os.getpid()).encode())
            stack.pop_all()
            self._file = file

    def release(self) -> None:
        """Gives the lock back; does nothing when it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _flock(self, file: IO[bytes]) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read(20).decode(errors="replace").strip() or "unknown"
            raise RunFolderError(
                f"{self._folder} is in use by process {holder}; wait until it ends, or stop it "
                "(Ctrl-C saves its work), then try again"
            ) from None
        except OSError as error:
            if error.errno not in _NOT_OFFERED:
                raise
            warnings.warn(
                f"the disk of {self._folder} cannot lock files; take care that no second "
                "process writes to this run",
                stacklevel=4,
            )
