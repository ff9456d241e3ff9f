"""Several runs on one cultural map."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from culturescope.errors import BadInputError
from culturescope.experiments.audit import answered_rows, design_of
from culturescope.experiments.report import CONVERSIONS, places_of
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
    twice = [path for path, count in Counter(f.path.resolve() for f in folders).items() if count > 1]
    if twice:
        raise BadInputError(f"the run {twice[0]} was given twice; a map shows each run once")
    found: list[Placement] = []
    for folder, label in zip(folders, _labels(folders), strict=True):
        design = design_of(folder)
        pack = design.load_pack()
        if pack.societies is None:
            raise BadInputError(
                f"{folder.path}: the map needs societies, and the pack {pack.id} has none; "
                f"culturescope page {folder.path} shows its axis scores and verdicts"
            )
        rows = answered_rows(folder, design)
        results = compute_results(rows, seed=design.seed)
        # The nulls of runs that were asked alike are the same places.
        found += [
            p
            for p in places_of(
                results, rows, label, conversions=conversions, domains=domains, seed=design.seed
            )
            if p.kind == "model" or p not in found
        ]
    return figure_of(found)


def _labels(folders: Sequence[RunFolder]) -> list[str]:
    """Names of the models; runs of one name are told apart by their folder, and by a number where that is not enough."""
    names = [str(f.manifest.model.get("name") or f.path.name) for f in folders]
    labels = [
        name if names.count(name) == 1 else f"{name} ({f.path.name})"
        for name, f in zip(names, folders, strict=True)
    ]
    return [
        label if labels.count(label) == 1 else f"{label} {labels[: n + 1].count(label)}"
        for n, label in enumerate(labels)
    ]
