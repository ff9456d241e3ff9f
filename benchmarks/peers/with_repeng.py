"""repeng: its default, the first principal component of the pairs' differences; and steered writing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from measuring import Found, by_block, causal_model, generated, serve, steps_of


def extraction(subject: Any, exercise: Mapping[str, Any]) -> Found:
    """Directions of all blocks but the first."""
    from repeng import ControlVector, DatasetEntry

    module, tokenizer = subject
    pairs = [DatasetEntry(positive=row["positive"], negative=row["negative"]) for row in exercise["rows"]]
    vector = ControlVector.train(module, tokenizer, pairs)
    return {"directions": by_block(vector.directions, exercise)}


def generation(subject: Any, exercise: Mapping[str, Any]) -> Found:
    """Greedy answers under a vector."""
    from repeng import ControlModel, ControlVector

    module, tokenizer = subject
    block = exercise["block"]
    step = steps_of(exercise)[0, block].astype(np.float32)
    wrapped = ControlModel(module, [block])
    try:
        wrapped.set_control(ControlVector(module.config.model_type, {block: step}), 1.0)
        return generated(tokenizer, exercise, wrapped.generate)
    finally:
        wrapped.unwrap()


if __name__ == "__main__":
    serve(causal_model, {"extraction": extraction, "generation": generation})
