"""From a reply as written to plain lower-case text: digits of all scripts, no thoughts, no markup, no special tokens."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

LONGEST = 20_000
THOUGHT = re.compile(r"<(think|thinking|thought|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
THOUGHT_BEFORE = re.compile(r"^.*</(?:think|thinking|thought|reasoning)>", re.DOTALL | re.IGNORECASE)
THOUGHT_OPEN = re.compile(r"<(?:think|thinking|thought|reasoning)>.*$", re.DOTALL | re.IGNORECASE)
SPECIAL = re.compile(
    r"<\|channel\|>\s*\w+|<\|im_start\|>\s*assistant\b|<\|[^|<>]{1,40}\|>|</?s>|</?[a-z_]{2,20}>", re.I
)
BOXED = re.compile(r"\\boxed\s*\{\s*(?:\\text\s*\{)?([^{}]*)\}?\}")
FENCE = re.compile(r"```[a-z0-9_+-]*[ \t]*\n?(.*?)(?:```|$)", re.DOTALL | re.IGNORECASE)
PRINTED = re.compile(r"^\s*print\s*\((.*)\)\s*$", re.DOTALL | re.IGNORECASE)
MARKUP = re.compile(r"[*_`#$~]+")
KEYS = (
    "answer",
    "final_answer",
    "rating",
    "score",
    "response",
    "value",
    "choice",
    "option",
    "number",
    "result",
    "selection",
)
LOOSE_KEY = re.compile(rf'[{{,]\s*"({"|".join(KEYS)})"\s*:\s*"?([^",}}\n]*)', re.IGNORECASE)
HAN = {
    "一": "1",
    "二": "2",
    "三": "3",
    "四": "4",
    "五": "5",
    "六": "6",
    "七": "7",
    "八": "8",
    "九": "9",
    "十": "10",
}
QUOTES = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-", "：": ":"}
)


def plain_text(reply: str) -> tuple[str, str | None]:
    """The answer part of a reply in lower case, digits as 0 to 9, one space between words, lines kept.

    Returns:
        the text, and why there is none: `thought` where the reply ends within its thought; else None.
    """
    text = THOUGHT.sub(" ", reply[:LONGEST])
    text = THOUGHT_BEFORE.sub(" ", text)
    cut = THOUGHT_OPEN.sub(" ", text)
    lost = None
    if cut != text:
        text, lost = cut, "thought"
    text = unicodedata.normalize("NFKC", text).translate(QUOTES)
    text = "".join(_character(c) for c in text)
    text = SPECIAL.sub(" ", text)
    text = BOXED.sub(r" \1 ", text)
    text = unfenced(text)
    lines = [" ".join(MARKUP.sub("", line).split()) for line in text.lower().splitlines()]
    return "\n".join(line for line in lines if line), lost


def unfenced(text: str) -> str:
    """The text with code fences opened and JSON replaced by the value of its answer."""
    text = FENCE.sub(lambda m: _printed(m.group(1)), text)
    stripped = text.strip()
    if stripped[:1] in ("{", "["):
        try:
            found = _value(json.loads(stripped))
        except (ValueError, RecursionError):
            loose = LOOSE_KEY.search(stripped)
            found = loose.group(2).strip() if loose else None
        if found is not None:
            return found
    return text


def _printed(code: str) -> str:
    inside = PRINTED.match(code)
    return inside.group(1) if inside else code


def _value(found: Any) -> str | None:
    if isinstance(found, dict):
        lower = {str(k).lower(): v for k, v in found.items()}
        for key in KEYS:
            if key in lower:
                return _value(lower[key])
        return _value(next(iter(lower.values()))) if len(lower) == 1 else None
    if isinstance(found, list):
        return _value(found[0]) if len(found) == 1 else None
    if found is None or isinstance(found, bool):
        return {True: "yes", False: "no"}.get(found, "null") if found is not None else "null"
    return str(found)


def _character(c: str) -> str:
    if c in HAN:
        return HAN[c]
    if c.isascii():
        return c if c.isprintable() or c == "\n" else " "
    digit = unicodedata.decimal(c, None)
    if digit is not None:
        return str(digit)
    if unicodedata.category(c) in ("Cf", "Cc", "Cs", "Co", "Cn"):
        return ""
    return c
