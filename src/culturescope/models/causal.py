"""A causal language model, white: its letters can be read, its text written, its blocks reached.

A reading is one forward pass over the prompt and the logits z at its last token, where the answer begins: log
P(letter) = z[letter] - log sum over the vocabulary of exp(z). Only that position goes through the output
layer, so a batch of long prompts does not fill the memory with logits that nobody reads.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from culturescope.errors import ModelError
from culturescope.models.arithmetic import arithmetic_of
from culturescope.models.batching import Layout, Work, padded_batches, written_work
from culturescope.models.blocks import hidden_size
from culturescope.models.chat import Chat
from culturescope.models.letters import AnswerPlace
from culturescope.models.protocols import LetterReading, ModelIdentity
from culturescope.models.quiet import quiet
from culturescope.models.reading import LetterReader, memory_of_device
from culturescope.models.writing import PromptNoise, before_end, end_ids, neutral_generation
from culturescope.timing import phase

if TYPE_CHECKING:
    import torch
    from torch import nn
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from culturescope.models.shared_attention import UnsharedError
    from culturescope.models.sharing import SharedPasses
    from culturescope.prompts import Prompt


@dataclass(frozen=True)
class Passing:
    """What the rows of the passes under way are: the number of each row's prompt in the call, and what the call does.

    Hooks on blocks need it to tell prompts apart, and the prompt from what is written after it.
    """

    prompts: tuple[int, ...]
    generating: bool


@dataclass(frozen=True)
class ShownToken:
    """A token of a prompt; `read` marks the one whose output is read."""

    id: int
    text: str
    read: bool


class CausalModel:
    """A loaded model; made by `load`.

    Args:
        module: the model of transformers, in evaluation mode.
        chat: how it is spoken to.
        place: where its answer stands.
        blocks: of the residual stream, block 0 first.
        identity: who it is.
        padding_side: where batches are padded.
    """

    def __init__(
        self,
        module: PreTrainedModel,
        chat: Chat,
        place: AnswerPlace,
        blocks: Sequence[nn.Module],
        identity: ModelIdentity,
        *,
        padding_side: Literal["left", "right"] = "left",
    ) -> None:
        self._module = module
        self._chat = chat
        self._place = place
        self._blocks = blocks
        self._identity = identity
        self._padding_side = padding_side
        self._accepts = set(inspect.signature(module.forward).parameters)
        self.edits: list[dict[str, Any]] = []
        """What is done to the residual stream at the moment (kept by `steering`), as plain values."""
        self.passing: Passing | None = None
        """Which prompts the rows of the current pass belong to; None where rows are not prompts."""
        self.layout: Layout | None = None
        """Where the tokens of the current pass stand, while letters are read."""
        self.work = Work()
        """Tokens of all letters read so far; take differences of it."""
        self.exact = False
        """Whether every optimisation is off: prompts are rows of their own, whole passes, logits of all positions."""
        self.token_budget: int | None = None
        """Most tokens of a pass that reads letters or options; by default as the kind of device suggests."""
        self.arithmetic = arithmetic_of(module, blocks)
        """Costs of a token, of a pair in attention and of an output, in FLOP."""
        self._reader = LetterReader(self, self._accepts)

    @property
    def identity(self) -> ModelIdentity:
        """Who the model is, and all of it that can change a number, active steering included."""
        if not self.edits:
            return self._identity
        return replace(self._identity, extra={**self._identity.extra, "steering": list(self.edits)})

    @property
    def answer_closes(self) -> bool:
        """Whether an answer is rendered by the chat template, or written behind its generation prompt."""
        return self._place.closes

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The blocks of the residual stream, block 0 first."""
        return self._blocks

    @property
    def padding_side(self) -> Literal["left", "right"]:
        """Where batches are padded."""
        return self._padding_side

    @property
    def quick_options(self) -> dict[str, Any]:
        """Arguments of the module's forward for a pass that needs no cache and one position's logits (`exact`: all)."""
        options: dict[str, Any] = {"use_cache": False}
        if not self.exact:
            options["logits_to_keep"] = 1
        return {key: value for key, value in options.items() if key in self._accepts}

    @property
    def hidden_size(self) -> int:
        """Width of the residual stream."""
        return hidden_size(self._module)

    @property
    def module(self) -> PreTrainedModel:
        """The model of transformers."""
        return self._module

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        """The tokenizer of transformers."""
        return self._chat.tokenizer

    @property
    def chat(self) -> Chat:
        """How prompts are rendered and tokenised."""
        return self._chat

    def show(self, prompt: Prompt) -> str:
        """The exact text that the model reads before it answers."""
        with phase("tokenising"):
            return self._chat.text(prompt) + self._place.lead

    def encode(self, prompts: Sequence[Prompt]) -> list[list[int]]:
        """The tokens that the model reads for every prompt; the answer is the output at the last one.

        Raises:
            ModelError: a prompt cannot be rendered, or is longer than what the model can read.
        """
        with phase("tokenising"):
            encoded = [self._place.read_ids(self._chat, prompt) for prompt in prompts]
        self._check_lengths(encoded)
        return encoded

    def content_tokens(self, prompts: Sequence[Prompt]) -> list[int]:
        """Number of tokens that the model reads for every prompt, padding not counted."""
        return [len(ids) for ids in self.encode(prompts)]

    def letter_position(self, prompt: Prompt) -> list[ShownToken]:
        """The tokens of a prompt, with the one marked whose output is read."""
        (ids,) = self.encode([prompt])
        last = len(ids) - 1
        return [ShownToken(token, self._chat.decode([token]), at == last) for at, token in enumerate(ids)]

    def batch(
        self, ids: Sequence[Sequence[int]], *, padding_side: Literal["left", "right"] | None = None
    ) -> dict[str, torch.Tensor]:
        """A padded batch as arguments of the module's forward.

        Returns:
            `input_ids`, `attention_mask` and `position_ids`, each (batch, longest), on the model's device, as
            far as the module takes them. Positions are counted without the padding.
        """
        import torch

        longest = max(len(row) for row in ids)
        left = (padding_side or self._padding_side) == "left"
        input_ids = torch.full((len(ids), longest), self._pad_id(), dtype=torch.long)
        mask = torch.zeros_like(input_ids)
        for row, tokens in enumerate(ids):
            at = slice(longest - len(tokens), longest) if left else slice(0, len(tokens))
            input_ids[row, at] = torch.tensor(tokens, dtype=torch.long)
            mask[row, at] = 1
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
        batch = {"input_ids": input_ids, "attention_mask": mask, "position_ids": positions}
        with phase("copying"):
            return {
                key: value.to(self._module.device) for key, value in batch.items() if key in self._accepts
            }

    def read_letters(
        self, prompts: Sequence[Prompt], *, batch_size: int = 16, share: bool = True
    ) -> Iterator[tuple[list[int], list[LetterReading]]]:
        """Reads the letters at the place of the answer, pass by pass, those with the longest prompts first.

        Beginnings that prompts share are computed once, where the model allows it; `share=False`, or `exact` on
        the model, reads every prompt as a row of its own. The readings are the same but for rounding.
        Yields after each forward pass (indices into `prompts`, readings in the same order). What hooks do must
        not change between two of them, unless other hooks are put in their place.

        Args:
            prompts: what to ask.
            batch_size: most prompts in a pass (prompts that are equal count once when they are shared).
            share: whether common beginnings are computed once.

        Raises:
            ModelError: a prompt is too long, the batch size is not positive, or the memory does not suffice.
        """
        if batch_size < 1:
            raise ModelError(f"the batch size must be at least 1, not {batch_size}")
        yield from self._reader.read(self.encode(prompts), batch_size, share)

    def expected_work(self, prompts: Sequence[Prompt], *, batch_size: int = 16, share: bool = True) -> Work:
        """The work of reading the letters of prompts, counted without doing it."""
        return self._reader.expected(self.encode(prompts), batch_size, share)

    @property
    def unshared_because(self) -> str | None:
        """Why this model's prompts cannot share beginnings, once a reading has found that out."""
        return self._reader.unshared_because

    def shared_passes(self, ids: Sequence[Sequence[int]]) -> SharedPasses | None:
        """Passes in which prompts share beginnings; None where each needs a row: `unshared_because`, `exact`, or hooks.

        Args:
            ids: tokens of every prompt.
        """
        return self._reader.passes(ids)

    def not_shared(self, because: UnsharedError) -> None:
        """Notes what a pass has found: from now on every prompt is a row of its own."""
        self._reader.unshared_because = str(because)

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        seed: int = 42,
        batch_size: int = 16,
    ) -> list[str]:
        """Writes an answer for every prompt; only the new text is returned, without special tokens.

        At temperature 0 the likeliest token is taken. Above it the tokens are drawn from softmax(z /
        temperature) by noise that depends on the seed and the prompt alone: not on the batch or the caller's
        random numbers.

        Raises:
            ModelError: a prompt is too long, a number is out of range, or the memory does not suffice.
        """
        written = self.generate_ids(
            prompts, max_new_tokens=max_new_tokens, temperature=temperature, seed=seed, batch_size=batch_size
        )
        return [self._chat.decode(ids, skip_special_tokens=True) for ids in written]

    def generate_ids(
        self,
        prompts: Sequence[Prompt],
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        seed: int = 42,
        batch_size: int = 16,
    ) -> list[list[int]]:
        """As `generate`, but the tokens that were drawn, without the one that ends the answer.

        Raises:
            ModelError: as `generate`.
        """
        if max_new_tokens < 1 or batch_size < 1 or not 0 <= temperature < float("inf"):
            raise ModelError(
                f"max_new_tokens and the batch size must be at least 1 and the temperature not negative, not "
                f"{max_new_tokens}, {batch_size}, {temperature}"
            )
        import torch

        with phase("tokenising"):
            ids = [self._chat.ids(self._chat.text(prompt)) for prompt in prompts]
        self._check_lengths(ids, new=max_new_tokens)
        ends = end_ids(self._module, self.tokenizer, self._place.tail)
        config = neutral_generation(max_new_tokens, ends, self._pad_id())
        written: list[list[int]] = [[] for _ in prompts]
        size = batch_size if "attention_mask" in self._accepts else 1
        for indices in padded_batches(list(map(len, ids)), batch_size=size):
            batch = self.batch([ids[index] for index in indices], padding_side="left")
            batch.pop("position_ids", None)  # generate counts them itself, token by token
            noise = [PromptNoise([prompts[index].sha256 for index in indices], seed, temperature)]
            write: Any = self._module.generate
            with (
                self.announced(Passing(tuple(indices), generating=True)),
                quiet(),
                torch.inference_mode(),
                memory_of_device(),
                phase("forward"),
            ):
                output = write(
                    **batch, generation_config=config, logits_processor=noise if temperature > 0 else []
                )
            start = batch["input_ids"].shape[1]
            self.work += written_work(
                [len(ids[n]) for n in indices], output.shape[1] - start, self.arithmetic
            )
            for index, row in zip(indices, output.tolist(), strict=True):
                written[index] = before_end(row[start:], ends)
        return written

    @contextmanager
    def announced(self, passing: Passing | None, layout: Layout | None = None) -> Iterator[None]:
        """Tells hooks what the passes are that run inside the block."""
        self.passing, self.layout = passing, layout
        try:
            yield
        finally:
            self.passing = self.layout = None

    def _check_lengths(self, ids: Sequence[Sequence[int]], new: int = 0) -> None:
        limit = getattr(self._module.config.get_text_config(), "max_position_embeddings", None)
        if not isinstance(limit, int) or not ids:
            return
        longest = max(range(len(ids)), key=lambda index: len(ids[index]))
        if len(ids[longest]) + new > limit:
            written = f" and {new} new ones" if new else ""
            raise ModelError(
                f"prompt {longest} has {len(ids[longest])} tokens{written}, but the model "
                f"{self._identity.name} reads at most {limit}"
            )

    def _pad_id(self) -> int:
        for token in (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id):
            if isinstance(token, int):
                return token
        return 0  # masked, so any token will do
