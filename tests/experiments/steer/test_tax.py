"""The alignment tax: comparisons question by question, task files that stay local, and lm-eval itself where it is installed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import torch
import yaml

from culturescope.errors import BadInputError
from culturescope.experiments.steer.lm_eval_adapter import evaluate, read_task, scores_of
from culturescope.experiments.steer.tax import compare, tax
from culturescope.steering.applying import Edit
from culturescope.steering.foreign import to_lm_eval
from culturescope.steering.vector import Origin, SteeringVector
from tests.tiny import HIDDEN

TASK = Path(__file__).parents[3] / "benchmarks" / "tax_tasks" / "everyday.yaml"
needs_lm_eval = pytest.mark.skipif(
    importlib.util.find_spec("lm_eval") is None, reason="lm-eval is not installed (the extra `tax`)"
)


def vector() -> SteeringVector:
    generator = torch.Generator().manual_seed(3)
    return SteeringVector({1: 6 * torch.randn(HIDDEN, generator=generator)}, Origin(label="v", method="hand"))


def sample(number: int, acc: float, kind: str = "none", **more) -> dict:
    return {
        "doc_id": number,
        "doc_hash": f"h{number}",
        "filter": kind,
        "metrics": ["acc", *more],
        "acc": acc,
        **more,
    }


def test_scores_are_kept_by_question_and_filter():
    rows = [sample(0, 1.0, words=(3, 4)), sample(1, True), sample(0, 0.0, kind="strict")]
    found = scores_of({"t": rows})
    assert found == {"t": {"acc": {"h0/0": 1.0, "h1/1": 1.0}, "acc,strict": {"h0/0": 0.0}}}


def test_runs_are_paired_by_question_not_by_order():
    """The same answers in another order are no change: the easy wrong version pairs by place."""
    before = scores_of({"t": [sample(n, n % 2) for n in range(10)]})
    after = scores_of({"t": [sample(n, n % 2) for n in reversed(range(10))]})
    (same,) = compare(before, after, [after])
    assert (same.difference.value, same.lost, same.gained, same.p) == (0, 0, 0, 1)
    assert same.random == (0.5,)
    worse = scores_of({"t": [sample(n, 0) for n in range(10)]})
    (found,) = compare(before, worse)
    assert (found.unsteered, found.steered, found.lost, found.questions) == (0.5, 0, 5, 10)
    assert found.p == pytest.approx(2 / 2**5)
    for other in ({"u": before["t"]}, {"t": {"acc": {"h0/0": 1.0, "h1/1": 1.0}}}):
        with pytest.raises(BadInputError, match="same"):
            compare(before, other)


def test_the_local_task_is_whole_and_its_answers_are_right():
    task = read_task(str(TASK))
    (data,) = task["dataset_kwargs"]["data_files"]["test"]
    rows = [json.loads(line) for line in Path(data).read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 200
    assert len({(r["passage"], r["question"]) for r in rows}) == len(rows)
    assert {r["kind"] for r in rows[:3]} == {"arithmetic", "reading", "common-sense"}
    assert all(len(set(r["choices"])) == 4 and 0 <= r["answer"] < 4 for r in rows)
    shares = [sum(r["answer"] == n for r in rows) / len(rows) for n in range(4)]
    assert max(shares) < 0.35, "always the same letter must not pay"
    assert all((r["kind"] == "reading") == bool(r["passage"]) for r in rows)


def test_task_files_are_plain_and_local(tmp_path):
    def wrong(text: str, words: str, name: str = "t.yaml", **options) -> None:
        (tmp_path / name).write_text(text)
        with pytest.raises(BadInputError, match=words):
            read_task(str(tmp_path / name), **options)

    wrong("task: t\ndoc_to_text: !function utils.f\n", "!function are not run")
    wrong("task: t\ninclude: other.yaml\n", "includes another file")
    wrong("- a\n", "needs an entry `task`")
    wrong("task: t\ndataset_path: org/data\n", "--download lets")
    wrong(
        "task: t\ndataset_path: json\ndataset_kwargs: {data_files: {test: no.jsonl}}\n",
        "no data file .*no.jsonl",
    )
    wrong("task: t\ndataset_path: json\n", "must name files")
    wrong("{", "no plain YAML")
    with pytest.raises(BadInputError, match="cannot read"):
        read_task(str(tmp_path / "missing.yaml"))
    with pytest.raises(BadInputError, match=r"a \.yaml file or the name"):
        read_task("folder/arc_easy")
    with pytest.raises(BadInputError, match=r"a \.yaml file or the name"):
        read_task(str(tmp_path))
    assert [read_task(name) for name in ("arc_easy", "longer_0.5k")] == ["arc_easy", "longer_0.5k"]
    (tmp_path / "hub.yaml").write_text("task: t\ndataset_path: org/data\n")
    assert read_task(str(tmp_path / "hub.yaml"), download=True)["dataset_path"] == "org/data"
    assert yaml.safe_load(TASK.read_text())["task"] == "culturescope_everyday"


def test_what_cannot_be_measured_is_refused(tiny_loaded):
    model = tiny_loaded("qwen2")
    with pytest.raises(BadInputError, match="a vector and a task"):
        tax(model, ["t"], [])
    with pytest.raises(BadInputError, match="at least two questions"):
        tax(model, ["t"], [Edit(vector())], limit=1)
    words = "only positions=all" if importlib.util.find_spec("lm_eval") else "pip install"
    with pytest.raises(BadInputError, match=words):
        evaluate(model, ["t"], [Edit(vector(), 1.0, "last")])


@needs_lm_eval
def test_lm_eval_sees_the_steered_model(tiny_loaded):
    model, task = tiny_loaded("qwen2"), read_task(str(TASK))
    found = tax(model, [task], [Edit(vector(), 1.0)], limit=12, batch_size=5, random=1)
    acc = next(d for d in found.differences if d.metric == "acc")
    assert (acc.questions, len(acc.random)) == (12, 1)
    still = tax(model, [task], [Edit(vector(), 0.0)], limit=12, batch_size=5)
    assert all(d.lost == d.gained == 0 for d in still.differences)
    assert acc.lost + acc.gained > 0
    rows = [json.loads(line) for line in (TASK.parent / "everyday.jsonl").read_text().splitlines()[:12]]
    with vector().applied(model, 1.0):
        right = [best_choice(model, row) == row["answer"] for row in rows]
    assert acc.steered == pytest.approx(sum(right) / 12)
    assert model.edits == []
    assert model.tokenizer.pad_token is None or model.tokenizer.pad_token != "", (
        "the tokenizer is left as it was"
    )


@needs_lm_eval
def test_the_exported_file_does_the_same_in_lm_eval_itself(tiny, tiny_loaded, tmp_path):
    from lm_eval.models.hf_steered import SteeredModel

    model = tiny_loaded("qwen2")
    path = to_lm_eval(vector(), tmp_path / "v.pt", alpha=0.7, hookpoint="layers.{}")
    theirs = SteeredModel(pretrained=str(tiny("qwen2")), steer_path=str(path), device="cpu", dtype="float32")
    texts = [("Which one is it?", " This one."), ("Why?", " Because it is so.")]
    asked = [((a, b), theirs.tok_encode(a), theirs.tok_encode(b)) for a, b in texts]
    for (_, start, end), (sum_of_logs, _) in zip(asked, theirs._loglikelihood_tokens(asked), strict=True):
        with vector().applied(model, 0.7), torch.inference_mode():
            log = model.module(torch.tensor([start + end])).logits[0].double().log_softmax(dim=-1)
        expected = sum(float(log[len(start) - 1 + n, token]) for n, token in enumerate(end))
        assert sum_of_logs == pytest.approx(expected, abs=1e-3)


def best_choice(model, row) -> int:
    """The likeliest choice, one text at a time."""
    head = f"{row['passage']}\n\n" if row["passage"] else ""
    asked = f"{head}Question: {row['question']}\nAnswer:"
    sums = []
    for choice in row["choices"]:
        ids = model.tokenizer(f"{asked} {choice}")["input_ids"]
        start = len(model.tokenizer(asked)["input_ids"])
        with torch.inference_mode():
            log = model.module(torch.tensor([ids])).logits[0].double().log_softmax(dim=-1)
        sums.append(sum(float(log[n - 1, ids[n]]) for n in range(start, len(ids))))
    return max(range(4), key=sums.__getitem__)
