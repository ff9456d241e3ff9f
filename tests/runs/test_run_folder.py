"""Run folders are made, refused, locked, read, continued and compared."""

from __future__ import annotations

import json
import re
import signal
import sys
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from culturescope.errors import CulturescopeError, RunFailedError, RunFolderError
from culturescope.runs import RunFolder
from culturescope.runs.manifest import recorded_command
from culturescope.runs.place import safe_name

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs flock and signals")
CONFIG = {"profile": "quick", "orders": ("AB", "BA")}
MODEL = {"name": "smollm2-135m", "weights_sha256": "a" * 64, "letters": [{"letter": "A", "id": 5}]}


def run_json(folder: RunFolder) -> dict[str, object]:
    return json.loads((folder.path / "run.json").read_bytes())


def test_a_run_from_start_to_end(tmp_path: Path) -> None:
    with RunFolder.create(
        tmp_path / "runs", "org/Some Model", CONFIG, command=["culturescope", "audit"]
    ) as run:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d-org-Some-Model-[0-9a-f]{6}", run.path.name)
        assert run_json(run)["status"] == "started"
        run.update(model=MODEL, seeds=[42])
        run.append([{"key": "a", "d": 0.5}])
        run.finish("success")
    content = run_json(run)
    assert content["format"] == 1
    assert content["status"] == "success"
    assert content["config"] == {"profile": "quick", "orders": ["AB", "BA"]}
    assert content["command"] == ["culturescope", "audit"]
    assert content["model"] == MODEL
    assert content["seeds"] == [42]
    assert content["error"] is None
    assert content["elapsed_seconds"] >= 0
    assert {"culturescope", "python", "torch", "platform", "processor", "threads"} <= set(content["versions"])
    for moment in (content["created"], content["finished"]):
        assert datetime.fromisoformat(moment).utcoffset().total_seconds() == 0
    assert RunFolder.open(run.path).samples() == [{"key": "a", "d": 0.5}]
    assert RunFolder.open(run.path).manifest.status == "success"


def test_two_runs_of_one_model_on_one_day_are_two_folders(tmp_path: Path) -> None:
    paths = {RunFolder.create(tmp_path, "m", {}).path for _ in range(5)}
    assert len(paths) == 5


@given(
    st.text(max_size=300)
    | st.sampled_from(["..", "../../etc/passwd", "C:\\models\\x", "a\0b", "/", ".hidden"])
)
def test_every_model_name_makes_a_safe_folder_name(name: str) -> None:
    safe = safe_name(name)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", safe)
    assert ".." not in safe
    assert len(f"2026-01-01-{safe}-abcdef") <= 80


def test_the_exact_path_is_taken(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert RunFolder.create(tmp_path, "m", {}, path=tmp_path / "empty").path == tmp_path / "empty"
    assert (
        RunFolder.create(tmp_path, "m", {}, path=tmp_path / "new" / "deep").path == tmp_path / "new" / "deep"
    )
    assert not (tmp_path / "runs").exists()


def test_a_folder_with_a_run_is_refused_and_left_alone(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, "m", {"first": 1}, path=tmp_path / "run") as run:
        run.append([{"key": "a"}])
    before = {p.name: p.read_bytes() for p in run.path.iterdir()}
    with pytest.raises(
        RunFolderError, match=rf"`culturescope resume {re.escape(str(run.path))}`, or .* another name"
    ):
        RunFolder.create(tmp_path, "m", {"second": 2}, path=run.path)
    assert {p.name: p.read_bytes() for p in run.path.iterdir()} == before


def test_what_a_creation_killed_at_once_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("1234")
    (tmp_path / ".run.json.00000000.culturescope-tmp").write_text('{"for')
    run = RunFolder.create("runs", "m", {}, path=tmp_path)
    assert sorted(p.name for p in run.path.iterdir()) == [".lock", "run.json"]


def test_a_folder_with_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis").write_text("ten years")
    with pytest.raises(RunFolderError, match="is not empty; choose another name"):
        RunFolder.create(tmp_path, "m", {}, path=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis"]


def test_files_in_the_way_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunFolderError, match="is a file"):
        RunFolder.create(tmp_path, "m", {}, path=tmp_path / "file")
    with pytest.raises(RunFolderError, match="is a file"):
        RunFolder.create(tmp_path / "file", "m", {})
    with pytest.raises(RunFolderError, match=r"is a file, not a folder|part of the path is a file"):
        RunFolder.create(tmp_path, "m", {}, path=tmp_path / "file" / "run")
    with pytest.raises(RunFolderError, match="NUL"):
        RunFolder.create(tmp_path, "m", {}, path="a\0b")
    with pytest.raises(RunFolderError, match="too long"):
        RunFolder.create(tmp_path, "m", {}, path=tmp_path / ("n" * 300))


def test_a_read_only_disk_is_refused(read_only_disk: Path) -> None:
    for given_path in (None, read_only_disk / "run", read_only_disk):
        with pytest.raises(RunFolderError, match="the disk is read-only; choose another place"):
            RunFolder.create(read_only_disk / "runs", "m", {}, path=given_path)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is of Linux")
def test_a_parent_that_takes_no_folders_is_refused() -> None:
    for given_path in (None, "/proc/run"):
        with pytest.raises(RunFolderError, match="cannot write /proc"):
            RunFolder.create("/proc", "m", {}, path=given_path)


@posix
def test_a_folder_without_rights_is_refused(tmp_path: Path, child) -> None:
    (tmp_path / "locked").mkdir(mode=0o555)
    process = child(
        """
import os, sys
from culturescope.errors import RunFolderError
from culturescope.runs import RunFolder
if os.geteuid() == 0:  # Root may write anywhere.
    os.setuid(65534)
try:
    RunFolder.create(sys.argv[1], "m", {})
except RunFolderError as error:
    print(error)
""",
        tmp_path / "locked",
    )
    out, err = process.communicate(timeout=20)
    assert not err
    assert "permission denied; choose a folder you may write to" in out


def test_a_disk_without_room_leaves_no_half_run(small_disk: Path) -> None:
    with pytest.raises(CulturescopeError, match="the disk is full"):
        RunFolder.create(small_disk, "m", {"text": "x" * 100_000})
    assert list(small_disk.iterdir()) == []


def test_values_without_json_form_are_refused_before_anything_is_kept(tmp_path: Path) -> None:
    for value in (float("nan"), object()):
        with pytest.raises(RunFailedError, match="config of the run: a value has no JSON form"):
            RunFolder.create(tmp_path, "m", {"x": value})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"format": 1, "status": "sta', "damaged"),
        (b"", "damaged"),
        (b"\xff", "damaged"),
        (b"[" * 100_000, "damaged"),
        (b'{"format": 1, "status": "lost", "created": "x"}', r"damaged \(status"),
        (b"[]", "not written by culturescope"),
        (b'{"format": 2}', "has format 2, this culturescope reads format 1"),
    ],
    ids=["truncated", "empty", "not utf-8", "deep", "status", "list", "newer"],
)
def test_a_run_json_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "run.json").write_bytes(content)
    for opened in (RunFolder.open, RunFolder.resume):
        with pytest.raises(RunFolderError, match=message):
            opened(tmp_path)


def test_what_is_no_run_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    run = RunFolder.create(tmp_path / "runs", "m", {})
    with pytest.raises(RunFolderError, match="no run folder at"):
        RunFolder.open(tmp_path / "nowhere")
    with pytest.raises(RunFolderError, match="is a file"):
        RunFolder.open(tmp_path / "file")
    with pytest.raises(RunFolderError, match="is not a run folder"):
        RunFolder.open(tmp_path)
    with pytest.raises(RunFolderError, match=rf"holds runs.*{run.path.name}"):
        RunFolder.open(run.path.parent)
    with pytest.raises(RunFolderError, match="NUL"):
        RunFolder.open("a\0b")


def test_reading_writes_nothing(tmp_path: Path) -> None:
    RunFolder.create(tmp_path, "m", {}, path=tmp_path / "run").close()
    (tmp_path / "run" / ".lock").unlink()
    with RunFolder.open(tmp_path / "run") as run:
        run.known()
    assert [p.name for p in run.path.iterdir()] == ["run.json"]


def test_update_keeps_what_is_its_own_and_refuses_nonsense(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "m", {})
    for field in ("format", "created", "elapsed_seconds"):
        with pytest.raises(ValueError, match=field):
            run.update(**{field: 1})
    with pytest.raises(ValueError, match="status"):
        run.update(status="lost")
    with pytest.raises(ValueError, match="not 'started'"):
        run.finish("started")  # type: ignore[arg-type]
    assert run_json(run)["status"] == "started"


def test_an_error_that_leaves_the_block_is_recorded(tmp_path: Path) -> None:
    def fail(error: BaseException) -> RunFolder:
        with pytest.raises(type(error)), RunFolder.create(tmp_path, "m", {}) as run:
            raise error
        return run

    failed, cancelled = fail(RunFailedError("the disk is full")), fail(KeyboardInterrupt())
    assert (run_json(failed)["status"], run_json(failed)["error"]) == ("error", "the disk is full")
    assert (run_json(cancelled)["status"], run_json(cancelled)["error"]) == ("cancelled", "interrupted")


def test_resume_goes_on_and_adds_up_the_time(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, "m", CONFIG, model=MODEL) as run:
        run.append([{"key": "a"}])
        run.finish("error", "lost power")
    stored = run_json(run)
    (run.path / "run.json").write_text(json.dumps({**stored, "elapsed_seconds": 100.0}))
    with RunFolder.resume(run.path) as again:
        assert run_json(again)["status"] == "error"
        again.check_same(CONFIG, MODEL)
        again.restart()
        assert (run_json(again)["status"], run_json(again)["error"]) == ("started", None)
        assert list(again.known()) == ["a"]
        again.append([{"key": "b"}])
        again.finish("success")
    assert run_json(again)["elapsed_seconds"] >= 100
    assert run_json(again)["created"] == stored["created"]
    assert [row["key"] for row in RunFolder.open(run.path).samples()] == ["a", "b"]


def test_a_refused_resume_leaves_the_run_as_it_was(tmp_path: Path) -> None:
    with RunFolder.create(tmp_path, "m", CONFIG, model=MODEL) as run:
        run.finish("success")
    before = (run.path / "run.json").read_bytes()
    with pytest.raises(RunFolderError), RunFolder.resume(run.path) as again:
        again.check_same({}, MODEL)
    assert (run.path / "run.json").read_bytes() == before


@pytest.mark.parametrize(
    ("config", "model", "message"),
    [
        ({**CONFIG, "profile": "full"}, MODEL, r"config\.profile was 'quick' and is now 'full'"),
        ({"profile": "quick"}, MODEL, r"config\.orders .* is now missing"),
        ({**CONFIG, "new": 1}, MODEL, r"config\.new was missing and is now 1"),
        (
            CONFIG,
            {**MODEL, "weights_sha256": "b" * 64},
            r"model\.weights_sha256 .*weights were replaced in between",
        ),
        (
            CONFIG,
            {**MODEL, "letters": [{"letter": "A", "id": 6}]},
            r"model\.letters .*tokens for the letters",
        ),
    ],
)
def test_another_study_or_model_is_refused_by_the_first_difference(
    tmp_path: Path, config: dict[str, object], model: dict[str, object], message: str
) -> None:
    run = RunFolder.create(tmp_path, "m", CONFIG, model=MODEL)
    run.check_same(CONFIG, MODEL)
    run.check_same(CONFIG, None)
    with pytest.raises(RunFolderError, match=message) as caught:
        run.check_same(config, model)
    assert "\n" not in str(caught.value)


def test_what_may_differ_can_be_named_and_an_unknown_model_is_not_compared(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "m", {"batch": {"size": 8}})
    run.check_same({"batch": {"size": 16}}, MODEL, ignore=["config.batch.size"])
    run.update(model={**MODEL, "device": "cuda:0"})
    run.check_same({"batch": {"size": 8}}, {**MODEL, "device": "cuda:1"}, ignore=["model.device"])
    with pytest.raises(RunFolderError, match=r"model\.device"):
        run.check_same({"batch": {"size": 8}}, {**MODEL, "device": "cuda:1"})


def test_true_is_not_one_but_one_is_one_point_zero(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "m", {"chat": True, "alpha": 1})
    run.check_same({"chat": True, "alpha": 1.0}, None)
    with pytest.raises(RunFolderError, match=r"config\.chat"):
        run.check_same({"chat": 1, "alpha": 1}, None)


def test_secrets_of_the_command_line_are_not_recorded() -> None:
    given_arguments = [
        "culturescope",
        "--model_args",
        "url=https://me:pw@host/v1,api_key=sk-1",
        "--api-key",
        "sk-2",
    ]
    given_arguments += ["--max_new_tokens", "64", "--hf-token=hf_3", "caf\udce9"]
    recorded = " ".join(recorded_command(given_arguments))
    assert "url=https://***@host/v1,api_key=***" in recorded
    assert "--max_new_tokens 64" in recorded
    for secret in ("pw", "sk-1", "sk-2", "hf_3"):
        assert secret not in recorded
    recorded.encode()


HOLD = """
import sys
from culturescope.runs import RunFolder
run = RunFolder.create("runs", "m", {}, path=sys.argv[1])
run.append([{"key": "a"}])
print("ready")
sys.stdin.read()
"""


@posix
def test_a_second_process_is_refused_by_the_number_of_the_first_and_may_read(tmp_path: Path, child) -> None:
    first = child(HOLD, tmp_path / "run")
    assert first.stdout.readline() == "ready\n"
    with pytest.raises(RunFolderError, match=rf"in use by process {first.pid};"):
        RunFolder.resume(tmp_path / "run")
    run = RunFolder.open(tmp_path / "run")
    assert run.samples() == [{"key": "a"}]
    for write in (lambda: run.append([{"key": "b"}]), lambda: run.update(x=1), lambda: run.finish("success")):
        with pytest.raises(RunFolderError, match="in use by process"):
            write()
    first.stdin.close()
    first.wait()
    run.append([{"key": "b"}])
    assert len(run.samples()) == 2


@posix
def test_the_lock_of_a_killed_process_is_no_lock(tmp_path: Path, child) -> None:
    first = child(HOLD, tmp_path / "run")
    first.stdout.readline()
    (tmp_path / "run" / ".results.json.00000000.culturescope-tmp").write_text("half")
    first.send_signal(signal.SIGKILL)
    first.wait()
    with RunFolder.resume(tmp_path / "run") as run:
        assert run.manifest.status == "started"
        run.append([{"key": "b"}])
        run.finish("success")
    assert [row["key"] for row in run.samples()] == ["a", "b"]
    assert sorted(p.name for p in run.path.iterdir()) == [".lock", "run.json", "samples.jsonl"]


@posix
def test_of_many_processes_that_want_one_new_folder_exactly_one_gets_it(tmp_path: Path, child) -> None:
    code = """
import sys
from culturescope.errors import RunFolderError
from culturescope.runs import RunFolder
print("ready")
sys.stdin.readline()
try:
    run = RunFolder.create("runs", "m", {"who": sys.argv[2]}, path=sys.argv[1])
    print("won")
except RunFolderError as error:
    print("refused", error)
sys.stdin.read()
"""
    racers = [child(code, tmp_path / "run", index) for index in range(6)]
    for racer in racers:
        racer.stdout.readline()
    for racer in racers:
        racer.stdin.write("\n")
        racer.stdin.flush()
    answers = [racer.stdout.readline() for racer in racers]
    assert [answer.split()[0] for answer in answers].count("won") == 1
    unclear = [a for a in answers if a != "won\n" and "in use by" not in a and "holds a run already" not in a]
    assert unclear == []
    assert RunFolder.open(tmp_path / "run").manifest.config == {"who": str(answers.index("won\n"))}


def test_runs_and_its_use_import_no_torch_and_no_fcntl_is_needed(tmp_path: Path, child) -> None:
    process = child(
        """
import sys
sys.modules["fcntl"] = None
from culturescope.runs import Progress, RunFolder
with RunFolder.create(sys.argv[1], "m", {}) as run, Progress(1, quiet=True):
    run.append([{"key": "a"}])
    run.finish("success")
assert "torch" not in sys.modules and "transformers" not in sys.modules
""",
        tmp_path,
    )
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")


@posix
def test_a_run_killed_again_and_again_ends_with_every_sample_once(tmp_path: Path, child) -> None:
    code = """
import sys
from culturescope.runs import RunFolder
with RunFolder.resume(sys.argv[1]) as run:
    run.restart()
    known = run.known()
    for start in range(0, 400, 20):
        batch = [{"key": str(n), "d": n / 7, "text": "x" * 2000} for n in range(start, start + 20)]
        new = [row for row in batch if row["key"] not in known]
        if new:
            run.append(new)
            print(start)
    run.finish("success")
"""
    RunFolder.create(tmp_path, "m", {}, path=tmp_path / "run").close()
    for steps in (1, 2, 4):
        process = child(code, tmp_path / "run")
        for _ in range(steps):
            process.stdout.readline()
        process.kill()
        process.wait()
    process = child(code, tmp_path / "run")
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    run = RunFolder.open(tmp_path / "run")
    assert run.manifest.status == "success"
    assert [(row["key"], row["d"]) for row in run.samples()] == [(str(n), n / 7) for n in range(400)]
