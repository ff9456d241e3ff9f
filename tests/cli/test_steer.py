"""`steer fit`, `show` and `export`: what they print and write, and one clear line for what cannot be done."""

from __future__ import annotations

import json

import pytest
import torch

import culturescope as cs
from culturescope.cli import run
from culturescope.cli.steer_options import blocks_of, vector_for
from culturescope.errors import BadInputError
from culturescope.steering.vector import Origin, SteeringVector
from tests.tiny import HIDDEN

FEW = ["--limit", "4", "--quiet"]


def one_line(capsys) -> str:
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if line.strip()]
    assert len(lines) == 1, err
    assert out == ""
    assert lines[0].startswith("culturescope: ")
    return lines[0]


@pytest.fixture(scope="module")
def file(tiny, tmp_path_factory):
    path = tmp_path_factory.mktemp("steer") / "x.safetensors"
    code = run(["steer", "fit", str(tiny("llama")), "--axis", "X", "--blocks", "1-2", *FEW, "-o", str(path)])
    assert code == 0
    return path


def test_fit_is_the_vector_of_the_library(file, tiny_loaded):
    items = ["X01", "X02", "X03", "X04", "X05"]
    chosen = cs.scenarios(split="optimise", items=items, limit=4)
    expected = cs.fit_vector(tiny_loaded("llama"), chosen, "X", blocks=[1, 2])
    found = cs.load_vector(file)
    assert found.blocks == (1, 2)
    assert found.origin.pairs == 4, "the limit counts scenarios of the axis"
    assert found.origin.scenarios_sha256 == expected.origin.scenarios_sha256
    assert found.origin.split == "optimise"
    for block in found.blocks:
        assert torch.allclose(found[block], expected[block], atol=1e-6)


def test_fit_and_show_print_each_block(tiny, tmp_path, capsys):
    path = tmp_path / "y.safetensors"
    assert run(["steer", "fit", str(tiny("llama")), "--item", "Y01", *FEW, "-o", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines()[-1] == f"Vector: {path}"
    rows = [line.split() for line in out.splitlines() if line.split()[0].isdigit()]
    v = cs.load_vector(path)
    assert [int(row[0]) for row in rows] == list(v.blocks)
    for row, block in zip(rows, v.blocks, strict=True):
        assert float(row[1]) == pytest.approx(v.norm(block), abs=1e-3)
        assert float(row[4]) == pytest.approx(v.dose(1.0, block), abs=1e-3)
    assert run(["steer", "show", str(path)]) == 0
    shown = capsys.readouterr().out
    known = v.origin.model_dump(exclude={"median_norm", "gap"}, exclude_none=True)
    assert len(known) >= 12
    for name, told in {**known, "sha256": v.sha256}.items():
        assert str(told) in shown, name
    assert "Warning" not in shown


def test_a_vector_of_the_evaluation_split_says_so_for_ever(tiny, tmp_path, capsys):
    path = tmp_path / "v.safetensors"
    call = ["steer", "fit", str(tiny("llama")), "--split", "evaluate", *FEW, "-o", str(path)]
    assert run(call) == 0
    assert "Warning" in capsys.readouterr().out
    other = tmp_path / "v.gguf"
    assert run(["steer", "export", str(path), str(other), "--to", "gguf", "--leave-out-block-0"]) == 0
    capsys.readouterr()
    assert run(["steer", "show", str(other)]) == 0
    assert "cannot be judged" in capsys.readouterr().out


def test_json_is_all_on_stdout_and_holds_the_figures(file, tiny, tmp_path, capsys):
    path = tmp_path / "v.safetensors"
    assert (
        run(["steer", "fit", str(tiny("llama")), "--domain", "legal", *FEW, "--json", "-o", str(path)]) == 0
    )
    fitted = json.loads(capsys.readouterr().out)
    assert fitted["vector"] == str(path)
    assert fitted["label"] == "legal"
    assert run(["steer", "show", str(file), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    v = cs.load_vector(file)
    assert shown["kind"] == "safetensors"
    assert shown["sha256"] == v.sha256
    assert [b["block"] for b in shown["blocks"]] == [1, 2]
    assert shown["blocks"][1]["dose_of_alpha_1"] == pytest.approx(v.dose(1.0, 2))


def test_export_to_each_format_and_back(file, tmp_path, capsys):
    v = cs.load_vector(file)
    for kind, name in (("gguf", "v.gguf"), ("lm-eval", "v.pt"), ("safetensors", "w.safetensors")):
        out = tmp_path / name
        assert run(["steer", "export", str(file), str(out), "--to", kind]) == 0
        assert capsys.readouterr().out == f"{out}\n"
        again = cs.load_vector(out)
        assert again.sha256 == v.sha256
        assert again.origin == v.origin
        assert run(["steer", "show", str(out), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["kind"] == kind
    assert (
        run(["steer", "export", str(file), str(tmp_path / "h.pt"), "--to", "lm-eval", "--alpha", "-0.5"]) == 0
    )
    assert torch.allclose(cs.load_vector(tmp_path / "h.pt")[1], -0.5 * v[1])
    call = ["steer", "export", str(file), str(tmp_path / "one.gguf"), "--to", "gguf", "--blocks", "2"]
    assert run(call) == 0
    assert cs.load_vector(tmp_path / "one.gguf").blocks == (2,)


def test_show_of_a_vector_that_tells_nothing(tmp_path, capsys):
    path = SteeringVector({3: torch.ones(4)}, Origin(label="m", method="t")).save(tmp_path / "v.safetensors")
    assert run(["steer", "show", str(path)]) == 0
    out = capsys.readouterr().out
    assert "Model: not told" in out
    assert "    3     2.000         -         -       -  -" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "M", "--axis", "Z"], '--axis: "Z" is not one of'),
        (["fit", "M", "--item", "X99"], "--item"),
        (["fit", "M", "--domain", "sports"], "--domain"),
        (["fit", "M", "--axis", "X", "--item", "Y01"], "no scenario"),
        (["fit", "M", "--method", "magic"], "unknown method"),
        (["fit", "M", "--site", "nowhere"], "unknown site"),
        (["fit", "M", "--split", "test"], "--split"),
        (["fit", "M", "--blocks", "5-3"], "--blocks"),
        (["fit", "M", "--limit", "0"], "limit must be at least 1"),
        (["fit", "M", "-o", "v.gguf"], "must end in .safetensors"),
        (["fit", "M", "-o", "nowhere/v.safetensors"], "no folder nowhere"),
        (["fit", "no-such-model"], "no-such-model"),
        (["show", "missing.safetensors"], "no file missing"),
        (["export", "missing.safetensors", "v.gguf", "--to", "gguf"], "no file missing"),
        (["export", "F", "v.gguf", "--to", "onnx"], "--to"),
        (["export", "F", "v.pt", "--to", "gguf"], "must end in .gguf"),
        (["export", "F", "v.gguf", "--to", "gguf", "--alpha", "2"], "--alpha is for --to lm-eval"),
        (["export", "F", "v.gguf", "--to", "gguf", "--blocks", "0"], "no direction for block 0"),
        (["export", "F", "v.pt", "--to", "lm-eval", "--leave-out-block-0"], "is for --to gguf"),
        (["export", "F", "v.pt", "--to", "lm-eval", "--alpha", "nan"], "finite"),
        (["export", "F", "v.pt", "--to", "lm-eval", "--hookpoint", "layers"], "{}"),
    ],
)
def test_bad_input_is_one_line(arguments, message, file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    given = [str(file) if a == "F" else a for a in arguments]
    assert run(["steer", *given]) == 2
    assert message in one_line(capsys)
    assert list(tmp_path.iterdir()) == []


def test_a_block_beyond_the_model_leaves_no_file(tiny, tmp_path, capsys):
    call = ["steer", "fit", str(tiny("llama")), "--blocks", "1-7", *FEW]
    assert run([*call, "-o", str(tmp_path / "v.safetensors")]) == 2
    assert "blocks 0 to 2" in one_line(capsys)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "blocks"),
    [(None, None), ("all", None), ("3", (3,)), ("10-12", (10, 11, 12)), (" 7, 3,5-6 ", (3, 5, 6, 7))],
)
def test_blocks_in_words(text, blocks):
    assert blocks_of(text) == blocks


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "1--2", "3-1", "1,,2", "٣", "0-99999999", "1.5"])
def test_blocks_that_cannot_be_meant(text):
    with pytest.raises(BadInputError, match="--blocks"):
        blocks_of(text)


def test_a_vector_is_opened_for_its_model_only(file, tiny_loaded, tmp_path, capsys):
    assert vector_for(file, tiny_loaded("llama")).blocks == (1, 2)
    assert capsys.readouterr().err == ""
    with pytest.raises(BadInputError, match="made for the model llama, not for mistral"):
        vector_for(file, tiny_loaded("mistral"), force=True)
    path = SteeringVector({0: torch.ones(HIDDEN)}, Origin(label="m", method="t")).save(
        tmp_path / "m.safetensors"
    )
    vector_for(path, tiny_loaded("llama"))
    assert "does not say which model" in capsys.readouterr().err
