"""`study.json`: the parts of a study, what became of each, what it was expected to take and took."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from culturescope.errors import RunFolderError
from culturescope.experiments.steer.results import Stored
from culturescope.runs import write_json

NAME = "study.json"
FORMAT = 1
Status = Literal["planned", "running", "done", "off", "skipped", "stopped", "failed"]
WITHOUT: tuple[Status, ...] = ("off", "skipped")
"""Parts that are not done and need no more work."""


class Planned(Stored):
    """What a part is expected to take.

    `prompts` are texts that the model reads from their beginning; `readings` those that are read again under a steering step,
    each from the first steered block on; `tokens` those of the prompts; `written` tokens at most; `flops` the arithmetic of all
    but writing; `seconds` is None before anything was measured on this machine.
    """

    prompts: int = 0
    readings: int = 0
    tokens: int | None = None
    written: int = 0
    flops: float = 0.0
    seconds: float | None = None


class Done(Stored):
    """What a part asked of the model, counted by the model as `Planned` counts it before; with all that was asked again."""

    prompts: int = 0
    readings: int = 0
    tokens: int = 0
    written: int = 0
    flops: float = 0.0


class PartRecord(Stored):
    """One part of a study: `files` are those that it wrote, relative to the run; `seconds` those that it took in all.

    `asked` is None where nobody counts: before the part began, and for a served model. `expected` are the seconds of the last
    time that it was worked on, as they were expected after the first minute of it; None for a shorter one.
    """

    part: str
    status: Status = "planned"
    reason: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    planned: Planned = Planned()
    asked: Done | None = None
    expected: float | None = None
    files: tuple[str, ...] = ()
    seconds: float | None = None
    started: str | None = None
    finished: str | None = None


class StudyFile(Stored):
    """All parts in their order, and the settings that they were begun with (`study.settings.Settings`, plain)."""

    format: Literal[1] = 1
    profile: str
    settings: dict[str, Any]
    parts: tuple[PartRecord, ...]

    def part(self, name: str) -> PartRecord:
        """The record of a part.

        Raises:
            RunFolderError: this file has no such part.
        """
        for record in self.parts:
            if record.part == name:
                return record
        raise RunFolderError(
            f'the study has no part "{name}": it has {", ".join(r.part for r in self.parts)}'
        )

    def with_part(self, name: str, **changes: Any) -> StudyFile:
        """The same with some fields of one part set."""
        self.part(name)
        parts = tuple(r.model_copy(update=changes) if r.part == name else r for r in self.parts)
        return self.model_copy(update={"parts": parts})


def is_study(run: Path) -> bool:
    """Whether a run folder holds more parts than an audit's own."""
    return (run / NAME).is_file()


def read_study(run: Path) -> StudyFile:
    """Reads `study.json` of a run folder.

    Raises:
        RunFolderError: there is none, or it is damaged.
    """
    path = run / NAME
    try:
        return StudyFile.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RunFolderError(f"{run} holds no study: {NAME} cannot be read ({error})") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise RunFolderError(f"{path} is no study that this version reads: {where}: {first['msg']}") from None


def write_study(run: Path, study: StudyFile) -> None:
    """Writes `study.json`, whole or not at all.

    Raises:
        RunFolderError: it cannot be written.
        RunFailedError: the disk is full or failed.
    """
    write_json(run / NAME, study.model_dump(mode="json"))
