"""Item statistics of several runs: their answers, put together by respondent."""

from __future__ import annotations

import os
from collections.abc import Sequence

from culturescope.errors import BadInputError
from culturescope.experiments.audit import answered_rows, design_of
from culturescope.instrument import load_pack
from culturescope.probing.item_statistics import ItemStatistics, item_statistics, respondents
from culturescope.runs import RunFolder
from culturescope.runs.keys import digest
from culturescope.stats.reliability import Resampling


def statistics_of(
    runs: Sequence[str | os.PathLike[str]], *, pack: str | os.PathLike[str] | None = None, seed: int = 42
) -> ItemStatistics:
    """Item statistics over the readings of some runs of one pack.

    Args:
        runs: run folders.
        pack: the pack that the runs must be of; otherwise that of the first run.
        seed: of bootstrap and random splits.

    Raises:
        BadInputError: no run, runs of different packs, or no scenario was asked of all respondents.
        RunFolderError: a folder is no run, or some of its prompts have no answer yet.
    """
    if not runs:
        raise BadInputError("item statistics need a run: culturescope scenarios stats RUN")
    folders = [RunFolder.open(run) for run in runs]
    designs = [design_of(folder) for folder in folders]
    wanted = (designs[0].load_pack() if pack is None else load_pack(pack)).id
    names: dict[str, str] = {}
    found = []
    for folder, design in zip(folders, designs, strict=True):
        if (given := design.load_pack().id) != wanted:
            raise BadInputError(
                f"{folder.path} is a run of the pack {given}, not of {wanted}; give runs of one pack"
            )
        # Devices differ by rounding only; all else that tells models apart (dtype, steering) does so here too.
        identity = digest({k: v for k, v in folder.manifest.model.items() if k != "device"})
        name = str(folder.manifest.model.get("name") or folder.path.name)
        if name in (n for other, n in names.items() if other != identity):
            name = f"{name} ({folder.path.name})"
        found.append((names.setdefault(identity, name), identity, answered_rows(folder, design)))
    return item_statistics(respondents(found), Resampling(seed=seed))
