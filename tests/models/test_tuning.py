"""Threads for the cores at hand, compiled parts, and passes filled by measurement."""

from __future__ import annotations

import os

import pytest
import torch

from culturescope.errors import ModelError
from culturescope.models import load
from culturescope.models.filling import Filling, choose_filling
from culturescope.models.tuning import available_cores, compile_blocks, use_threads
from tests.models.plain import PROMPTS


def cgroup(root, path, quota):
    folder = root / "sys/fs/cgroup" / path
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cpu.max").write_text(quota)
    (root / "proc/self").mkdir(parents=True, exist_ok=True)
    (root / "proc/self/cgroup").write_text(f"0::/{path}\n")


def test_cores_are_limited_by_every_control_group_above(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    assert available_cores(tmp_path) == 64
    cgroup(tmp_path, "a/b", "max 100000")
    assert available_cores(tmp_path) == 64
    (tmp_path / "sys/fs/cgroup/a/cpu.max").write_text("350000 100000")
    assert available_cores(tmp_path) == 4  # three and a half
    (tmp_path / "sys/fs/cgroup/cpu.max").write_text("50000 100000")
    assert available_cores(tmp_path) == 1


def test_control_groups_of_the_first_version(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    folder = tmp_path / "sys/fs/cgroup/cpu"
    folder.mkdir(parents=True)
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    (folder / "cpu.cfs_quota_us").write_text("-1\n")
    assert available_cores(tmp_path) == 64
    (folder / "cpu.cfs_quota_us").write_text("200000\n")
    assert available_cores(tmp_path) == 2


@pytest.fixture
def threads(monkeypatch):
    """Torch's threads as they were, whatever a test sets."""
    before = torch.get_num_threads()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    yield
    torch.set_num_threads(before)


def test_threads_are_only_lowered_and_the_users_choice_stands(threads, monkeypatch):
    monkeypatch.setattr("culturescope.models.tuning.available_cores", lambda: 2)
    torch.set_num_threads(3)
    assert use_threads() == 2
    torch.set_num_threads(1)
    assert use_threads() == 1
    torch.set_num_threads(3)
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert use_threads() == 3
    assert use_threads(1) == 1
    with pytest.raises(ModelError, match="at least 1, not 0"):
        use_threads(0)


def test_loading_sets_the_threads(threads, tiny):
    load(tiny("qwen2"), threads=2)
    assert torch.get_num_threads() == 2


def test_what_is_compiled_is_not_attention(tiny):
    for family in ("llama", "gpt2", "gemma3"):
        model = load(tiny(family))
        count = compile_blocks(list(model.blocks))
        assert count >= len(model.blocks)
        compiled = [n for n, part in model.module.named_modules() if part._compiled_call_impl is not None]
        assert len(compiled) == count
        assert not any("attn" in name.split(".")[-1] for name in compiled)


class Clock:
    """Time that passes with the model's tokens: `cost(tokens)` for each forward pass."""

    def __init__(self, model, cost):
        self.now = 0.0
        self.forward = model.module.forward

        def forward(*rest, **named):
            self.now += cost(named["input_ids"].numel())
            return self.forward(*rest, **named)

        model.module.forward = forward

    def __call__(self):
        return self.now


def filling_for(tiny, cost, prompts):
    model = load(tiny("qwen2"))
    work = model.work
    clock = Clock(model, cost)
    found = choose_filling(model, prompts, clock=clock)
    assert model.work == work
    assert model.token_budget is None
    return found


def test_passes_are_as_large_as_pays(tiny):
    prompts = [*PROMPTS] + [type(PROMPTS[0]).of(f"{n} {'word ' * (n % 40)}") for n in range(300)]
    free = filling_for(tiny, lambda tokens: 1.0, prompts)  # a pass costs the same, however large
    flat = filling_for(tiny, lambda tokens: tokens / 100, prompts)  # every token costs the same
    worse = filling_for(
        tiny, lambda tokens: tokens * (1 + (tokens > 600)) / 100, prompts
    )  # out of the caches
    assert free.token_budget >= 4096
    assert flat.token_budget == 256
    assert worse.token_budget <= 512
    assert [budget for budget, _ in flat.rates] == [256, 512]  # stops where nothing is gained
    assert flat.rows >= 1
    assert Filling.from_dict(flat.as_dict()) == flat
    assert "256" in flat.line()


def test_a_few_short_prompts_are_one_measurement(tiny):
    found = filling_for(tiny, lambda tokens: 1.0, PROMPTS[:2])
    assert len(found.rates) == 1


def test_a_full_memory_ends_the_measurement(tiny):
    prompts = [type(PROMPTS[0]).of(f"{n} {'word ' * (n % 40)}") for n in range(300)]

    def cost(tokens):
        if tokens > 700:
            raise torch.OutOfMemoryError("full")
        return 1.0

    assert filling_for(tiny, cost, prompts).token_budget == 512


def test_a_budget_bounds_the_passes(tiny):
    model = load(tiny("qwen2"))
    model.token_budget = 64
    whole = model.expected_work(PROMPTS, batch_size=100)
    model.token_budget = None
    assert whole.passes > model.expected_work(PROMPTS, batch_size=100).passes
