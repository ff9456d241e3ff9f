"""How many tokens a forward pass should have here: a short measurement on the run's own prompts (`--batch-size auto`).

Too few tokens leave the machine idle between passes, too many fall out of its caches or do not fit. Passes of 256, 512,
1,024 ... tokens, filled with the longest and the shortest prompts in turn, are timed until larger ones gain nothing. The
readings are thrown away: rounding aside, the choice does not touch a result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from culturescope.errors import ModelError

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel
    from culturescope.prompts import Prompt

BatchSize = int | Literal["auto"]
PROMPTS = 256
"""Most different prompts in a pass whose size was measured; the tokens decide before."""
_FIRST = 256
_LAST_CPU, _LAST = 8192, 65536
_GAIN = 1.02  # less is within what two measurements of the same size differ by


@dataclass(frozen=True)
class Filling:
    """What was chosen, and why.

    Args:
        token_budget: most tokens in a pass.
        rows: prompts of the longest kind that fill it, at least one: the batch size where every prompt is a row.
        rates: tokens a second, by the budgets that were tried.
        seconds: that the measurement took.
    """

    token_budget: int
    rows: int
    rates: tuple[tuple[int, float], ...]
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "token_budget": self.token_budget,
            "rows": self.rows,
            "rates": [list(pair) for pair in self.rates],
            "seconds": self.seconds,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Filling:
        """Reads what `as_dict` wrote."""
        rates = tuple((int(budget), float(rate)) for budget, rate in stored["rates"])
        return cls(int(stored["token_budget"]), int(stored["rows"]), rates, float(stored["seconds"]))

    def line(self) -> str:
        """The choice in words."""
        tried = ", ".join(f"{budget:,}: {rate:,.0f}" for budget, rate in self.rates)
        return f"Passes of at most {self.token_budget:,} tokens (tokens a second by size: {tried})."


def choose_filling(
    model: CausalModel, prompts: Sequence[Prompt], *, clock: Callable[[], float] = time.perf_counter
) -> Filling:
    """Measures passes of growing size; the model's own counts and settings are as before afterwards.

    Args:
        model: white-box.
        prompts: that will be read, at least one.
        clock: seconds, for tests.

    Raises:
        ModelError: not even the smallest pass fits into the memory.
    """
    began = clock()
    work, budget_before = model.work, model.token_budget
    lengths = model.content_tokens(prompts)
    order = sorted(range(len(prompts)), key=lambda n: (-lengths[n], n))
    rates: list[tuple[int, float]] = []
    budget, last = _FIRST, _LAST_CPU if model.module.device.type == "cpu" else _LAST
    try:
        _timed(model, prompts, lengths, order, budget, clock)  # the first pass of a process sets libraries up
        while budget <= last:
            try:
                rate, whole = max(_timed(model, prompts, lengths, order, budget, clock) for _ in range(2))
            except ModelError:
                if not rates:
                    raise
                break
            rates.append((budget, rate))
            best = max(earlier for _, earlier in rates)
            if whole or (len(rates) > 1 and rate < best) or (len(rates) > 1 and rate < _GAIN * rates[-2][1]):
                break
            budget *= 2
    finally:
        model.work, model.token_budget = work, budget_before
    chosen = min(size for size, rate in rates if rate * _GAIN >= max(found for _, found in rates))
    return Filling(chosen, max(1, chosen // max(lengths)), tuple(rates), clock() - began)


def _timed(
    model: CausalModel,
    prompts: Sequence[Prompt],
    lengths: Sequence[int],
    order: Sequence[int],
    budget: int,
    clock: Callable[[], float],
) -> tuple[float, bool]:
    """Tokens a second of passes of a size, and whether all prompts together are no larger."""
    # The longest, the shortest, the second longest ...: twice the budget, as shared beginnings shrink it.
    ends = [n for pair in zip(order, reversed(order), strict=True) for n in pair]
    chosen: list[int] = []
    tokens = 0
    for n in dict.fromkeys(ends):
        if tokens >= 2 * budget:
            break
        chosen.append(n)
        tokens += lengths[n]
    model.token_budget = budget
    before, began = model.work, clock()
    for _ in model.read_letters([prompts[n] for n in chosen], batch_size=PROMPTS):
        pass
    took = max(clock() - began, 1e-9)
    return (model.work - before).tokens_computed / took, len(chosen) == len(prompts)
