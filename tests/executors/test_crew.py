"""Jobs and losses in any order: every job once, no worker with more than two, one line when nobody is left."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturescope import __version__
from culturescope.errors import CulturescopeError, MemoryFullError, ModelError, RunFailedError
from culturescope.executors import crew as crew_module
from culturescope.executors.crew import IN_FLIGHT, Crew, Job
from culturescope.models.protocols import ModelIdentity
from tests.executors.here import Here

IDENTITY = ModelIdentity("m", "folder", weights_sha256="1" * 64, device="cuda:0")


class Echo:
    """Answers with what it was asked."""

    def __init__(self, number: int, **greeting: Any) -> None:
        self.number, self.greeting = number, greeting

    def open(self, source: str, load: dict[str, Any]) -> dict[str, Any]:
        known = {"identity": IDENTITY.as_dict(), "version": __version__, "pid": self.number, "host": "here"}
        return known | self.greeting

    def letters(self, asked: Any) -> dict[str, Any]:
        return {"error": "MemoryFullError", "message": "full"} if asked == "full" else {"readings": asked}


def crew_of(engine: Here, workers: int, **more: Any) -> Crew:
    return Crew(engine, "m", {}, workers, **more)


def jobs_of(count: int) -> list[Job]:
    return [Job("letters", [n], (n,)) for n in range(count)]


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 5),
    st.integers(0, 30),
    st.integers(0, 2**20),
    st.floats(0, 0.2),
)
def test_every_job_is_done_once_whatever_is_lost(workers: int, count: int, seed: int, rate: float) -> None:
    draw = random.Random(seed)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(crew_module, "RESTARTS", 1000)
        patched.setattr(crew_module, "DEADLY", 1000)
        engine = Here(Echo, lambda number, method: draw.random() < rate, seed)
        crew = crew_of(engine, workers)
        done = [(job.indices[0], answer["readings"]) for job, answer in crew.done(jobs_of(count))]
    assert sorted(done) == [(n, n) for n in range(count)]
    assert engine.most_under_way <= IN_FLIGHT


def test_nothing_is_handed_out_that_nobody_takes() -> None:
    engine = Here(Echo)
    crew = crew_of(engine, 3)
    done = crew.done(jobs_of(100))
    for taken in range(1, 20):
        next(done)
        asked = sum(method == "letters" for _, method, _ in engine.calls)
        assert asked <= taken - 1 + 3 * IN_FLIGHT
    done.close()


def test_what_a_caller_left_is_not_given_to_the_next_one() -> None:
    engine = Here(Echo)
    crew = crew_of(engine, 2)
    first = crew.done([Job("letters", [n], ("old",)) for n in range(8)])
    next(first)
    first.close()
    again = sorted(answer["readings"] for _, answer in crew.done(jobs_of(4)))
    assert again == [0, 1, 2, 3]
    assert engine.most_under_way <= IN_FLIGHT


def test_two_callers_in_turn_get_their_own() -> None:
    crew = crew_of(Here(Echo, seed=3), 2)
    one = crew.done([Job("letters", [n], (("one", n),)) for n in range(9)])
    two = crew.done([Job("letters", [n], (("two", n),)) for n in range(9)])
    found = [(a["readings"], b["readings"]) for (_, a), (_, b) in zip(one, two, strict=True)]
    assert sorted(a for a, _ in found) == [("one", n) for n in range(9)]
    assert sorted(b for _, b in found) == [("two", n) for n in range(9)]


def test_an_error_of_a_worker_is_raised_as_it_is() -> None:
    crew = crew_of(Here(Echo), 2)
    with pytest.raises(MemoryFullError, match="full"):
        list(crew.done([Job("letters", [0], ("full",)), *jobs_of(3)]))
    assert sorted(answer["readings"] for _, answer in crew.done(jobs_of(3))) == [0, 1, 2]


def test_all_workers_gone_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    engine = Here(Echo, lambda number, method: method == "letters")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(crew_module, "DEADLY", 1000)
        crew = crew_of(engine, 2)
        with pytest.raises(RunFailedError, match=r"all workers are gone \(worker \d\).*culturescope resume"):
            list(crew.done(jobs_of(4)))
    assert len(engine.workers) == 2 + 2 * crew_module.RESTARTS
    assert capsys.readouterr().err.count("A worker is lost") == len(engine.workers)


def test_prompts_that_kill_their_worker_are_given_up_before_all_are_gone() -> None:
    engine = Here(Echo, lambda number, method: method == "letters")
    crew = crew_of(engine, 4)
    with pytest.raises(RunFailedError, match="3 workers were lost over the same 1 prompts"):
        list(crew.done(jobs_of(1)))


def test_workers_that_die_while_they_load_end_the_start() -> None:
    engine = Here(Echo, lambda number, method: True)
    with pytest.raises(RunFailedError, match="all workers are gone"):
        crew_of(engine, 2)
    assert engine.closed


@pytest.mark.parametrize(
    ("greeting", "said"),
    [
        ({"version": "0.0.1"}, "has culturescope 0.0.1"),
        (
            {"identity": {**IDENTITY.as_dict(), "weights_sha256": "2" * 64}},
            "has other weights of m than this machine",
        ),
        ({"error": "ModelError", "message": "no such model"}, "no such model"),
        ({"error": "Exception", "message": "odd"}, "odd"),
    ],
)
def test_a_first_worker_that_does_not_fit_is_refused(greeting: dict[str, Any], said: str) -> None:
    engine = Here(lambda number: Echo(number, **greeting))
    with pytest.raises(CulturescopeError, match=said):
        crew_of(engine, 2, weights_sha256="1" * 64)
    assert engine.closed


def test_a_later_worker_with_another_model_is_refused_and_another_gpu_is_not() -> None:
    def make(other: dict[str, Any]) -> Here:
        return Here(
            lambda number: Echo(number, identity={**IDENTITY.as_dict(), **(other if number else {})}), seed=1
        )

    with pytest.raises(
        ModelError, match=r"holds another model than the rest: weights_sha256 is '(2{64}|1{64})'"
    ):
        list(crew_of(make({"weights_sha256": "2" * 64}), 2).done(jobs_of(50)))
    engine = make({"device": "cuda:1"})
    list(crew_of(engine, 2).done(jobs_of(50)))
    assert {worker for worker, method, _ in engine.calls if method == "letters"} == {0, 1}


def test_a_later_worker_that_cannot_load_leaves_the_others_at_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    engine = Here(
        lambda number: Echo(number, **({"error": "MemoryFullError", "message": "full"} if number else {})),
        seed=1,
    )
    crew = crew_of(engine, 2)
    assert len(list(crew.done(jobs_of(30)))) == 30
    assert "cannot load the model (full): the others go on" in capsys.readouterr().err
