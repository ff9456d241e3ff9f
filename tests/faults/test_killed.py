"""Real processes that are killed at random moments or interrupted, then resumed: results to the bit, every sample once.

Five kills in continuous integration; `make faults` does fifty.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SMALL = [
    "--limit",
    "4",
    "--check-limit",
    "4",
    "--templates",
    "1",
    "--batch-size",
    "3",
    "--only",
    "probe",
    "--quiet",
]
KILLS = int(os.environ.get("CULTURESCOPE_KILLS", "5"))
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
# Children of a process that has imported everything once: an attempt then takes a second, not ten.
CHILDREN = multiprocessing.get_context("forkserver")
CHILDREN.set_forkserver_preload(["tests.faults.child"])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Starts `culturescope ARGUMENTS` as a process; its stderr goes to a file."""
    from tests.faults.child import command

    started = []

    def begin(*arguments: object, said: Path | None = None) -> Any:
        process = CHILDREN.Process(
            target=command, args=([str(a) for a in arguments], str(said or tmp_path / "said"))
        )
        process.start()
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.is_alive():
            process.kill()
        process.join()


def count(folder: Path) -> int:
    try:
        return (folder / "samples.jsonl").read_bytes().count(b"\n")
    except FileNotFoundError:
        return 0


def outcome(folder: Path) -> tuple[bytes, dict[str, str]]:
    lines = (folder / "samples.jsonl").read_text().splitlines()
    rows = {json.loads(line)["key"]: line for line in lines}
    assert len(rows) == len(lines), "a sample comes twice"
    assert json.loads((folder / "run.json").read_text())["status"] == "success"
    assert (folder / "report.html").stat().st_size > 100_000
    return (folder / "results.json").read_bytes(), rows


def test_a_run_killed_at_any_moment_ends_with_the_same_results(
    start: Callable[..., Any], tiny: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    audit = ["audit", tiny("qwen2"), *SMALL, "-o"]
    began = time.monotonic()
    first = start(*audit, tmp_path / "whole")
    first.join(300)
    took = time.monotonic() - began
    assert first.exitcode == 0, (tmp_path / "said").read_text()
    expected = outcome(tmp_path / "whole")
    moments = random.Random(os.environ.get("CULTURESCOPE_KILLS", "seed"))
    found = []
    for n in range(KILLS):
        folder = tmp_path / f"run-{n}"
        process = start(*audit, folder)
        process.join(took * moments.random())
        process.kill()
        process.join()
        found.append(count(folder))
        again = (
            start("resume", folder, "--quiet") if (folder / "run.json").exists() else start(*audit, folder)
        )
        again.join(300)
        assert again.exitcode == 0, (tmp_path / "said").read_text()
        assert outcome(folder) == expected
    if "CULTURESCOPE_KILLS" in os.environ:
        with capsys.disabled():
            print(
                f"\n{KILLS} kills, with {min(found)} to {max(found)} of {len(expected[1])} samples saved: nothing lost, same bits"
            )


def test_ctrl_c_twice_stops_at_once_and_the_run_goes_on(
    start: Callable[..., Any], tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    folder, said = tmp_path / "run", tmp_path / "interrupted"
    process = start("audit", tiny("qwen2"), *SMALL, "-o", folder, said=said)
    while count(folder) < 6 and process.is_alive():
        process.join(0.005)
    os.kill(process.pid, signal.SIGINT)
    while process.is_alive() and "Interrupted" not in said.read_text():
        process.join(0.001)
    if process.is_alive():
        os.kill(process.pid, signal.SIGINT)
    process.join(60)
    assert process.exitcode == 130
    assert "Traceback" not in said.read_text()
    assert f"culturescope resume {folder}" in said.read_text()
    again = start("resume", folder, "--quiet")
    again.join(300)
    assert again.exitcode == 0
    outcome(folder)


def test_clocks_that_go_backwards_and_a_folder_that_is_read_only(
    start: Callable[..., Any], tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    """The run was begun in the future, and its files are older than the model's."""
    folder = tmp_path / "run"
    process = start("audit", tiny("qwen2"), *SMALL, "-o", folder)
    while count(folder) < 6 and process.is_alive():
        process.join(0.005)
    process.kill()
    process.join()
    manifest = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(
        json.dumps(
            {**manifest, "created": "2099-01-01T00:00:00+00:00", "finished": "2098-01-01T00:00:00+00:00"}
        )
    )
    for file in folder.iterdir():
        os.utime(file, (1, 1))
    if os.geteuid() != 0:
        folder.chmod(0o555)
        refused = start("resume", folder, "--quiet")
        refused.join(60)
        assert refused.exitcode == 2
        folder.chmod(0o755)
    again = start("resume", folder, "--quiet")
    again.join(300)
    assert again.exitcode == 0, (tmp_path / "said").read_text()
    outcome(folder)
    ended = json.loads((folder / "run.json").read_text())
    assert ended["created"] == "2099-01-01T00:00:00+00:00"
    assert ended["elapsed_seconds"] > 0
