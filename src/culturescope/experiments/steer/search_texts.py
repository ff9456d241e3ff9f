"""What steering sets of blocks costs in quality: texts written under each, with either sign, beside unsteered ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from culturescope.experiments.steer.quality import Writing, quality_of, write_rows
from culturescope.experiments.steer.search_plan import SearchPlan
from culturescope.experiments.steer.stages import Stages
from culturescope.experiments.steer.sweep_results import TextQuality
from culturescope.prompts.neutral import neutral_prompts
from culturescope.runs.samples import SampleLog
from culturescope.steering.applying import Edit
from culturescope.steering.vector import Origin, SteeringVector

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel
    from culturescope.models.resuming import Change

TEXTS = "search-texts.jsonl"


def texts_of(
    model: CausalModel, sets: Mapping[str, Change], plan: SearchPlan, stages: Stages
) -> dict[str, dict[str, TextQuality]]:
    """Quality of texts by set of blocks and sign (`+`, `-`); nothing where the plan has no prompts.

    Texts are kept beside the search, so that one that was stopped goes on with them.

    Args:
        model: white-box, unsteered.
        sets: name to the step of its blocks.
        plan: of the search.
        stages: of the search.
    """
    if not plan.quality_prompts:
        return {}
    writing = Writing(
        neutral_prompts(plan.quality_prompts), max_new_tokens=plan.max_new_tokens, seed=plan.seed
    )
    log = None if stages.folder is None else SampleLog(stages.folder / TEXTS)
    plain = write_rows(model, writing, [], log)
    found: dict[str, dict[str, TextQuality]] = {}
    for name, step in sets.items():
        vector = SteeringVector(dict(step), Origin(label="search", method="combined"))
        found[name] = {
            sign: quality_of(write_rows(model, writing, [Edit(vector, factor)], log), plain, seed=plan.seed)
            for sign, factor in (("+", 1.0), ("-", -1.0))
        }
    return found
