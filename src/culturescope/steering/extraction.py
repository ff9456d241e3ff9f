"""Activations of contrast texts: one vector a text and block, read behind the block.

The pass stops behind the last block that is needed, so neither the final norm nor the output layer ever runs; of
every block only (batch, width) is kept, pooled where it arises, and each batch is copied to the host once.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError
from culturescope.models.answered import AnsweredTokens
from culturescope.models.blockhooks import on_blocks
from culturescope.prompts.contrast import Read

if TYPE_CHECKING:
    from torch import Tensor

    from culturescope.models.causal import CausalModel


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
    import torch

    if model.edits:
        raise BadInputError("the model is being steered at the moment; fit vectors outside of `applied`")
    wanted = check_blocks(model, blocks)
    if not texts or batch_size < 1:
        raise BadInputError("activations need at least one text, and a batch size of at least 1")
    modules = {number: model.blocks[number] for number in wanted}
    states = torch.empty(len(texts), len(wanted), model.hidden_size)
    norms = torch.empty(len(texts), len(wanted))
    order = sorted(range(len(texts)), key=lambda n: (-len(texts[n].ids), n))
    run: Any = model.module
    options = model.quick_options
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        batch = model.batch([texts[n].ids for n in chosen])
        weights = _answer_weights([texts[n] for n in chosen], batch["input_ids"], model.padding_side, read)
        kept: dict[int, tuple[Tensor, Tensor]] = {}

        def keep(
            number: int,
            residual: Tensor,
            weights: Tensor = weights,
            kept: dict[int, tuple[Tensor, Tensor]] = kept,
        ) -> None:
            weight = weights.to(residual.device)
            wide = residual.float()
            kept[number] = (
                torch.einsum("bt,btd->bd", weight, wide),
                (weight * wide.norm(dim=-1)).sum(dim=1),
            )
            if number == wanted[-1]:
                raise _Enough

        with torch.inference_mode(), on_blocks(modules, keep), suppress(_Enough):
            run(**batch, **options)
        device = kept[wanted[0]][0].device
        states[chosen] = torch.stack([kept[n][0].to(device) for n in wanted], dim=1).cpu()
        norms[chosen] = torch.stack([kept[n][1].to(device) for n in wanted], dim=1).cpu()
    return Activations(states, norms.median(dim=0).values, wanted)


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
