"""What asking a model will cost: tokens and arithmetic counted beforehand, time from a short measurement."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from culturescope.experiments.accounting import USUAL_BATCH, amount
from culturescope.models.batching import Work
from culturescope.models.filling import PROMPTS, choose_filling
from culturescope.probing.agreement import NEW_TOKENS

if TYPE_CHECKING:
    from culturescope.experiments.design import Design
    from culturescope.models.causal import CausalModel
    from culturescope.probing.tasks import Task

PARTS = 3
PROMPTS_EACH = 12
_STEPS = 3


@dataclass(frozen=True)
class Cost:
    """Work and time that are expected.

    Args:
        work: of reading all letters.
        alone: of the same with every prompt as a row of its own.
        shares: whether this model's prompts share beginnings.
        rates: FLOP a second, of each part of the measurement.
        written: tokens of answers in words, at most.
        writing_seconds: that they take, at most.
    """

    work: Work
    alone: Work
    shares: bool
    rates: tuple[float, ...]
    written: int
    writing_seconds: float

    @property
    def seconds(self) -> tuple[float, float, float]:
        """Expected, least and most: all letters at the mean, the best and the worst measured rate, and the writing."""
        rates = (sum(self.rates) / len(self.rates), max(self.rates), min(self.rates))
        expected, least, most = (self.work.flops / rate + self.writing_seconds for rate in rates)
        return expected, least, most

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        expected, least, most = self.seconds
        return {
            "work": asdict(self.work),
            "work_alone": asdict(self.alone),
            "shares": self.shares,
            "written": self.written,
            "seconds": expected,
            "seconds_range": [least, most],
            "flops_per_second": sum(self.rates) / len(self.rates),
        }

    def lines(self) -> list[str]:
        """The same in words."""
        work, alone = self.work, self.alone
        pads = f" and {work.tokens_padding:,} of padding" if work.tokens_padding else ""
        expected, least, most = (_duration(s) for s in self.seconds)
        rate = amount(sum(self.rates) / len(self.rates), "FLOP/s")
        return [
            f"  tokens: {work.tokens_asked:,} asked; {work.tokens_needed:,} have to be computed, as prompts share beginnings",
            f"  passes: {work.tokens_computed:,} tokens{pads} in {work.passes:,}"
            + ("" if self.shares else ", every prompt a row of its own")
            + f"; without sharing {alone.tokens_computed:,} and {alone.tokens_padding:,} of padding",
            f"  arithmetic: {amount(work.flops, 'FLOP')} (attention and output layer included), "
            f"without sharing {amount(alone.flops, 'FLOP')}",
            f"  time: about {expected} at {rate}; {least} to {most} by {len(self.rates)} short measurements just now. "
            "A machine that gets busier, or hotter, takes longer.",
        ]


def expected_cost(model: CausalModel, design: Design, tasks: Sequence[Task]) -> Cost:
    """Counts the work of a design and times a small part of it.

    Args:
        model: white-box.
        design: with the batch size; `auto` is measured as a run would.
        tasks: whose letters are read.

    Raises:
        ModelError: the model cannot read a prompt, or its memory does not suffice.
    """
    prompts = [task.prompt for task in tasks]
    size = design.batch_size
    if size == "auto":
        size = USUAL_BATCH
        if not model.exact:
            model.token_budget, size = choose_filling(model, prompts).token_budget, PROMPTS
    evenly = np.linspace(0, len(prompts) - 1, min(PARTS * PROMPTS_EACH, len(prompts))).astype(int)
    list(model.read_letters([prompts[n] for n in evenly[:2]], batch_size=size))
    rates = []
    for part in range(min(PARTS, len(evenly))):
        before, began = model.work, time.perf_counter()
        list(model.read_letters([prompts[n] for n in evenly[part::PARTS]], batch_size=size))
        rates.append((model.work - before).flops / max(time.perf_counter() - began, 1e-9))
    words = design.agreement_tasks(list(tasks))
    writing = 0.0
    if words:
        some = [task.prompt for task in words[:USUAL_BATCH]]
        began = time.perf_counter()
        model.generate(some, max_new_tokens=_STEPS)
        took = (time.perf_counter() - began) / len(some)
        writing = took * len(words) * NEW_TOKENS / _STEPS  # an upper bound: it counts the prompts four times
    work = model.expected_work(prompts, batch_size=size)
    alone = model.expected_work(prompts, batch_size=USUAL_BATCH, share=False)
    shares = not model.exact and model.unshared_because is None
    return Cost(work, alone, shares, tuple(rates), len(words) * NEW_TOKENS, writing)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.1f} minutes" if minutes < 90 else f"{minutes / 60:.1f} hours"
