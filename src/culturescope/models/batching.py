"""How prompts are laid out in forward passes, and how much work that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from culturescope.models.arithmetic import Arithmetic


@dataclass(frozen=True)
class Work:
    """Tokens of prompts, asked and computed; works add and subtract.

    Args:
        tokens_asked: tokens of all prompts.
        tokens_needed: of them those that have to be computed when nothing is computed twice.
        tokens_computed: tokens that went through the model, without padding.
        tokens_padding: pads that went through the model with them.
        passes: number of forward passes.
        flops: arithmetic of the passes (FLOP), with pads and masked pairs; see `arithmetic`.
        flops_needed: arithmetic of the tokens that have to be computed, each seeing what stands before it.
        written: tokens that were drawn in answers; their arithmetic is in both.
        prompts: texts that were read from their beginning.
        readings: texts that were read again under a change, from its first block on.
        tokens_read: tokens of `prompts`, nothing shared.
    """

    tokens_asked: int = 0
    tokens_needed: int = 0
    tokens_computed: int = 0
    tokens_padding: int = 0
    passes: int = 0
    flops: int = 0
    flops_needed: int = 0
    written: int = 0
    prompts: int = 0
    readings: int = 0
    tokens_read: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(*(getattr(self, name) + getattr(other, name) for name in _COUNTS))

    def __sub__(self, other: Work) -> Work:
        return Work(*(getattr(self, name) - getattr(other, name) for name in _COUNTS))


_COUNTS = tuple(field.name for field in fields(Work))


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the tokens of a forward pass over prompts stand; hooks on blocks find it at `model.layout`.

    A block's output has the shape (rows, columns, width). In a padded pass every row is a prompt. In a shared
    one there is a single row without pads, whose tokens belong to one prompt or more: a hook that treats a token
    by `real`, `positions` and `reads` alone does the same in both.

    Args:
        shared: whether a token can belong to several prompts.
        prompts: indices, in the call, of the prompts that are read in this pass.
        real: (rows, columns), False at pads.
        positions: (rows, columns), place of the token in its prompt, 0 first; 0 at pads.
        reads: (rows, columns), True at the last token of a prompt, where its answer is read.
        ends: row and column of that token, for each of `prompts`.
        stored: number of tokens before the columns that an earlier pass computed and this one attends to.
    """

    shared: bool
    prompts: tuple[int, ...]
    real: Tensor
    positions: Tensor
    reads: Tensor
    ends: tuple[tuple[int, int], ...]
    stored: int = 0


def token_budget(device: str) -> int:
    """Most tokens in a forward pass on a kind of device, unless a single prompt has more.

    On a CPU larger passes fall out of the caches and gain nothing; an accelerator wants them large.
    """
    return 2048 if device == "cpu" else 32768


def layout_of(
    prompts: Sequence[int],
    real: Tensor,
    positions: Tensor,
    ends: Sequence[tuple[int, int]],
    *,
    shared: bool = False,
    stored: int = 0,
) -> Layout:
    """The layout of a pass from its pads, positions and the places of its answers."""
    import torch

    reads = torch.zeros_like(real)
    for row, column in ends:
        reads[row, column] = True
    return Layout(shared, tuple(prompts), real, positions, reads, tuple(ends), stored)


def padded_batches(
    lengths: Sequence[int], *, batch_size: int, budget: int | None = None
) -> Iterator[list[int]]:
    """Indices, longest first, so that little is padded and a batch that is too large fails at once.

    Args:
        lengths: tokens of every prompt.
        batch_size: most prompts in a batch.
        budget: most tokens in a batch, pads counted, unless a single prompt has more.
    """
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    start = 0
    while start < len(order):
        size = batch_size
        if budget is not None:
            size = min(size, max(1, budget // max(lengths[order[start]], 1)))
        yield order[start : start + size]
        start += size


def padded_work(
    lengths: Sequence[int], arithmetic: Arithmetic | None = None, *, all_logits: bool = False
) -> Work:
    """What a padded batch of prompts of these lengths computes.

    Args:
        lengths: tokens of every prompt.
        arithmetic: of the model; without it only tokens are counted.
        all_logits: whether every position goes through the output layer, not the last one of each prompt alone.
    """
    tokens, longest = sum(lengths), max(lengths)
    filled = longest * len(lengths)
    reads = filled if all_logits else len(lengths)
    return Work(
        tokens_computed=tokens,
        tokens_padding=filled - tokens,
        passes=1,
        flops=0 if arithmetic is None else arithmetic.flops(filled, filled * longest, reads),
    )


def written_work(lengths: Sequence[int], steps: int, arithmetic: Arithmetic) -> Work:
    """What it takes to write answers to a padded batch of prompts, token by token.

    Args:
        lengths: tokens of every prompt.
        steps: tokens written to each; a row that has ended goes on with pads.
        arithmetic: of the model.
    """
    rows, longest = len(lengths), max(lengths)
    filled, later = longest * rows, rows * max(steps - 1, 0)
    pairs = filled * longest + rows * sum(range(longest + 1, longest + steps))
    flops = arithmetic.flops(filled + later, pairs, rows * steps)
    return Work(
        tokens_asked=sum(lengths),
        tokens_needed=sum(lengths),
        tokens_computed=sum(lengths),
        tokens_padding=filled - sum(lengths),
        passes=steps,
        flops=flops,
        flops_needed=flops,
        written=rows * steps,
        prompts=rows,
        tokens_read=sum(lengths),
    )


def read_work(rows: Sequence[Sequence[int]], readings: int = 0) -> Work:
    """How much was asked: texts read from their beginning, and readings of each under changes.

    Args:
        rows: tokens of every text.
        readings: of every text.
    """
    return Work(prompts=len(rows), readings=readings * len(rows), tokens_read=sum(map(len, rows)))


def resumed_work(arithmetic: Arithmetic, tokens: int, pairs: int, reads: int, blocks: int) -> Work:
    """What a pass through some of the blocks computes, nothing of it twice.

    Args:
        arithmetic: of the model.
        tokens: that go through them.
        pairs: of query and key in one of them.
        reads: positions that go through the output layer.
        blocks: how many.
    """
    flops = arithmetic.flops(tokens, pairs, reads, blocks=blocks)
    return Work(tokens_computed=tokens, passes=1, flops=flops, flops_needed=flops)


def padded_layout(prompts: Sequence[int], lengths: Sequence[int], side: str, device: torch.device) -> Layout:
    """The layout of a padded batch of prompts of these lengths."""
    import torch

    longest = max(lengths)
    columns = torch.arange(longest, device=device)[None, :]
    rows = torch.tensor(lengths, device=device)[:, None]
    positions = columns - (longest - rows if side == "left" else 0)
    real = (positions >= 0) & (positions < rows)
    ends = [(row, (longest if side == "left" else length) - 1) for row, length in enumerate(lengths)]
    return layout_of(prompts, real, positions.where(real, 0), ends)
