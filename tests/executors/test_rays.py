"""Workers of a real Ray on this machine: what they read is what one process reads, whoever is killed in between."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from culturescope.errors import MemoryFullError, ModelError, RunFailedError
from culturescope.executors import Placement, note_placement, opened
from culturescope.executors import crew as crew_module
from culturescope.executors.crew import IN_FLIGHT
from culturescope.executors.rays import RayEngine
from culturescope.experiments import audit, survey
from culturescope.experiments.design import Design
from culturescope.experiments.resume import resume_run
from culturescope.experiments.survey_design import SurveyDesign
from culturescope.models import CausalModel
from culturescope.models.options import option_logprobs
from culturescope.prompts import Prompt
from culturescope.runs import RunFolder

if sys.platform == "win32":
    pytest.skip("Ray ends its processes by signals", allow_module_level=True)

DESIGN = Design.of("quick", limit=6, check_limit=4, template_ids=("plain",), agreement=5, batch_size=4)


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    """One Ray for all tests of this file, which is used again by whoever opens workers."""
    engine = RayEngine(Placement.of("ray", 4), 1)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture(scope="module")
def fleet(ray: Any, tiny: Callable[[str], Path], said: list[str]) -> Iterator[Any]:
    """Two workers with the model that `tiny_loaded` has in this process."""
    with opened(Placement.of("ray", 2), tiny("qwen2"), {"threads": 1}, progress=said.append) as model:
        yield model


def processes(said: list[str]) -> list[int]:
    return [int(found[1]) for line in said if (found := re.search(r"\(process (\d+) on ", line))]


def carried_out(model: Any, source: Path, place: Path, placement: Placement | None = None) -> Path:
    with audit.start_run(model, DESIGN, load={"source": str(source), "threads": 1}, output_path=place) as run:
        note_placement(run, placement or Placement())
        audit.carry_out(model, run, quiet=True)
    return place


@pytest.fixture(autouse=True)
def no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes most of the time, and is seen elsewhere."""
    monkeypatch.setattr(audit, "_write_page", lambda *rest: None)
    monkeypatch.setattr(survey, "_write_page", lambda *rest: None)


@pytest.fixture(scope="module")
def alone(tiny: Callable[[str], Path], tiny_loaded: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study in one process."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(audit, "_write_page", lambda *rest: None)
        return carried_out(tiny_loaded("qwen2"), tiny("qwen2"), tmp_path_factory.mktemp("alone") / "run")


def samples(folder: Path) -> dict[str, dict[str, Any]]:
    rows = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    found = {row["key"]: row for row in rows}
    assert len(found) == len(rows), "a sample comes twice"
    return found


def assert_same(folder: Path, other: Path) -> None:
    """Every sample once, logits within 1e-4, the same texts, replies and verdict."""
    one, two = samples(folder), samples(other)
    assert one.keys() == two.keys()
    for key, row in one.items():
        assert row["logits"] == pytest.approx(two[key]["logits"], abs=1e-4)
        assert row["logprobs"] == pytest.approx(two[key]["logprobs"], abs=1e-4)
        numbers = ("logits", "logprobs")
        assert {k: v for k, v in row.items() if k not in numbers} == {
            k: v for k, v in two[key].items() if k not in numbers
        }
    verdicts = [
        {
            axis["axis"]: axis["verdict"]
            for axis in json.loads((f / "results.json").read_text())["check"]["axes"]
        }
        for f in (folder, other)
    ]
    assert set(verdicts[0]) == {"X", "Y"}
    assert verdicts[0] == verdicts[1]
    assert json.loads((folder / "run.json").read_text())["status"] == "success"


def test_two_workers_read_and_write_what_one_process_does(fleet: Any, tiny_loaded: Any) -> None:
    here: CausalModel = tiny_loaded("qwen2")
    assert fleet.identity == here.identity
    prompts = [task.prompt for task in DESIGN.tasks()][:40]
    wanted: dict[int, Any] = {}
    for indices, readings in here.read_letters(prompts, batch_size=4):
        wanted.update(zip(indices, readings, strict=True))
    seen: list[int] = []
    for indices, readings in fleet.read_letters(prompts, batch_size=4):
        seen += indices
        for n, reading in zip(indices, readings, strict=True):
            assert reading.logits == pytest.approx(wanted[n].logits, abs=1e-4)
            assert (reading.tokens, reading.bounded) == (wanted[n].tokens, ())
            assert fleet.show(prompts[n]) == here.show(prompts[n])
    assert sorted(seen) == list(range(len(prompts)))
    assert fleet.show(Prompt.of("Another one?")) == here.show(Prompt.of("Another one?"))
    for temperature in (0.0, 0.9):
        asked = {"max_new_tokens": 5, "temperature": temperature, "seed": 3, "batch_size": 3}
        assert fleet.generate(prompts[:7], **asked) == here.generate(prompts[:7], **asked)
    lists = [["1", "10", "2"], ["yes", "no"], *[["1", "2"]] * 9]
    for found, expected in zip(
        option_logprobs(fleet, prompts[:11], lists, batch_size=3),
        option_logprobs(here, prompts[:11], lists, batch_size=3),
        strict=True,
    ):
        assert found.logprobs == pytest.approx(expected.logprobs, abs=1e-4)
        assert (found.within, found.tokens) == (expected.within, expected.tokens)


def test_what_is_on_its_way_is_bounded(fleet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray's own count of what is not done yet, each time that somebody takes a result."""
    under_way: set[Any] = set()
    most: list[int] = []
    call, result = RayEngine.call, RayEngine.result

    def counted(engine: RayEngine, worker: Any, method: str, *arguments: Any) -> Any:
        ref = call(engine, worker, method, *arguments)
        under_way.add(ref)
        return ref

    def ended(engine: RayEngine, ref: Any) -> Any:
        under_way.discard(ref)
        return result(engine, ref)

    monkeypatch.setattr(RayEngine, "call", counted)
    monkeypatch.setattr(RayEngine, "result", ended)
    prompts = [Prompt.of(f"Is {n} good? A or B") for n in range(120)]
    for _ in fleet.read_letters(prompts, batch_size=2):
        most.append(len(under_way))
    assert len(most) >= 24
    assert max(most) < 2 * IN_FLIGHT


def test_errors_of_workers_come_as_they_are(fleet: Any) -> None:
    with pytest.raises(ModelError, match="reads at most"):
        list(fleet.read_letters([Prompt.of("long " * 5000)]))
    with pytest.raises(ModelError, match="temperature"):
        fleet.generate([Prompt.of("A?")], max_new_tokens=1, temperature=-1)
    with pytest.raises(ModelError, match="batch size"):
        list(fleet.read_letters([Prompt.of("A?")], batch_size=0))
    # A worker's process is as it was.
    assert len(list(fleet.read_letters([Prompt.of("A?")]))) == 1


def test_a_worker_is_killed_in_the_middle_and_nothing_is_lost(
    fleet: Any,
    alone: Path,
    said: list[str],
    tiny: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kept, left = RunFolder.append, [3]

    def append(folder: RunFolder, rows: Any) -> None:
        kept(folder, rows)
        left[0] -= 1
        if left[0] == 0:
            os.kill(processes(said)[0], signal.SIGKILL)

    monkeypatch.setattr(RunFolder, "append", append)
    folder = carried_out(fleet, tiny("qwen2"), tmp_path / "run")
    assert left[0] < 0, "the run went on"
    assert "A worker is lost" in capsys.readouterr().err
    assert_same(folder, alone)


def test_a_memory_that_is_full_halves_the_batch_in_workers_too(
    fleet: Any, alone: Path, tiny: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker's answer stands for a memory that cannot be filled here; the rest is real."""
    result, answers = RayEngine.result, [0]

    def full(engine: RayEngine, ref: Any) -> Any:
        found = result(engine, ref)
        answers[0] += 1
        return {"error": MemoryFullError.__name__, "message": "full"} if answers[0] == 3 else found

    monkeypatch.setattr(RayEngine, "result", full)
    folder = carried_out(fleet, tiny("qwen2"), tmp_path / "run")
    assert json.loads((folder / "run.json").read_text())["reduced_batch_size"] == 2
    assert_same(folder, alone)


def test_a_survey_is_asked_by_workers(
    fleet: Any, tiny: Callable[[str], Path], tiny_loaded: Any, tmp_path: Path
) -> None:
    design = SurveyDesign(samples=1, wordings=2, new_tokens=4, batch_size=3, items=("Y01", "X02"))
    for name, model in (("alone", tiny_loaded("qwen2")), ("workers", fleet)):
        options = {"source": str(tiny("qwen2"))}
        with survey.start_survey(model, design, load=options, output_path=tmp_path / name) as run:
            survey.carry_out_survey(model, run, quiet=True)
    one, two = samples(tmp_path / "alone"), samples(tmp_path / "workers")
    assert one.keys() == two.keys()
    for key, row in one.items():
        assert row.get("reply") == two[key].get("reply")
        assert row["text"] == two[key]["text"]
        if row.get("logprobs"):
            assert row["logprobs"] == pytest.approx(two[key]["logprobs"], abs=1e-4)


def test_all_workers_dead_is_one_line_and_another_number_goes_on(
    ray: Any,
    alone: Path,
    tiny: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said: list[str] = []
    kept = RunFolder.append

    def append(folder: RunFolder, rows: Any) -> None:
        kept(folder, rows)
        for process in processes(said):
            os.kill(process, signal.SIGKILL)

    placement = Placement.of("ray", 1)
    with monkeypatch.context() as patched:
        patched.setattr(crew_module, "RESTARTS", 0)
        patched.setattr(RunFolder, "append", append)
        with (
            opened(placement, tiny("qwen2"), {"threads": 1}, progress=said.append) as model,
            pytest.raises(RunFailedError, match="all workers are gone"),
        ):
            carried_out(model, tiny("qwen2"), tmp_path / "run", placement)
    stored = json.loads((tmp_path / "run" / "run.json").read_text())
    assert stored["status"] == "error"
    assert stored["error"].startswith("all workers are gone")
    before = samples(tmp_path / "run")
    assert 0 < len(before) < len(samples(alone))
    capsys.readouterr()
    said.clear()
    resume_run(tmp_path / "run", workers=2, quiet=True, progress=said.append)
    assert before.items() <= samples(tmp_path / "run").items()
    assert_same(tmp_path / "run", alone)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["executor"]["workers"] == 2
    assert processes(said)


@pytest.fixture(scope="module")
def interrupted(
    tiny: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[int, str, Path]:
    """The command line with a Ray of its own; Ctrl-C goes to every process of the terminal once the first answers are saved."""
    folder = tmp_path_factory.mktemp("interrupted") / "run"
    arguments = ["probe", str(tiny("qwen2")), "--limit", "100", "--batch-size", "2", "--executor", "ray"]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "culturescope",
            *arguments,
            "--workers",
            "1",
            "--threads",
            "1",
            "-o",
            str(folder),
        ],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    file = folder / "samples.jsonl"
    while process.poll() is None and not (file.exists() and file.stat().st_size):
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    return process.returncode, errors, folder


def test_ctrl_c_ends_cleanly_and_one_process_goes_on(interrupted: tuple[int, str, Path]) -> None:
    code, errors, folder = interrupted
    assert code == 130, errors
    assert "Traceback" not in errors
    assert f"To go on: culturescope resume {folder}" in errors
    assert re.search(r"Worker 1 of 1 has loaded qwen2 \(process \d+ on ", errors)
    assert json.loads((folder / "run.json").read_text())["status"] == "cancelled"
    assert 0 < len(samples(folder)) < 600
    for process in processes(errors.splitlines()):
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    resume_run(folder, executor="local", quiet=True)
    assert len(samples(folder)) > 600
    assert json.loads((folder / "run.json").read_text())["status"] == "success"
    assert json.loads((folder / "run.json").read_text())["executor"]["executor"] == "local"
