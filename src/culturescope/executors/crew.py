"""Workers that all hold the same model, and the jobs that they do.

A worker has at most `IN_FLIGHT` jobs, one that it does and one that waits for it, and gets the next one when the caller has
taken a result: so many prompts and results are on their way, however long the run. A job whose worker is lost goes to another
one, and a new worker is started in its place; the caller sees the result of every job once.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from culturescope import __version__
from culturescope.errors import CulturescopeError, ModelError, RunFailedError
from culturescope.executors.engine import Engine, WorkerLostError
from culturescope.executors.worker import raised
from culturescope.models.protocols import ModelIdentity

IN_FLIGHT = 2
RESTARTS = 3
"""New workers in the place of lost ones, for each worker that was asked for."""
DEADLY = 3
"""Workers that may be lost over one job before it is given up."""
PATIENCE = 60.0
"""Seconds after which a wait for the first worker is explained."""
Answer = dict[str, Any]
Say = Callable[[str], Any]


@dataclass(eq=False)
class Job:
    """Prompts that are asked together.

    Args:
        method: of `Worker`.
        indices: of the prompts, among all that the caller asks.
        arguments: of the method, plain data.
        losses: workers that were lost while they did it.
    """

    method: str
    indices: list[int]
    arguments: tuple[Any, ...]
    losses: int = 0


@dataclass(eq=False)
class _Member:
    """A worker, and its calls under way in the order in which it does them; None where nobody waits for the result."""

    handle: Any
    ready: bool = False
    lost: bool = False
    calls: dict[Any, Job | None] = field(default_factory=dict)


class Crew:
    """Starts workers and hands jobs out to them.

    Args:
        engine: runs the workers.
        source: of the model.
        load: options for loading it.
        workers: how many there are.
        weights_sha256: hash that the weights must have, where it is known here.
        say: told when workers come.

    Raises:
        ModelError: a worker cannot load the model, or holds another one than the rest.
        RunFailedError: no worker lives long enough to load it.
    """

    def __init__(
        self,
        engine: Engine,
        source: str,
        load: Mapping[str, Any],
        workers: int,
        *,
        weights_sha256: str | None = None,
        say: Say | None = None,
    ) -> None:
        self.workers = workers
        self._engine, self._source, self._load = engine, source, dict(load)
        self._weights, self._say = weights_sha256, say or (lambda line: None)
        self._restarts = RESTARTS * workers
        self._why_lost = "none has started"
        self._identity: ModelIdentity | None = None
        self._members: list[_Member] = []
        self._arrived: dict[Job, Answer | None] = {}
        try:
            for _ in range(workers):
                self._start()
            while self._identity is None:
                self._next()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends the workers; what they are doing is lost."""
        for member in self._members:
            self._engine.stop(member.handle)
        self._members.clear()
        self._engine.close()

    @property
    def identity(self) -> ModelIdentity:
        """Who the model is; the same in every worker."""
        if self._identity is None:
            raise RunFailedError("no worker has loaded the model yet")
        return self._identity

    def done(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Answer]]:
        """Does jobs, in their order as far as workers are free, and yields each with its answer as it comes.

        Raises:
            CulturescopeError: what a worker met.
            RunFailedError: all workers are lost, or too many over one job.
        """
        waiting, left = deque(jobs), set(jobs)
        try:
            while left:
                found = self._arrived_of(left)
                if found is None:
                    self._hand_out(waiting)
                    found = self._next()
                if found is None:
                    continue
                job, answer = found
                if job not in left:
                    self._arrived[job] = answer  # somebody else is in the middle of taking results
                elif answer is None:
                    waiting.appendleft(job)
                else:
                    left.discard(job)
                    raised(answer)
                    yield job, answer
        finally:
            for job in left:
                self._arrived.pop(job, None)
            for member in self._members:
                member.calls.update({call: None for call, job in member.calls.items() if job in left})

    def _arrived_of(self, left: set[Job]) -> tuple[Job, Answer | None] | None:
        job = next((job for job in self._arrived if job in left), None)
        return None if job is None else (job, self._arrived.pop(job))

    def _hand_out(self, waiting: deque[Job]) -> None:
        """Gives jobs to workers that have too few, the idle ones first."""
        while waiting:
            free = [m for m in self._members if m.ready and not m.lost and len(m.calls) < IN_FLIGHT]
            if not free:
                return
            member, job = min(free, key=lambda m: len(m.calls)), waiting.popleft()
            member.calls[self._engine.call(member.handle, job.method, *job.arguments)] = job

    def _next(self) -> tuple[Job, Answer | None] | None:
        """Waits for a call to end: its job with the answer, or with None where the worker is lost; None for other calls."""
        calls = {call: member for member in self._members for call in member.calls}
        if not calls:
            raise RunFailedError(
                f"all workers are gone ({self._why_lost}); what was answered is saved: `culturescope resume` goes on with the "
                "rest, also with other --workers"
            )
        call = self._engine.wait(list(calls), PATIENCE if self._identity is None else None)
        if call is None:
            self._say(f"Still waiting for a worker: {self._engine.state()}.")
            return None
        member = calls[call]
        under_way = next(iter(member.calls)) == call
        job = member.calls.pop(call)
        try:
            answer = self._engine.result(call)
        except WorkerLostError as error:
            self._lose(member, str(error))
            if job is None:
                return None
            job.losses += under_way
            if job.losses >= DEADLY:
                raise RunFailedError(
                    f"{job.losses} workers were lost over the same {len(job.indices)} prompts ({self._why_lost}); a smaller "
                    "--batch-size may help: `culturescope resume` goes on with what has no answer"
                ) from None
            return job, None
        if not member.ready:
            self._greet(member, answer)
            return None
        return None if job is None else (job, answer)

    def _start(self) -> None:
        member = _Member(self._engine.start())
        self._members.append(member)
        member.calls[self._engine.call(member.handle, "open", self._source, self._load)] = None

    def _lose(self, member: _Member, why: str) -> None:
        if member.lost:
            return
        member.lost, self._why_lost = True, why
        self._engine.stop(member.handle)  # it may live on where nobody reaches it
        again = self._restarts > 0
        if again:
            self._restarts -= 1
            self._start()
        then = "another one is started" if again else f"{self._count()} are left"
        print(f"A worker is lost ({why}): its prompts are asked again, {then}.", file=sys.stderr)

    def _greet(self, member: _Member, answer: Answer) -> None:
        """Lets a worker in that holds the same model as all others."""
        try:
            raised(answer)
        except CulturescopeError as error:
            if self._identity is None:
                raise
            # The others work on; what hinders this one may have to do with its machine alone.
            member.lost, self._why_lost = True, str(error)
            self._engine.stop(member.handle)
            print(f"A worker cannot load the model ({error}): the others go on.", file=sys.stderr)
            return
        where = f"the worker {answer['pid']} on {answer['host']}"
        if answer["version"] != __version__:
            raise ModelError(
                f"{where} has culturescope {answer['version']}, this is {__version__}; install the same everywhere"
            )
        found = ModelIdentity.from_dict(answer["identity"])
        expected = self._identity or found
        if self._weights is not None and found.weights_sha256 != self._weights:
            raise ModelError(
                f"{where} has other weights of {found.name} than this machine (SHA-256 {found.weights_sha256}, expected "
                f"{self._weights}); bring the same files to every machine"
            )
        if (difference := _difference(found, expected)) is not None:
            raise ModelError(
                f"{where} holds another model than the rest: {difference}; bring the same files to every machine"
            )
        member.ready, self._identity = True, expected
        self._say(
            f"Worker {self._count()} of {self.workers} has loaded {found.name} (process {answer['pid']} on {answer['host']})."
        )

    def _count(self) -> int:
        return sum(m.ready and not m.lost for m in self._members)


def _difference(found: ModelIdentity, expected: ModelIdentity) -> str | None:
    """The first thing that tells two identities apart; the number of a device does not."""
    one, other = (
        replace(identity, device=identity.device and identity.device.split(":")[0]).as_dict()
        for identity in (found, expected)
    )
    return next((f"{key} is {one[key]!r}, not {other[key]!r}" for key in one if one[key] != other[key]), None)
