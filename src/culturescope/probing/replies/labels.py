"""The words of the answers in a plain reply, and the question's own words, which are no answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from culturescope.probing.replies.phrases import NEGATION
from culturescope.prompts.survey import Answer, AnswerScale

ASKED_FOR = re.compile(r"\b(?:please )?answer with a number only\b")
SHORT = 3
DEFINES = r"(?:means?|stands? for|represents?|indicates?|denotes?|being|signif(?:ies|ying))"


@dataclass(frozen=True)
class Said:
    """An answer's words in a reply; `negated` where a negation stands before them."""

    answer: Answer
    start: int
    end: int
    negated: bool


def said_labels(text: str, scale: AnswerScale) -> list[Said]:
    """The answers whose words occur, in order; of overlapping ones the longest ("not very happy" is not "very happy")."""
    found = [
        Said(
            answer, m.start(), m.end(), NEGATION.search(text[max(0, m.start() - 60) : m.start()]) is not None
        )
        for answer in scale.answers
        if answer.label
        for pattern in (_label(answer.label), *answer.also)
        for m in re.finditer(pattern, text)
    ]
    found.sort(key=lambda s: (s.start - s.end, s.start))
    kept: list[Said] = []
    for one in found:
        if not any(one.start < k.end and k.start < one.end for k in kept):
            kept.append(one)
    return sorted(kept, key=lambda s: s.start)


def without_echo(text: str, scale: AnswerScale, asked: str = "") -> str:
    """The text without what it repeats of the question: its sentences, its scale, the whole list of its answers."""
    for sentence in _sentences(asked, scale):
        text = text.replace(sentence, " ")
    text = ASKED_FOR.sub(" ", text)
    if scale.kind == "scale":
        return _without_scale(text, scale)
    listed = [
        re.compile(rf"\(?\b{a.number}\)?\s*[.=:)-]?\s*{re.escape(_lower(a.label))}") for a in scale.answers
    ]
    if all(pattern.search(text) for pattern in listed):
        for pattern in listed:
            text = pattern.sub(" ", text, count=1)
    return text


def _without_scale(text: str, scale: AnswerScale) -> str:
    low, high = scale.answers[0], scale.answers[-1]
    # Two texts in quotes or brackets may stand between the ends of the scale.
    inside = r"(?:\s*[(=:\"][^()\n]{0,60}?[)\"]?)?"
    text = re.sub(
        rf"\b1{inside}\s*(?:to|-|and|through)\s*{scale.last}\b(?:\s*\([^()\n]*\)|\s*=\s*[a-z ]+)?", " ", text
    )
    labels = "|".join(re.escape(_lower(a.label)) for a in (low, high))
    text = re.sub(rf"\b(?:1|{scale.last})\s+{DEFINES}\s+\"?(?:{labels})?\"?", " ", text)
    ends = [rf"\b{n}\s*(?:=|:|is)\s*\"?(?:{labels})\"?" for n in (1, scale.last)]
    if all(re.search(end, text) for end in ends):
        for end in ends:
            text = re.sub(end, " ", text, count=1)
    return text


def _sentences(asked: str, scale: AnswerScale) -> list[str]:
    labels = {_lower(a.label) for a in scale.answers if a.label}
    found = []
    for line in asked.splitlines():
        plain = " ".join(_lower(line).split())
        if any(plain.endswith(label) for label in labels) and scale.kind != "scale":
            continue  # an entry of the list: saying it is answering
        found += [s for s in re.split(r"(?<=[.?!:])\s+", plain) if len(s) >= 15]
    return sorted(found, key=len, reverse=True)


def _label(label: str) -> str:
    plain = _lower(label)
    if len(plain) <= SHORT:
        # "no" alone is everywhere; as an answer it begins the reply or follows "answer:".
        before = r"(?:^|(?<=\d[.:)] )|(?<=\d = )|(?<=answer is )|(?<=: ))"
        return rf"{before}{re.escape(plain)}\b(?!\s*(?:one|matter|doubt|longer)\b)"
    return rf"\b{re.escape(re.sub(r'^an? ', '', plain))}\b"


def _lower(text: str) -> str:
    return text.lower().replace("’", "'").replace("“", '"').replace("”", '"')
