"""Which pole each prompt chose: the likelier letter, right or wrong as benchmarks count it; position bias is still in it.

Over both orders a model that always says A chooses the positive pole in half of the prompts. d and s, from which bias is taken
out, stay what is to be read; this share is what other harnesses can be held against.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from culturescope.probing.scores import letter_gap

LETTERS = ("A", "B")


@dataclass(frozen=True)
class Share:
    """Share of prompts that chose the positive pole.

    `stderr` is that of lm-eval, sd / sqrt(n) with prompts taken for independent; None for a single prompt.
    """

    value: float
    stderr: float | None
    n: int


def positive_letter(row: Mapping[str, Any]) -> str:
    """The letter of the positive pole in a sample."""
    return "A" if row["order"] == "positive-A" else "B"


def chosen_letter(row: Mapping[str, Any]) -> str:
    """The likelier letter; A where both are alike, as the first of equals."""
    return "A" if letter_gap(row) >= 0 else "B"


def chose_positive(row: Mapping[str, Any]) -> bool:
    """Whether the likelier letter is that of the positive pole."""
    return chosen_letter(row) == positive_letter(row)


def share_of(rows: Iterable[Mapping[str, Any]]) -> Share:
    """The share of positive choices over samples, each weighing alike.

    Raises:
        ValueError: no samples.
    """
    chosen = [chose_positive(row) for row in rows]
    if not chosen:
        raise ValueError("a share needs samples")
    n, mean = len(chosen), sum(chosen) / len(chosen)
    return Share(mean, math.sqrt(mean * (1 - mean) / (n - 1)) if n > 1 else None, n)


def shares_by_axis(rows: Iterable[Mapping[str, Any]]) -> dict[str, Share]:
    """The share of each axis, in the order in which the axes come."""
    by_axis: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_axis.setdefault(row["axis"], []).append(row)
    return {axis: share_of(found) for axis, found in by_axis.items()}


def lm_eval_keys(rows: Iterable[Mapping[str, Any]], pack: str) -> dict[str, Any]:
    """The shares under the keys of lm-eval's results: `results`, `versions`, `n-shot`, `n-samples`, `higher_is_better`.

    Args:
        rows: of the probe without persona.
        pack: id of the instrument; a task is named by it and the axis.
    """
    shares = {task_name(pack, axis): share for axis, share in shares_by_axis(rows).items()}
    results = {
        task: {
            "name": task,
            "alias": task,
            "sample_len": share.n,
            "acc,none": share.value,
            "acc_stderr,none": "N/A" if share.stderr is None else share.stderr,
        }
        for task, share in shares.items()
    }
    return {
        "results": results,
        "versions": dict.fromkeys(shares, TASK_VERSION),
        "n-shot": dict.fromkeys(shares, 0),
        "higher_is_better": {task: {"acc": True} for task in shares},
        "n-samples": {task: {"original": s.n, "effective": s.n} for task, s in shares.items()},
    }


TASK_VERSION = 1.0


def task_name(pack: str, axis: str) -> str:
    """The name of an axis's task in lm-eval: `culturescope_wvs_x`."""
    plain = "".join(c if c.isascii() and c.isalnum() else "_" for c in f"{pack}_{axis}").lower()
    return f"culturescope_{plain}"
