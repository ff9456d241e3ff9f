"""Writes a page to a file, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from culturescope.errors import RunFolderError
from culturescope.runs.atomic import disk_errors, write_text


def write_page(path: str | os.PathLike[str], render: Callable[[], str]) -> None:
    """Renders a page and writes it; the place is checked before.

    Raises:
        RunFolderError: the file cannot be written.
        RunFailedError: the disk is full or failed.
    """
    target = Path(path)
    if target.is_dir():
        raise RunFolderError(
            f"{target} is a folder; name a file for the page, for example {target / 'report.html'}"
        )
    with disk_errors(target.parent):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise RunFolderError(f"{target} cannot be written: {target.parent} is a file") from None
    write_text(target, render())
