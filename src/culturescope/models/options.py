"""The log-probability of each of several short answers, at the place where the answer stands.

log P(option) = sum over its tokens of log P(token | prompt, tokens before it): the whole continuation, exactly, and not
divided by its length. One forward pass over the prompt and all but the last token of an option gives it, and options that
share such a beginning share the pass; where every option is one token, a prompt is one row.

An option may be the beginning of another ("1" of "10", where digits are tokens). What follows "1" is then in P("1") as well,
so `shares` takes P("10") out of it before the options are normalised to one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from culturescope.errors import MemoryFullError, ModelError
from culturescope.models.batching import padded_work, read_work
from culturescope.models.protocols import BlackBox

if TYPE_CHECKING:
    import torch

    from culturescope.models.causal import CausalModel
    from culturescope.models.served import ServedModel
    from culturescope.prompts import Prompt

Batch = tuple[list[int], list["OptionReading"]]


@dataclass(frozen=True)
class OptionReading:
    """What a model says of some options at the place of the answer, in their order.

    Args:
        logprobs: natural log-probability of each option as a continuation, under the softmax over the whole vocabulary.
        within: for each option the indices of the options that begin with it and go on.
        tokens: number of tokens in the prompt, where known.
        bounded: options that a server did not report; their log-probability is at most the one given. Where that is all of
            them, nothing is known.
    """

    logprobs: tuple[float, ...]
    within: tuple[tuple[int, ...], ...]
    tokens: int | None = None
    bounded: tuple[str, ...] = ()

    @property
    def alone(self) -> tuple[float, ...]:
        """Probability of each option and nothing that goes on to be another one."""
        p = [math.exp(value) for value in self.logprobs]
        direct = [
            [n for n in longer if not any(n in self.within[m] for m in longer)] for longer in self.within
        ]
        return tuple(max(0.0, own - sum(p[n] for n in d)) for own, d in zip(p, direct, strict=True))

    @property
    def mass(self) -> float:
        """Probability of all options together."""
        return sum(self.alone)

    @property
    def shares(self) -> tuple[float, ...]:
        """The options' probabilities, normalised to one over the options.

        Raises:
            ModelError: all of them are zero in double precision.
        """
        alone = self.alone
        total = sum(alone)
        if not total > 0:
            raise ModelError("none of the options has any probability at the place of the answer")
        return tuple(value / total for value in alone)


@runtime_checkable
class OffersOptions(Protocol):
    """A model that gives its options' log-probabilities itself (`MockModel`)."""

    def option_weights(self, prompt: Prompt, options: Sequence[str]) -> Sequence[float] | None:
        """Natural log-probabilities of the options; None where it offers none."""
        ...


@runtime_checkable
class ReadsOptions(Protocol):
    """A model that has options read elsewhere (by workers that hold it, see `executors`)."""

    def read_options(
        self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]], *, batch_size: int = 16
    ) -> Iterator[Batch]:
        """As the function `read_options`, with a list of options for each prompt."""
        ...


def option_logprobs(
    model: BlackBox,
    prompts: Sequence[Prompt],
    options: Sequence[str] | Sequence[Sequence[str]],
    *,
    batch_size: int = 16,
) -> list[OptionReading]:
    """Log-probabilities of options after each prompt, in the order of the prompts.

    Args:
        model: a `CausalModel`, a `ServedModel` that offers log-probabilities, or a `MockModel`.
        prompts: what is asked.
        options: texts of the answers, the same for all prompts or one list for each.
        batch_size: rows of one forward pass.

    Raises:
        ModelError: as `read_options`.

    Example:
        >>> option_logprobs(model, [Prompt.of("From 1 to 10?")], [str(n) for n in range(1, 11)])[0].shares
    """
    found: dict[int, OptionReading] = {}
    for indices, readings in read_options(model, prompts, options, batch_size=batch_size):
        found.update(zip(indices, readings, strict=True))
    return [found[n] for n in range(len(prompts))]


def read_options(
    model: BlackBox,
    prompts: Sequence[Prompt],
    options: Sequence[str] | Sequence[Sequence[str]],
    *,
    batch_size: int = 16,
) -> Iterator[Batch]:
    """The same batch by batch, so that a caller can save as it goes: (indices into `prompts`, readings).

    Raises:
        ModelError: fewer than two options, two that are the same, an empty one, or a model that offers no log-probabilities.
    """
    if batch_size < 1:
        raise ModelError(f"the batch size must be at least 1, not {batch_size}")
    lists = _one_list_each(options, len(prompts))
    if isinstance(model, OffersOptions):
        yield from _offered(model, prompts, lists, batch_size)
        return
    if isinstance(model, ReadsOptions):
        yield from model.read_options(prompts, lists, batch_size=batch_size)
        return
    from culturescope.models.causal import CausalModel
    from culturescope.models.served import ServedModel

    if isinstance(model, ServedModel):
        yield from _served(model, prompts, lists, batch_size)
    elif isinstance(model, CausalModel):
        yield from _computed(model, prompts, lists, batch_size)
    else:
        raise ModelError(f"the model {model.identity.name} offers no log-probabilities of options")


def _one_list_each(options: Sequence[Any], count: int) -> list[list[str]]:
    whole = (
        [list(options)] * count if all(isinstance(o, str) for o in options) else [list(o) for o in options]
    )
    if len(whole) != count:
        raise ModelError(f"{count} prompts need as many lists of options, not {len(whole)}")
    for one in whole:
        if len(one) < 2 or len(set(one)) != len(one) or not all(o.strip() for o in one):
            raise ModelError(
                f"options must be at least two different texts that are not empty, not {', '.join(map(repr, one))}"
            )
    return whole


def _offered(
    model: OffersOptions, prompts: Sequence[Prompt], lists: list[list[str]], batch_size: int
) -> Iterator[Batch]:
    for start in range(0, len(prompts), batch_size):
        indices = list(range(start, min(start + batch_size, len(prompts))))
        readings = []
        for n in indices:
            weights = model.option_weights(prompts[n], lists[n])
            if weights is None:
                raise ModelError("this model offers no log-probabilities of options")
            readings.append(OptionReading(tuple(map(float, weights)), ((),) * len(lists[n])))
        yield indices, readings


def _served(
    model: ServedModel, prompts: Sequence[Prompt], lists: list[list[str]], batch_size: int
) -> Iterator[Batch]:
    from concurrent.futures import ThreadPoolExecutor

    top = int(model.identity.extra["top_logprobs"])

    def read(n: int) -> OptionReading:
        # Temperature 1, so that a server that scales before it reports gives the softmax as it is.
        reply = model.endpoint.chat(prompts[n], max_new_tokens=1, temperature=1.0, seed=0, top_logprobs=top)
        return _among(reply.first, reply.prompt_tokens or None, lists[n])

    for start in range(0, len(prompts), batch_size):
        indices = list(range(start, min(start + batch_size, len(prompts))))
        with ThreadPoolExecutor(batch_size) as threads:
            waiting = [threads.submit(read, n) for n in indices]
            try:
                yield indices, [one.result() for one in waiting]
            except BaseException:
                threads.shutdown(wait=True, cancel_futures=True)
                raise


def _among(first: Sequence[tuple[str, float]], tokens: int | None, options: list[str]) -> OptionReading:
    """The options among the likeliest first tokens of an answer; what is not among them is bounded by the last."""
    if not first:
        raise ModelError("the server offers no log-probabilities; its answers can only be read in words")
    known: dict[str, float] = {}
    for token, value in first:  # with and without a space before it, an option is the same answer
        plain = token.strip(" \u2581\u0120")
        known[plain] = math.log(math.exp(known[plain]) + math.exp(value)) if plain in known else value
    bound = min(value for _, value in first)
    missing = tuple(option for option in options if option not in known)
    return OptionReading(
        tuple(known.get(option, bound) for option in options), ((),) * len(options), tokens, missing
    )


@dataclass(frozen=True)
class _Row:
    """Tokens of one row, the prompt it is of, and how many of them all options of the prompt share."""

    prompt: int
    ids: tuple[int, ...]
    start: int


def _computed(
    model: CausalModel, prompts: Sequence[Prompt], lists: list[list[str]], batch_size: int
) -> Iterator[Batch]:
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
