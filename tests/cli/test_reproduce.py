"""`culturescope reproduce` on tiny random models of the paper's three families, by the code that its own models take."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from culturescope.cli import run
from culturescope.experiments.reproduce.claims import read_reproduction, read_table
from culturescope.experiments.steer.folder import read_search_file
from culturescope.experiments.study.doing import Doing
from culturescope.experiments.study.file import read_study

TINY = """
base = "{base}"
reduced = "random weights, 12 scenarios"
[probe]
limit = 12
check_limit = 4
agreement = 0
[study]
parts = {parts}
[study.survey]
wordings = 2
new_tokens = 1
personas = false
[study.personas]
societies = ["ARG"]
kinds = ["advanced"]
[study.search]
top = 2
how = "first-order"
[study.step]
random = "estimated"
[study.sweep]
alphas = [0.2, 0.4]
random = 0
quality_prompts = 2
new_tokens = 2
[study.entangle]
others = [0.2]
penalised = false
[study.methods]
first_order = true
"""
FAMILIES = {"llama": "llama-3.2-3b", "qwen3": "qwen3-4b", "gemma3": "gemma-3-4b"}
WHOLE = ["probe", "survey", "personas", "search", "sweep", "entangle", "methods"]
FAMILY = {"qwen3": "qwen3", "gemma3": "gemma3_text"}
MODELS = {
    "llama": "meta-llama/Llama-3.2-3B-Instruct",
    "qwen3": "Qwen/Qwen3-4B-Instruct-2507",
    "gemma3": "google/gemma-3-4b-it",
}


def source_of(tiny: Any, family: str, folder: Path) -> Path:
    """A tiny model that reads as much as a persona and a dilemma need together."""
    path = folder / family
    if not path.exists():
        shutil.copytree(tiny(family), path)
        for name in ("config.json", "tokenizer_config.json"):
            (path / name).write_text((path / name).read_text().replace("1024", "4096"))
    return path


def config(family: str, folder: Path, parts: list[str]) -> str:
    path = folder / f"{family}.toml"
    path.write_text(TINY.format(base=FAMILIES[family], parts=json.dumps(parts)), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def whole(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The whole study of the Llama family, stopped in the sweep as by Ctrl-C; the model's folder and the run's."""
    home = tmp_path_factory.mktemp("reproduce")
    source, place = source_of(tiny, "llama", home), home / "run"
    plain = Doing.do

    def stopped(self: Doing, part: str) -> list[str]:
        if part == "sweep":
            raise KeyboardInterrupt
        return plain(self, part)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Doing, "do", stopped)
        asked = [
            "reproduce",
            config("llama", home, WHOLE),
            "--stand-in",
            str(source),
            "-o",
            str(place),
            "--quiet",
        ]
        assert run(asked) == 130
    return source, place


def test_a_stopped_run_goes_on_by_resume_and_ends_with_the_claims(
    whole: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    source, place = whole
    stored = read_reproduction(place)
    assert stored is not None
    assert (stored.configuration.of, stored.configuration.asked) == (MODELS["llama"], str(source))
    assert read_table(place) is None
    assert read_study(place).part("sweep").status == "stopped"
    assert run(["resume", str(place), "--quiet"]) == 0
    study = read_study(place)
    assert {r.part for r in study.parts if r.status == "done"} == set(WHOLE)
    shown = capsys.readouterr().out
    table = read_table(place)
    assert table is not None
    assert (table.of, table.asked, table.stand_in) == (MODELS["llama"], "llama", True)
    assert table.reduced == "random weights, 12 scenarios"
    assert "was asked in the place of" in shown
    assert "Not the whole of the paper's study: random weights" in shown
    # Random weights carry no values: nothing that speaks of values may be confirmed.
    assert set(table.verdicts.values()) == {"not interpretable"}
    about_values = [c for c in table.claims if c.id not in ("refusals", "perplexity", "advanced-direct")]
    assert {c.outcome for c in about_values} == {"not testable"}
    by_id = {c.id: c for c in table.claims}
    assert by_id["domains-alike"].why == "the part domains is off: not part of the profile paper"
    assert "this one has 3" in by_id["blocks-llama"].why
    # Figures stand beside also where they may not be read.
    for claim in ("secular-bias", "advanced-dilemmas", "items-llama", "needs-more", "mean-difference"):
        assert by_id[claim].figures, claim
    assert all(c.outcome in shown for c in table.claims)
    text = (place / "claims.md").read_text(encoding="utf-8")
    assert all(c.claim in text for c in table.claims)
    assert (
        sum(line.startswith("| ") for line in text.splitlines())
        == len(table.claims) + len(table.readings) + 2
    )


def test_the_settings_of_the_paper_are_those_that_were_measured(whole: tuple[Path, Path]) -> None:
    _, place = whole
    found = read_search_file(place / "search")
    assert (found.plan["alpha"], found.plan["site"], found.plan["method"]) == (
        0.4,
        "option-text",
        "mean-difference",
    )
    entangled = json.loads((place / "search" / "entangle.json").read_text())
    assert (entangled["unit"], entangled["step"], list(entangled["by_step"])) == ("alpha", 0.4, ["0.2"])


def test_claims_are_judged_again_from_the_folder_alone(
    whole: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    _, place = whole
    before = read_table(place)
    assert run(["reproduce", "--table", str(place), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert before is not None
    assert again == before.model_dump(mode="json")
    # Of any study, where the configuration says whose claims; the file is then that one's.
    assert run(["reproduce", "qwen3-4b", "--table", str(place), "--json"]) == 0
    other = json.loads(capsys.readouterr().out)
    assert (other["of"], other["asked"], other["stand_in"]) == (MODELS["qwen3"], "llama", True)
    assert "not begun by the configuration qwen3-4b" in other["reduced"]


@pytest.mark.parametrize("family", ["qwen3", "gemma3"])
def test_the_other_families_take_the_same_way(
    family: str, tiny: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = source_of(tiny, family, tmp_path)
    asked = config(family, tmp_path, ["probe", "search"])
    place = tmp_path / "run"
    # As local weights of the paper's own model; half precision takes long on a CPU, and an option goes before the configuration.
    options = [
        "--weights",
        str(source),
        "--device",
        "cpu",
        "--dtype",
        "float32",
        "-o",
        str(place),
        "--quiet",
        "--json",
    ]
    assert run(["reproduce", asked, *options]) == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["of"], table["asked"], table["stand_in"]) == (MODELS[family], family, False)
    manifest = json.loads((place / "run.json").read_text())
    assert (manifest["model"]["dtype"], manifest["model"]["family"]) == ("float32", FAMILY[family])
    assert json.loads((place / "reproduce.json").read_text())["options"]["weights"] == str(source)
    assert {c["outcome"] for c in table["claims"]} == {"not testable"}
    blocks = next(c for c in table["claims"] if c["id"].startswith("blocks-"))
    assert "this one has 3" in blocks["why"]
    assert "not part of the profile" in next(c for c in table["claims"] if c["id"] == "perplexity")["why"]


def test_the_plan_counts_without_running(
    whole: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source, _ = whole
    monkeypatch.chdir(tmp_path)
    asked = ["reproduce", config("llama", tmp_path, ["probe", "search", "sweep"]), "--plan"]
    assert run([*asked, "--stand-in", str(source), "--json"]) == 0
    parts = json.loads(capsys.readouterr().out)["study"]["parts"]
    assert parts["search"]["readings"] > 0
    assert parts["sweep"]["seconds"] > 0
    # The paper's own model is not here, and nothing is fetched without being asked: prompts can be counted all the same.
    assert run([*asked, "--only", "personas"]) == 0
    out, err = capsys.readouterr()
    assert "Counted without the model" in err
    assert "personas of societies: 12 prompts" in out
    assert [p.name for p in tmp_path.iterdir()] == ["llama.toml"]
