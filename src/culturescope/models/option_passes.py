"""Forward passes that give the log-probability of every token of every option.

Every place where options go on, the end of the prompt first, is the end of a beginning; the logits behind it tell all tokens
that may follow. Beginnings of all prompts share what they have in common where the model allows it (`sharing`). Otherwise
a pass over the prompt and all but the last token of an option gives them, and options that share such a row share the pass.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from culturescope.errors import ModelError
from culturescope.models.batching import Work, padded_work
from culturescope.models.options import Batch, OptionReading
from culturescope.models.prefixes import needed_work
from culturescope.models.reading import few, memory_of_device
from culturescope.models.shared_attention import UnsharedError
from culturescope.models.sharing import hooks_of
from culturescope.timing import phase

if TYPE_CHECKING:
    import torch

    from culturescope.models.causal import CausalModel
    from culturescope.models.shared_attention import Stored
    from culturescope.models.sharing import SharedPasses
    from culturescope.prompts import Prompt

Tokens = tuple[int, ...]
Steps = dict[Tokens, dict[int, float]]
"""Log-probability of each token that an option has next, by the tokens before it."""
After = dict[Tokens, set[int]]
"""Every beginning that has to be read, and the tokens that options have next."""


@dataclass(frozen=True)
class _Asked:
    """A prompt with its options.

    Args:
        options: tokens of the prompt with each of them.
        start: how many tokens all of them share, the prompt's.
    """

    options: tuple[Tokens, ...]
    start: int

    @property
    def after(self) -> After:
        """What has to be read for it."""
        found: After = {}
        for ids in self.options:
            for at in range(self.start, len(ids)):
                found.setdefault(ids[:at], set()).add(ids[at])
        return found

    @property
    def rows(self) -> list[Tokens]:
        """Those beginnings that no other goes on from: without sharing, each of them is read once."""
        parents = {ids[:-1] for ids in self.options}
        return sorted(p for p in parents if not any(p != q and q[: len(p)] == p for q in parents))


def computed(
    model: CausalModel, prompts: Sequence[Prompt], lists: list[list[str]], batch_size: int
) -> Iterator[Batch]:
    """Readings of options batch by batch, as `options.read_options` gives them.

    Raises:
        ModelError: a prompt with its option is too long, the memory is full, or logits are not finite.
    """
    asked = _tokens(model, prompts, lists)
    rows = [row for one in asked for row in one.rows]
    _check_lengths(model, rows)
    after: After = {}
    for one in asked:
        for before, tokens in one.after.items():
            after.setdefault(before, set()).update(tokens)
    more_ends = model.arithmetic.flops(0, 0, len(after) - len(set(rows)))
    model.work += needed_work(rows, model.arithmetic) + Work(flops_needed=more_ends)
    rest = list(range(len(asked)))
    while rest:
        hooks = hooks_of(model.module)
        passes = model.shared_passes(rows)
        left = {n: asked[n] for n in rest}
        try:
            for done in (
                _padded(model, left, after, batch_size)
                if passes is None
                else _together(model, passes, left, after, batch_size)
            ):
                yield list(done), [_reading(asked[n], steps) for n, steps in done.items()]
                rest = sorted(set(rest).difference(done))
                if hooks_of(model.module) != hooks:
                    break  # what was stored was computed under other hooks
        except UnsharedError as error:
            model.not_shared(error)


def _tokens(model: CausalModel, prompts: Sequence[Prompt], lists: list[list[str]]) -> list[_Asked]:
    from culturescope.models.answered import answered_tokens
    from culturescope.prompts.contrast import Answered

    texts = [Answered(prompt, o) for prompt, options in zip(prompts, lists, strict=True) for o in options]
    tokens = iter(answered_tokens(model, texts))
    found = []
    for options in lists:
        answers = [next(tokens) for _ in options]
        found.append(_Asked(tuple(a.ids for a in answers), min(a.start for a in answers)))
    return found


def _together(
    model: CausalModel, passes: SharedPasses, asked: Mapping[int, _Asked], after: After, batch_size: int
) -> Iterator[dict[int, Steps]]:
    """Prompts as they are done, with what was found for them (and others), from passes that share beginnings."""
    import torch

    asks: dict[Tokens, list[int]] = {}
    for n, one in asked.items():
        for before in one.after:
            asks.setdefault(before, []).append(n)
    missing = Counter(n for of_beginning in asks.values() for n in of_beginning)
    beginnings = list(asks)
    stored: Stored = []
    steps: Steps = {}
    for step in passes.plan(beginnings, batch_size, budget=model.token_budget):
        read = [beginnings[n] for n in step.prompts]
        with torch.inference_mode(), memory_of_device():
            with phase("forward"):
                logits, stored = passes.run(step, stored)
            steps.update(zip(read, _steps(logits, read, after), strict=True))
        model.work += replace(step.work, flops=step.flops(model.arithmetic))
        read_for = Counter(n for before in read for n in asks[before])
        missing.subtract(read_for)
        if done := {n: steps for n in read_for if not missing[n]}:
            yield done


def _padded(
    model: CausalModel, asked: Mapping[int, _Asked], after: After, batch_size: int
) -> Iterator[dict[int, Steps]]:
    """The same from passes in which every beginning that no other goes on from is a row.

    A row counts for its own prompt alone: a hook on the model may treat the rows of equal prompts differently.
    """
    import torch

    order = sorted(asked, key=lambda n: (-max(map(len, asked[n].options)), n))
    for chosen in _filled(order, asked, batch_size):
        rows = [(n, row) for n in chosen for row in asked[n].rows]
        done: dict[int, Steps] = {n: {} for n in chosen}
        # One prompt may have more rows than a batch holds.
        for first in range(0, len(rows), batch_size):
            part = rows[first : first + batch_size]
            places = [
                (r, at) for r, (n, row) in enumerate(part) for at in range(asked[n].start - 1, len(row))
            ]
            read = [part[r][1][: at + 1] for r, at in places]
            with torch.inference_mode(), memory_of_device():
                found = _steps(_logits(model, [row for _, row in part], places), read, after)
            for (r, _), before, step in zip(places, read, found, strict=True):
                done[part[r][0]][before] = step
        yield done


def _filled(order: list[int], asked: Mapping[int, _Asked], batch_size: int) -> Iterator[list[int]]:
    chosen: list[int] = []
    count = 0
    for n in order:
        rows = len(asked[n].rows)
        if chosen and count + rows > batch_size:
            yield chosen
            chosen, count = [], 0
        chosen.append(n)
        count += rows
    if chosen:
        yield chosen


def _steps(logits: torch.Tensor, read: Sequence[Tokens], after: After) -> list[dict[int, float]]:
    """What follows each of some beginnings, from the logits (beginnings, vocabulary) behind them."""
    import torch

    wide = torch.float32 if logits.device.type == "mps" else torch.float64
    wanted = [sorted(after.get(before, ())) for before in read]
    with phase("copying"), torch.inference_mode():
        total = torch.cat([part.to(wide).logsumexp(dim=-1) for part in few(logits)])
        rows = [n for n, tokens in enumerate(wanted) for _ in tokens]
        columns = [token for tokens in wanted for token in tokens]
        device = logits.device
        at = torch.tensor(rows, device=device), torch.tensor(columns, device=device)
        values = iter((logits[at].to(wide) - total[at[0]]).tolist())
    return [{token: next(values) for token in tokens} for tokens in wanted]


def _logits(model: CausalModel, rows: list[Tokens], places: list[tuple[int, int]]) -> torch.Tensor:
    """Logits (places x vocabulary) at (row, position in the row without padding)."""
    import torch

    batch = model.batch([list(row) for row in rows])
    lengths = [len(row) for row in rows]
    model.work += padded_work(
        lengths, model.arithmetic, all_logits="logits_to_keep" not in model.quick_options
    )
    longest = batch["input_ids"].shape[1]
    left = model.padding_side == "left"
    shift = [longest - len(row) if left else 0 for row in rows]
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


def _reading(asked: _Asked, steps: Steps) -> OptionReading:
    options = asked.options
    logprobs = tuple(sum(steps[ids[:at]][ids[at]] for at in range(asked.start, len(ids))) for ids in options)
    if not all(math.isfinite(value) for value in logprobs):
        raise ModelError(
            "the model gives logits that are not finite numbers; load it with dtype float32 or bfloat16"
        )
    within = tuple(
        tuple(n for n, other in enumerate(options) if other != ids and other[: len(ids)] == ids)
        for ids in options
    )
    return OptionReading(logprobs, within, asked.start)


def _check_lengths(model: CausalModel, rows: Sequence[Tokens]) -> None:
    limit = getattr(model.module.config.get_text_config(), "max_position_embeddings", None)
    longest = max((len(row) for row in rows), default=0)
    if isinstance(limit, int) and longest > limit:
        raise ModelError(
            f"a prompt with its option has {longest} tokens, but the model {model.identity.name} reads at most {limit}"
        )
