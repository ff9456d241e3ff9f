"""Shards: every prompt in one of them, cut where little is shared, whatever the order of the prompts."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from culturescope.executors.sharding import BATCHES, shards, text_of
from culturescope.executors.worker import packed, unpacked
from culturescope.experiments.design import Design
from culturescope.models.prefixes import needed
from culturescope.prompts import Prompt

TEXT = st.text(alphabet="ab ", max_size=6)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(TEXT, st.none() | TEXT), max_size=80), st.integers(1, 9), st.randoms())
def test_every_prompt_is_in_one_shard_of_a_bounded_size(
    turns: list[Any], size: int, draw: random.Random
) -> None:
    prompts = [Prompt.of(user, system) for user, system in turns]
    found = shards(prompts, size)
    assert sorted(n for shard in found for n in shard) == list(range(len(prompts)))
    assert all(0 < len(shard) <= max(1, BATCHES * size * 5 // 4) for shard in found)
    shuffled = list(range(len(prompts)))
    draw.shuffle(shuffled)
    again = shards([prompts[n] for n in shuffled], size)

    def texts(cut: list[list[int]], of: list[Prompt]) -> list[list[str]]:
        return sorted([text_of(of[n]) for n in shard] for shard in cut)

    assert texts(again, [prompts[n] for n in shuffled]) == texts(found, prompts)
    assert unpacked(packed(prompts)) == prompts


def test_what_prompts_share_is_kept(tiny_loaded: Any) -> None:
    """A tenth more tokens than in one tree at most; shards that are dealt out prompt by prompt need far more."""
    tasks = Design.of("quick").tasks()
    ids = tiny_loaded("qwen2").encode([task.prompt for task in tasks])
    cut = shards([task.prompt for task in tasks], 16)
    dealt = [list(range(n, len(ids), len(cut))) for n in range(len(cut))]
    whole, kept, lost = (
        sum(needed([ids[n] for n in shard]) for shard in parts)
        for parts in ([list(range(len(ids)))], cut, dealt)
    )
    assert whole < kept < 1.1 * whole
    assert lost > 1.3 * whole
