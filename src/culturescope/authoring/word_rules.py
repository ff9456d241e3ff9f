"""Rules of wording: they need the word lists of the language."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence

from culturescope.authoring.findings import Finding, Level
from culturescope.authoring.texts import WORD, by_item, read_texts, reading_ease, sentences
from culturescope.authoring.words import Lexicon
from culturescope.instrument import Item, Scenario

READING_EASE = (45.0, 100.0)
RELIGIOUS_ITEM = re.compile(
    r"\b(gods?|faiths?|religio\w*|devo\w*|worship\w*|pray\w*|church\w*)\b", re.IGNORECASE
)


def value_words(scenarios: Sequence[Scenario], lexicon: Lexicon) -> list[Finding]:
    """No words that give the pole away, such as those for old and new ways."""
    return _listed("value-word", "error", lexicon.value, scenarios, "tells the pole")


def toxic_words(scenarios: Sequence[Scenario], lexicon: Lexicon) -> list[Finding]:
    """No insults and no coarse words."""
    return _listed("toxic-word", "error", lexicon.toxic, scenarios, "insults")


def loaded_words(scenarios: Sequence[Scenario], lexicon: Lexicon) -> list[Finding]:
    """Words that judge where they should describe are read again."""
    return _listed("loaded-word", "warning", lexicon.loaded, scenarios, "judges")


def names_of_places(scenarios: Sequence[Scenario], lexicon: Lexicon) -> list[Finding]:
    """No countries, nationalities, brands or celebrities by name; those that are people's names too are a warning."""
    return [
        finding
        for kind in ("countries", "nationalities", "brands", "celebrities")
        for finding in _named(kind, scenarios, lexicon)
    ]


def names_of_religions(
    scenarios: Sequence[Scenario], lexicon: Lexicon, religious: Collection[str] = ()
) -> list[Finding]:
    """No religion by name; in items that are about religion it is a warning.

    Words that point to one religion (its buildings, offices, customs) are a warning in all other items.

    Args:
        scenarios: to be checked.
        lexicon: word lists.
        religious: ids of items that need religious words, see `religious_items`.
    """
    found = []
    for s in scenarios:
        needed = s.item in religious
        found += _named("religions", [s], lexicon, level="warning" if needed else "error")
        if not needed:
            found += _listed("religion", "warning", lexicon.religious_hints, [s], "points to one religion")
    return found


def religious_items(items: Sequence[Item]) -> frozenset[str]:
    """Ids of the items whose label or poles speak of God, faith or religion."""
    return frozenset(i.id for i in items if RELIGIOUS_ITEM.search(f"{i.label}. {i.positive}. {i.negative}"))


def easy_to_read(scenarios: Sequence[Scenario]) -> list[Finding]:
    """Flesch reading ease of situation and options together lies between 45 and 100 (English)."""
    low, high = READING_EASE
    return [
        Finding(
            "reading-ease",
            "warning",
            (s.id,),
            f"Flesch reading ease {ease:.0f}; {low:.0f} to {high:.0f} is usual",
        )
        for s in scenarios
        if not low <= (ease := reading_ease(read_texts(s))) <= high
    ]


def full_names(scenarios: Sequence[Scenario], lexicon: Lexicon) -> list[Finding]:
    """People have one name: two capitalised words that are no ordinary ones may be somebody known, or a brand.

    Ordinary words are those that occur in lower case somewhere in the set, and titles.
    """
    ordinary = {w for s in scenarios for text in read_texts(s) for w in _lower_case(text)}
    found = []
    for s in scenarios:
        for text in read_texts(s):
            for sentence in sentences(text):
                for pair in FULL_NAME.finditer(sentence):
                    parts = [re.sub(r"['’]s?$", "", w) for w in pair.groups()]
                    if all(
                        p[0].isupper()
                        and not p.endswith("-old")
                        and p not in lexicon.not_people
                        and p.lower() not in ordinary
                        for p in parts
                    ):
                        name = " ".join(parts)
                        found.append(
                            Finding(
                                "full-name",
                                "warning",
                                (s.id,),
                                f'"{name}" looks like a whole name: it may be somebody known',
                            )
                        )
    return found


def people_once(scenarios: Sequence[Scenario], lexicon: Lexicon) -> list[Finding]:
    """A person's name occurs in one scenario of an item."""
    ordinary = {w for s in scenarios for text in read_texts(s) for w in _lower_case(text)}
    found = []
    for those in by_item(scenarios).values():
        inside = {w for s in those for text in read_texts(s) for w in _capitals(text, first=False)}
        who = defaultdict(list)
        for s in those:
            for name in {w for text in read_texts(s) for w in _capitals(text, first=True)} & inside:
                if name.lower() not in ordinary and name not in lexicon.not_people:
                    who[name].append(s.id)
        found += [
            Finding(
                "repeated-name", "warning", tuple(ids), f"{name} occurs in {len(ids)} scenarios of the item"
            )
            for name, ids in who.items()
            if len(ids) > 1
        ]
    return found


def _capitals(text: str, *, first: bool) -> list[str]:
    """Capitalised words; those at the beginning of a sentence only if `first`."""
    found = []
    for sentence in sentences(text):
        those = WORD.findall(sentence)
        found += [re.sub(r"['’]s?$", "", w) for w in (those if first else those[1:]) if w[0].isupper()]
    return found


def _lower_case(text: str) -> set[str]:
    return {w for w in WORD.findall(text) if w[0].islower()}


def _listed(
    rule: str, level: Level, pattern: re.Pattern[str], scenarios: Sequence[Scenario], what: str
) -> list[Finding]:
    return [
        Finding(rule, level, (s.id,), f'"{hit}" in the {part} {what}')
        for s in scenarios
        for part, text in zip(("situation", "positive option", "negative option"), read_texts(s), strict=True)
        for hit in dict.fromkeys(h.group() for h in pattern.finditer(text))
    ]


FULL_NAME = re.compile(r"(?<![\w'’-])([^\W\d_][\w'’-]+) (?=([^\W\d_][\w'’-]+))")
SINGULAR = {
    "countries": "country",
    "nationalities": "nationality",
    "religions": "religion",
    "brands": "brand",
    "celebrities": "celebrity",
}


def _named(
    kind: str, scenarios: Sequence[Scenario], lexicon: Lexicon, level: Level = "error"
) -> list[Finding]:
    found = []
    for s in scenarios:
        for hit in dict.fromkeys(h for text in read_texts(s) for h in lexicon.named(kind, text)):
            person = hit in lexicon.also_people
            text = f'"{hit}" is a {SINGULAR[kind]}{", unless it is a person here" if person else " by name"}'
            found.append(Finding(SINGULAR[kind], "warning" if person else level, (s.id,), text))
    return found
