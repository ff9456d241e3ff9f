"""Several runs on one cultural map."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from culturescope.errors import BadInputError
from culturescope.experiments.audit import answered_rows, design_of
from culturescope.experiments.report import CONVERSIONS, places_of
from culturescope.instrument import load_pack
from culturescope.probing.reading import compute_results
from culturescope.runs import RunFolder

if TYPE_CHECKING:
    from culturescope.page import MapFigure
    from culturescope.people import Conversion, Placement


def map_runs(
    runs: Sequence[str | os.PathLike[str]],
    *,
    conversions: Sequence[Conversion] = CONVERSIONS,
    domains: Sequence[str | None] = (None,),
) -> MapFigure:
    """Several runs on one map; runs of one name are told apart by their folder.

    Raises:
        BadInputError: no runs, a run of another instrument, or an item of the map was not asked.
        RunFolderError: a folder is no run, or some of its prompts have no answer yet.
    """
    from culturescope.page import figure_of

    if not runs:
        raise BadInputError("a map needs at least one run: culturescope map RUN")
    folders = [RunFolder.open(run) for run in runs]
    names = [str(f.manifest.model.get("name") or f.path.name) for f in folders]
    found: dict[str, Placement] = {}
    for folder, name in zip(folders, names, strict=True):
        design = design_of(folder)
        if design.load_pack().id != load_pack().id:
            raise BadInputError(f"{folder.path}: its instrument has no societies to be put among")
        rows = answered_rows(folder, design)
        results = compute_results(rows, seed=design.seed)
        label = name if names.count(name) == 1 else f"{name} ({folder.path.name})"
        for p in places_of(results, rows, label, conversions=conversions, domains=domains, seed=design.seed):
            # The nulls of runs that were asked alike are the same places.
            found.setdefault(f"{p.kind}/{p.label}/{p.conversion}/{p.domain}/{p.x:.6f}/{p.y:.6f}", p)
    return figure_of(list(found.values()))
