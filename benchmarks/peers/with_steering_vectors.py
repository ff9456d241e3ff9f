"""steering-vectors: mean difference of pairs, and steered writing; its own batch size is 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from measuring import Found, by_block, causal_model, generated, serve, steps_of


def extraction(subject: Any, exercise: Mapping[str, Any]) -> Found:
    """Directions of all blocks."""
    from steering_vectors import train_steering_vector

    module, tokenizer = subject
    pairs = [(row["positive"], row["negative"]) for row in exercise["rows"]]
    vector = train_steering_vector(module, tokenizer, pairs, batch_size=exercise.get("batch_size", 1))
    return {"directions": by_block(vector.layer_activations, exercise)}


def generation(subject: Any, exercise: Mapping[str, Any]) -> Found:
    """Greedy answers under a vector."""
    import torch
    from steering_vectors import SteeringVector

    module, tokenizer = subject
    block = exercise["block"]
    step = torch.tensor(steps_of(exercise)[0, block], dtype=torch.float32)
    with SteeringVector({block: step}).apply(module):
        return generated(tokenizer, exercise, module.generate)


if __name__ == "__main__":
    serve(causal_model, {"extraction": extraction, "generation": generation})
