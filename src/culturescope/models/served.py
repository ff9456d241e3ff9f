"""A model behind an OpenAI-compatible server, as a black box: text, and letters where log-probabilities are offered."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePath
from typing import TypeVar

from culturescope.errors import ModelError
from culturescope.models.address import Address, is_address
from culturescope.models.causal import CausalModel
from culturescope.models.conversion import Progress
from culturescope.models.endpoint import Endpoint
from culturescope.models.limits import EndpointError
from culturescope.models.loading import PaddingSide, load
from culturescope.models.protocols import LETTERS, LetterReading, ModelIdentity
from culturescope.models.wire import Reply
from culturescope.prompts import Prompt

TOP_LOGPROBS = 20
MOST_AT_A_TIME = 64
FORMS = ("{}", " {}", "\u2581{}", "\u0120{}")  # how tokenizers write a letter at the beginning of an answer
Out = TypeVar("Out")


class ServedModel:
    """A model that a server offers; follows `BlackBox`. As many requests are under way as the batch size says, at most 64.

    Args:
        endpoint: how the server is asked.
        name: shown as the model's name, by default the server's.
        top_logprobs: how many of the likeliest first tokens the server is asked for (OpenAI and vLLM give 20).

    Example:
        >>> from culturescope.models import Address
        >>> ServedModel(Endpoint(Address.of("http://localhost:8000/v1#org/name"))).identity.name
        'org/name'
    """

    def __init__(
        self, endpoint: Endpoint, *, name: str | None = None, top_logprobs: int = TOP_LOGPROBS
    ) -> None:
        if top_logprobs < 2:
            raise ModelError(f"top_logprobs must be at least 2 (A and B), not {top_logprobs}")
        self.endpoint = endpoint
        self._top = top_logprobs
        address = endpoint.address
        self._identity = ModelIdentity(
            name=name or (PurePath(address.model).name if address.model.startswith("/") else address.model),
            source="served",
            extra={"base_url": address.url, "served_model": address.model, "top_logprobs": top_logprobs},
        )

    @property
    def identity(self) -> ModelIdentity:
        """Name and address; what a server does not tell (weights, precision, template) is None."""
        return self._identity

    def read_letters(
        self, prompts: Sequence[Prompt], *, batch_size: int = 16
    ) -> Iterator[tuple[list[int], list[LetterReading]]]:
        """Reads the letters from the likeliest first tokens of the answers, in the order of the prompts.

        A letter that is not among them has at most the log-probability of the last of them: that bound is taken, and
        `LetterReading.bounded` names the letter.

        Raises:
            ModelError: the server offers no log-probabilities, or neither letter is among the likeliest tokens.
            EndpointError: the server does not answer.
        """
        for start in range(0, len(prompts), _checked(batch_size)):
            indices = list(range(start, min(start + batch_size, len(prompts))))
            yield indices, self._each(self._letters, [prompts[n] for n in indices], batch_size)

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        seed: int = 42,
        batch_size: int = 16,
    ) -> list[str]:
        """Writes an answer for every prompt; how greedy temperature 0 is, and what a seed fixes, is up to the server.

        Raises:
            ModelError: a number is out of range.
            EndpointError: the server does not answer.
        """
        if max_new_tokens < 1 or not 0 <= temperature < float("inf"):
            raise ModelError(
                f"max_new_tokens must be at least 1 and the temperature not negative, not {max_new_tokens} and {temperature}"
            )

        def write(prompt: Prompt) -> str:
            reply = self.endpoint.chat(
                prompt, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed
            )
            return reply.text

        return self._each(write, prompts, _checked(batch_size))

    def show(self, prompt: Prompt) -> str:
        """The turns, one after the other: a server does not show what it makes of them."""
        return "\n".join(f"{turn.role}: {turn.content}" for turn in prompt.messages)

    def _letters(self, prompt: Prompt) -> LetterReading:
        # Temperature 1, so that a server that scales before it reports gives the softmax as it is. No seed: what is drawn does
        # not matter, and vLLM on a CPU ends itself at a seed with a prompt that it reads in parts.
        try:
            reply = self.endpoint.chat(prompt, max_new_tokens=1, temperature=1.0, top_logprobs=self._top)
        except EndpointError as error:
            if error.kind == "rejected" and "logprob" in str(error):
                raise self._unreadable(str(error)) from None
            raise
        if not reply.first:
            raise self._unreadable("no top_logprobs of the first token came back")
        return letters_of(reply)

    def _unreadable(self, reason: str) -> ModelError:
        return ModelError(
            f"{self.identity.name} at {self.endpoint.address.url} offers no log-probabilities ({reason}); "
            "its letters cannot be read, only its answers in words"
        )

    def _each(self, do: Callable[[Prompt], Out], prompts: Sequence[Prompt], workers: int) -> list[Out]:
        with ThreadPoolExecutor(min(workers, MOST_AT_A_TIME)) as threads:
            waiting = [threads.submit(do, prompt) for prompt in prompts]
            try:
                return [one.result() for one in waiting]
            except BaseException:
                threads.shutdown(wait=True, cancel_futures=True)
                raise


def letters_of(reply: Reply) -> LetterReading:
    """The letters among the likeliest first tokens.

    Tokenizers write a letter with or without a space before it; the form that has more probability is taken, the same for
    both letters.

    Raises:
        ModelError: no form of either letter is there.
    """
    known = dict(reversed(reply.first))  # of doubles, the first and likelier one stays
    forms = [[form.format(letter) for letter in LETTERS] for form in FORMS]
    best = max(forms, key=lambda form: sum(math.exp(known.get(token, -math.inf)) for token in form))
    found = [known.get(token) for token in best]
    if all(value is None for value in found):
        likely = ", ".join(repr(token[:20]) for token, _ in reply.first[:3])
        raise ModelError(
            f"neither A nor B is among the {len(reply.first)} likeliest first tokens (they begin with {likely}): this model "
            "does not answer with a letter; its answers can only be read in words"
        )
    values = tuple(reply.bound if value is None else value for value in found)
    missing = tuple(letter for letter, value in zip(LETTERS, found, strict=True) if value is None)
    return LetterReading((values[0], values[1]), None, reply.prompt_tokens or None, missing)


def open_model(
    source: str | Path,
    *,
    dtype: str | None = None,
    device: str | None = None,
    revision: str | None = None,
    blocks: str | None = None,
    download: bool = False,
    trust_remote_code: bool = False,
    padding_side: PaddingSide = "left",
    name: str | None = None,
    api_key_env: str | None = None,
    threads: int | None = None,
    attn_implementation: str | None = None,
    compiled: bool = False,
    exact: bool = False,
    device_map: str | None = None,
    progress: Progress | None = None,
) -> CausalModel | ServedModel:
    """Loads a model, or opens one by the address of its server; nothing touches the network unasked.

    Args:
        source: a packaged name (`smollm2-135m`), a hub id, a local folder, a `.gguf` file, or the address of a served
            model (`http://host:port/v1#name`).
        dtype: of the weights in memory: `float32` (default), `bfloat16`, `float16`, or `auto` for the files' own.
        device: `cpu` (default), `cuda`, `cuda:1`, `mps`, or `auto` for the best there is.
        revision: commit, tag or branch of a hub id.
        blocks: dotted path of the list of blocks, where it is not found by itself.
        download: whether a hub id that is not in the local cache may be fetched.
        trust_remote_code: whether code from the model's repository may run on this machine.
        padding_side: of batches.
        name: shown as the model's name.
        api_key_env: for an address: the environment variable that holds the key (`none`: no key); by default an https
            address gets `OPENAI_API_KEY`, an http address no key.
        threads: of torch on the CPU; by default as many as there are cores to use, or what OMP_NUM_THREADS says.
        attn_implementation: `sdpa`, `eager` or another of transformers; by default the model's own choice.
        compiled: whether torch compiles what the blocks do to each token by itself.
        exact: whether every optimisation of the arithmetic is off (a served model has none to switch off).
        device_map: `auto` spreads the blocks over all GPUs that this process sees, in the place of `device`.
        progress: is told what happens.

    Raises:
        ModelError: the model cannot be found or loaded, or an option does not fit it. A server is first asked with the first
            prompt.
    """
    if not is_address(source):
        if api_key_env is not None:
            raise ModelError("a key is for served models (http://...#name) only")
        return load(
            source,
            dtype=dtype or "float32",
            device=device or "cpu",
            revision=revision,
            blocks=blocks,
            download=download,
            trust_remote_code=trust_remote_code,
            padding_side=padding_side,
            name=name,
            threads=threads,
            attn_implementation=attn_implementation,
            compiled=compiled,
            exact=exact,
            device_map=device_map,
            progress=progress,
        )
    given = {
        "dtype": dtype,
        "device": device,
        "revision": revision,
        "blocks": blocks,
        "threads": threads,
        "attn_implementation": attn_implementation,
        "compiled": compiled or None,
        "device_map": device_map,
    }
    unfit = [key for key, value in given.items() if value is not None]
    if unfit:
        raise ModelError(
            f"{', '.join(unfit)} cannot be chosen for a served model: its server decides on weights and precision"
        )
    return ServedModel(Endpoint(Address.of(str(source)), api_key_env), name=name)


def _checked(batch_size: int) -> int:
    if batch_size < 1:
        raise ModelError(f"the batch size must be at least 1, not {batch_size}")
    return batch_size
