"""lm-eval: log-likelihoods of both letters behind every prompt; the difference is the gap of their logits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from measuring import Found, serve


def load(exercise: Mapping[str, Any]) -> Any:
    """lm-eval's own model of a transformers folder."""
    from lm_eval.models.huggingface import HFLM

    return HFLM(
        pretrained=exercise["folder"],
        dtype="float32",
        device="cpu",
        batch_size=exercise.get("batch_size", 16),
        add_bos_token=False,
    )


def probing(subject: Any, exercise: Mapping[str, Any]) -> Found:
    """Gap of the letters' logits (prompts)."""
    from lm_eval.api.instance import Instance

    letters = exercise["letter_texts"]
    requests = [
        Instance("loglikelihood", {}, (row["text"], letter), at)
        for row in exercise["rows"]
        for at, letter in enumerate(letters)
    ]
    found = np.array([value for value, _ in subject.loglikelihood(requests, disable_tqdm=True)])
    return {"gaps": found[0::2] - found[1::2]}


if __name__ == "__main__":
    serve(load, {"probing": probing})
