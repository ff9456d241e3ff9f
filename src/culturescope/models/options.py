"""The log-probability of each of several short answers, at the place where the answer stands.

log P(option) = sum over its tokens of log P(token | prompt, tokens before it): the whole continuation, exactly, and not
divided by its length (`option_passes` computes it).

An option may be the beginning of another ("1" of "10", where digits are tokens). What follows "1" is then in P("1") as well,
so `shares` takes P("10") out of it before the options are normalised to one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from culturescope.errors import ModelError
from culturescope.models.protocols import BlackBox

if TYPE_CHECKING:
    from culturescope.models.served import ServedModel
    from culturescope.models.wire import Reply
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
        batch_size: most places at which options go on in one forward pass; without shared beginnings, most rows.

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
    from culturescope.models.option_passes import computed
    from culturescope.models.served import ServedModel

    if isinstance(model, ServedModel):
        yield from _served(model, prompts, lists, batch_size)
    elif isinstance(model, CausalModel):
        yield from computed(model, prompts, lists, batch_size)
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
        # As for letters: temperature 1, and no seed.
        reply = model.endpoint.chat(prompts[n], max_new_tokens=1, temperature=1.0, top_logprobs=top)
        return _among(reply, lists[n])

    for start in range(0, len(prompts), batch_size):
        indices = list(range(start, min(start + batch_size, len(prompts))))
        with ThreadPoolExecutor(batch_size) as threads:
            waiting = [threads.submit(read, n) for n in indices]
            try:
                yield indices, [one.result() for one in waiting]
            except BaseException:
                threads.shutdown(wait=True, cancel_futures=True)
                raise


def _among(reply: Reply, options: list[str]) -> OptionReading:
    """The options among the likeliest first tokens of an answer; what is not among them is bounded by the last."""
    if not reply.first:
        raise ModelError("the server offers no log-probabilities; its answers can only be read in words")
    known: dict[str, float] = {}
    for token, value in reply.first:  # with and without a space before it, an option is the same answer
        plain = token.strip(" \u2581\u0120")
        known[plain] = math.log(math.exp(known[plain]) + math.exp(value)) if plain in known else value
    missing = tuple(option for option in options if option not in known)
    return OptionReading(
        tuple(known.get(option, reply.bound) for option in options),
        ((),) * len(options),
        reply.prompt_tokens or None,
        missing,
    )
