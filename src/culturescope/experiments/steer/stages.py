"""What a search has read and measured so far, kept in its folder, so that a search that was stopped goes on from there.

`stages/plan.json` says what is searched: model, scenarios, wordings, plan. Beside it each file holds the tensors of one
stage (safetensors, written whole or not at all), and its name the hash of all that they were computed from: a stage that
would be computed from anything else has another name. `stages/work.json` says what that cost, as far as it is known: a killed
process does not say. When the search is done, the folder is removed.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError
from culturescope.runs.atomic import disk_errors, remove_leftovers, write_bytes, write_json
from culturescope.runs.keys import digest
from culturescope.runs.lock import FolderLock
from culturescope.runs.manifest import first_difference

if TYPE_CHECKING:
    from torch import Tensor

FOLDER, PLAN, WORK = "stages", "plan.json", "work.json"
_SHOWN = 60
_OPTIONS = {
    "axes": "--axis",
    "items": "--item",
    "how": "--first-order or without: ",
    "joint": "--greedy or without: ",
    "random_way": "--random",
}


class Stages:
    """The stages of one search; without a folder nothing is kept, and everything is computed.

    Args:
        folder: of the search; it is made when the search begins.

    Example:
        >>> with Stages(Path("search")) as stages:
        ...     found = search(model, parts, pack, wordings, plan, stages=stages)
        ...     write_search(...)
        ...     stages.finish()
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.reused = 0
        self.made = 0
        self._lock = FolderLock(folder) if folder is not None else None

    def __enter__(self) -> Stages:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.release()

    def begin(self, facts: Mapping[str, Any]) -> int:
        """Takes the folder for a search; returns how many stages of it are there already.

        Args:
            facts: all that the search's numbers depend on, plain values.

        Raises:
            BadInputError: the folder holds the stages of another search.
            RunFolderError: it cannot be written, or another process is searching in it.
        """
        if self.folder is None or self._lock is None:
            return 0
        place = self.folder / FOLDER
        before = _read_plan(place / PLAN)
        facts = json.loads(json.dumps(facts))
        if before is not None:
            _check_same(before, facts, self.folder)
        with disk_errors(place):
            place.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        remove_leftovers(place)
        if before is None:
            write_json(place / PLAN, facts)
        return sum(1 for file in place.glob("*.safetensors"))

    def kept(
        self, kind: str, key: Mapping[str, Any], make: Callable[[], tuple[dict[str, Tensor], str]]
    ) -> tuple[dict[str, Tensor], str]:
        """Tensors of a stage with a note, as kept before, or as made now and then kept.

        Args:
            kind: of stage, the first part of the file's name.
            key: all that the tensors are computed from, beside what `begin` was told.
            make: computes them.

        Raises:
            RunFolderError: the folder cannot be written.
            RunFailedError: the disk is full or failed.
        """
        if self.folder is None:
            return make()
        name = digest(key)
        path = self.folder / FOLDER / f"{kind}-{name[:24]}.safetensors"
        found = _read(path, name)
        if found is not None:
            self.reused += 1
            return found
        from safetensors.torch import save

        tensors, note = make()
        write_bytes(path, save(tensors, metadata={"key": name, "note": note}))
        self.made += 1
        return tensors, note

    def work(self) -> dict[str, Any] | None:
        """What the search cost before it was stopped, as `keep_work` kept it; None where nothing is known."""
        try:
            found = (
                json.loads((self.folder / FOLDER / WORK).read_text(encoding="utf-8")) if self.folder else None
            )
        except (OSError, ValueError):
            return None
        numbers = isinstance(found, dict) and all(isinstance(value, (int, float)) for value in found.values())
        return found if numbers else None

    def keep_work(self, work: Mapping[str, Any]) -> None:
        """Keeps what a search that stops has cost so far.

        Raises:
            RunFolderError: the folder cannot be written.
        """
        if self.folder is not None:
            write_json(self.folder / FOLDER / WORK, dict(work))

    def finish(self) -> None:
        """Removes the stages: what came of them is written. Files that are not of this kind stay."""
        if self.folder is None:
            return
        place = self.folder / FOLDER
        with contextlib.suppress(OSError):
            for file in place.glob("*.safetensors"):
                file.unlink()
            (place / WORK).unlink(missing_ok=True)
            (place / PLAN).unlink(missing_ok=True)
            place.rmdir()


def _read(path: Path, key: str) -> tuple[dict[str, Tensor], str] | None:
    """A stage as it was kept; None where there is none, or its file is damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        data = path.read_bytes()
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
        tensors = load(data)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError):
        return None
    return (tensors, str(header.get("note", ""))) if header.get("key") == key else None


def _read_plan(path: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict):
            raise ValueError("not a JSON object")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"{path} is damaged ({error}): the search cannot go on; remove {path.parent}, or name another folder"
        ) from error
    return found


def _check_same(before: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    """Refuses to go on with another search than the one that was begun."""
    found = first_difference(before, now, "")
    if found is None:
        return
    place, was, wanted = found
    part, _, rest = place.strip(".").partition(".")
    what = {
        "model": f"another model ({rest.replace('_', ' ')} {_short(was)}, now {_short(wanted)})",
        "plan": f"{_OPTIONS.get(rest, '--' + rest)} {_short(was)}, now {_short(wanted)}",
        "scenarios": "other scenarios (number or texts)",
        "templates": "other wordings",
        "pack": "another instrument",
        "exact": "--exact" if was else "passes that are not those of --exact",
    }.get(part, f"another {place.strip('.')}")
    raise BadInputError(
        f"{folder} holds a search that was begun with {what}: give the same to go on, or name another folder "
        "with --output-path"
    )


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True) if not isinstance(value, str) else value
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
