"""Starting a model's own forward at a block: those before it hand their input on, and it gives a stream that is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from culturescope.models.blockhooks import residual_of, with_residual
from culturescope.models.sharing import allows_sharing

if TYPE_CHECKING:
    from torch import Tensor, nn


def skipping(blocks: Sequence[nn.Module], start: int, begun: Tensor, outputs: Mapping[int, Any]) -> ExitStack:
    """Until closed, the blocks before `start` hand their input on, and `start` gives the stream `begun`.

    Args:
        blocks: of the model.
        start: number of a block.
        begun: residual stream behind it (rows, tokens, width).
        outputs: by `noting_outputs`.
    """

    def hand_on(output: Any) -> Callable[..., Any]:
        return lambda hidden_states, *rest, **named: with_residual(output, hidden_states)

    with ExitStack() as stack:
        for number in range(start + 1):
            block = blocks[number]
            forward = (
                hand_on(outputs[number])
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


def noting_outputs(blocks: Sequence[nn.Module], outputs: dict[int, Any]) -> ExitStack:
    """Until closed, notes how each block's output is built (its residual stream is dropped)."""

    def hook_for(number: int) -> Callable[..., None]:
        def hook(module: nn.Module, arguments: Any, output: Any) -> None:
            residual = residual_of(output)
            outputs[number] = (
                type(output)((None, *output[1:]))
                if isinstance(output, (tuple, list))
                else residual.new_empty(0)
            )

        return allows_sharing(hook)

    with ExitStack() as stack:
        for number, block in enumerate(blocks):
            stack.callback(block.register_forward_hook(hook_for(number)).remove)
        return stack.pop_all()
