"""Forward passes in which prompts share their beginnings: one row of new tokens, no pads, nothing twice.

Every token-wise part of the model sees the row as it is; only its attention is replaced for the time of the
pass (`shared_attention`). That holds for models whose tokens meet in attention only and which ask
transformers' attention interface. All others are found out by a check on a few tokens and are read one prompt
a row.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from culturescope.models.batching import Layout, layout_of, token_budget
from culturescope.models.letter_head import few_words
from culturescope.models.prefixes import Pass, plan
from culturescope.models.shared_attention import NAME, RUNNING, SharedAttention, UnsharedError, register

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from culturescope.models.shared_attention import Stored

STORED_BYTES = 512 * 2**20
"""Most bytes of keys and values that are stored between passes."""

# Pairs of query and key whose attention takes as long as another call of it takes to set up.
_CALL_COST_CPU = 1_500
_CALL_COST = 200_000
# What a forward that cannot do what is asked of it raises.
_FAILURES = (RuntimeError, TypeError, ValueError, IndexError, KeyError, AttributeError)
Hook = TypeVar("Hook", bound=Callable[..., Any])
Kind = TypeVar("Kind", bound=SharedAttention)


def allows_sharing(hook: Hook) -> Hook:
    """Marks a forward hook that treats a token by `model.layout` alone, or all tokens alike.

    While any other hook is on the model its prompts are read one a row, as such a hook may rely on rows.
    """
    hook.allows_sharing = True  # type: ignore[attr-defined]
    return hook


def hooks_of(module: PreTrainedModel) -> tuple[tuple[int, bool], ...]:
    """Identity of every forward hook on the model, and whether it allows sharing."""
    return tuple(
        (id(hook), bool(getattr(hook, "allows_sharing", False)))
        for part in _modules(module)
        for hooks in (part._forward_hooks, part._forward_pre_hooks)
        for hook in hooks.values()
    )


def open_shared(
    module: PreTrainedModel,
    accepts: set[str],
    row: Sequence[int],
    plain: Callable[[list[list[int]]], Tensor],
) -> SharedPasses:
    """Shared passes over a model, after a check on a few tokens that they give what plain ones give.

    Args:
        module: the model of transformers.
        accepts: names of the arguments of its forward.
        row: tokens of any prompt, from which the check's tokens are taken.
        plain: logits (prompts, vocabulary) at the last token of each prompt, computed without sharing.

    Raises:
        UnsharedError: the model's prompts cannot be shared.
    """
    passes = SharedPasses(module, accepts)
    some = (list(row) * 20)[:20]
    # Two passes: forks within the first, a beginning taken over by the second.
    rows = [some[:8] + some[12:17], some[:8] + some[9:15], some[:5] + some[10:18], some[:5] + some[3:7]]
    with _without_hooks(module):
        try:
            with few_words(module):
                _check(passes, rows, plain(rows))
        except (UnsharedError, *_FAILURES):
            # Some models do more to their logits than the first words allow.
            _check(passes, rows, plain(rows))
    return passes


def _check(passes: SharedPasses, rows: list[list[int]], expected: Tensor) -> None:
    """Raises an UnsharedError where shared passes give other logits than the expected ones."""
    import torch

    stored: Stored = []
    try:
        for step in passes.plan(rows, batch_size=2):
            found, stored = passes.run(step, stored)
            wanted = expected[list(step.prompts)]
            gap = float((found.float() - wanted.float()).abs().max())
            size = float(wanted.float().std())
            allowed = 1e-3 * max(1.0, size) if expected.dtype.itemsize > 2 else 0.5 * size
            if not gap <= allowed:
                raise UnsharedError(f"its logits would differ by {gap:.2g}")
    except _FAILURES as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise UnsharedError(f"its forward fails on a shared row ({type(error).__name__})") from error


def stretches_with_length(module: PreTrainedModel) -> int | None:
    """From which prompt length on the model's rotary embedding depends on the longest prompt of a pass, or None."""
    config: Any = module.config.get_text_config()
    rope = getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None) or {}
    if not any(kind in str(rope) for kind in ("dynamic", "longrope")):
        return None
    for place in (rope, config):
        get = place.get if isinstance(place, dict) else lambda name, of=place: getattr(of, name, None)
        if isinstance(length := get("original_max_position_embeddings"), int):
            return length
    return int(config.max_position_embeddings)


class SharedPasses:
    """Runs planned passes over one model.

    Args:
        module: the model of transformers.
        accepts: names of the arguments of its forward.

    Raises:
        UnsharedError: it can be seen from the outside that the model's prompts cannot be shared.
    """

    def __init__(self, module: PreTrainedModel, accepts: set[str]) -> None:
        missing = {"input_ids", "attention_mask", "position_ids", "logits_to_keep"} - accepts
        if missing:
            raise UnsharedError(f"its forward takes no {', '.join(sorted(missing))}")
        self._module = module
        self._options: dict[str, Any] = {"use_cache": False} if "use_cache" in accepts else {}
        self._text_config: Any = module.config.get_text_config()
        if self._text_config._attn_implementation not in ("sdpa", "eager"):
            raise UnsharedError(f"its attention is {self._text_config._attn_implementation}")
        self._configs = _configs(module)

    def plan(
        self,
        rows: Sequence[Sequence[int]],
        batch_size: int,
        *,
        carry: bool = True,
        budget: int | None = None,
    ) -> list[Pass]:
        """Passes for prompts, with the limits that hold for this model and device.

        Args:
            rows: tokens of the prompts.
            batch_size: most different prompts in a pass.
            carry: whether a pass takes tokens over from the one before; otherwise each can run by itself.
            budget: most new tokens in a pass, where the device's own limit is not meant.
        """
        device = self._module.device.type
        return plan(
            rows,
            batch_size=batch_size,
            budget=token_budget(device) if budget is None else budget,
            most_stored=STORED_BYTES // self._bytes_a_token() if carry else 0,
            call_cost=_CALL_COST_CPU if device == "cpu" else _CALL_COST,
        )

    def layout(self, step: Pass) -> Layout:
        """The layout of a pass, which the model shows while the pass runs."""
        import torch

        positions = torch.tensor([step.positions], device=self._module.device)
        ends = [(0, column) for column in step.reads]
        real = torch.ones_like(positions, dtype=torch.bool)
        return layout_of(step.prompts, real, positions, ends, shared=True, stored=step.stored)

    def run(self, step: Pass, stored: Stored) -> tuple[Tensor, Stored]:
        """Runs a pass.

        Args:
            step: the pass.
            stored: keys and values, for each call of the attention, that the pass before left.

        Returns:
            Logits (prompts, vocabulary) at the last token of every prompt, and what the next pass takes over.

        Raises:
            UnsharedError: the model does not compute attention the way that sharing needs.
        """
        running = self.attention(SharedAttention, step, stored)
        logits = self.forward(running)[0]
        if not running.calls or (step.stored and running.calls != len(stored)):
            raise UnsharedError("its attention does not go through the interface of transformers")
        return logits[at_columns(step.reads)], running.kept

    def attention(self, kind: type[Kind], step: Pass, stored: Stored) -> Kind:
        """The attention of a pass that is about to run, see `run`."""
        import torch

        positions = torch.tensor(step.positions, device=self._module.device)
        return kind(step, stored, positions, {key: old for key, (_, old) in self._configs.items()})

    def forward(self, running: SharedAttention) -> Tensor:
        """Logits (rows, different columns that are read, vocabulary) of a pass; every row is the same tokens.

        Raises:
            UnsharedError: the model does not compute attention the way that sharing needs.
        """
        import torch

        device, step = self._module.device, running.step
        shape = (running.rows, len(step.tokens))
        token = RUNNING.set(running)
        call: Any = self._module
        try:
            with self._attention():
                logits: Tensor = call(
                    input_ids=torch.tensor([step.tokens], device=device).expand(shape),
                    # Given, or a row whose positions begin again would be taken for several texts.
                    attention_mask=torch.ones(shape, dtype=torch.long, device=device),
                    position_ids=torch.tensor([step.positions], device=device).expand(shape),
                    logits_to_keep=torch.tensor(sorted(set(step.reads)), device=device),
                    **self._options,
                ).logits
        finally:
            RUNNING.reset(token)
        return logits

    @contextmanager
    def _attention(self) -> Iterator[None]:
        """Sends the model's attention through `_attend` for the duration."""
        register()
        try:
            for config, _ in self._configs.values():
                config._attn_implementation_internal = NAME
            yield
        finally:
            for config, old in self._configs.values():
                config._attn_implementation_internal = old

    def _bytes_a_token(self) -> int:
        config = self._text_config
        heads = config.num_attention_heads
        size = getattr(config, "head_dim", None) or config.hidden_size // heads
        kept = getattr(config, "num_key_value_heads", None) or heads
        return max(1, int(2 * config.num_hidden_layers * kept * size * self._module.dtype.itemsize))


def at_columns(reads: Sequence[int]) -> list[int]:
    """For every prompt, which of the different columns that are read is its own."""
    place = {column: n for n, column in enumerate(sorted(set(reads)))}
    return [place[column] for column in reads]


def _modules(module: PreTrainedModel) -> Iterator[Any]:
    whole: Any = module
    yield from whole.modules()


@contextmanager
def _without_hooks(module: PreTrainedModel) -> Iterator[None]:
    """The check is the model's own business: hooks that record or steer do not see it."""
    saved = [(part, part._forward_hooks, part._forward_pre_hooks) for part in _modules(module)]
    try:
        for part, _, _ in saved:
            part._forward_hooks, part._forward_pre_hooks = OrderedDict(), OrderedDict()
        yield
    finally:
        for part, after, before in saved:
            part._forward_hooks, part._forward_pre_hooks = after, before


def _configs(module: PreTrainedModel) -> dict[int, tuple[Any, str]]:
    """Every config that a part of the model asks for its attention, with the answer it gives now."""
    found: dict[int, tuple[Any, str]] = {}
    for config in (
        module.config.get_text_config(),
        *(getattr(part, "config", None) for part in _modules(module)),
    ):
        kind = getattr(config, "_attn_implementation_internal", None)
        if kind in ("sdpa", "eager"):
            found[id(config)] = (config, kind)
    return found
