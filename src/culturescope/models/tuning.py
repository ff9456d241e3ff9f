"""How the machine is used: threads for the cores at hand, and parts of the blocks compiled."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from culturescope.errors import ModelError

if TYPE_CHECKING:
    from torch import nn

ATTENTIONS = ("sdpa", "eager")
"""Attention functions under which prompts share beginnings; others that transformers knows read them one a row."""
_THREADS_CHOSEN = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")


def use_threads(count: int | None = None) -> int:
    """Sets how many threads torch computes with, and returns it.

    Without a count, what the user has set stands (OMP_NUM_THREADS, torch.set_num_threads to fewer); otherwise torch gets no
    more threads than this process may use cores: torch itself does not see a container's limit, and threads that wait for
    a core cost more than they bring.

    Raises:
        ModelError: the count is not positive.
    """
    import torch

    if count is not None:
        if count < 1:
            raise ModelError(f"threads must be at least 1, not {count}")
        torch.set_num_threads(count)
    elif not any(os.environ.get(name) for name in _THREADS_CHOSEN):
        cores = available_cores()
        if torch.get_num_threads() > cores:
            torch.set_num_threads(cores)
    return torch.get_num_threads()


def available_cores(root: Path = Path("/")) -> int:
    """Cores that this process may use: its affinity, and the limits of its control groups (Linux).

    Args:
        root: where `proc` and `sys` are.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([cores, *(math.ceil(share) for share in _quotas(root))]))


def _quotas(root: Path) -> list[float]:
    """Cores allowed by each control group that this process is in."""
    groups = root / "sys/fs/cgroup"
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        lines = []
    own = next((line[3:].strip("/") for line in lines if line.startswith("0::")), "")
    found = []
    for folder in (groups / own, *(groups / parent for parent in Path(own).parents), groups):
        found.append(_quota(_words(folder / "cpu.max")))
    for name in ("cpu", "cpu,cpuacct"):  # the first version of control groups
        folder = groups / name
        found.append(_quota([*_words(folder / "cpu.cfs_quota_us"), *_words(folder / "cpu.cfs_period_us")]))
    return [share for share in found if share is not None]


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def _quota(words: list[str]) -> float | None:
    try:
        quota, period = map(int, words)
    except ValueError:  # no such file, or "max"
        return None
    return quota / period if quota > 0 and period > 0 else None


def compile_blocks(blocks: Sequence[nn.Module]) -> int:
    """Compiles what the blocks do to each token by itself; returns how many parts.

    Attention stays as it is: in shared passes its shape is another one every time, and each would be compiled anew.
    """
    count = 0
    for block in blocks:
        for name, part in block.named_children():
            if "attn" not in name and "attention" not in name and any(True for _ in part.parameters()):
                part.compile(dynamic=True)
                count += 1
    return count
