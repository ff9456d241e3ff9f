"""Whether a line of `samples.jsonl` can be the answer to its prompt: files of runs are handed on, and edited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MEASURED = frozenset({"key", "logits", "logprobs", "tokens", "text", "bounded", "reply", "within"})
"""What the model said; all else in a line repeats what was asked."""


def fault(row: Mapping[str, Any], asked: Mapping[str, Any]) -> str | None:
    """What is wrong with a line, in words; None where nothing is.

    Args:
        row: a line of `samples.jsonl`.
        asked: the line that the prompt would have been written as, whatever the model says.
    """
    for name, value in asked.items():
        if name not in MEASURED and (name not in row or row[name] != value):
            return f"its {name} is not that of its prompt"
    if not isinstance(row.get("text"), str):
        return "its text is missing"
    tokens = row.get("tokens")
    if tokens is not None and (not _number(tokens) or tokens < 0):
        return "its tokens are no number"
    bounded = row.get("bounded", [])
    if not isinstance(bounded, list) or not all(isinstance(one, str) for one in bounded):
        return "its bounded is no list of texts"
    if "reply" in asked and not isinstance(row.get("reply"), str):
        return "its reply is missing"
    if "logprobs" not in asked:
        return None
    count = len(asked["logprobs"])
    if not _numbers(row.get("logprobs"), count) or max(row["logprobs"]) > 1e-3:
        return f"its logprobs are not {count} log-probabilities"
    if "logits" in asked and "logits" not in row:
        return "its logits are missing"
    if row.get("logits") is not None and not _numbers(row["logits"], count):
        return f"its logits are not {count} numbers"
    if "within" in asked and not _indices(row.get("within"), count):
        return "its within is not a list of options for each option"
    return None


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e30


def _numbers(value: object, count: int) -> bool:
    return isinstance(value, list) and len(value) == count and all(map(_number, value))


def _indices(value: object, count: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) == count
        and all(
            isinstance(one, list) and all(type(n) is int and 0 <= n < count for n in one) and at not in one
            for at, one in enumerate(value)
        )
    )
