"""Letters under many changes of the residual stream, each computed from the block where it begins.

A change adds one vector behind each of some blocks, at every token of the prompt. What lies before its first
block is the same as without it, so one pass records the residual stream behind every block; a change then starts
from the record: the blocks before it hand their input on, and the model's own forward does the rest. Several
changes may share a pass, as rows of one batch.

As a change is the same at every token, tokens that several prompts begin with stay the same in all of them: a
batch is one tree of tokens (`trees`) where the model allows it, and padded rows elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError
from culturescope.models.batching import padded_batches, resumed_work, token_budget
from culturescope.models.blockhooks import on_blocks
from culturescope.models.precise import precise_letters
from culturescope.models.shared_attention import UnsharedError
from culturescope.models.skipping import noting_outputs, skipping
from culturescope.models.trees import Tree
from culturescope.timing import phase

if TYPE_CHECKING:
    from torch import Tensor

    from culturescope.models.causal import CausalModel

RECORD_BYTES = 1 << 30
"""Most bytes of residual streams in one record, unless a single prompt needs more."""

Change = Mapping[int, "Tensor"]
"""Block to the vector (width) that is added behind it, at every token of the prompt."""
_ROWS_CPU, _ROWS = 32, 1024


@dataclass(frozen=True, eq=False)
class Letters:
    """What stands at the place of the answer, float64 on the host.

    Args:
        logits: (..., prompts, 2), of the letters A and B.
        logsumexp: (..., prompts), over the whole vocabulary; log P = logits - logsumexp.
    """

    logits: Tensor
    logsumexp: Tensor

    @property
    def mass(self) -> Tensor:
        """P(A) + P(B), (..., prompts)."""
        return (self.logits - self.logsumexp[..., None]).exp().sum(dim=-1)

    def of_first(self) -> Letters:
        """Those of the first change alone."""
        return Letters(self.logits[0], self.logsumexp[0])


class Rows:
    """Prompts as rows of a batch that is padded on the left."""

    def __init__(self, model: CausalModel, ids: Sequence[Sequence[int]]) -> None:
        import torch

        self._model = model
        self._batch = model.batch(ids, padding_side="left")
        self.prompts, longest = self._batch["input_ids"].shape
        self.tokens, self.pairs = self.prompts * longest, self.prompts * longest**2
        lengths = torch.tensor([len(row) for row in ids], device=self._batch["input_ids"].device)
        self.real = torch.arange(longest, device=lengths.device)[None, :] >= longest - lengths[:, None]

    def whole(self, rows: int) -> Tensor:
        """Logits (rows, prompts, vocabulary); the batch is repeated `rows` times."""
        batch = {key: value.repeat(rows, *[1] * (value.dim() - 1)) for key, value in self._batch.items()}
        run: Any = self._model.module
        logits: Tensor = run(**batch, **self._model.quick_options).logits[:, -1]
        return logits.view(rows, self.prompts, -1)


@dataclass(frozen=True, eq=False)
class Record:
    """One batch of prompts with the residual stream behind its blocks.

    Args:
        laid: how the prompts are laid out.
        states: block to the residual stream in the model's precision: (prompts, tokens, width), or (1, tokens, width)
            of a tree, behind the last block at the prompts' ends alone if the tree allows that.
        outputs: what the blocks put out, for its shape only.
        letters: without any change; None if they were not asked for.
    """

    laid: Rows | Tree
    states: Mapping[int, Tensor]
    outputs: dict[int, Any]
    letters: Letters | None

    @property
    def prompts(self) -> int:
        """Number of prompts."""
        return self.laid.prompts


class _Enough(Exception):  # noqa: N818 - no error: the last block that is needed was reached
    pass


def batches(
    model: CausalModel, ids: Sequence[Sequence[int]], batch_size: int, blocks: Sequence[int]
) -> Iterator[list[int]]:
    """Indices of prompts that are best recorded together: those that begin alike, or those of one length.

    Args:
        model: white-box, unsteered.
        ids: tokens of every prompt.
        batch_size: most prompts in a batch; shared ones may be more, as long as they have no more tokens together than so
            many of the longest would.
        blocks: that will be recorded, which limits the tokens of a batch.
    """
    passes = model.shared_passes(ids)
    if passes is None:
        yield from padded_batches([len(row) for row in ids], batch_size=batch_size)
        return
    bytes_a_token = max(len(blocks), 1) * model.hidden_size * model.module.dtype.itemsize
    budget = min(_budget(model), RECORD_BYTES // bytes_a_token, batch_size * max(map(len, ids)))
    for step in passes.plan(ids, len(ids), carry=False, budget=budget):
        yield list(step.prompts)


def record(
    model: CausalModel,
    ids: Sequence[Sequence[int]],
    blocks: Sequence[int] | None = None,
    *,
    letters: bool = True,
) -> Record:
    """One pass without changes over a batch of prompts, kept so that changes can start from it.

    Args:
        model: white-box, unsteered.
        ids: tokens of every prompt, as `model.encode` gives them.
        blocks: where changes will begin; all of them by default.
        letters: whether the letters without any change are read, too; if not, the pass stops behind the last of `blocks`
            (unless the model is `exact`).

    Raises:
        BadInputError: the model is being steered.
    """
    check_unsteered(model)
    wanted = list(range(len(model.blocks)) if blocks is None else blocks)
    passes = model.shared_passes(ids)
    if passes is not None:
        try:
            return _record(model, Tree.of(model, passes, ids), wanted, letters)
        except UnsharedError as error:
            model.not_shared(error)
    return _record(model, Rows(model, ids), wanted, letters)


def letters_under(
    model: CausalModel, recorded: Record, changes: Sequence[Change], *, rows: int | None = None
) -> Letters:
    """The letters of a recorded batch under each of some changes.

    Args:
        model: the one that was recorded.
        recorded: by `record`, with every block where a change begins.
        changes: each a mapping of blocks to vectors (width); an empty one changes nothing.
        rows: at most so many prompts, counted for every change, in one pass (at least one change at a time); by default 32
            on a CPU, which gains nothing by more, and elsewhere what a pass may hold.

    Returns:
        Letters (changes, prompts).

    Raises:
        BadInputError: a change is empty, but the letters without a change were not recorded.
    """
    import torch

    prompts = recorded.prompts
    logits = torch.empty(len(changes), prompts, 2, dtype=torch.float64)
    sums = torch.empty(len(changes), prompts, dtype=torch.float64)
    starts: dict[int, list[int]] = {}
    for n, change in enumerate(changes):
        if change:
            starts.setdefault(min(change), []).append(n)
        elif recorded.letters is None:
            raise BadInputError("the letters without a change were not recorded")
        else:
            logits[n], sums[n] = recorded.letters.logits, recorded.letters.logsumexp
    together = _together(model, recorded, rows)
    for start, members in sorted(starts.items()):
        for at in range(0, len(members), together):
            chosen = members[at : at + together]
            found = _resume(model, recorded, start, [changes[n] for n in chosen])
            logits[chosen], sums[chosen] = found.logits, found.logsumexp
    return Letters(logits, sums)


def check_unsteered(model: CausalModel) -> None:
    """Raises BadInputError where hooks of another steering would be counted twice."""
    if model.edits:
        raise BadInputError("the model is being steered at the moment; measure changes outside of `applied`")


def _together(model: CausalModel, recorded: Record, rows: int | None) -> int:
    """How many changes go through the model at once, as rows: a tree is a long row by itself, short ones gain by company."""
    on_cpu = model.module.device.type == "cpu"
    most = (rows or (_ROWS_CPU if on_cpu else _ROWS)) // recorded.prompts
    if isinstance(recorded.laid, Tree) or not on_cpu:
        most = min(most, _budget(model) // recorded.laid.tokens)
    return max(1, most)


def _budget(model: CausalModel) -> int:
    """Most tokens in a pass."""
    return model.token_budget or token_budget(model.module.device.type)


def _record(model: CausalModel, laid: Rows | Tree, wanted: Sequence[int], letters: bool) -> Record:
    import torch

    kept: dict[int, Tensor] = {}
    outputs: dict[int, Any] = {}
    until = None if letters or model.exact else max(wanted, default=None)

    def keep(number: int, residual: Tensor) -> None:
        kept[number] = residual
        if number == until:
            raise _Enough

    found = None
    with torch.inference_mode():
        if isinstance(laid, Tree):
            laid.stops_at_ends()  # its check runs before anything is noted
        with noting_outputs(model.blocks, outputs), suppress(_Enough):
            found = _run(model, laid, 1, wanted, keep, outputs, until=until)
    return Record(laid, kept, outputs, None if found is None else found.of_first())


def _resume(model: CausalModel, recorded: Record, start: int, changes: Sequence[Change]) -> Letters:
    """Letters (changes, prompts), changes of one first block as rows of one batch."""
    import torch

    laid, count = recorded.laid, len(changes)
    blocks = sorted({block for change in changes for block in change})
    each = laid.prompts if isinstance(laid, Rows) else 1
    real = laid.real.repeat(count, 1)[..., None] if isinstance(laid, Rows) else None

    def added(block: int, residual: Tensor) -> Tensor:
        zero = torch.zeros(residual.shape[-1])
        vectors = torch.stack([change.get(block, zero) for change in changes])
        row_wise = vectors.to(residual.device, residual.dtype).repeat_interleave(each, dim=0)[:, None, :]
        moved = residual + row_wise
        return moved if real is None else torch.where(real.to(residual.device), moved, residual)

    with torch.inference_mode():
        if model.exact:
            return _run(model, laid, count, blocks, added, recorded.outputs)
        state = recorded.states[start]
        begun = added(start, state if real is None else state.repeat(count, 1, 1))
        later = [block for block in blocks if block != start]
        return _run(model, laid, count, later, added, recorded.outputs, (start, begun))


def _run(
    model: CausalModel,
    laid: Rows | Tree,
    count: int,
    hooked: Sequence[int],
    change: Callable[[int, Tensor], Tensor | None],
    outputs: dict[int, Any],
    begun: tuple[int, Tensor] | None = None,
    *,
    until: int | None = None,
) -> Letters:
    """Letters (count, prompts) of a pass with hooks on some blocks, from a block and the stream behind it on.

    `until` is the block behind which `change` ends the pass, and its counting, if it does.
    """
    last = len(model.blocks) - 1
    stop = last if until is None else until
    # The last block at the ends of the prompts alone is next to nothing, and so are its keys and values.
    at_ends = stop == last and isinstance(laid, Tree) and laid.stops_at_ends()
    through = stop - (-1 if begun is None else begun[0]) - at_ends
    reads = laid.prompts if isinstance(laid, Tree) or "logits_to_keep" in model.quick_options else laid.tokens
    reads = 0 if until is not None else reads
    model.work += resumed_work(
        model.arithmetic, laid.tokens * count, laid.pairs * count, reads * count, max(through, 0)
    )
    hooks = {number: model.blocks[number] for number in hooked}
    with ExitStack() as stack, phase("forward"):
        stack.enter_context(precise_letters(model))
        if begun is not None:
            stack.enter_context(skipping(model.blocks, *begun, outputs))
        if isinstance(laid, Rows) or not laid.stops_at_ends():
            stack.enter_context(on_blocks(hooks, change, sharing=True))
            return _letters(model, laid.whole(count))
        if begun is not None and begun[0] == last:
            return _letters(model, laid.at_ends(count))
        before = {n: block for n, block in hooks.items() if n < last}
        # A recording that stopped early has not seen how the blocks behind its last one build their outputs.
        with on_blocks(before, change, sharing=True), noting_outputs(model.blocks[:last], outputs):
            ends = laid.before_last(count)
        stack.enter_context(skipping(model.blocks, last - 1, ends, outputs))
        stack.enter_context(on_blocks({last: hooks[last]} if last in hooks else {}, change, sharing=True))
        return _letters(model, laid.at_ends(count))


def _letters(model: CausalModel, logits: Tensor) -> Letters:
    """Letters from logits (rows, prompts, vocabulary)."""
    import torch

    wide = logits.to(torch.float32 if logits.device.type == "mps" else torch.float64)
    letters = [token.id for token in model.identity.letters]
    return Letters(wide[..., letters].double().cpu(), wide.logsumexp(dim=-1).double().cpu())
