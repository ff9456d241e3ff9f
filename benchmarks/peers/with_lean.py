"""Plain transformers with care: length-sorted batches, no output layer but the letters' rows, last position only.

Padded on the right without a mask: under causal attention no token sees a pad behind it. Nothing is shared between
prompts; steering is one whole pass for every change.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from measuring import Found, batches, by_block, causal_model, generated, serve, steps_of


def load(exercise: Mapping[str, Any]) -> Any:
    """Module and tokenizer; nothing for tasks without a model."""
    return causal_model(exercise) if exercise.get("folder") else None


def extraction(subject: Any, exercise: Mapping[str, Any]) -> Found:
    """Mean difference of the last tokens' residual streams behind every block."""
    import torch

    module, tokenizer = subject
    rows = exercise["rows"]
    ids = tokenizer([row[pole] for row in rows for pole in ("positive", "negative")]).input_ids
    layers = module.base_model.layers
    states = torch.empty(len(ids), len(layers), module.config.hidden_size)
    for chosen in batches([len(row) for row in ids], exercise.get("batch_size", 16)):
        ends = torch.tensor([len(ids[n]) - 1 for n in chosen])

        def keep(number: int, chosen: list[int] = chosen, ends: Any = ends) -> Callable[..., None]:
            def hook(layer: Any, arguments: Any, output: Any) -> None:
                residual = output[0] if isinstance(output, tuple) else output
                states[chosen, number] = residual[torch.arange(len(chosen)), ends]

            return hook

        with torch.inference_mode(), ExitStack() as stack:
            for number, layer in enumerate(layers):
                stack.callback(layer.register_forward_hook(keep(number)).remove)
            module.base_model(input_ids=_right(ids, chosen), use_cache=False)
    difference = (states[0::2] - states[1::2]).mean(dim=0)
    return {
        "directions": by_block(dict(enumerate(difference.numpy())), exercise),
    }


def probing(subject: Any, exercise: Mapping[str, Any]) -> Found:
    """Gap of the letters' logits (prompts)."""
    ids = _ids(subject, exercise)
    return {"gaps": _gaps(subject, exercise, ids)}


def search(subject: Any, exercise: Mapping[str, Any]) -> Found:
    """Gaps (prompts, blocks, signs): every block steered alone, a whole pass each."""
    steps, rows = steps_of(exercise), exercise["rows"]
    ids = _ids(subject, exercise)
    found = np.empty((len(rows), len(exercise["blocks"]), 2))
    for axis in sorted({row["axis"] for row in rows}):
        members = [n for n, row in enumerate(rows) if row["axis"] == axis]
        for column, block in enumerate(exercise["blocks"]):
            for at, sign in enumerate((1.0, -1.0)):
                with _adding(subject[0], {block: sign * steps[axis, block]}):
                    found[members, column, at] = _gaps(subject, exercise, [ids[n] for n in members])
    return {"gaps": found}


def sweep(subject: Any, exercise: Mapping[str, Any]) -> Found:
    """Gaps (prompts, coefficients): a whole pass for every coefficient."""
    block, step = exercise["block"], steps_of(exercise)[0, exercise["block"]]
    ids = _ids(subject, exercise)
    found = []
    for coefficient in exercise["coefficients"]:
        with _adding(subject[0], {block: coefficient * step}):
            found.append(_gaps(subject, exercise, ids))
    return {"gaps": np.stack(found, axis=1)}


def generation(subject: Any, exercise: Mapping[str, Any]) -> Found:
    """Greedy answers under a plain hook."""
    block = exercise["block"]
    with _adding(subject[0], {block: steps_of(exercise)[0, block]}):
        return generated(subject[1], exercise, subject[0].generate)


def bootstrap(subject: Any, exercise: Mapping[str, Any]) -> Found:
    """Spread of the mean by a loop over draws and cells: n - 1 of n scenarios are drawn in each cell."""
    rng = np.random.default_rng(exercise["seed"])
    stored = np.load(exercise["values"])
    values, cells = stored["values"], stored["cells"]
    members = [np.flatnonzero(cells == cell) for cell in np.unique(cells)]
    means = []
    for _ in range(exercise["resamples"]):
        drawn = [values[rng.choice(inside, len(inside) - 1)].mean(axis=0) for inside in members]
        means.append(np.mean(drawn, axis=0))
    return {"spread": np.std(means, axis=0)}


def peak(subject: Any, exercise: Mapping[str, Any]) -> Found:
    """The best of some square matrix products, in GFLOP/s."""
    import torch

    size = exercise["size"]
    one, other = torch.randn(size, size), torch.randn(size, size)
    best = float("inf")
    for _ in range(exercise["repeats"]):
        began = time.perf_counter()
        torch.mm(one, other)
        best = min(best, time.perf_counter() - began)
    return {"gflops": 2 * size**3 / best / 1e9}


def _ids(subject: Any, exercise: Mapping[str, Any]) -> list[list[int]]:
    return subject[1]([row["text"] for row in exercise["rows"]]).input_ids


def _gaps(subject: Any, exercise: Mapping[str, Any], ids: list[list[int]]) -> np.ndarray:
    import torch

    module = subject[0]
    first, second = exercise["letters"]
    head = module.get_output_embeddings().weight
    weight = head[[first, second]]
    found = np.empty(len(ids))
    for chosen in batches([len(row) for row in ids], exercise.get("batch_size", 16)):
        ends = torch.tensor([len(ids[n]) - 1 for n in chosen])
        with torch.inference_mode():
            hidden = module.base_model(input_ids=_right(ids, chosen), use_cache=False).last_hidden_state
            logits = hidden[torch.arange(len(chosen)), ends] @ weight.T
        found[chosen] = (logits[:, 0] - logits[:, 1]).double().numpy()
    return found


def _right(ids: list[list[int]], chosen: list[int]) -> Any:
    import torch

    rows = [torch.tensor(ids[n]) for n in chosen]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def _adding(module: Any, change: Mapping[int, np.ndarray]) -> ExitStack:
    """Until closed, adds a vector behind each of some blocks, at every token."""
    import torch

    def hook_for(vector: Any) -> Callable[..., Any]:
        def hook(layer: Any, arguments: Any, output: Any) -> Any:
            if isinstance(output, tuple):
                return (output[0] + vector, *output[1:])
            return output + vector

        return hook

    with ExitStack() as stack:
        for block, step in change.items():
            vector = torch.tensor(step, dtype=torch.float32)
            layer = module.base_model.layers[block]
            stack.callback(layer.register_forward_hook(hook_for(vector)).remove)
        return stack.pop_all()


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
            "peak": peak,
        },
    )
