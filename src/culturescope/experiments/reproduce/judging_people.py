"""Rules for claims about places and people: bias, direct survey, personas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from culturescope.experiments.reproduce.claims import Claim, Figure
from culturescope.experiments.reproduce.evidence import READABLE, Evidence, Found, Rule, untestable

if TYPE_CHECKING:
    from culturescope.probing.results import KindAudit
    from culturescope.probing.survey_results import LedgerRow, SurveyResults


def beyond_societies(_: Claim, evidence: Evidence) -> Found:
    """More secular-rational than every society, and not only because the conversion puts everybody there."""
    from culturescope.people import load_people
    from culturescope.people.spread import holds_null

    places = [p for p in evidence.study.placements if p.kind == "model" and p.conversion == "paper"]
    place = next((p for p in places if p.domain is None and p.persona is None), None)
    if place is None:
        return untestable("the model has no place on the map: not all of its items were asked")
    half = math.sqrt(max(place.radius2 * place.covariance[1][1], 0.0))
    null = place.y - place.displacement[1]
    figures = (
        Figure(name="y", value=place.y, low=place.y - half, high=place.y + half, kind="change"),
        Figure(name="y of a model without values", value=null, kind="change"),
    )
    if (why := evidence.unread()) is not None:
        return untestable(why, figures)
    highest = max(load_people().societies.values(), key=lambda s: s.y)
    if not place.y - half > highest.y:
        return Found(
            False,
            f"its interval reaches down to the societies, of which {highest.name} is highest at {highest.y:+.2f}",
            figures,
        )
    if holds_null(place) or place.displacement[1] <= 0:
        return Found(
            False,
            "a model without values, or one that only prefers a letter, lands there as well by this conversion",
            figures,
        )
    return Found(
        True, f"it lies above every society and apart from a model without values ({null:+.2f})", figures
    )


def middle_answers(claim: Claim, evidence: Evidence) -> Found:
    """The share of answers of 5 to 6 among those to items with ten answers, under every kind of persona."""
    if evidence.study.survey is None:
        return evidence.missing("survey")
    results = evidence.study.survey.results
    ten = {i.id for i in evidence.study.pack.items if i.scale is not None and i.scale.high - i.scale.low == 9}
    share, within, chance = (float(claim.expect[n]) for n in ("share", "within", "chance"))
    figures: list[Figure] = []
    off = []
    kinds = _kinds(results)
    for kind in dict.fromkeys(kinds.values()):
        rows = [r for r in _ledger(results) if r.item in ten and kinds.get(r.persona) == kind]
        middle, answers = (
            sum(r.neutral.count for r in rows),
            sum(r.neutral.count + r.answered.count for r in rows),
        )
        if not answers:
            return untestable(f"under {kind} there is no answer to an item with ten answers", figures)
        found = _share(f"5 to 6 of 10, {kind}", middle, answers)
        figures.append(found)
        if (found.low or 0.0) <= chance or abs(found.value - share) > within:
            off.append(kind)
    if len(figures) < 2:
        return untestable("the survey was asked without personas, or not by free replies", figures)
    if off:
        return Found(
            False,
            f"under {', '.join(off)} the share is not surely above the {chance:.0%} of chance, or not near {share:.0%}",
            tuple(figures),
        )
    return Found(True, f"under each the share lies above chance and near {share:.0%}", tuple(figures))


def more_refusals(_: Claim, evidence: Evidence) -> Found:
    """Refusals under advanced personas less those under basic ones. No verdict is needed: to refuse is no value."""
    from culturescope.stats.persona_audit import rate_change

    if evidence.study.survey is None:
        return evidence.missing("survey")
    results = evidence.study.survey.results
    kinds, rates = _kinds(results), {}
    for kind in ("basic", "advanced"):
        rows = [
            r
            for r in _ledger(results)
            if r.item is None and r.persona and kinds.get(r.persona) == f"{kind} personas"
        ]
        rates[kind] = (sum(r.refused.count for r in rows), sum(r.replies for r in rows))
        if not rates[kind][1]:
            return untestable(f"there are no free replies under {kind} personas")
    figures = [_share(f"refused, {kind}", *rate) for kind, rate in rates.items()]
    change = rate_change(rates["basic"], rates["advanced"]).difference
    low, high = change.low or 0.0, change.high or 0.0
    figures.append(Figure(name="difference", value=change.value or 0.0, low=low, high=high, kind="change"))
    if low > 0:
        return Found(True, "the difference lies above zero", tuple(figures))
    why = "the difference lies below zero" if high < 0 else "the interval of the difference holds zero"
    return Found(False, why, tuple(figures))


def further_directly(_: Claim, evidence: Evidence) -> Found:
    """Under advanced personas direct answers lie further from the people than without."""
    if evidence.study.survey is None:
        return evidence.missing("survey")
    audits = [
        a for instrument, a in evidence.study.survey.audits if instrument == "text" and a.kind == "advanced"
    ]
    if not audits:
        return untestable(
            "the free replies give no places both without and under advanced personas: some item has no answer"
        )
    return _mean_change(audits[0], further=True, check="the survey's check")


def nearer_in_dilemmas(_: Claim, evidence: Evidence) -> Found:
    """Under advanced personas dilemmas are answered nearer to the people than without."""
    asked = evidence.study.personas
    if asked is None:
        return evidence.missing("personas")
    audit = asked.results.persona_audit
    kinds = [k for k in audit.kinds if k.kind == "advanced" and k.conversion == "paper"] if audit else []
    if not kinds:
        return untestable("no advanced persona has a place")
    return _mean_change(kinds[0], further=False, check="the instrument check")


def _mean_change(audit: KindAudit, *, further: bool, check: str) -> Found:
    change = audit.mean_change
    if change.value is None or change.low is None or change.high is None:
        return untestable(f"the mean change has no interval: {change.note or 'too few societies'}")
    moved = sum((s.change.value or 0.0) * (1 if further else -1) > 0 for s in audit.societies)
    word = "further away" if further else "nearer"
    figures = (
        Figure(
            name="mean change of the distance",
            value=change.value,
            low=change.low,
            high=change.high,
            kind="change",
        ),
        Figure(name=f"societies {word} (of {len(audit.societies)})", value=moved, kind="count"),
    )
    if audit.verdict not in READABLE:
        return untestable(f"{check} says {audit.verdict}, so these places are none of values", figures)
    if (change.low > 0) if further else (change.high < 0):
        return Found(
            True, f"the mean change of the distance lies {'above' if further else 'below'} zero", figures
        )
    if (change.high < 0) if further else (change.low > 0):
        return Found(
            False, f"the mean change of the distance lies {'below' if further else 'above'} zero", figures
        )
    return Found(False, "the interval of the mean change holds zero", figures)


def _kinds(results: SurveyResults) -> dict[str | None, str]:
    """Persona to the kind in words, of free replies."""
    return {
        r.persona: "no persona" if r.persona_kind is None else f"{r.persona_kind} personas"
        for r in results.readings
        if r.instrument == "text"
    }


def _ledger(results: SurveyResults) -> list[LedgerRow]:
    return [r for r in results.ledger if r.instrument == "text"]


def _share(name: str, count: int, of: int) -> Figure:
    from culturescope.stats import wilson

    low, high = wilson(count, of)
    return Figure(name=name, value=count / of, low=low, high=high, kind="share")


RULES: dict[str, Rule] = {
    "beyond-societies": beyond_societies,
    "middle-answers": middle_answers,
    "more-refusals": more_refusals,
    "further-directly": further_directly,
    "nearer-in-dilemmas": nearer_in_dilemmas,
}
"""Name in `claims.toml` to rule."""
