"""Plans how many prompts are read with every common beginning computed once.

All prompts of a call are laid out as one tree of tokens and walked depth first. A forward pass takes the next
few prompts of that walk and computes the tokens that no pass before it has computed. Because of the walk, what
a pass can take over is always a beginning of its first prompt: one path, however large the tree, so little has
to be stored between passes.

The last token of a prompt, where its answer is read, is never shared with a longer prompt: what is done at
the place of an answer cannot reach another prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from culturescope.models.batching import Work, read_work

if TYPE_CHECKING:
    from culturescope.models.arithmetic import Arithmetic


@dataclass(frozen=True)
class Segment:
    """A stretch of new tokens whose attention is computed at once.

    Args:
        start: first column.
        stop: column after the last.
        before: keys of the tokens that stand before the first one in its prompt.
    """

    start: int
    stop: int
    before: tuple[int, ...]


@dataclass(frozen=True)
class Pass:
    """One forward pass over a single row of new tokens, each of them a column.

    A key names a token that can be attended to: key k is the k-th stored token, or column k - `stored`.

    Args:
        prompts: indices of the prompts that are read.
        reads: for each of them the column of its last token.
        tokens: ids of the new tokens.
        positions: of the new tokens in their prompts.
        stored: number of tokens taken over from the pass before; their positions are 0, 1, 2 ...
        ends: for every key the column after the last token that it is a beginning of.
        segments: of the columns, from left to right.
        kept: keys that the next pass takes over.
    """

    prompts: tuple[int, ...]
    reads: tuple[int, ...]
    tokens: tuple[int, ...]
    positions: tuple[int, ...]
    stored: int
    ends: tuple[int, ...]
    segments: tuple[Segment, ...]
    kept: tuple[int, ...]

    @property
    def work(self) -> Work:
        """What the pass computes, in tokens."""
        return Work(tokens_computed=len(self.tokens), passes=1)

    @property
    def pairs(self) -> int:
        """Pairs of query and key that attention compares in one block, masked ones included."""
        return sum((s.stop - s.start) * (len(s.before) + s.stop - s.start) for s in self.segments)

    def flops(self, arithmetic: Arithmetic) -> int:
        """Arithmetic of the pass."""
        return arithmetic.flops(len(self.tokens), self.pairs, len(set(self.reads)))


@dataclass(frozen=True)
class _Stop:
    """A stop of the walk: a distinct prompt, who asks it, and how much it shares with the stop before."""

    row: tuple[int, ...]
    prompts: tuple[int, ...]
    shared: int


def plan(
    rows: Sequence[Sequence[int]],
    *,
    batch_size: int,
    budget: int = 4096,
    most_stored: int = 1 << 20,
    call_cost: float = 0.0,
) -> list[Pass]:
    """Passes that read every prompt once; those with the longest prompts come first as far as the tree allows.

    Args:
        rows: tokens of every prompt, at least one each.
        batch_size: most different prompts in a pass.
        budget: most new tokens in a pass, unless a single prompt has more.
        most_stored: most tokens that may be stored between passes; what goes beyond is computed again.
        call_cost: what another call of the attention costs, in pairs of query and key.
    """
    walk = _walk(rows)
    passes = []
    start = 0
    while start < len(walk):
        stop, new = start + 1, len(walk[start].row) - min(walk[start].shared, most_stored)
        while stop < len(walk) and stop - start < batch_size:
            new += len(walk[stop].row) - walk[stop].shared
            if new > budget:
                break
            stop += 1
        takes = min(walk[start].shared, most_stored)
        leaves = min(walk[stop].shared, most_stored) if stop < len(walk) else 0
        passes.append(_pass(walk[start:stop], takes, leaves, call_cost))
        start = stop
    return passes


def needed(rows: Sequence[Sequence[int]]) -> int:
    """How many tokens have to be computed when nothing is computed twice."""
    return sum(len(stop.row) - stop.shared for stop in _walk(rows))


def needed_work(rows: Sequence[Sequence[int]], arithmetic: Arithmetic) -> Work:
    """Tokens that are asked, and what has to be computed of them when nothing is computed twice."""
    walk = _walk(rows)
    tokens = sum(len(stop.row) - stop.shared for stop in walk)
    pairs = sum(len(s.row) * (len(s.row) + 1) - s.shared * (s.shared + 1) for s in walk) // 2
    return read_work(rows) + Work(
        tokens_asked=sum(map(len, rows)),
        tokens_needed=tokens,
        flops_needed=arithmetic.flops(tokens, pairs, len(walk)),
    )


def _walk(rows: Sequence[Sequence[int]]) -> list[_Stop]:
    asked: dict[tuple[int, ...], list[int]] = {}
    for index, row in enumerate(rows):
        asked.setdefault(tuple(row), []).append(index)
    by_token = sorted(asked)
    common = [0, *(_common(one, other) for one, other in pairwise(by_token))][: len(by_token)]
    order = [by_token[at] for at in _longest_first(by_token, common, [asked[row][0] for row in by_token])]
    before: tuple[int, ...] = ()
    walk = []
    for row in order:
        walk.append(_Stop(row, tuple(asked[row]), _common(before, row)))
        before = row
    return walk


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the common beginning, without the last token of either."""
    longest = max(min(len(one), len(other)) - 1, 0)
    if one[:longest] == other[:longest]:
        return longest
    return next(at for at in range(longest) if one[at] != other[at])


def _longest_first(rows: Sequence[Sequence[int]], common: Sequence[int], first: Sequence[int]) -> list[int]:
    """Sorts the branches at every fork by their longest prompt, then by their first one."""
    order: list[int] = []
    open_ranges = [(0, len(rows))] if rows else []
    while open_ranges:
        low, high = open_ranges.pop()
        if high - low == 1:
            order.append(low)
            continue
        fork = min(common[low + 1 : high])
        cuts = [low, *(at for at in range(low + 1, high) if common[at] == fork), high]
        branches = sorted(
            pairwise(cuts),
            key=lambda part: (-max(map(len, rows[slice(*part)])), min(first[slice(*part)])),
        )
        open_ranges.extend(reversed(branches))
    return order


def _pass(stops: Sequence[_Stop], takes: int, leaves: int, call_cost: float) -> Pass:
    tokens: list[int] = []
    positions: list[int] = []
    ends = [0] * takes
    path = list(range(takes))  # keys of the prompt in hand
    starts: list[int] = []
    befores: list[tuple[int, ...]] = []
    prompts: list[int] = []
    reads: list[int] = []
    for at, stop in enumerate(stops):
        shared = stop.shared if at else takes
        for key in path[shared:]:
            ends[key] = len(tokens)
        del path[shared:]
        starts.append(len(tokens))
        befores.append(tuple(path))
        path += range(takes + len(tokens), takes + len(tokens) + len(stop.row) - shared)
        tokens += stop.row[shared:]
        positions += range(shared, len(stop.row))
        ends += [0] * (len(stop.row) - shared)
        prompts += stop.prompts
        reads += [len(tokens) - 1] * len(stop.prompts)
    for key in path:
        ends[key] = len(tokens)
    segments = tuple(
        Segment(starts[low], starts[high] if high < len(starts) else len(tokens), befores[low])
        for low, high in _segments([*starts, len(tokens)], [len(before) for before in befores], call_cost)
    )
    return Pass(
        tuple(prompts),
        tuple(reads),
        tuple(tokens),
        tuple(positions),
        takes,
        tuple(ends),
        segments,
        tuple(path[:leaves]),
    )


def _segments(starts: Sequence[int], depths: Sequence[int], call_cost: float) -> list[tuple[int, int]]:
    """Cheapest cut of the prompts into neighbours whose attention is computed at once.

    Tokens of such a stretch see those before its first token and, masked, each other: (new tokens) x (new
    tokens + tokens before) pairs and one call.
    """
    best = [0.0]
    came = [0]
    for high in range(1, len(depths) + 1):
        costs = []
        for low in range(max(0, high - 64), high):
            new = starts[high] - starts[low]
            costs.append((best[low] + new * (new + depths[low]) + call_cost, low))
        cost, low = min(costs)
        best.append(cost)
        came.append(low)
    cuts = [len(depths)]
    while cuts[-1]:
        cuts.append(came[cuts[-1]])
    return list(pairwise(reversed(cuts)))
