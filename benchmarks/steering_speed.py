"""Measures what sharing and resuming save when a model is steered, and that they change no number.

    python benchmarks/steering_speed.py smollm2-135m --rounds 5

Four tasks. `extraction`: contrast pairs at all blocks, texts as rows against one tree. `blocks`: every block steered alone
with both signs, a full pass for each change against passes that resume from the block on a tree. `coefficients`: nine at
the middle block, the same two ways. `first-order`: slopes of all blocks against the full passes of `blocks`. Full passes
are the plain way done with care: sorted by length, padded batches, a hook that adds the vector, the last position's
letters only. Both ways run in every round, in alternating order. On a machine that others use, trust the CPU seconds
(`--threads 1` for the least noise).
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

import culturescope as cs
from culturescope.experiments.steer.measuring import measure
from culturescope.experiments.steer.slopes import slopes
from culturescope.instrument import Scenario, load_pack
from culturescope.models import CausalModel
from culturescope.models.answered import answered_tokens
from culturescope.models.batching import padded_batches
from culturescope.models.blockhooks import residual_of, with_residual
from culturescope.models.prefixes import needed
from culturescope.prompts import ORDERS, dilemma, templates
from culturescope.prompts.contrast import contrast_pairs, site
from culturescope.steering.extraction import activations

TASKS = ("extraction", "blocks", "coefficients", "first-order")
Change = dict[int, torch.Tensor]


def main() -> None:
    """Parse the arguments, run each task both ways in rounds, print a line a task."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("model", help="packaged name, hub id, folder or .gguf file")
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=TASKS)
    parser.add_argument("--pairs", type=int, default=90, help="contrast pairs of the extraction")
    parser.add_argument("--scenarios", type=int, default=15, help="each asked in both orders")
    parser.add_argument("--every", type=int, default=1, help="steer only every n-th block in `blocks`")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    model = cs.load(options.model, dtype=options.dtype, device=options.device)
    shown = f"{options.dtype}, {options.device}, {options.threads} threads, batch {options.batch_size}"
    print(f"{options.model}, {shown}, {options.rounds} rounds")
    for task in options.tasks:
        _TASKS[task](model, options)


def extraction(model: CausalModel, options: argparse.Namespace) -> None:
    """Contrast pairs, all blocks."""
    place = site()
    pairs = contrast_pairs(evenly(options.pairs), place)
    texts = answered_tokens(model, [text for pair in pairs for text in (*pair.positive, *pair.negative)])
    ids = [text.ids for text in texts]

    def read(exact: bool) -> torch.Tensor:
        model.exact = exact
        blocks = range(len(model.blocks))
        found = activations(model, texts, blocks, read=place.read, batch_size=options.batch_size).states
        model.exact = False
        return found.view(len(pairs), 2, *found.shape[1:]).diff(dim=1)[:, 0].mean(dim=0)

    activations(model, texts[:2], [0])
    before, after = alternating(options.rounds, lambda: read(True), lambda: read(False))
    alike = torch.nn.functional.cosine_similarity(before.result, after.result, dim=-1).min()
    title = f"extraction: {len(pairs)} pairs, {sum(map(len, ids))} tokens, {needed(ids)} needed"
    report(title, "rows", before, "tree", after, f"smallest cosine of a direction {float(alike):.7f}")


def blocks(model: CausalModel, options: argparse.Namespace) -> None:
    """Every block alone, both signs."""
    steps = unit_steps(model)
    changes = [{b: s * steps[b]} for b in range(0, len(model.blocks), options.every) for s in (1.0, -1.0)]
    compare(model, options, f"{len(changes) // 2} blocks, each alone, both signs", changes)


def coefficients(model: CausalModel, options: argparse.Namespace) -> None:
    """Nine coefficients at the middle block, zero among them."""
    middle = len(model.blocks) // 2
    step = unit_steps(model)[middle]
    changes = [{middle: float(c) * step} if c else {} for c in np.linspace(-1, 1, 9)]
    compare(model, options, f"nine coefficients at block {middle}", changes)


def first_order(model: CausalModel, options: argparse.Namespace) -> None:
    """Slopes of all blocks by one backward pass; equality is the business of `blocks` and of the tests."""
    scenarios, wordings, steps = evenly(options.scenarios, "X"), templates(1), unit_steps(model)
    both = [{b: s * v} for b, v in steps.items() for s in (1.0, -1.0)]
    some = both[: max(2, 2 * (len(both) // 2 // options.every))]
    slopes(model, scenarios[:1], wordings)
    before, after = alternating(
        options.rounds,
        lambda: full_passes(model, scenarios, some, options.batch_size),
        lambda: slopes(model, scenarios, wordings, batch_size=options.batch_size).gradients,
    )
    share = len(both) / len(some)  # every full pass takes the same time, so some of them tell it
    before = Timed(before.result, [share * t for t in before.wall], [share * t for t in before.cpu])
    report("first order: slopes at all blocks", "full", before, "slopes", after, f"{len(some)} passes timed")


def compare(model: CausalModel, options: argparse.Namespace, title: str, changes: list[Change]) -> None:
    """Changes by full passes and by `measure`."""
    scenarios, pack, wordings = evenly(options.scenarios, "X"), load_pack(), templates(1)
    ids = model.encode([dilemma(s, wordings[0], order) for s in scenarios for order in ORDERS])
    measure(model, scenarios[:1], changes[:1], pack, wordings)
    before, after = alternating(
        options.rounds,
        lambda: full_passes(model, scenarios, changes, options.batch_size),
        lambda: torch.from_numpy(
            measure(model, scenarios, changes, pack, wordings, batch_size=options.batch_size).d[..., 0]
        ),
    )
    gap = float((before.result - after.result).abs().max())
    title = f"{title}: {len(ids)} prompts, {sum(map(len, ids))} tokens, {needed(ids)} needed"
    report(title, "full", before, "resumed", after, f"largest difference of d {gap:.1e}")


def full_passes(
    model: CausalModel, scenarios: Sequence[Scenario], changes: Sequence[Change], batch_size: int
) -> torch.Tensor:
    """Value logits d (changes, scenarios), every change by a pass through the whole model."""
    rows = model.encode([dilemma(s, templates(1)[0], order) for s in scenarios for order in ORDERS])
    a, b = (token.id for token in model.identity.letters)
    gaps = torch.empty(len(changes), len(rows), dtype=torch.float64)
    for batch in padded_batches([len(row) for row in rows], batch_size=batch_size):
        inputs = model.batch([rows[n] for n in batch], padding_side="left")
        real = inputs["attention_mask"].bool()[..., None]
        for number, change in enumerate(changes):
            handles = [
                model.blocks[block].register_forward_hook(adding(vector, real))
                for block, vector in change.items()
            ]
            with torch.inference_mode():
                logits = model.module(**inputs, **model.quick_options).logits[:, -1].double().cpu()
            for handle in handles:
                handle.remove()
            gaps[number, batch] = logits[:, a] - logits[:, b]
    straight, swapped = gaps.view(len(changes), len(scenarios), 2).unbind(dim=2)
    return (straight - swapped) / 2


def adding(vector: torch.Tensor, real: torch.Tensor) -> Callable[..., object]:
    """A hook that adds a vector behind a block, at real tokens (rows, tokens, 1)."""

    def add(module: torch.nn.Module, arguments: object, output: object) -> object:
        residual = residual_of(output)
        return with_residual(output, torch.where(real, residual + vector, residual))

    return add


class Timed:
    """What a way gave, with the seconds of each round."""

    def __init__(self, result: torch.Tensor, wall: list[float], cpu: list[float]) -> None:
        self.result, self.wall, self.cpu = result, wall, cpu


def alternating(
    rounds: int, before: Callable[[], torch.Tensor], after: Callable[[], torch.Tensor]
) -> tuple[Timed, Timed]:
    """Runs both ways in every round, each of them first in turn."""
    found = [Timed(torch.empty(0), [], []), Timed(torch.empty(0), [], [])]
    for turn in range(rounds):
        for which in (0, 1) if turn % 2 == 0 else (1, 0):
            began, busy = time.perf_counter(), time.process_time()
            found[which].result = (before, after)[which]()
            found[which].wall.append(time.perf_counter() - began)
            found[which].cpu.append(time.process_time() - busy)
    return found[0], found[1]


def report(title: str, one: str, before: Timed, other: str, after: Timed, equality: str) -> None:
    """Prints both ways and their ratio, medians with the smallest and the largest value of the rounds."""
    print(title)
    for name, timed in ((one, before), (other, after)):
        print(f"  {name:8s} wall {spread(timed.wall)} s, CPU {spread(timed.cpu)} s")
    wall = [a / b for a, b in zip(before.wall, after.wall, strict=True)]
    cpu = [a / b for a, b in zip(before.cpu, after.cpu, strict=True)]
    print(f"  ratio by wall {spread(wall)}, by CPU {spread(cpu)}; {equality}", flush=True)


def evenly(count: int, axis: str = "") -> list[Scenario]:
    """Scenarios of an axis, or of all, evenly drawn."""
    known = [s for s in cs.scenarios(split="optimise") if s.item.startswith(axis)]
    return [known[len(known) * n // count] for n in range(min(count, len(known)))]


def unit_steps(model: CausalModel) -> Change:
    """A random vector of norm 1 for every block."""
    generator = torch.Generator().manual_seed(42)
    drawn = torch.randn(len(model.blocks), model.hidden_size, generator=generator)
    drawn /= drawn.norm(dim=-1, keepdim=True)
    return {block: step.to(model.module.device) for block, step in enumerate(drawn)}


def spread(values: list[float]) -> str:
    """Median with the smallest and the largest value."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


_TASKS = {
    "extraction": extraction,
    "blocks": blocks,
    "coefficients": coefficients,
    "first-order": first_order,
}

if __name__ == "__main__":
    main()
