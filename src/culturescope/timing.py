"""Where the time of a run goes: the wall time of each phase, without that of the phases inside it.

`phase(name)` marks a stretch of code anywhere in the package. Unless a `Profile` is open it gives one shared object that
does nothing. The phases add up to the wall time between opening and closing; what no phase claims is `other`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from types import TracebackType

PHASES = (
    "loading",
    "tokenising",
    "forward",
    "head",
    "hooks",
    "copying",
    "statistics",
    "writing",
    "other",
)
"""In the order in which they are shown; `other` last."""

_OPEN: ContextVar[Profile | None] = ContextVar("culturescope_profile", default=None)
_NOTHING: AbstractContextManager[None] = nullcontext()


class Profile:
    """Measures while it is open, as a context manager.

    Args:
        wait: called before a phase ends or another begins, so that work queued on an accelerator counts where it was asked
            for; None on a CPU.
        clock: seconds, for tests.

    Example:
        >>> with Profile() as profile:
        ...     with phase("forward"):
        ...         pass
        >>> sorted(profile.seconds) == sorted(PHASES)
        True
    """

    def __init__(
        self, wait: Callable[[], None] | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.seconds: dict[str, float] = dict.fromkeys(PHASES, 0.0)
        """Seconds of each phase so far."""
        self.wait = wait
        self._clock = clock
        self._stack = ["other"]
        self._since = 0.0
        self._token: Token[Profile | None] | None = None

    @property
    def wall(self) -> float:
        """Seconds in all."""
        return sum(self.seconds.values())

    def lines(self) -> list[str]:
        """A table: phase, seconds, share of the wall time."""
        wall = self.wall
        rows = [
            f"  {name:<10} {seconds:9.2f} s  {seconds / wall if wall else 0.0:6.1%}"
            for name, seconds in self.seconds.items()
        ]
        return ["Time by phase:", *rows, f"  {'wall':<10} {wall:9.2f} s"]

    def enter(self, name: str) -> None:
        """Begins a phase inside the one that runs."""
        self._count()
        self._stack.append(name)

    def leave(self) -> None:
        """Ends the innermost phase."""
        self._count()
        self._stack.pop()

    def _count(self) -> None:
        if self.wait is not None:
            self.wait()
        now = self._clock()
        self.seconds[self._stack[-1]] += now - self._since
        self._since = now

    def __enter__(self) -> Profile:
        self._token = _OPEN.set(self)
        self._since = self._clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._count()
        if self._token is not None:
            _OPEN.reset(self._token)


class _Phase:
    def __init__(self, profile: Profile, name: str) -> None:
        self._profile, self._name = profile, name

    def __enter__(self) -> None:
        self._profile.enter(self._name)

    def __exit__(self, *_: object) -> None:
        self._profile.leave()


def phase(name: str) -> AbstractContextManager[None]:
    """Marks a stretch of code as one of `PHASES`; never wrap a `yield` in it."""
    profile = _OPEN.get()
    return _NOTHING if profile is None else _Phase(profile, name)


def open_profile() -> Profile | None:
    """The profile that measures at the moment."""
    return _OPEN.get()
