"""The word lists of a language: data in `lexicon/`, made into patterns."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from culturescope.authoring.texts import sentences

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# What precedes the first word of a sentence or of a quotation.
BEGIN = re.compile(r"^\W*$|[\"'“‘(]$|:\s*$")
FOLDER = Path(__file__).parent / "lexicon"


@dataclass(frozen=True)
class Lexicon:
    """Word lists of one language; patterns find whole words, those of names keep to the capital letter.

    Args:
        value: words that tell the pole.
        toxic: insults.
        loaded: words that judge.
        negation: words that deny.
        pleasant: words with a pleasant ring.
        unpleasant: words with an unpleasant ring.
        names: patterns of names by kind (countries, nationalities, religions, brands, celebrities).
        religious_hints: words that point to one religion.
        also_words: names that are ordinary words too.
        also_people: names that are people's names too.
        not_people: capitalised words that are no people's names.
    """

    value: re.Pattern[str]
    toxic: re.Pattern[str]
    loaded: re.Pattern[str]
    negation: re.Pattern[str]
    pleasant: re.Pattern[str]
    unpleasant: re.Pattern[str]
    names: dict[str, re.Pattern[str]]
    religious_hints: re.Pattern[str]
    also_words: frozenset[str]
    also_people: frozenset[str]
    not_people: frozenset[str]

    def negations(self, text: str) -> int:
        """How many words of a text deny."""
        return len(self.negation.findall(text.replace("’", "'")))

    def tone(self, text: str) -> int:
        """Pleasant less unpleasant words; one that a negation precedes within three words counts the other way."""
        found, denied = 0, 0
        for word in text.replace("’", "'").split():
            sign = bool(self.pleasant.search(word)) - bool(self.unpleasant.search(word))
            found += -sign if denied else sign
            denied = 3 if self.negation.search(word) else max(0, denied - 1)
        return found

    def named(self, kind: str, text: str) -> list[str]:
        """Names of one kind in a text; an ordinary word at the beginning of a sentence is none."""
        found = []
        for sentence in sentences(text):
            for hit in self.names[kind].finditer(sentence):
                if hit.group() not in self.also_words or not BEGIN.search(sentence[: hit.start()]):
                    found.append(hit.group())
        return found


@functools.cache
def lexicon(language: str) -> Lexicon | None:
    """Word lists of a language (`en`, `en-GB`), or None where there are none."""
    file = FOLDER / f"{language.split('-')[0].lower()}.toml"
    if not re.fullmatch(r"[a-z]{2,3}\.toml", file.name) or not file.is_file():
        return None
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    lists = {
        name: tuple(table["names"]) if "names" in table else tuple(table["words"].split())
        for name, table in content.items()
    }
    kinds = ("countries", "nationalities", "religions", "brands", "celebrities")
    plain = ("value", "toxic", "loaded", "negation", "pleasant", "unpleasant", "religious_hints")
    sets = ("also_words", "also_people", "not_people")
    return Lexicon(
        **{name: pattern(lists[name]) for name in plain},  # type: ignore[arg-type]
        **{name: frozenset(lists[name]) for name in sets},  # type: ignore[arg-type]
        names={kind: pattern(lists[kind], case=True) for kind in kinds},
    )


def pattern(entries: Iterable[str], *, case: bool = False) -> re.Pattern[str]:
    """A pattern that finds whole words; a star at the end of an entry stands for any ending.

    Example:
        >>> pattern(["modern", "liberal*"]).findall("Liberally modern, modernised.")
        ['Liberally', 'modern']
    """
    longest_first = sorted(set(entries), key=lambda e: (-len(e), e))
    parts = [re.escape(e[:-1]) + r"[\w'’-]*" if e.endswith("*") else re.escape(e) for e in longest_first]
    return re.compile(rf"(?<![\w-])(?:{'|'.join(parts)})(?![\w-])", 0 if case else re.IGNORECASE)
