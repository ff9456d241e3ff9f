"""Where a model computes: in this process, or in workers of Ray on this machine or on a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from culturescope.errors import BadInputError

USUAL_WORKERS = 2


@dataclass(frozen=True)
class Placement:
    """Who computes; made by `of`, which checks it.

    Args:
        executor: `local` is this process; `ray` are workers, each a process that holds the model.
        address: of a running Ray cluster (`ray://host:10001`); without one, Ray starts on this machine.
        workers: how many hold the model.
        gpus_per_worker: GPUs that each of them gets; a part of one (0.5) is shared, several need whole numbers.
    """

    executor: Literal["local", "ray"] = "local"
    address: str | None = None
    workers: int = 1
    gpus_per_worker: float = 0.0

    @classmethod
    def of(
        cls, executor: str | None = None, workers: int | None = None, gpus_per_worker: float | None = None
    ) -> Placement:
        """Reads what a user gave.

        Raises:
            BadInputError: an unknown executor, or options that do not fit it.

        Example:
            >>> Placement.of("ray", 4)
            Placement(executor='ray', address=None, workers=4, gpus_per_worker=0.0)
        """
        text = (executor or "local").strip()
        if workers is not None and workers < 1:
            raise BadInputError(f"--workers must be at least 1, not {workers}")
        if text == "local":
            if (workers or 1) > 1 or gpus_per_worker:
                raise BadInputError(
                    "--workers and --gpus-per-worker are for --executor ray; this process is one worker "
                    "(--device and --device-map choose its accelerators)"
                )
            return cls()
        gpus = float(gpus_per_worker or 0.0)
        if not 0 <= gpus < float("inf") or (gpus > 1 and not gpus.is_integer()):
            raise BadInputError(
                f"--gpus-per-worker is a whole number or a part of one GPU, not {gpus_per_worker:g}"
            )
        return cls("ray", None if text == "ray" else _address(text), workers or USUAL_WORKERS, gpus)

    @classmethod
    def from_dict(cls, stored: object) -> Placement:
        """Reads what `as_dict` wrote; anything else is this process.

        Raises:
            BadInputError: as `of`.
        """
        if not isinstance(stored, Mapping) or stored.get("executor") != "ray":
            return cls()
        address, workers, gpus = (stored.get(k) for k in ("address", "workers", "gpus_per_worker"))
        return cls.of(
            address if isinstance(address, str) else "ray",
            workers if type(workers) is int else None,
            gpus if isinstance(gpus, (int, float)) else None,
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def changed(
        self, executor: str | None = None, workers: int | None = None, gpus_per_worker: float | None = None
    ) -> Placement:
        """The same with what a user now gives instead.

        Raises:
            BadInputError: as `of`.
        """
        chosen = executor or self.address or self.executor
        if chosen.strip() == "local":
            return Placement.of(chosen, workers, gpus_per_worker)
        again = self.executor == "ray"
        return Placement.of(
            chosen,
            workers if workers is not None or not again else self.workers,
            gpus_per_worker if gpus_per_worker is not None or not again else self.gpus_per_worker,
        )

    def fitted(self, load: Mapping[str, Any]) -> dict[str, Any]:
        """Options for loading the model in a worker: on the GPU that it gets, or spread over all of them."""
        found = dict(load)
        if self.gpus_per_worker and not {"device", "device_map"} & found.keys():
            found |= {"device_map": "auto"} if self.gpus_per_worker > 1 else {"device": "cuda"}
        return found


def _address(text: str) -> str:
    expected = '--executor is local, ray, or the address of a Ray cluster such as ray://host:10001, not "{}"'
    try:
        parts = urlsplit(text)
        whole = parts.scheme == "ray" and parts.hostname and parts.port
    except ValueError:
        whole = None
    if not whole:
        raise BadInputError(expected.format(text))
    if parts.username is not None or parts.password is not None or parts.query or parts.path.strip("/"):
        raise BadInputError("the address of a Ray cluster is ray://host:port and holds nothing else")
    return text
