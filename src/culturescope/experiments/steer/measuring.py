"""What changes of the residual stream do to a model's value logits, scenario by scenario: the ground of every experiment here.

A change is a mapping of blocks to vectors, added at every token of the prompt; see `models.resuming`. All changes are
measured on the same prompts, each prompt in both orders, so that a constant bias for a letter cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.instrument import Pack, Scenario
from culturescope.prompts import ORDERS, Persona, Template, dilemma
from culturescope.stats.resampling import balanced_weights, resampled_weights

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel
    from culturescope.models.resuming import Change
    from culturescope.steering.vector import SteeringVector

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measured:
    """Answers of one model to the same scenarios under several changes.

    Args:
        axes: ids of the axes, in the pack's order.
        scenarios: (S).
        axis: (S), number of each scenario's axis.
        d: (changes, S, wordings), value logits, positive pole up.
        b: (changes, S, wordings), position bias (logits, towards A).
        mass: (changes, S, wordings), P(A) + P(B), mean over orders.
    """

    axes: tuple[str, ...]
    scenarios: tuple[Scenario, ...]
    axis: NDArray[np.int64]
    d: Floats
    b: Floats
    mass: Floats

    def means(self) -> Floats:
        """Mean d (changes, axes); scenarios weigh equally in a cell (item x domain), cells in an item, items in an axis.

        NaN for an axis without scenarios.
        """
        by_scenario = self.d.mean(axis=2)
        found = np.full((len(by_scenario), len(self.axes)), np.nan)
        for number in range(len(self.axes)):
            inside = self.axis == number
            if inside.any():
                found[:, number] = by_scenario[:, inside] @ balanced_weights(*self._labels(inside))
        return found

    def draws(self, resamples: int = 2000, seed: int = 42) -> Floats:
        """Bootstrap of `means` over scenarios within cells: (resamples, changes, axes), all changes on the same draws."""
        by_scenario = self.d.mean(axis=2)
        found = np.full((resamples, len(by_scenario), len(self.axes)), np.nan)
        for number in range(len(self.axes)):
            inside = self.axis == number
            if not inside.any():
                continue
            drawn = resampled_weights(*self._labels(inside), resamples=resamples, seed=seed + number)
            found[:, :, number] = drawn @ by_scenario[:, inside].T
        return found

    def item_means(self) -> tuple[tuple[str, ...], Floats]:
        """Items, and their mean d (changes, items), domains weighing equally."""
        items = tuple(dict.fromkeys(s.item for s in self.scenarios))
        by_scenario = self.d.mean(axis=2)
        columns = []
        for item in items:
            inside = np.array([s.item == item for s in self.scenarios])
            columns.append(by_scenario[:, inside] @ balanced_weights(*self._labels(inside)))
        return items, np.stack(columns, axis=1)

    def item_draws(self, resamples: int = 2000, seed: int = 42) -> Floats:
        """Bootstrap of the items' means over scenarios: (resamples, changes, items), all changes on the same draws.

        Raises:
            BadInputError: an item has a single scenario, whose spread nobody knows.
        """
        by_scenario = self.d.mean(axis=2)
        columns = []
        for number, item in enumerate(dict.fromkeys(s.item for s in self.scenarios)):
            inside = np.array([s.item == item for s in self.scenarios])
            if inside.sum() < 2:
                raise BadInputError(
                    f"item {item} has one scenario only: an interval on the map needs two an item (a larger limit)"
                )
            drawn = resampled_weights(*self._labels(inside), resamples=resamples, seed=seed + number)
            columns.append(drawn @ by_scenario[:, inside].T)
        return np.stack(columns, axis=2)

    def of(self, changes: Sequence[int] | slice) -> Measured:
        """The same for some of the changes."""
        return Measured(
            self.axes, self.scenarios, self.axis, self.d[changes], self.b[changes], self.mass[changes]
        )

    def among(self, keep: Callable[[Scenario], bool]) -> Measured:
        """The same on some of the scenarios, for example those of one domain."""
        inside = np.array([keep(s) for s in self.scenarios])
        chosen = tuple(s for s, kept in zip(self.scenarios, inside, strict=True) if kept)
        return Measured(
            self.axes, chosen, self.axis[inside], self.d[:, inside], self.b[:, inside], self.mass[:, inside]
        )

    def _labels(self, inside: NDArray[np.bool_]) -> tuple[list[str], list[str]]:
        chosen = [s for s, kept in zip(self.scenarios, inside, strict=True) if kept]
        return [s.item for s in chosen], [f"{s.item}/{s.domain}" for s in chosen]


def measure(
    model: CausalModel,
    scenarios: Sequence[Scenario],
    changes: Sequence[Change],
    pack: Pack,
    templates: Sequence[Template],
    *,
    persona: Persona | None = None,
    batch_size: int = 8,
    rows: int | None = None,
    progress: Callable[[int], Any] | None = None,
) -> Measured:
    """Reads the letters of every scenario, wording and order under every change.

    Args:
        model: white-box, unsteered.
        scenarios: of one or several axes.
        changes: an empty mapping is the unsteered model.
        pack: the instrument, for the axes.
        templates: wordings.
        persona: asked of the model in every prompt.
        batch_size: prompts recorded together; those that share beginnings may be more, within the same number of tokens.
        rows: rows of one resumed pass, see `letters_under`.
        progress: called with the number of prompts done after each batch.

    Raises:
        BadInputError: nothing to measure, or the model is being steered.
    """
    from culturescope.models.batching import read_work
    from culturescope.models.resuming import batches, letters_under, record

    if not scenarios or not changes or not templates:
        raise BadInputError("measuring needs scenarios, wordings and at least one change")
    asked = [
        (s, w, o, dilemma(scenario, template, order, persona))
        for s, scenario in enumerate(scenarios)
        for w, template in enumerate(templates)
        for o, order in enumerate(ORDERS)
    ]
    ids = model.encode([prompt for *_, prompt in asked])
    starts = sorted({min(change) for change in changes if change})
    shape = (len(changes), len(scenarios), len(templates), len(ORDERS))
    gap, mass = np.empty(shape), np.empty(shape)
    unchanged = not all(changes)
    steered = sum(map(bool, changes))
    for chosen in batches(model, ids, batch_size, starts):
        model.work += read_work([ids[n] for n in chosen], steered)
        recorded = record(model, [ids[n] for n in chosen], starts, letters=unchanged)
        letters = letters_under(model, recorded, changes, rows=rows)
        difference = (letters.logits[..., 0] - letters.logits[..., 1]).numpy()
        mass_of = letters.mass.numpy()
        for column, n in enumerate(chosen):
            s, w, o, _ = asked[n]
            gap[:, s, w, o], mass[:, s, w, o] = difference[:, column], mass_of[:, column]
        if progress:
            progress(len(chosen))
    first, second = gap[..., 0], gap[..., 1]  # the positive pole is A, then B
    axes = tuple(a.id for a in pack.axes)
    return Measured(
        axes,
        tuple(scenarios),
        np.array([axes.index(pack.axis_of(s)) for s in scenarios]),
        (first - second) / 2,
        (first + second) / 2,
        mass.mean(axis=-1),
    )


def step_of(
    vector: SteeringVector, *, dose: float | None = None, alpha: float | None = None, scale: float = 1.0
) -> Change:
    """A step along a vector: the same dose at every block (alpha |v| / median |h|), or the same raw coefficient.

    Args:
        vector: with its blocks.
        dose: of every block.
        alpha: raw coefficient instead.
        scale: multiple of the step, negative for the opposite way.

    Raises:
        BadInputError: both or none of dose and alpha, or a vector that knows no dose.
    """
    if (dose is None) == (alpha is None):
        raise BadInputError("a step is given either by its dose or by its raw coefficient alpha")
    if alpha is not None:
        return change_of([(vector, scale * alpha)])
    moving = [b for b in vector.blocks if vector.norm(b) > 0]
    return {b: scale * vector.alpha_for(dose or 0.0, b) * vector[b] for b in moving}


def sum_of(changes: Sequence[Change]) -> Change:
    """Several changes made at once."""
    summed: dict[int, Any] = {}
    for change in changes:
        for block, step in change.items():
            summed[block] = summed[block] + step if block in summed else step
    return summed


def change_of(
    parts: Sequence[tuple[SteeringVector, float]] | Mapping[SteeringVector, float],
    blocks: Sequence[int] | None = None,
) -> Change:
    """The change made by vectors with their coefficients, summed block by block.

    Args:
        parts: vector and raw coefficient.
        blocks: only these blocks of every vector; all of each by default.
    """
    pairs = list(parts.items()) if isinstance(parts, Mapping) else list(parts)
    summed: dict[int, Any] = {}
    for vector, alpha in pairs:
        if not np.isfinite(alpha):
            raise BadInputError(f"a coefficient must be a finite number, not {alpha}")
        for block in vector.blocks if blocks is None else blocks:
            step = alpha * vector[block]
            summed[block] = summed[block] + step if block in summed else step
    return summed
