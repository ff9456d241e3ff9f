"""A run's answers under the keys of lm-eval's own output: `results_*.json` and `samples_<task>_*.jsonl`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from culturescope.exporting.loading import LoadedRun, probed
from culturescope.probing.choices import LETTERS, chose_positive, lm_eval_keys, positive_letter, task_name
from culturescope.runs.atomic import encode_json


def results_files(run: LoadedRun) -> dict[str, bytes]:
    """The files by their name: one of results, and one of samples for each task (an axis)."""
    rows = probed(run)
    stamp = run.manifest.created.replace(":", "-").replace("+00-00", ".000000")
    content = results_of_run(run)
    files = {f"results_{stamp}.json": encode_json(content, indent=2) + b"\n"}
    for axis in dict.fromkeys(row["axis"] for row in rows):
        of_axis = [row for row in rows if row["axis"] == axis]
        lines = b"".join(encode_json(sample(n, row)) + b"\n" for n, row in enumerate(of_axis))
        files[f"samples_{task_name(run.pack.id, axis)}_{stamp}.jsonl"] = lines
    return files


def results_of_run(run: LoadedRun) -> dict[str, Any]:
    """What lm-eval's results file would hold for this run; d and verdicts stand under `culturescope`."""
    manifest = run.manifest
    keys = lm_eval_keys(probed(run), run.pack.id)
    created = datetime.fromisoformat(manifest.created.replace("Z", "+00:00"))
    positions = {p.axis: p for p in run.results.probe.axes}
    return {
        **keys,
        "group_subtasks": {},
        "configs": {task: {"task": task, "output_type": "multiple_choice"} for task in keys["results"]},
        "config": {
            "model": "culturescope",
            "model_args": dict(manifest.config.get("load") or {}),
            "model_dtype": manifest.model.get("dtype"),
            "model_revision": manifest.model.get("revision"),
            "model_num_parameters": manifest.model.get("parameters"),
            "batch_size": (manifest.config.get("design") or {}).get("batch_size"),
            "device": manifest.model.get("device"),
            "limit": (manifest.config.get("design") or {}).get("limit"),
            "random_seed": manifest.config.get("seed"),
        },
        "git_hash": None,
        "date": created.timestamp(),
        "transformers_version": manifest.versions.get("transformers"),
        "lm_eval_version": None,
        "task_hashes": {},
        "model_source": "culturescope",
        "model_name": run.model_name,
        "model_name_sanitized": "".join(c if c.isalnum() or c in "-_." else "_" for c in run.model_name),
        "chat_template_sha": manifest.model.get("template_sha256"),
        "total_evaluation_time_seconds": str(manifest.elapsed_seconds),
        "culturescope": {
            "version": manifest.versions.get("culturescope"),
            "verdicts": run.verdicts,
            "d": {axis: p.d.model_dump() for axis, p in positions.items()},
        },
    }


def sample(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    """A sample under lm-eval's keys."""
    target = LETTERS.index(positive_letter(row))
    a, b = (float(one) for one in row["logprobs"])
    doc = {name: row[name] for name in ("scenario", "axis", "item", "domain", "template", "order")}
    doc |= {"id": f"{row['scenario']}/{row['template']}/{row['order']}", "target": target}
    arguments = {f"gen_args_{n}": {"arg_0": row["text"], "arg_1": letter} for n, letter in enumerate(LETTERS)}
    # Whether a letter was the likeliest of all tokens is not kept, so it is told only where it cannot be otherwise.
    greedy = [max(a, b) == one and one > -0.6931471805599453 for one in (a, b)]
    return {
        "doc_id": number,
        "doc": doc,
        "target": str(target),
        "arguments": arguments,
        "resps": [[[str(one), str(first)]] for one, first in zip((a, b), greedy, strict=True)],
        "filtered_resps": [[str(one), str(first)] for one, first in zip((a, b), greedy, strict=True)],
        "filter": "none",
        "metrics": ["acc"],
        "doc_hash": _hash(json.dumps(doc, indent=2, ensure_ascii=False)),
        "prompt_hash": _hash(row["text"]),
        "target_hash": _hash(str(target)),
        "acc": float(chose_positive(row)),
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()
