"""Answers as data: JSON out of a text, checked against a schema, with one round of repair."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from culturescope.models.wire import Reply
from culturescope.prompts import Message, Prompt

Fault = Literal["truncated", "refused", "malformed", "invalid"]
Model = TypeVar("Model", bound=BaseModel)
Ask = Callable[[Prompt, Mapping[str, Any]], Reply]
"""Sends a prompt with the JSON schema of its answer."""

REFUSAL = re.compile(
    r"^\W*(?:i['’]?m sorry|i am sorry|sorry\b|i can(?:['’]?t|not)\b|i won['’]?t\b|i(?: am|['’]m) (?:not able|unable)\b"
    r"|as an ai\b)",
    re.IGNORECASE,
)
REPAIR = (
    "{task}\n\nAn earlier answer to this could not be used: {reason}. "
    "Answer once more with the JSON object alone: no other text before or after it."
)


@dataclass(frozen=True)
class Answer(Generic[Model]):
    """What came of a request for data.

    Args:
        value: the data, or None.
        fault: why there are none: `truncated`, `refused`, `malformed` (no JSON) or `invalid` (not what the schema says).
        reason: the fault in a few words.
        replies: all replies, the repaired one last.
    """

    value: Model | None
    fault: Fault | None
    reason: str
    replies: tuple[Reply, ...]


def ask_for(model: type[Model], ask: Ask, prompt: Prompt) -> Answer[Model]:
    """Asks for an answer that fits a schema; a malformed or invalid one is asked for once more, with the reason.

    A truncated answer and a refusal are not asked for again: the same request would end the same way.
    """
    schema = model.model_json_schema()
    first = ask(prompt, schema)
    value, fault, reason = read(model, first)
    if fault not in ("malformed", "invalid"):
        return Answer(value, fault, reason, (first,))
    *before, last = prompt.messages
    again = Message(last.role, REPAIR.format(task=last.content, reason=reason))
    second = ask(Prompt((*before, again)), schema)
    value, fault, reason = read(model, second)
    return Answer(value, fault, reason, (first, second))


def read(model: type[Model], reply: Reply) -> tuple[Model | None, Fault | None, str]:
    """The data of a reply, or what is wrong with it.

    Returns:
        The value (or None), the fault (or None), and the fault in a few words.
    """
    if reply.refusal or reply.finish == "content_filter":
        return None, "refused", _short(reply.refusal or "stopped by the server's content filter")
    text = reply.text.rpartition("</think>")[2]
    found = find_objects(text)
    if not found:
        if reply.finish == "length":
            return None, "truncated", f"the answer was cut off after {reply.new_tokens} tokens"
        if REFUSAL.match(text):
            return None, "refused", _short(text)
        return None, "malformed", "there is no whole JSON object in it"
    wrong = ""
    for one in found:
        try:
            return model.model_validate(one), None, ""
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "object"
            wrong = wrong or _short(f"{place}: {first['msg']}")
    return None, "invalid", wrong


def find_objects(text: str) -> list[dict[str, Any]]:
    """The whole JSON objects in a text, wherever they stand (fences and words around them are left aside).

    Example:
        >>> find_objects('Sure! Here it is: {"a": {"b": 1}}. Or {this}, or {"c": 2}.')
        [{'a': {'b': 1}}, {'c': 2}]
    """
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    at = text.find("{")
    while at >= 0:
        try:
            one, end = decoder.raw_decode(text, at)
            found.append(one)
        except (ValueError, RecursionError):
            end = at + 1
        at = text.find("{", end)
    return found


def _short(text: str) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= 160 else line[:160] + "..."
