"""An engine in this process: workers that are lost when the test says so, calls that end in an order that the test draws."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from typing import Any

from culturescope.executors.engine import WorkerLostError


class Here:
    """Follows `Engine`. A worker does its oldest call when somebody waits; which worker goes first is drawn.

    Args:
        make: a worker, from its number.
        lost: whether the worker dies over its next call; told the worker's number and the method.
        seed: of the order.
    """

    def __init__(
        self,
        make: Callable[[int], Any],
        lost: Callable[[int, str], bool] = lambda number, method: False,
        seed: int = 0,
    ) -> None:
        self._make, self._lost, self._draw = make, lost, random.Random(seed)
        self.workers: list[Any] = []
        self.queues: list[list[int]] = []
        self.calls: list[tuple[int, str, tuple[Any, ...]]] = []
        self.ended: dict[int, Any] = {}
        self.most_under_way = 0
        self.stopped: list[int] = []
        self.closed = False

    def start(self) -> int:
        self.workers.append(self._make(len(self.workers)))
        self.queues.append([])
        return len(self.workers) - 1

    def call(self, worker: int, method: str, *arguments: Any) -> int:
        self.calls.append((worker, method, arguments))
        self.queues[worker].append(len(self.calls) - 1)
        self.most_under_way = max(self.most_under_way, len(self.queues[worker]))
        return len(self.calls) - 1

    def wait(self, calls: Collection[int], seconds: float | None = None) -> int | None:
        ended = [call for call in calls if call in self.ended]
        if not ended:
            busy = [n for n, queue in enumerate(self.queues) if queue]
            self._do(self._draw.choice(busy))
            ended = [call for call in calls if call in self.ended]
        return self._draw.choice(ended)

    def _do(self, number: int) -> None:
        queue = self.queues[number]
        _, method, arguments = self.calls[queue[0]]
        if self._lost(number, method):
            self.ended.update(dict.fromkeys(queue, WorkerLostError(f"worker {number}")))
            queue.clear()
            return
        self.ended[queue.pop(0)] = getattr(self.workers[number], method)(*arguments)

    def result(self, call: int) -> dict[str, Any]:
        found = self.ended.pop(call)
        if isinstance(found, Exception):
            raise found
        return found

    def stop(self, worker: int) -> None:
        self.stopped.append(worker)

    def state(self) -> str:
        return "here"

    def close(self) -> None:
        self.closed = True
