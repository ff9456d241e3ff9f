"""Letters under many changes of the residual stream, each computed from the block where it begins.

A change adds one vector behind each of some blocks, at every token of the prompt. What lies before its first
block is the same as without it, so one pass records the residual stream (batch, tokens, width) behind every
block; a change then starts from the record: the blocks before it hand their input on, and the model's own
forward does the rest. Several changes may share a pass, as rows of one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError
from culturescope.models.blockhooks import on_blocks, residual_of, with_residual
from culturescope.models.precise import precise_letters

if TYPE_CHECKING:
    from torch import Tensor, nn

    from culturescope.models.causal import CausalModel

Change = Mapping[int, "Tensor"]
"""Block to the vector (width) that is added behind it, at every token of the prompt."""


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


@dataclass(frozen=True, eq=False)
class Record:
    """One batch of prompts, padded on the left, with the residual stream behind its blocks.

    Args:
        batch: arguments of the module's forward.
        real: (batch, tokens), False at pads.
        states: block to the residual stream (batch, tokens, width), in the model's precision.
        outputs: what the blocks put out, for its shape only.
        letters: without any change.
    """

    batch: Mapping[str, Tensor]
    real: Tensor
    states: Mapping[int, Tensor]
    outputs: Mapping[int, Any]
    letters: Letters


def record(model: CausalModel, ids: Sequence[Sequence[int]], blocks: Sequence[int] | None = None) -> Record:
    """One pass without changes over a batch of prompts, kept so that changes can start from it.

    Args:
        model: white-box, unsteered.
        ids: tokens of every prompt, as `model.encode` gives them.
        blocks: where changes will begin; all of them by default.

    Raises:
        BadInputError: the model is being steered.
    """
    import torch

    check_unsteered(model)
    batch = model.batch(ids, padding_side="left")
    kept: dict[int, Tensor] = {}
    outputs: dict[int, Any] = {}

    def keep(number: int, residual: Tensor) -> None:
        kept[number] = residual

    wanted = range(len(model.blocks)) if blocks is None else blocks
    with (
        torch.inference_mode(),
        on_blocks({n: model.blocks[n] for n in wanted}, keep),
        _noting_outputs(model, outputs),
    ):
        letters = _read(model, batch)
    longest = batch["input_ids"].shape[1]
    lengths = torch.tensor([len(row) for row in ids], device=batch["input_ids"].device)
    real = torch.arange(longest, device=lengths.device)[None, :] >= longest - lengths[:, None]
    return Record(batch, real, kept, outputs, letters)


def letters_under(
    model: CausalModel, recorded: Record, changes: Sequence[Change], *, rows: int = 32
) -> Letters:
    """The letters of a recorded batch under each of some changes.

    Args:
        model: the one that was recorded.
        recorded: by `record`, with every block where a change begins.
        changes: each a mapping of blocks to vectors (width); an empty one changes nothing.
        rows: at most so many rows in one pass (at least one change at a time).

    Returns:
        Letters (changes, prompts).
    """
    import torch

    prompts = len(recorded.real)
    logits = torch.empty(len(changes), prompts, 2, dtype=torch.float64)
    sums = torch.empty(len(changes), prompts, dtype=torch.float64)
    starts: dict[int, list[int]] = {}
    for n, change in enumerate(changes):
        if change:
            starts.setdefault(min(change), []).append(n)
        else:
            logits[n], sums[n] = recorded.letters.logits, recorded.letters.logsumexp
    together = max(1, rows // prompts)
    for start, members in sorted(starts.items()):
        for at in range(0, len(members), together):
            chosen = members[at : at + together]
            found = _resume(model, recorded, start, [changes[n] for n in chosen])
            logits[chosen] = found.logits.view(len(chosen), prompts, 2)
            sums[chosen] = found.logsumexp.view(len(chosen), prompts)
    return Letters(logits, sums)


def check_unsteered(model: CausalModel) -> None:
    """Raises BadInputError where hooks of another steering would be counted twice."""
    if model.edits:
        raise BadInputError("the model is being steered at the moment; measure changes outside of `applied`")


def _resume(model: CausalModel, recorded: Record, start: int, changes: Sequence[Change]) -> Letters:
    """Letters (changes x prompts), changes of one first block as rows of one batch."""
    import torch

    prompts, count = len(recorded.real), len(changes)
    real = recorded.real.repeat(count, 1)
    blocks = sorted({block for change in changes for block in change})

    def added(block: int, residual: Tensor) -> Tensor:
        zero = torch.zeros(residual.shape[-1])
        vectors = torch.stack([change.get(block, zero) for change in changes])
        row_wise = vectors.to(residual.device, residual.dtype).repeat_interleave(prompts, dim=0)
        return torch.where(real[..., None].to(residual.device), residual + row_wise[:, None, :], residual)

    begun = added(start, recorded.states[start].repeat(count, 1, 1))
    batch = {key: value.repeat(count, *[1] * (value.dim() - 1)) for key, value in recorded.batch.items()}
    later = {block: model.blocks[block] for block in blocks if block != start}
    with torch.inference_mode(), _skipping(model, start, begun, recorded.outputs), on_blocks(later, added):
        return _read(model, batch)


def _read(model: CausalModel, batch: Mapping[str, Tensor]) -> Letters:
    import torch

    run: Any = model.module
    with precise_letters(model):
        logits: Tensor = run(**batch, **model.quick_options).logits[:, -1]
    wide = logits.to(torch.float32 if logits.device.type == "mps" else torch.float64)
    letters = [token.id for token in model.identity.letters]
    return Letters(wide[:, letters].double().cpu(), wide.logsumexp(dim=-1).double().cpu())


def _skipping(model: CausalModel, start: int, begun: Tensor, outputs: Mapping[int, Any]) -> ExitStack:
    """Until closed, the blocks before `start` hand their input on, and `start` gives the recorded stream."""

    def hand_on(output: Any) -> Callable[..., Any]:
        return lambda hidden_states, *rest, **named: with_residual(output, hidden_states)

    with ExitStack() as stack:
        for number in range(start + 1):
            block: nn.Module = model.blocks[number]
            output = outputs[number]
            forward = (
                hand_on(output)
                if number < start
                else lambda *rest, **named: with_residual(outputs[start], begun)
            )
            # Some loaders put a forward of their own on the instance: that one comes back.
            own = vars(block).get("forward")
            block.forward = forward
            if own is None:
                stack.callback(delattr, block, "forward")
            else:
                stack.callback(setattr, block, "forward", own)
        return stack.pop_all()


def _noting_outputs(model: CausalModel, outputs: dict[int, Any]) -> ExitStack:
    """Until closed, notes how each block's output is built (its tensors are dropped)."""

    def hook_for(number: int) -> Callable[..., None]:
        def hook(module: nn.Module, arguments: Any, output: Any) -> None:
            residual = residual_of(output)
            outputs[number] = (
                type(output)((None, *output[1:]))
                if isinstance(output, (tuple, list))
                else residual.new_empty(0)
            )

        return hook

    with ExitStack() as stack:
        for number, block in enumerate(model.blocks):
            stack.callback(block.register_forward_hook(hook_for(number)).remove)
        return stack.pop_all()
