"""The ledger of a survey: how every reply was read, by item and persona; what personas change of it, and what they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from culturescope.probing.replies import CATEGORIES
from culturescope.probing.results import Estimate
from culturescope.probing.survey_answers import SurveyAnswer
from culturescope.probing.survey_results import Instrument, LedgerRow, RefusalChange, Share, Unmoved
from culturescope.stats import wilson
from culturescope.stats.persona_audit import rate_change

Kind = Literal["basic", "advanced"]


def ledger(answers: Sequence[SurveyAnswer], items: Sequence[str]) -> tuple[LedgerRow, ...]:
    """The rows of each instrument and persona: all items together first, then one by one. Every reply is counted."""
    groups = dict.fromkeys((a.instrument, a.persona) for a in answers)
    rows = []
    for instrument, persona in groups:
        mine = [a for a in answers if (a.instrument, a.persona) == (instrument, persona)]
        rows.append(_row(mine, None, persona, instrument))
        rows += [
            _row(found, item, persona, instrument)
            for item in items
            if (found := [a for a in mine if a.item == item])
        ]
    return tuple(rows)


def unmoved(answers: Sequence[SurveyAnswer]) -> tuple[Unmoved, ...]:
    """The share of answers that stay the same under every persona, for each instrument with two personas or more.

    An answer is a question in one form and repeat; no persona counts as one of them. Values of replies are compared as
    they are, expectations of options to the nearest code. `neutral` counts those that are in the middle under every one.
    """
    found = []
    for instrument in dict.fromkeys(a.instrument for a in answers):
        mine = [a for a in answers if a.instrument == instrument]
        personas = list(dict.fromkeys(a.persona for a in mine))
        if len(personas) < 2:
            continue
        asked: dict[tuple[str, int, bool, bool, int], list[SurveyAnswer]] = {}
        for a in mine:
            asked.setdefault((a.question, a.wording, a.turned, a.number_only, a.repeat), []).append(a)
        whole = [
            same
            for same in asked.values()
            if len(same) == len(personas) and all(a.value is not None for a in same)
        ]
        kept = sum(len({_compared(a) for a in same}) == 1 for same in whole)
        middle = sum(all(a.category == "neutral" for a in same) for same in whole)
        found.append(
            Unmoved(
                instrument=instrument,
                personas=len(personas),
                same=share(kept, len(whole)) if whole else None,
                neutral=share(middle, len(whole)) if whole and instrument == "text" else None,
            )
        )
    return tuple(found)


def refusal_changes(answers: Sequence[SurveyAnswer], kinds: Mapping[str, Kind]) -> tuple[RefusalChange, ...]:
    """Refusals among free replies under each persona against none; first all personas of a kind, where there are several.

    Args:
        answers: of a survey.
        kinds: persona id to its kind.
    """
    free = [a for a in answers if a.instrument == "text"]
    refused = Counter(a.persona for a in free if a.category == "refused")
    asked = Counter(a.persona for a in free)
    found = []
    for kind in dict.fromkeys(kinds.values()):
        mine = [name for name in kinds if kinds[name] == kind and asked[name]]
        groups: list[tuple[str | None, list[str]]] = [(None, mine)] if len(mine) > 1 else []
        for persona, names in groups + [(name, [name]) for name in mine]:
            if not asked[None]:
                continue
            before = (refused[None], asked[None])
            after = (sum(refused[n] for n in names), sum(asked[n] for n in names))
            change = rate_change(before, after).difference
            if change.value is None or change.low is None or change.high is None:
                continue
            found.append(
                RefusalChange(
                    persona=persona,
                    persona_kind=kind,
                    without=share(*before),
                    under=share(*after),
                    change=Estimate(value=change.value, low=change.low, high=change.high),
                )
            )
    return tuple(found)


def share(count: int, of: int) -> Share:
    """A share with its Wilson interval.

    Raises:
        ValueError: of nothing.
    """
    low, high = wilson(count, of)
    return Share(count=count, of=of, value=count / of, low=low, high=high)


def _row(
    answers: Sequence[SurveyAnswer], item: str | None, persona: str | None, instrument: Instrument
) -> LedgerRow:
    counted = Counter(a.category for a in answers)
    masses = [a.mass for a in answers if a.mass is not None]
    return LedgerRow(
        item=item,
        persona=persona,
        instrument=instrument,
        replies=len(answers),
        mean_mass=float(np.mean(masses)) if masses else None,
        **{category: share(counted[category], len(answers)) for category in CATEGORIES},
    )


def _compared(answer: SurveyAnswer) -> float | None:
    if answer.value is None or answer.instrument == "text":
        return answer.value
    return float(np.floor(answer.value + 0.5))
