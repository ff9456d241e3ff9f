"""Changes measured on prompts that share beginnings: those of prompts steered alone, each token computed once."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
import torch

import culturescope as cs
from culturescope.errors import BadInputError, ModelError
from culturescope.experiments.steer.measuring import measure
from culturescope.instrument import load_pack
from culturescope.models import load
from culturescope.models.gradients import letter_gradients, summed_gradients
from culturescope.models.letter_head import letters_alone
from culturescope.models.prefixes import needed
from culturescope.models.resuming import Rows, batches, letters_under, record
from culturescope.models.trees import Tree
from culturescope.prompts import Prompt, templates
from tests.models.test_sharing import MIXED
from tests.steering.test_applying import by_hand, vector
from tests.tiny import BLOCKS, FAMILIES

# Both orders and wordings of two situations, a prompt asked twice, one that begins another, some that share nothing.
PROMPTS = [*MIXED[:3], *MIXED[16:20], Prompt.of("Which one, A or B?")]
V = vector(20)
CHANGES = [
    {},
    *(
        {b: sign * V[b] for b in blocks}
        for blocks in ((0,), (1,), (BLOCKS - 1,), (0, 1), (0, BLOCKS - 1), (1, BLOCKS - 1))
        for sign in (1, -1)
    ),
]


@contextmanager
def counted(model, part):
    """How many tokens go through a part of every block, without hooks, which would keep prompts from sharing."""
    seen = [0] * len(model.blocks)
    replaced = []

    def count(number, plain):
        def forward(hidden, *rest, **named):
            seen[number] += hidden.shape[0] * hidden.shape[1]
            return plain(hidden, *rest, **named)

        return forward

    for number, block in enumerate(model.blocks):
        module = getattr(block, part)
        replaced.append(module)
        module.forward = count(number, module.forward)
    try:
        yield seen
    finally:
        for module in replaced:
            del module.forward


@pytest.mark.parametrize("family", FAMILIES)
def test_changes_of_a_tree_equal_prompts_steered_alone(tiny_loaded, family):
    model = tiny_loaded(family)
    ids = model.encode(PROMPTS)
    recorded = record(model, ids)
    assert isinstance(recorded.laid, Tree)
    assert recorded.laid.tokens == needed(ids) < sum(map(len, ids)) / 1.5
    assert recorded.laid.stops_at_ends(), "the last block runs at the ends alone"
    assert recorded.states[BLOCKS - 1].shape[1] == len(set(map(tuple, ids)))
    in_turn = letters_under(model, recorded, CHANGES, rows=1)
    together = letters_under(model, recorded, CHANGES, rows=1000)
    assert torch.allclose(in_turn.logits, together.logits, rtol=0, atol=1e-5)
    for n in (1, 6, 12):
        change = CHANGES[n]
        expected = torch.stack([by_hand(model, prompt, change) for prompt in PROMPTS])
        assert torch.allclose(in_turn.logits[n], expected, rtol=0, atol=1e-5)
    alone = _exact(model, ids)
    assert torch.allclose(in_turn.logits, alone.logits, rtol=0, atol=1e-5)
    assert torch.allclose(in_turn.logsumexp, alone.logsumexp, rtol=0, atol=1e-5)


def _exact(model, ids):
    model.exact = True
    try:
        recorded = record(model, ids)
        assert isinstance(recorded.laid, Rows)
        return letters_under(model, recorded, CHANGES)
    finally:
        model.exact = False


def test_a_change_computes_the_tokens_of_the_tree_behind_its_block_and_the_ends_in_the_last(tiny):
    model = load(tiny("qwen2"))
    ids = model.encode(PROMPTS)
    tree, ends = needed(ids), len(set(map(tuple, ids)))
    record(model, ids[:1]).laid.stops_at_ends()  # the checks of the model are done
    with counted(model, "mlp") as seen:
        recorded = record(model, ids)
        assert seen == [tree, tree, ends]
        letters_under(model, recorded, [{0: V[0]}])
        assert seen == [tree, 2 * tree, 2 * ends]
        letters_under(model, recorded, [{2: V[2]}, {1: V[1]}, {}])
        assert seen == [tree, 2 * tree, 3 * ends]
        record(model, ids, [0], letters=False)
        assert seen == [2 * tree, 2 * tree, 3 * ends], "no block after the last one that is asked for"
    with pytest.raises(BadInputError, match="not recorded"):
        letters_under(model, record(model, ids, [0], letters=False), [{}])


@pytest.mark.parametrize("family", ["llama", "gpt2", "mixtral"])
@pytest.mark.parametrize("start", range(BLOCKS))
def test_changes_start_from_a_recording_that_stopped_at_them(tiny_loaded, family, start):
    model = tiny_loaded(family)
    ids = model.encode(PROMPTS)
    change = {start: V[start]}
    found = letters_under(model, record(model, ids, [start], letters=False), [change])
    expected = letters_under(model, record(model, ids), [change])
    assert torch.allclose(found.logits, expected.logits, rtol=0, atol=1e-6)


def test_batches_cover_every_prompt_and_keep_to_their_size(tiny_loaded):
    model = tiny_loaded("llama")
    ids = model.encode(MIXED)
    for size in (1, 3, 64):
        found = list(batches(model, ids, size, range(BLOCKS)))
        assert sorted(n for batch in found for n in batch) == list(range(len(ids)))
        tokens = [record(model, [ids[n] for n in batch], [0], letters=False).laid.tokens for batch in found]
        assert max(tokens) <= size * max(map(len, ids))
        assert needed(ids) <= sum(tokens) <= sum(map(len, ids))


def test_a_record_keeps_to_its_memory(tiny_loaded, monkeypatch):
    from culturescope.models import resuming

    model = tiny_loaded("llama")
    ids = model.encode(MIXED)
    one = max(map(len, ids))
    monkeypatch.setattr(resuming, "RECORD_BYTES", 2 * one * BLOCKS * model.hidden_size * 4)
    for batch in batches(model, ids, 64, range(BLOCKS)):
        recorded = record(model, [ids[n] for n in batch])
        taken = sum(state.numel() * 4 for state in recorded.states.values())
        assert taken <= resuming.RECORD_BYTES
    monkeypatch.setattr(resuming, "RECORD_BYTES", 1)
    assert all(len({tuple(ids[n]) for n in batch}) == 1 for batch in batches(model, ids, 64, [0]))


def test_a_last_block_that_lets_tokens_meet_is_run_whole(tiny, monkeypatch):
    """Its check finds out, and the numbers stay."""
    model = load(tiny("llama"))
    ids = model.encode(PROMPTS)
    expected = letters_under(model, record(model, ids), CHANGES)
    other = load(tiny("llama"))
    monkeypatch.setattr(Tree, "at_ends", lambda self, rows: self.whole(rows) + 1)
    recorded = record(other, ids)
    assert not recorded.laid.stops_at_ends()
    found = letters_under(other, recorded, CHANGES)
    assert torch.allclose(found.logits, expected.logits, rtol=0, atol=1e-5)


def test_hooks_and_models_that_cannot_share_get_rows(tiny):
    from tests.models.test_sharing import _recurrent

    model = load(tiny("qwen2"))
    ids = model.encode(PROMPTS)
    handle = model.blocks[0].register_forward_hook(lambda *_: None)
    assert isinstance(record(model, ids).laid, Rows)
    handle.remove()
    assert isinstance(record(model, ids).laid, Tree)
    recurrent = _recurrent(tiny)
    assert isinstance(record(recurrent, ids).laid, Rows)
    assert "would differ" in recurrent.unshared_because


def test_half_precision_shares_within_its_noise(tiny):
    half, full = load(tiny("qwen2"), dtype="bfloat16"), load(tiny("qwen2"))
    ids = half.encode(PROMPTS)
    exact = letters_under(full, record(full, ids), CHANGES).logits
    shared = letters_under(half, record(half, ids), CHANGES).logits
    half.exact = True
    rows = letters_under(half, record(half, ids), CHANGES).logits
    assert 0 < (shared - exact).abs().max() < 2 * (rows - exact).abs().max()


@pytest.mark.parametrize("family", ["gemma3", "gpt2"])
def test_measuring_is_the_same_with_sharing_on_and_off(tiny_loaded, family):
    model = tiny_loaded(family)
    scenarios, pack = cs.scenarios(split="optimise", limit=2), load_pack()
    shared = measure(model, scenarios, CHANGES, pack, templates(2), batch_size=5, rows=10)
    model.exact = True
    try:
        exact = measure(model, scenarios, CHANGES, pack, templates(2), batch_size=5, rows=10)
    finally:
        model.exact = False
    for name in ("d", "b", "mass"):
        assert getattr(shared, name) == pytest.approx(getattr(exact, name), abs=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_summed_gradients_are_sums_of_single_ones(tiny_loaded, family):
    model = tiny_loaded(family)
    ids = model.encode([*MIXED[:4], MIXED[3], *MIXED[16:20]])
    sums = [
        [(ids[0], 0.5), (ids[1], -0.5), (ids[2], 0.25), (ids[3], -0.25), (ids[4], 2.0)],
        [(ids[5], 1.0)],
        [(ids[6], -1.0), (ids[7], 3.0), (ids[8], 1.0)],
    ]
    single = letter_gradients(model, ids, batch_size=1)
    expected = torch.stack([sum(weight * single[ids.index(row)] for row, weight in each) for each in sums])
    assert expected.norm(dim=-1).min() > 0.01, "gradients of zero prove nothing"
    for batch_size in (1, 6, 64):
        found = summed_gradients(model, sums, batch_size=batch_size)
        assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5)
    model.exact = True
    try:
        assert torch.allclose(summed_gradients(model, sums), expected, rtol=1e-4, atol=1e-5)
    finally:
        model.exact = False
    assert all(p.requires_grad and p.grad is None for p in model.module.parameters())
    assert "forward" not in vars(model.module.get_output_embeddings())


def test_gradients_do_without_the_attention_whose_way_back_is_broken(tiny_loaded):
    model, seen = tiny_loaded("llama"), []
    handle = model.blocks[0].register_forward_hook(
        lambda *_: seen.append(torch.backends.cuda.cudnn_sdp_enabled())
    )
    before = torch.backends.cuda.cudnn_sdp_enabled()
    try:
        summed_gradients(model, [[(ids, 1.0)] for ids in model.encode(MIXED[:2])])
    finally:
        handle.remove()
    assert seen
    assert not any(seen)
    assert torch.backends.cuda.cudnn_sdp_enabled() == before


def test_gradients_that_are_no_numbers_are_refused(tiny):
    model = load(tiny("llama"))
    with torch.no_grad():
        model.module.get_output_embeddings().weight.fill_(torch.nan)
    ids = model.encode(MIXED[:2])
    for gradients in (
        lambda: letter_gradients(model, ids),
        lambda: summed_gradients(model, [[(ids[0], 1.0)]]),
    ):
        with pytest.raises(ModelError, match="not finite numbers in float32"):
            gradients()


def test_gradients_compute_each_sums_tree_once_and_the_letters_rows_alone(tiny):
    model = load(tiny("qwen2"))
    ids = model.encode(MIXED[:8])
    sums = [[(row, 1.0) for row in ids[:4]], [(row, 1.0) for row in ids[4:]]]
    summed_gradients(model, sums)
    trees = needed(ids[:4]) + needed(ids[4:])
    widths, plain = [], model.module.forward

    def forward(**named):
        output = plain(**named)
        widths.append(output.logits.shape[-1])
        return output

    model.module.forward = forward
    with counted(model, "mlp") as seen:
        summed_gradients(model, sums)
        assert seen == [trees, trees, len(ids)]
        letter_gradients(model, ids)
    del model.module.forward
    assert set(widths) == {2}


def test_logits_that_depend_on_each_other_are_all_computed(tiny):
    """As where a model masks tokens of its vocabulary by their place."""
    model = load(tiny("qwen2"))
    ids = model.encode(MIXED[:2])
    plain = model.module.forward

    def forward(**named):
        output = plain(**named)
        output.logits = output.logits - output.logits.logsumexp(dim=-1, keepdim=True) * 0.5
        output.logits = output.logits * (output.logits.shape[-1] / 100)
        return output

    model.module.forward = forward
    stack, places = letters_alone(model)
    stack.close()
    assert places == [token.id for token in model.identity.letters]
    assert "forward" not in vars(model.module.get_output_embeddings())
    assert letter_gradients(model, ids).norm() > 0
    with pytest.raises(BadInputError, match="at least one prompt"):
        summed_gradients(model, [[(ids[0], 1.0)], []])


def test_the_ends_are_checked_with_the_whole_vocabulary_where_the_first_words_do_not_do(tiny, monkeypatch):
    """As where some words are masked by their place."""
    monkeypatch.setattr("culturescope.models.letter_head._FEW", 4)
    model = load(tiny("qwen2"))
    ids = model.encode(MIXED[:3])
    passes = model.shared_passes(ids)
    plain, widths = model.module.forward, set()

    def forward(**named):
        output = plain(**named)
        widths.add(output.logits.shape[-1])
        output.logits[..., 90] += 0
        return output

    model.module.forward = forward
    assert Tree.of(model, passes, ids)._ends_suffice()
    assert 4 in widths
    assert len(widths) == 2
