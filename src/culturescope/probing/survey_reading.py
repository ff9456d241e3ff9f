"""From the samples of a survey to its results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from culturescope.instrument import Pack, load_pack
from culturescope.probing.ledger import ledger, refusal_changes, unmoved
from culturescope.probing.replies import READER
from culturescope.probing.results import Estimate
from culturescope.probing.survey_answers import ItemCells, SurveyAnswer, cells_of, read_answers
from culturescope.probing.survey_check import consistency, judge_axis
from culturescope.probing.survey_results import Instrument, ItemValue, SurveyReading, SurveyResults


def compute_survey(rows: Iterable[Mapping[str, Any]], *, seed: int = 42) -> SurveyResults:
    """Computes everything that a survey shows from its samples alone.

    Args:
        rows: of `samples.jsonl` with part `survey`.
        seed: of the random signs of the check.
    """
    kept = list(rows)
    answers = read_answers(kept)
    pack = load_pack()
    personas = {row["persona"]: row for row in kept}
    groups = dict.fromkeys((a.instrument, a.persona) for a in answers)
    return SurveyResults(
        reader=READER,
        readings=tuple(
            _reading(
                [a for a in answers if (a.instrument, a.persona) == group],
                *group,
                personas[group[1]],
                pack,
                seed,
            )
            for group in groups
        ),
        ledger=ledger(answers, pack.item_ids),
        unmoved=unmoved(answers),
        refusals=refusal_changes(
            answers, {name: row["persona_kind"] for name, row in personas.items() if name is not None}
        ),
    )


def _reading(
    answers: Sequence[SurveyAnswer],
    instrument: Instrument,
    persona: str | None,
    asked_as: Mapping[str, Any],
    pack: Pack,
    seed: int,
) -> SurveyReading:
    cells = cells_of(answers, pack.item_ids)
    up = {i.id: 1.0 if i.positive_end == "high" else -1.0 for i in pack.items}
    axes = []
    for axis in pack.axes:
        items = [i.id for i in pack.items if i.axis == axis.id and i.id in cells]
        if not items:
            continue
        mine = [a for a in answers if a.item in items]
        masses = [a.mass for a in mine if a.mass is not None]
        axes.append(
            judge_axis(
                axis.id,
                [cells[i] for i in items],
                up,
                answered=sum(a.value is not None for a in mine) / len(mine),
                mass=float(np.mean(masses)) if masses else None,
                seed=seed,
            )
        )
    return SurveyReading(
        instrument=instrument,
        persona=persona,
        persona_kind=None if persona is None else asked_as["persona_kind"],
        persona_missing=tuple(asked_as.get("persona_missing") or ()),
        society=asked_as.get("society"),
        replies=len(answers),
        answered=sum(a.value is not None for a in answers) / len(answers),
        items=tuple(item_value(c, up[i]) for i, c in cells.items()),
        axes=tuple(axes),
    )


def item_value(cells: ItemCells, up: float) -> ItemValue:
    """An item's mean with its interval over wordings (t, one less degrees of freedom than wordings), and its band."""
    from scipy.special import stdtrit

    mean, error = cells.value(), cells.error()
    freedom = cells.means.shape[1] - 1
    estimate = None
    if np.isfinite(mean) and np.isfinite(error):
        half = float(stdtrit(freedom, 0.975)) * error
        low, high = (float(e) for e in _ends(cells))
        estimate = Estimate(
            value=mean, low=max(low, mean - half), high=min(high, mean + half), df=float(freedom)
        )
    return ItemValue(
        item=cells.item,
        mean=estimate,
        error=error if estimate else None,
        neutral=cells.value("neutral"),
        lowest=cells.value("lowest"),
        highest=cells.value("highest"),
        consistency=consistency(cells, up),
    )


def _ends(cells: ItemCells) -> tuple[float, float]:
    at = cells.weights[:, None] * cells.ends
    return float(at.min(axis=1).sum()), float(at.max(axis=1).sum())
