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
LEADING = re.compile(
    r"^[\s\"'*_`(\[{<]*(?:(?:option|answer|choice|letter)\W{0,4})?([ABab])(?:[\s\"'*_`)\]}>.,:;!]*$|[\"'*_`)\]}>.,:;!\n])",
    re.I,
)
NAMED = re.compile(
    r"\b(?:option|answer(?:\s+is|\s+would\s+be)?|choose|choice(?:\s+is)?|pick|take|letter)\W{0,4}([AB])\b(?!\s+[a-z])"
)


def written_letter(text: str) -> str | None:
    """The letter that a reply names, or None where it names none or both ("A friend would ..." names none)."""
    leading = LEADING.match(text)
    if leading:
        return leading.group(1).upper()
    named = set(NAMED.findall(text))
    return named.pop() if len(named) == 1 else None


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
        elif (letter == "A") == (letter_gap(row) > 0):
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
