"""Cuts the prompts of a run into shards: neighbours share their beginnings, and a worker computes those once a shard."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from culturescope.prompts import Prompt

BATCHES = 2
"""Batches in a shard, about: few enough that workers end together and little is lost with one of them."""


def shards(prompts: Sequence[Prompt], batch_size: int) -> list[list[int]]:
    """Indices of the prompts of each shard, those with the most text first.

    Prompts are sorted by their text. A shard ends where its last prompt and the next one have least in common, among the
    places that are not too far from `BATCHES` batches: what both begin with is computed in both shards. Neither the number
    of workers nor the order of the prompts plays a part.

    Args:
        prompts: what is asked.
        batch_size: prompts in one forward pass.
    """
    texts = [text_of(prompt) for prompt in prompts]
    order = sorted(range(len(texts)), key=lambda n: (texts[n], n))
    shared = [0, *(_common(texts[a], texts[b]) for a, b in pairwise(order))]
    size = BATCHES * batch_size
    least, most = max(1, size * 3 // 4), max(1, size * 5 // 4)
    found, start = [], 0
    while len(order) - start > most:
        places = range(start + least, start + most + 1)
        cut = min(places, key=lambda at: (shared[at], abs(at - start - size)))
        found.append(order[start:cut])
        start = cut
    if start < len(order):
        found.append(order[start:])
    return sorted(found, key=lambda shard: (-sum(len(texts[n]) for n in shard), shard[0]))


def text_of(prompt: Prompt) -> str:
    """Roles and texts, as they are compared."""
    return "\0".join(f"{turn.role}\0{turn.content}" for turn in prompt.messages)


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle - 1)
    return low
