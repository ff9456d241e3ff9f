"""Real processes that are killed, interrupted or run out of disk; then `resume` ends as if nothing had happened."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time

import pytest

COMMAND = [sys.executable, "-m", "culturescope"]
SMALL = [
    "--limit",
    "6",
    "--check-limit",
    "4",
    "--templates",
    "2",
    "--batch-size",
    "2",
    "--only",
    "probe",
    "--quiet",
]
PROMPTS = 6 * 2 * 2 + 4 * 12 * 2


def samples(folder):
    try:
        lines = (folder / "samples.jsonl").read_text().split("\n")[:-1]
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]


def wait_for(folder, number, process, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        if len(samples(folder)) >= number:
            return
        time.sleep(0.01)


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    done = subprocess.run([*COMMAND, "audit", str(tiny("qwen2")), *SMALL, "-o", str(folder)], check=False)
    assert done.returncode == 0
    return folder


def assert_same(folder, whole):
    rows, expected = ({row["key"]: row for row in samples(f)} for f in (folder, whole))
    assert len(samples(folder)) == len(rows)
    assert rows.keys() == expected.keys()
    for key, row in rows.items():
        assert row["logits"] == pytest.approx(expected[key]["logits"], abs=1e-4)
    one, other = (json.loads((f / "results.json").read_text()) for f in (folder, whole))
    for mine, theirs in zip(one["check"]["axes"], other["check"]["axes"], strict=True):
        assert mine["verdict"] == theirs["verdict"]
        assert mine["D"]["value"] == pytest.approx(theirs["D"]["value"], abs=1e-4)
    assert json.loads((folder / "run.json").read_text())["status"] == "success"
    assert (folder / "report.html").exists()


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_run_goes_on_and_ends_the_same(tiny, tmp_path, whole, seed):
    folder = tmp_path / "run"
    command = [*COMMAND, "audit", str(tiny("qwen2")), *SMALL, "-o", str(folder)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_for(folder, random.Random(seed).randrange(1, PROMPTS), process)
    process.kill()
    process.wait()
    assert 0 < len(samples(folder)) < PROMPTS + 24
    done = subprocess.run(
        [*COMMAND, "resume", str(folder), "--quiet"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert_same(folder, whole)


def test_ctrl_c_saves_the_batch_says_how_to_go_on_and_exits_with_130(tiny, tmp_path, whole):
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [*COMMAND, "audit", str(tiny("qwen2")), *SMALL, "-o", str(folder)],
        stderr=subprocess.PIPE,
        text=True,
        # A suite started in the background of a shell ignores Ctrl-C, and so would the process.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_for(folder, 4, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert f"culturescope resume {folder}" in err
    assert "Traceback" not in err
    assert json.loads((folder / "run.json").read_text())["status"] == "cancelled"
    assert subprocess.run([*COMMAND, "resume", str(folder), "--quiet"], check=False).returncode == 0
    assert_same(folder, whole)


def test_a_full_disk_ends_the_run_with_one_line_and_nothing_lost(tiny, tmp_path, whole):
    folder = tmp_path / "run"

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))

    done = subprocess.run(
        [*COMMAND, "audit", str(tiny("qwen2")), *SMALL, "-o", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=small_files,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "samples.jsonl" in done.stderr.splitlines()[-1]
    assert len(samples(folder)) > 4
    assert subprocess.run([*COMMAND, "resume", str(folder), "--quiet"], check=False).returncode == 0
    assert_same(folder, whole)


def test_a_model_replaced_in_between_is_refused(tiny, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    for f in tiny("qwen2").iterdir():
        (model / f.name).write_bytes(f.read_bytes())
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [*COMMAND, "audit", str(model), *SMALL, "-o", str(folder)], stderr=subprocess.DEVNULL
    )
    wait_for(folder, 2, process)
    process.kill()
    process.wait()
    before = len(samples(folder))
    weights = model / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-9] ^= 0x10
    weights.write_bytes(content)
    os.utime(weights)
    done = subprocess.run(
        [*COMMAND, "resume", str(folder), "--quiet"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "weights" in done.stderr
    assert len(samples(folder)) == before


def test_a_second_process_on_one_run_is_refused(tiny, tmp_path):
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [*COMMAND, "audit", str(tiny("qwen2")), *SMALL, "-o", str(folder)],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    wait_for(folder, 2, process)
    process.send_signal(signal.SIGSTOP)
    try:
        done = subprocess.run([*COMMAND, "resume", str(folder)], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert str(process.pid) in done.stderr
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()
