"""What a set of scenarios covers: topics of each item and domain, and how often themes and settings occur in them."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from culturescope.authoring.words import FOLDER, pattern
from culturescope.instrument import Scenario

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OTHER = "none of these"
Themes = Mapping[str, re.Pattern[str]]


@dataclass(frozen=True)
class Cell:
    """Scenarios and different topics of an item in a domain."""

    item: str
    domain: str
    scenarios: int
    topics: int


@dataclass(frozen=True)
class Count:
    """How many scenarios of an item, or of a domain, have a theme.

    Args:
        kind: `topic` or `setting`.
        theme: its name, or `none of these`.
        group: `item` or `domain`.
        id: of the item or domain.
        scenarios: how many.
        of: scenarios of the item or domain.
    """

    kind: str
    theme: str
    group: str
    id: str
    scenarios: int
    of: int


@dataclass(frozen=True)
class Coverage:
    """What a set covers; `counts` is empty where there are no themes of the language."""

    items: tuple[str, ...]
    domains: tuple[str, ...]
    cells: tuple[Cell, ...]
    counts: tuple[Count, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def coverage(scenarios: Sequence[Scenario], language: str) -> Coverage:
    """Counts topics and themes.

    Args:
        scenarios: of one pack.
        language: of the scenarios; themes are word lists of a language.
    """
    items = tuple(dict.fromkeys(s.item for s in scenarios))
    domains = tuple(dict.fromkeys(s.domain for s in scenarios))
    cells = []
    for item in items:
        for domain in domains:
            those = [s for s in scenarios if (s.item, s.domain) == (item, domain)]
            topics = {" ".join(s.tags.topic.casefold().split()) for s in those}
            cells.append(Cell(item, domain, len(those), len(topics)))
    found = []
    for kind, lists in themes(language).items():
        if not lists:
            continue
        of = {id(s): themes_of(s, kind, lists) for s in scenarios}
        for group, ids in (("item", items), ("domain", domains)):
            for one in ids:
                those = [s for s in scenarios if getattr(s, group) == one]
                found += [
                    Count(kind, theme, group, one, sum(theme in of[id(s)] for s in those), len(those))
                    for theme in (*lists, OTHER)
                ]
    return Coverage(items, domains, tuple(cells), tuple(found))


def themes_of(scenario: Scenario, kind: str, lists: Themes) -> set[str]:
    """Names of the themes of which a word occurs: in topic and situation, or in the tag `setting`."""
    tags = scenario.tags
    text = tags.setting if kind == "setting" else f"{tags.topic}. {scenario.situation}"
    return {name for name, words in lists.items() if words.search(text)} or {OTHER}


@functools.cache
def themes(language: str) -> dict[str, Themes]:
    """Patterns of the themes of a language (`topic`, `setting`), each empty where there is no list."""
    file = FOLDER / f"{language.split('-')[0].lower()}.themes.toml"
    if not re.fullmatch(r"[a-z]{2,3}\.themes\.toml", file.name) or not file.is_file():
        return {"topic": {}, "setting": {}}
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    return {
        kind: {name: pattern(words.split()) for name, words in content[f"{kind}s"].items()}
        for kind in ("topic", "setting")
    }
