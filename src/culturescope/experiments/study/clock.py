"""How long a part takes: expected from measured rates, and again after its first minute, from what was done by then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from culturescope.experiments.study.amounts import Amount
from culturescope.prompts import Prompt

if TYPE_CHECKING:
    from culturescope.models.batching import Work
    from culturescope.models.causal import CausalModel

MINUTE = 60.0
_TRIED, _BATCH, _STEPS = 12, 16, 16
_LEAST = 1e-3


@dataclass(frozen=True)
class Rates:
    """What a model does on this machine: FLOP a second of reading, and tokens a second of writing."""

    reading: float
    writing: float

    def seconds(self, amount: Amount) -> float:
        """Time of some work."""
        return amount.flops / self.reading + amount.written / self.writing

    def scaled(self, factor: float) -> Rates:
        """Those of a machine that takes `factor` times as long."""
        return Rates(self.reading / factor, self.writing / factor)


def measured_rates(model: CausalModel, prompts: Sequence[Prompt]) -> Rates:
    """Reads and writes a little, to see how fast the model is here: some hundredths of an audit's work.

    What is written follows prompts of one word, as the reading of longer ones is no part of a rate of writing.

    Args:
        model: white-box.
        prompts: of which some are asked.
    """
    some = list(prompts[:: max(1, len(prompts) // _TRIED)])[:_TRIED]
    list(model.read_letters(some[:2], batch_size=2))
    before, began = model.work, time.perf_counter()
    list(model.read_letters(some, batch_size=_BATCH))
    reading = (model.work - before).flops / max(time.perf_counter() - began, _LEAST)
    few = [Prompt.of(str(n)) for n in range(_BATCH)]
    before, began = model.work, time.perf_counter()
    model.generate(few, max_new_tokens=_STEPS, batch_size=_BATCH)
    written = max((model.work - before).written, len(few))
    return Rates(max(reading, 1.0), written / max(time.perf_counter() - began, _LEAST))


class Watch:
    """Times a part, and expects its time again after the first minute; a context manager.

    Work that is done goes by the model's own count of arithmetic and written tokens, so the estimate needs no word from the
    part. What the part was expected to take by then against the minute that it took scales the rest.

    Args:
        model: white-box; None for a served one, which is only timed.
        amount: of the part.
        rates: measured before.
        tell: is told seconds in all, once, after the first minute.
        written: expected tokens to write in all, found from those written so far; by default as in `amount`.
        after: seconds after which the estimate is made.
        clock: seconds that have passed.
    """

    def __init__(
        self,
        model: CausalModel | None,
        amount: Amount,
        rates: Rates | None,
        tell: Callable[[float], Any],
        *,
        written: Callable[[int], float | None] | None = None,
        after: float = MINUTE,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._model, self._amount, self._rates, self._tell = model, amount, rates, tell
        self._written, self._after, self._clock = written, after, clock
        self._timer: threading.Timer | None = None
        self.seconds = 0.0
        self.told: float | None = None
        """Seconds in all as they were expected after the first minute; None before, and for a shorter part."""

    def __enter__(self) -> Watch:
        self._began = self._clock()
        if self._model is not None:
            self._before = self._model.work
            self._timer = threading.Timer(self._after, self._again)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.seconds = self._clock() - self._began

    @property
    def done(self) -> Amount | None:
        """What was done so far; None for a served model."""
        return None if self._model is None else done_of(self._model.work - self._before, self._model)

    def rates(self) -> Rates | None:
        """The rates as this part found them: those before, scaled by how long the work took that was done."""
        if self._rates is None or self._model is None:
            return self._rates
        elapsed = self.seconds or self._clock() - self._began
        done = done_of(self._model.work - self._before, self._model)
        expected = self._rates.seconds(done)
        # A short part tells little about the machine.
        if expected < 1.0 or elapsed < 1.0:
            return self._rates
        if done.written == 0:
            return Rates(done.flops / elapsed, self._rates.writing * expected / elapsed)
        return self._rates.scaled(elapsed / expected)

    def expected(self) -> float | None:
        """Seconds in all, from what was done so far; None where nothing is known."""
        if self._rates is None or self._model is None:
            return None
        elapsed = self._clock() - self._began
        done = done_of(self._model.work - self._before, self._model)
        so_far = self._rates.seconds(done)
        if so_far <= 0:
            return None
        written: float | None = self._amount.written
        if self._written is not None:
            written = self._written(done.written)
        left = Amount(
            flops=max(self._amount.flops - done.flops, 0.0),
            written=round(max((written if written is not None else self._amount.written) - done.written, 0)),
        )
        return elapsed + self._rates.seconds(left) * elapsed / so_far

    def _again(self) -> None:
        seconds = self.expected()
        if seconds is not None:
            self.told = seconds
            self._tell(seconds)


def done_of(work: Work, model: CausalModel) -> Amount:
    """Work that was done, with the arithmetic of writing left out."""
    writing = work.written * model.arithmetic.flops(1, 0, 1)
    flops = float(max(work.flops - writing, 0))
    return Amount(work.prompts, work.readings, work.tokens_read, flops, work.written)
