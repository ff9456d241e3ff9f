"""An output layer that gives some logits alone, where nothing else of the vocabulary is asked for."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from culturescope.models.causal import CausalModel

_FEW = 1024
"""Words that two ways are compared by."""
_ALONE: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()
"""Whether what a model does to its logits was found to treat them one by one."""


def letters_alone(model: CausalModel) -> tuple[ExitStack, list[int]]:
    """Until closed, the output layer computes the letters' rows alone, in float32 from half precision; where it can.

    Returns:
        What to close, and where the letters stand among the logits: 0 and 1, or at their tokens where the model's output
        layer is not a plain one or its logits depend on each other.
    """
    tokens = [token.id for token in model.identity.letters]
    head = _plain_head(model.module)
    if head is None:
        return ExitStack(), tokens
    if model.module not in _ALONE:
        _ALONE[model.module] = _same_letters(model, head, tokens)
    if not _ALONE[model.module]:
        return ExitStack(), tokens
    return _replaced(head, tokens, wide=True), list(range(len(tokens)))


def few_words(module: PreTrainedModel) -> ExitStack:
    """Until closed, the output layer computes the first words alone: enough to see whether two ways agree.

    The rest of a large vocabulary is then neither computed nor brought into memory; a model whose output layer is not a
    plain one, or whose first words are all the same (unused ones, say), computes all of it.
    """
    head = _plain_head(module)
    if head is None or not bool((head.weight.detach()[:_FEW] != head.weight.detach()[0]).any()):
        return ExitStack()
    return _replaced(head, slice(_FEW), wide=False)


def _plain_head(module: PreTrainedModel) -> Any:
    """The output layer, if it is a linear one that nothing else watches."""
    import torch

    whole: Any = module
    head = whole.get_output_embeddings()
    if type(head) is not torch.nn.Linear or "forward" in vars(head):
        return None
    return None if head._forward_hooks or head._forward_pre_hooks else head


def _replaced(head: Any, tokens: list[int] | slice, *, wide: bool) -> ExitStack:
    import torch

    widen = wide and head.weight.dtype in (torch.bfloat16, torch.float16)
    weight = head.weight.detach()[tokens]
    bias = None if head.bias is None else head.bias.detach()[tokens]
    if widen:
        weight, bias = weight.float(), None if bias is None else bias.float()

    def forward(hidden: Tensor) -> Tensor:
        return torch.nn.functional.linear(hidden.float() if widen else hidden, weight, bias)

    head.forward = forward
    stack = ExitStack()
    stack.callback(delattr, head, "forward")
    return stack


def _same_letters(model: CausalModel, head: Any, tokens: list[int]) -> bool:
    """Whether the letters come out as they do with the whole vocabulary, on a few tokens."""
    import torch

    batch = model.batch([tokens * 2])
    run: Any = model.module
    with torch.inference_mode():
        expected = run(**batch, **model.quick_options).logits[0, -1, tokens].float()
        try:
            with _replaced(head, tokens, wide=True):
                found = run(**batch, **model.quick_options).logits[0, -1].float()
        except (RuntimeError, IndexError, ValueError) as error:
            if isinstance(error, torch.OutOfMemoryError):
                raise
            return False
    size = max(1.0, float(expected.abs().max()))
    allowed = (2**-6 if head.weight.dtype.itemsize == 2 else 1e-4) * size
    return found.shape == expected.shape and float((found - expected).abs().max()) <= allowed
