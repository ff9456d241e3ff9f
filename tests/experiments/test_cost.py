"""What a run costs: counted beforehand, recorded afterwards, attributed to phases, and what options of speed do to letters."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from culturescope.cli import run
from culturescope.cli.speed_options import batch_size_of
from culturescope.errors import BadInputError, ModelError
from culturescope.experiments.accounting import counted, filled, head_timed, work_lines
from culturescope.experiments.audit import carry_out, design_of, start_run
from culturescope.experiments.cost import expected_cost
from culturescope.experiments.design import Design
from culturescope.experiments.effects import effect_lines, measured_effect
from culturescope.experiments.resume import resume_run
from culturescope.models import MockModel, load
from culturescope.runs import RunFolder
from culturescope.timing import PHASES, Profile
from tests.models.plain import PROMPTS

DESIGN = Design.of("quick", limit=4, check_limit=0, template_ids=("plain",))
SMALL = ["--limit", "4", "--templates", "1", "--quiet"]
PLANNED = ["--limit", "4", "--check-limit", "0", "--templates", "1"]


def manifest(path):
    return json.loads((path / "run.json").read_text())


def test_a_run_does_the_work_that_the_plan_counted(tiny, tmp_path):
    model = load(tiny("qwen2"))
    design = replace(DESIGN, agreement=0)
    cost = expected_cost(model, design, design.tasks())
    before = model.work
    with start_run(model, design, load={"source": "tiny"}, output_path=tmp_path / "run") as folder:
        carry_out(model, folder, quiet=True)
    record = manifest(tmp_path / "run")["work"]
    assert cost.work == model.work - before
    assert {name: record[name] for name in asdict(cost.work)} == asdict(cost.work)
    assert record["shared"] is True
    assert record["exact"] is False
    assert record["seconds"] > 0
    assert 0 < record["peak_share"] <= record["peak_share_with_waste"] <= 1
    assert cost.alone.flops > cost.work.flops
    expected, least, most = cost.seconds
    assert 0 < least <= expected <= most
    assert cost.writing_seconds == 0


def test_exact_is_recorded_and_needs_more(tiny, tmp_path, capsys):
    for name, more in (("usual", []), ("exact", ["--exact"])):
        assert run(["probe", str(tiny("llama")), *SMALL, "-o", str(tmp_path / name), *more]) == 0
    printed = capsys.readouterr().err
    usual, exact = (manifest(tmp_path / name) for name in ("usual", "exact"))
    assert "every optimisation off (--exact)" in printed
    assert exact["config"]["load"]["exact"] is True
    assert "exact" not in usual["config"]["load"]
    assert exact["work"]["exact"] is True
    assert exact["work"]["shared"] is False
    assert exact["work"]["flops"] > usual["work"]["flops"]
    assert exact["work"]["tokens_padding"] > 0
    keys = [
        [json.loads(line)["key"] for line in (tmp_path / name / "samples.jsonl").read_text().splitlines()]
        for name in ("usual", "exact")
    ]
    assert set(keys[0]) == set(keys[1])  # the same answers, to rounding


def test_a_resumed_run_adds_its_work(tiny, tmp_path):
    model = load(tiny("qwen2"))
    with start_run(
        model, DESIGN, load={"source": str(tiny("qwen2"))}, output_path=tmp_path / "run"
    ) as folder:
        with counted(model, folder):
            list(model.read_letters(PROMPTS))
        first = folder.manifest.model_dump()["work"]
    resume_run(tmp_path / "run", quiet=True)
    second = manifest(tmp_path / "run")["work"]
    assert second["tokens_asked"] > first["tokens_asked"] > 0
    assert second["seconds"] > first["seconds"]
    assert "Work: " in work_lines(second)[0]
    assert work_lines(None) == []


def test_work_is_recorded_where_a_run_stops(tiny, tmp_path):
    model = load(tiny("qwen2"))
    folder = start_run(model, DESIGN, load={"source": "tiny"}, output_path=tmp_path / "run")

    def stop():
        with counted(model, folder):
            next(iter(model.read_letters(PROMPTS)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert manifest(tmp_path / "run")["work"]["tokens_computed"] > 0


def test_a_model_without_weights_here_has_no_work(tmp_path):
    model = MockModel(lambda prompt: (1.0, 0.0))
    with start_run(model, DESIGN, load={"source": "mock"}, output_path=tmp_path / "run") as folder:
        carry_out(model, folder, batch_size="auto", quiet=True)
    assert "work" not in manifest(tmp_path / "run")
    assert "filling" not in manifest(tmp_path / "run")


def test_auto_is_measured_once_kept_and_used_again(tiny, tmp_path, monkeypatch):
    source = str(tiny("qwen2"))
    path = tmp_path / "run"
    assert run(["probe", source, *SMALL, "-o", str(path), "--batch-size", "auto"]) == 0
    kept = manifest(path)["filling"]
    assert manifest(path)["config"]["design"]["batch_size"] == "auto"
    assert kept["token_budget"] >= 256
    assert design_of(RunFolder.open(path)).batch_size == "auto"

    def refuse(*_):
        raise AssertionError("measured again")

    monkeypatch.setattr("culturescope.experiments.accounting.choose_filling", refuse)
    model = load(source)
    folder = RunFolder.open(path)
    assert filled(model, folder, PROMPTS, "auto") > 16
    assert model.token_budget == kept["token_budget"]
    assert filled(model, folder, PROMPTS, "auto", rows=True) == kept["rows"]
    assert filled(model, folder, PROMPTS, 3) == 3
    model = load(source, exact=True)
    assert filled(model, folder, PROMPTS, "auto") == 16
    assert model.token_budget is None


def test_an_audit_with_auto_batches_gives_the_same_letters(tiny, tmp_path):
    rows = []
    for name, more in (("one", []), ("two", ["--batch-size", "auto"])):
        assert run(["probe", str(tiny("gemma3")), *SMALL, "-o", str(tmp_path / name), *more]) == 0
        lines = (tmp_path / name / "samples.jsonl").read_text().splitlines()
        rows.append({row["key"]: row["logits"] for row in map(json.loads, lines)})
    assert rows[0].keys() == rows[1].keys()
    for key, logits in rows[0].items():
        assert rows[1][key] == pytest.approx(logits, abs=1e-4)


def test_the_profile_of_a_run_adds_up_to_its_wall_time(tiny, tmp_path, capsys):
    path = tmp_path / "run"
    assert run(["probe", str(tiny("qwen2")), *SMALL, "-o", str(path), "--profile-time"]) == 0
    found = manifest(path)["profile"]
    assert list(found) == list(PHASES)
    printed = capsys.readouterr().err
    assert "Time by phase:" in printed
    wall = float(printed.split(" wall ")[1].split()[0])
    assert sum(found.values()) == pytest.approx(wall, abs=0.006)
    for name in ("loading", "tokenising", "forward", "head", "copying", "statistics", "writing"):
        assert found[name] > 0, name
    assert manifest(path)["status"] == "success"
    assert run(["resume", str(path), "--quiet", "--profile-time"]) == 0
    assert manifest(path)["profile"]["forward"] == 0  # nothing was left to ask


def test_hooks_are_timed_and_the_head_is_as_it_was(tiny):
    model = load(tiny("qwen2"))
    head = model.module.get_output_embeddings()
    from culturescope.models.blockhooks import on_blocks

    with Profile() as profile, head_timed(model, profile):
        with on_blocks({0: model.blocks[0]}, lambda number, residual: residual * 1.0, sharing=True):
            list(model.read_letters(PROMPTS))
        assert model.unshared_because is None  # timing is no hook
    assert profile.seconds["hooks"] > 0
    assert profile.seconds["head"] > 0
    assert "forward" not in vars(head)
    with head_timed(model, None):
        assert "forward" not in vars(head)


def test_the_effect_of_a_precision_is_measured_against_float32(tiny):
    source = str(tiny("qwen2"))
    model = load(source, dtype="bfloat16")
    before = model.work
    effect = measured_effect(model, source, {"dtype": "bfloat16"}, PROMPTS)
    assert effect["options"] == {"dtype": "bfloat16"}
    assert 1e-4 < effect["gap_mean"] <= effect["gap_largest"]
    assert effect["logit_mean"] <= effect["logit_largest"]
    assert effect["speed"] > 0
    assert model.work == before
    assert "dtype bfloat16" in effect_lines(effect)[0]


def test_eager_attention_is_the_same_to_rounding_and_no_option_is_no_effect(tiny):
    source = str(tiny("llama"))
    effect = measured_effect(
        load(source, attn_implementation="eager"), source, {"attn_implementation": "eager"}, PROMPTS
    )
    assert effect["logit_largest"] < 1e-4
    assert measured_effect(load(source), source, {"dtype": "float32", "threads": 1}, PROMPTS) is None
    assert (
        measured_effect(MockModel(lambda prompt: (1.0, 0.0)), "mock", {"dtype": "bfloat16"}, PROMPTS) is None
    )


def test_an_effect_that_does_not_fit_into_the_memory_is_not_measured(tiny, monkeypatch):
    source = str(tiny("qwen2"))
    monkeypatch.setattr("culturescope.experiments.effects._free_memory", lambda model: 1000)
    effect = measured_effect(load(source, dtype="bfloat16"), source, {"dtype": "bfloat16"}, PROMPTS)
    assert "not measured (the plain model needs" in effect_lines(effect)[0]


def test_an_unknown_attention_is_one_line(tiny):
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(tiny("qwen2"), attn_implementation="fastest")


def test_options_of_speed_are_taken_by_name_and_in_the_way_of_lm_eval(tiny, tmp_path, capsys):
    path = tmp_path / "run"
    arguments = ["--attn-implementation", "eager", "--model-args", "threads=1,exact=false"]
    assert run(["probe", str(tiny("qwen2")), *SMALL[:-1], "-o", str(path), *arguments]) == 0
    assert manifest(path)["effect"]["options"] == {"attn_implementation": "eager"}
    assert manifest(path)["config"]["load"]["threads"] == 1
    assert manifest(path)["model"]["extra"]["attn_implementation"] == "eager"
    assert "Effect of attn_implementation eager on" in capsys.readouterr().err
    assert run(["probe", str(tiny("qwen2")), *SMALL, "--model-args", "threads=all"]) == 2
    assert 'threads is a number, not "all"' in capsys.readouterr().err


@pytest.mark.parametrize(("text", "value"), [(None, None), ("auto", "auto"), ("12", 12)])
def test_batch_sizes_are_numbers_or_auto(text, value):
    assert batch_size_of(text) == value


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", ""])
def test_other_batch_sizes_are_refused(text):
    with pytest.raises(BadInputError, match="at least 1, or auto"):
        batch_size_of(text)


def test_the_plan_says_tokens_arithmetic_and_a_range_of_time(tiny, capsys):
    assert run(["plan", str(tiny("qwen2")), *PLANNED]) == 0
    printed = capsys.readouterr().out
    for word in ("have to be computed", "without sharing", "FLOP (attention", "short measurements"):
        assert word in printed
    assert run(["plan", str(tiny("qwen2")), *PLANNED, "--exact", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["shares"] is False
    assert found["work"]["tokens_padding"] > 0
    assert found["work"]["tokens_computed"] == found["tokens_total"]
    assert found["seconds_range"][0] <= found["seconds"] <= found["seconds_range"][1]


def test_a_served_model_is_planned_without_time(capsys):
    assert run(["plan", "http://127.0.0.1:9/v1#nobody", *PLANNED]) == 0
    assert "not known for a served model" in capsys.readouterr().out
