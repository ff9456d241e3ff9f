"""How much work something is, counted before it is done: prompts, steered readings, tokens, arithmetic, tokens to write.

What is counted here is what the model counts while it works (`models.batching.Work`): texts that are read from their beginning,
and readings of them under a step, each from the step's first block on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from culturescope.models.batching import padded_batches, padded_work
from culturescope.models.resuming import batches
from culturescope.prompts import ORDERS, Persona, Prompt, Template, dilemma

if TYPE_CHECKING:
    from culturescope.instrument import Scenario
    from culturescope.models.causal import CausalModel
    from culturescope.prompts.contrast import Site

Ids = Sequence[Sequence[int]]


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

    def times(self, count: int) -> Amount:
        """So many of it."""
        return Amount(
            self.prompts * count,
            self.readings * count,
            self.tokens * count,
            self.flops * count,
            self.written * count,
        )


@dataclass(frozen=True)
class Reading:
    """What it takes to read some texts once.

    Args:
        prompts: how many.
        tokens: of all of them.
        flops: of the blocks.
        head: FLOP of the output layer, where the letters are read.
    """

    prompts: int = 0
    tokens: int = 0
    flops: float = 0.0
    head: float = 0.0

    def __add__(self, other: Reading) -> Reading:
        return Reading(
            self.prompts + other.prompts,
            self.tokens + other.tokens,
            self.flops + other.flops,
            self.head + other.head,
        )

    @classmethod
    def of(
        cls,
        model: CausalModel,
        scenarios: Sequence[Scenario],
        templates: Sequence[Template],
        batch_size: int,
        persona: Persona | None = None,
    ) -> Reading:
        """Counts scenarios in every wording and order, batched as steering batches them, without reading them."""
        asked = [dilemma(s, t, order, persona) for s in scenarios for t in templates for order in ORDERS]
        if not asked:
            return cls()
        ids, flops = model.encode(asked), 0.0
        for chosen in batches(model, ids, batch_size, range(len(model.blocks))):
            rows = [ids[n] for n in chosen]
            flops += _flops(model, rows, len(rows), carry=False, budget=sum(map(len, rows)) + 1)
        return cls._counted(model, ids, flops)

    @classmethod
    def of_pairs(
        cls, model: CausalModel, scenarios: Sequence[Scenario], site: Site, batch_size: int
    ) -> Reading:
        """Counts the contrast texts of scenarios, which are read behind blocks and never to the output layer."""
        from culturescope.models.answered import answered_tokens
        from culturescope.prompts.contrast import contrast_pairs

        texts = [t for pair in contrast_pairs(scenarios, site) for t in (*pair.positive, *pair.negative)]
        ids = [text.ids for text in answered_tokens(model, texts)]
        flops = _flops(model, ids, batch_size, carry=site.read == "last", budget=model.token_budget)
        return cls(len(ids), sum(map(len, ids)), max(flops - model.arithmetic.per_read * len(ids), 0.0))

    @classmethod
    def of_chats(cls, model: CausalModel, prompts: Sequence[Prompt]) -> Reading:
        """Counts prompts that are answered in words, each a row of a batch."""
        ids = [model.chat.ids(model.chat.text(p)) for p in prompts]
        flops = sum(padded_work([len(row)], model.arithmetic).flops for row in ids)
        return cls._counted(model, ids, float(flops))

    @classmethod
    def _counted(cls, model: CausalModel, ids: Ids, flops: float) -> Reading:
        head = min(float(model.arithmetic.per_read * len(ids)), flops)
        return cls(len(ids), sum(map(len, ids)), flops - head, head)

    def once(self, share: float = 1.0) -> Amount:
        """Read once from the beginning through a share of the blocks; to the output layer if it is all of them."""
        return Amount(self.prompts, 0, self.tokens, self.flops * share + (self.head if share >= 1 else 0.0))

    def there_and_back(self) -> Amount:
        """Gradients: as much arithmetic on the way back as on the way there."""
        return Amount(self.prompts, 0, self.tokens, 2 * (self.flops + self.head))

    def under(self, changes: int, share: float, *, whole: bool = False) -> Amount:
        """Recorded once and read under so many changes.

        Args:
            changes: how many.
            share: of the blocks that each change goes through; what lies before it is recorded.
            whole: whether the letters without a change are read as well, so that the recording goes to the end.
        """
        recorded = self.once(1.0 if whole else min(max(1 - share, 0.0), 0.999))
        changed = changes * (self.flops * share + self.head)
        return recorded + Amount(readings=self.prompts * changes, flops=changed)


def _flops(model: CausalModel, ids: Ids, batch_size: int, *, carry: bool, budget: int | None) -> float:
    """FLOP of reading texts, common beginnings once where the model shares them."""
    if not ids:
        return 0.0
    passes = model.shared_passes(ids)
    if passes is None:
        lengths = [len(row) for row in ids]
        return float(
            sum(
                padded_work([lengths[n] for n in chosen], model.arithmetic).flops
                for chosen in padded_batches(lengths, batch_size=batch_size)
            )
        )
    every = passes.plan(ids, batch_size, carry=carry, budget=budget)
    return float(sum(step.flops(model.arithmetic) for step in every))
