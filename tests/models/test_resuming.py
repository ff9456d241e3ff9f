"""A change resumed from a block equals a full pass with hooks; one backward pass equals small exact changes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from culturescope.errors import BadInputError
from culturescope.models.gradients import letter_gradients
from culturescope.models.resuming import Record, Rows, _together, letters_under, record
from culturescope.models.trees import Tree
from culturescope.prompts import Prompt
from tests.steering.test_applying import by_hand, letters, vector
from tests.tiny import BLOCKS, FAMILIES, HIDDEN

PROMPTS = [Prompt.of(f"Which one? {'word ' * n}A or B?") for n in (1, 9, 4)]


@pytest.mark.parametrize("family", FAMILIES)
def test_resumed_changes_equal_full_passes(tiny_loaded, family):
    model = tiny_loaded(family)
    v = vector(20)
    blocks = [(0,), (1,), (BLOCKS - 1,), (0, 2), (1, 2)]
    changes = [{}, *({b: sign * v[b] for b in chosen} for chosen in blocks for sign in (1, -1))]
    recorded = record(model, model.encode(PROMPTS))
    in_turn = letters_under(model, recorded, changes, rows=1)
    together = letters_under(model, recorded, changes, rows=64)
    assert torch.allclose(in_turn.logits, together.logits, rtol=0, atol=1e-5)
    for n, change in enumerate(changes):
        for p, prompt in enumerate(PROMPTS):
            assert torch.allclose(in_turn.logits[n, p], by_hand(model, prompt, change), rtol=0, atol=1e-5)
    assert torch.allclose(letters(model, PROMPTS), in_turn.logits[0], rtol=0, atol=1e-5), (
        "the model is as it was"
    )
    assert bool(((in_turn.mass > 0) & (in_turn.mass <= 1)).all())


@pytest.mark.parametrize("kind", [Tree, Rows])
def test_an_accelerator_takes_as_many_changes_at_once_as_a_pass_holds(kind):
    laid = object.__new__(type("Laid", (kind,), {"prompts": 8, "tokens": 800}))
    recorded = Record(laid, {}, {}, None)
    for device, expected in (("cpu", 4), ("cuda", 40)):
        model = SimpleNamespace(module=SimpleNamespace(device=torch.device(device)), token_budget=32_768)
        assert _together(model, recorded, None) == expected
        assert _together(model, recorded, 16) == 2
        assert _together(model, recorded, 1) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_letters_in_half_precision_are_not_rounded(tiny, family):
    """In bfloat16 the output layer rounds large logits to multiples of 0.25 and more; what is measured is finer."""
    from culturescope.models import load

    model = load(tiny(family), dtype="bfloat16")
    ids = model.encode(PROMPTS)
    rounded = torch.stack(
        [model.module(**model.batch([row]), **model.quick_options).logits[0, -1].double() for row in ids]
    )[:, [token.id for token in model.identity.letters]]
    found = record(model, ids[:1]).letters.logits
    assert torch.allclose(found, rounded[:1], rtol=2**-6, atol=2**-6)
    assert not torch.equal(found, found.bfloat16().double()), "finer than the model's own logits"
    hidden = {}
    head = model.module.get_output_embeddings()
    handle = head.register_forward_pre_hook(lambda m, a: hidden.update(h=a[0][:, -1]))
    record(model, ids[:1])
    handle.remove()
    assert len(head._forward_hooks) == 0
    letters = [token.id for token in model.identity.letters]
    exact = (hidden["h"].double() @ head.weight[letters].double().T).detach()
    cap = getattr(model.module.config.get_text_config(), "final_logit_softcapping", None)
    expected = cap * torch.tanh(exact / cap) if cap else exact
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_one_backward_pass_gives_the_slope_at_every_block(tiny_loaded, family):
    model = tiny_loaded(family)
    ids = model.encode(PROMPTS)
    slopes = letter_gradients(model, ids, batch_size=2)
    assert slopes.shape == (len(PROMPTS), BLOCKS, HIDDEN)
    recorded, v = record(model, ids), vector(21, scale=3e-3)
    for block in range(BLOCKS):
        found = letters_under(model, recorded, [{block: v[block]}, {block: -v[block]}]).logits
        gap = found[..., 0] - found[..., 1]
        exact = (gap[0] - gap[1]) / 2
        estimate = (slopes[:, block] @ v[block]).double()
        assert torch.allclose(estimate, exact, rtol=0.02, atol=2e-5)
    assert all(p.grad is None for p in model.module.parameters())


def test_a_steered_model_is_refused(tiny_loaded):
    model = tiny_loaded("llama")
    ids = model.encode(PROMPTS)
    with vector(1).applied(model, 0.1):
        with pytest.raises(BadInputError, match="being steered"):
            record(model, ids)
        with pytest.raises(BadInputError, match="being steered"):
            letter_gradients(model, ids)


def test_resuming_leaves_a_forward_of_the_instance(tiny_loaded):
    """Some loaders replace the forward of single blocks: it runs, and it is there again afterwards, also after an error."""
    model = tiny_loaded("llama")
    block, v = model.blocks[0], vector(22)
    usual, calls = block.forward, []

    def own(*arguments, **named):
        calls.append(1)
        return usual(*arguments, **named)

    block.forward = own
    try:
        recorded = record(model, model.encode(PROMPTS))
        letters_under(model, recorded, [{1: v[1]}])
        assert vars(block)["forward"] is own
        with pytest.raises(RuntimeError):
            letters_under(model, recorded, [{1: v[1], 2: torch.ones(HIDDEN + 1)}])
        assert vars(block)["forward"] is own
    finally:
        del block.forward
    assert calls == [1]
    assert all("forward" not in vars(each) for each in model.blocks)
