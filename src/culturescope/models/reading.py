"""Reads letters: forward passes over prompts, shared where the model allows it, and the logits at their ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from culturescope.errors import MemoryFullError, ModelError
from culturescope.models.batching import Work, padded_batches, padded_layout, padded_work, token_budget
from culturescope.models.prefixes import Pass, needed_work
from culturescope.models.protocols import LetterReading
from culturescope.models.shared_attention import UnsharedError
from culturescope.models.sharing import (
    SharedPasses,
    hooks_of,
    open_shared,
    stretches_with_length,
)
from culturescope.timing import phase

if TYPE_CHECKING:
    from torch import Tensor

    from culturescope.models.causal import CausalModel
    from culturescope.models.shared_attention import Stored

Readings = Iterator[tuple[list[int], list[LetterReading]]]


class LetterReader:
    """Reads the letters of prompts that are tokens already.

    Args:
        model: which is read.
        accepts: names of the arguments of its module's forward.
    """

    def __init__(self, model: CausalModel, accepts: set[str]) -> None:
        self._model = model
        self._accepts = accepts
        self._passes: SharedPasses | None = None
        self._stretches = stretches_with_length(model.module)
        self.unshared_because: str | None = None

    def read(self, ids: Sequence[list[int]], batch_size: int, share: bool) -> Readings:
        """See `CausalModel.read_letters`."""
        model = self._model
        model.work += needed_work(ids, model.arithmetic)
        rest = list(range(len(ids)))
        while rest:
            hooks = hooks_of(model.module)
            passes = self._shared(ids) if share else None
            read = (
                self._padded(ids, rest, batch_size)
                if passes is None
                else self._together(passes, ids, rest, batch_size)
            )
            try:
                for indices, readings in read:
                    yield indices, readings
                    rest = sorted(set(rest).difference(indices))
                    if hooks_of(model.module) != hooks:
                        break  # what was stored was computed under other hooks
            except UnsharedError as error:
                self.unshared_because = str(error)

    def expected(self, ids: Sequence[list[int]], batch_size: int, share: bool) -> Work:
        """See `CausalModel.expected_work`."""
        arithmetic = self._model.arithmetic
        work = needed_work(ids, arithmetic)
        passes = self._shared(ids) if share else None
        if passes is not None:
            steps = passes.plan(ids, batch_size, budget=self._model.token_budget)
            return sum((self._shared_work(step) for step in steps), work)
        lengths = [len(row) for row in ids]
        batches = self._batches(lengths, batch_size)
        return sum((self._padded_work([lengths[n] for n in batch]) for batch in batches), work)

    def _shared_work(self, step: Pass) -> Work:
        return replace(step.work, flops=step.flops(self._model.arithmetic))

    def _padded_work(self, lengths: Sequence[int]) -> Work:
        whole = "logits_to_keep" not in self._model.quick_options
        return padded_work(lengths, self._model.arithmetic, all_logits=whole)

    def passes(self, ids: Sequence[Sequence[int]]) -> SharedPasses | None:
        """See `CausalModel.shared_passes`."""
        return None if hooks_of(self._model.module) else self._shared(ids)

    def _shared(self, ids: Sequence[Sequence[int]]) -> SharedPasses | None:
        """Shared passes over the model, or None where its prompts are to be read one a row."""
        import torch

        if not ids or self._model.exact or self.unshared_because is not None:
            return None
        if not all(allows for _, allows in hooks_of(self._model.module)):
            return None
        if self._stretches is not None and max(map(len, ids)) > self._stretches:
            return None
        if self._passes is None:
            try:
                with torch.inference_mode(), memory_of_device():
                    self._passes = open_shared(self._model.module, self._accepts, ids[0], self._logits)
            except UnsharedError as error:
                self.unshared_because = str(error)
        return self._passes

    def _together(
        self, passes: SharedPasses, ids: Sequence[list[int]], rest: Sequence[int], batch_size: int
    ) -> Readings:
        import torch

        model = self._model
        stored: Stored = []
        for step in passes.plan([ids[n] for n in rest], batch_size, budget=model.token_budget):
            indices = [rest[n] for n in step.prompts]
            layout = replace(passes.layout(step), prompts=tuple(indices))
            with model.announced(None, layout), torch.inference_mode(), memory_of_device(), phase("forward"):
                logits, stored = passes.run(step, stored)
            model.work += self._shared_work(step)
            yield indices, self._readings([ids[n] for n in indices], logits)

    def _padded(self, ids: Sequence[list[int]], rest: Sequence[int], batch_size: int) -> Readings:
        import torch

        from culturescope.models.causal import Passing

        model = self._model
        for batch in self._batches([len(ids[n]) for n in rest], batch_size):
            indices = [rest[n] for n in batch]
            rows = [ids[n] for n in indices]
            lengths = [len(row) for row in rows]
            layout = padded_layout(indices, lengths, model.padding_side, model.module.device)
            passing = Passing(tuple(indices), generating=False)
            with model.announced(passing, layout), torch.inference_mode(), memory_of_device():
                logits = self._logits(rows)
            model.work += self._padded_work(lengths)
            yield indices, self._readings(rows, logits)

    def _batches(self, lengths: Sequence[int], batch_size: int) -> Iterator[list[int]]:
        size = batch_size if "attention_mask" in self._accepts else 1
        model = self._model
        budget = model.token_budget or token_budget(model.module.device.type)
        return padded_batches(lengths, batch_size=size, budget=budget)

    def _logits(self, rows: list[list[int]]) -> Tensor:
        """Logits (prompts, vocabulary) at the last token of every prompt, each of them a row of one batch."""
        import torch

        batch = self._model.batch(rows)
        longest = batch["input_ids"].shape[1]
        left = self._model.padding_side == "left"
        last = [longest - 1 if left else len(row) - 1 for row in rows]
        kept = sorted(set(last))
        options = self._model.quick_options
        if "logits_to_keep" in options and not left:
            options["logits_to_keep"] = torch.tensor(kept, device=batch["input_ids"].device)
        run: Any = self._model.module
        with phase("forward"):
            logits: Tensor = run(**batch, **options).logits
        if logits.shape[1] == len(kept):
            last = [kept.index(at) for at in last]
        return logits[torch.arange(len(rows), device=logits.device), torch.tensor(last, device=logits.device)]

    def _readings(self, rows: Sequence[list[int]], logits: Tensor) -> list[LetterReading]:
        """Readings from logits (prompts, vocabulary)."""
        import torch

        identity = self._model.identity
        # Half precision would lose the letters' small differences; some accelerators know no float64.
        wide = torch.float32 if logits.device.type == "mps" else torch.float64
        with phase("copying"), torch.inference_mode():
            letters = torch.tensor([token.id for token in identity.letters], device=logits.device)
            raw = logits[:, letters].to(wide)
            total = torch.cat([part.to(wide).logsumexp(dim=-1) for part in few(logits)])
            logprobs, raw = (raw - total[:, None]).cpu(), raw.cpu()
        if not bool(torch.isfinite(logprobs).all()):
            raise ModelError(
                f"the model {identity.name} gives logits that are not finite numbers in {identity.dtype}; "
                "load it with dtype float32 or bfloat16"
            )
        return [
            LetterReading((row_p[0], row_p[1]), (row_z[0], row_z[1]), len(row))
            for row, row_p, row_z in zip(rows, logprobs.tolist(), raw.tolist(), strict=True)
        ]


def few(logits: Tensor, rows: int = 8) -> Iterator[Tensor]:
    """A few rows at a time: the whole vocabulary in float64 would be the largest tensor of all."""
    for start in range(0, len(logits), rows):
        yield logits[start : start + rows]


class memory_of_device:  # noqa: N801 - reads as a statement: with memory_of_device()
    """Says what to do when the accelerator's memory is full."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import torch

        full = isinstance(error, (torch.OutOfMemoryError, MemoryError))
        # The allocator of the processor's memory has no error of its own.
        if full or (isinstance(error, RuntimeError) and "can't allocate memory" in str(error)):
            raise MemoryFullError("the memory of the device is full; use a smaller --batch_size") from error
