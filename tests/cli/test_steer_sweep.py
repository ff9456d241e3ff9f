"""`steer sweep`, `generate` and `tax` from the command line: what they print and write, and one line for what cannot be done."""

from __future__ import annotations

import importlib.util
import json
import re

import pytest

import culturescope as cs
from culturescope.cli import run
from culturescope.cli.steer_steps import steps_of
from culturescope.errors import BadInputError
from tests.cli.test_steer import one_line

QUICK = ["--limit", "4", "--random", "0", "--quality-prompts", "2", "--max-new-tokens", "3", "--quiet"]


@pytest.fixture(scope="module")
def file(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("sweep") / "x.safetensors"
    model = ["steer", "fit", str(tiny("llama")), "--axis", "X", "--blocks", "1", "--limit", "4", "--quiet"]
    assert run([*model, "-o", str(path)]) == 0
    return path


def test_steps_are_lists_and_ranges():
    assert steps_of("alphas", None) == ()
    assert steps_of("alphas", "0.2,-0.1") == (-0.1, 0.2)
    assert steps_of("alphas", "-0.4..0.4") == (-0.4, -0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3, 0.4)
    assert steps_of("doses", "0..0.3:4") == (0.0, 0.1, 0.2, 0.3)
    for bad in ("", "a", "0.1,", "nan", "inf..1", "0..1:1", "0..1:x", "1..2..3"):
        with pytest.raises(BadInputError, match="no list of coefficients"):
            steps_of("alphas", bad)


def test_a_sweep_prints_and_writes_and_goes_on(tiny, file, tmp_path, capsys):
    folder = tmp_path / "swept"
    command = ["steer", "sweep", str(tiny("llama")), "--vector", str(file), *QUICK, "--no-cap"]
    assert run([*command, "--alphas", "-0.1,0.1", "-o", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith("Unsteered, 4 scenarios: ")
    assert [line.split()[1] for line in out.splitlines() if line.startswith("X ") and "[" in line] == [
        "-0.100",
        "+0.100",
    ]
    assert "Recommended for X, up:" in out
    stored = json.loads((folder / "sweep.json").read_text())
    assert [row["alpha"] for row in stored["rows"]] == [0.0, -0.1, 0.1]
    assert cs.load_vector(folder / "vectors" / "X.safetensors").sha256 == cs.load_vector(file).sha256
    written = (folder / "generated.jsonl").read_bytes()
    assert len(written.splitlines()) == 6
    assert run([*command, "--alphas", "-0.1,0.1,0.2", "--json", "-o", str(folder)]) == 0
    again = (folder / "generated.jsonl").read_bytes()
    assert again.startswith(written)
    assert len(again.splitlines()) == 8, "what was written is not written again"
    assert json.loads(capsys.readouterr().out)["rows"][1]["alpha"] == -0.1


def test_a_sweep_fits_axes_itself(tiny, capsys):
    quick = [
        "--limit",
        "4",
        "--random",
        "0",
        "--quality-prompts",
        "0",
        "--quiet",
        "--alphas",
        "0.1",
        "--no-cap",
    ]
    assert (
        run(["steer", "sweep", str(tiny("llama")), "--axis", "Y,X", "--blocks", "1", *quick, "--json"]) == 0
    )
    found = json.loads(capsys.readouterr().out)
    assert [row["vector"] for row in found["rows"]] == [None, "Y", "X"]
    assert found["vectors"]["X"]["split"] == "optimise"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "name what to sweep"),
        (["--vector", "FILE", "--axis", "X"], "name what to sweep"),
        (["--axis", "Q"], '"Q" is not one of'),
        (["--vector", "FILE", "--blocks", "chosen"], "goes with --axis"),
        (["--vector", "FILE", "--alphas", "5"], r"beyond the cap of 0\.4"),
        (["--vector", "FILE", "--alphas", "x"], "no list of coefficients"),
        (["--vector", "FILE", "--quality-prompts", "1"], "between 2 and 40"),
        (["--vector", "FILE", "--random", "3"], "20 random vectors"),
    ],
)
def test_a_sweep_that_cannot_be_says_so_in_one_line(tiny, file, capsys, options, words):
    given = [str(file) if part == "FILE" else part for part in options]
    assert run(["steer", "sweep", str(tiny("llama")), "--quiet", *given]) == 2
    assert re.search(words, one_line(capsys))


def test_generate_shows_both_answers(tiny, file, tmp_path, capsys):
    output, questions = tmp_path / "answers.json", tmp_path / "questions.txt"
    questions.write_text("What is a lake?\n\nHow far is it?\n")
    command = [
        "steer",
        "generate",
        str(tiny("llama")),
        "--vector",
        str(file),
        "--max-new-tokens",
        "4",
        "--quiet",
    ]
    assert run([*command, "--alpha", "-0.3", "--file", str(questions), "-o", str(output)]) == 0
    out = capsys.readouterr().out
    assert out.count("| steered (X -0.3)") == 2
    stored = json.loads(output.read_text())
    assert [a["question"] for a in stored["answers"]] == ["What is a lake?", "How far is it?"]
    assert stored["steering"][0]["vector"] == cs.load_vector(file).sha256
    assert run([*command, "--alpha", "0", "What is it?", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["answers"][0]["same"]
    assert run([*command, "--alpha", "1"]) == 2
    assert "either questions or a --file" in one_line(capsys)
    assert run([*command, "--alpha", "1", "--alpha", "2", "Why?"]) == 2
    assert "one --alpha for each" in one_line(capsys)


@pytest.mark.skipif(importlib.util.find_spec("lm_eval") is not None, reason="lm-eval is installed")
def test_the_tax_says_what_it_needs(tiny, file, capsys):
    assert (
        run(
            ["steer", "tax", str(tiny("llama")), "--vector", str(file), "--alpha", "1", "--tasks", "arc_easy"]
        )
        == 2
    )
    assert 'pip install "culturescope[tax]"' in one_line(capsys)
