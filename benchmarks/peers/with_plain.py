"""The plain loop of transformers, as a first script has it: one text at a time, logits at all positions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np
from measuring import Found, by_block, causal_model, serve


def extraction(subject: Any, exercise: Mapping[str, Any]) -> Found:
    """The hand-made mean difference that every direction is compared with: a hook on every block, text by text."""
    import torch

    module, tokenizer = subject
    layers = module.base_model.layers
    total = np.zeros((len(layers), module.config.hidden_size))

    def adding(number: int, sign: float) -> Callable[..., None]:
        def hook(layer: Any, arguments: Any, output: Any) -> None:
            residual = output[0] if isinstance(output, tuple) else output
            total[number] += sign * residual[0, -1].double().numpy()

        return hook

    for row in exercise["rows"]:
        for pole, sign in (("positive", 1.0), ("negative", -1.0)):
            with torch.inference_mode(), ExitStack() as stack:
                for number, layer in enumerate(layers):
                    stack.callback(layer.register_forward_hook(adding(number, sign)).remove)
                module(**tokenizer(row[pole], return_tensors="pt"))
    return {"directions": by_block(dict(enumerate(total / len(exercise["rows"]))), exercise)}


def probing(subject: Any, exercise: Mapping[str, Any]) -> Found:
    """Gap of the letters' logits (prompts)."""
    import torch

    module, tokenizer = subject
    first, second = exercise["letters"]
    found = []
    for row in exercise["rows"]:
        with torch.inference_mode():
            logits = module(**tokenizer(row["text"], return_tensors="pt")).logits[0, -1].double()
        found.append(float(logits[first] - logits[second]))
    return {"gaps": np.array(found)}


if __name__ == "__main__":
    serve(causal_model, {"extraction": extraction, "probing": probing})
