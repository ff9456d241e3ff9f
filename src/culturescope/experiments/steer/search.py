"""Which blocks to steer: each alone, by the signed change it makes on scenarios that the vector has not seen.

The signed change is (d(+alpha) - d(-alpha)) / 2, the paper's differential. Beside it stand, at every block, the band of
random vectors of the same norm and the change by a vector fitted on shuffled labels. Choosing the best of many blocks
favours chance; so the chosen blocks' change is compared with the largest change that random vectors reach at any block,
and reported on scenarios that chose nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.experiments.steer.measuring import Measured, change_of, measure
from culturescope.experiments.steer.parts import Parts
from culturescope.experiments.steer.results import (
    BlockEffect,
    Choice,
    ItemEffect,
    Search,
    agreement_of,
    drawn_estimate,
)
from culturescope.experiments.steer.slopes import Slopes, slopes
from culturescope.instrument import Pack, Scenario
from culturescope.prompts import Template
from culturescope.stats.resampling import balanced_weights, random_band
from culturescope.steering.fitting import PairStates, as_long_as, fit, random_like, read_pairs, shuffled

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel
    from culturescope.models.resuming import Change
    from culturescope.steering.vector import SteeringVector

Floats = NDArray[np.float64]
RANDOM_VECTORS = 20
MEASURED_CONTROLS = 10
"""Random vectors that are measured at the best block, to see how far their estimate can be trusted."""


@dataclass(frozen=True)
class SearchPlan:
    """What a search does.

    Args:
        axes: ids of the axes whose vectors are searched.
        dose: step at every block in units of the median |h| there, unless `alpha` is given.
        alpha: raw coefficient for all blocks instead.
        method: of the fit.
        site: of the contrast texts.
        top: number of blocks that are steered together (the paper takes four).
        how: `exact` measures every block; `first-order` measures only the `verify` best by estimate.
        joint: `top` takes the best blocks each alone, `greedy` adds the block that helps most to those chosen.
        verify: blocks measured exactly after a first-order search.
        random: random vectors at every block.
        threshold: signed change of d from which an item counts as moved; what random vectors reach by default.
        blocks: only these blocks; all by default.
        seed: of random vectors, shuffled labels and bootstrap.
    """

    axes: tuple[str, ...] = ("Y", "X")
    dose: float = 0.1
    alpha: float | None = None
    method: str = "mean-difference"
    site: str = "option-text"
    top: int = 4
    how: Literal["exact", "first-order"] = "exact"
    joint: Literal["top", "greedy"] = "top"
    verify: int = 8
    random: int = RANDOM_VECTORS
    threshold: float | None = None
    blocks: tuple[int, ...] | None = None
    seed: int = 42

    def __post_init__(self) -> None:
        """Refuses values that cannot be meant.

        Raises:
            BadInputError: a number out of range.
        """
        if not 0 < self.dose <= 1 or (self.alpha is not None and not 0 < self.alpha <= 10):
            raise BadInputError(
                f"the dose lies above 0 and at most at 1, alpha at most at 10, not {self.dose}, {self.alpha}"
            )
        if self.threshold is not None and not 0 <= self.threshold < float("inf"):
            raise BadInputError(f"a threshold is a change of d of 0 or more, not {self.threshold}")
        if self.top < 1 or self.verify < self.top or self.random < RANDOM_VECTORS:
            raise BadInputError(
                f"a search needs at least one block to choose, as many to verify, and {RANDOM_VECTORS} random vectors"
            )


@dataclass(frozen=True, eq=False)
class Searched:
    """A search with its vectors: (axis to vector over all blocks, axis to what was found)."""

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
    progress: Callable[[str], Any] | None = None,
) -> Searched:
    """Fits the axes' vectors on `parts.fit`, chooses blocks on `parts.choose`, reports on `parts.report`.

    Raises:
        BadInputError: an axis has no scenarios in a part, or the model is being steered.
    """
    say = progress or (lambda line: None)
    vectors, found = {}, {}
    for axis in plan.axes:
        chosen = {
            name: [s for s in getattr(parts, name) if pack.axis_of(s) == axis]
            for name in ("fit", "choose", "report")
        }
        for name, members in chosen.items():
            if len(members) < 2:
                raise BadInputError(
                    f"axis {axis} has {len(members)} scenarios to {name}, at least two are needed"
                )
        say(f"{axis}: reading {len(chosen['fit'])} contrast pairs")
        states = read_pairs(
            model, chosen["fit"], where=plan.site, blocks=plan.blocks, split="optimise", batch_size=batch_size
        )
        vector = fit(states, axis, plan.method)
        say(f"{axis}: slopes on {len(chosen['choose'])} scenarios")
        estimate = slopes(model, chosen["choose"], templates, batch_size=batch_size)

        def signed(changes: Sequence[Change], on: str, members: dict[str, list[Scenario]] = chosen) -> Signed:
            both = [{b: sign * v for b, v in change.items()} for change in changes for sign in (1.0, -1.0)]
            return Signed(measure(model, members[on], both, pack, templates, batch_size=batch_size))

        vectors[axis] = vector
        found[axis] = _search_axis(states, vector, estimate, chosen["choose"], signed, plan, say)
    return Searched(vectors, found)


@dataclass(frozen=True, eq=False)
class Signed:
    """Changes measured with both signs, on scenarios of one axis.

    Args:
        measured: change n with + at 2n, with - at 2n + 1.
    """

    measured: Measured

    def effects(self) -> Floats:
        """Signed change (d(+) - d(-)) / 2 of every change (changes)."""
        means = self.measured.means()[:, self._axis]
        effects: Floats = (means[0::2] - means[1::2]) / 2
        return effects

    def draws(self, seed: int) -> Floats:
        """Bootstrap of `effects` over scenarios (resamples, changes)."""
        drawn = self.measured.draws(seed=seed)[:, :, self._axis]
        halves: Floats = (drawn[:, 0::2] - drawn[:, 1::2]) / 2
        return halves

    def item_effects(self) -> tuple[tuple[str, ...], Floats]:
        """Items, and the signed change of each (changes, items)."""
        items, means = self.measured.item_means()
        return items, (means[0::2] - means[1::2]) / 2

    def mass(self) -> Floats:
        """Letter mass, the lower of both signs (changes)."""
        by_change = self.measured.mass.mean(axis=(1, 2))
        lower: Floats = np.minimum(by_change[0::2], by_change[1::2])
        return lower

    def bias(self) -> Floats:
        """Mean |b|, the higher of both signs (changes)."""
        by_change = np.abs(self.measured.b).mean(axis=(1, 2))
        higher: Floats = np.maximum(by_change[0::2], by_change[1::2])
        return higher

    @property
    def _axis(self) -> int:
        return int(self.measured.axis[0])


Measure = Callable[[Sequence["Change"], str], Signed]


def _search_axis(
    states: PairStates,
    vector: SteeringVector,
    estimate: Slopes,
    choosing: Sequence[Scenario],
    signed: Measure,
    plan: SearchPlan,
    say: Callable[[str], Any],
) -> Search:
    axis, blocks = vector.origin.label, vector.blocks
    alphas = alphas_of(vector, plan)
    weights = balanced_weights([s.item for s in choosing], [f"{s.item}/{s.domain}" for s in choosing])
    first_order = weights @ estimate.of(vector, alphas)
    controls = [random_like(vector, plan.seed + r) for r in range(plan.random)]
    null_items = np.stack([estimate.of(control, alphas) for control in controls])
    meaningless = as_long_as(vector, fit(shuffled(states, plan.seed), axis, plan.method))
    by_shuffled = weights @ estimate.of(meaningless, alphas)

    measured = list(range(len(blocks)))
    if plan.how == "first-order":
        measured = sorted(int(n) for n in np.argsort(-first_order)[: plan.verify])
    say(f"{axis}: {len(measured)} blocks, each alone")
    steps = {n: change_of([(vector, alphas[n])], [blocks[n]]) for n in range(len(blocks))}
    alone = signed([steps[n] for n in measured], "choose")
    effects, draws = alone.effects(), alone.draws(plan.seed)
    exact = {n: at for at, n in enumerate(measured)}
    ranked = [measured[at] for at in np.argsort(-effects, kind="stable")]
    say(f"{axis}: random vectors at block {blocks[ranked[0]]}, measured beside their estimate")
    null = np.einsum("s,rsb->rb", weights, null_items)
    ratio = _control_ratio(null[:, ranked[0]], controls, blocks[ranked[0]], alphas[ranked[0]], signed)
    null, null_items = max(1.0, ratio) * null, max(1.0, ratio) * null_items
    items, by_item = alone.item_effects()
    table = tuple(
        BlockEffect(
            block=block,
            alpha=alphas[n],
            dose=vector.dose(alphas[n], block),
            effect=drawn_estimate(effects[exact[n]], draws[:, exact[n]]) if n in exact else None,
            first_order=float(first_order[n]),
            random_band=random_band(null[:, n]),
            shuffled=float(by_shuffled[n]),
            items=dict(zip(items, by_item[exact[n]].tolist(), strict=True)) if n in exact else {},
        )
        for n, block in enumerate(blocks)
    )
    best = ranked[: plan.top]
    if plan.joint == "greedy":
        say(f"{axis}: adding block to block")
        best = _greedy(steps, ranked[: max(plan.verify, plan.top)], plan.top, signed)
    largest = null.max(axis=1)
    say(f"{axis}: chosen blocks together, on the scenarios that report")
    return Search(
        axis=axis,
        how=plan.how,
        joint=plan.joint,
        blocks=table,
        chosen=tuple(sorted(blocks[n] for n in best)),
        largest_random=float(np.quantile(largest, 0.95)),
        p_chosen=float((1 + (largest >= effects.max()).sum()) / (1 + len(largest))),
        control_ratio=ratio,
        rank_agreement=agreement_of(effects, first_order[measured], plan.top),
        choices=_choices(
            vector, steps, {"best": ranked[:1], "chosen": best, "all": list(steps)}, plan, signed
        ),
        items=_items(alone, [exact[n] for n in best], choosing, null_items[:, :, best], plan.threshold),
    )


def _control_ratio(
    estimated: Floats, controls: Sequence[SteeringVector], block: int, alpha: float, signed: Measure
) -> float:
    """Root mean square of random vectors' changes at a block as measured, over that of their estimates; 1 without a step."""
    few = controls[:MEASURED_CONTROLS]
    usual = float(np.sqrt((estimated[: len(few)] ** 2).mean()))
    if usual == 0:
        return 1.0
    measured = signed([{block: alpha * control[block]} for control in few], "choose").effects()
    return float(np.sqrt((measured**2).mean())) / usual


def alphas_of(vector: SteeringVector, plan: SearchPlan) -> list[float]:
    """Raw coefficients, one a block of the vector; 0 where the direction is zero."""
    if plan.alpha is not None:
        return [plan.alpha] * len(vector.blocks)
    return [vector.alpha_for(plan.dose, b) if vector.norm(b) > 0 else 0.0 for b in vector.blocks]


def _greedy(steps: dict[int, Change], candidates: Sequence[int], top: int, signed: Measure) -> list[int]:
    """Adds, one after the other, the block that gives the largest signed change together with those chosen."""
    chosen: list[int] = []
    while len(chosen) < min(top, len(candidates)):
        left = [n for n in candidates if n not in chosen]
        together = signed([merged(steps, [*chosen, n]) for n in left], "choose").effects()
        chosen.append(left[int(np.argmax(together))])
    return chosen


def merged(steps: dict[int, Change], chosen: Sequence[int]) -> Change:
    """One change that makes several steps, each at a block of its own."""
    return {block: step for n in chosen for block, step in steps[n].items()}


def _choices(
    vector: SteeringVector,
    steps: dict[int, Change],
    sets: dict[str, list[int]],
    plan: SearchPlan,
    signed: Measure,
) -> tuple[Choice, ...]:
    """Sets of blocks steered together, on the scenarios that report; the chosen set beside random vectors there."""
    found = signed([merged(steps, chosen) for chosen in sets.values()], "report")
    effects, draws, mass, bias = found.effects(), found.draws(plan.seed), found.mass(), found.bias()
    alphas = alphas_of(vector, plan)
    where = {vector.blocks[n]: alphas[n] for n in sets["chosen"]}
    controls = [random_like(vector, plan.seed + 1000 + r) for r in range(plan.random)]
    null = signed([{b: a * c[b] for b, a in where.items()} for c in controls], "report").effects()
    return tuple(
        Choice(
            name=name,
            blocks=tuple(sorted(vector.blocks[n] for n in chosen)),
            effect=drawn_estimate(effects[at], draws[:, at]),
            random_band=random_band(null) if name == "chosen" else None,
            letter_mass=float(mass[at]),
            mean_abs_b=float(bias[at]),
        )
        for at, (name, chosen) in enumerate(sets.items())
    )


def _items(
    alone: Signed,
    best: Sequence[int],
    choosing: Sequence[Scenario],
    null: Floats,
    threshold: float | None,
) -> tuple[ItemEffect, ...]:
    """Largest signed change of every item at the chosen blocks, beside the band of the largest by random vectors."""
    items, effects = alone.item_effects()
    found = []
    for column, item in enumerate(items):
        inside = [n for n, s in enumerate(choosing) if s.item == item]
        cells = [f"{choosing[n].item}/{choosing[n].domain}" for n in inside]
        by_vector = np.einsum("s,rsb->rb", balanced_weights([item] * len(inside), cells), null[:, inside])
        effect = float(effects[best, column].max())
        band = float(np.quantile(by_vector.max(axis=1), 0.95))
        limit = band if threshold is None else threshold
        found.append(ItemEffect(item=item, effect=effect, random_band=band, moved=effect > limit))
    return tuple(found)
