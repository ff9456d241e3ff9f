"""From a reading to what its page shows: the words of the instrument, and its places on the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from culturescope.instrument import Pack
from culturescope.probing.personas import personas_of
from culturescope.probing.reading import verdicts_of
from culturescope.probing.results import Results
from culturescope.probing.scores import Scores, score_samples
from culturescope.probing.tasks import probe_rows

if TYPE_CHECKING:
    from culturescope.page import MapFigure, Report
    from culturescope.people import Calibration, Conversion, Placement

CONVERSIONS: tuple[Conversion, ...] = ("anchored", "paper")


def make_report(
    results: Results,
    run: Mapping[str, Any],
    samples: Sequence[Mapping[str, Any]],
    pack: Pack,
    *,
    seed: int = 42,
) -> Report:
    """Everything that a page shows, in the page's own words."""
    from culturescope.page import AxisText, ItemText, PackText, Report

    return Report(
        results=results,
        run=run,
        items=[ItemText(i.id, i.axis, i.label, i.negative, i.positive) for i in pack.items],
        axes=[AxisText(a.id, a.name, a.negative, a.positive) for a in pack.axes],
        samples=samples,
        map=map_of(results, samples, str(run["model"].get("name") or "the model"), pack, seed=seed),
        scenarios={
            s.id: s.model_dump(include={"situation", "positive", "negative", "note", "tags"})
            for s in pack.scenarios
        },
        pack=None if pack.societies else PackText(pack.name, pack.language, pack.licence, pack.source),
    )


def places_of(
    results: Results,
    samples: Sequence[Mapping[str, Any]],
    label: str,
    *,
    conversions: Sequence[Conversion] = CONVERSIONS,
    domains: Sequence[str | None] = (None,),
    calibration: Calibration | None = None,
    seed: int = 42,
) -> list[Placement]:
    """The places of a probe, each conversion's nulls first.

    Args:
        results: of the probe; its verdicts decide what may be said of a place.
        samples: rows of `samples.jsonl`; those of the probe without persona count.
        label: name of the model.
        conversions: how scores become item values.
        domains: domains to place on their own; None is the place over all of them.
        calibration: k and intercept for `anchored`; `paper` has none.
        seed: of the draws for the nearest societies.

    Raises:
        BadInputError: an item of the map was not asked (in one of the domains), or a domain is unknown.
    """
    from culturescope.people import nulls, place

    probed = probe_rows(samples)
    scores = score_samples(probed)
    found: list[Placement] = []
    for conversion in conversions:
        line = calibration if conversion == "anchored" else None
        places: list[Placement] = []
        for domain in domains:
            shares = _shares_of_a(scores, probed, domain)
            uniform, always_a = nulls(conversion, domain=domain, positive_a=shares, calibration=line)
            found.append(uniform)
            # In single orders the always-A null depends on the run's draw of orders; by `anchored` also on how large the bias
            # is, so its place is unknown.
            if shares is None:
                found.append(always_a)
            elif conversion == "paper":
                found.append(always_a.model_copy(update={"run": label}))
            places.append(
                place(
                    scores,
                    label=label,
                    verdicts=verdicts_of(results),
                    conversion=conversion,
                    domain=domain,
                    positive_a=shares,
                    calibration=line,
                    seed=seed,
                )
            )
        found += places
    return found


def persona_places_of(
    results: Results,
    samples: Sequence[Mapping[str, Any]],
    label: str,
    *,
    conversions: Sequence[Conversion] = CONVERSIONS,
    domains: Sequence[str | None] = (None,),
    calibration: Calibration | None = None,
    seed: int = 42,
) -> list[Placement]:
    """The places of a probe under personas of societies; none where it was asked without.

    Arguments and errors are those of `places_of`; its verdicts count for personas as well.
    """
    from culturescope.people import load_people, place

    names = {s.code: s.name for s in load_people().societies.values()}
    found: list[Placement] = []
    for persona in personas_of(samples):
        probed = probe_rows(samples, persona)
        scores, first = score_samples(probed), probed[0]
        kind, society = first["persona_kind"], first["society"]
        partial = ", partial" if first.get("persona_missing") else ""
        found += [
            place(
                scores,
                label=f"{label} as {names.get(society, society)} ({kind}{partial})",
                verdicts=verdicts_of(results),
                conversion=conversion,
                domain=domain,
                positive_a=_shares_of_a(scores, probed, domain),
                calibration=calibration if conversion == "anchored" else None,
                seed=seed,
            ).model_copy(update={"persona": kind, "society": society})
            for conversion in conversions
            for domain in domains
        ]
    return found


def map_of(
    results: Results, samples: Sequence[Mapping[str, Any]], label: str, pack: Pack, *, seed: int = 42
) -> MapFigure | None:
    """The map of one reading for its page; None where the pack has no societies or not all items were asked."""
    from culturescope.page import figure_of

    asked = {row["item"] for row in probe_rows(samples)}
    if pack.societies is None or not set(pack.item_ids) <= asked:
        return None
    places = places_of(results, samples, label, seed=seed)
    return figure_of(places + persona_places_of(results, samples, label, seed=seed))


def _shares_of_a(
    scores: Scores, rows: Sequence[Mapping[str, Any]], domain: str | None
) -> dict[str, float] | None:
    """By item, in how many of the prompts the positive pole stood at A; None where both orders were asked."""
    if scores.b is not None:
        return None
    asked: dict[str, dict[str, list[bool]]] = {}
    for row in rows:
        if domain in (None, row["domain"]):
            at_a = asked.setdefault(row["item"], {}).setdefault(row["domain"], [])
            at_a.append(row["order"] == "positive-A")
    # Domains weigh equally in an item, as in its mean.
    return {item: sum(sum(a) / len(a) for a in by.values()) / len(by) for item, by in asked.items()}
