"""What an OpenAI-compatible server sends, read without trust in its shape."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What a model answered to one request.

    Args:
        text: of the answer.
        finish: why it ended: `stop`, `length` (truncated), `content_filter`, ...
        prompt_tokens: read by the model.
        new_tokens: written by the model.
        counted: whether the server counted the tokens; otherwise they are estimated.
        refusal: the model's reason for refusing, where the server states one apart from the text.
        first: the likeliest first tokens with their natural log-probabilities, where asked for and offered.
    """

    text: str
    finish: str = "stop"
    prompt_tokens: int = 0
    new_tokens: int = 0
    counted: bool = True
    refusal: str = ""
    first: tuple[tuple[str, float], ...] = ()

    @property
    def tokens(self) -> int:
        """Tokens read and written."""
        return self.prompt_tokens + self.new_tokens


def as_text(value: Any) -> str:
    """The value, if it is a text."""
    return value if isinstance(value, str) else ""


def complaint(content: bytes) -> tuple[str, str]:
    """What a server says of an error, and its code and type, in the ways that servers put them."""
    text = content[:20_000].decode("utf-8", "replace")
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return text, ""
    found = found[0] if isinstance(found, list) and found else found
    error = found.get("error", found) if isinstance(found, dict) else found
    if not isinstance(error, dict):
        return str(error), ""
    said = error.get("message") or error.get("detail") or json.dumps(error, ensure_ascii=False)
    return str(said), f"{error.get('code')} {error.get('type')}"


def first_tokens(logprobs: Any) -> tuple[tuple[str, float], ...]:
    """The likeliest first tokens of a choice with their log-probabilities; none where the server sent none."""
    try:
        top = logprobs["content"][0]["top_logprobs"]
        return tuple((str(entry["token"]), float(entry["logprob"])) for entry in top)
    except (KeyError, IndexError, TypeError, ValueError):
        return ()
