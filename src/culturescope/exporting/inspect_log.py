"""A run as a log of Inspect (inspect_ai), in its JSON form, version 2: its own reader and viewer open it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from culturescope.exporting.loading import LoadedRun
from culturescope.probing.choices import chose_positive, chosen_letter, positive_letter, share_of
from culturescope.probing.tasks import probe_rows
from culturescope.runs.atomic import encode_json

VERSION = 2
SCORER = "positive_pole"


def inspect_log(run: LoadedRun) -> bytes:
    """The log: a sample a prompt (checks and personas too), scored by whether the likelier letter is the positive pole's."""
    return encode_json(log_of(run), indent=1) + b"\n"


def log_of(run: LoadedRun) -> dict[str, Any]:
    """The content of the log as plain values."""
    manifest = run.manifest
    samples = [_sample(run, row) for row in run.samples]
    finished = manifest.finished or manifest.created
    return {
        "version": VERSION,
        "status": "success" if manifest.status == "success" else "cancelled",
        "eval": {
            "eval_id": _id("eval", run),
            "run_id": _id("run", run),
            "created": manifest.created,
            "task": f"culturescope/{run.pack.id}",
            "task_id": _id("task", run),
            "task_version": 0,
            "task_attribs": {},
            "task_args": {},
            "dataset": {
                "name": run.pack.id,
                "samples": len(samples),
                "sample_ids": [sample["id"] for sample in samples],
                "shuffled": False,
            },
            "model": f"culturescope/{run.model_name}",
            "model_args": {},
            "config": {"epochs": 1},
            "packages": {"culturescope": str(manifest.versions.get("culturescope"))},
            "metadata": {
                "model": manifest.model,
                "verdicts": run.verdicts,
                "seed": manifest.config.get("seed"),
                "design": manifest.config.get("design"),
                "versions": manifest.versions,
            },
        },
        "plan": {
            "name": "plan",
            "steps": [{"solver": "culturescope.letters", "params": {}}],
            "config": {},
        },
        "results": {
            "total_samples": len(samples),
            "completed_samples": len(samples),
            "scores": _scores(run),
        },
        "stats": {"started_at": manifest.created, "completed_at": finished, "model_usage": {}},
        "samples": samples,
    }


def _scores(run: LoadedRun) -> list[dict[str, Any]]:
    """The share of positive choices of the probe without persona, and d with its interval, by axis."""
    rows = probe_rows(run.samples)
    found = []
    for position in run.results.probe.axes:
        share = share_of(row for row in rows if row["axis"] == position.axis)
        figures: dict[str, float] = {"mean": share.value}
        if share.stderr is not None:
            figures["stderr"] = share.stderr
        figures |= {"d": position.d.value, "d_low": position.d.low, "d_high": position.d.high}
        found.append(
            {
                "name": f"{SCORER}_{position.axis}",
                "scorer": SCORER,
                "params": {"axis": position.axis, "part": "probe", "persona": None},
                "metrics": {n: {"name": n, "value": v, "params": {}} for n, v in figures.items()},
                "metadata": {"verdict": run.verdicts.get(position.axis, "not checked"), "prompts": share.n},
            }
        )
    return found


def _sample(run: LoadedRun, row: Mapping[str, Any]) -> dict[str, Any]:
    letter, model = chosen_letter(row), f"culturescope/{run.model_name}"
    said = row.get("reply") or letter
    answer = {
        "id": f"{row['key']}-answer",
        "role": "assistant",
        "content": said,
        "source": "generate",
        "model": model,
    }
    a, b = (float(one) for one in row["logprobs"])
    top = [
        {"token": token, "logprob": value}
        for token, value in sorted((("A", a), ("B", b)), key=lambda one: -one[1])
    ]
    return {
        "id": row["key"],
        "epoch": 1,
        "input": row["text"],
        "choices": ["A", "B"],
        "target": positive_letter(row),
        "messages": [
            {"id": f"{row['key']}-prompt", "role": "user", "content": row["text"], "source": "input"},
            answer,
        ],
        "output": {
            "model": model,
            "choices": [
                {
                    "message": answer,
                    "stop_reason": "stop",
                    "logprobs": {"content": [{**top[0], "top_logprobs": top}]},
                }
            ],
            "completion": said,
        },
        "scores": {
            SCORER: {
                "value": 1 if chose_positive(row) else 0,
                "answer": letter,
                "metadata": {"logits": row["logits"], "logprobs": row["logprobs"]},
            }
        },
        "metadata": {
            name: row.get(name)
            for name in (
                "part", "axis", "item", "domain", "scenario", "template", "order", "persona", "persona_kind", "society",
            )
        },
        "store": {},
        "events": [],
        "model_usage": {},
        "attachments": {},
    }  # fmt: skip


def _id(kind: str, run: LoadedRun) -> str:
    """An id that stays the same when the run is exported again, 22 characters as Inspect's own."""
    return hashlib.sha256(f"{kind}/{run.path.name}/{run.manifest.created}".encode()).hexdigest()[:22]
