"""Refuses a config that does not say how many blocks the model has.

transformers fills such a gap with the default of the config's class. That default is right for some models
that leave it out on purpose; for all others it would cut blocks off, or ask for blocks that are not there. So
it is taken only where the weights hold a list of that many blocks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from culturescope.errors import ModelError
from culturescope.models.sources import Source

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

_COUNT = "num_hidden_layers"
_TEXT_SECTIONS = ("text_config", "decoder", "generator", "text_encoder")
_INDEXED = re.compile(r"(.*?)\.(\d+)\.")


def check_block_count(config: PreTrainedConfig, found: Source) -> None:
    """Compares what `config.json` leaves out with the names of the weights; reads no weight.

    Raises:
        ModelError: the number of layers is missing, and the default fits no list of the weights.
    """
    text = config.get_text_config()
    assumed = getattr(text, _COUNT, None)
    if not isinstance(assumed, int):
        return
    raw: dict[str, Any] = json.loads((found.folder / "config.json").read_text(encoding="utf-8"))
    own = text.attribute_map.get(_COUNT, _COUNT)
    section = next((name for name in _TEXT_SECTIONS if getattr(config, name, None) is text), None)
    inner = raw.get(section) if section else raw
    given = inner if isinstance(inner, dict) else raw  # older files of composed models are flat
    if any(given.get(name) is not None for name in (own, _COUNT)):
        return
    held = set(_list_lengths(_weight_names(found)).values())
    if assumed in held:
        return
    counts = " or ".join(str(count) for count in sorted(held))
    raise ModelError(
        f"the config.json of {found.name} does not say how many layers the model has: the entry "
        f"{f'{section}.' if section else ''}{own} is missing; add it"
        + (f" (the names of the weights count {counts})" if counts else "")
    )


def _weight_names(found: Source) -> list[str]:
    from safetensors import safe_open

    names: list[str] = []
    for file in found.weights:
        with safe_open(file, framework="pt") as weights:
            names += weights.keys()
    return names


def _list_lengths(names: Iterable[str]) -> dict[str, int]:
    """Length of every outermost list of modules, by its path: `h.0.ln.bias`, `h.1.ln.bias` make `h` 2 long."""
    lengths: dict[str, int] = {}
    for name in names:
        if match := _INDEXED.match(name):
            path, index = match[1], int(match[2])
            lengths[path] = max(lengths.get(path, 0), index + 1)
    return lengths
