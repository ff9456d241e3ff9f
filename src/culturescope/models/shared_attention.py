"""Attention over a row of tokens that belong to many prompts.

Attention is cut into segments (`prefixes`): the queries of a segment attend, by the model's own attention
function, to the keys of the tokens before it in its prompt and, masked, to each other. Which positions may
attend to which is the model's own rule (causal, sliding window, chunks), asked for the tokens' positions in
their prompts and joined with the tree: key k may be seen by column q if k <= q < end(k). Keys and values that
the next pass needs are stored as they come to the attention, after rotary embeddings, so no family's cache has
to be understood.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from culturescope.models.prefixes import Pass, Segment

if TYPE_CHECKING:
    from torch import Tensor

    Stored = list[tuple[Tensor, Tensor]]

NAME = "culturescope_shared"
RUNNING: ContextVar[SharedAttention | None] = ContextVar(NAME, default=None)


class UnsharedError(Exception):
    """Sharing is not possible for this model; the message says why. It never reaches a user as an error."""


class SharedAttention:
    """One pass under way: what is stored, what is to be stored, and the masks of its segments.

    `rows` is how many rows of the same tokens go through the model at once; what the blocks do to them may differ.
    """

    rows = 1

    def __init__(
        self,
        step: Pass,
        stored: Stored,
        positions: Tensor,
        attentions: dict[int, str],
    ) -> None:
        import torch

        device = positions.device
        self.step = step
        self.stored = stored if step.stored else []
        self.kept: Stored = []
        self.calls = 0
        self.attentions = attentions
        self.rules: list[Callable[..., Tensor]] = []
        self.known_masks: dict[tuple[int, Any], list[Tensor]] = {}
        self._positions = torch.cat([torch.arange(step.stored, device=device), positions])
        self._ends = torch.tensor(step.ends, device=device)
        self._kept_keys = torch.tensor(step.kept, device=device)
        self.keys = [_keys(step, segment, device) for segment in step.segments]

    def joined(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (rows, heads, stored + columns, size) of this call; keeps those for the next pass."""
        import torch

        if self.step.stored:
            if self.calls >= len(self.stored):
                raise UnsharedError("its attention is called another number of times in every pass")
            old_key, old_value = self.stored[self.calls]
            key, value = torch.cat([old_key, key], dim=2), torch.cat([old_value, value], dim=2)
        if self.step.kept:
            kept = self._kept_keys.to(key.device)
            self.kept.append((key.index_select(2, kept), value.index_select(2, kept)))
        self.calls += 1
        return key, value

    def masks(self, rule: int, dtype: Any) -> list[Tensor]:
        """Additive masks (1, 1, queries, keys) of all segments under a rule of the model."""
        known = self.known_masks.get((rule, dtype))
        if known is None:
            known = [
                self._mask(*pair, self.rules[rule], dtype)
                for pair in zip(self.step.segments, self.keys, strict=True)
            ]
            self.known_masks[rule, dtype] = known
        return known

    def _mask(self, segment: Segment, keys: Tensor, rule: Callable[..., Tensor], dtype: Any) -> Tensor:
        import torch

        stored = self.step.stored
        columns = torch.arange(segment.start, segment.stop, device=keys.device)[:, None]
        in_tree = (keys - stored <= columns) & (columns < self._ends[keys])
        zero = torch.zeros(1, 1, 1, 1, dtype=torch.long, device=keys.device)
        asked = self._positions[columns[:, 0] + stored].view(1, 1, -1, 1)
        allowed = rule(zero, zero, asked, self._positions[keys].view(1, 1, 1, -1)) & in_tree
        mask = torch.zeros(allowed.shape, dtype=dtype, device=keys.device)
        return mask.masked_fill(~allowed, torch.finfo(dtype).min)


def _keys(step: Pass, segment: Segment, device: Any) -> Tensor:
    import torch

    new = range(step.stored + segment.start, step.stored + segment.stop)
    return torch.tensor([*segment.before, *new], device=device)


def _attend(
    module: Any, query: Tensor, key: Tensor, value: Tensor, attention_mask: Any, **options: Any
) -> tuple[Tensor, None]:
    """Attention of a shared pass, segment by segment, each by the model's own function."""
    import torch

    running = RUNNING.get()
    if running is None or attention_mask is None or attention_mask.numel() != 1:
        raise UnsharedError("its masks are not made by transformers' own functions")
    if (
        query.shape[0] != running.rows
        or query.shape[2] != key.shape[2]
        or query.shape[2] != len(running.step.tokens)
    ):
        raise UnsharedError("its attention does not see every token of the row once")
    if options.get("position_bias") is not None:
        raise UnsharedError("its attention adds a bias by place")
    attention = _own_attention(module, running)
    key, value = running.joined(key, value)
    masks = running.masks(int(attention_mask), query.dtype)
    # Blocks may lie on several devices; where they are on one, nothing is copied.
    keys_there = [keys.to(query.device) for keys in running.keys]
    parts = [
        attention(
            module,
            query[:, :, segment.start : segment.stop],
            key.index_select(2, keys),
            value.index_select(2, keys),
            mask.to(query.device),
            **options,
        )[0]
        for segment, keys, mask in zip(running.step.segments, keys_there, masks, strict=True)
    ]
    return (parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)), None


def _own_attention(module: Any, running: SharedAttention) -> Callable[..., Any]:
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    name = running.attentions.get(id(getattr(module, "config", None)), "eager")
    if name != "eager":
        found: Callable[..., Any] = ALL_ATTENTION_FUNCTIONS[name]
        return found
    eager = getattr(sys.modules[type(module).__module__], "eager_attention_forward", None)
    if eager is None:
        raise UnsharedError("its attention function is not known")
    plain: Callable[..., Any] = eager
    return plain


def _note_rule(*, mask_function: Any, use_vmap: bool = False, **_: Any) -> Tensor:
    """Stands in for a mask: the number of the model's rule, which `_attend` then asks for every segment."""
    import torch

    running = RUNNING.get()
    if running is None or use_vmap:
        raise UnsharedError("its masks cannot be asked for single positions")
    running.rules.append(mask_function)
    return torch.full((1, 1, 1, 1), len(running.rules) - 1)


def register() -> None:
    """Makes transformers know this attention and its masks by `NAME`."""
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    attentions: Any = ALL_ATTENTION_FUNCTIONS
    masks: Any = ALL_MASK_ATTENTION_FUNCTIONS
    attentions.register(NAME, _attend)
    masks.register(NAME, _note_rule)
