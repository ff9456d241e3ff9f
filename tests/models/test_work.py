"""Tokens, arithmetic, peak: what is counted is what torch itself counts."""

from __future__ import annotations

import json

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from culturescope.experiments.steer.measuring import measure
from culturescope.experiments.steer.quality import Writing, write_rows
from culturescope.experiments.steer.slopes import slopes
from culturescope.instrument import load_pack, select
from culturescope.models import load, peak
from culturescope.models.arithmetic import Arithmetic
from culturescope.models.batching import Work, padded_work, written_work
from culturescope.models.prefixes import needed, needed_work, plan
from culturescope.models.resuming import letters_under, record
from culturescope.prompts import templates
from culturescope.prompts.neutral import neutral_prompts
from culturescope.steering.fitting import read_pairs
from tests.models.plain import PROMPTS

COUNTED = ("llama", "qwen3", "gemma3", "olmo2", "phi3", "gpt_neox", "gpt2")


def counted_by_torch(model, **options):
    with FlopCounterMode(display=False) as counter:
        list(model.read_letters(PROMPTS, **options))
    return counter.get_total_flops()


@pytest.mark.parametrize("family", COUNTED)
def test_arithmetic_is_what_torch_counts(family, tiny):
    # Torch's counter sees the products of eager attention one by one.
    model = load(tiny(family), attn_implementation="eager")
    for share in (False, True):
        list(model.read_letters(PROMPTS[:2], share=share))  # checks what can be shared, outside of the count
        before = model.work
        found = counted_by_torch(model, batch_size=3, share=share)
        assert (model.work - before).flops == pytest.approx(found, rel=0.01)
        assert (model.work - before) == model.expected_work(PROMPTS, batch_size=3, share=share)
        assert model.work.flops_needed <= model.work.flops


def test_experts_count_as_far_as_a_token_meets_them(tiny_loaded):
    model = tiny_loaded("mixtral")
    config = model.module.config
    experts = 3 * config.hidden_size * config.intermediate_size * config.num_experts_per_tok
    heads, kept, width = config.num_attention_heads, config.num_key_value_heads, config.head_dim
    width = width or config.hidden_size // heads
    attention = 2 * config.hidden_size * width * (heads + kept)
    router = config.hidden_size * config.num_local_experts
    assert model.arithmetic.per_token == 2 * len(model.blocks) * (experts + attention + router)


def test_needed_pairs_are_those_of_each_prompt_with_shared_ones_once():
    costs = Arithmetic(per_token=0, per_pair=1, per_read=0, blocks=1)
    rows = [[1, 2, 3, 4], [1, 2, 3, 5], [1, 9]]
    # 1+2+3+4 for the first, 4 for the last token of the second, 2 for that of the third.
    assert needed_work(rows, costs).flops_needed == 16
    assert needed_work(rows, costs).tokens_needed == needed(rows) == 6
    reads = Arithmetic(per_token=0, per_pair=0, per_read=1, blocks=1)
    assert needed_work([*rows, rows[0]], reads).flops_needed == 3  # equal prompts are read once
    assert sum(step.flops(reads) for step in plan([*rows, rows[0]], batch_size=2)) == 3


def test_pads_and_all_logits_are_arithmetic_too():
    costs = Arithmetic(per_token=1, per_pair=0, per_read=100, blocks=2)
    assert padded_work([4, 2], costs).flops == 8 + 200
    assert padded_work([4, 2], costs, all_logits=True).flops == 8 + 800
    assert padded_work([4, 2]).flops == 0
    assert costs.flops(10, 0, 1, blocks=1) == 5 + 100


def test_written_tokens_are_counted_with_what_they_see():
    costs = Arithmetic(per_token=0, per_pair=1, per_read=0, blocks=1)
    # Two rows of 3: 9 pairs each, then two more steps that see 4 and 5 tokens.
    assert written_work([3, 3], 3, costs).flops == 2 * (9 + 4 + 5)
    assert written_work([3, 2], 3, costs).written == 6
    assert written_work([3, 2], 3, costs).tokens_padding == 1


def test_generated_text_is_work(tiny_loaded):
    model = tiny_loaded("qwen2")
    before = model.work
    written = model.generate_ids(PROMPTS[:2], max_new_tokens=3)
    work = model.work - before
    assert work.written >= max(map(len, written))
    assert work.flops > model.arithmetic.flops(sum(model.content_tokens(PROMPTS[:2])), 0, 0)


def test_works_add_and_subtract_in_every_count():
    one = Work(*range(1, 9))
    assert one + one - one == one
    assert one - one == Work()


def test_the_peak_is_measured_once_and_can_only_grow(tmp_path, monkeypatch):
    monkeypatch.setenv("CULTURESCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(peak, "_SECONDS", 0.001)
    monkeypatch.setattr(peak, "_SIZES_CPU", (64,))
    first = peak.matmul_peak("float32", "cpu")
    assert first > 1e6
    stored = json.loads((tmp_path / "home" / peak.NAME).read_text())
    assert list(stored.values()) == [pytest.approx(first, rel=1e-6)]
    (tmp_path / "home" / peak.NAME).write_text(json.dumps(dict.fromkeys(stored, 5e18)))
    assert peak.matmul_peak("float32", "cpu") == 5e18
    assert peak.matmul_peak("float32", "cpu", again=True) == 5e18
    peak.matmul_peak("bfloat16", "cpu")
    assert len(json.loads((tmp_path / "home" / peak.NAME).read_text())) == 2
    monkeypatch.setattr(torch, "get_num_threads", lambda: 63)
    assert peak.matmul_peak("float32", "cpu") != 5e18  # other threads, another peak


@pytest.mark.parametrize("content", ["", "[]", '{"a": ', '{"x": "fast"}'])
def test_a_damaged_file_of_peaks_is_measured_again(content, tmp_path, monkeypatch):
    monkeypatch.setenv("CULTURESCOPE_HOME", str(tmp_path))
    monkeypatch.setattr(peak, "_SECONDS", 0.001)
    monkeypatch.setattr(peak, "_SIZES_CPU", (64,))
    (tmp_path / peak.NAME).write_text(content)
    assert peak.matmul_peak("float32", "cpu") > 0


def test_a_cache_that_cannot_be_written_costs_nothing_but_the_measurement(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CULTURESCOPE_HOME", str(tmp_path / "file" / "home"))
    monkeypatch.setattr(peak, "_SECONDS", 0.001)
    monkeypatch.setattr(peak, "_SIZES_CPU", (64,))
    assert peak.matmul_peak("float32", "cpu") > 0


def test_resumed_passes_count_the_blocks_that_they_run(tiny):
    model = load(tiny("llama"), attn_implementation="eager")
    ids = model.encode(PROMPTS)
    costs = {}
    for way in ("rows", "tree", "exact"):
        model._reader.unshared_because = "switched off" if way == "rows" else None
        model.exact = way == "exact"
        recorded = record(model, ids)
        before = model.work
        with FlopCounterMode(display=False) as counter:
            letters_under(model, recorded, [{1: torch.ones(model.hidden_size)}])
        costs[way] = (model.work - before).flops
        if way != "tree":  # there the last block runs at the ends alone, which is not counted
            assert costs[way] == pytest.approx(counter.get_total_flops(), rel=0.01)
    assert costs["tree"] < costs["rows"] < costs["exact"]


def test_recordings_that_stop_count_the_blocks_up_to_there(tiny):
    model = load(tiny("llama"), attn_implementation="eager")
    ids = model.encode(PROMPTS)
    record(model, ids[:1])  # the checks of the model are done
    for way in ("rows", "tree", "exact"):
        model._reader.unshared_because = "switched off" if way == "rows" else None
        model.exact = way == "exact"  # nothing stops early there
        for block in range(len(model.blocks) - 1):
            before = model.work
            with FlopCounterMode(display=False) as counter:
                recorded = record(model, ids, [block], letters=False)
            assert (recorded.letters is None) == (way != "exact")
            assert (model.work - before).flops == pytest.approx(counter.get_total_flops(), rel=0.01)


def test_texts_are_counted_as_often_as_they_are_read(tiny_loaded):
    """Each way to read counts its texts: letters, changes, slopes, contrast texts, writing, and what quality reads."""
    loaded, pack, wordings = tiny_loaded("qwen3"), load_pack(), templates(["plain"])
    scenarios = select(pack, split="evaluate", limit=3)

    def counted(act):
        before = loaded.work
        act()
        done = loaded.work - before
        assert (done.tokens_read > 0) == (done.prompts > 0)
        return done.prompts, done.readings, done.written

    step = {1: torch.full((loaded.hidden_size,), 0.1)}
    assert counted(lambda: list(loaded.read_letters(PROMPTS))) == (len(PROMPTS), 0, 0)
    assert counted(lambda: measure(loaded, scenarios, [{}, step, step], pack, wordings)) == (6, 12, 0)
    assert counted(lambda: slopes(loaded, scenarios, wordings)) == (6, 0, 0)
    assert counted(lambda: read_pairs(loaded, scenarios)) == (6, 0, 0)
    # Of every written text the prompt is read, the answer, and the prompt twice for the divergence.
    read, under, written = counted(lambda: write_rows(loaded, Writing(neutral_prompts(4), 3), []))
    assert (read, under) == (16, 0)
    assert 0 < written <= 12
