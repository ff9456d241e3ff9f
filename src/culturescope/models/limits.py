"""What may be sent to an endpoint (pace, budget, how long a server asks to wait), and why one could not be asked."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Literal

from culturescope.errors import BadInputError, CulturescopeError

BYTES_PER_TOKEN = 4

Kind = Literal[
    "down", "timeout", "busy", "failed", "key", "quota", "missing", "rejected", "malformed", "budget"
]
_BAD_INPUT = ("key", "missing", "rejected")


class EndpointError(CulturescopeError):
    """An endpoint could not be asked; `kind` says why in a word.

    Args:
        message: one line for the user.
        kind: `down`, `timeout`, `busy` (429), `failed` (5xx), `key` (401, 403), `quota`, `missing` (404), `rejected` (other
            4xx), `malformed` (no JSON came back) or `budget`.
    """

    def __init__(self, message: str, kind: Kind) -> None:
        super().__init__(message)
        self.kind = kind
        self.exit_code = 2 if kind in _BAD_INPUT else 1


def estimated_tokens(text: str) -> int:
    """Tokens of a text where nobody counts them: one for four bytes of UTF-8, rounded up."""
    return math.ceil(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN)


@dataclass
class Budget:
    """Requests and tokens that may be spent; safe to share between threads.

    What may have to be paid counts: answers, and requests that ran into a time-out (at their estimate). What a server
    turned away costs nothing.

    Args:
        max_requests: at most so many; None is without limit.
        max_tokens: at most so many, read and written together; a request that might go beyond is not sent.
        requests: spent so far.
        tokens: spent so far.
    """

    max_requests: int | None = None
    max_tokens: int | None = None
    requests: int = 0
    tokens: int = 0
    _open: tuple[int, int] = (0, 0)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        for name, value in (("max_requests", self.max_requests), ("max_tokens", self.max_tokens)):
            if value is not None and value < 1:
                raise BadInputError(f"{name} must be at least 1, not {value}")

    @contextlib.contextmanager
    def reserved(self, tokens: int) -> Iterator[Callable[[int | None], None]]:
        """Sets a request and its longest answer aside while it is under way.

        Yields:
            To be called with the tokens spent, or None where nobody knows (the estimate counts).

        Raises:
            EndpointError: the budget does not allow it (kind `budget`).
        """
        with self._lock:
            requests, held = self._open
            self._check(self.requests + requests, self.tokens + held, tokens)
            self._open = (requests + 1, held + tokens)

        def spend(spent: int | None) -> None:
            with self._lock:
                self.requests += 1
                self.tokens += tokens if spent is None else spent

        try:
            yield spend
        finally:
            with self._lock:
                requests, held = self._open
                self._open = (requests - 1, held - tokens)

    def _check(self, requests: int, spent: int, tokens: int) -> None:
        if self.max_requests is not None and requests >= self.max_requests:
            raise EndpointError(f"the budget of {self.max_requests:,} requests is used up", "budget")
        if self.max_tokens is not None and spent + tokens > self.max_tokens:
            text = (
                f"the budget of {self.max_tokens:,} tokens is used up: {spent:,} are spent or under way, "
                f"and the next request may take {tokens:,}"
            )
            raise EndpointError(text, "budget")


class Pace:
    """Spreads requests evenly: at most so many a minute; safe to share between threads."""

    def __init__(self, per_minute: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        if per_minute is not None and not per_minute > 0:
            raise BadInputError(f"requests per minute must be positive, not {per_minute}")
        self._step = 60 / per_minute if per_minute else 0.0
        self._clock = clock
        self._next = -math.inf
        self._lock = threading.Lock()

    def wait(self) -> float:
        """Takes the next place in the line; seconds until it."""
        if not self._step:
            return 0.0
        with self._lock:
            now = self._clock()
            at = max(now, self._next)
            self._next = at + self._step
            return at - now


def retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """Seconds that a server asks to wait (`Retry-After` in seconds or as a date, `retry-after-ms`), or None."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            wait = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if math.isfinite(wait):
            return max(0.0, wait)
    try:
        return max(0.0, parsedate_to_datetime(headers["retry-after"]).timestamp() - now())
    except (KeyError, TypeError, ValueError, IndexError):
        return None
