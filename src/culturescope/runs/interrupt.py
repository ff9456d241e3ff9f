"""Ctrl-C that loses nothing: the first one ends the run after the batch, the second one at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any

MESSAGE = "Interrupted: the batch is being finished and saved (Ctrl-C again stops at once)."


class Interrupts:
    """Within the block the first Ctrl-C only sets `requested`; the second raises KeyboardInterrupt.

    Outside of the main thread, and where Ctrl-C is ignored already (`nohup`), signals are left alone. A
    request seen by an inner block is handed to the block around it.

    Example:
        >>> with Interrupts() as interrupts:
        ...     for batch in batches:
        ...         folder.append(run(batch))
        ...         if interrupts.requested:
        ...             break
    """

    def __init__(self) -> None:
        self.requested = False
        self._installed = False
        self._old: Any = None

    def __enter__(self) -> Interrupts:
        # None is a handler that was not set by Python, and could not be put back.
        untouchable = (signal.SIG_IGN, None)
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) not in untouchable
        ):
            self._old = signal.signal(signal.SIGINT, self._handle)
            self._installed = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if not self._installed:
            return
        signal.signal(signal.SIGINT, self._old)
        self._installed = False
        outer = getattr(self._old, "__self__", None)
        if self.requested and isinstance(outer, Interrupts):
            outer.requested = True

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        _say(f"\n{MESSAGE}\n")


def _say(text: str) -> None:
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except RuntimeError:
        # The signal came while stderr was being written to, and its buffer cannot be entered twice.
        with contextlib.suppress(OSError):
            os.write(2, text.encode())
    except (OSError, ValueError):
        return  # stderr is closed
