"""The folder of a pool of candidates: what was paid for, what came of it, and what is asked next.

| file | holds |
|---|---|
| `pool.json` | pack, the scenarios it had when the pool was begun, seed, teacher, what was asked for, what came of it |
| `replies.jsonl` | every reply, appended and synced before anything is done with it; the key is a hash of the request |
| `candidates.jsonl` | candidates that keep the rules, with the judge's verdict |
| `rejects.jsonl` | all others, with stage and reason |
| `shortlist.jsonl` | ids chosen for review |
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from culturescope.authoring.judge import Verdict
from culturescope.authoring.teacher import Teacher
from culturescope.errors import InstrumentError, RunFolderError
from culturescope.instrument import Pack, Scenario, load_pack, pack_source
from culturescope.models.wire import Reply
from culturescope.prompts import Prompt
from culturescope.runs.atomic import disk_errors, encode_json, write_bytes, write_json
from culturescope.runs.keys import digest
from culturescope.runs.lock import LOCK_NAME, FolderLock
from culturescope.runs.samples import SampleLog

POOL = "pool.json"
REPLIES = "replies.jsonl"
CANDIDATES = "candidates.jsonl"
REJECTS = "rejects.jsonl"
SHORTLIST = "shortlist.jsonl"
SAME = ("pack", "seed")
BEGUN = "pack_scenarios"


@dataclass(frozen=True)
class Candidate:
    """A scenario that keeps the rules; its id is the candidate's, its final id and split come with acceptance.

    Args:
        scenario: the text.
        warnings: of the linter's rules for single scenarios.
        verdict: of the judge, or None before it was asked.
        fault: why the judge gave none.
    """

    scenario: Scenario
    warnings: tuple[str, ...] = ()
    verdict: Verdict | None = None
    fault: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "scenario": self.scenario.model_dump(),
            "warnings": list(self.warnings),
            "verdict": asdict(self.verdict) if self.verdict else None,
            "fault": self.fault,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Candidate:
        """Reads what `as_dict` wrote.

        Raises:
            ValueError, TypeError, KeyError: it is something else.
        """
        said = stored["verdict"]
        return cls(
            Scenario.model_validate(stored["scenario"]),
            tuple(map(str, stored["warnings"])),
            Verdict(**said) if said else None,
            str(stored["fault"]),
        )


@dataclass(frozen=True)
class Reject:
    """What could not be used.

    Args:
        id: of the candidate.
        stage: `answer` (refused, truncated, no or wrong JSON), `rules` (of the linter), `repeat`, or `judge`.
        reason: why.
        text: what was written.
    """

    id: str
    stage: str
    reason: str
    text: str


class Pool:
    """The folder while one process works on it; threads may ask through it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = FolderLock(folder)
        self._log = SampleLog(folder / REPLIES)
        self._writing = threading.Lock()
        self._known: dict[str, dict[str, Any]] = {}
        self._about: dict[str, Any] = {}

    @classmethod
    def open(cls, folder: Path, about: Mapping[str, Any]) -> Pool:
        """Makes the folder, or goes on with one that was made for the same pack and seed.

        Args:
            folder: place of the pool.
            about: what is asked for; goes to `pool.json`.

        Raises:
            RunFolderError: the folder holds something else, or another process is at work on it.
        """
        file = folder / POOL
        # A process that was killed at the very beginning leaves nothing but the lock's file.
        foreign = folder.is_dir() and any(p.name != LOCK_NAME for p in folder.iterdir())
        if not file.is_file() and (foreign or (folder.exists() and not folder.is_dir())):
            raise RunFolderError(f"{folder} holds something else; give a new folder for the pool")
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        pool = cls(folder)
        pool._lock.acquire()
        try:
            if file.is_file():
                before = read_about(folder)
                for name in SAME:
                    if before.get(name) != about.get(name):
                        raise RunFolderError(
                            f"{folder} was made with the {name} {before.get(name)}, not {about.get(name)}; "
                            "give the same, or a new folder"
                        )
                pool._about = {BEGUN: before[BEGUN]} if isinstance(before.get(BEGUN), list) else {}
            pool._about = {**about, **pool._about}
            write_json(file, pool._about)
            pool._known = pool._log.known()
        except BaseException:
            pool.close()
            raise
        return pool

    def close(self) -> None:
        """Lets other processes work on the folder."""
        self._lock.release()

    @property
    def paid(self) -> tuple[int, int]:
        """Requests and tokens of all replies that are kept."""
        replies = [_reply(row) for row in self._known.values()]
        return len(replies), sum(reply.tokens for reply in replies)

    def ask(
        self, teacher: Teacher, prompt: Prompt, *, temperature: float, seed: int, schema: Mapping[str, Any]
    ) -> Reply:
        """The kept reply to a request, or a new one, which is on the disk before this returns.

        Raises:
            EndpointError: the teacher cannot be asked.
            RunFailedError: the disk is full or failed.
        """
        request = {"teacher": teacher.key, "temperature": temperature, "seed": seed, "schema": schema}
        key = digest({**request, "prompt": prompt.sha256})
        with self._writing:
            known = self._known.get(key)
        if known is not None:
            return _reply(known)
        reply = teacher.ask(prompt, temperature=temperature, seed=seed, schema=schema)
        row = {"key": key, "teacher": teacher.name, "reply": asdict(reply)}
        with self._writing:
            self._log.append([row])
            self._known[key] = row
        return reply

    def write(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Writes a file of JSON lines, whole or not at all."""
        write_bytes(self.folder / name, b"".join(encode_json(row) + b"\n" for row in rows))

    def as_begun(self, pack: Pack) -> Pack:
        """The pack with the scenarios that it had when the pool was begun.

        Examples are drawn from these, and drafts held against these: candidates that were accepted into the pack since then
        neither change the requests, which would be paid for again, nor count as repeated by themselves.
        """
        begun = self._about.get(BEGUN)
        if begun is None:
            return pack
        known = set(begun)
        return pack.model_copy(update={"scenarios": tuple(s for s in pack.scenarios if s.id in known)})

    def finish(self, outcome: Mapping[str, Any]) -> None:
        """Adds what came of the run to `pool.json`."""
        self._about = {**self._about, "outcome": dict(outcome)}
        write_json(self.folder / POOL, self._about)


def read_about(folder: Path) -> dict[str, Any]:
    """What `pool.json` says.

    Raises:
        RunFolderError: the folder is no pool.
    """
    try:
        about = json.loads((folder / POOL).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunFolderError(f"{folder} is no pool of candidates: it has no {POOL}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise RunFolderError(f"{folder / POOL} cannot be read: {error}") from None
    if not isinstance(about, dict):
        raise RunFolderError(f"{folder / POOL} is not an object")
    return about


def read_pool(folder: Path) -> tuple[Pack, dict[str, Candidate], list[str]]:
    """Pack, candidates by their ids, and the ids on the shortlist of a pool.

    Raises:
        RunFolderError: the folder is no pool, has no shortlist yet, or a file in it was changed.
        InstrumentError: its pack cannot be loaded any more.
    """
    about = read_about(folder)
    try:
        pack = load_pack(about.get("pack"), whole=False)
    except InstrumentError as error:
        raise InstrumentError(f"the pack of {folder}: {error}") from None
    rows = [_line(folder / CANDIDATES, n, row) for n, row in _rows(folder / CANDIDATES)]
    known = {one.scenario.id: one for one in rows}
    chosen = [str(row.get("id")) for _, row in _rows(folder / SHORTLIST)]
    missing = [one for one in chosen if one not in known]
    if missing:
        raise RunFolderError(f"{folder / SHORTLIST} names {missing[0]}, which {CANDIDATES} does not hold")
    strange = [one for one in rows if one.scenario.item not in pack.item_ids]
    if strange:
        raise RunFolderError(f"{folder / CANDIDATES}: the pack has no item {strange[0].scenario.item}")
    return pack, known, chosen


def about_pack(pack: str | Path | None) -> str | None:
    """How a pool names its pack: a packaged name, a full path, or None for the default."""
    return pack_source(pack)


def _rows(file: Path) -> list[tuple[int, dict[str, Any]]]:
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise RunFolderError(
            f"{file.parent} has no {file.name} yet: culturescope scenarios generate has not come to its end"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RunFolderError(f"{file} cannot be read: {error}") from None
    try:
        return [(n, dict(json.loads(line))) for n, line in enumerate(lines, 1) if line.strip()]
    except (ValueError, TypeError, RecursionError):
        raise RunFolderError(f"{file} was changed: not all of its lines are JSON objects") from None


def _line(file: Path, number: int, row: Mapping[str, Any]) -> Candidate:
    try:
        return Candidate.from_dict(row)
    except (ValueError, TypeError, KeyError):
        raise RunFolderError(f"{file}, line {number}: not a candidate; the file was changed") from None


def _reply(row: Mapping[str, Any]) -> Reply:
    stored = dict(row["reply"])
    stored["first"] = tuple((str(t), float(v)) for t, v in stored.get("first", ()))
    return Reply(**stored)
