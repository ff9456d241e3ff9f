"""The audit of personas by their survey answers: do the places under personas follow those of their people?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from culturescope.experiments.persona_audit import DRAWS, kind_audit
from culturescope.experiments.personas import SocietyPersona
from culturescope.probing.survey_results import SurveyAudit, SurveyReading, SurveyResults

Floats = NDArray[np.float64]
WORDINGS = "intervals are over {} wordings, whose spread is known roughly"
MISSING = "answers that are missing are left out: the bands say what they could change"


def survey_audits(
    results: SurveyResults, personas: Sequence[SocietyPersona], *, seed: int = 42
) -> tuple[SurveyAudit, ...]:
    """Audits each kind of persona by each instrument; personas without a place are left out, as are kinds without any.

    Wordings are drawn anew for each item, the same ones for all personas and for none. The verdict of an axis is the lowest
    one among the readings that are held against each other.

    Args:
        results: of the survey.
        personas: with the places of their people.
        seed: of the draws.
    """
    found = []
    for instrument in dict.fromkeys(r.instrument for r in results.readings):
        placed = {r.persona: r for r in results.readings if r.instrument == instrument and _placed(r)}
        if None not in placed:
            continue
        for kind in dict.fromkeys(p.kind for p in personas):
            chosen = [p for p in personas if p.kind == kind and p.id in placed]
            if not chosen:
                continue
            readings = [placed[None], *(placed[p.id] for p in chosen)]
            places, draws = _places(readings, seed)
            caveats = [WORDINGS.format(len(readings[0].items[0].consistency.wordings))]
            caveats += [MISSING] if any(r.answered < 1 for r in readings) else []
            audit = kind_audit(chosen, places, draws, "paper", _lowest(readings), caveats)
            found.append(SurveyAudit(instrument=instrument, audit=audit))
    return tuple(found)


def _placed(reading: SurveyReading) -> bool:
    from culturescope.people import fit_projection

    known = {v.item for v in reading.items if v.mean is not None}
    return known >= set(fit_projection().people.item_ids)


def _lowest(readings: Sequence[SurveyReading]) -> dict[str, str]:
    from culturescope.people.placement import VERDICTS

    said = [{a.axis: str(a.verdict) for a in r.axes} for r in readings]
    return {axis: min((one[axis] for one in said), key=VERDICTS.index) for axis in said[0]}


def _places(readings: Sequence[SurveyReading], seed: int) -> tuple[Floats, Floats]:
    """Places (R x 2) and joint draws of them (DRAWS x R x 2)."""
    from culturescope.people import fit_projection

    projection = fit_projection()
    ids = projection.people.item_ids
    by_item = [{v.item: v for v in r.items} for r in readings]
    means = np.array([[of[i].mean.value for i in ids] for of in by_item])  # type: ignore[union-attr]
    values = np.array([[of[i].consistency.wordings for i in ids] for of in by_item], dtype=float)
    off = np.nan_to_num(values - np.nanmean(values, axis=2, keepdims=True))
    count = values.shape[2]
    rng = np.random.default_rng(seed)
    shares = rng.multinomial(count, np.full(count, 1 / count), size=(DRAWS, len(ids))) / count
    # Means of W values drawn from W have (W - 1) / W of the variance of the mean's error.
    moved = np.einsum("biw,riw->bri", shares, off) * np.sqrt(count / (count - 1))
    places = np.array([projection.project(m) for m in means])
    return places, places + moved @ projection.slopes
