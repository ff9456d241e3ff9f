"""Workers as actors of Ray: on this machine, or on a cluster that runs already.

Ray serialises with cloudpickle between its own processes. Nothing but plain data is sent, and the code of a worker comes from
the culturescope that is installed where it runs; but whoever controls a cluster can run code in what connects to it.
"""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

from culturescope.errors import BadInputError, RunFailedError, one_line
from culturescope.executors.engine import WorkerLostError
from culturescope.executors.placement import Placement
from culturescope.executors.worker import Worker

_OBJECT_STORE = 128 * 2**20  # calls and answers are small


class RayEngine:
    """Follows `Engine`. A Ray that this process uses already is used again, and left as it is.

    Args:
        placement: of the workers.
        threads: of each of them on the CPU.

    Raises:
        BadInputError: Ray is not installed, or this machine has too few GPUs.
        RunFailedError: Ray cannot be started or reached.
    """

    def __init__(self, placement: Placement, threads: int) -> None:
        self._ray = _imported()
        self._needs = {"num_cpus": threads, "num_gpus": placement.gpus_per_worker}
        self._began = not self._ray.is_initialized()
        if self._began:
            self._connect(placement, threads)
        self._actor = self._ray.remote(Worker)
        self._workers: list[Any] = []
        if placement.address is None and "RAY_ADDRESS" not in os.environ:
            self._check_gpus(placement)

    def _connect(self, placement: Placement, threads: int) -> None:
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        address = placement.address or os.environ.get("RAY_ADDRESS")
        try:
            if address:
                with warnings.catch_warnings():  # the error says the same
                    warnings.simplefilter("ignore")
                    self._ray.init(address, **quiet)
            else:
                self._ray.init(
                    "local",
                    num_cpus=placement.workers * threads,
                    include_dashboard=False,
                    object_store_memory=_OBJECT_STORE,
                    _node_ip_address="127.0.0.1",
                    **quiet,
                )
        except Exception as error:  # of any class, from gRPC to RuntimeError
            text = one_line(error)[:300]
            if not address:
                raise RunFailedError(f"Ray cannot be started: {text} ({type(error).__name__})") from error
            raise RunFailedError(
                f"the Ray cluster {address} cannot be reached: {text} ({type(error).__name__}); if it runs, it may want its "
                "token: set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN where ~/.ray/auth_token is not its own"
            ) from error

    def start(self) -> Any:
        """See `Engine`; a worker ends with this process."""
        worker = self._actor.options(max_restarts=0, max_task_retries=0, **self._needs).remote()
        self._workers.append(worker)
        return worker

    def call(self, worker: Any, method: str, *arguments: Any) -> Any:
        """See `Engine`."""
        with self._connected():
            return getattr(worker, method).remote(*arguments)

    def wait(self, calls: Collection[Any], seconds: float | None = None) -> Any | None:
        """See `Engine`."""
        with self._connected():
            ended, _ = self._ray.wait(list(calls), num_returns=1, timeout=seconds)
        return ended[0] if ended else None

    def result(self, call: Any) -> dict[str, Any]:
        """See `Engine`."""
        kinds = self._ray.exceptions
        try:
            found: dict[str, Any] = self._ray.get(call)
        except kinds.RayTaskError as error:
            text = one_line(str(error).strip().splitlines()[-1])[:300]
            raise RunFailedError(f"a worker failed: {text}") from error
        except kinds.RayError as error:
            raise WorkerLostError(_why(error)) from error
        return found

    def stop(self, worker: Any) -> None:
        """See `Engine`."""
        if worker in self._workers and self._ray.is_initialized():
            self._workers.remove(worker)
            # Nothing may hide why all ends, not even Ray that is gone.
            with suppress(self._ray.exceptions.RayError, ConnectionError, RuntimeError, ValueError):
                self._ray.kill(worker)

    def state(self) -> str:
        """See `Engine`."""
        total = self._ray.cluster_resources()
        free = self._ray.available_resources()
        has = ", ".join(
            f"{free.get(key, 0):g} of {total.get(key, 0):g} {key}s are free" for key in ("CPU", "GPU")
        )
        return f"{has}; one needs {self._needs['num_cpus']} CPUs and {self._needs['num_gpus']:g} GPUs, and time to load"

    def close(self) -> None:
        """See `Engine`."""
        for worker in list(self._workers):
            self.stop(worker)
        if self._began and self._ray.is_initialized():
            self._ray.shutdown()

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Says that all of Ray is gone, not a worker."""
        try:
            yield
        except (self._ray.exceptions.RayError, ConnectionError) as error:
            raise RunFailedError(
                f"Ray does not answer any more ({type(error).__name__}: {one_line(error)[:200]}); what was answered is saved: "
                "`culturescope resume` goes on with the rest"
            ) from error

    def _check_gpus(self, placement: Placement) -> None:
        have = self._ray.cluster_resources().get("GPU", 0)
        if placement.gpus_per_worker * placement.workers > have:
            self.close()
            raise BadInputError(
                f"{placement.workers} workers with {placement.gpus_per_worker:g} GPUs each are more than the {have:g} GPUs "
                "of this machine"
            )


def _imported() -> ModuleType:
    # Ray reports its use to its makers by default, and warns of a change of its defaults for GPUs.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
        import ray.exceptions
    except ImportError:
        raise BadInputError(
            "--executor ray needs Ray, which is not installed: pip install 'culturescope[ray]'"
        ) from None
    found: ModuleType = ray
    return found


def _why(error: Exception) -> str:
    """What Ray says of a lost worker, in a few words."""
    text = " ".join(str(error).split())
    if type(error).__name__ == "OutOfMemoryError":
        return "its machine's memory was full"
    if missing := re.search(r"ModuleNotFoundError: No module named '[\w.]+'", text):
        return f"on its machine: {missing[0]}"
    ended = re.search(r"\bpid: (\d+)", text)
    return f"process {ended[1]} has ended" if ended else f"{type(error).__name__}: {one_line(text)[:160]}"
