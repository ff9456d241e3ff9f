"""What an experiment may ask of a model, in two protocols.

`BlackBox` is what a served model can offer: letters' log-probabilities, where the server gives them, and
text. `WhiteBox` adds what steering needs: the blocks and the letters' logits. Nothing here imports torch when
it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import nn

    from culturescope.prompts import Prompt

LETTERS = ("A", "B")


@dataclass(frozen=True)
class LetterToken:
    """The single token by which a model says a letter at the place of the answer."""

    letter: str
    id: int
    text: str


@dataclass(frozen=True)
class ModelIdentity:
    """All of a model that can change a number, and what a reader wants to know of it.

    Args:
        name: as the user gave it, shortened for display (`smollm2-135m`, `org/name`, a folder's name).
        source: `packaged`, `hub`, `folder`, `gguf`, `served` or `mock`.
        revision: commit of the hub, version of the package, or None.
        weights_sha256: hash over the names and hashes of the weight files, or None (served models).
        family: `model_type` of the config, or None.
        dtype: of the weights in memory, for example `float32`.
        device: for example `cpu`, `cuda:0`.
        blocks: number of blocks, or None.
        parameters: number of parameters, or None.
        template_sha256: hash of the chat template, or of the plain prompt's wording for base models.
        chat: whether a chat template is used.
        letters: tokens of the letters at the place of the answer.
        trust_remote_code: whether foreign code was allowed to run.
    """

    name: str
    source: str
    revision: str | None = None
    weights_sha256: str | None = None
    family: str | None = None
    dtype: str | None = None
    device: str | None = None
    blocks: int | None = None
    parameters: int | None = None
    template_sha256: str | None = None
    chat: bool = True
    letters: tuple[LetterToken, ...] = ()
    trust_remote_code: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> ModelIdentity:
        """Reads what `as_dict` wrote.

        Raises:
            TypeError: unknown or missing entries.
        """
        letters = tuple(LetterToken(**letter) for letter in stored.get("letters", ()))
        return cls(**{**stored, "letters": letters})


@dataclass(frozen=True)
class LetterReading:
    """What the model says at the place of the answer, for the letters A and B, in this order.

    Args:
        logprobs: log-probabilities (natural) under the softmax over the whole vocabulary, temperature 1.
        logits: raw logits, where the model shows them; their differences equal those of `logprobs`.
        tokens: number of tokens in the prompt, padding not counted.
        bounded: letters whose log-probability is only known to be no higher than stated (a server shows the likeliest
            tokens alone).
    """

    logprobs: tuple[float, float]
    logits: tuple[float, float] | None
    tokens: int | None = None
    bounded: tuple[str, ...] = ()


@runtime_checkable
class BlackBox(Protocol):
    """A model that answers: letters' log-probabilities where they are offered, and text."""

    @property
    def identity(self) -> ModelIdentity:
        """Who the model is."""
        ...

    def read_letters(
        self, prompts: Sequence[Prompt], *, batch_size: int = 16
    ) -> Iterator[tuple[list[int], list[LetterReading]]]:
        """Reads the letters' log-probabilities at the place of the answer, batch by batch.

        Yields after each forward pass (indices into `prompts`, readings in the same order), so that a caller
        can save as it goes. The order of the batches is deterministic; every index comes exactly once.

        Raises:
            ModelError: the model offers no log-probabilities.
        """
        ...

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        seed: int = 42,
        batch_size: int = 16,
    ) -> list[str]:
        """Writes an answer for every prompt; temperature 0 is greedy. Special tokens are not in the text."""
        ...

    def show(self, prompt: Prompt) -> str:
        """The exact text that the model reads for the prompt (rendered by the chat template), for display."""
        ...


def batches_at_once(model: BlackBox) -> int:
    """How many batches a model computes at the same time: one, unless it says so (`executors`)."""
    return int(getattr(model, "batches_at_once", 1))


@runtime_checkable
class WhiteBox(BlackBox, Protocol):
    """A model whose blocks can be read and steered."""

    @property
    def blocks(self) -> Sequence[nn.Module]:
        """The blocks of the residual stream, block 0 first."""
        ...

    @property
    def hidden_size(self) -> int:
        """Width of the residual stream."""
        ...
