"""The audit of personas: from the rows of a run to places with draws, and what these say beside the places of people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from culturescope.experiments.personas import SocietyPersona
from culturescope.instrument import Pack
from culturescope.probing.personas import paired, personas_of
from culturescope.probing.reading import verdicts_of
from culturescope.probing.results import (
    AxisFollowing,
    Figure,
    KindAudit,
    PersonaAudit,
    Results,
    SocietyDistance,
)
from culturescope.probing.scores import Scores, score_samples, sigmoid
from culturescope.probing.tasks import probe_rows

if TYPE_CHECKING:
    from culturescope.people import Conversion
    from culturescope.stats.persona_audit import AxisAudit, Estimate

DRAWS = 4_000
ONE_ORDER = "one order a prompt: a preference for a letter is still in the places"
ONE_WORDING = "one wording of the prompt: what another would change is in no interval"


def audit_personas(
    results: Results,
    samples: Sequence[Mapping[str, Any]],
    personas: Sequence[SocietyPersona],
    pack: Pack,
    *,
    seed: int = 42,
) -> PersonaAudit | None:
    """Audits the personas of a run; None where there are none, or where the map's items were not all asked.

    Each kind is audited by each conversion: distances, slopes and spreads depend on it. Intervals are those of scenarios and
    wordings, drawn together for all personas and for none, on the map as it is fitted.

    Args:
        results: of the run; its verdicts say what may be read.
        samples: rows of `samples.jsonl`.
        personas: with the places of their people.
        pack: the instrument.
        seed: of the draws.

    Raises:
        RunFolderError: samples are missing.
    """
    from culturescope.people import fit_projection

    known = {p.id: p for p in personas}
    asked = [known[name] for name in personas_of(samples) if name in known]
    bare = score_samples(probe_rows(samples)) if asked else None
    if bare is None or pack.societies is None or not set(fit_projection().people.item_ids) <= set(bare.items):
        return None
    found = []
    for kind in dict.fromkeys(p.kind for p in asked):
        chosen = [p for p in asked if p.kind == kind]
        scores = [score_samples(probe_rows(samples, p.id)) for p in chosen]
        conversions: tuple[Conversion, ...] = ("anchored", "paper")
        found += [_audit(results, chosen, scores, bare, conversion, seed) for conversion in conversions]
    return PersonaAudit(kinds=tuple(found))


def _audit(
    results: Results,
    personas: Sequence[SocietyPersona],
    scores: Sequence[Scores],
    bare: Scores,
    conversion: Conversion,
    seed: int,
) -> KindAudit:
    places, draws = _places(scores, bare, conversion, seed)
    caveats = [ONE_ORDER] if bare.b is None else []
    caveats += [ONE_WORDING] if len(bare.columns) == 1 else []
    return kind_audit(personas, places, draws, conversion, verdicts_of(results), caveats)


def kind_audit(
    personas: Sequence[SocietyPersona],
    places: Any,
    draws: Any,
    conversion: Conversion,
    verdicts: Mapping[str, str],
    caveats: Sequence[str] = (),
) -> KindAudit:
    """The audit of S personas of one kind.

    Args:
        personas: with the places of their people.
        places: without persona and under each (1 + S x 2).
        draws: of these places, joint (B x (1 + S) x 2).
        conversion: by which the places were made.
        verdicts: of the axes.
        caveats: to be said beside that of few societies.
    """
    from culturescope.people.placement import lower_verdict
    from culturescope.stats.persona_audit import persona_audit

    people = np.array([[p.x, p.y] for p in personas])
    found = persona_audit(people, places[1:], places[0], draws[:, 1:], draws[:, 0])
    distance = found.distance
    return KindAudit(
        kind=personas[0].kind,
        conversion=conversion,
        verdict=lower_verdict(verdicts),
        without=_pair(places[0]),
        societies=tuple(
            SocietyDistance(
                persona=p.id,
                society=p.society,
                name=p.name,
                partial=bool(p.missing),
                people=(p.x, p.y),
                people_year=p.position_year,
                place=_pair(places[n + 1]),
                distance=distance.with_persona[n],
                distance_without=distance.without[n],
                change=_figure(distance.changes[n]),
            )
            for n, p in enumerate(personas)
        ),
        axes=(_axis("X", found.x, verdicts), _axis("Y", found.y, verdicts)),
        mean_change=_figure(distance.mean_here),
        mean_change_of_such=_figure(distance.mean),
        caveat="; ".join(filter(None, (found.caveat, *caveats))),
    )


def _places(scores: Sequence[Scores], bare: Scores, conversion: Conversion, seed: int) -> tuple[Any, Any]:
    """Places without persona and under each (1 + S, 2), and joint draws of them (draws, 1 + S, 2)."""
    from culturescope.people import conversion_of, fit_projection
    from culturescope.people.joint import joint_means, joint_offsets

    projection = fit_projection()
    lines = conversion_of(conversion, projection)
    ids = projection.people.item_ids
    order = [ids.index(i) for i in sorted(ids)]
    logits = np.stack([bare.d, *(paired(bare, one) for one in scores)])
    rows = [n for n, item in enumerate(bare.items) if item in ids]
    values = (logits if lines.measure == "d" else sigmoid(logits))[:, rows]
    items, cells = [bare.items[n] for n in rows], [bare.cells[n] for n in rows]
    measured = np.empty((len(values), len(ids)))
    measured[:, order] = joint_means(values, items, cells)
    places = projection.project(lines.values(measured))
    loadings = (lines.gain[:, None] * projection.slopes)[order]
    return places, places + joint_offsets(values, items, cells, loadings, DRAWS, seed)


def _axis(axis: Any, found: AxisAudit, verdicts: Mapping[str, str]) -> AxisFollowing:
    return AxisFollowing(
        axis=axis,
        verdict=verdicts.get(axis, "not checked"),
        slope=_figure(found.slope),
        r2=_figure(found.r2),
        spread_ratio=_figure(found.spread_ratio),
        spread_ratio_less_noise=_figure(found.spread_ratio_less_noise),
    )


def _figure(found: Estimate) -> Figure:
    return Figure(value=found.value, low=found.low, high=found.high, note=found.note)


def _pair(place: Any) -> tuple[float, float]:
    return float(place[0]), float(place[1])
