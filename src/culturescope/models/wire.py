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
        first: the likeliest first tokens with their natural log-probabilities, the likeliest first, where asked for and
            offered.
        drawn: the first token of the text, where log-probabilities were offered. vLLM lists it in the place of the last one if
            it is not among the likeliest.
    """

    text: str
    finish: str = "stop"
    prompt_tokens: int = 0
    new_tokens: int = 0
    counted: bool = True
    refusal: str = ""
    first: tuple[tuple[str, float], ...] = ()
    drawn: str = ""

    @property
    def bound(self) -> float:
        """Log-probability that no token has which is not in `first`; only where there is one in it."""
        others = [value for token, value in self.first if token != self.drawn]
        return min(others) if others else self.first[-1][1]

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


def first_tokens(logprobs: Any) -> tuple[tuple[tuple[str, float], ...], str]:
    """The listed first tokens of a choice, the likeliest first, and the one that was drawn; none where the server sent none."""
    try:
        token = logprobs["content"][0]
        listed = [(str(entry["token"]), float(entry["logprob"])) for entry in token["top_logprobs"]]
    except (KeyError, IndexError, TypeError, ValueError):
        return (), ""
    return tuple(sorted(listed, key=lambda entry: -entry[1])), as_text(token.get("token"))
