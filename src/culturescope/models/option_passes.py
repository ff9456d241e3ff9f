"""Forward passes that give the log-probability of every token of every option.

One pass over the prompt and all but the last token of an option gives it, and options that share such a beginning share the
pass; where every option is one token, a prompt is one row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from culturescope.errors import MemoryFullError, ModelError
from culturescope.models.batching import padded_work, read_work
from culturescope.models.options import Batch, OptionReading
from culturescope.timing import phase

if TYPE_CHECKING:
    import torch

    from culturescope.models.causal import CausalModel
    from culturescope.prompts import Prompt


@dataclass(frozen=True)
class _Row:
    """Tokens of one row, the prompt it is of, and how many of them all options of the prompt share."""

    prompt: int
    ids: tuple[int, ...]
    start: int


def computed(
    model: CausalModel, prompts: Sequence[Prompt], lists: list[list[str]], batch_size: int
) -> Iterator[Batch]:
    """Readings of options batch by batch, as `options.read_options` gives them.

    Raises:
        ModelError: a prompt with its option is too long, the memory is full, or logits are not finite.
    """
    from culturescope.models.answered import answered_tokens
    from culturescope.prompts.contrast import Answered

    texts = [Answered(prompt, o) for prompt, options in zip(prompts, lists, strict=True) for o in options]
    tokens = iter(answered_tokens(model, texts))
    starts: list[int] = []
    wanted: list[list[tuple[int, ...]]] = []
    rows: list[_Row] = []
    for n, options in enumerate(lists):
        answers = [next(tokens) for _ in options]
        start = min(a.start for a in answers)
        starts.append(start)
        wanted.append([a.ids for a in answers])
        rows += [_Row(n, ids, start) for ids in _longest({a.ids[:-1] for a in answers})]
    _check_lengths(model, rows)
    order = sorted(range(len(prompts)), key=lambda n: (-max(map(len, wanted[n])), n))
    rows_of: dict[int, list[_Row]] = {}
    for row in rows:
        rows_of.setdefault(row.prompt, []).append(row)
    for chosen in _filled(order, rows_of, batch_size):
        batch = [row for n in chosen for row in rows_of[n]]
        # One prompt may have more rows than a batch holds.
        steps: dict[tuple[int, tuple[int, ...]], dict[int, float]] = {}
        for at in range(0, len(batch), batch_size):
            steps.update(_steps(model, batch[at : at + batch_size], wanted))
        yield chosen, [_reading(n, wanted[n], starts[n], steps) for n in chosen]


def _longest(parents: set[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Those of some token sequences that are the beginning of no other."""
    return sorted(p for p in parents if not any(p != q and q[: len(p)] == p for q in parents))


def _filled(order: list[int], rows_of: dict[int, list[_Row]], batch_size: int) -> Iterator[list[int]]:
    chosen: list[int] = []
    count = 0
    for n in order:
        if chosen and count + len(rows_of[n]) > batch_size:
            yield chosen
            chosen, count = [], 0
        chosen.append(n)
        count += len(rows_of[n])
    if chosen:
        yield chosen


def _steps(
    model: CausalModel, rows: list[_Row], wanted: list[list[tuple[int, ...]]]
) -> dict[tuple[int, tuple[int, ...]], dict[int, float]]:
    """Log-probability of each wanted token after (prompt, tokens before it), from one forward pass."""
    import torch

    places = [(r, at) for r, row in enumerate(rows) for at in range(row.start - 1, len(row.ids))]
    try:
        with torch.inference_mode():
            logits = _logits(model, rows, places)
            wide = logits.to(torch.float32 if logits.device.type == "mps" else torch.float64)
            logprobs = wide.log_softmax(dim=-1)
            found: dict[tuple[int, tuple[int, ...]], dict[int, float]] = {}
            for n, (r, at) in enumerate(places):
                before = rows[r].ids[: at + 1]
                after = {
                    ids[at + 1]
                    for ids in wanted[rows[r].prompt]
                    if ids[: at + 1] == before and len(ids) > at + 1
                }
                picked = sorted(after)
                values = logprobs[n, picked].tolist() if picked else []
                found[rows[r].prompt, before] = dict(zip(picked, values, strict=True))
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise MemoryFullError("the memory of the device is full; use a smaller --batch_size") from error
    return found


def _logits(model: CausalModel, rows: list[_Row], places: list[tuple[int, int]]) -> torch.Tensor:
    """Logits (places x vocabulary) at (row, position in the row without padding)."""
    import torch

    batch = model.batch([row.ids for row in rows])
    lengths = [len(row.ids) for row in rows]
    work = padded_work(lengths, model.arithmetic, all_logits="logits_to_keep" not in model.quick_options)
    tokens = sum(lengths)
    asked = replace(work, tokens_asked=tokens, tokens_needed=tokens, flops_needed=work.flops)
    model.work += asked + read_work([row.ids for row in rows])
    longest = batch["input_ids"].shape[1]
    left = model.padding_side == "left"
    shift = [longest - len(row.ids) if left else 0 for row in rows]
    columns = [shift[r] + at for r, at in places]
    quick = dict(model.quick_options)
    first = min(columns)
    if "logits_to_keep" in quick:
        quick["logits_to_keep"] = longest - first
    run: Any = model.module
    with phase("forward"):
        logits: torch.Tensor = run(**batch, **quick).logits
    if logits.shape[1] != longest:
        columns = [c - (longest - logits.shape[1]) for c in columns]
    device = logits.device
    return logits[torch.tensor([r for r, _ in places], device=device), torch.tensor(columns, device=device)]


def _reading(
    prompt: int,
    options: list[tuple[int, ...]],
    start: int,
    steps: dict[tuple[int, tuple[int, ...]], dict[int, float]],
) -> OptionReading:
    logprobs = tuple(
        sum(steps[prompt, ids[:at]][ids[at]] for at in range(start, len(ids))) for ids in options
    )
    if not all(math.isfinite(value) for value in logprobs):
        raise ModelError(
            "the model gives logits that are not finite numbers; load it with dtype float32 or bfloat16"
        )
    within = tuple(
        tuple(n for n, other in enumerate(options) if other != ids and other[: len(ids)] == ids)
        for ids in options
    )
    return OptionReading(logprobs, within, start)


def _check_lengths(model: CausalModel, rows: list[_Row]) -> None:
    limit = getattr(model.module.config.get_text_config(), "max_position_embeddings", None)
    longest = max((len(row.ids) for row in rows), default=0)
    if isinstance(limit, int) and longest > limit:
        raise ModelError(
            f"a prompt with its option has {longest} tokens, but the model {model.identity.name} reads at most {limit}"
        )
