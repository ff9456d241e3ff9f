"""From a reading to what its page shows: the words of the instrument, and its places on the map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from culturescope.instrument import Pack
from culturescope.probing.reading import verdicts_of
from culturescope.probing.results import Results
from culturescope.probing.scores import Scores, score_samples
from culturescope.probing.tasks import probe_rows

if TYPE_CHECKING:
    from culturescope.page import MapFigure, Report
    from culturescope.people import Conversion, Placement

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
    from culturescope.page import AxisText, ItemText, Report

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
    )


def places_of(
    results: Results,
    samples: Sequence[Mapping[str, Any]],
    label: str,
    *,
    conversions: Sequence[Conversion] = CONVERSIONS,
    domains: Sequence[str | None] = (None,),
    seed: int = 42,
) -> list[Placement]:
    """The places of a probe, each conversion's nulls first.

    Args:
        results: of the probe; its verdicts decide what may be said of a place.
        samples: rows of `samples.jsonl`; those of the probe without persona count.
        label: name of the model.
        conversions: how scores become item values.
        domains: domains to place on their own; None is the place over all of them.
        seed: of the draws for the nearest societies.

    Raises:
        BadInputError: an item of the map was not asked (in one of the domains), or a domain is unknown.
    """
    from culturescope.people import nulls, place

    probed = probe_rows(samples)
    scores = score_samples(probed)
    found: list[Placement] = []
    for conversion in conversions:
        for domain in domains:
            shares = _shares_of_a(scores, probed, domain)
            uniform, always_a = nulls(conversion, domain=domain, positive_a=shares)
            found.append(uniform)
            # In single orders d of a pure letter bias depends on how large the bias is: its place is unknown.
            if shares is None or conversion == "paper":
                found.append(always_a)
        found += [
            place(
                scores,
                label=label,
                verdicts=verdicts_of(results),
                conversion=conversion,
                domain=domain,
                seed=seed,
            )
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
    return figure_of(places_of(results, samples, label, seed=seed))


def _shares_of_a(
    scores: Scores, rows: Sequence[Mapping[str, Any]], domain: str | None
) -> dict[str, float] | None:
    """By item, in how many of the prompts the positive pole stood at A; None where both orders were asked."""
    if scores.b is not None:
        return None
    asked: dict[str, list[bool]] = {}
    for row in rows:
        if domain in (None, row["domain"]):
            asked.setdefault(row["item"], []).append(row["order"] == "positive-A")
    return {item: sum(at_a) / len(at_a) for item, at_a in asked.items()}
