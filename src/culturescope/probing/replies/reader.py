"""Reads a free reply to a survey question: a value on the scale, its middle, a refusal, nothing usable, or nothing.

| category | means | value |
|---|---|---|
| answered | a number, a range, or the words of an answer | yes |
| neutral | the middle of the scale: 5 to 6 of 10, 2 of 3, or "somewhere in the middle" | yes |
| refused | declines, does not know, or says that it has no views | no |
| invalid | words without an answer, several answers, a number outside of the scale, "it depends" | no |
| empty | nothing, or nothing after a thought | no |

A refusal followed by an answer of its own ("..., but if I had to choose: 7") is an answer. After a change of mind the later
answer counts. A number and words that contradict each other are invalid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from culturescope.probing.replies import numbers as n
from culturescope.probing.replies import phrases
from culturescope.probing.replies.labels import Said, said_labels, without_echo
from culturescope.probing.replies.plain import plain_text
from culturescope.prompts.survey import AnswerScale

READER = "survey-2"
"""Version of the reader; results of another version are computed again from the samples."""

Category = Literal["answered", "neutral", "refused", "invalid", "empty"]
CATEGORIES: tuple[Category, ...] = ("answered", "neutral", "refused", "invalid", "empty")
DENIED = re.compile(r"\b(?:not|isn't|never|neither|nor)\s+(?:an?\s+|the\s+|number\s+|option\s+)?\(?$")
LEADING = re.compile(r"^[^\w-]*(-?\d+(?:\.\d+)?)(?![\w%]|\.\d)(?!\s*(?:,|and|or|&|-|to)?[ ]*\d)")


@dataclass(frozen=True)
class Reply:
    """What a reply says.

    Args:
        category: see the table above.
        value: code on the item's own scale, also between two codes; None without an answer.
        reason: what decided, in a few words.
    """

    category: Category
    value: float | None
    reason: str


def read_reply(reply: str, scale: AnswerScale, asked: str = "") -> Reply:
    """Reads a reply.

    Args:
        reply: as the model wrote it.
        scale: the answers as they were shown.
        asked: the question as it was shown; what the reply repeats of it does not count.

    Example:
        >>> from culturescope.prompts.survey import question
        >>> read_reply("I'd say 7 out of 10.", question("X03").scale()).value
        7.0
    """
    text, lost = plain_text(reply)
    if not any(c.isalnum() for c in text):
        return Reply("invalid", None, "ends within its thought") if lost else Reply("empty", None, "no words")
    text = without_echo(text, scale, asked)
    if not any(c.isalnum() for c in text):
        return Reply("invalid", None, "repeats the question")
    later = phrases.after_change(text)
    if later is not None:
        found = _own(later, scale)
        if found.value is not None:
            return found
    return _own(text, scale)


def _own(text: str, scale: AnswerScale) -> Reply:
    refused = phrases.REFUSED.search(text)
    number = _number(text, scale, after=refused.end() if refused else None)
    labels = said_labels(text, scale)
    if isinstance(number, float):
        contradicting = _contradicts(number, labels, scale)
        if contradicting:
            return Reply("invalid", None, "number and words contradict each other")
        return _valued(number, scale, "number")
    if refused and not _stands_after(labels, refused.end(), text):
        return Reply("refused", None, f"refusal: {refused.group()[:40].strip()}")
    if phrases.BOTH.search(text) or (phrases.UNDECIDED.search(text) and not labels and not number):
        return Reply("invalid", None, "undecided")
    if number == "several numbers" and not labels:
        return Reply("invalid", None, number)
    found = _said(labels, scale)
    if found is not None:
        return found
    if number is not None:
        return Reply("invalid", None, number)
    if phrases.MIDDLE.search(text) and scale.middle is not None:
        return Reply("neutral", scale.middle, "middle in words")
    return Reply("invalid", None, "no answer found")


def _number(text: str, scale: AnswerScale, after: int | None) -> float | str | None:
    """The code of the number that a text gives as its answer; or why its numbers are none; or None without any."""
    text = n.without_counts(n.with_figures(text))
    text, other = n.ratios(text, scale.last)
    every = n.numbers(text, ranges=scale.kind != "choice")
    found = [f for f in every if not DENIED.search(text[max(0, f.start - 20) : f.start])]
    if every and not found:
        return "a number denied"
    if not found:
        return "a ratio of another scale" if other else None
    inside = [f for f in found if all(1 <= v <= scale.last for v in f.values) and _usable(f, scale)]
    if not inside:
        return "outside of the scale"
    run = [v for f in found for v in f.values]
    if len(run) > 2 and run == list(range(1, len(run) + 1)):
        return "several numbers"
    stated = [f for f in inside if phrases.statement_end(text[: f.start]) and not _of_others(text, f.start)]
    if after is not None:
        alone = [
            f
            for f in inside
            if re.search(r"[:.\n]\s*$", text[: f.start]) and not text[f.start :].strip(' .)"0123456789-')
        ]
        own = [f for f in (*stated, *alone) if f.start >= min(after, len(text))]
        return scale.code(own[-1].mean) if own else None
    distinct = {f.values for f in inside}
    if len(distinct) == 1:
        # Out of two numbers, one inside and one outside of the scale, the first one alone says nothing.
        return scale.code(inside[0].mean)
    if stated:
        return scale.code(stated[-1].mean)
    leading = LEADING.match(text)
    if (
        leading
        and 1 <= float(leading.group(1)) <= scale.last
        and inside[0].values == (float(leading.group(1)),)
    ):
        return scale.code(inside[0].mean)
    return "several numbers"


def _usable(found: n.Found, scale: AnswerScale) -> bool:
    return scale.kind != "choice" or found.mean.is_integer()


def _of_others(text: str, at: int) -> bool:
    sentence = re.split(r"[.!?;\n]", text[:at])[-1]
    return phrases.OTHERS.search(sentence) is not None


def _stands_after(labels: list[Said], at: int, text: str) -> bool:
    """Whether words of an answer follow that are the speaker's own, not what others are said to think."""
    return any(
        label.start >= at
        and not label.negated
        and (phrases.statement_end(text[: label.start]) or not _of_others(text, label.start))
        for label in labels
    )


def _said(labels: list[Said], scale: AnswerScale) -> Reply | None:
    """The answer that the words give; None where there are no words of an answer."""
    if not labels:
        return None
    codes = {s.answer.code for s in labels if not s.negated}
    if not codes and scale.last == 2:
        denied = {s.answer.code for s in labels}
        codes = set(scale.codes) - denied
    if len(codes) == 1:
        return _valued(float(codes.pop()), scale, "words of an answer")
    return Reply("invalid", None, "several answers in words" if codes else "an answer denied, none given")


def _contradicts(value: float, labels: list[Said], scale: AnswerScale) -> bool:
    codes = {s.answer.code for s in labels if not s.negated}
    if len(codes) != 1 or not value.is_integer():
        return False
    apart = abs(value - codes.pop())
    return apart > (max(scale.codes) - min(scale.codes)) / 2 if scale.kind == "scale" else apart > 0


def _valued(value: float, scale: AnswerScale, reason: str) -> Reply:
    middle = scale.middle
    if middle is None:
        return Reply("answered", value, reason)
    # Ten answers have two in the middle; four have none.
    reach = 0.5 if scale.last > 4 else 0.0
    return Reply("neutral" if abs(value - middle) <= reach else "answered", value, reason)
