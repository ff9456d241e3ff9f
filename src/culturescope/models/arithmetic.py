"""How much arithmetic a forward pass is, counted from the model's weights.

Counted are matrix products: the blocks' weights for every token, attention for every pair of query and key, and the
output layer for every position that is read; a product of n multiplications is 2 n floating-point operations (FLOP).
Norms, activations and rotary embeddings are left out (less than 1% of a usual block). Of experts only those count that
a token is sent to. A sliding window is counted as if it were open, so attention is an upper bound there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Arithmetic:
    """Costs of one model in FLOP.

    Args:
        per_token: of the weights of all blocks.
        per_pair: of a query and a key that it is compared with, in all blocks.
        per_read: of the output layer at one position.
        blocks: number of blocks.
    """

    per_token: int
    per_pair: int
    per_read: int
    blocks: int

    def flops(self, tokens: int, pairs: int, reads: int, *, blocks: int | None = None) -> int:
        """Arithmetic of passes.

        Args:
            tokens: that go through the blocks, pads included.
            pairs: of query and key in one block, masked ones included where they are computed.
            reads: positions that go through the output layer.
            blocks: how many blocks they go through, all by default.
        """
        body = tokens * self.per_token + pairs * self.per_pair
        if blocks is not None:
            body = body * blocks // self.blocks
        return body + reads * self.per_read


def arithmetic_of(module: PreTrainedModel, blocks: Sequence[nn.Module]) -> Arithmetic:
    """Counts the arithmetic of a model of transformers.

    Args:
        module: the model.
        blocks: of its residual stream.
    """
    config: Any = module.config.get_text_config()
    used = _share_of_experts(config)
    per_token = 0.0
    for block in blocks:
        for name, weight in (*block.named_parameters(), *block.named_buffers()):
            if weight.dim() > 1:
                routed = "experts" in name.split(".") or any(p.endswith("experts") for p in name.split("."))
                share = used if routed and "shared" not in name else 1.0
                per_token += 2 * weight.numel() * share
    heads = getattr(config, "num_attention_heads", None) or 0
    width = getattr(config, "head_dim", None) or (config.hidden_size // heads if heads else 0)
    whole: Any = module
    head = getattr(whole.get_output_embeddings(), "weight", None)
    return Arithmetic(
        round(per_token),
        4 * heads * width * len(blocks),
        0 if head is None else 2 * head.numel(),
        len(blocks),
    )


def _share_of_experts(config: Any) -> float:
    """Which part of its experts' weights a token meets."""
    chosen = getattr(config, "num_experts_per_tok", None)
    for name in ("num_local_experts", "num_experts", "n_routed_experts"):
        total = getattr(config, name, None)
        if isinstance(total, int) and isinstance(chosen, int) and total:
            return min(1.0, chosen / total)
    return 1.0
