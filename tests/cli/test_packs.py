"""Other instruments from the command line: by name or folder, with one axis, without societies, without personas."""

import json
import re
import shutil

import pytest

from culturescope.cli import run
from culturescope.instrument.loader import PACKS

SMALL = ["--limit", "5", "--check-limit", "2", "--templates", "1", "--only", "probe", "--quiet"]
NAME = "individualism-collectivism"


def one_line(capsys):
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip()]
    assert len(lines) == 1, lines
    return lines[0]


@pytest.fixture(scope="module")
def audited(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs") / "run"
    assert run(["audit", str(tiny("qwen2")), "--pack", NAME, *SMALL, "-o", str(folder)]) == 0
    return folder


@pytest.fixture
def without_personas(tmp_path):
    folder = shutil.copytree(PACKS / NAME, tmp_path / "mine")
    (folder / "personas.toml").unlink()
    return folder


def test_a_run_keeps_the_name_of_its_pack_and_has_its_axis_only(audited):
    config = json.loads((audited / "run.json").read_text())["config"]
    assert config["design"]["pack"] == NAME
    assert len(config["texts"]["personas_sha256"]) == 12
    results = json.loads((audited / "results.json").read_text())
    assert [a["axis"] for a in results["probe"]["axes"]] == ["I"]
    assert [a["verdict"] in ("interpretable", "weak", "not interpretable") for a in results["check"]["axes"]]


def test_its_page_shows_the_axis_and_no_map_and_no_foreign_source(audited):
    page = re.sub(r"<script.*?</script>", "", (audited / "report.html").read_text(), flags=re.DOTALL)
    assert "Individualism" in page
    assert "Triandis" in page
    assert "World Values Survey" not in page
    assert 'id="map"' not in page


def test_page_and_resume_go_on_with_the_pack(audited, tmp_path, capsys):
    assert run(["page", str(audited), "-o", str(tmp_path / "again.html")]) == 0
    assert "Triandis" in (tmp_path / "again.html").read_text()
    assert run(["resume", str(audited), "--quiet"]) == 0
    assert "Collectivism to Individualism (I):" in capsys.readouterr().out


def test_the_map_says_that_it_needs_societies(audited, capsys):
    assert run(["map", str(audited)]) == 2
    line = one_line(capsys)
    assert f"the map needs societies, and the pack {NAME} has none" in line
    assert "culturescope page" in line


def test_without_personas_there_is_a_probe_and_no_check(without_personas, tiny, tmp_path, capsys):
    assert run(["plan", "--pack", str(without_personas)]) == 2
    assert "has no personas.toml" in one_line(capsys)
    assert run(["plan", "--pack", str(without_personas), "--check-limit", "0", "--json"]) == 0
    assert "check" not in json.loads(capsys.readouterr().out)["prompts"]
    arguments = ["--pack", str(without_personas), "--limit", "2", "--templates", "1", "--quiet"]
    assert run(["probe", str(tiny("qwen2")), *arguments, "-o", str(tmp_path / "run"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["check"] is None


def test_a_run_whose_pack_has_changed_is_refused(without_personas, tiny, tmp_path, capsys):
    arguments = ["--pack", str(without_personas), "--limit", "2", "--templates", "1", "--quiet"]
    assert run(["probe", str(tiny("qwen2")), *arguments, "-o", str(tmp_path / "run")]) == 0
    file = without_personas / "scenarios" / "I01.jsonl"
    file.write_text(file.read_text().replace("a free Sunday", "a Sunday"))
    capsys.readouterr()
    assert run(["page", str(tmp_path / "run")]) == 2
    assert "scenarios_sha256" in one_line(capsys)


def test_scenarios_list_shows_which_packs_there_are(capsys):
    assert run(["scenarios", "list", "--pack", NAME, "--limit", "1"]) == 0
    out = capsys.readouterr().out
    assert "I01-" in out
    assert "Inglehart-Welzel map (2 axes" in out
    assert run(["scenarios", "list", "--packs", "--json"]) == 0
    found = {p["name"]: p for p in json.loads(capsys.readouterr().out)}
    assert (found["wvs"]["societies"], found[NAME]["societies"]) == ("wvs", None)
    assert found[NAME]["scenarios"] == 60


@pytest.mark.parametrize("command", [["plan"], ["scenarios", "list"], ["scenarios", "lint"]])
def test_an_unknown_pack_is_one_line(command, capsys):
    assert run([*command, "--pack", "nowhere"]) == 2
    assert "packaged packs are wvs, individualism-collectivism" in one_line(capsys)
