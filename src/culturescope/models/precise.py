"""The letters' logits of a model in half precision, worked out in float32 by its output layer.

In bfloat16 a logit of 32 is a multiple of 0.25: more than what a step of steering changes. Rounding happens in the output
layer's last step alone, so the letters' rows of it are computed again from its input, without rounding.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from culturescope.models.sharing import allows_sharing

if TYPE_CHECKING:
    from torch import Tensor

    from culturescope.models.causal import CausalModel


def precise_letters(model: CausalModel) -> ExitStack:
    """Until closed, the output layer gives float32, with the letters' columns unrounded; nothing where it is float32 anyway.

    What the model does to its logits afterwards (a scale, a cap) is then done in float32 too.
    """
    import torch

    module: Any = model.module
    head = module.get_output_embeddings()
    weight, bias = getattr(head, "weight", None), getattr(head, "bias", None)
    letters = [token.id for token in model.identity.letters]
    with ExitStack() as stack:
        if (
            isinstance(head, torch.nn.Linear)
            and weight is not None
            and weight.dtype in (torch.bfloat16, torch.float16)
        ):

            def widen(layer: Any, arguments: tuple[Any, ...], output: Tensor) -> Tensor:
                wide = output.float()
                exact = arguments[0].float() @ weight[letters].float().T
                wide[..., letters] = exact if bias is None else exact + bias[letters].float()
                return wide

            stack.callback(head.register_forward_hook(allows_sharing(widen)).remove)
        return stack.pop_all()
