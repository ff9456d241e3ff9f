"""Shared beginnings: nothing computed twice, and the letters are those of prompts that are read alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from culturescope import fit_vector, scenarios
from culturescope.errors import ModelError
from culturescope.models import load, sharing
from culturescope.models.batching import Work, padded_batches
from culturescope.models.prefixes import needed, plan
from culturescope.models.sharing import allows_sharing
from culturescope.prompts import Prompt
from tests.models.plain import PROMPTS, plain_logits
from tests.tiny import FAMILIES, HIDDEN

PERSONA = "You are a person who thinks about family, work and the law. " * 3
SITUATIONS = ("Your sister wants to move to the city. ", "The old law should stay, says the council. ")
TREE = [
    Prompt.of(f"{situation}Option A: {a}. Option B: {b}. {wording}", system=system)
    for system in (PERSONA, PERSONA + "You answer with B.")
    for situation in SITUATIONS
    for a, b in (("help her", "ask her to stay"), ("ask her to stay", "help her"))
    for wording in ("A or B?", "Answer with one letter, A or B.")
]
# A prompt that is asked twice, one that begins another, and some that share nothing.
MIXED = [*TREE, TREE[3], Prompt.of("A"), Prompt.of("A or B?"), Prompt.of("A or B? A"), *PROMPTS[5:7]]


def letters(model: Any, prompts: list[Prompt] = MIXED, **how: Any) -> torch.Tensor:
    """Logits and log-probabilities (prompts, 4), in the order of the prompts."""
    found = torch.full((len(prompts), 4), torch.nan, dtype=torch.float64)
    for indices, readings in model.read_letters(prompts, **how):
        for index, reading in zip(indices, readings, strict=True):
            assert found[index].isnan().all()  # every prompt once
            found[index] = torch.tensor([*reading.logits, *reading.logprobs], dtype=torch.float64)
    return found


def alone(model: Any, prompts: list[Prompt] = MIXED) -> torch.Tensor:
    """The same by transformers alone, prompt by prompt; all hooks on the model act."""
    ids = [token.id for token in model.identity.letters]
    rows = []
    for row in model.encode(prompts):
        last = plain_logits(model.module, row)[-1].double()
        rows.append(torch.cat([last[ids], last.log_softmax(-1)[ids]]))
    return torch.stack(rows)


@pytest.fixture(scope="module")
def expected(tiny_loaded):
    known: dict[str, torch.Tensor] = {}

    def of(family):
        if family not in known:
            known[family] = alone(tiny_loaded(family))
        return known[family]

    return of


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_shared_letters_are_those_of_prompts_read_alone(family, batch_size, tiny_loaded, expected):
    model = tiny_loaded(family)
    before = model.work
    found = letters(model, batch_size=batch_size)
    assert (found - expected(family)).abs().max() < 1e-4
    assert model.unshared_because is None
    work = model.work - before
    assert work.tokens_computed == work.tokens_needed < work.tokens_asked / 2
    assert work.tokens_padding == 0
    assert work.tokens_asked == sum(model.content_tokens(MIXED))
    assert work == model.expected_work(MIXED, batch_size=batch_size)


@pytest.mark.parametrize("family", FAMILIES)
def test_both_switches_and_both_padding_sides_read_one_prompt_a_row(family, tiny, tiny_loaded, expected):
    model = tiny_loaded(family)
    right = load(tiny(family), padding_side="right")
    for how in ({"share": False}, {}):
        right.exact = not how
        before = right.work
        assert (letters(right, batch_size=5, **how) - expected(family)).abs().max() < 1e-4
        work = right.work - before
        assert work.tokens_computed == work.tokens_asked > work.tokens_needed
        assert work.tokens_padding > 0
        assert work == right.expected_work(MIXED, batch_size=5, share=False)
    assert (letters(model, batch_size=5, share=False) - expected(family)).abs().max() < 1e-4


@pytest.mark.parametrize("call_cost", [0, 1 << 40])
@pytest.mark.parametrize("stored", [0, 40, 1 << 30])
@pytest.mark.parametrize("family", ["gemma3", "gpt2", "mistral"])
def test_no_cut_of_the_attention_and_no_cap_on_what_is_stored_changes_a_letter(
    family, call_cost, stored, tiny_loaded, expected, monkeypatch
):
    model = tiny_loaded(family)
    bytes_a_token = model._reader._shared(model.encode(TREE[:1]))._bytes_a_token()
    monkeypatch.setattr(sharing, "_CALL_COST_CPU", call_cost)
    monkeypatch.setattr(sharing, "STORED_BYTES", stored * bytes_a_token)
    before = model.work
    assert (letters(model, batch_size=4) - expected(family)).abs().max() < 1e-4
    work = model.work - before
    assert (work.tokens_computed > work.tokens_needed) == (stored < 1 << 30)


def test_what_is_stored_takes_the_bytes_that_were_reckoned(tiny_loaded):
    model = tiny_loaded("qwen3")  # whose heads are wider than the hidden size divided by their number
    passes = model._reader._shared(model.encode(TREE[:1]))
    step, *_ = passes.plan(model.encode(TREE), 3)
    with torch.inference_mode():
        _, stored = passes.run(step, [])
    taken = sum(part.numel() * part.element_size() for pair in stored for part in pair)
    assert taken == len(step.kept) * passes._bytes_a_token() > 0


@pytest.mark.parametrize("family", FAMILIES)
def test_a_vector_added_at_all_tokens_does_the_same_shared_and_alone(family, tiny_loaded):
    model = tiny_loaded(family)
    vector = torch.linspace(-1, 1, HIDDEN)

    @allows_sharing
    def add(_block, _args, output):
        hidden = output[0] if isinstance(output, tuple) else output
        real = model.layout.real[..., None] if model.layout else True
        moved = torch.where(torch.as_tensor(real), hidden + vector, hidden)
        return (moved, *output[1:]) if isinstance(output, tuple) else moved

    unsteered = alone(model)
    handle = model.blocks[1].register_forward_hook(add)
    try:
        steered = alone(model)
        before = model.work
        assert (letters(model, batch_size=5) - steered).abs().max() < 1e-4
        work = model.work - before
        assert work.tokens_computed == work.tokens_needed
        assert (letters(model, batch_size=5, share=False) - steered).abs().max() < 1e-4
    finally:
        handle.remove()
    assert (steered - unsteered).abs().max() > 0.01  # the hook does something
    assert model.layout is None


def test_hooks_can_tell_positions_and_the_place_of_the_answer(tiny_loaded):
    """A vector that depends on the position, and one at the answer alone."""
    model = tiny_loaded("llama")
    vector = torch.linspace(-1, 1, HIDDEN)
    layouts = []

    @allows_sharing
    def add(_block, _args, output):
        where = model.layout
        layouts.append(where)
        early = where.real & (where.positions < 30) & (where.positions % 3 == 0)
        return output + (early | where.reads)[..., None] * vector

    def add_alone(_block, _args, output):
        positions = torch.arange(output.shape[1])
        chosen = (positions < 30) & (positions % 3 == 0) | (positions == output.shape[1] - 1)
        return output + chosen[None, :, None] * vector

    handle = model.blocks[0].register_forward_hook(add_alone)
    steered = alone(model)
    handle.remove()
    handle = model.blocks[0].register_forward_hook(add)
    try:
        assert (letters(model, batch_size=5) - steered).abs().max() < 1e-4
        assert {layout.shared for layout in layouts} == {True}
        assert any(layout.stored for layout in layouts)
        assert sorted(n for layout in layouts for n in layout.prompts) == list(range(len(MIXED)))
        layouts.clear()
        assert (letters(model, batch_size=5, share=False) - steered).abs().max() < 1e-4
        assert {layout.shared for layout in layouts} == {False}
        lengths = model.content_tokens(MIXED)
        for layout in layouts:
            assert layout.real.sum(dim=1).tolist() == [lengths[n] for n in layout.prompts]
    finally:
        handle.remove()


def test_a_hook_that_relies_on_rows_is_not_shared(tiny_loaded):
    model = tiny_loaded("qwen2")
    seen = []

    def record(_block, _args, output):
        seen.append(output.shape[0])

    handle = model.blocks[0].register_forward_hook(record)
    try:
        before = model.work
        letters(model, batch_size=8)
        assert model.work - before == model.expected_work(MIXED, batch_size=8)
    finally:
        handle.remove()
    assert sum(seen) == len(MIXED)


def test_the_check_is_not_seen_by_hooks(tiny):
    model = load(tiny("qwen2"))
    seen = []
    hook = allows_sharing(lambda _block, _args, output: seen.append(output.shape[:2]))
    model.blocks[0].register_forward_hook(hook)
    list(model.read_letters(PROMPTS[:1]))
    assert seen == [(1, len(model.encode(PROMPTS[:1])[0]))]


def test_other_hooks_between_two_passes_find_nothing_stored(tiny_loaded):
    model = tiny_loaded("mistral")
    vector = torch.linspace(-1, 1, HIDDEN)
    hook = allows_sharing(lambda _block, _args, output: output + vector)
    unsteered = alone(model)
    handle = model.blocks[0].register_forward_hook(hook)
    steered = alone(model)
    handle.remove()
    passes = model.read_letters(MIXED, batch_size=5)
    first, readings = next(passes)
    expected = unsteered.clone()
    found = {n: reading.logits for n, reading in zip(first, readings, strict=True)}
    handle = model.blocks[0].register_forward_hook(hook)
    try:
        for indices, readings in passes:
            found |= {n: reading.logits for n, reading in zip(indices, readings, strict=True)}
            expected[indices] = steered[indices]
    finally:
        handle.remove()
    assert sorted(found) == list(range(len(MIXED)))
    for n, logits in found.items():
        assert logits == pytest.approx(expected[n, :2].tolist(), abs=1e-4)


def test_two_readings_at_once_do_not_mix(tiny_loaded, expected):
    model = tiny_loaded("gemma2")
    other = list(reversed(MIXED))
    found = {}
    one, two = model.read_letters(MIXED, batch_size=3), model.read_letters(other, batch_size=2)
    for (here, first), (there, second) in zip(one, two, strict=False):
        found |= {n: reading.logits for n, reading in zip(here, first, strict=True)}
        last = len(MIXED) - 1
        for n, reading in zip(there, second, strict=True):
            assert reading.logits == pytest.approx(expected("gemma2")[last - n, :2].tolist(), abs=1e-4)
    assert len(found) == len(MIXED)
    for n, logits in found.items():
        assert logits == pytest.approx(expected("gemma2")[n, :2].tolist(), abs=1e-4)


def test_half_precision_differs_by_its_own_noise_only(tiny):
    model = load(tiny("qwen2"), dtype="bfloat16")
    full = alone(load(tiny("qwen2")))
    shared, rows = letters(model, batch_size=4), letters(model, batch_size=4, share=False)
    assert model.unshared_because is None
    noise = (rows - full).abs().max()
    assert 0 < (shared - full).abs().max() < 2 * noise


def _recurrent(tiny) -> Any:
    """A model whose tokens also meet outside of attention, as in convolutions or recurrent blocks."""
    model = load(tiny("qwen2"))
    block = model.blocks[1].mlp
    plain = block.forward
    block.forward = lambda hidden: plain(hidden) + 0.1 * hidden.cumsum(dim=1)
    return model


def test_a_model_whose_tokens_meet_elsewhere_is_read_row_by_row(tiny):
    model = _recurrent(tiny)
    found = letters(model, batch_size=1)
    assert "would differ" in model.unshared_because
    assert (found - alone(model)).abs().max() < 1e-4


@pytest.mark.parametrize("missing", ["position_ids", "attention_mask", "logits_to_keep"])
def test_a_forward_that_cannot_place_tokens_is_read_row_by_row(missing, tiny, expected):
    model = load(tiny("qwen2"))
    model._accepts -= {missing}
    found = letters(model, batch_size=1)
    assert missing in model.unshared_because
    assert (found - expected("qwen2")).abs().max() < 1e-4


def test_an_unknown_attention_is_read_row_by_row(tiny, expected):
    model = load(tiny("qwen2"))
    for block in model.blocks:
        attention = block.self_attn
        plain = attention.forward

        def forward(*args: Any, plain: Any = plain, **named: Any) -> Any:
            if named["attention_mask"] is not None and named["attention_mask"].numel() == 1:
                named["attention_mask"] = None  # as a model that makes its masks by itself
            return plain(*args, **named)

        attention.forward = forward
    found = letters(model, batch_size=1)
    assert "masks" in model.unshared_because
    assert (found - expected("qwen2")).abs().max() < 1e-4


def test_an_embedding_that_stretches_with_the_longest_prompt_is_not_shared(tiny):
    from types import SimpleNamespace

    def module(**config: Any) -> Any:
        text = SimpleNamespace(max_position_embeddings=900, **config)
        return SimpleNamespace(config=SimpleNamespace(get_text_config=lambda: text))

    stretches = sharing.stretches_with_length
    assert stretches(module(rope_parameters={"rope_type": "default"})) is None
    assert stretches(module(rope_parameters=None)) is None
    assert stretches(module(rope_parameters={"rope_type": "dynamic"})) == 900
    longrope = {"rope_type": "longrope", "original_max_position_embeddings": 300}
    assert stretches(module(rope_parameters=longrope)) == 300
    assert stretches(module(rope_scaling={"type": "longrope"}, original_max_position_embeddings=200)) == 200
    model = load(tiny("qwen2"))
    model._reader._stretches = 20
    letters(model)
    assert model._reader._passes is None


def test_checks_compute_the_first_words_alone_where_the_model_allows_it(tiny, monkeypatch):
    """Large vocabularies: contrast texts never bring the whole output layer into memory."""
    monkeypatch.setattr("culturescope.models.letter_head._FEW", 40)
    plain, widths = torch.nn.functional.linear, set()

    def linear(hidden, weight, bias=None):
        widths.add(weight.shape[0])
        return plain(hidden, weight, bias)

    model = load(tiny("qwen2"))
    whole = model.module.get_output_embeddings().weight.shape[0]
    monkeypatch.setattr(torch.nn.functional, "linear", linear)
    fit_vector(model, scenarios()[:2])
    assert whole not in widths
    assert 40 in widths
    assert model.unshared_because is None
    assert "forward" not in vars(model.module.get_output_embeddings())


def test_first_words_that_are_all_unused_hide_no_difference(tiny, monkeypatch):
    """Their logits agree whatever the model does."""
    monkeypatch.setattr("culturescope.models.letter_head._FEW", 4)
    model = _recurrent(tiny)
    with torch.no_grad():
        model.module.get_output_embeddings().weight[:4] = 0
    letters(model, TREE)
    assert "would differ" in model.unshared_because


def test_a_model_that_needs_its_whole_vocabulary_is_checked_with_it(tiny, monkeypatch, expected):
    """As where some words are masked by their place: the first words alone would be an index out of range."""
    monkeypatch.setattr("culturescope.models.letter_head._FEW", 4)
    model = load(tiny("qwen2"))
    plain, widths = model.module.forward, []

    def forward(**named):
        output = plain(**named)
        widths.append(output.logits.shape[-1])
        output.logits[..., 90] += 0
        return output

    model.module.forward = forward
    found = letters(model)
    assert widths[0] == 4
    assert model.unshared_because is None
    assert (found - expected("qwen2")).abs().max() < 1e-4


def test_not_a_number_is_refused_as_before(tiny):
    model = load(tiny("qwen2"))
    list(model.read_letters(TREE))
    with torch.no_grad():
        model.module.lm_head.weight.fill_(float("nan"))
    with pytest.raises(ModelError, match="not finite"):
        list(model.read_letters(TREE))
    assert model.layout is None
    assert model.module.config._attn_implementation == "sdpa"  # nothing of the pass stays behind


ROWS = st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=8), max_size=14)


@settings(max_examples=150, deadline=None)
@given(
    rows=ROWS,
    batch_size=st.integers(1, 6),
    budget=st.sampled_from([1, 10, 4096]),
    most_stored=st.sampled_from([0, 1, 3, 1 << 20]),
    call_cost=st.sampled_from([0.0, 5.0, 1e9]),
)
def test_every_token_sees_the_beginning_of_its_prompt_and_nothing_else(
    rows, batch_size, budget, most_stored, call_cost
):
    stored: list[int] = []
    seen: list[int] = []
    computed = 0
    how = {"batch_size": batch_size, "budget": budget, "most_stored": most_stored, "call_cost": call_cost}
    for step in plan(rows, **how):
        assert step.stored == len(stored) <= most_stored
        assert len({step.reads[i] for i in range(len(step.reads))}) <= batch_size
        tokens, positions = [*stored, *step.tokens], [*range(step.stored), *step.positions]
        sees = {}
        for segment in step.segments:
            for column in range(segment.start, segment.stop):
                keys = [*segment.before, *range(step.stored + segment.start, step.stored + segment.stop)]
                sees[column] = [k for k in keys if k - step.stored <= column < step.ends[k]]
                assert [positions[k] for k in sees[column]] == list(range(step.positions[column] + 1))
        assert sorted(sees) == list(range(len(step.tokens)))
        for prompt, column in zip(step.prompts, step.reads, strict=True):
            assert [tokens[k] for k in sees[column]] == rows[prompt]
        # The place of an answer belongs to one prompt.
        reads = {step.stored + column for column in step.reads}
        assert all(reads.isdisjoint(keys[:-1]) for keys in sees.values())
        stored = [tokens[k] for k in step.kept]
        seen += step.prompts
        computed += len(step.tokens)
    assert sorted(seen) == list(range(len(rows)))
    if most_stored > 8:
        assert computed == needed(rows)
    assert computed >= needed(rows)


def test_the_longest_prompts_come_first_within_and_between_branches():
    rows = [[1, 2, 3], [5, 6, 7, 8, 9, 9], [5, 6, 7], [1, 2, 4, 4], [8]]
    order = [n for step in plan(rows, batch_size=2) for n in step.prompts]
    assert order == [1, 2, 3, 0, 4]


def test_padded_batches_keep_to_prompts_and_tokens():
    lengths = [10, 50, 10, 30, 10, 10]
    assert list(padded_batches(lengths, batch_size=3)) == [[1, 3, 0], [2, 4, 5]]
    assert list(padded_batches(lengths, batch_size=3, budget=60)) == [[1], [3, 0], [2, 4, 5]]
    assert list(padded_batches(lengths, batch_size=9, budget=1)) == [[1], [3], [0], [2], [4], [5]]


def test_work_adds_and_subtracts():
    one = Work(10, 8, 9, 1, 2)
    assert one + one - one == one
    assert one - one == Work()
