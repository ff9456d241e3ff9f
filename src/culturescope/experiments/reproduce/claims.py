"""What the paper claims, how it was read where it is unclear, and what became of its claims, as stored."""

from __future__ import annotations

import functools
import json
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from culturescope.errors import RunFolderError
from culturescope.experiments.reproduce.configurations import DATA, Configuration
from culturescope.experiments.steer.results import Stored

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPRODUCTION, CLAIMS_JSON, CLAIMS_MD = "reproduce.json", "claims.json", "claims.md"
Outcome = Literal["confirmed", "not confirmed", "not testable"]


class Reading(Stored):
    """How the paper was read where it is unclear."""

    id: str
    unclear: str
    taken: str


class Claim(Stored):
    """One claim of the paper.

    Args:
        id: a short name.
        claim: what is claimed, in words.
        about: the part of the paper that it stands in.
        models: hub ids of those it is made of; empty for all.
        paper: the paper's figure, in words.
        rule: name of the rule in `judging` that decides it.
        expect: figures that the rule needs.
        readings: those that the rule rests on.
    """

    id: str
    claim: str
    about: str
    models: tuple[str, ...] = ()
    paper: str
    rule: str
    expect: dict[str, Any] = Field(default_factory=dict)
    readings: tuple[str, ...] = ()


class Figure(Stored):
    """A figure that the run found, with its 95% interval where it has one."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    kind: Literal["change", "size", "share", "count"] = "size"

    def __str__(self) -> str:
        """The figure in words."""
        if self.low is None or self.high is None:
            return f"{self.name} {self._number(self.value)}"
        return f"{self.name} {self._number(self.value)} [{self._number(self.low)}, {self._number(self.high)}]"

    def _number(self, value: float) -> str:
        forms = {
            "change": "+.3f" if abs(value) < 0.1 else "+.2f",
            "size": ".2f",
            "share": ".0%",
            "count": ".0f",
        }
        text = format(value, forms[self.kind])
        return text.lstrip("+-") if not text.strip("+-0.%") else text


class Judged(Stored):
    """A claim beside what the run found; `why` says in one sentence what decided."""

    id: str
    claim: str
    about: str
    paper: str
    outcome: Outcome
    figures: tuple[Figure, ...]
    why: str
    readings: tuple[str, ...]


class Table(Stored):
    """All claims about one of the paper's models.

    Args:
        paper: authors and title.
        of: the paper's model.
        asked: the model that the run asked.
        stand_in: whether that is another one.
        reduced: what of the study was less than in the paper, in words.
        verdicts: of the instrument check, by axis.
        claims: in the paper's order.
        readings: those that the claims rest on.
    """

    format: Literal[1] = 1
    paper: str
    of: str
    asked: str
    stand_in: bool
    reduced: str | None
    verdicts: dict[str, str]
    claims: tuple[Judged, ...]
    readings: tuple[Reading, ...]

    def count(self, outcome: Outcome) -> int:
        """How many claims came out so."""
        return sum(c.outcome == outcome for c in self.claims)


class Reproduction(Stored):
    """`reproduce.json`: the configuration in full and what the command changed of it."""

    format: Literal[1] = 1
    configuration: Configuration
    options: dict[str, Any] = Field(default_factory=dict)


class _File(Stored):
    paper: str
    readings: tuple[Reading, ...]
    claims: tuple[Claim, ...]


@functools.cache
def paper_file() -> _File:
    """The paper's claims and readings as they are written down."""
    return _File.model_validate(tomllib.loads((DATA / "claims.toml").read_text(encoding="utf-8")))


def readings() -> tuple[Reading, ...]:
    """How the paper was read where it is unclear."""
    return paper_file().readings


def claims_of(model: str) -> tuple[Claim, ...]:
    """The claims that the paper makes of a model, by its hub id."""
    return tuple(c for c in paper_file().claims if not c.models or model in c.models)


def read_reproduction(run: Path) -> Reproduction | None:
    """What a run reproduces; None where it reproduces nothing.

    Raises:
        RunFolderError: the file is damaged.
    """
    found: Reproduction | None = _read(run / REPRODUCTION, Reproduction)
    return found


def read_table(run: Path) -> Table | None:
    """The claims of a run; None where none were judged yet.

    Raises:
        RunFolderError: the file is damaged.
    """
    found: Table | None = _read(run / CLAIMS_JSON, Table)
    return found


def _read(path: Path, kind: Any) -> Any:
    if not path.is_file():
        return None
    try:
        return kind.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError, ValidationError) as error:
        line = " ".join(str(error).split())
        raise RunFolderError(
            f"{path} cannot be read as what a reproduction writes there: {line[:200]}"
        ) from None
