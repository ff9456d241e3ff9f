"""`steer search`, `steer entangle` and `steer aim` as a user calls them, one after the other, on a tiny model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

import culturescope as cs
from culturescope.cli import run
from culturescope.steering.vector import SteeringVector


@pytest.fixture(scope="module")
def searched(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("steer") / "search"
    code = run(
        [
            "steer",
            "search",
            str(tiny("llama")),
            "-o",
            str(folder),
            "--limit",
            "30",
            "--top",
            "2",
            "--blocks",
            "1,2",
            "-q",
        ]
    )
    assert code == 0
    return folder


@pytest.fixture(scope="module")
def few(searched, tmp_path_factory):
    """The same search with as few scenarios as an entanglement and a table of domains need."""
    folder = tmp_path_factory.mktemp("few") / "search"
    shutil.copytree(searched, folder)
    stored = json.loads((folder / "search.json").read_text())
    known = {s.id: s for s in cs.scenarios(split="evaluate")}
    cells: dict[tuple[str, str], list[str]] = {}
    for name in stored["parts"]["report"]:
        cells.setdefault((known[name].item[0], known[name].domain), []).append(name)
    report = [
        name for (axis, domain), ids in cells.items() if axis == "X" or domain == "legal" for name in ids[:2]
    ]
    stored["parts"] |= {"report": report, "choose": stored["parts"]["choose"][:10:2]}
    (folder / "search.json").write_text(json.dumps(stored))
    return folder


def test_search_keeps_all_that_later_steps_need(searched):
    stored = json.loads((searched / "search.json").read_text())
    assert set(stored["axes"]) == {"X", "Y"}
    assert sorted(p.name for p in (searched / "vectors").iterdir()) == ["X.safetensors", "Y.safetensors"]
    parts = [set(ids) for ids in stored["parts"].values()]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 60
    for found in stored["axes"].values():
        assert len(found["chosen"]) == 2
        assert all(e["random_band"] > 0 for e in found["blocks"])


def test_entangle_prints_controls_beside_effects(few, capsys):
    assert run(["steer", "entangle", str(few), "--random", "estimated", "--other-steps", "0.05", "-q"]) == 0
    out = capsys.readouterr().out
    assert "random +-" in out
    assert "Over societies: r 0.58" in out
    assert "legal     orthogonal" in out
    assert "dose 0.05 orthogonal" in out
    assert "estimated to first order" in out
    study = json.loads((few / "entangle.json").read_text())
    assert {d["way"] for d in study["decoupled"]} >= {"orthogonal", "penalised"}


def test_domains_prints_where_fitted_and_where_tested(few, capsys):
    assert run(["steer", "domains", str(few), "--axis", "X", "-q"]) == 0
    out = capsys.readouterr().out
    assert out.count("fitted on") == 12
    assert "fitted on legal     tested on family" in out
    assert len(json.loads((few / "domains.json").read_text())["X"]["cells"]) == 12


def test_methods_prints_each_vector_beside_the_default(few, capsys):
    asked = ["steer", "methods", str(few), "--axis", "X", "--site", "option-text,answer-letter"]
    assert run([*asked, "--method", "mean-difference,pca", "--blocks", "1", "--first-order", "-q"]) == 0
    out = capsys.readouterr().out
    assert "X steered at blocks 1 (dose 0.1" in out
    assert out.count("(default)") == 2, "estimated and measured"
    assert out.count("shuffled labels") == 2
    assert "than the default" in out
    assert "best by its estimate" in out
    assert len(json.loads((few / "methods.json").read_text())["X"]["rows"]) in (7, 8)


def test_aim_at_a_point(searched, capsys):
    assert (
        run(
            [
                *(
                    "steer",
                    "aim",
                    str(searched),
                    "--point",
                    "0.1,-0.3",
                    "--steps",
                    "1",
                    "--least-mass",
                    "0",
                    "-q",
                ),
                *("--quality-prompts", "6", "--max-new-tokens", "4", "--most-perplexity", "50"),
            ]
        )
        == 0
    )
    out = capsys.readouterr().out
    assert "Target 0.1_-0.3" in out
    assert "scenarios that chose nothing" in out
    assert "on prompts that chose nothing" in out
    assert "step 1: " in out
    stored = json.loads((searched / "aim-0.1_-0.3.json").read_text())
    assert stored["aim"]["evaluations"] >= 5
    assert stored["quality"]["prompts"] == 3
    moved = any(stored["aim"]["coefficients"])
    assert (stored["random"] is not None) == ("Random steps as long (20 measured)" in out) == moved
    assert len((searched / "aim-texts.jsonl").read_text().splitlines()) >= 6


def test_aim_begins_from_a_model_and_uses_its_search_again(searched, tiny, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model = str(tiny("llama"))
    aim = [
        "steer",
        "aim",
        model,
        "--point",
        "0.1,-0.3",
        "--steps",
        "1",
        "--most-perplexity",
        "0",
        "--random",
        "0",
    ]
    assert run([*aim, "--limit", "30", "-q", "--json"]) == 0
    assert "aim" in json.loads(capsys.readouterr().out)
    folder = tmp_path / "search-llama"
    made = (folder / "search.json").read_text()
    assert json.loads(made)["axes"]["X"]["how"] == "first-order"
    assert (folder / "aim-0.1_-0.3.json").exists()

    assert run([*aim, "-q"]) == 0
    assert (folder / "search.json").read_text() == made
    capsys.readouterr()
    assert run([*aim, "--limit", "30"]) == 2
    assert "is searched already, in search-llama: leave out --limit" in capsys.readouterr().err
    assert run(["steer", "aim", str(searched), "--point", "1,1", "--device", "cpu"]) == 2
    assert "leave out --device" in capsys.readouterr().err
    other = ["steer", "aim", str(tiny("gemma3")), "--point", "1,1", "--search-path", str(folder)]
    assert run(other) == 2
    assert f"holds the search of {model}" in capsys.readouterr().err


def test_aim_on_top_of_a_persona_is_compared_with_it_and_with_none(searched, capsys):
    asked = ["steer", "aim", str(searched), "--society", "DNK", "--on-top-of", "basic", "--steps", "1"]
    assert run([*asked, "--least-mass", "0", "--most-perplexity", "0", "-q"]) == 0
    out = capsys.readouterr().out
    stored = json.loads((searched / "aim-DNK-basic.json").read_text())
    by_name = {r["name"]: r for r in stored["reached"]}
    aimed = by_name["aimed"]
    alone = next(r for r in stored["reached"] if r["name"] == stored["on_top_of"])
    distance = {name: r["distance"]["value"] for name, r in by_name.items()}
    assert aimed["change"]["value"] == pytest.approx(distance["aimed"] - distance["unsteered"])
    assert aimed["change_from_persona"]["value"] == pytest.approx(
        distance["aimed"] - alone["distance"]["value"]
    )
    assert alone["change_from_persona"] is None
    assert f"change from the persona {stored['on_top_of']} alone" in out
    assert out.count("change from no steering and no persona") == len(by_name) - 1


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["aim", "{search}"], "name one target"),
        (["aim", "{search}", "--society", "IND", "--point", "1,1"], "name one target"),
        (["aim", "{search}", "--society", "Indai"], "IND"),
        (["aim", "{search}", "--point", "one,two"], "x,y"),
        (["aim", "{search}", "--point", "99,0"], "the map reaches"),
        (["aim", "{search}", "--point", "1,1", "--on-top-of", "basic"], "persona"),
        (["aim", "{empty}", "--point", "1,1"], "holds no search"),
        (["aim", "{search}", "--point", "1,1", "--most-perplexity", "0.9"], "above 1"),
        (["aim", "{search}", "--point", "1,1", "--quality-prompts", "2"], "4 prompts"),
        (["aim", "{search}", "--point", "1,1", "--steps", "0", "--most-perplexity", "0"], "a step or more"),
        (["aim", "{search}", "--point", "1,1", "--quality-prompts", "4000"], "neutral prompts"),
        (["entangle", "{empty}"], "holds no search"),
        (["entangle", "{search}", "--dose", "0"], "dose"),
        (["entangle", "{search}", "--random", "guessed"], "estimated"),
        (["domains", "{search}", "--axis", "Z"], "Z"),
        (["methods", "{search}", "--axis", "Z"], "Z"),
        (["methods", "{search}", "--site", "nowhere"], "nowhere"),
        (["methods", "{search}", "--method", "pca,pca"], "twice"),
        (["methods", "{empty}"], "holds no search"),
        (["entangle", "{search}", "--other-steps", "0.1,x"], "other-steps"),
        (["entangle", "{search}", "--other-steps", "0.1,2"], "at most 1"),
        (["entangle", "{search}", "--blocks", "77"], "block 77"),
        (["search", "{model}", "-o", "{search}"], "holds a search already"),
        (["search", "{model}", "--axis", "Z", "-o", "{new}"], "Z"),
        (["search", "{model}", "--method", "best", "-o", "{new}"], "mean-difference"),
        (["search", "{model}", "--limit", "3", "-o", "{new}"], "larger limit"),
        (["search", "{model}", "--top", "0", "-o", "{new}"], "at least one block"),
        (["search", "{model}", "--threshold", "-1", "-o", "{new}"], "threshold"),
    ],
)
def test_bad_input_is_one_line(searched, tiny, tmp_path, capsys, arguments, line):
    places = {"search": searched, "empty": tmp_path, "model": tiny("llama"), "new": tmp_path / "new"}
    assert run(["steer", *(a.format(**places) for a in arguments)]) == 2
    err = capsys.readouterr().err
    assert line in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "new").exists()


def test_a_damaged_search_is_one_line(searched, tmp_path, capsys):
    for text in ("{", "[]", '{"format": 1}', "\x00"):
        (tmp_path / "search.json").write_text(text)
        assert run(["steer", "entangle", str(tmp_path)]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_files_that_do_not_belong_together_are_one_line(searched, tmp_path, capsys):
    """Vectors of each other's axis, texts that changed since, and items that a place would need."""
    for name in ("mixed", "changed", "few"):
        shutil.copytree(searched, tmp_path / name)
    for axis, other in (("X", "Y"), ("Y", "X")):
        shutil.copy(
            searched / "vectors" / f"{axis}.safetensors",
            tmp_path / "mixed" / "vectors" / f"{other}.safetensors",
        )
    stored = json.loads((searched / "search.json").read_text())
    parts = stored["parts"]
    changed = {**parts, "fit": parts["fit"][::-1]}
    (tmp_path / "changed" / "search.json").write_text(json.dumps({**stored, "parts": changed}))
    few = {**parts, "report": parts["report"][:12]}
    (tmp_path / "few" / "search.json").write_text(json.dumps({**stored, "parts": few}))
    for name, line in (("mixed", "mixed up"), ("changed", "search again"), ("few", "have fewer")):
        assert run(["steer", "aim", str(tmp_path / name), "--point", "1,1", "-q"]) == 2
        err = capsys.readouterr().err
        assert line in err
        assert len(err.strip().splitlines()) == 1


OTHERS = {
    "another revision": ({"weights_sha256": "0" * 64, "revision": "other"}, 0, "--force"),
    "another model": ({"weights_sha256": "0" * 64, "model": "another"}, 0, "made for the model another"),
    "another width": ({}, 1, "width"),
}
STEERING = {
    "generate": ["generate", "{model}", "--vector", "{file}", "--alpha", "1", "Why?"],
    "sweep": ["sweep", "{model}", "--vector", "{file}", "--alphas", "0.1", "--quality-prompts", "0"],
    "tax": ["tax", "{model}", "--vector", "{file}", "--alpha", "1", "--tasks", "{task}"],
    "entangle": ["entangle", "{search}"],
    "domains": ["domains", "{search}", "--axis", "X"],
    "methods": ["methods", "{search}", "--axis", "X"],
    "aim": ["aim", "{search}", "--point", "1,1"],
}
TASK = Path(__file__).parents[2] / "benchmarks" / "tax_tasks" / "everyday.yaml"


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("command", STEERING)
def test_every_command_that_steers_checks_its_vectors(searched, tiny, tmp_path, capsys, command, other):
    """Wrong model, wrong width, another revision: refused with the reason, before anything is measured."""
    if command == "tax":
        pytest.importorskip("lm_eval")
    update, wider, line = OTHERS[other]
    folder = tmp_path / "search"
    shutil.copytree(searched, folder)
    file = folder / "vectors" / "X.safetensors"
    vector = cs.load_vector(file)
    directions = {b: torch.nn.functional.pad(vector[b], (0, wider)) for b in vector.blocks}
    file.unlink()
    SteeringVector(directions, vector.origin.model_copy(update=update)).save(file)
    places = {"model": tiny("llama"), "file": file, "search": folder, "task": TASK}
    assert run(["steer", *(a.format(**places) for a in STEERING[command]), "-q"]) == 2
    err = capsys.readouterr().err
    assert line in err
    assert len(err.strip().splitlines()) == 1
    if command == "generate" and other == "another revision":
        asked = [a.format(**places) for a in STEERING[command]]
        assert run(["steer", *asked, "--max-new-tokens", "2", "--force", "-q"]) == 0
        assert "Forced" in capsys.readouterr().err
