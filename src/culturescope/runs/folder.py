"""The run folder: made once, written by one process at a time, read by anyone, continued after a kill."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from culturescope.errors import RunFailedError, RunFolderError
from culturescope.runs.atomic import encode_json, remove_leftovers, write_json
from culturescope.runs.lock import LOCK_NAME, FolderLock
from culturescope.runs.manifest import (
    MANIFEST_NAME,
    FinalStatus,
    Manifest,
    environment,
    first_difference,
    now,
    read_manifest,
    recorded_command,
)
from culturescope.runs.place import make_exact, make_new, taken, usable
from culturescope.runs.samples import SampleLog
from culturescope.timing import phase

SAMPLES_NAME = "samples.jsonl"
_KEPT = ("format", "created", "elapsed_seconds")
_WHY = {
    "weights_sha256": "the model's weights were replaced in between",
    "revision": "the model's revision changed in between",
    "template_sha256": "the model's chat template changed in between",
    "letters": "the model's tokens for the letters changed in between",
}


class RunFolder:
    """A run on disk: `run.json`, `samples.jsonl` and whatever the study adds.

    Writing needs the folder's lock: `create` and `resume` take it at once, `open` reads and takes it with the
    first write. As a context manager it gives the lock back, and an exception that leaves the block is
    recorded as the end of a run that was created or restarted by this object.

    Example:
        >>> with RunFolder.create("runs", "smollm2-135m", config) as folder:
        ...     folder.append([{"key": "…", "d": 0.25}])
        ...     folder.finish("success")
    """

    def __init__(self, path: Path, manifest: Manifest, lock: FolderLock) -> None:
        self.path = path
        self._manifest = manifest
        self._lock = lock
        self._log = SampleLog(path / SAMPLES_NAME)
        self._running = False
        self._began = time.monotonic()
        self._elapsed_before = manifest.elapsed_seconds

    @classmethod
    def create(
        cls,
        root: str | os.PathLike[str],
        model_name: str,
        config: Mapping[str, Any],
        *,
        path: str | os.PathLike[str] | None = None,
        command: Sequence[str] | None = None,
        model: Mapping[str, Any] | None = None,
    ) -> RunFolder:
        """Makes a new run folder and locks it.

        Args:
            root: where run folders are collected; made if needed.
            model_name: shown in the folder's name, in a form safe for any disk.
            config: what is run, plain values.
            path: exact place of the folder instead of `root/<date>-<model>-<id>`; it must not exist or be
                empty.
            command: the command line to record, by default that of this process; secrets in it are starred
                out.
            model: identity of the model, if known already; else `update(model=...)` later.

        Raises:
            RunFolderError: the place is taken, is a file, or cannot be written.
            RunFailedError: the disk is full or failed.
        """
        wanted = None if path is None else Path(path)
        folder, made = make_new(Path(root), model_name) if wanted is None else make_exact(wanted)
        lock = FolderLock(folder)
        try:
            lock.acquire()
            # A second process may have come between the look and the lock.
            if (folder / MANIFEST_NAME).exists():
                raise RunFolderError(taken(folder))
            remove_leftovers(folder)
            arguments = [Path(sys.argv[0]).name, *sys.argv[1:]] if command is None else command
            manifest = Manifest(
                created=now(),
                command=recorded_command(arguments),
                config=_plain(config, "config"),
                versions=environment(),
                model=_plain(model or {}, "model"),
            )
            run = cls(folder, manifest, lock)
            run._running = True
            run._write(manifest)
        except BaseException:
            if made and lock.held and not (folder / MANIFEST_NAME).exists():
                with contextlib.suppress(OSError):
                    (folder / LOCK_NAME).unlink()
                    folder.rmdir()
            lock.release()
            raise
        return run

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> RunFolder:
        """Opens a run to read it; nothing is written, and a run in progress may be read.

        Raises:
            RunFolderError: no run folder, another format version, or a damaged `run.json`.
        """
        folder = usable(Path(path))
        return cls(folder, read_manifest(folder), FolderLock(folder))

    @classmethod
    def resume(cls, path: str | os.PathLike[str]) -> RunFolder:
        """Opens a run to continue it: locks it, but changes nothing until `restart`.

        Check with `check_same` that it is the same study of the same model, then call `restart`.

        Raises:
            RunFolderError: as in `open`, or another process is writing to the folder.
        """
        run = cls.open(path)
        run.lock()
        return run

    def lock(self) -> None:
        """Takes the lock for writing and reads `run.json` again; does nothing when it is held.

        Raises:
            RunFolderError: another process holds it (its number is named), or the folder cannot be written.
        """
        if self._lock.held:
            return
        self._lock.acquire()
        try:
            self._manifest = read_manifest(self.path)
        except BaseException:
            self._lock.release()
            raise
        self._elapsed_before = self._manifest.elapsed_seconds
        self._began = time.monotonic()
        remove_leftovers(self.path)

    def close(self) -> None:
        """Gives the lock back; the folder may still be read."""
        self._lock.release()

    @property
    def manifest(self) -> Manifest:
        """The content of `run.json` as last read or written here."""
        return self._manifest

    def update(self, **fields: Any) -> None:
        """Sets fields of `run.json`, known ones and ones of the study, atomically.

        Raises:
            ValueError: a field has a wrong type, or is `format`, `created` or `elapsed_seconds`.
            RunFolderError: another process holds the lock, or the folder cannot be written.
            RunFailedError: the disk is full or failed.
        """
        kept = [name for name in fields if name in _KEPT]
        if kept:
            raise ValueError(f"run.json keeps its own {kept[0]}")
        self.lock()
        elapsed = round(self._elapsed_before + time.monotonic() - self._began, 3)
        merged = {**self._manifest.model_dump(), "elapsed_seconds": elapsed, **_plain(fields, "run.json")}
        try:
            self._write(Manifest.model_validate(merged))
        except ValidationError as error:
            first = error.errors()[0]
            raise ValueError(f"run.json, {'.'.join(map(str, first['loc']))}: {first['msg']}") from error

    def restart(self) -> None:
        """Marks a run that goes on as started, with the versions of today.

        Raises:
            RunFolderError: another process holds the lock, or the folder cannot be written.
            RunFailedError: the disk is full or failed.
        """
        self.update(status="started", finished=None, error=None, versions=environment())
        self._running = True

    def finish(self, status: FinalStatus, error: str | None = None) -> None:
        """Records how the run ended.

        Args:
            status: `success`, `cancelled` or `error`.
            error: what went wrong, in a line.

        Raises:
            ValueError: another status.
            RunFolderError: another process holds the lock, or the folder cannot be written.
            RunFailedError: the disk is full or failed.
        """
        if status not in get_args(FinalStatus):
            raise ValueError(f"a run ends with one of {get_args(FinalStatus)}, not {status!r}")
        self.update(status=status, finished=now(), error=error)
        self._running = False

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Saves a batch of samples, each with its `key`; all of it is on the disk when this returns.

        Raises:
            RunFolderError: another process holds the lock, or the folder cannot be written.
            RunFailedError: a row has no `key` or no JSON form, or the disk is full or failed.
        """
        with phase("writing"):
            self.lock()
            self._log.append(rows)

    def samples(self) -> list[dict[str, Any]]:
        """All samples in the order they were saved; of samples with one key only the first.

        Raises:
            RunFolderError: a line in the middle is not a sample; the line is named.
        """
        return self._log.samples()

    def known(self) -> dict[str, dict[str, Any]]:
        """The samples by their key.

        Raises:
            RunFolderError: a line in the middle is not a sample; the line is named.
        """
        return self._log.known()

    def check_same(
        self, config: Mapping[str, Any], model: Mapping[str, Any] | None, *, ignore: Collection[str] = ()
    ) -> None:
        """Refuses to continue another study, or the study of another model.

        Args:
            config: what is to be run now.
            model: identity of the model now; None where it is not loaded. A run that was killed before it
                knew its model has none to compare.
            ignore: dotted names that may differ, for example `model.device` or `config.batch_size`.

        Raises:
            RunFolderError: names the first thing that differs, before and now.
        """
        pairs = [("config", self._manifest.config, config)]
        if model is not None and self._manifest.model:
            pairs.append(("model", self._manifest.model, model))
        for name, before, after in pairs:
            now_plain = _plain(after, name)
            found = first_difference(_without(before, name, ignore), _without(now_plain, name, ignore), name)
            if found is not None:
                where, old, new = found
                why = next((f" ({_WHY[part]})" for part in where.split(".") if part in _WHY), "")
                raise RunFolderError(
                    f"{self.path} cannot go on: {where} was {_short(old)} and is now {_short(new)}{why}; "
                    "make it the same again, or start a new run"
                )

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is not None and self._running:
                text = str(error) or type(error).__name__
                # A disk that is full must not hide what went wrong first.
                with contextlib.suppress(RunFolderError, RunFailedError, ValueError):
                    if isinstance(error, Exception):
                        self.finish("error", text)
                    else:
                        self.finish(
                            "cancelled", "interrupted" if isinstance(error, KeyboardInterrupt) else text
                        )
        finally:
            self.close()

    def _write(self, manifest: Manifest) -> None:
        with phase("writing"):
            write_json(self.path / MANIFEST_NAME, manifest.model_dump(mode="json"))
        self._manifest = manifest


def _plain(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = to_jsonable_python(dict(value), inf_nan_mode="constants")
        encode_json(plain)
    except (PydanticSerializationError, TypeError, ValueError) as error:
        raise RunFailedError(f"cannot write {name} of the run: a value has no JSON form ({error})") from error
    return plain


def _without(values: Mapping[str, Any], name: str, ignore: Collection[str]) -> dict[str, Any]:
    kept = {key: value for key, value in values.items() if f"{name}.{key}" not in ignore}
    return {
        key: _without(value, f"{name}.{key}", ignore) if isinstance(value, Mapping) else value
        for key, value in kept.items()
    }


def _short(value: Any) -> str:
    text = "missing" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
