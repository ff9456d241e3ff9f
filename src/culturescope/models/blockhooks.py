"""Reading and changing what a block puts out, whatever shape its family gives to that output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from culturescope.models.sharing import allows_sharing
from culturescope.timing import phase

if TYPE_CHECKING:
    from torch import Tensor, nn


def residual_of(output: Any) -> Tensor:
    """The residual stream (batch, tokens, width) in a block's output: the tensor itself, or a tuple's first entry."""
    residual: Tensor = output[0] if isinstance(output, (tuple, list)) else output
    return residual


def with_residual(output: Any, residual: Tensor) -> Any:
    """The same output with another residual stream in it."""
    if isinstance(output, (tuple, list)):
        return type(output)((residual, *output[1:]))
    return residual


def on_blocks(
    blocks: Mapping[int, nn.Module],
    change: Callable[[int, Tensor], Tensor | None],
    *,
    sharing: bool = False,
) -> ExitStack:
    """Hooks blocks until the returned stack is closed; all hooks are gone then, also after an error.

    Args:
        blocks: number of the block to its module.
        change: gets the number and the residual stream behind the block; returns another one, or None to leave it.
        sharing: whether `change` tells tokens apart by the model's layout alone, so that prompts may share passes.
    """

    def hook_for(number: int) -> Callable[..., Any]:
        def hook(module: nn.Module, arguments: Any, output: Any) -> Any:
            with phase("hooks"):
                changed = change(number, residual_of(output))
            return None if changed is None else with_residual(output, changed)

        return allows_sharing(hook) if sharing else hook

    with ExitStack() as stack:
        for number, block in blocks.items():
            stack.callback(block.register_forward_hook(hook_for(number)).remove)
        return stack.pop_all()
