"""A model made of a function, for tests and examples: no weights, no torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from culturescope.errors import ModelError
from culturescope.models.protocols import LETTERS, LetterReading, LetterToken, ModelIdentity
from culturescope.prompts import Prompt


class MockModel:
    """A black box whose letters' logits are computed from the prompt.

    Args:
        logits: maps a prompt to the logits of A and B.
        rest_mass: probability of everything that is not a letter, in [0, 1).
        name: shown as the model's name.
        reply: maps a prompt and a seed to the text it writes; the likelier letter by default.
        options: maps a prompt and options to their log-probabilities; by default it offers none.

    Example:
        >>> model = MockModel(lambda prompt: (1.0, 0.0))
        >>> model.generate([Prompt.of("A or B?")], max_new_tokens=1)
        ['A']
    """

    def __init__(
        self,
        logits: Callable[[Prompt], tuple[float, float]],
        *,
        rest_mass: float = 0.0,
        name: str = "mock",
        reply: Callable[[Prompt, int], str] | None = None,
        options: Callable[[Prompt, Sequence[str]], Sequence[float]] | None = None,
    ) -> None:
        if not 0 <= rest_mass < 1:
            raise ModelError(f"rest_mass must lie in [0, 1), not {rest_mass}")
        self._logits = logits
        self._rest_mass = rest_mass
        self._reply = reply
        self._options = options
        tokens = tuple(LetterToken(letter, index, letter) for index, letter in enumerate(LETTERS))
        self.identity = ModelIdentity(name=name, source="mock", letters=tokens)

    def read_letters(
        self, prompts: Sequence[Prompt], *, batch_size: int = 16
    ) -> Iterator[tuple[list[int], list[LetterReading]]]:
        """Computes the letters' log-probabilities, batch by batch, in the order of the prompts."""
        for start in range(0, len(prompts), batch_size):
            indices = list(range(start, min(start + batch_size, len(prompts))))
            yield indices, [self._reading(prompts[index]) for index in indices]

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        seed: int = 42,
        batch_size: int = 16,
    ) -> list[str]:
        """Writes the likelier letter for every prompt, or what it was made to write."""
        if self._reply is not None:
            return [self._reply(prompt, seed) for prompt in prompts]
        readings = (self._reading(prompt).logprobs for prompt in prompts)
        return [LETTERS[0] if a >= b else LETTERS[1] for a, b in readings]

    def option_weights(self, prompt: Prompt, options: Sequence[str]) -> Sequence[float] | None:
        """Log-probabilities of options, where it was made to give them."""
        return None if self._options is None else self._options(prompt, options)

    def show(self, prompt: Prompt) -> str:
        """The turns, one after the other."""
        return "\n".join(f"{turn.role}: {turn.content}" for turn in prompt.messages)

    def _reading(self, prompt: Prompt) -> LetterReading:
        a, b = self._logits(prompt)
        high = max(a, b)
        total = high + math.log(math.exp(a - high) + math.exp(b - high)) - math.log1p(-self._rest_mass)
        words = sum(len(turn.content.split()) for turn in prompt.messages)
        return LetterReading((a - total, b - total), (a, b), words)
