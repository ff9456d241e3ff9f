"""The answers that a run folder keeps, in the order in which a design asks for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from culturescope.errors import RunFolderError
from culturescope.experiments.stored_rows import fault
from culturescope.models.protocols import ModelIdentity
from culturescope.runs import RunFolder
from culturescope.runs.folder import SAMPLES_NAME


def kept_answers(
    folder: RunFolder,
    keys_of: Callable[[ModelIdentity], Sequence[str]],
    asked: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """The samples of exactly the given keys, asked of the run's model, in their order.

    Args:
        folder: the run.
        keys_of: the keys of all prompts, for the model that was asked.
        asked: for each of them the line that it is written as, with anything in the place of what the model said.

    Raises:
        RunFolderError: some prompts have no answer yet, a line was changed, or `run.json` names no model.
    """
    try:
        identity = ModelIdentity.from_dict(folder.manifest.model)
    except (TypeError, KeyError, AttributeError):
        raise RunFolderError(f"{folder.path}: run.json does not say which model was asked") from None
    keys, known = keys_of(identity), folder.known()
    missing = sum(key not in known for key in keys)
    if missing:
        raise RunFolderError(
            f"{missing} of {len(keys)} prompts have no answer yet: culturescope resume {folder.path} goes on with them"
        )
    rows = [known[key] for key in keys]
    for row, one in zip(rows, asked, strict=True):
        if found := fault(row, one):
            raise RunFolderError(
                f"{folder.path / SAMPLES_NAME}: the sample {row['key'][:40]} was changed: {found}; remove its line and resume, "
                "and its prompt is asked again"
            )
    return rows
