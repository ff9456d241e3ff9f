"""How much work the parts are that steer: each a sum of readings, in the order in which the part makes them.

Readings under a step begin at its first block and take the share of the model that lies behind it. Which blocks a search will
choose is not known before; a third of the way in is taken then, and the parts after it are counted again when it is done. An
aim ends when it arrives, and an answer when it is finished: both are counted at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from culturescope.experiments.steer.controls import MEASURED_FEW, RANDOM_STEPS
from culturescope.experiments.steer.entangle_study import STRENGTHS
from culturescope.experiments.steer.methods import FLOOR
from culturescope.experiments.steer.search_null import MEASURED_CONTROLS
from culturescope.experiments.steer.search_plan import RANDOM_VECTORS, SHUFFLES
from culturescope.experiments.steer.shuffles import labellings
from culturescope.experiments.study.amounts import Amount, Reading
from culturescope.experiments.study.settings import Settings
from culturescope.prompts import Template
from culturescope.prompts.contrast import site
from culturescope.prompts.neutral import neutral_prompts

if TYPE_CHECKING:
    from culturescope.experiments.steer.parts import Parts
    from culturescope.instrument import Pack
    from culturescope.models.causal import CausalModel

SETS = 3
"""Of blocks that a search tries together: the best, the chosen ones, all."""
_PROBES = 4
"""Places beside the unsteered one at which an aim begins: each coefficient up and down."""


@dataclass(frozen=True)
class Axis:
    """The scenarios of one axis: contrast texts by site, readings to choose and to report by, and its shuffled labels."""

    pairs: Mapping[str, Reading]
    choose: Reading
    report: Reading
    shuffles: int


@dataclass(frozen=True, eq=False)
class SteeringAmounts:
    """Work of the parts that steer.

    Args:
        model: that is asked.
        settings: of the study.
        axes: that are steered, with their scenarios.
        domains: of life, each with a vector of its own.
        personas: society and kind of each persona.
        asked_as: kind to readings of all scenarios that choose and that report, under a persona of that kind.
        blocks: that are steered, where they are known.
    """

    model: CausalModel
    settings: Settings
    axes: Mapping[str, Axis]
    domains: int
    personas: tuple[tuple[str, str], ...]
    asked_as: Mapping[str, tuple[Reading, Reading]]
    blocks: Sequence[int] | None = None

    @classmethod
    def of(
        cls,
        model: CausalModel,
        settings: Settings,
        pack: Pack,
        parts: Parts,
        templates: Sequence[Template],
    ) -> SteeringAmounts:
        """Counts the scenarios once; every part is a multiple of them."""
        size, texts = settings.batch_size, settings.personas.texts
        wanted = dict.fromkeys((settings.search.site, *settings.methods.sites))
        axes = {}
        for axis in (a.id for a in pack.axes):
            fit, choose, report = (
                [s for s in getattr(parts, name) if pack.axis_of(s) == axis]
                for name in ("fit", "choose", "report")
            )
            axes[axis] = Axis(
                {name: Reading.of_pairs(model, fit, site(name), size) for name in wanted},
                Reading.of(model, choose, templates, size),
                Reading.of(model, report, templates, size),
                len(labellings(len(fit), SHUFFLES, settings.seed)),
            )
        # Personas of a kind differ by the answers of their society alone, so one stands for all.
        one = {t.kind: t.persona() for t in reversed(texts)}
        asked = {
            kind: tuple(
                Reading.of(model, getattr(parts, name), templates, size, persona)
                for name in ("choose", "report")
            )
            for kind, persona in one.items()
        }
        return cls(
            model,
            settings,
            axes,
            len(pack.domains),
            tuple((t.society, t.kind) for t in texts),
            {kind: (found[0], found[1]) for kind, found in asked.items()},
        )

    def amount(self, part: str) -> Amount:
        """Work of a part; nothing for one that is not counted here."""
        count = getattr(self, f"_{part}", None)
        return Amount() if count is None else count()

    @property
    def _choose(self) -> Reading:
        return sum((a.choose for a in self.axes.values()), Reading())

    @property
    def _report(self) -> Reading:
        return sum((a.report for a in self.axes.values()), Reading())

    def _behind(self, block: int) -> float:
        """Share of the blocks behind one; the last block runs at the prompts' ends alone, where prompts share beginnings."""
        count = len(self.model.blocks)
        free = self.model.unshared_because is None and not self.model.exact
        return max(count - 1 - block - free, 0) / count

    @property
    def _share(self) -> float:
        """Share of the blocks that a step goes through."""
        first = len(self.model.blocks) // 3 if self.blocks is None else min(self.blocks)
        return self._behind(first)

    def _pairs(self, place: str) -> Amount:
        """Contrast texts of all axes, read to the last block that is needed."""
        count = len(self.model.blocks)
        share = 1.0 if self.blocks is None else (max(self.blocks) + 1) / count
        return sum((a.pairs[place].once(share) for a in self.axes.values()), Amount())

    def _search(self) -> Amount:
        plan, exact = self.settings.search, self.settings.search.how == "exact"
        count = len(self.model.blocks)
        measured = count if exact else min(count, max(8, plan.top))
        alone = sum(map(self._behind, range(count))) / count
        way = plan.random_way or ("measured" if exact else "estimated")
        found = Amount()
        for a in self.axes.values():
            found += a.pairs[plan.site].once() + a.choose.there_and_back()
            found += a.choose.under(2 * measured, alone, whole=True)
            for controls in (MEASURED_CONTROLS, min(MEASURED_FEW, a.shuffles)):
                found += a.choose.under(2 * controls, self._share)
            found += a.report.under(2 * (SETS - 1), self._share, whole=True) + Amount(
                readings=2 * a.report.prompts,
                flops=2 * (a.report.flops * self._behind(0) + a.report.head),
            )
            shuffled = min(MEASURED_FEW, a.shuffles) if a.shuffles > 1 else 0
            if shuffled or way == "estimated":
                found += a.report.there_and_back()
            if shuffled:
                found += a.report.under(2 * shuffled, self._share)
            few = RANDOM_VECTORS if way == "measured" else MEASURED_FEW
            found += a.report.under(2 * few, self._share)
        return found

    def _random(self, sets: int, share: float | None = None) -> Amount:
        """Random steps beside, on the scenarios that report, without the slopes of estimates, which are read once a part.

        Args:
            sets: of steps, one for each vector where raw coefficients make them differ.
            share: of the blocks.
        """
        count = RANDOM_STEPS if self.settings.step.random == "measured" else MEASURED_FEW
        return self._report.under(2 * count, self._share if share is None else share).times(sets)

    def _slopes(self, way: str) -> Amount:
        return self._report.there_and_back() if way == "estimated" else Amount()

    def _per_vector(self, vectors: int) -> int:
        return 1 if self.settings.step.alpha is None else vectors

    def _texts(self, prompts: int, new_tokens: int, coefficients: int) -> Amount:
        """Texts written for quality: each prompt is read to write, the answer to score it, the prompt twice to compare."""
        if not prompts or not coefficients:
            return Amount()
        one, costs = Reading.of_chats(self.model, neutral_prompts(prompts)), self.model.arithmetic
        answers = prompts * new_tokens
        # An answer and the words of a prompt go through the output layer at every place.
        score = costs.flops(answers, answers * (one.tokens // prompts + new_tokens), answers + 2 * one.tokens)
        whole = one.once().times(4) + Amount(tokens=answers, flops=float(score), written=answers)
        return whole.times(coefficients)

    def _sweep(self) -> Amount:
        plan = self.settings.sweep
        steps = len(self.axes) * len({s for s in plan.alphas or plan.doses if s})
        changes = steps + 2 * plan.random * len(self.axes)
        found = self._report.under(changes, self._share, whole=True)
        return found + self._texts(plan.quality_prompts, plan.new_tokens, 1 + steps)

    def _entangle(self) -> Amount:
        plan, axes = self.settings.entangle, len(self.axes)
        found = self._choose.under(2 * axes, self._share) + self._slopes(self.settings.step.random)
        if plan.penalised:
            found += self._pairs(self.settings.search.site)
            found += self._choose.under(2 * (1 + len(STRENGTHS)), self._share).times(axes)
        steps = axes * (1 + (3 if plan.penalised else 2))
        each = self._report.under(2 * steps, self._share) + self._random(self._per_vector(axes))
        return found + each.times(len({self._step, *plan.others}))

    @property
    def _step(self) -> float:
        step = self.settings.step
        return step.dose if step.alpha is None else step.alpha

    def _domains(self) -> Amount:
        vectors = 1 + self.domains
        each = self._report.under(2 * vectors, self._share) + self._random(self._per_vector(vectors))
        found = self._pairs(self.settings.search.site) + self._slopes(self.settings.step.random)
        return found + each.times(len(self.axes))

    def _methods(self) -> Amount:
        plan, share = self.settings.methods, self._behind(0)
        way = "estimated" if plan.first_order else self.settings.step.random
        vectors = len(plan.sites) * len({*plan.methods, FLOOR})
        found = sum((self._pairs_to_the_end(place) for place in plan.sites), self._slopes(way))
        for a in self.axes.values():
            if plan.first_order:
                found += a.choose.there_and_back() + self._report.under(2 * 2, share)
            else:
                found += self._report.under(2 * vectors, share)
            random = RANDOM_STEPS if way == "measured" else MEASURED_FEW
            found += self._report.under(2 * random, share)
        return found

    def _pairs_to_the_end(self, place: str) -> Amount:
        return sum((a.pairs[place].once() for a in self.axes.values()), Amount())

    def _steered(self) -> Amount:
        return self._report.under(2 * len(self.axes), self._share, whole=True)

    def _aims(self, societies: Sequence[str], kind: str | None, *, first: bool) -> Amount:
        """Aims at societies; the first of a study writes the unsteered texts, which are kept for all others."""
        plan, found = self.settings.aim, Amount()
        choose, report = (self._choose, self._report) if kind is None else self.asked_as[kind]
        again = plan.steps > 1
        for society in societies:
            found += choose.under(_PROBES, self._share, whole=True)
            # A step is one more reading; the response is measured once more before a target is given up.
            found += choose.under(1, self._share).times(plan.steps) + choose.under(2, self._share).times(
                again
            )
            found += self._report.once() + report.under(1, self._share)
            beside = [k for s, k in self.personas if s == society]
            found += sum((self.asked_as[k][1].once() for k in beside), Amount())
            if plan.random:
                found += report.under(plan.random, self._share)
            if plan.most_perplexity and plan.quality_prompts:
                # Half of the prompts decide about every step, the other half confirms the place that is reported.
                halves = 1 + plan.steps + 1 + 2 * first
                found += self._texts(plan.quality_prompts // 2, plan.new_tokens, halves)
            first = False
        return found

    @property
    def _societies(self) -> list[str]:
        from culturescope.people import load_people

        people = load_people()
        return [people.society(name).code for name in self.settings.aim.societies]

    def _aim(self) -> Amount:
        return self._aims(self._societies, None, first=True)

    def _together(self) -> Amount:
        found, first = Amount(), "aim" in self.settings.off
        for kind in self.settings.aim.on_top_of:
            able = [s for s in self._societies if (s, kind) in self.personas]
            found += self._aims(able, kind, first=first)
            first = first and not able
        return found

    def _generate(self) -> Amount:
        plan = self.settings.generate
        asked = Reading.of_chats(self.model, neutral_prompts(plan.questions))
        return asked.once().times(2) + Amount(written=2 * plan.questions * plan.new_tokens)
