"""Dilemma prompts: a scenario in one of several wordings, in one of two orders, with or without a persona."""

from __future__ import annotations

import functools
import hashlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from culturescope.errors import InstrumentError
from culturescope.instrument import Pack
from culturescope.prompts.prompt import Prompt

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Order = Literal["positive-A", "positive-B"]
ORDERS: tuple[Order, Order] = ("positive-A", "positive-B")
DATA = Path(__file__).parent / "data"
PLACE = re.compile(r"\{(situation|a|b)\}")


class Dilemma(Protocol):
    """What a scenario has to offer to become a prompt."""

    @property
    def situation(self) -> str:
        """The situation up to the moment of choice."""
        ...

    @property
    def positive(self) -> str:
        """The option of the item's positive pole."""
        ...

    @property
    def negative(self) -> str:
        """The option of the item's negative pole."""
        ...


@dataclass(frozen=True)
class Template:
    """A wording of the dilemma prompt with the places {situation}, {a} and {b}."""

    id: str
    text: str

    @property
    def sha256(self) -> str:
        """Hash of the wording, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def fill(self, situation: str, a: str, b: str) -> str:
        """Puts the texts into their places, once; braces inside the texts stay as they are."""
        parts = {"situation": situation, "a": a, "b": b}
        return PLACE.sub(lambda place: parts[place.group(1)], self.text)


@dataclass(frozen=True)
class Persona:
    """Who the model is asked to be.

    In the check someone with convictions (`positive`, `negative`) or an ordinary person without any (`neutral`); of a society
    a person living there (`basic`), or one with the society's nearest answers as well (`advanced`). `society` is its code,
    and `missing` are the items that its profile lacks.
    """

    id: str
    kind: Literal["positive", "negative", "neutral", "basic", "advanced"]
    wording: int
    text: str
    society: str | None = None
    missing: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Hash of the text, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def dilemma(scenario: Dilemma, template: Template, order: Order, persona: Persona | None = None) -> Prompt:
    """The prompt for a scenario; `order` says which letter carries the positive pole."""
    positive_first = order == "positive-A"
    a, b = (
        (scenario.positive, scenario.negative) if positive_first else (scenario.negative, scenario.positive)
    )
    return Prompt.of(template.fill(scenario.situation, a, b), persona.text if persona else None)


@functools.cache
def all_templates() -> tuple[Template, ...]:
    """The wordings of the dilemma prompt, in their fixed order."""
    return tuple(Template(entry["id"], entry["text"].strip()) for entry in _data("dilemma.toml")["template"])


def templates(chosen: int | Sequence[str] | None = None) -> tuple[Template, ...]:
    """The first n wordings, or those of the given ids, or all.

    Raises:
        InstrumentError: there are not so many, or an id is unknown.
    """
    known = all_templates()
    if chosen is None:
        return known
    if isinstance(chosen, int):
        if not 1 <= chosen <= len(known):
            raise InstrumentError(f"templates must be between 1 and {len(known)}, not {chosen}")
        return known[:chosen]
    by_id = {t.id: t for t in known}
    for name in chosen:
        if name not in by_id:
            raise InstrumentError(f'unknown template "{name}"; known are {", ".join(by_id)}')
    if not chosen:
        raise InstrumentError(f"at least one template is needed; known are {', '.join(by_id)}")
    return tuple(by_id[name] for name in dict.fromkeys(chosen))


def check_personas(pack: Pack) -> tuple[Persona, ...]:
    """The personas of a pack's instrument check: positive, negative, neutral; none where the pack has no `personas.toml`."""
    return tuple(Persona(p.id, p.kind, p.wording, p.text) for p in pack.personas)


def _data(name: str) -> dict[str, Any]:
    return tomllib.loads((DATA / name).read_text(encoding="utf-8"))
