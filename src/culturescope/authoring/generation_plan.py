"""What a teacher is asked for, drawn by a seed: theme, setting and occasion of every scenario, none of them twice alike.

The plan of a cell does not depend on how many are asked for: a larger pool goes on where a smaller one ended, so that what was
paid for is used again.
"""

from __future__ import annotations

import functools
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from culturescope.errors import BadInputError
from culturescope.instrument.schema import LONGEST_NAME

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HASH_DIGITS = 6  # of a candidate's text, in its name
FILE = Path(__file__).parent / "data" / "teacher.toml"


@dataclass(frozen=True)
class Wanted:
    """One scenario to be written.

    Args:
        item: id of the item.
        domain: of the pack.
        number: place within the cell, from 1.
        theme: what it is about.
        setting: where it takes place.
        occasion: what brings the choice up.
        longer: the pole whose option may be a little longer; half and half within a cell.
    """

    item: str
    domain: str
    number: int
    theme: str
    setting: str
    occasion: str
    longer: str

    @property
    def id(self) -> str:
        """Place in the plan: `Y01-family-p007`."""
        return f"{self.item}-{self.domain}-p{self.number:03}"


@functools.cache
def texts() -> dict[str, Any]:
    """The data file: prompts of teacher and judge, and what the plan varies."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def plan(items: Sequence[str], domains: Sequence[str], per_cell: int, seed: int = 42) -> list[Wanted]:
    """All scenarios to be asked for, cells in turn, so that every beginning of the plan is balanced.

    Args:
        items: ids.
        domains: names; one without themes of its own takes general ones.
        per_cell: how many for each item and domain.
        seed: draws the order of themes, settings and occasions.

    Raises:
        BadInputError: the number is not positive, or item and domain are too long for the names of candidates.
    """
    if per_cell < 1:
        raise BadInputError(f"at least one scenario a cell has to be asked for, not {per_cell}")
    for item in items:
        for domain in domains:
            longest = len(f"{item}-{domain}-p{per_cell:03}-{'0' * HASH_DIGITS}")
            if longest > LONGEST_NAME:
                raise BadInputError(
                    f"item {item} and domain {domain} make names of candidates with {longest} characters; "
                    f"{LONGEST_NAME} are possible, so shorten them in pack.toml"
                )
    return [
        _wanted(item, domain, number, seed)
        for number in range(1, per_cell + 1)
        for item in items
        for domain in domains
    ]


def _wanted(item: str, domain: str, number: int, seed: int) -> Wanted:
    """The theme changes every time; setting and occasion are drawn anew for each round through the themes.

    Within a cell no pair of theme and setting comes back before all settings were used with the theme, and two items of a
    domain meet the same theme with different settings.
    """
    data = texts()["plan"]
    themes = _shuffled(data["themes"].get(domain, data["themes"]["other"]), seed, item, domain, "themes")
    settings = _shuffled(data["settings"], seed, item, domain, "settings")
    occasions = _shuffled(data["occasions"], seed, item, domain, "occasions")
    turn, place = divmod(number - 1, len(themes))
    pair, second = divmod(number - 1, 2)
    positive = random.Random(f"{seed}/{item}/{domain}/{pair}/longer").random() < 0.5
    return Wanted(
        item=item,
        domain=domain,
        number=number,
        theme=themes[place],
        setting=settings[(place + turn * 7) % len(settings)],
        occasion=occasions[(place + turn * 11) % len(occasions)],
        longer="positive" if positive == bool(second) else "negative",
    )


def _shuffled(entries: Sequence[str], *seeds: object) -> list[str]:
    return random.Random("/".join(map(str, seeds))).sample(list(entries), len(entries))
