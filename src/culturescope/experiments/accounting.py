"""What a run cost: tokens, arithmetic, time, and how much of the machine's matmul peak that is."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from culturescope.models.filling import PROMPTS, Filling, choose_filling
from culturescope.timing import Profile, phase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from culturescope.models.causal import CausalModel
    from culturescope.models.filling import BatchSize
    from culturescope.models.protocols import BlackBox
    from culturescope.prompts import Prompt
    from culturescope.runs import RunFolder

USUAL_BATCH = 16
"""Where nothing can be measured: a served model, or every optimisation off."""


def white_box(model: BlackBox) -> CausalModel | None:
    """The model, where its work can be counted: its weights are in this process."""
    if not hasattr(model, "arithmetic"):
        return None
    from culturescope.models.causal import CausalModel

    return model if isinstance(model, CausalModel) else None


def why_not_white(model: BlackBox) -> str:
    """Why a model that is no white box cannot be steered, in words."""
    if hasattr(model, "batches_at_once"):
        return "workers hold the model and steering needs its blocks in this process: resume with --executor local"
    return "a served model cannot be steered: its blocks are not in this process"


class Counting:
    """Counts the work and the time between its opening and `record`, as a context manager; nothing for served models."""

    def __init__(self, model: BlackBox) -> None:
        self._model = white_box(model)

    def __enter__(self) -> Counting:
        if self._model is not None:
            self._before = self._model.work
        self._began = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None: ...

    def record(self, earlier: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """The work so far as it is stored, added to what was done earlier; None where nothing was done."""
        if self._model is None:
            return None
        done = asdict(self._model.work - self._before) | {"seconds": time.perf_counter() - self._began}
        return work_record(self._model, earlier, done) if done["flops"] else None


@contextmanager
def counted(model: BlackBox, folder: RunFolder) -> Iterator[None]:
    """Adds the work done inside the block to `work` in `run.json`, also where it was stopped."""
    with Counting(model) as counting:
        try:
            yield
        finally:
            record = counting.record(folder.manifest.model_dump().get("work"))
            if record is not None:
                folder.update(work=record)


def work_record(
    model: CausalModel, earlier: Mapping[str, Any] | None, done: Mapping[str, Any]
) -> dict[str, Any]:
    """The work of a run so far, as `run.json` holds it.

    Args:
        model: that did it.
        earlier: the record before, where the run was resumed.
        done: counts of `Work`, and `seconds` of wall time.
    """
    total = {name: count + (earlier or {}).get(name, 0) for name, count in done.items()}
    record: dict[str, Any] = {
        **total,
        "exact": model.exact,
        "shared": not model.exact and model.unshared_because is None,
        "threads": _threads(),
    }
    from culturescope.models.peak import matmul_peak

    dtype, device = str(model.identity.dtype), str(model.identity.device)
    rate = done["flops"] / max(done["seconds"], 1e-9)
    peak = matmul_peak(dtype, device)
    if rate > peak:
        peak = matmul_peak(dtype, device, again=True)
    seconds = max(total["seconds"], 1e-9)
    return record | {
        "peak_flops_per_second": peak,
        "peak_share": total["flops_needed"] / seconds / peak,
        "peak_share_with_waste": total["flops"] / seconds / peak,
    }


def work_lines(record: Mapping[str, Any] | None) -> list[str]:
    """The record of a run in words, a line or two; nothing where there is none."""
    if not record:
        return []
    pads = f", {record['tokens_padding']:,} padding" if record["tokens_padding"] else ""
    written = f", {record['written']:,} written" if record["written"] else ""
    counts = [record[f"tokens_{name}"] for name in ("asked", "needed", "computed")]
    asked = "{:,} tokens asked, {:,} needed, {:,} computed".format(*counts)
    if not record["tokens_asked"] or record.get("readings"):
        asked = f"{record['tokens_computed']:,} tokens through some or all blocks"
    if record.get("readings"):
        asked = f"{record['prompts']:,} prompts, {record['readings']:,} readings under a step, {asked}"
    lines = [
        f"Work: {asked}{pads}{written}; "
        f"{amount(record['flops'], 'FLOP')} in {record['seconds']:,.1f} s"
        + (", every optimisation off (--exact)" if record["exact"] else "")
    ]
    if "peak_share" in record:
        lines.append(
            f"  useful arithmetic is {record['peak_share']:.0%} of this machine's matmul peak "
            f"({amount(record['peak_flops_per_second'], 'FLOP/s')}, {record['threads']} threads), from asking to saved answers"
        )
    return lines


def amount(count: float, unit: str) -> str:
    """A large number with a prefix: 1.23 TFLOP."""
    for prefix, size in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6)):
        if count >= size:
            return f"{count / size:.3g} {prefix}{unit}"
    return f"{count:.0f} {unit}"


def filled(
    model: BlackBox,
    folder: RunFolder,
    prompts: Sequence[Prompt],
    batch_size: BatchSize,
    *,
    rows: bool = False,
    say: Callable[[str], None] | None = None,
) -> int:
    """The batch size of a run; `auto` is measured once, kept in `run.json` as `filling`, and used again by a resume.

    Args:
        model: who is asked; `auto` sets its `token_budget`.
        folder: of the run.
        prompts: still to be asked.
        batch_size: a number, or `auto`.
        rows: whether prompts are rows of their own in what follows, or in a part of it.
        say: is told what was chosen.
    """
    if batch_size != "auto":
        return int(batch_size)
    own = white_box(model)
    if own is None or own.exact or not prompts:
        return USUAL_BATCH
    stored = folder.manifest.model_dump().get("filling")
    if stored is None:
        found = choose_filling(own, prompts)
        folder.update(filling=found.as_dict())
        if say is not None:
            say(found.line())
    else:
        found = Filling.from_dict(stored)
    own.token_budget = found.token_budget
    return found.rows if rows else PROMPTS


@contextmanager
def head_timed(model: BlackBox, profile: Profile | None) -> Iterator[None]:
    """Counts the output layer's time by itself while the block runs, where a profile is open."""
    own = white_box(model)
    if own is None or profile is None:
        yield
        return
    import torch

    if own.module.device.type != "cpu":
        profile.wait = torch.accelerator.synchronize
    whole: Any = own.module
    head = whole.get_output_embeddings()
    kept = vars(head).get("forward")
    plain = head.forward

    def timed(*rest: Any, **named: Any) -> Any:
        with phase("head"):
            return plain(*rest, **named)

    # Not a hook: hooks make a model's prompts rows of their own.
    head.forward = timed
    try:
        yield
    finally:
        if kept is None:
            del head.forward
        else:
            head.forward = kept


def _threads() -> int:
    import torch

    return torch.get_num_threads()
