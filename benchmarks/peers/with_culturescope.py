"""culturescope through its public functions; what is measured is what a user calls."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from measuring import Found, by_block, padded, serve, steps_of


def load(exercise: Mapping[str, Any]) -> Any:
    """The model by the name or path that a user gives; nothing for tasks that load it themselves, or need none."""
    import culturescope as cs

    return cs.load(exercise["model"]) if exercise["loads"] else None


def extraction(model: Any, exercise: Mapping[str, Any]) -> Found:
    """Mean difference behind every block."""
    import culturescope as cs

    known = {s.id: s for s in cs.scenarios()}
    vector = cs.fit_vector(
        model,
        [known[row["scenario"]] for row in exercise["rows"]],
        batch_size=exercise.get("batch_size", 16),
    )
    return {"directions": by_block({b: vector[b].numpy() for b in vector.blocks}, exercise)}


def probing(model: Any, exercise: Mapping[str, Any]) -> Found:
    """Gap of the letters' logits (prompts), with or without shared beginnings."""
    from dataclasses import asdict

    before = model.work
    prompts = [_prompt(row) for row in exercise["rows"]]
    found = np.empty(len(prompts))
    options = {"batch_size": exercise.get("batch_size", 16), "share": exercise.get("share", True)}
    for indices, readings in model.read_letters(prompts, **options):
        found[indices] = [reading.logits[0] - reading.logits[1] for reading in readings]
    return {"gaps": found, "work": asdict(model.work - before)}


def search(model: Any, exercise: Mapping[str, Any]) -> Found:
    """Gaps (prompts, blocks, signs): every block steered alone; or effects by first order, the best ones measured."""
    how = exercise.get("how", "exact")
    steps, rows, blocks = steps_of(exercise), exercise["rows"], exercise["blocks"]
    gaps = np.full((len(rows), len(blocks), 2), np.nan)
    estimates = np.full((steps.shape[0], len(blocks)), np.nan)
    for axis in sorted({row["axis"] for row in rows}):
        members = [n for n, row in enumerate(rows) if row["axis"] == axis]
        columns = list(range(len(blocks)))
        if how != "exact":
            estimates[axis] = _estimates(model, [rows[n] for n in members], steps[axis], blocks)
            columns = np.argsort(-estimates[axis], kind="stable")[: exercise["verify"]].tolist()
        if how != "first-order":
            changes = [{blocks[c]: _tensor(s * steps[axis, blocks[c]])} for c in columns for s in (1.0, -1.0)]
            found = _measured(model, [rows[n] for n in members], changes)
            gaps[np.ix_(members, columns)] = found.reshape(len(members), len(columns), 2)
    return {"estimates": estimates} if how == "first-order" else {"gaps": gaps, "estimates": estimates}


def sweep(model: Any, exercise: Mapping[str, Any]) -> Found:
    """Gaps (prompts, coefficients) at one block."""
    block, step = exercise["block"], steps_of(exercise)[0, exercise["block"]]
    changes = [{block: _tensor(c * step)} if c else {} for c in exercise["coefficients"]]
    return {"gaps": _measured(model, exercise["rows"], changes)}


def generation(model: Any, exercise: Mapping[str, Any]) -> Found:
    """Greedy answers under a vector."""
    from culturescope.steering.vector import Origin, SteeringVector

    block = exercise["block"]
    step = _tensor(steps_of(exercise)[0, block])
    vector = SteeringVector({block: step}, Origin(label="benchmark", method="given"))
    prompts = [_prompt(row) for row in exercise["rows"]]
    with vector.applied(model, alpha=1.0):
        written = model.generate_ids(prompts, max_new_tokens=exercise["new_tokens"])
    return {
        "tokens": padded(written, exercise["new_tokens"]),
        "written": sum(map(len, written)),
        "note": "all texts at once",
    }


def bootstrap(model: Any, exercise: Mapping[str, Any]) -> Found:
    """Spread of the mean over draws of scenarios within cells."""
    from culturescope.stats.resampling import resampled_weights

    stored = np.load(exercise["values"])
    draws = resampled_weights(
        stored["items"].tolist(),
        stored["cells"].tolist(),
        resamples=exercise["resamples"],
        seed=exercise["seed"],
    )
    return {"spread": (draws @ stored["values"]).std(axis=0)}


def survey(model: Any, exercise: Mapping[str, Any]) -> Found:
    """`culturescope people import` of a whole survey file."""
    return _command(["people", "import", exercise["file"]])


def audit(model: Any, exercise: Mapping[str, Any]) -> Found:
    """`culturescope audit` with the profile quick, model loading and page included."""
    return _command(["audit", exercise["model"], "--profile", "quick", "--quiet", *exercise["options"]])


def _command(words: list[str]) -> Found:
    from culturescope.cli import run

    folder = Path(tempfile.mkdtemp(prefix="culturescope-benchmark-"))
    try:
        code = run([*words, "--output-path", str(folder / "out")])
        if code:
            raise RuntimeError(f"culturescope {words[0]} ended with {code}")
        return {"note": f"{sum(1 for p in (folder / 'out').rglob('*') if p.is_file())} files written"}
    finally:
        shutil.rmtree(folder)


def _estimates(model: Any, rows: list[Mapping[str, Any]], steps: np.ndarray, blocks: list[int]) -> np.ndarray:
    """First-order signed change of the mean value logit, one a block."""
    from culturescope.experiments.steer.slopes import slopes
    from culturescope.prompts import templates

    found = slopes(model, _scenarios(rows), templates([rows[0]["template"]]))
    gradients = found.gradients[:, blocks].double().numpy()
    return np.einsum("sbd,bd->b", gradients, steps[blocks]) / len(gradients)


def _measured(model: Any, rows: list[Mapping[str, Any]], changes: list[Any]) -> np.ndarray:
    """Gaps (rows, changes); rows are scenarios in both orders, the positive pole at A first."""
    from culturescope.experiments.steer.measuring import measure
    from culturescope.instrument import load_pack
    from culturescope.prompts import templates

    found = measure(model, _scenarios(rows), changes, load_pack(None), templates([rows[0]["template"]]))
    d, b = found.d[:, :, 0].T, found.b[:, :, 0].T
    return np.stack([d + b, b - d], axis=1).reshape(len(rows), len(changes))


def _scenarios(rows: list[Mapping[str, Any]]) -> list[Any]:
    import culturescope as cs

    known = {s.id: s for s in cs.scenarios()}
    return [known[name] for name in dict.fromkeys(row["scenario"] for row in rows)]


def _prompt(row: Mapping[str, Any]) -> Any:
    from culturescope.prompts import Prompt
    from culturescope.prompts.prompt import Message

    return Prompt(tuple(Message(role, content) for role, content in row["messages"]))


def _tensor(values: np.ndarray) -> Any:
    import torch

    return torch.tensor(values, dtype=torch.float32)


if __name__ == "__main__":
    serve(
        load,
        {
            "extraction": extraction,
            "probing": probing,
            "search": search,
            "sweep": sweep,
            "generation": generation,
            "bootstrap": bootstrap,
            "import": survey,
            "audit": audit,
        },
    )
