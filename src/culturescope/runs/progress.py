"""How far a run is: prompts done, rate, time left; a bar on a terminal, else a line now and then."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


class Progress:
    """Progress of one phase of a run, on stderr.

    The time left is estimated on work, not on prompts: long prompts take longer, so a caller that gives each
    step a weight (tokens) gets `time spent x work left / work done`. Prompts skipped because they are saved
    already count as done but not towards the rate.

    Args:
        total: number of prompts.
        description: what is going on, in a word or two.
        total_weight: work of all prompts in the caller's unit, by default one a prompt.
        unit: what is counted, where it is not prompts.
        quiet: say nothing.
        every: seconds between two lines where stderr is no terminal.
        stream: where to write, by default stderr.
        clock: seconds that only grow.

    Example:
        >>> with Progress(len(prompts), "Probe") as progress:
        ...     for indices, readings in batches:
        ...         progress.advance(len(indices))
    """

    def __init__(
        self,
        total: int,
        description: str = "",
        *,
        total_weight: float | None = None,
        unit: str = "prompts",
        quiet: bool = False,
        every: float = 30.0,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.total = total
        self.done = 0
        self.description = description
        self.unit = unit
        self._total_weight = float(total) if total_weight is None else total_weight
        self._skipped = 0
        self._weight = 0.0
        self._skipped_weight = 0.0
        self._stream = stream if stream is not None else sys.stderr
        self._quiet = quiet or self._stream is None
        self._every = every
        self._clock = clock
        self._began = self._last_line = clock()
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Progress:
        self._began = self._last_line = self._clock()
        if not self._quiet and self._on_terminal():
            self._start_bar()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._show()
            self._bar.stop()
            self._bar = None
        elif not self._quiet:
            self._line(self.summary() if error is None else f"{self.summary()} (stopped)")

    def advance(self, prompts: int = 1, weight: float | None = None) -> None:
        """Counts prompts that were run just now; `weight` is their work, by default one a prompt."""
        self.done += prompts
        self._weight += prompts if weight is None else weight
        self._show()

    def skip(self, prompts: int, weight: float | None = None) -> None:
        """Counts prompts that were saved by an earlier run; they leave the rate alone."""
        self._skipped += prompts
        self._skipped_weight += prompts if weight is None else weight
        self.done += prompts
        self._weight += prompts if weight is None else weight
        self._show()

    def describe(self, description: str) -> None:
        """Says what is going on now."""
        self.description = description
        self._show()

    @property
    def rate(self) -> float | None:
        """Prompts a second since the start, saved ones not counted; None before the first."""
        seconds = self._clock() - self._began
        run = self.done - self._skipped
        return run / seconds if run > 0 and seconds > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds until the end; None before the first prompt."""
        worked = self._weight - self._skipped_weight
        seconds = self._clock() - self._began
        if self.done >= self.total:
            return 0.0
        return seconds * max(self._total_weight - self._weight, 0.0) / worked if worked > 0 else None

    def summary(self) -> str:
        """The state in one line, for example `Probe: 120/480 prompts, 3.2 prompts/s, 1:52 left`."""
        label = f"{self.description}: " if self.description else ""
        return f"{label}{self.done}/{self.total} {self.unit}{self._pace()}"

    def _pace(self) -> str:
        rate, left = self.rate, self.seconds_left
        text = "" if rate is None else f", {rate:.3g} {self.unit}/s"
        if self.done >= self.total:
            return f"{text}, {_clock_text(self._clock() - self._began)} in all"
        return text if left is None else f"{text}, {_clock_text(left)} left"

    def _on_terminal(self) -> bool:
        return self._stream.isatty() and os.environ.get("TERM") != "dumb"

    def _start_bar(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as RichProgress

        self._bar = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[state]}", markup=False),
            console=Console(file=self._stream),
            expand=True,
            refresh_per_second=4,
        )
        self._task = self._bar.add_task(self.description, total=self._total_weight or 1.0, state="")
        self._show()
        self._bar.start()

    def _show(self) -> None:
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task,
                completed=self._weight,
                description=self.description,
                state=f"{self.done}/{self.total} {self.unit}{self._pace()}",
            )
        elif not self._quiet and self._clock() - self._last_line >= self._every:
            self._last_line = self._clock()
            self._line(self.summary())

    def _line(self, text: str) -> None:
        # A reader that went away (a closed pipe) must not end the run.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(f"{text}\n")
            self._stream.flush()


def _clock_text(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
