"""What a model reads: a short chat, as text. Rendering it for a model is the business of `models`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True)
class Message:
    """One turn of a chat."""

    role: Role
    content: str


@dataclass(frozen=True)
class Prompt:
    """A chat that ends where the model answers.

    Args:
        messages: an optional system turn, then a user turn.
    """

    messages: tuple[Message, ...]

    @classmethod
    def of(cls, user: str, system: str | None = None) -> Prompt:
        """Builds the usual prompt: an optional system turn and one user turn."""
        turns = (Message("user", user),)
        return cls(turns if system is None else (Message("system", system), *turns))

    @property
    def sha256(self) -> str:
        """Hash of roles and texts, hexadecimal."""
        turns = [[m.role, m.content] for m in self.messages]
        return hashlib.sha256(json.dumps(turns, ensure_ascii=False).encode()).hexdigest()
