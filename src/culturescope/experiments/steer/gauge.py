"""The measurements of a search, batch by batch, each kept as soon as it is made.

A batch holds as many scenarios as fill one batch of prompts, so keeping costs no further pass, and what a killed search
loses is one batch. A search that is never stopped measures in the same batches: its numbers are the same to the last digit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from culturescope.experiments.steer.measuring import Measured, measure
from culturescope.experiments.steer.slopes import Slopes, slopes
from culturescope.experiments.steer.stages import Stages
from culturescope.instrument import Pack, Scenario
from culturescope.prompts import ORDERS, Template
from culturescope.prompts.contrast import site
from culturescope.steering.extraction import check_blocks
from culturescope.steering.fitting import PairStates, read_pairs, texts_sha256
from culturescope.steering.vector import Origin

if TYPE_CHECKING:
    from torch import Tensor

    from culturescope.models.causal import CausalModel
    from culturescope.models.resuming import Change

Floats = NDArray[np.float64]


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


@dataclass(frozen=True, eq=False)
class Gauge:
    """A model with what it is measured by.

    Args:
        model: white-box, unsteered.
        pack: the instrument.
        templates: wordings.
        batch_size: prompts recorded together.
        stages: where measurements are kept.
    """

    model: CausalModel
    pack: Pack
    templates: Sequence[Template]
    batch_size: int
    stages: Stages

    def pairs(self, scenarios: Sequence[Scenario], place: str, blocks: Sequence[int] | None) -> PairStates:
        """Contrast pairs read behind blocks, in one stage."""

        def read() -> tuple[dict[str, Tensor], str]:
            found = read_pairs(
                self.model,
                scenarios,
                where=place,
                blocks=blocks,
                split="optimise",
                batch_size=self.batch_size,
            )
            tensors = {
                "positive": found.positive.contiguous(),
                "negative": found.negative.contiguous(),
                "median_norms": found.median_norms.contiguous(),
            }
            return tensors, found.origin.model_dump_json()

        wanted = check_blocks(self.model, range(len(self.model.blocks)) if blocks is None else blocks)
        key = {
            "texts": texts_sha256(scenarios),
            "site": site(place).sha256,
            "blocks": wanted,
            "batch": self.batch_size,
        }
        tensors, origin = self.stages.kept("pairs", key, read)
        return PairStates(**tensors, blocks=wanted, origin=Origin.model_validate_json(origin))

    def slopes(self, scenarios: Sequence[Scenario]) -> Slopes:
        """Gradients of d on scenarios."""
        import torch

        found: list[Tensor] = [torch.empty(0)] * len(scenarios)
        for members in self._batches(scenarios):
            chosen = [scenarios[n] for n in members]

            def read(chosen: list[Scenario] = chosen) -> tuple[dict[str, Tensor], str]:
                gradients = slopes(self.model, chosen, self.templates, batch_size=self.batch_size).gradients
                return {"gradients": gradients.contiguous()}, ""

            tensors, _ = self.stages.kept("slopes", self._key(chosen), read)
            for n, gradient in zip(members, tensors["gradients"], strict=True):
                found[n] = gradient
        return Slopes(torch.stack(found))

    def signed(self, changes: Sequence[Change], scenarios: Sequence[Scenario]) -> Signed:
        """Every change with both signs on scenarios, which are of one axis."""
        both = [{b: sign * v for b, v in change.items()} for change in changes for sign in (1.0, -1.0)]
        named = {**_hashed(both), "count": len(both)}
        shape = (len(both), len(scenarios), len(self.templates))
        d, b, mass = np.empty(shape), np.empty(shape), np.empty(shape)
        for members in self._batches(scenarios):
            chosen = [scenarios[n] for n in members]

            def read(chosen: list[Scenario] = chosen) -> tuple[dict[str, Tensor], str]:
                import torch

                found = measure(
                    self.model, chosen, both, self.pack, self.templates, batch_size=self.batch_size
                )
                parts = {"d": found.d, "b": found.b, "mass": found.mass}
                return {
                    name: torch.from_numpy(np.ascontiguousarray(part)) for name, part in parts.items()
                }, ""

            tensors, _ = self.stages.kept("letters", {**self._key(chosen), **named}, read)
            d[:, members], b[:, members], mass[:, members] = (
                tensors[name].numpy() for name in ("d", "b", "mass")
            )
        axes = tuple(a.id for a in self.pack.axes)
        axis = np.array([axes.index(self.pack.axis_of(s)) for s in scenarios])
        return Signed(Measured(axes, tuple(scenarios), axis, d, b, mass))

    def _batches(self, scenarios: Sequence[Scenario]) -> Iterator[list[int]]:
        """Numbers of scenarios of about one length, long ones first, as many as make a batch of prompts."""
        size = max(1, self.batch_size // (len(self.templates) * len(ORDERS)))

        def longest_first(n: int) -> tuple[int, int]:
            s = scenarios[n]
            return -len(s.situation) - len(s.positive) - len(s.negative), n

        order = sorted(range(len(scenarios)), key=longest_first)
        for at in range(0, len(order), size):
            yield order[at : at + size]

    def _key(self, scenarios: Sequence[Scenario]) -> dict[str, Any]:
        return {
            "texts": texts_sha256(scenarios),
            "templates": [t.sha256 for t in self.templates],
            "batch": self.batch_size,
        }


def _hashed(changes: Sequence[Change]) -> dict[str, str]:
    """Hash of the very numbers that are added."""
    found = hashlib.sha256()
    for change in changes:
        for block in sorted(change):
            step = change[block].detach().cpu().contiguous()
            found.update(f"{block}:{step.dtype}:{tuple(step.shape)}:".encode())
            found.update(step.numpy().tobytes())
        found.update(b";")
    return {"changes": found.hexdigest()}
