"""Which prompts are asked together, so that a run that was stopped goes on to the very numbers of one that was not.

What a forward pass computes for a prompt depends in its last bits on the other prompts of the pass. So prompts are asked in
fixed groups, each planned by itself. A resumed run asks a group of which an answer is missing again as a whole, and keeps of
it what is missing. A model without weights in this process (served, or in workers) has no passes here: it is asked for all
missing answers at once, and for those alone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from culturescope.errors import MemoryFullError
from culturescope.models.protocols import BlackBox, WhiteBox
from culturescope.probing.ask import ask, ask_freely
from culturescope.probing.tasks import Task
from culturescope.runs import RunFolder

BATCHES, MOST = 16, 512
REDUCED = "reduced_batch_size"
MACHINE = "machine"
Row = dict[str, Any]
Rows = TypeVar("Rows")


def group_size(model: BlackBox, batch_size: int, count: int) -> int:
    """Prompts in a group: some batches, so that little is lost where one ends, and little asked again.

    A model that has no passes here gets all at once: it cuts its work by itself, and what would be lost is the time in which
    some workers wait for others.

    Args:
        model: who is asked.
        batch_size: prompts at once.
        count: of all prompts.
    """
    if not isinstance(model, WhiteBox):
        return max(count, 1)
    return max(batch_size, min(BATCHES * batch_size, MOST))


def unfinished(
    model: BlackBox, order: Sequence[int], keys: Sequence[str], known: Collection[str], size: int
) -> Iterator[list[int]]:
    """Groups of which answers are missing: whole, or for a model that has no passes only what is missing.

    Args:
        model: who is asked.
        order: indices of all prompts of a kind, whatever is known of them.
        keys: of the prompts.
        known: keys that have an answer.
        size: prompts in a group.
    """
    for start in range(0, len(order), size):
        group = list(order[start : start + size])
        if asked := asked_of(model, group, keys, known):
            yield asked


def asked_of(model: BlackBox, group: Sequence[int], keys: Sequence[str], known: Collection[str]) -> list[int]:
    """What of a group is asked now: nothing, all of it, or for a model that has no passes only what is missing."""
    missing = [n for n in group if keys[n] not in known]
    return list(group) if missing and isinstance(model, WhiteBox) else missing


def ask_letters(
    model: BlackBox,
    folder: RunFolder,
    tasks: Sequence[Task],
    keys: Sequence[str],
    known: Collection[str],
    *,
    batch_size: int,
) -> Iterator[list[Row]]:
    """Reads the letters for every task without answer; yields the new rows of each batch as soon as it is done.

    Where the memory is full, the batch size is halved for the rest of the run and its resumption.

    Raises:
        MemoryFullError: a single prompt does not fit.
    """
    done = set(known)
    # Neighbours share their beginnings.
    order = sorted(range(len(tasks)), key=lambda n: (_text(tasks[n]), n))
    for group in unfinished(model, order, keys, done, group_size(model, batch_size, len(order))):

        def batches(size: int, group: list[int] = group) -> Iterator[list[Row]]:
            asked = asked_of(model, group, keys, done)
            return ask(model, [tasks[n] for n in asked], [keys[n] for n in asked], batch_size=size)

        for rows in with_fewer(folder, batches, batch_size):
            new = [row for row in rows if row["key"] not in done]
            done.update(row["key"] for row in new)
            yield new  # also an empty one: whoever asked may want to stop here


def ask_words(
    model: BlackBox,
    folder: RunFolder,
    tasks: Sequence[Task],
    letters: Sequence[Row],
    keys: Sequence[str],
    *,
    new_tokens: int,
) -> list[Row]:
    """Replies to a batch of tasks; in halves where the memory is full.

    Raises:
        MemoryFullError: a single prompt does not fit.
    """

    def batches(size: int) -> Iterator[list[Row]]:
        for start in range(0, len(tasks), size):
            part = slice(start, start + size)
            yield ask_freely(model, tasks[part], list(letters[part]), keys[part], new_tokens=new_tokens)

    found = {row["key"]: row for rows in with_fewer(folder, batches, len(tasks)) for row in rows}
    return [found[key] for key in keys]


def with_fewer(
    folder: RunFolder, batches: Callable[[int], Iterator[Rows]], batch_size: int
) -> Iterator[Rows]:
    """The batches of a size; where the memory is full all of them again, with half as many prompts at once.

    Args:
        folder: of the run, which keeps how many prompts fit.
        batches: gives the batches for a size.
        batch_size: to begin with.

    Raises:
        MemoryFullError: a single prompt does not fit.
    """
    size = min(batch_size, _reduced(folder) or batch_size)
    while True:
        try:
            yield from batches(size)
        except MemoryFullError:
            if size == 1:
                raise
            size //= 2
            print(f"The memory is full: going on with {size} prompts at once.", file=sys.stderr)
            folder.update(**{REDUCED: size})
        else:
            return


def _reduced(folder: RunFolder) -> int | None:
    kept = folder.manifest.model_dump().get(REDUCED)
    return kept if type(kept) is int and kept > 0 else None


def _text(task: Task) -> str:
    return "\0".join(f"{turn.role}\0{turn.content}" for turn in task.prompt.messages)


def note_machine(folder: RunFolder, model: BlackBox) -> None:
    """Writes down what of this machine the last bits depend on, for `as_begun`; nothing for a model that is elsewhere."""
    if isinstance(model, WhiteBox):
        folder.update(**{MACHINE: _machine()})


def as_begun(folder: RunFolder, say: Callable[[str], None] | None = None) -> None:
    """Computes with as many threads as the run began with; says so where the processor is of another kind."""
    kept = folder.manifest.model_dump().get(MACHINE)
    if not isinstance(kept, Mapping):
        return
    import torch

    threads = kept.get("threads")
    if type(threads) is int and 0 < threads <= 4096:
        torch.set_num_threads(threads)
    kernels, now = kept.get("kernels"), _machine()["kernels"]
    if kernels != now and say is not None:
        say(
            f"The run began on a processor with {str(kernels)[:40]}, this one has {now}: the last digits of logits may differ."
        )


def _machine() -> dict[str, Any]:
    import torch

    return {"threads": torch.get_num_threads(), "kernels": torch.backends.cpu.get_cpu_capability()}
