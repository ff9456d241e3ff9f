"""How the letters answer to a small push at each block: one backward pass gives all blocks at once.

With l = z_A - z_B at the place of the answer and h_b the residual stream behind block b, the first-order change of l
under h_b' = h_b + v at every token is (sum over tokens of dl / dh_b) . v.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from culturescope.models.blockhooks import on_blocks
from culturescope.models.resuming import check_unsteered

if TYPE_CHECKING:
    from torch import Tensor

    from culturescope.models.causal import CausalModel


def letter_gradients(
    model: CausalModel, prompts_ids: Sequence[Sequence[int]], *, batch_size: int = 16
) -> Tensor:
    """Sum over tokens of d(z_A - z_B) / d h behind every block, pads left out.

    Args:
        model: white-box, unsteered; its weights get no gradients.
        prompts_ids: tokens of every prompt, as `model.encode` gives them.
        batch_size: prompts in one pass.

    Returns:
        (prompts, blocks, width), float32, on the host.

    Raises:
        BadInputError: the model is being steered.
    """
    import torch

    check_unsteered(model)
    found = torch.empty(len(prompts_ids), len(model.blocks), model.hidden_size)
    order = sorted(range(len(prompts_ids)), key=lambda n: (-len(prompts_ids[n]), n))
    a, b = (token.id for token in model.identity.letters)
    run: Any = model.module
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        rows = [prompts_ids[n] for n in chosen]
        batch = model.batch(rows, padding_side="left")
        longest = batch["input_ids"].shape[1]
        kept: dict[int, Tensor] = {}

        def keep(number: int, residual: Tensor, kept: dict[int, Tensor] = kept) -> Tensor:
            leaf = residual if residual.requires_grad else residual.detach().requires_grad_()
            leaf.retain_grad()
            kept[number] = leaf
            return leaf

        frozen = [p for p in model.module.parameters() if p.requires_grad]
        try:
            for parameter in frozen:
                parameter.requires_grad_(False)
            with torch.enable_grad(), on_blocks(dict(enumerate(model.blocks)), keep):
                logits = run(**batch, **model.quick_options).logits[:, -1]
                (logits[:, a] - logits[:, b]).sum().backward()
        finally:
            for parameter in frozen:
                parameter.requires_grad_(True)
        for row, n in enumerate(chosen):
            begin = longest - len(rows[row])
            for block, leaf in kept.items():
                gradient = leaf.grad
                if gradient is not None:
                    found[n, block] = gradient[row, begin:].float().sum(dim=0).cpu()
                else:
                    found[n, block] = 0.0
    return found
