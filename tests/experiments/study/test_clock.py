"""How long a part takes, by planted clocks: rates that are not those measured before, replies shorter than they may be."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from culturescope.experiments.design import Design
from culturescope.experiments.study.amounts import Amount
from culturescope.experiments.study.clock import Rates, Watch, measured_rates
from culturescope.models.arithmetic import Arithmetic
from culturescope.models.batching import Work

MEASURED = Rates(reading=1e9, writing=10.0)
COSTS = Arithmetic(per_token=1_000_000, per_pair=0, per_read=0, blocks=1)


@dataclass
class Worker:
    """A model that works at rates of its own, on a clock that its work alone moves."""

    real: Rates
    now: float = 0.0
    work: Work = field(default_factory=Work)
    arithmetic: Arithmetic = COSTS

    def clock(self) -> float:
        return self.now

    def read(self, flops: float) -> None:
        self.work += Work(flops=round(flops))
        self.now += flops / self.real.reading

    def write(self, tokens: int) -> None:
        self.work += Work(flops=tokens * COSTS.per_token, written=tokens)
        self.now += tokens / self.real.writing

    def idle(self, seconds: float) -> None:
        self.now += seconds

    def watch(self, amount: Amount, rates: Rates | None = MEASURED, **more: Any) -> Watch:
        return Watch(self, amount, rates, lambda s: None, clock=self.clock, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("slower", [0.2, 0.5, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("written", [0, 3000])
def test_after_the_first_minute_the_estimate_is_that_of_the_machine(slower: float, written: int) -> None:
    """The easy wrong version: what is left at the rates measured before, however long the first minute's work took."""
    amount = Amount(flops=1.2e12, written=written)
    worker = Worker(MEASURED.scaled(slower))
    told = None
    with worker.watch(amount) as watch:
        # The part reads and writes in turns.
        for _ in range(1000):
            worker.read(amount.flops / 1000)
            worker.write(written // 1000)
            if told is None and worker.now >= 60:
                told = watch.expected()
    assert told == pytest.approx(watch.seconds, rel=0.02)
    assert watch.seconds == pytest.approx(slower * (1200 + written / 10), rel=1e-6)


@pytest.mark.parametrize("real", [Rates(0.4e9, 8.0), Rates(2e9, 12.0), Rates(1e9, 14.0)])
def test_a_rate_of_writing_that_nobody_has_seen_yet_is_within_a_half(real: Rates) -> None:
    """A part that reads first and then writes, at rates that are wrong in different ways."""
    amount = Amount(flops=0.6e12, written=2000)
    worker, told = Worker(real), None
    with worker.watch(amount) as watch:
        for _ in range(100):
            worker.read(amount.flops / 100)
            if told is None and worker.now >= 60:
                told = watch.expected()
        worker.write(2000)
    assert told is not None
    assert 1 / 1.5 < told / watch.seconds < 1.5


def test_time_that_is_no_work_of_the_model_counts_for_what_it_is() -> None:
    """Statistics between readings take a share of a part; the share goes on."""
    amount, told = Amount(flops=0.5e12), None
    worker = Worker(MEASURED)
    with worker.watch(amount) as watch:
        for _ in range(100):
            worker.read(amount.flops / 100)
            worker.idle(2.5)
            if told is None and worker.now >= 60:
                told = watch.expected()
    assert told == pytest.approx(watch.seconds, rel=0.05)


def test_replies_that_are_shorter_than_they_may_be_are_expected_to_stay_so() -> None:
    """The easy wrong version: every reply as long as it may be, sixteen times too long."""
    replies, longest, real = 1000, 128, 8
    worker, told = Worker(MEASURED), None
    done: list[int] = []
    amount = Amount(flops=1e10, written=replies * longest)
    with worker.watch(amount, written=lambda w: w / len(done) * replies if done else None) as watch:
        for n in range(replies):
            worker.read(amount.flops / replies)
            worker.write(real)
            done.append(n)
            if told is None and worker.now >= 60:
                told = watch.expected()
    assert told == pytest.approx(watch.seconds, rel=0.02)


def test_a_part_corrects_the_rates_for_the_next() -> None:
    worker = Worker(MEASURED.scaled(4))
    with worker.watch(Amount(flops=1e11)) as watch:
        worker.read(1e11)
    after = watch.rates()
    assert after is not None
    assert after.seconds(Amount(flops=2e11)) == pytest.approx(800)
    # A part of a moment says nothing of the machine.
    worker = Worker(MEASURED.scaled(4))
    with worker.watch(Amount(flops=1e8)) as watch:
        worker.read(1e8)
    assert watch.rates() == MEASURED


def test_the_estimate_is_told_by_itself_and_once() -> None:
    worker, heard, told = Worker(MEASURED.scaled(2)), threading.Event(), []

    def tell(seconds: float) -> None:
        told.append(seconds)
        heard.set()

    worker.read(1e9)
    watch = Watch(worker, Amount(flops=4e9), MEASURED, tell, clock=worker.clock, after=0.3)  # type: ignore[arg-type]
    with watch:
        worker.read(1e9)
        assert heard.wait(20)
        worker.read(3e9)
    assert told == [pytest.approx(8.0)]
    assert watch.told == told[0]
    # Of a served model nobody knows the work: it is timed, and nothing is told.
    served = Watch(None, Amount(flops=1.0), None, tell)
    with served:
        pass
    assert (served.expected(), served.rates(), served.told, len(told)) == (None, None, None, 1)


def test_measuring_the_rates_is_a_small_part_of_an_audit(tiny_loaded):
    """Rates once took a fifth of a quick audit: long prompts were read again only to write behind them."""
    model = tiny_loaded("qwen2")
    prompts = [task.prompt for task in Design.of("quick").tasks()]
    whole = model.expected_work(prompts).flops
    before = model.work
    rates = measured_rates(model, prompts)
    assert rates.reading > 1
    assert rates.writing > 0
    assert (model.work - before).written > 0
    assert (model.work - before).flops < whole / 12
