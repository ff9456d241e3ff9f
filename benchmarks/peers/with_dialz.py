"""dialz: mean difference of pairs, and steered writing.

It loads every model in float16; here it is told float32, as all others. Its vectors leave out block 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from measuring import Found, by_block, generated, serve, steps_of


class _Float32:
    """Stands in the place of AutoModelForCausalLM inside dialz."""

    @staticmethod
    def from_pretrained(name: str, **options: Any) -> Any:
        import torch
        from transformers import AutoModelForCausalLM

        return AutoModelForCausalLM.from_pretrained(name, **{**options, "torch_dtype": torch.float32})


def load(exercise: Mapping[str, Any]) -> Any:
    """The model wrapped at the block that is steered, or at none for extraction."""
    import dialz.vector

    dialz.vector.AutoModelForCausalLM = _Float32
    blocks = [exercise["block"]] if exercise["task"] == "generation" else []
    return dialz.vector.SteeringModel(exercise["folder"], blocks)


def extraction(subject: Any, exercise: Mapping[str, Any]) -> Found:
    """Directions of all blocks but the first, by its own mean difference."""
    from dialz import Dataset, SteeringVector

    pairs = Dataset()
    for row in exercise["rows"]:
        pairs.add_entry(row["positive"], row["negative"])
    vector = SteeringVector.train(subject, pairs, method="mean_diff")
    return {"directions": by_block(vector.directions, exercise)}


def generation(subject: Any, exercise: Mapping[str, Any]) -> Found:
    """Greedy answers under a vector."""
    from dialz import SteeringVector
    from transformers import AutoTokenizer

    block = exercise["block"]
    step = steps_of(exercise)[0, block].astype(np.float32)
    tokenizer = AutoTokenizer.from_pretrained(exercise["folder"], padding_side="left")
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    subject.set_control(SteeringVector(subject.config.model_type, {block: step}), 1.0)
    try:
        return generated(tokenizer, exercise, subject.generate)
    finally:
        subject.reset()


if __name__ == "__main__":
    serve(load, {"extraction": extraction, "generation": generation})
