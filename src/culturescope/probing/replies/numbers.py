"""Numbers in a plain reply: written as digits or words, as ratios and ranges, and those that are no answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

WORDS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
    "zero": 0, "eleven": 11, "twelve": 12,
}  # fmt: skip
FOREIGN = {
    "uno": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8, "nueve": 9, "diez": 10,
    "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "sept": 7, "huit": 8, "neuf": 9, "dix": 10,
    "eins": 1, "zwei": 2, "drei": 3, "vier": 4, "fünf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9, "zehn": 10,
    "um": 1, "dois": 2, "quatro": 4, "sete": 7, "oito": 8, "nove": 9, "dez": 10,
    "en": 1, "fire": 4, "fem": 5, "seks": 6, "syv": 7, "otte": 8, "ni": 9, "ti": 10,
    "एक": 1, "दो": 2, "तीन": 3, "चार": 4, "पांच": 5, "पाँच": 5, "छह": 6, "सात": 7, "आठ": 8, "नौ": 9, "दस": 10,
    "một": 1, "hai": 2, "bốn": 4, "năm": 5, "sáu": 6, "bảy": 7, "tám": 8, "chín": 9, "mười": 10,
}  # fmt: skip
"""Words of other languages count only where they are the whole reply: many mean something else in English."""

NUMBER = r"(?<![\w.,-])-?\d+(?:\.\d+)?(?![\w%]|[.,]\d)"
FIGURE = re.compile(NUMBER)
PERCENT = re.compile(r"(?<![\w.])\d+(?:\.\d+)?\s*(?:%|percent\b|per cent\b)")
WORD = re.compile(rf"\b({'|'.join(WORDS)})\b")
# "one" is a number only where nothing follows that makes it a person or a thing.
NO_NUMBER = re.compile(
    r"\b(?:no|any|every|some|each|the|this|that|which|loved|sign(?:ed|ing)?|choose|pick|name|single)\s+one\b|\bone\s+(?:another|of|should|can|must|may|needs?|has|is|might|"
    r"could|would|day|person|side|hand|thing|who|that|way|another|or\s+more|or\s+the\s+other|'s)\b|\bone's\b"
)
RATIO = re.compile(r"(?<![\w./])(\d+(?:\.\d+)?)\s*(?:/|out of|of)\s*(\d+)(?![\w./%])")
RANGE = re.compile(
    rf"\bbetween\s+({NUMBER})\s*(?:-|to|or|and)\s*(\d+(?:\.\d+)?)(?![\w/%-]|\.\d)"
    rf"|({NUMBER})\s*(?:-|to|or|through|~)\s*(\d+(?:\.\d+)?)(?![\w/%-]|\.\d)"
)
COUNTED = re.compile(
    rf"{NUMBER}(?=\s+(?:reasons?|years?|times?|people|persons?|things?|points?|options?|choices?|goals?|aims?|ways?|"
    r"factors?|perspectives?|sides?|children|days?|minutes?|months?|countries|million|billion)\b)"
)
YEAR = re.compile(r"(?:\b(?:in|since|by|until|from)\s+)(?:1[89]|20)\d\d\b")
DATED = re.compile(
    r"\b(?:day|age|family of|page|section|article|chapter|step|week|last|past|next|top)\s+(?:the\s+)?\d+\b"
)
LIST_MARK = re.compile(r"^\s*(\d+)\s*[.)]\s+(?=\S+\s+\S)", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """A number or a range of two in a text."""

    values: tuple[float, ...]
    start: int

    @property
    def mean(self) -> float:
        """The number, or the middle of the range."""
        return sum(self.values) / len(self.values)


def with_figures(text: str) -> str:
    """The text with number words as figures."""
    whole = text.strip(" .!,\"'()\n")
    if whole in FOREIGN:
        return str(FOREIGN[whole])
    text = NO_NUMBER.sub(lambda m: " " * len(m.group()), text)
    return WORD.sub(lambda m: str(WORDS[m.group(1)]), text)


def without_counts(text: str) -> str:
    """The text without figures that count something else: years, percent, reasons, marks of a numbered list."""
    for pattern in (YEAR, PERCENT, COUNTED, DATED):
        text = pattern.sub(" ", text)
    marks = [int(m.group(1)) for m in LIST_MARK.finditer(text)]
    if len(marks) > 1 and marks == list(range(1, len(marks) + 1)):
        text = LIST_MARK.sub("", text)
    return text


def ratios(text: str, last: int) -> tuple[str, bool]:
    """The text with "7/10" and "7 out of 10" as 7, and whether a ratio of another scale was in it."""
    other = False

    def seven(found: re.Match[str]) -> str:
        nonlocal other
        if int(found.group(2)) == last:
            return f" {found.group(1)} "
        if " of " in found.group() and "out" not in found.group():
            return found.group()
        other = True
        return " "

    return RATIO.sub(seven, text), other


def numbers(text: str, *, ranges: bool = True) -> list[Found]:
    """The numbers of a text in their order, ranges as one."""
    found: list[Found] = []
    taken: list[tuple[int, int]] = []
    if ranges:
        for m in RANGE.finditer(text):
            low, high = (float(g) for g in m.groups() if g is not None)
            before = text[: m.start()].rstrip()[-1:]
            after = text[m.end() :].lstrip()
            if low < high and before != "," and not re.match(r",?\s*(?:and|or)?\s*\d", after):
                found.append(Found((low, high), m.start()))
                taken.append(m.span())
    for m in FIGURE.finditer(text):
        if not any(a <= m.start() < b for a, b in taken):
            found.append(Found((float(m.group()),), m.start()))
    return sorted(found, key=lambda f: f.start)
