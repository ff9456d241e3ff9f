"""Two short verbs of the public API that combine rooms: choose scenarios, write a page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from culturescope.errors import BadInputError
from culturescope.instrument import Scenario, load_pack, select

if TYPE_CHECKING:
    from culturescope.probing.reading import Reading


def scenarios(
    split: str | None = None,
    *,
    items: Sequence[str] | None = None,
    domains: Sequence[str] | None = None,
    limit: int | None = None,
    pack: str | os.PathLike[str] | None = None,
) -> tuple[Scenario, ...]:
    """The scenarios of the instrument, or a choice of them.

    Args:
        split: `evaluate`, `optimise`, or None for both.
        items: item ids, for example `["Y01", "X04"]`.
        domains: for example `["family"]`.
        limit: at most so many, evenly from all items and domains.
        pack: folder of another instrument.

    Raises:
        InstrumentError: nothing fits, or the pack is wrong.
    """
    return select(load_pack(pack), split=split, items=items, domains=domains, limit=limit)


def write_page(readings: Reading | Sequence[Reading], path: str | os.PathLike[str]) -> Path:
    """Writes one HTML page with verdict, positions, intervals and every prompt of a reading.

    Args:
        readings: a reading, or a list with one.
        path: where to write; an existing page is replaced.

    Raises:
        BadInputError: none or several readings (a page shows one).
        RunFolderError: the path cannot be written.
    """
    from culturescope.experiments.report import make_report
    from culturescope.page import write
    from culturescope.probing.reading import Reading
    from culturescope.runs.manifest import environment, now

    chosen = [readings] if isinstance(readings, Reading) else list(readings)
    if len(chosen) != 1:
        raise BadInputError(f"a page shows one reading, got {len(chosen)}; write a page for each")
    reading = chosen[0]
    run = {
        "created": now(),
        "versions": environment(),
        "model": reading.identity.as_dict(),
        "config": {"seed": reading.seed},
    }
    write(make_report(reading.results, run, reading.samples, reading.pack, seed=reading.seed), path)
    return Path(path)
