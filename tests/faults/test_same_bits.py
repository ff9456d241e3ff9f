"""A run that was stopped anywhere and resumed ends with the bits of one that was not; memory that is full halves the batch."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from culturescope.errors import MemoryFullError, RunFolderError
from culturescope.experiments import audit, groups, resume, survey
from culturescope.experiments.design import Design
from culturescope.experiments.survey_design import SurveyDesign
from culturescope.models import CausalModel, load
from culturescope.models.sharing import allows_sharing
from culturescope.runs import RunFolder

DESIGN = Design.of("quick", limit=4, check_limit=4, template_ids=("plain",), agreement=5, batch_size=3)


class StoppedError(BaseException):
    """In the place of a kill: nothing may catch it."""


def results(folder: Path) -> bytes:
    return (folder / "results.json").read_bytes()


def samples(folder: Path) -> dict[str, str]:
    lines = (folder / "samples.jsonl").read_text().splitlines()
    rows = {json.loads(line)["key"]: line for line in lines}
    assert len(rows) == len(lines), "a sample comes twice"
    return rows


def stop_after(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Ends the process's work after so many batches were saved, as a kill between two writes does."""
    kept = RunFolder.append
    left = [count]

    def append(folder: RunFolder, rows: Any) -> None:
        kept(folder, rows)
        left[0] -= 1
        if left[0] == 0:
            raise StoppedError

    monkeypatch.setattr(RunFolder, "append", append)


def small_groups_and_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several groups, so that a stop falls between and within them; the page, which takes most of the time, is seen elsewhere."""
    monkeypatch.setattr(groups, "MOST", 12)
    monkeypatch.setattr(audit, "_write_page", lambda *rest: None)
    monkeypatch.setattr(survey, "_write_page", lambda *rest: None)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    small_groups_and_no_page(monkeypatch)


@pytest.fixture(scope="module")
def whole(tiny: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    model = load(tiny("qwen2"))
    with (
        pytest.MonkeyPatch.context() as patched,
        audit.start_run(model, DESIGN, load={"source": str(tiny("qwen2"))}, output_path=folder) as run,
    ):
        small_groups_and_no_page(patched)
        audit.carry_out(model, run, quiet=True)
    return folder


@pytest.mark.parametrize("seed", range(3))
def test_an_audit_stopped_after_any_batch_ends_with_the_same_bits(
    seed: int,
    whole: Path,
    tiny: Callable[[str], Path],
    tiny_loaded: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batches = len(samples(whole)) // 3
    model, folder = tiny_loaded("qwen2"), tmp_path / "run"
    with (
        monkeypatch.context() as patched,
        audit.start_run(model, DESIGN, load={"source": str(tiny("qwen2"))}, output_path=folder) as run,
    ):
        stop_after(patched, random.Random(seed).randrange(1, batches))
        with pytest.raises(StoppedError):
            audit.carry_out(model, run, quiet=True)
    before = samples(folder)
    path, _ = resume.resume_run(folder, quiet=True)
    after = samples(path)
    assert before.items() <= after.items(), "what was answered is kept as it was"
    assert after == samples(whole)
    assert results(folder) == results(whole)


def test_a_survey_stopped_after_any_batch_ends_with_the_same_bits(
    tiny: Callable[[str], Path], tiny_loaded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = SurveyDesign(samples=1, wordings=2, new_tokens=4, batch_size=3, items=("Y01", "X02"))
    model, options = tiny_loaded("qwen2"), {"source": str(tiny("qwen2"))}
    for name, stops in (("stopped", True), ("whole", False)):
        with monkeypatch.context() as patched:
            if stops:
                stop_after(patched, 4)
            try:
                with survey.start_survey(model, design, load=options, output_path=tmp_path / name) as run:
                    survey.carry_out_survey(model, run, quiet=True)
            except StoppedError:
                assert stops
    resume.resume_run(tmp_path / "stopped", quiet=True)
    assert samples(tmp_path / "stopped") == samples(tmp_path / "whole")
    assert results(tmp_path / "stopped") == results(tmp_path / "whole")


def test_threads_are_those_of_the_beginning(whole: Path, tmp_path: Path) -> None:
    import torch

    before = torch.get_num_threads()
    kept = json.loads((whole / "run.json").read_text())["machine"]
    assert kept == {"threads": before, "kernels": torch.backends.cpu.get_cpu_capability()}
    said: list[str] = []
    try:
        torch.set_num_threads(before + 1)
        groups.as_begun(RunFolder.open(whole), said.append)
        assert torch.get_num_threads() == before
        assert said == []
        with RunFolder.create(tmp_path, "m", {}) as other:
            other.update(machine={"threads": -1, "kernels": "NEON"})
            groups.as_begun(other, said.append)
        assert torch.get_num_threads() == before
        assert "NEON" in said[0]
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("device", ["processor", "accelerator"])
def test_memory_that_is_full_halves_the_batch_and_says_so(
    device: str, whole: Path, tiny: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A block asks for a petabyte where more than one prompt is read at once; the allocator's own error comes back."""
    import torch

    model = load(tiny("qwen2"))
    asked: list[int] = []

    @allows_sharing
    def greedy(module: Any, arguments: Any) -> None:
        at_once = (
            len(model.layout.prompts) if model.layout else len(model.passing.prompts) if model.passing else 1
        )
        asked.append(at_once)
        if at_once > 1:
            if device == "accelerator":
                raise torch.OutOfMemoryError("no accelerator is here to fail by itself")
            torch.empty(2**50, dtype=torch.uint8)

    handle = model.blocks[1].register_forward_pre_hook(greedy)
    folder = tmp_path / "run"
    with audit.start_run(model, DESIGN, load={"source": str(tiny("qwen2"))}, output_path=folder) as run:
        audit.carry_out(model, run, quiet=True)
    handle.remove()
    assert max(asked) == 3
    assert "The memory is full: going on with 1 prompts at once." in capsys.readouterr().err
    assert json.loads((folder / "run.json").read_text())["reduced_batch_size"] == 1
    alone, together = samples(folder), samples(whole)
    assert alone.keys() == together.keys()
    for key, line in alone.items():
        assert json.loads(line)["logits"] == pytest.approx(json.loads(together[key])["logits"], abs=1e-4)


def test_a_single_prompt_that_does_not_fit_ends_the_run_in_one_line(
    tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    import torch

    model: CausalModel = load(tiny("qwen2"))
    handle = model.blocks[0].register_forward_pre_hook(
        lambda module, arguments: torch.empty(2**50, dtype=torch.uint8) and None
    )
    with (
        pytest.raises(MemoryFullError, match="memory of the device is full"),
        audit.start_run(
            model, DESIGN, load={"source": str(tiny("qwen2"))}, output_path=tmp_path / "run"
        ) as run,
    ):
        audit.carry_out(model, run, quiet=True)
    handle.remove()
    stored = json.loads((tmp_path / "run" / "run.json").read_text())
    assert stored["status"] == "error"
    assert stored["reduced_batch_size"] == 1


def test_a_line_that_was_changed_is_not_counted(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    for file in whole.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    lines = (whole / "samples.jsonl").read_text().splitlines()
    for name, value in (
        ("order", "positive-C"),
        ("logits", [1.0]),
        ("logprobs", [0.5, 0.5]),
        ("text", 7),
        ("item", "Y02"),
    ):
        row = json.loads(lines[0])
        if row[name] == value:
            continue
        (folder / "samples.jsonl").write_text(
            "\n".join([json.dumps({**row, name: value}), *lines[1:]]) + "\n"
        )
        with pytest.raises(RunFolderError, match=r"was changed: its"):
            audit.rewrite_page(folder, tmp_path / "page.html")
