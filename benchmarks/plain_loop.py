"""Compares the probe's letter logits with a plain transformers loop: one prompt at a time, full logits, no padding.

    python benchmarks/plain_loop.py smollm2-135m --prompts 60

Prints the largest difference of a letter's logit and of the gap between the letters, and the ratio of the times.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

import culturescope as cs
from culturescope.experiments.design import Design


def main() -> None:
    """Parse the arguments, run both ways, print one line."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("model", help="packaged name, hub id, folder or .gguf file")
    parser.add_argument("--prompts", type=int, default=60, help="evenly drawn from the full profile")
    parser.add_argument("--batch-size", type=int, default=16)
    options = parser.parse_args()

    model = cs.load(options.model)
    tasks = Design.of("full").tasks()
    chosen = np.linspace(0, len(tasks) - 1, options.prompts).astype(int)
    prompts = [tasks[n].prompt for n in chosen]

    began = time.perf_counter()
    read = np.empty((len(prompts), 2))
    for indices, readings in model.read_letters(prompts, batch_size=options.batch_size):
        read[indices] = [reading.logits for reading in readings]
    ours = time.perf_counter() - began

    began = time.perf_counter()
    letters = [letter.id for letter in model.identity.letters]
    plain = np.empty_like(read)
    for n, ids in enumerate(model.encode(prompts)):
        with torch.inference_mode():
            logits = model.module(torch.tensor([ids])).logits[0, -1]
        plain[n] = logits[letters].tolist()
    theirs = time.perf_counter() - began

    gap = np.abs(np.diff(read) - np.diff(plain)).max()
    print(
        f"{options.model}, {len(prompts)} prompts, batch {options.batch_size}: largest difference of a letter's logit "
        f"{np.abs(read - plain).max():.1e}, of the gap {gap:.1e}; plain loop takes {theirs / ours:.2f} x the time"
    )


if __name__ == "__main__":
    main()
