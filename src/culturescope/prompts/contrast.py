"""Contrast texts: a scenario answered once in the sense of the positive and once in that of the negative pole.

A site names what stands in the place of the answer and which of its tokens are read:

- `option-text`: the chosen option itself, read at its last token.
- `option-mean`: the same text, read as the mean over the option's tokens.
- `answer-letter`: both options are shown and the answer is a letter, read at that letter; in both orders, so that
  what belongs to the letter itself cancels.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from culturescope.errors import BadInputError
from culturescope.prompts.dilemma import Dilemma, Template
from culturescope.prompts.prompt import Prompt

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DATA = Path(__file__).parent / "data" / "contrast.toml"
Read = Literal["last", "mean"]


@dataclass(frozen=True)
class Answered:
    """A prompt with an answer in its place; `letter` says that the answer is one of the two letters."""

    prompt: Prompt
    answer: str
    letter: bool = False


@dataclass(frozen=True)
class ContrastPair:
    """The texts of one scenario for either pole: one each, or one for each order of the options."""

    positive: tuple[Answered, ...]
    negative: tuple[Answered, ...]


@dataclass(frozen=True)
class Site:
    """Where a model is read: the wording around the scenario, and which tokens of the answer count."""

    id: str
    template: Template
    read: Read

    @property
    def sha256(self) -> str:
        """Hash of wording and place, hexadecimal."""
        return hashlib.sha256(f"{self.id}\n{self.read}\n{self.template.text}".encode()).hexdigest()

    def pair(self, scenario: Dilemma) -> ContrastPair:
        """The contrast texts of a scenario."""
        if self.id != "answer-letter":
            prompt = Prompt.of(self.template.fill(scenario.situation, "", ""))
            return ContrastPair(
                (Answered(prompt, scenario.positive),), (Answered(prompt, scenario.negative),)
            )
        straight = Prompt.of(self.template.fill(scenario.situation, scenario.positive, scenario.negative))
        swapped = Prompt.of(self.template.fill(scenario.situation, scenario.negative, scenario.positive))
        return ContrastPair(
            (Answered(straight, "A", letter=True), Answered(swapped, "B", letter=True)),
            (Answered(straight, "B", letter=True), Answered(swapped, "A", letter=True)),
        )


@functools.cache
def sites() -> tuple[Site, ...]:
    """All sites, the default first."""
    entries = tomllib.loads(DATA.read_text(encoding="utf-8"))["site"]
    return tuple(Site(e["id"], Template(e["id"], e["text"].strip()), e["read"]) for e in entries)


def site(name: str = "option-text") -> Site:
    """The site of that name.

    Raises:
        BadInputError: there is none.
    """
    known = {s.id: s for s in sites()}
    if name not in known:
        raise BadInputError(f'unknown site "{name}"; known are {", ".join(known)}')
    return known[name]


def contrast_pairs(scenarios: Sequence[Dilemma], where: Site) -> list[ContrastPair]:
    """The contrast pairs of scenarios, in their order."""
    return [where.pair(s) for s in scenarios]
