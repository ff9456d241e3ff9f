"""Which blocks to steer: each alone, by the signed change it makes on scenarios that the vector has not seen.

The signed change is (d(+alpha) - d(-alpha)) / 2, the paper's differential. Beside it stand, at every block, the bands of
random vectors of the same norm and of vectors fitted on shuffled labels. Choosing the best of many blocks favours chance;
so the best block's change is compared with the largest change that random and shuffled vectors reach at any block, and the
chosen blocks are reported on scenarios that chose nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from culturescope.experiments.steer.controls import MEASURED_FEW
from culturescope.experiments.steer.gauge import Gauge, Signed
from culturescope.experiments.steer.measuring import change_of
from culturescope.experiments.steer.parts import Parts
from culturescope.experiments.steer.results import drawn_estimate
from culturescope.experiments.steer.search_null import (
    MEASURED_CONTROLS,
    Null,
    most_by_chance,
    null_of,
    report_controls,
    weights_of,
)
from culturescope.experiments.steer.search_plan import RANDOM_VECTORS, Group, SearchPlan, groups_of
from culturescope.experiments.steer.search_results import (
    BlockEffect,
    Choice,
    ItemEffect,
    Search,
    agreement_of,
)
from culturescope.experiments.steer.search_texts import texts_of
from culturescope.experiments.steer.shuffles import shuffled_vectors
from culturescope.experiments.steer.stages import Stages
from culturescope.instrument import Pack, Scenario
from culturescope.prompts import Template
from culturescope.stats.resampling import random_band
from culturescope.steering.fitting import fit, random_like, texts_sha256

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel
    from culturescope.models.resuming import Change
    from culturescope.steering.vector import SteeringVector

__all__ = ["RANDOM_VECTORS", "SearchPlan", "Searched", "alphas_of", "merged", "search"]

Floats = NDArray[np.float64]
FORMAT = 1
"""Of the stages: raised when the same plan would be measured in another way."""


@dataclass(frozen=True, eq=False)
class Searched:
    """A search with its vectors: (axis or item to vector over all blocks, axis or item to what was found)."""

    vectors: dict[str, SteeringVector]
    found: dict[str, Search]


def search(
    model: CausalModel,
    parts: Parts,
    pack: Pack,
    templates: Sequence[Template],
    plan: SearchPlan,
    *,
    batch_size: int = 8,
    stages: Stages | None = None,
    progress: Callable[[str], Any] | None = None,
) -> Searched:
    """Fits vectors of axes or items on `parts.fit`, chooses blocks on `parts.choose`, reports on `parts.report`.

    Args:
        model: white-box, unsteered.
        parts: scenarios by what they are for.
        pack: the instrument.
        templates: wordings.
        plan: what is searched, and how.
        batch_size: prompts recorded together.
        stages: where measurements are kept, so that a search that is stopped can go on; nowhere by default.
        progress: told what is being done.

    Raises:
        BadInputError: an axis or item has too few scenarios in a part, the model is being steered, or the stages are those
            of another search.
    """
    from culturescope.models.resuming import check_unsteered
    from culturescope.steering.extraction import check_blocks

    say = progress or (lambda line: None)
    groups = groups_of(parts, pack, plan)
    check_unsteered(model)
    check_blocks(model, range(len(model.blocks)) if plan.blocks is None else plan.blocks)
    stages = stages or Stages()
    there = stages.begin(_facts(model, groups, pack, templates, plan))
    if there:
        say(f"Going on with the search in {stages.folder}: {there} stages of it are done")
    gauge = Gauge(model, pack, tuple(templates), batch_size, stages)
    vectors, found = {}, {}
    for group in groups:
        vectors[group.label], found[group.label] = _search_group(gauge, group, plan, say)
    return Searched(vectors, found)


def _facts(
    model: CausalModel,
    groups: Sequence[Group],
    pack: Pack,
    templates: Sequence[Template],
    plan: SearchPlan,
) -> dict[str, Any]:
    """All that a search's numbers depend on, but for the batches, which move them by rounding."""
    identity = model.identity.as_dict()
    device = identity.get("device")
    return {
        "format": FORMAT,
        "model": {**identity, "device": device.split(":")[0] if device else None},
        "pack": {"axes": [a.id for a in pack.axes], "items": {i.id: i.axis for i in pack.items}},
        "plan": plan.as_dict(),
        "scenarios": {
            g.label: {
                part: [[s.id, s.item, s.domain, texts_sha256([s])] for s in getattr(g, part)]
                for part in ("fit", "choose", "report")
            }
            for g in groups
        },
        "templates": {t.id: t.sha256 for t in templates},
        **({"exact": True} if getattr(model, "exact", False) else {}),
    }


def _search_group(
    gauge: Gauge, group: Group, plan: SearchPlan, say: Callable[[str], Any]
) -> tuple[SteeringVector, Search]:
    label, choose = group.label, group.choose
    say(f"{label}: reading {len(group.fit)} contrast pairs")
    states = gauge.pairs(group.fit, plan.site, plan.blocks)
    vector = fit(states, label, plan.method)
    blocks, alphas = vector.blocks, alphas_of(vector, plan)
    say(f"{label}: slopes on {len(choose)} scenarios")
    estimate = gauge.slopes(choose)
    first_order = weights_of(choose) @ estimate.of(vector, alphas)

    measured = list(range(len(blocks)))
    if plan.how == "first-order":
        measured = sorted(int(n) for n in np.argsort(-first_order, kind="stable")[: plan.verify])
    say(f"{label}: {len(measured)} blocks, each alone")
    steps = {n: change_of([(vector, alphas[n])], [blocks[n]]) for n in range(len(blocks))}
    alone = gauge.signed([steps[n] for n in measured], choose)
    effects, draws = alone.effects(), alone.draws(plan.seed)
    exact = {n: at for at, n in enumerate(measured)}
    ranked = [measured[at] for at in np.argsort(-effects, kind="stable")]

    say(
        f"{label}: random vectors and shuffled labels at block {blocks[ranked[0]]}, measured beside estimates"
    )
    controls = [random_like(vector, plan.seed + r) for r in range(plan.random)]
    random = null_of(controls, estimate, alphas, ranked[0], MEASURED_CONTROLS, choose, gauge)
    meaningless = shuffled_vectors(states, vector, plan.method, plan.shuffles, plan.seed)
    shuffled = null_of(meaningless, estimate, alphas, ranked[0], MEASURED_FEW, choose, gauge)
    items, by_item = alone.item_effects()
    table = tuple(
        BlockEffect(
            block=block,
            alpha=alphas[n],
            dose=vector.dose(alphas[n], block),
            effect=drawn_estimate(effects[exact[n]], draws[:, exact[n]]) if n in exact else None,
            first_order=float(first_order[n]),
            random_band=random_band(random.by_block[:, n]),
            shuffled_band=random_band(shuffled.by_block[:, n]) if len(meaningless) > 1 else None,
            shuffled_worst=float(np.abs(shuffled.by_block[:, n]).max()),
            items=dict(zip(items, by_item[exact[n]].tolist(), strict=True)) if n in exact else {},
        )
        for n, block in enumerate(blocks)
    )
    best = ranked[: plan.top]
    if plan.joint == "greedy":
        say(f"{label}: adding block to block")
        best = _greedy(steps, ranked[: max(plan.verify, plan.top)], plan.top, gauge, choose)
    say(f"{label}: chosen blocks together, on the scenarios that report")
    reached = float(effects.max())
    found = Search(
        axis=group.axis,
        item=group.item,
        how=plan.how,
        joint=plan.joint,
        blocks=table,
        chosen=tuple(sorted(blocks[n] for n in best)),
        largest_random=most_by_chance(random.largest),
        p_chosen=random.chance(reached),
        control_ratio=random.ratio,
        shuffles=len(meaningless),
        largest_shuffled=most_by_chance(shuffled.largest),
        p_shuffled=shuffled.chance(reached),
        shuffled_ratio=shuffled.ratio,
        rank_agreement=agreement_of(effects, first_order[measured], plan.top),
        choices=_choices(
            vector,
            steps,
            {"best": ranked[:1], "chosen": best, "all": list(steps)},
            meaningless,
            plan,
            gauge,
            group.report,
        ),
        items=_items(alone, [exact[n] for n in best], choose, random, plan.threshold),
    )
    return vector, found


def alphas_of(vector: SteeringVector, plan: SearchPlan) -> list[float]:
    """Raw coefficients, one a block of the vector; 0 where the direction is zero."""
    if plan.alpha is not None:
        return [plan.alpha] * len(vector.blocks)
    return [vector.alpha_for(plan.dose, b) if vector.norm(b) > 0 else 0.0 for b in vector.blocks]


def merged(steps: dict[int, Change], chosen: Sequence[int]) -> Change:
    """One change that makes several steps, each at a block of its own."""
    return {block: step for n in chosen for block, step in steps[n].items()}


def _greedy(
    steps: dict[int, Change],
    candidates: Sequence[int],
    top: int,
    gauge: Gauge,
    choose: Sequence[Scenario],
) -> list[int]:
    """Adds, one after the other, the block that gives the largest signed change together with those chosen."""
    chosen: list[int] = []
    while len(chosen) < min(top, len(candidates)):
        left = [n for n in candidates if n not in chosen]
        together = gauge.signed([merged(steps, [*chosen, n]) for n in left], choose).effects()
        chosen.append(left[int(np.argmax(together))])
    return chosen


def _choices(
    vector: SteeringVector,
    steps: dict[int, Change],
    sets: dict[str, list[int]],
    meaningless: Sequence[SteeringVector],
    plan: SearchPlan,
    gauge: Gauge,
    report: Sequence[Scenario],
) -> tuple[Choice, ...]:
    """Sets of blocks steered together, on the scenarios that report; the chosen one beside its controls there."""
    together = {name: merged(steps, chosen) for name, chosen in sets.items()}
    found = gauge.signed(list(together.values()), report)
    effects, draws, mass, bias = found.effects(), found.draws(plan.seed), found.mass(), found.bias()
    alphas = alphas_of(vector, plan)
    where = {vector.blocks[n]: alphas[n] for n in sets["chosen"]}
    controls = [random_like(vector, plan.seed + 1000 + r) for r in range(plan.random)]
    quality = texts_of(gauge.model, together, plan, gauge.stages)
    random, shuffled = (
        [{b: a * c[b] for b, a in where.items()} for c in drawn] for drawn in (controls, meaningless)
    )
    beside = report_controls(random, shuffled, plan, gauge, report)
    return tuple(
        Choice(
            name=name,
            blocks=tuple(sorted(vector.blocks[n] for n in chosen)),
            effect=drawn_estimate(effects[at], draws[:, at]),
            letter_mass=float(mass[at]),
            mean_abs_b=float(bias[at]),
            quality=quality.get(name, {}),
            **(beside if name == "chosen" else {"random_band": None}),
        )
        for at, (name, chosen) in enumerate(sets.items())
    )


def _items(
    alone: Signed, best: Sequence[int], choosing: Sequence[Scenario], random: Null, threshold: float | None
) -> tuple[ItemEffect, ...]:
    """Largest signed change of every item at the chosen blocks, beside that of random vectors at the blocks that they choose.

    Blocks and items are judged on the same scenarios, so a random vector has its own best blocks chosen on them as well.
    """
    items, effects = alone.item_effects()
    theirs = np.argsort(-random.by_block, axis=1, kind="stable")[:, : len(best)]
    found = []
    for column, item in enumerate(items):
        inside = [n for n, s in enumerate(choosing) if s.item == item]
        weights = weights_of([choosing[n] for n in inside])
        by_vector = np.einsum("s,rsb->rb", weights, random.by_scenario[:, inside])
        effect = float(effects[best, column].max())
        band = most_by_chance(np.take_along_axis(by_vector, theirs, axis=1).max(axis=1))
        limit = band if threshold is None else threshold
        found.append(ItemEffect(item=item, effect=effect, random_band=band, moved=effect > limit))
    return tuple(found)
