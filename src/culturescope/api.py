"""Two short verbs of the public API that combine rooms: choose scenarios, write a page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from culturescope.errors import BadInputError
from culturescope.instrument import Scenario, load_pack, select

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel
    from culturescope.probing.reading import Reading
    from culturescope.steering.directions import Method
    from culturescope.steering.vector import SteeringVector


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
        pack: another instrument, a folder or the name of a packaged one.

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


def fit_vector(
    model: CausalModel,
    scenarios: Sequence[Scenario],
    axis: str | None = None,
    *,
    item: str | None = None,
    domain: str | None = None,
    method: str | Method = "mean-difference",
    site: str = "option-text",
    blocks: Sequence[int] | None = None,
    batch_size: int = 16,
    pack: str | os.PathLike[str] | None = None,
) -> SteeringVector:
    """Fits a steering vector on the contrast texts of scenarios; its positive direction is the positive pole.

    Args:
        model: white-box, as `load` gives it.
        scenarios: those of the split `optimise`; the others are for judging the result.
        axis: only the scenarios of this axis, for example `X`.
        item: only those of this item, for example `X04`.
        domain: only those of this domain, for example `legal`.
        method: `mean-difference`, `pca` (uncentred), `logistic`, or a function (positive, negative) -> direction on
            tensors (pairs, width).
        site: `option-text`, `option-mean` or `answer-letter`: what stands in the place of the answer, and where it is read.
        blocks: which blocks; all by default.
        batch_size: texts in one pass; changes the vector by floating-point noise only.
        pack: the instrument that the scenarios come from, if another one.

    Raises:
        BadInputError: no scenario is left, or an unknown method, site or block.
    """
    from culturescope.steering.fitting import fit, read_pairs

    instrument = load_pack(pack)
    chosen = [
        s
        for s in scenarios
        if (axis is None or instrument.axis_of(s) == axis)
        and (item is None or s.item == item)
        and (domain is None or s.domain == domain)
    ]
    asked = [word for word in (axis, item, domain) if word is not None]
    if not chosen:
        raise BadInputError(
            f"none of the {len(scenarios)} scenarios belongs to {' and '.join(asked) or 'anything'}"
        )
    splits = {s.split for s in chosen}
    states = read_pairs(
        model,
        chosen,
        where=site,
        blocks=blocks,
        split=splits.pop() if len(splits) == 1 else "both",
        batch_size=batch_size,
    )
    return fit(states, " ".join(asked) or "all", method)
