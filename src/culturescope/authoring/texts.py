"""Texts taken apart: words, sentences, syllables, reading ease, runs of words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from culturescope.instrument import Scenario

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
# A full stop ends a sentence unless it follows a short title or an initial.
SENTENCE_END = re.compile(
    r"(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bDr)(?<!\bSt)(?<!\b[A-Z])[.!?…]+[\"'”’)]*(?=\s|$)"
)
# The last e is silent (house, asked, times) but for a syllable of its own (table, settled, wanted, houses).
SILENT_E = re.compile(
    r"(?:[^aeiouyl]|[aeiouy]l)e$|(?:[^aeiouydtl]|[aeiouyl]l)ed$|(?:[^aeiouyscxzghl]|[aeiouy]l)es$"
)


def read_texts(scenario: Scenario) -> tuple[str, str, str]:
    """The three texts that a model reads: situation, positive and negative option."""
    return scenario.situation, scenario.positive, scenario.negative


def options(scenario: Scenario) -> tuple[str, str]:
    """Positive and negative option."""
    return scenario.positive, scenario.negative


def count_words(text: str) -> int:
    """Number of words, split on white space."""
    return len(text.split())


def words(text: str) -> list[str]:
    """Words in lower case without punctuation; an apostrophe or a hyphen inside of a word stays."""
    return [w.replace("’", "'").lower() for w in WORD.findall(text)]


def sentences(text: str) -> list[str]:
    """Sentences, cut after full stops, question marks and exclamation marks."""
    parts, start = [], 0
    for end in SENTENCE_END.finditer(text):
        parts.append(text[start : end.end()].strip())
        start = end.end()
    rest = text[start:].strip()
    return [p for p in (*parts, rest) if p]


def runs(texts: Iterable[str], size: int = 5) -> set[tuple[str, ...]]:
    """All runs of `size` neighbouring words of some texts."""
    found: set[tuple[str, ...]] = set()
    for text in texts:
        these = words(text)
        found.update(tuple(these[n : n + size]) for n in range(len(these) - size + 1))
    return found


def syllables(word: str) -> int:
    """Syllables of an English word, by its groups of vowels; at least one."""
    plain = re.sub(r"[^a-zà-öø-ÿ]", "", word.lower())
    groups = len(re.findall(r"[aeiouyà-åè-öø-ýÿ]+", plain))
    if SILENT_E.search(plain):
        groups -= 1
    return max(1, groups)


def reading_ease(texts: Sequence[str]) -> float:
    """Flesch reading ease (Flesch 1948, J. Appl. Psychol. 32, 221-233); higher is easier.

    206.835 - 1.015 (words / sentences) - 84.6 (syllables / words)

    Raises:
        ValueError: the texts hold no word.
    """
    those = [w for text in texts for w in words(text)]
    if not those:
        raise ValueError("reading ease needs at least one word")
    number = sum(len(sentences(text)) for text in texts)
    return 206.835 - 1.015 * len(those) / number - 84.6 * sum(map(syllables, those)) / len(those)


def by_item(scenarios: Iterable[Scenario]) -> dict[str, list[Scenario]]:
    """Scenarios of each item, in the order in which the items come."""
    found: dict[str, list[Scenario]] = {}
    for item, those in groupby(scenarios, key=lambda s: s.item):
        found.setdefault(item, []).extend(those)
    return found
