"""A model in several processes that is asked like one: `BlackBox` over a crew of workers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from culturescope.errors import ModelError
from culturescope.executors.crew import Answer, Crew, Job
from culturescope.executors.sharding import shards, text_of
from culturescope.executors.worker import packed
from culturescope.models.options import OptionReading
from culturescope.models.protocols import LetterReading, ModelIdentity
from culturescope.prompts import Prompt


class Fleet:
    """The model that all workers of a crew hold; follows `BlackBox`. A context manager: leaving it ends them.

    Args:
        crew: does the work.
    """

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._texts: dict[Prompt, str] = {}

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *_: object) -> None:
        self._crew.close()

    @property
    def identity(self) -> ModelIdentity:
        """Who the model is; the same in every worker."""
        return self._crew.identity

    @property
    def batches_at_once(self) -> int:
        """How many batches are computed at the same time."""
        return self._crew.workers

    def read_letters(
        self, prompts: Sequence[Prompt], *, batch_size: int = 16
    ) -> Iterator[tuple[list[int], list[LetterReading]]]:
        """Reads the letters, shard by shard as workers end them; every index comes once.

        Args:
            prompts: what to ask.
            batch_size: most prompts in a forward pass.

        Raises:
            ModelError: as in `CausalModel.read_letters`.
            RunFailedError: all workers are lost.
        """
        for indices, answer in self._sharded("letters", prompts, batch_size):
            yield indices, [LetterReading(**fields) for fields in answer["readings"]]

    def read_options(
        self, prompts: Sequence[Prompt], options: Sequence[Sequence[str]], *, batch_size: int = 16
    ) -> Iterator[tuple[list[int], list[OptionReading]]]:
        """Log-probabilities of each prompt's options, see `models.options.read_options`.

        Raises:
            ModelError: the model offers none, or options make no sense.
            RunFailedError: all workers are lost.
        """
        for indices, answer in self._sharded("options", prompts, batch_size, options):
            yield indices, [OptionReading(**fields) for fields in answer["readings"]]

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        seed: int = 42,
        batch_size: int = 16,
    ) -> list[str]:
        """Writes an answer for every prompt, see `CausalModel.generate`.

        Raises:
            ModelError: a prompt is too long, or a number is out of range.
            RunFailedError: all workers are lost.
        """
        settings = {
            "max_new_tokens": max_new_tokens,
            "temperature": temperature,
            "seed": seed,
            "batch_size": batch_size,
        }
        # Alike in length, so that little is padded.
        order = sorted(range(len(prompts)), key=lambda n: (-len(text_of(prompts[n])), n))
        size = max(1, min(batch_size, -(-len(prompts) // self.batches_at_once)))
        parts = [order[start : start + size] for start in range(0, len(order), size)]
        written: dict[int, str] = {}
        texts: dict[Prompt, str] = {}
        for job, answer in self._crew.done(
            [Job("write", part, (packed([prompts[n] for n in part]), settings)) for part in parts]
        ):
            written.update(zip(job.indices, answer["readings"], strict=True))
            texts.update(zip((prompts[n] for n in job.indices), answer["texts"], strict=True))
        self._texts = texts
        return [written[n] for n in range(len(prompts))]

    def show(self, prompt: Prompt) -> str:
        """The exact text that the model reads for a prompt; at hand for those of the latest answers."""
        if prompt in self._texts:
            return self._texts[prompt]
        ((_, answer),) = self._crew.done([Job("show", [0], (packed([prompt]),))])
        return str(answer["texts"][0])

    def _sharded(
        self, method: str, prompts: Sequence[Prompt], batch_size: int, each: Sequence[Any] | None = None
    ) -> Iterator[tuple[list[int], Answer]]:
        """Answers to shards of the prompts; `each` is what goes with every prompt beside it."""
        if batch_size < 1:
            raise ModelError(f"the batch size must be at least 1, not {batch_size}")
        jobs = []
        for shard in shards(prompts, batch_size):
            beside = () if each is None else ([list(each[n]) for n in shard],)
            jobs.append(Job(method, shard, (packed([prompts[n] for n in shard]), *beside, batch_size)))
        for job, answer in self._crew.done(jobs):
            self._texts = dict(zip((prompts[n] for n in job.indices), answer["texts"], strict=True))
            yield job.indices, answer
