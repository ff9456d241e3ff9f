"""A search that is stopped, anywhere and anyhow, goes on and ends as if it had not been; another search is refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

import culturescope as cs
from culturescope.cli import run
from culturescope.errors import BadInputError, RunFolderError
from culturescope.experiments.steer.parts import parts_of
from culturescope.experiments.steer.search import SearchPlan, search
from culturescope.experiments.steer.stages import Stages
from culturescope.instrument import load_pack
from culturescope.prompts import templates

PACK, WORDINGS = load_pack(), templates(1)
PARTS = parts_of(
    cs.scenarios("optimise", items=["X01", "X05"], limit=12),
    cs.scenarios("evaluate", items=["X01", "X05"], limit=6),
)
PLAN = SearchPlan(axes=("X",), top=1, verify=2, how="first-order", joint="greedy", blocks=(1, 2))


class StoppedError(Exception):
    pass


class Stopping(Stages):
    """Stops behind the first stage that it had to make."""

    def kept(self, kind, key, make):
        if self.made:
            raise StoppedError
        return super().kept(kind, key, make)


def searched(model, stages=None, plan=PLAN, parts=PARTS, said=None):
    return search(model, parts, PACK, WORDINGS, plan, stages=stages, batch_size=4, progress=said)


@pytest.fixture(scope="module")
def whole(tiny_loaded):
    return searched(tiny_loaded("llama"))


def same(one, other) -> bool:
    return one.found == other.found and {k: v.sha256 for k, v in one.vectors.items()} == {
        k: v.sha256 for k, v in other.vectors.items()
    }


def test_a_search_that_stops_behind_every_stage_ends_the_same(tiny_loaded, whole, tmp_path):
    model = tiny_loaded("llama")
    lines: list[str] = []
    calls = 0
    while True:
        assert calls < 100
        with Stopping(tmp_path) as stages:
            try:
                found = searched(model, stages, said=lines.append)
                break
            except StoppedError:
                calls += 1
                assert stages.made == 1
                assert stages.reused >= calls - 1, "all that was made before is used"
    assert calls >= 10
    assert same(found, whole), "to the last digit"
    assert found.vectors["X"].origin == whole.vectors["X"].origin
    assert f"Going on with the search in {tmp_path}: 1 stages of it are done" in lines
    stages.finish()
    assert not (tmp_path / "stages").exists()


def test_what_was_kept_is_used_and_what_is_damaged_is_made_again(tiny_loaded, whole, tmp_path):
    model = tiny_loaded("llama")
    with Stages(tmp_path) as stages:
        searched(model, stages)
    made = stages.made
    files = sorted((tmp_path / "stages").glob("*.safetensors"))
    assert len(files) == made
    assert not [f for f in (tmp_path / "stages").iterdir() if f.suffix not in (".safetensors", ".json")]
    for n, damage in ((0, b""), (1, b"\xff" * 64), (2, files[2].read_bytes()[:-4])):
        files[n].write_bytes(damage)
    files[4].write_bytes(files[3].read_bytes())  # whole, but another stage's
    with Stages(tmp_path) as stages:
        assert same(searched(model, stages), whole)
    assert stages.made == 4


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"dose": 0.2}, "--dose 0.1, now 0.2"),
        ({"seed": 7}, "--seed 42, now 7"),
        ({"items": ("X05",)}, "--item"),
        ({"random_way": "measured"}, "--random estimated, now measured"),
        ({"blocks": (2,)}, "--blocks"),
    ],
)
def test_another_plan_is_refused(tiny_loaded, begun, change, line):
    with Stages(begun) as stages, pytest.raises(BadInputError, match=line) as caught:
        searched(tiny_loaded("llama"), stages, replace(PLAN, **change))
    assert "another folder" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.fixture(scope="module")
def begun(tiny_loaded, tmp_path_factory):
    folder = tmp_path_factory.mktemp("begun")
    with Stopping(folder) as stages, pytest.raises(StoppedError):
        searched(tiny_loaded("llama"), stages)
    return folder


def test_another_model_other_texts_and_a_second_process_are_refused(tiny_loaded, begun):
    with Stages(begun) as stages, pytest.raises(BadInputError, match="begun with another model"):
        searched(tiny_loaded("qwen2"), stages)
    other = replace(PARTS, report=PARTS.report[:-1])
    with Stages(begun) as stages, pytest.raises(BadInputError, match="other scenarios"):
        searched(tiny_loaded("llama"), stages, parts=other)
    changed = PARTS.choose[0].model_copy(update={"situation": "Something else."})
    other = replace(PARTS, choose=(changed, *PARTS.choose[1:]))
    with Stages(begun) as stages, pytest.raises(BadInputError, match="other scenarios"):
        searched(tiny_loaded("llama"), stages, parts=other)
    with Stopping(begun) as first:
        with pytest.raises(StoppedError):
            searched(tiny_loaded("llama"), first)
        with Stages(begun) as second, pytest.raises(RunFolderError, match="in use"):
            searched(tiny_loaded("llama"), second)
    (begun / "stages" / "plan.json").write_text("{")
    with Stages(begun) as stages, pytest.raises(BadInputError, match="is damaged"):
        searched(tiny_loaded("llama"), stages)


HELD = """
import sys
import culturescope.experiments.steer.stages as stages

class Held(stages.Stages):
    def kept(self, kind, key, make):
        if self.made == int(sys.argv[1]):
            print("held", flush=True)
            sys.stdin.read()
        return super().kept(kind, key, make)

stages.Stages = Held
from culturescope.cli import run
sys.exit(run(sys.argv[2:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of POSIX")
def test_a_killed_process_s_search_goes_on_by_the_same_command(tiny, tmp_path, capsys):
    asked = ["steer", "search", str(tiny("llama")), "--item", "A165", "--limit", "6", "--blocks", "1,2"]
    asked += ["--top", "1", "--first-order", "--batch-size", "4"]
    folder = tmp_path / "killed"
    command = [sys.executable, "-c", HELD, "7", *asked, "-o", str(folder), "-q"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ), text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait(60) == -signal.SIGKILL
    finally:
        process.kill()
        process.communicate()
    (folder / "stages" / ".x.safetensors.00.culturescope-tmp").write_text("half")
    assert not (folder / "search.json").exists()
    assert run(["steer", "entangle", str(folder)]) == 2
    assert "is not done" in capsys.readouterr().err
    assert run([*asked, "-o", str(folder), "--dose", "0.3"]) == 2
    assert "--dose 0.1, now 0.3" in capsys.readouterr().err
    assert run([*asked, "-o", str(folder)]) == 0
    assert "7 stages of it are done" in capsys.readouterr().err
    assert run([*asked, "-o", str(tmp_path / "whole"), "-q"]) == 0
    stored = [json.loads((place / "search.json").read_text()) for place in (folder, tmp_path / "whole")]
    for one in stored:
        one.pop("created")
        one.pop("work", None)  # what this process did, not what was found
    assert stored[0] == stored[1], "to the last digit"
    files = [(place / "vectors" / "X05.safetensors").read_bytes() for place in (folder, tmp_path / "whole")]
    assert files[0] == files[1]
    assert not (folder / "stages").exists()


def test_ctrl_c_says_how_to_go_on(tiny, tmp_path, capsys, monkeypatch):
    import culturescope.experiments.steer.steps as module

    class Interrupted(Stages):
        def kept(self, kind, key, make):
            if self.made:
                raise KeyboardInterrupt
            return super().kept(kind, key, make)

    monkeypatch.setattr(module, "Stages", Interrupted)
    asked = [
        "steer",
        "search",
        str(tiny("llama")),
        "--item",
        "X05",
        "--limit",
        "9",
        "-o",
        str(tmp_path / "s"),
    ]
    assert run([*asked, "-q"]) == 130
    assert "the same command goes on from there" in capsys.readouterr().err
    assert len(list((tmp_path / "s" / "stages").glob("*.safetensors"))) == 1
    monkeypatch.undo()
    done = []
    for folder in (tmp_path / "s", tmp_path / "whole"):
        assert run([*asked[:-1], str(folder), "-q"]) == 0
        done.append(json.loads((folder / "search.json").read_text())["work"])
        assert not (folder / "stages").exists()
    assert done[0]["flops"] == done[1]["flops"] > 0, "what was done before the stop counts, too"
