"""Runs taken to other tools: tables, Inspect's log, lm-eval's task and results; the share of positive choices is one everywhere."""

from __future__ import annotations

import json
import sys

import numpy as np
import polars as pl
import pytest

from culturescope.cli import run as cli
from culturescope.errors import BadInputError
from culturescope.experiments.personas import choose_personas
from culturescope.exporting import export_run, load_run
from culturescope.exporting.inspect_log import log_of
from culturescope.exporting.lm_eval_task import task_files
from culturescope.instrument import load_pack
from culturescope.people import load_people
from tests.experiments.compared import by_axis, planted_run

# What lm-eval 0.4.13 writes for a multiple_choice task (--log_samples), and the part of its results that readers use.
SAMPLE_KEYS = {
    "doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash", "prompt_hash",
    "target_hash", "acc",
}  # fmt: skip
RESULT_KEYS = {
    "results", "group_subtasks", "configs", "versions", "n-shot", "higher_is_better", "n-samples", "config", "git_hash", "date",
    "transformers_version", "lm_eval_version", "task_hashes", "model_source", "model_name", "model_name_sanitized",
    "chat_template_sha", "total_evaluation_time_seconds",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """X is always chosen, Y by the scenario; a bias of 0.4 logits decides where |d| is smaller."""
    home = tmp_path_factory.mktemp("export")
    return planted_run(
        home / "run",
        lambda s: 3.0 if s.item.startswith("X") else by_axis(0, 0.3)(s),
        bias=0.4,
        name="=planted, <b>",
    )


@pytest.fixture(scope="module")
def loaded(folder):
    return load_run(folder)


def counted(samples, axis):
    """The share of positive choices, counted by hand from the letters."""
    rows = [r for r in samples if r["part"] == "probe" and r["axis"] == axis]
    hits = [(r["logits"][0] > r["logits"][1]) == (r["order"] == "positive-A") for r in rows]
    return sum(hits) / len(hits)


def test_a_run_is_loaded_with_its_tables(loaded):
    assert loaded.verdicts == {"Y": "interpretable", "X": "interpretable"}
    assert "planted" in str(loaded)
    scores = loaded.to_polars("scores")
    assert scores.height == 30 * 2
    x = scores.filter(pl.col("axis") == "X")
    assert x["d"].mean() == pytest.approx(3.0, abs=0.05)
    assert x["b"].mean() == pytest.approx(0.4, abs=0.05)
    positions = loaded.to_polars("positions")
    top = positions.filter(pl.col("item").is_null())
    assert top["verdict"].to_list() == ["interpretable"] * 2
    assert (top["d_low"] <= top["d"]).all()
    samples = loaded.to_polars("samples")
    assert samples.height == len(loaded.samples) == 30 * 2 * 2 + 10 * 24
    probe = samples.filter((pl.col("part") == "probe") & (pl.col("axis") == "Y"))
    assert probe["chose_positive"].mean() == pytest.approx(counted(loaded.samples, "Y"))
    with pytest.raises(BadInputError, match="no table of a run"):
        loaded.table("nothing")


def test_personas_have_rows_of_their_own_and_count_for_no_share(tmp_path):
    asked = choose_personas(["basic"], ["IND"], load_people())
    place = planted_run(
        tmp_path / "run",
        by_axis(-1.0, 1.0),
        bias=-0.4,
        limit=10,
        check_limit=0,
        template_ids=("plain", "options"),
        personas=asked,
        told={asked[0].text: 2.0},
    )
    run = load_run(place)
    gaps = {
        (r["persona"], r["scenario"], r["template"], r["order"]): r["logits"][0] - r["logits"][1]
        for r in run.samples
    }
    for row in run.to_polars("samples").to_dicts():
        name = (row["persona"], row["scenario"], row["template"], row["order"])
        assert row["logit_a"] - row["logit_b"] == gaps[name]
        assert row["logprob_a"] - row["logprob_b"] == pytest.approx(gaps[name])
    scores = run.to_polars("scores")
    assert scores.height == 2 * 10 * 2
    for row in scores.to_dicts():
        name = (row["persona"], row["scenario"], row["template"])
        first, second = (gaps[(*name, order)] for order in ("positive-A", "positive-B"))
        assert (row["d"], row["b"]) == pytest.approx(((first - second) / 2, (first + second) / 2))
        # P(positive) without the bias.
        assert row["s"] == pytest.approx(1 / (1 + np.exp(-row["d"])))
        assert row["letter_mass"] == pytest.approx(0.95)
        told = ("basic", "IND") if row["persona"] else (None, None)
        assert (row["persona_kind"], row["society"]) == told
    positions = run.to_polars("positions")
    assert dict(positions.filter(pl.col("society") == "IND").select("axis", "d").rows()) == {
        axis: pytest.approx(
            scores.filter((pl.col("axis") == axis) & (pl.col("society") == "IND"))["d"].mean(), abs=1e-9
        )
        for axis in ("X", "Y")
    }
    assert positions["b"].to_list() == pytest.approx([-0.4] * positions.height, abs=0.05)
    assert positions["mean_abs_b"].to_list() == pytest.approx([0.4] * positions.height, abs=0.05)
    alone = counted([r for r in run.samples if r["persona"] is None], "X")
    assert alone < counted(run.samples, "X")
    by_name = {s["name"]: s["metrics"] for s in log_of(run)["results"]["scores"]}
    assert by_name["positive_pole_X"]["mean"]["value"] == alone
    written = {p.name.partition("_20")[0]: p for p in export_run(run, "lm-eval", tmp_path / "out")}
    results = json.loads(written["results"].read_text())["results"]
    assert results["culturescope_wvs_x"]["acc,none"] == alone
    lines = written["samples_culturescope_wvs_x"].read_text().splitlines()
    assert len(lines) == len(written["culturescope_wvs_x.jsonl"].read_text().splitlines()) == 5 * 2 * 2


def test_pandas_has_the_same_tables_and_is_asked_for_where_it_is_missing(loaded, monkeypatch):
    pandas = pytest.importorskip("pandas")
    frame = loaded.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame.shape == (60, len(loaded.table()))
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(BadInputError, match=r"culturescope\[pandas\]"):
        loaded.to_pandas()


@pytest.mark.parametrize(("to", "read"), [("csv", pl.read_csv), ("parquet", pl.read_parquet)])
def test_files_hold_what_the_tables_hold(loaded, tmp_path, to, read):
    written = export_run(loaded, to, tmp_path / "out")
    assert [p.name for p in written] == [f"{n}.{to}" for n in ("samples", "scores", "positions")]
    for path in written:
        frame, table = read(path), loaded.table(path.stem)
        assert frame.columns == list(table)
        assert frame["model"].to_list() == table["model"]
        name = "d" if "d" in table else "logprob_a"
        assert frame[name].to_list() == pytest.approx(table[name])
    assert not (loaded.path / f"export-{to}").exists()


def test_tasks_of_lm_eval_ask_the_very_prompts_and_call_the_positive_pole_right(loaded, folder, tmp_path):
    yaml = pytest.importorskip("yaml")
    written = export_run(folder, "lm-eval", tmp_path)
    names = {p.name for p in written}
    assert {"culturescope_wvs_x.yaml", "culturescope_wvs_y.yaml", "culturescope_wvs.yaml"} <= names
    task = yaml.safe_load((tmp_path / "culturescope_wvs_x.yaml").read_text())
    assert task["output_type"] == "multiple_choice"
    assert task["target_delimiter"] == ""
    data = tmp_path / task["dataset_kwargs"]["data_files"]["test"]
    docs = [json.loads(line) for line in data.read_text().splitlines()]
    asked = [r for r in loaded.samples if r["part"] == "probe" and r["axis"] == "X"]
    assert [(d["scenario"], d["template"], d["order"]) for d in docs] == [
        (r["scenario"], r["template"], r["order"]) for r in asked
    ]
    assert all(r["text"] == f"user: {d['text']}" for d, r in zip(docs, asked, strict=True))
    scenarios = {s.id: s for s in loaded.pack.scenarios}
    for doc in docs:
        option = next(
            line for line in doc["text"].splitlines() if line[:1] == "AB"[doc["target"]] and line[1:2] in ".:"
        )
        assert option.endswith(scenarios[doc["scenario"]].positive)
    assert {d["target"] for d in docs} == {0, 1}


def test_results_have_lm_evals_keys_and_its_accuracy_is_our_share(loaded, folder, tmp_path):
    export_run(folder, "lm-eval", tmp_path)
    (results_file,) = tmp_path.glob("results_*.json")
    results = json.loads(results_file.read_text())
    assert set(results) >= RESULT_KEYS
    for axis in ("X", "Y"):
        task = f"culturescope_wvs_{axis.lower()}"
        (samples_file,) = tmp_path.glob(f"samples_{task}_*.jsonl")
        samples = [json.loads(line) for line in samples_file.read_text().splitlines()]
        assert all(set(s) == SAMPLE_KEYS for s in samples)
        share = sum(s["acc"] for s in samples) / len(samples)
        assert results["results"][task]["acc,none"] == pytest.approx(share) == counted(loaded.samples, axis)
        assert results["n-samples"][task]["effective"] == len(samples) == 60
        # As lm-eval finds it: the likelier of both letters, held against the target.
        for s in samples:
            letters = [float(r[0]) for r in s["filtered_resps"]]
            assert s["acc"] == float(letters.index(max(letters)) == int(s["target"]))
    assert results["results"]["culturescope_wvs_x"]["acc,none"] == 1.0
    assert 0.5 < results["results"]["culturescope_wvs_y"]["acc,none"] < 1.0


def test_all_scenarios_are_a_task_without_a_run(tmp_path, capsys):
    assert cli(["export", "--to", "lm-eval", "-o", str(tmp_path), "--templates", "1", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 5
    docs = [json.loads(line) for file in tmp_path.glob("*.jsonl") for line in file.read_text().splitlines()]
    assert len(docs) == 1200
    assert {d["scenario"] for d in docs} == {s.id for s in load_pack().scenarios}
    assert len({d["scenario"] for d in docs}) == 600


def test_a_single_order_run_has_its_own_orders(tmp_path):
    single = planted_run(tmp_path / "run", by_axis(0, 0), orders="random", limit=10, check_limit=0)
    loaded = load_run(single)
    export_run(loaded, "lm-eval", tmp_path / "task")
    docs = [
        json.loads(line)
        for f in (tmp_path / "task").glob("culturescope_*.jsonl")
        for line in f.read_text().splitlines()
    ]
    assert {(d["scenario"], d["template"], d["order"]) for d in docs} == {
        (r["scenario"], r["template"], r["order"]) for r in loaded.samples
    }
    assert len(docs) == 20
    assert set(loaded.to_polars("scores")["b"].to_list()) == {None}


def test_other_packs_have_tasks_of_their_own():
    pack = load_pack("individualism-collectivism")
    files = task_files(pack, pack.scenarios[:4], ["plain"], None)
    assert sorted(name.rpartition(".")[2] for name in files) == ["jsonl", "yaml"]
    assert all(name.startswith("culturescope_individualism_collectivism_") for name in files)


def test_the_log_of_inspect_has_its_shape(loaded):
    log = log_of(loaded)
    assert log["version"] == 2
    assert log["status"] == "success"
    assert set(log["eval"]) >= {"created", "task", "dataset", "model", "config"}
    assert len({s["id"] for s in log["samples"]}) == len(loaded.samples) == log["results"]["total_samples"]
    by_name = {s["name"]: s["metrics"] for s in log["results"]["scores"]}
    assert by_name["positive_pole_Y"]["mean"]["value"] == counted(loaded.samples, "Y")
    for sample, row in zip(log["samples"], loaded.samples, strict=True):
        score = sample["scores"]["positive_pole"]
        assert (score["answer"] == sample["target"]) == bool(score["value"])
        top = sample["output"]["choices"][0]["logprobs"]["content"][0]
        assert top["token"] == score["answer"]
        assert top["logprob"] == max(row["logprobs"])


def test_inspects_own_reader_opens_the_log(loaded, tmp_path):
    log_module = pytest.importorskip("inspect_ai.log")
    (path,) = export_run(loaded, "inspect", tmp_path / "log.json")
    log = log_module.read_eval_log(str(path))
    assert log.status == "success"
    assert len(log.samples) == len(loaded.samples)
    assert log.results.scores[0].metrics["mean"].value == counted(
        loaded.samples, loaded.results.probe.axes[0].axis
    )
    log_module.write_eval_log(log, str(tmp_path / "log.eval"))
    assert len(log_module.read_eval_log(str(tmp_path / "log.eval")).samples) == len(log.samples)


def test_lm_eval_finds_the_same_choices_with_the_task(tiny, tmp_path, monkeypatch):
    lm_eval = pytest.importorskip("lm_eval")
    run = tmp_path / "run"
    asked = ["probe", str(tiny("llama")), "--limit", "10", "--templates", "2", "--quiet", "-o", str(run)]
    assert cli(asked) == 0
    loaded = load_run(run)
    export_run(loaded, "lm-eval", tmp_path / "task")
    monkeypatch.chdir(tmp_path / "task")
    from lm_eval.tasks import TaskManager

    found = lm_eval.simple_evaluate(
        model="hf",
        model_args=f"pretrained={tiny('llama')},dtype=float32",
        tasks=["culturescope_wvs_x", "culturescope_wvs_y"],
        task_manager=TaskManager(include_path=".", include_defaults=False),
        apply_chat_template=loaded.manifest.model["chat"],
        device="cpu",
        bootstrap_iters=0,
    )
    for axis in ("X", "Y"):
        assert found["results"][f"culturescope_wvs_{axis.lower()}"]["acc,none"] == counted(
            loaded.samples, axis
        )


def test_what_cannot_be_exported_is_said_in_a_line(folder, tmp_path, capsys):
    for arguments in (
        ["export", str(folder), "--to", "excel"],
        ["export", "--to", "csv"],
        ["export", str(folder), "--to", "lm-eval", "--limit", "3"],
        ["export", str(tmp_path), "--to", "csv"],
    ):
        assert cli(arguments) == 2
        err = capsys.readouterr().err
        assert err.startswith("culturescope: ")
        assert err.count("\n") == 1
    (tmp_path / "file").write_text("")
    assert cli(["export", str(folder), "--to", "csv", "-o", str(tmp_path / "file")]) == 2
