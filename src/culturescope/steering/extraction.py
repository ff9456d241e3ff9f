"""Activations of contrast texts: one vector a text and block, read behind the block.

The pass stops behind the last block that is needed, so neither the final norm nor the output layer ever runs; of
every block only (texts, width) is kept, pooled where it arises, and each batch is copied to the host once. What texts
begin with in common is computed once, where the model allows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError
from culturescope.models.answered import AnsweredTokens
from culturescope.models.batching import padded_batches, read_work, resumed_work
from culturescope.models.blockhooks import on_blocks
from culturescope.models.shared_attention import UnsharedError
from culturescope.models.skipping import noting_outputs, skipping
from culturescope.models.trees import Tree
from culturescope.prompts.contrast import Read
from culturescope.timing import phase

if TYPE_CHECKING:
    from torch import Tensor

    from culturescope.models.causal import CausalModel
    from culturescope.models.prefixes import Pass
    from culturescope.models.shared_attention import Stored
    from culturescope.models.sharing import SharedPasses


@dataclass(frozen=True, eq=False)
class Activations:
    """Activations of texts.

    Args:
        states: (texts, blocks, width), float32, on the host.
        median_norms: median norm |h| of the residual stream behind each block (blocks), over the places read.
        blocks: which blocks, in the order of `states`.
    """

    states: Tensor
    median_norms: Tensor
    blocks: tuple[int, ...]


class _Enough(Exception):  # noqa: N818 - no error: the last block that is needed was reached
    pass


def activations(
    model: CausalModel,
    texts: Sequence[AnsweredTokens],
    blocks: Sequence[int],
    *,
    read: Read = "last",
    batch_size: int = 16,
) -> Activations:
    """Reads texts behind the given blocks.

    Args:
        model: white-box, unsteered.
        texts: tokens with the place of the answer.
        blocks: numbers of blocks, 0 is the first.
        read: at the answer's last token, or the mean over its tokens.
        batch_size: texts in one pass.

    Raises:
        BadInputError: the model is being steered, a block does not exist, or nothing is asked.
    """
    if model.edits:
        raise BadInputError("the model is being steered at the moment; fit vectors outside of `applied`")
    wanted = check_blocks(model, blocks)
    if not texts or batch_size < 1:
        raise BadInputError("activations need at least one text, and a batch size of at least 1")
    ids = [text.ids for text in texts]
    model.work += read_work(ids)
    passes = model.shared_passes(ids)
    if passes is not None:
        try:
            return _shared(model, passes, texts, wanted, read, batch_size)
        except UnsharedError as error:
            model.not_shared(error)
    return _rows(model, texts, wanted, read, batch_size)


class _Pool:
    """Pools what is read of each pass where it arises, and collects it on the host."""

    def __init__(self, model: CausalModel, texts: int, wanted: tuple[int, ...]) -> None:
        import torch

        self._wanted = wanted
        self._whole = model.exact
        self._states = torch.empty(texts, len(wanted), model.hidden_size)
        self._norms = torch.empty(texts, len(wanted))
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}

    def keep(self, number: int, residual: Tensor, weights: Tensor) -> None:
        """Means of a stream (texts, tokens, width), or of one row for all texts, and of its norms.

        Args:
            number: of the block.
            residual: the stream.
            weights: (texts, tokens).

        Raises:
            _Enough: that was the last block, and no pass has to run to its end.
        """
        import torch

        weight, wide = weights.to(residual.device), residual.float()
        lengths = wide.norm(dim=-1)
        if len(wide) == len(weight):
            pooled = torch.einsum("bt,btd->bd", weight, wide), (weight * lengths).sum(dim=1)
        else:
            pooled = weight @ wide[0], weight @ lengths[0]
        self._kept[number] = pooled
        if number == self._wanted[-1] and not self._whole:
            raise _Enough

    def collect(self, chosen: Sequence[int]) -> None:
        """Copies what was kept of a pass to the host, as the states of some texts."""
        import torch

        device = self._kept[self._wanted[0]][0].device
        for column, found in enumerate((self._states, self._norms)):
            found[list(chosen)] = torch.stack(
                [self._kept[n][column].to(device) for n in self._wanted], dim=1
            ).cpu()
        self._kept.clear()

    def done(self) -> Activations:
        """Everything that was collected."""
        return Activations(self._states, self._norms.median(dim=0).values, self._wanted)


def _rows(
    model: CausalModel, texts: Sequence[AnsweredTokens], wanted: tuple[int, ...], read: Read, batch_size: int
) -> Activations:
    """Texts as rows of padded batches."""
    import torch

    pool = _Pool(model, len(texts), wanted)
    modules = {number: model.blocks[number] for number in wanted}
    run: Any = model.module
    for chosen in padded_batches([len(text.ids) for text in texts], batch_size=batch_size):
        batch = model.batch([texts[n].ids for n in chosen])
        weights = _answer_weights([texts[n] for n in chosen], batch["input_ids"], model.padding_side, read)

        def keep(number: int, residual: Tensor, weights: Tensor = weights) -> None:
            pool.keep(number, residual, weights)

        filled = batch["input_ids"].numel()
        pairs = filled * batch["input_ids"].shape[1]
        model.work += resumed_work(model.arithmetic, filled, pairs, 0, wanted[-1] + 1)
        with torch.inference_mode(), on_blocks(modules, keep), suppress(_Enough), phase("forward"):
            run(**batch, **model.quick_options)
        pool.collect(chosen)
    return pool.done()


def _shared(
    model: CausalModel,
    passes: SharedPasses,
    texts: Sequence[AnsweredTokens],
    wanted: tuple[int, ...],
    read: Read,
    batch_size: int,
) -> Activations:
    """Texts in passes that compute every common beginning once.

    An answer's last token belongs to its text alone; those before it may be shared, so where their mean is read no pass
    takes tokens over from another.

    Raises:
        UnsharedError: the model does not compute attention the way that sharing needs.
    """
    import torch

    pool = _Pool(model, len(texts), wanted)
    modules = {number: model.blocks[number] for number in wanted}
    last = wanted[-1]
    outputs: dict[int, Any] = {}
    stored: Stored = []
    ids, carry = [text.ids for text in texts], read == "last"
    for step in passes.plan(ids, batch_size, carry=carry, budget=model.token_budget):
        columns, weights = _answer_columns(step, texts, read)
        tree = Tree(model, passes, step, stored=stored, columns=columns, last=last)

        def keep(number: int, residual: Tensor, columns: list[int] = columns, w: Tensor = weights) -> None:
            pool.keep(number, residual[:, columns], w)

        def keep_last(number: int, residual: Tensor, w: Tensor = weights) -> None:
            pool.keep(number, residual, w)

        model.work += resumed_work(model.arithmetic, tree.tokens, tree.pairs, 0, last + 1)
        with torch.inference_mode(), phase("forward"):
            if not tree.stops_at_ends():
                with on_blocks(modules, keep), suppress(_Enough):
                    tree.whole(1)
            else:
                before = {n: module for n, module in modules.items() if n < last}
                with on_blocks(before, keep), noting_outputs(model.blocks[:last], outputs):
                    begun = tree.before_last(1)
                with (
                    skipping(model.blocks, last - 1, begun, outputs),
                    on_blocks({last: modules[last]}, keep_last),
                    suppress(_Enough),
                ):
                    tree.at_ends(1)
        stored = tree.kept
        pool.collect(step.prompts)
    return pool.done()


def check_blocks(model: CausalModel, blocks: Sequence[int]) -> tuple[int, ...]:
    """The blocks in ascending order, each once.

    Raises:
        BadInputError: none, or one that the model does not have.
    """
    count = len(model.blocks)
    if not blocks:
        raise BadInputError("at least one block is needed")
    for number in blocks:
        if not isinstance(number, int) or not 0 <= number < count:
            raise BadInputError(
                f"the model {model.identity.name} has the blocks 0 to {count - 1}, there is no block {number}"
            )
    return tuple(sorted(set(blocks)))


def _answer_columns(step: Pass, texts: Sequence[AnsweredTokens], read: Read) -> tuple[list[int], Tensor]:
    """Columns of a pass that are read, and how much each counts for each of its texts (texts, columns)."""
    import torch

    of_text = []
    for n, end in zip(step.prompts, step.reads, strict=True):
        many = len(texts[n].ids) - texts[n].start if read == "mean" else 1
        path = (
            column for column in range(end, -1, -1) if step.ends[step.stored + column] > end
        )  # from the end on
        of_text.append(list(islice(path, many)))
    columns = sorted({column for own in of_text for column in own})
    place = {column: at for at, column in enumerate(columns)}
    weights = torch.zeros(len(of_text), len(columns))
    for row, own in enumerate(of_text):
        weights[row, [place[column] for column in own]] = 1 / len(own)
    return columns, weights


def _answer_weights(texts: Sequence[AnsweredTokens], ids: Tensor, side: str, read: Read) -> Tensor:
    """How much each token counts (batch, tokens); every row sums to 1 and pads count nothing."""
    import torch

    weights = torch.zeros(ids.shape)
    longest = ids.shape[1]
    for row, text in enumerate(texts):
        shift = longest - len(text.ids) if side == "left" else 0
        end = shift + len(text.ids)
        start = shift + text.start if read == "mean" else end - 1
        weights[row, start:end] = 1 / (end - start)
    return weights
