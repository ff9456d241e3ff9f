"""How much work each part is, counted before it is done: prompts, steered readings, tokens, arithmetic, tokens to write.

Readings under a step begin at its first block and take the share of the model that lies behind it. Which blocks a search will
choose is not known before; a third of the way in is taken then, and the parts after it are counted again when it is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from culturescope.experiments.steer.controls import MEASURED_FEW, RANDOM_STEPS
from culturescope.experiments.steer.entangle_study import STRENGTHS
from culturescope.experiments.steer.search_null import MEASURED_CONTROLS
from culturescope.experiments.steer.search_plan import RANDOM_VECTORS
from culturescope.experiments.study.settings import Settings
from culturescope.models.batching import padded_work
from culturescope.models.resuming import batches
from culturescope.prompts import ORDERS, Persona, Prompt, Template, dilemma

if TYPE_CHECKING:
    from culturescope.experiments.steer.parts import Parts
    from culturescope.instrument import Pack, Scenario
    from culturescope.models.causal import CausalModel


@dataclass(frozen=True)
class Amount:
    """Work of a part: prompts read from their beginning, readings under a step, tokens of the prompts, FLOP, tokens written.

    `flops` leaves out what it takes to write; `written` are tokens at most.
    """

    prompts: int = 0
    readings: int = 0
    tokens: int = 0
    flops: float = 0.0
    written: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.prompts + other.prompts,
            self.readings + other.readings,
            self.tokens + other.tokens,
            self.flops + other.flops,
            self.written + other.written,
        )


@dataclass(frozen=True)
class Reading:
    """What it takes to read some scenarios once, in every wording and order, batched as steering does."""

    prompts: int
    tokens: int
    flops: float

    @classmethod
    def of(
        cls,
        model: CausalModel,
        scenarios: Sequence[Scenario],
        templates: Sequence[Template],
        batch_size: int,
        persona: Persona | None = None,
    ) -> Reading:
        """Counts it, without reading."""
        asked = [dilemma(s, t, order, persona) for s in scenarios for t in templates for order in ORDERS]
        return cls.of_prompts(model, asked, batch_size)

    @classmethod
    def of_prompts(cls, model: CausalModel, asked: Sequence[Prompt], batch_size: int) -> Reading:
        """The same for any prompts."""
        if not asked:
            return cls(0, 0, 0.0)
        ids, flops = model.encode(asked), 0.0
        for chosen in batches(model, ids, batch_size, range(len(model.blocks))):
            rows = [ids[n] for n in chosen]
            passes = model.shared_passes(rows)
            if passes is None:
                flops += padded_work(list(map(len, rows)), model.arithmetic).flops
            else:
                every = passes.plan(rows, len(rows), carry=False, budget=sum(map(len, rows)) + 1)
                flops += sum(step.flops(model.arithmetic) for step in every)
        return cls(len(ids), sum(map(len, ids)), flops)

    def read(self, changes: float = 0, share: float = 1.0, *, whole: float = 1) -> Amount:
        """Read `whole` times from the beginning, and under so many changes, each through a share of the blocks."""
        prompts, times = self.prompts if whole else 0, changes * share
        return Amount(
            prompts, round(self.prompts * changes), self.tokens if whole else 0, self.flops * (whole + times)
        )


@dataclass(frozen=True, eq=False)
class SteeringAmounts:
    """Work of the parts that steer.

    Args:
        settings: of the study.
        blocks: of the model.
        axes: that are steered.
        fit, choose, report: readings of the scenarios by what they are for, all axes together.
        persona: the reporting scenarios read under a persona, mean over those that are asked; zero without.
        first: first block that is steered, where it is known.
    """

    settings: Settings
    blocks: int
    axes: int
    fit: Reading
    choose: Reading
    report: Reading
    persona: Reading
    first: int | None = None

    @classmethod
    def of(
        cls,
        model: CausalModel,
        settings: Settings,
        pack: Pack,
        parts: Parts,
        templates: Sequence[Template],
        first: int | None = None,
    ) -> SteeringAmounts:
        """Counts the scenarios once; every part is a multiple of them."""
        size = settings.batch_size
        fit, choose, report = (
            Reading.of(model, getattr(parts, name), templates, size) for name in ("fit", "choose", "report")
        )
        texts = settings.personas.texts
        asked = Reading.of(model, parts.report, templates, size, texts[-1].persona()) if texts else report
        return cls(settings, len(model.blocks), len(pack.axes), fit, choose, report, asked, first)

    @property
    def share(self) -> float:
        """Share of the model behind the first steered block."""
        first = self.blocks // 3 if self.first is None else self.first
        return max(self.blocks - 1 - first, 1) / self.blocks

    def amount(self, part: str) -> Amount:
        """Work of a part; nothing for one that is not counted here."""
        count = getattr(self, f"_{part}", None)
        return Amount() if count is None else count()

    def _pairs(self) -> Amount:
        # Contrast texts have no instruction: about as many tokens as a dilemma, one for each pole.
        return self.fit.read()

    def _slopes(self, on: Reading) -> Amount:
        return on.read(whole=2)

    def _search(self) -> Amount:
        plan, exact = self.settings.search, self.settings.search.how == "exact"
        measured = self.blocks if exact else min(self.blocks, max(8, plan.top))
        way = plan.random_way or ("measured" if exact else "estimated")
        at_one = 2 * (MEASURED_CONTROLS + MEASURED_FEW)
        found = self._pairs() + self._slopes(self.choose) + self.choose.read(2 * measured, 0.5)
        found += self.choose.read(at_one, self.share, whole=2)
        found += self.report.read(2 * 2, self.share) + self.report.read(2, 1.0, whole=0)
        if way == "measured":
            return found + self.report.read(2 * RANDOM_VECTORS, self.share)
        return found + self._slopes(self.report) + self.report.read(2 * MEASURED_FEW, self.share)

    def _random(self, sets: int = 1) -> Amount:
        """Random steps beside, on the scenarios that report; sets: one for each axis where raw coefficients differ."""
        step = self.settings.step
        if step.random == "measured":
            return self.report.read(2 * RANDOM_STEPS * sets, self.share)
        return self._slopes(self.report) + self.report.read(2 * MEASURED_FEW * sets, self.share)

    def _per_vector(self, vectors: int) -> int:
        return 1 if self.settings.step.alpha is None else vectors

    def _sweep(self) -> Amount:
        plan = self.settings.sweep
        steps = self.axes * len([s for s in plan.alphas or plan.doses if s])
        changes = steps + 2 * plan.random * self.axes
        texts = plan.quality_prompts * (1 + steps)
        return self.report.read(changes, self.share) + Amount(written=texts * plan.new_tokens)

    def _entangle(self) -> Amount:
        plan, ways = self.settings.entangle, 3 if self.settings.entangle.penalised else 2
        tried = 2 * self.axes * (1 + (1 + len(STRENGTHS)) * plan.penalised)
        found = self.choose.read(tried, self.share)
        if plan.penalised:
            found += self._pairs()
        each = self.report.read(2 * self.axes * (1 + ways), self.share) + self._random(
            self._per_vector(self.axes)
        )
        for _ in range(1 + len(plan.others)):
            found += each
        return found

    def _domains(self) -> Amount:
        each = self.report.read(2 * 4, self.share) + self._random(self._per_vector(4))
        found = self._pairs()
        for _ in range(self.axes):
            found += each
        return found

    def _methods(self) -> Amount:
        plan = self.settings.methods
        rows = len(plan.sites) * (len(plan.methods) + 1)
        each = self.report.read(2 * rows, 1.0) + self.report.read(2 * RANDOM_STEPS, 1.0)
        if plan.first_order:
            each = self._slopes(self.report) + self._slopes(self.choose)
            each += self.report.read(2 * (2 + MEASURED_FEW), 1.0)
        found = Amount()
        for _ in plan.sites:
            found += self._pairs()
        for _ in range(self.axes):
            found += each
        return found

    def _steered(self) -> Amount:
        return self.report.read(2 * self.axes, self.share)

    def _aims(self, count: int, *, persona: bool) -> Amount:
        plan, found = self.settings.aim, Amount()
        tried = plan.steps + 2
        writes = plan.quality_prompts // 2 * (2 + plan.steps) + plan.quality_prompts // 2 * 2
        asked = self.persona.flops / max(self.report.flops, 1.0) if persona else 1.0
        for _ in range(count):
            one = self.choose.read(tried * asked, self.share, whole=tried * asked)
            one += self.report.read(1, self.share, whole=2) + self.persona.read(whole=2)
            one += self.report.read(plan.random * asked, self.share)
            written = writes * plan.new_tokens if plan.most_perplexity else 0
            found += one + Amount(written=written)
        return found

    def _aim(self) -> Amount:
        return self._aims(len(self.settings.aim.societies), persona=False)

    def _together(self) -> Amount:
        count = len(self.settings.aim.societies) * len(self.settings.aim.on_top_of)
        return self._aims(count, persona=True)

    def _generate(self) -> Amount:
        plan = self.settings.generate
        return Amount(prompts=plan.questions, written=2 * plan.questions * plan.new_tokens)
