"""Does the model write the letter that its logits prefer? A sample of prompts, answered freely."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from culturescope.probing.results import Agreement, Estimate
from culturescope.probing.scores import letter_gap
from culturescope.probing.tasks import Task
from culturescope.stats import wilson

NEW_TOKENS = 12
WORD = r"(?:option|answer|choice|letter)"
LEADING = re.compile(rf"[\W_]*(?:{WORD}\W{{1,4}})?([AB])(?=[\W_]*$|[^\w\s']|\s*[-:\n])", re.IGNORECASE)
OTHER_FOLLOWS = re.compile(r"\W*(?:(?:or|and|nor)\W+)?[AB](?![\w'])")
STANDING = re.compile(r"(?<![\w'])([AB])(?![\w'])")
NAMED_BEFORE = re.compile(rf"\b{WORD}\W*(?:is\W*)?$", re.IGNORECASE)
GOES_ON = re.compile(r"\s+(?!(?:because|since|as|is|so|or|and|nor)\b)[a-z]")
UNDECIDED = re.compile(r"\b(?:not|neither|both|either)\b|n't\b", re.IGNORECASE)


def written_letter(text: str) -> str | None:
    """The letter that a reply names, or None where it names none or both ("A friend would ..." names none)."""
    leading = LEADING.match(text)
    if leading:
        return None if OTHER_FOLLOWS.match(text, leading.end()) else leading.group(1).upper()
    if UNDECIDED.search(text):
        return None
    named = {m.group(1) for m in STANDING.finditer(text) if not _is_article(text, m)}
    return named.pop() if len(named) == 1 else None


def _is_article(text: str, letter: re.Match[str]) -> bool:
    """Whether an A is the article: a word follows it, and no word like "option" stands before it."""
    goes_on = letter.group(1) == "A" and GOES_ON.match(text, letter.end())
    return bool(goes_on) and not NAMED_BEFORE.search(text[: letter.start()])


def sample_tasks(tasks: Sequence[Task], number: int, seed: int = 42) -> list[Task]:
    """Draws prompts for the comparison, the same ones for the same seed."""
    indices = sorted(random.Random(f"{seed}/agreement").sample(range(len(tasks)), min(number, len(tasks))))
    return [tasks[n] for n in indices]


def agreement(samples: Iterable[Mapping[str, Any]]) -> Agreement | None:
    """Compares letters and texts of the rows with part `agreement`; None where there are none."""
    agree = differ = unreadable = 0
    for row in samples:
        letter = written_letter(row["reply"])
        if letter is None:
            unreadable += 1
        elif letter_gap(row) == 0 or (letter == "A") == (letter_gap(row) > 0):
            agree += 1
        else:
            differ += 1
    total = agree + differ + unreadable
    if not total:
        return None
    low, high = wilson(agree, total)
    return Agreement(
        prompts=total,
        agree=agree,
        differ=differ,
        unreadable=unreadable,
        rate=Estimate(value=agree / total, low=low, high=high),
    )
