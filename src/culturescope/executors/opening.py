"""Opens a model where it is to compute."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError, ModelError
from culturescope.executors.placement import Placement
from culturescope.models.address import is_address
from culturescope.models.protocols import BlackBox

if TYPE_CHECKING:
    from culturescope.runs import RunFolder

EXECUTOR = "executor"
"""Where `run.json` says it."""


@contextmanager
def opened(
    placement: Placement,
    source: str | Path,
    load: Mapping[str, Any] | None = None,
    *,
    progress: Callable[[str], None] | None = None,
) -> Iterator[BlackBox]:
    """A model that computes in this process, or in workers that end with the block.

    Args:
        placement: where.
        source: of the model, as `culturescope.load` takes it.
        load: options of `culturescope.load`.
        progress: is told what happens.

    Raises:
        BadInputError: Ray is not installed, or a served model is asked for: it is not computed here.
        ModelError: the model cannot be loaded, or a worker holds another one than the rest.
        RunFailedError: Ray cannot be started, or all workers are lost.

    Example:
        >>> with opened(Placement.of("ray", 4), "smollm2-135m") as model:  # doctest: +SKIP
        ...     reading = cs.probe(model, cs.scenarios(split="evaluate"))
    """
    options = placement.fitted(load or {})
    if placement.executor == "local":
        from culturescope.models import open_model

        yield open_model(source, **options, progress=progress)
        return
    if is_address(source):
        raise BadInputError(
            "a served model is computed by its server, not by workers here: leave --executor out (--batch-size says how many "
            "requests are under way)"
        )
    from culturescope.executors.crew import Crew
    from culturescope.executors.fleet import Fleet
    from culturescope.executors.rays import RayEngine

    if options.pop("api_key_env", None) is not None:
        raise ModelError("a key is for served models (http://...#name) only")
    # Before Ray is started: what cannot be found here needs no worker to say so.
    weights = _weights(placement, str(source), options, progress)
    threads = _threads(placement, options)
    if placement.address is None:
        options.pop("download", None)  # it is here by now
    crew = Crew(
        RayEngine(placement, threads),
        str(Path(source).resolve()) if Path(source).exists() else str(source),
        {**options, "threads": threads},
        placement.workers,
        weights_sha256=weights,
        say=progress,
    )
    with Fleet(crew) as fleet:
        yield fleet


def note_placement(folder: RunFolder, placement: Placement) -> None:
    """Writes down where a run computes, for its page and its resumption; nothing where that is only this process."""
    kept = folder.manifest.model_dump().get(EXECUTOR)
    if placement.executor != "local" or kept is not None:
        folder.update(**{EXECUTOR: placement.as_dict()})


def kept_placement(folder: RunFolder) -> Placement:
    """Where a run computed when it was last at work.

    Raises:
        BadInputError: what is written down cannot be.
    """
    return Placement.from_dict(folder.manifest.model_dump().get(EXECUTOR))


def _weights(
    placement: Placement, source: str, load: Mapping[str, Any], progress: Callable[[str], None] | None
) -> str | None:
    """Hash of the weights on this machine; fetched or converted first where the workers will be here as well."""
    from culturescope.models.cache import weights_sha256
    from culturescope.models.sources import find_source

    here = placement.address is None
    try:
        found = find_source(
            source,
            revision=load.get("revision"),
            download=here and bool(load.get("download")),
            trust_remote_code=bool(load.get("trust_remote_code")),
            progress=progress,
        )
        return weights_sha256(found.weights)
    except ModelError:
        if here:
            raise
        return None  # a cluster may have what this machine has not


def _threads(placement: Placement, load: Mapping[str, Any]) -> int:
    """Threads of a worker: those asked for, or its part of this machine's cores."""
    chosen = load.get("threads") or os.environ.get("OMP_NUM_THREADS", "")
    if str(chosen).isascii() and str(chosen).isdigit() and int(chosen) > 0:
        return int(chosen)
    if placement.address is not None:
        return 1
    from culturescope.models.tuning import available_cores

    return max(1, available_cores() // placement.workers)
