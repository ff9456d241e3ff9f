"""What a fleet asks of an engine that runs its workers; `rays` is one."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol


class WorkerLostError(Exception):
    """The process of a worker has ended, or its machine cannot be reached."""


class Engine(Protocol):
    """Starts workers and carries calls to them. Workers and calls are handles that can be keys of a dictionary."""

    def start(self) -> Any:
        """Begins a worker and returns at once; it may take its place later."""
        ...

    def call(self, worker: Any, method: str, *arguments: Any) -> Any:
        """Asks a worker and returns at once; a worker does what it is asked one after the other."""
        ...

    def wait(self, calls: Collection[Any], seconds: float | None = None) -> Any | None:
        """One of the calls that has ended, one way or the other; None if none has after so many seconds."""
        ...

    def result(self, call: Any) -> dict[str, Any]:
        """What a call that has ended gave.

        Raises:
            WorkerLostError: the worker is gone, and the call with it.
            RunFailedError: the worker met an error that it does not know.
        """
        ...

    def stop(self, worker: Any) -> None:
        """Ends a worker; nothing if it is gone."""
        ...

    def state(self) -> str:
        """What there is and what a worker needs, in words, for someone who waits for one."""
        ...

    def close(self) -> None:
        """Ends all workers and what the engine began for them."""
        ...
