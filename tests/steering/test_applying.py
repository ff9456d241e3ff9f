"""Steering equals a hand-made hook, touches no pad, adds up in any order, and leaves nothing behind."""

from __future__ import annotations

import pytest
import torch

from culturescope.errors import BadInputError
from culturescope.models.blockhooks import residual_of, with_residual
from culturescope.prompts import Prompt
from culturescope.steering.applying import Edit, steered
from culturescope.steering.vector import Origin, SteeringVector
from tests.tiny import BLOCKS, FAMILIES, HIDDEN

PROMPTS = [Prompt.of(f"Which one? {'word ' * n}A or B?") for n in (1, 9, 4, 14, 2)]


def vector(seed: int, blocks=tuple(range(BLOCKS)), scale: float = 0.4) -> SteeringVector:
    generator = torch.Generator().manual_seed(seed)
    return SteeringVector(
        {b: scale * torch.randn(HIDDEN, generator=generator) for b in blocks},
        Origin(label=f"v{seed}", method="test"),
    )


def letters(model, prompts=PROMPTS, batch_size=8, share=True) -> torch.Tensor:
    found = torch.empty(len(prompts), 2, dtype=torch.float64)
    for indices, readings in model.read_letters(prompts, batch_size=batch_size, share=share):
        for n, reading in zip(indices, readings, strict=True):
            found[n] = torch.tensor(reading.logits, dtype=torch.float64)
    return found


def hooks_of(model) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.module.modules())


def by_hand(model, prompt, changes) -> torch.Tensor:
    """One prompt without padding, with `h + changes[block]` at every token."""
    handles = [
        model.blocks[b].register_forward_hook(lambda m, a, out, v=v: with_residual(out, residual_of(out) + v))
        for b, v in changes.items()
    ]
    try:
        return letters(model, [prompt])[0]
    finally:
        for handle in handles:
            handle.remove()


@pytest.mark.parametrize("family", FAMILIES)
def test_steered_batches_equal_single_prompts_with_a_hand_made_hook(tiny_loaded, family):
    model = tiny_loaded(family)
    v = vector(1)
    before = letters(model)
    for block in range(BLOCKS):
        with v.applied(model, 0.7, blocks=[block]):
            together = letters(model)
        for n, prompt in enumerate(PROMPTS):
            expected = by_hand(model, prompt, {block: 0.7 * v[block]})
            assert torch.allclose(together[n], expected, rtol=0, atol=1e-5)
        assert (together - before).abs().max() > 1e-3, "a change that nothing shows proves nothing"


@pytest.mark.parametrize("family", FAMILIES)
def test_padding_and_batch_size_do_not_matter(tiny, family):
    from culturescope.models import load

    v, single = vector(2), None
    for side in ("left", "right"):
        model = load(tiny(family), padding_side=side)
        if single is None:
            single = torch.stack([by_hand(model, p, {b: 0.5 * v[b] for b in range(BLOCKS)}) for p in PROMPTS])
        with v.applied(model, 0.5):
            for batch_size in (1, 8, 32):
                found = letters(model, batch_size=batch_size, share=False)
                assert torch.allclose(found, single, rtol=0, atol=1e-5)


@pytest.mark.parametrize("family", ["gemma2", "gpt2", "llama"])
@pytest.mark.parametrize("positions", ["all", "prompt", "last", "generated", "from:0", "from:7", "from:-3"])
def test_prompts_that_share_passes_are_steered_as_alone(tiny_loaded, family, positions):
    model = tiny_loaded(family)
    prompts = [*PROMPTS, Prompt.of(f"Which one? {'word ' * 9}A or C?"), PROMPTS[0]]
    for alpha in (0.7, [0.7, 0.1, 0.5, 0.2, 0.7, 0.3, 0.9]):
        with steered(model, [Edit(vector(9), alpha=alpha, positions=positions)]):
            alone = letters(model, prompts, share=False)
            before = model.work
            assert torch.allclose(letters(model, prompts, batch_size=3), alone, atol=1e-4)
        work = model.work - before
        # Coefficients a prompt, and places that are counted from its end, keep every prompt a row of its own.
        together = isinstance(alpha, float) and positions != "from:-3"
        assert (work.tokens_computed < work.tokens_asked) == together
        if positions != "generated":
            assert not torch.allclose(alone, letters(model, prompts), atol=1e-3)


def test_pads_are_never_steered(tiny_loaded):
    model = tiny_loaded("llama")
    seen = {}

    def record(module, arguments, output):
        seen["after"] = residual_of(output).clone()

    ids = model.encode(PROMPTS[:2])
    with vector(3, [1]).applied(model, 2.0):
        handle = model.blocks[1].register_forward_hook(record)
        model.module(**model.batch(ids))
        handle.remove()
    steered_states = seen["after"]
    handle = model.blocks[1].register_forward_hook(record)
    model.module(**model.batch(ids))
    handle.remove()
    moved = (steered_states - seen["after"]).abs().amax(dim=-1) > 1e-4
    assert torch.equal(moved, model.batch(ids)["attention_mask"].bool())


def test_zero_is_bit_equal_and_an_exception_leaves_no_hook(tiny_loaded):
    model = tiny_loaded("qwen2")
    plain, hooks = letters(model), hooks_of(model)
    with vector(4).applied(model, 0.0):
        assert torch.equal(letters(model), plain)
    with vector(4).applied(model, [0.0, 0.5, 0.0, 0.5, 0.0]):
        mixed = letters(model, batch_size=1)
    alone = letters(model, batch_size=1, share=False)
    assert torch.equal(mixed[[0, 2, 4]], alone[[0, 2, 4]])
    while_steered = []
    with pytest.raises(ZeroDivisionError), vector(4).applied(model, 1.0):
        while_steered.append(hooks_of(model)) or 1 / 0
    assert while_steered[0] > hooks
    with (
        pytest.raises(BadInputError),
        steered(model, [Edit(vector(4)), Edit(vector(5), positions="nowhere")]),
    ):
        pass
    assert hooks_of(model) == hooks
    assert model.edits == []
    assert torch.equal(letters(model), plain)


def test_nested_steering_adds_up_and_ends_in_any_order(tiny_loaded):
    model = tiny_loaded("mistral")
    a, b = vector(6), vector(7)
    with (a + b).applied(model, 0.3):
        together = letters(model)
    outer, inner = a.applied(model, 0.3), b.applied(model, 0.3)
    outer.__enter__()
    inner.__enter__()
    assert torch.allclose(letters(model), together, atol=1e-5)
    outer.__exit__(None, None, None)
    with_b = letters(model)
    assert [e["label"] for e in model.edits] == ["v7"]
    inner.__exit__(None, None, None)
    with b.applied(model, 0.3):
        assert torch.equal(letters(model), with_b)
    assert model.edits == []


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_of_one_batch_carry_their_own_coefficients_and_axes(tiny_loaded, family):
    model = tiny_loaded(family)
    x, y = vector(8), vector(9)
    alphas = [0.1, -0.4, 0.0, 0.25, 1.0]
    with steered(model, [Edit(x, alphas), Edit(y, alphas[::-1])]):
        together = letters(model)
    for n, prompt in enumerate(PROMPTS):
        changes = {b: alphas[n] * x[b] + alphas[-1 - n] * y[b] for b in range(BLOCKS)}
        assert torch.allclose(together[n], by_hand(model, prompt, changes), rtol=0, atol=1e-5)
    with pytest.raises(BadInputError, match="2 coefficients"), x.applied(model, [0.1, 0.2]):
        letters(model)


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        ("all", [[0, 1, 2, 3], [0], [0], [0], [0]]),
        ("prompt", [[0, 1, 2, 3], [], [], [], []]),
        ("generated", [[], [0], [0], [0], [0]]),
        ("last", [[3], [], [], [], []]),
        ("from:2", [[2, 3], [0], [0], [0], [0]]),
        ("from:-1", [[3], [0], [0], [0], [0]]),
    ],
)
@pytest.mark.parametrize("family", FAMILIES)
def test_steered_positions_in_prefill_and_four_steps_of_decoding(tiny_loaded, family, positions, expected):
    """A recorder behind the steered block compares what came in with what went out, pass by pass."""
    model = tiny_loaded(family)
    block, passes = 1, []
    plain = {}
    before = model.blocks[block].register_forward_hook(
        lambda m, a, out: plain.__setitem__("h", residual_of(out).clone())
    )
    prompts = [Prompt.of("A or B?"), Prompt.of("A or B? " * 3)]
    try:
        with vector(10, [block]).applied(model, 3.0, positions=positions):
            after = model.blocks[block].register_forward_hook(
                lambda m, a, out: passes.append((residual_of(out) - plain["h"]).abs().amax(dim=-1) > 1e-4)
            )
            model.generate(prompts, max_new_tokens=5)
            after.remove()
    finally:
        before.remove()
    assert len(passes) == 5, "one pass over the prompts and four steps"
    lengths = [len(model.chat.ids(model.chat.text(p))) for p in prompts]
    longest = max(lengths)
    order = sorted(range(2), key=lambda n: -lengths[n])
    for row, n in enumerate(order):
        pads, length = longest - lengths[n], lengths[n]
        wanted = {
            "all": set(range(length)),
            "prompt": set(range(length)),
            "generated": set(),
            "last": {length - 1},
            "from:2": set(range(2, length)),
            "from:-1": {length - 1},
        }[positions]
        assert set(torch.nonzero(passes[0][row]).flatten().tolist()) == {pads + p for p in wanted}
        for step in passes[1:5]:
            assert step.shape[1] == 1, "decoding goes token by token, over the cache"
            assert bool(step[row, 0]) == bool(expected[1])


@pytest.mark.parametrize("family", FAMILIES)
def test_the_steered_stream_equals_a_hand_made_hook_s(tiny_loaded, family):
    """Behind every block, the first and the last included, within 1e-6 of h + alpha v in units of the stream."""
    model, kept = tiny_loaded(family), {}
    v = vector(12)
    batch = model.batch(model.encode(PROMPTS[:3]))

    def run() -> torch.Tensor:
        with torch.inference_mode():
            model.module(**batch)
        return kept.pop("h")

    for block in range(BLOCKS):
        keep = lambda m, a, out: kept.update(h=residual_of(out).clone())  # noqa: E731
        handle = model.blocks[block].register_forward_hook(keep)
        plain = run()
        handle.remove()
        with v.applied(model, 0.3, blocks=[block]):
            handle = model.blocks[block].register_forward_hook(keep)
            found = run()
            handle.remove()
        real = batch["attention_mask"].bool()
        expected = torch.where(real[..., None], plain + 0.3 * v[block], plain)
        assert torch.allclose(found, expected, rtol=0, atol=1e-6 * max(1.0, float(plain.abs().max())))


def test_operators(tiny_loaded):
    model = tiny_loaded("llama")
    v, kept = vector(11, [1]), {}
    batch = model.batch(model.encode(PROMPTS[:1]))

    def state(operator: str | None, alpha: float) -> torch.Tensor:
        handles = []
        context = v.applied(model, alpha, operator=operator or "add")
        with context:
            handles.append(
                model.blocks[1].register_forward_hook(
                    lambda m, a, out: kept.__setitem__("h", residual_of(out))
                )
            )
            with torch.inference_mode():
                model.module(**batch)
        handles[0].remove()
        return kept["h"][0]

    plain = state(None, 0.0)
    unit = v[1] / v[1].norm()
    assert torch.allclose(state("project-out", 1.0) @ unit, torch.zeros(len(plain)), atol=1e-5)
    assert torch.allclose(state("keep-norm", 1.5).norm(dim=-1), plain.norm(dim=-1), rtol=1e-5)
    assert torch.allclose(state("add", 1.5), plain + 1.5 * v[1], atol=1e-6)
    with pytest.raises(BadInputError, match="operator"), v.applied(model, 1.0, operator="multiply"):  # type: ignore[arg-type]
        pass


def test_identity_tells_steered_from_unsteered(tiny_loaded):
    from culturescope.runs.keys import SampleKey

    model = tiny_loaded("llama")

    def key() -> str:
        return SampleKey.of(model.identity, prompt_sha256="p", scorer_version="1").digest

    plain, keys = key(), set()
    for v, alpha, where in (
        (vector(1), 0.1, "all"),
        (vector(1), 0.2, "all"),
        (vector(2), 0.1, "all"),
        (vector(1), 0.1, "last"),
    ):
        with v.applied(model, alpha, positions=where):
            keys.add(key())
    assert len(keys) == 4
    assert plain not in keys
    assert key() == plain


def test_a_vector_of_another_model_is_refused(tiny_loaded):
    model = tiny_loaded("llama")
    wide = SteeringVector({0: torch.ones(HIDDEN + 1)}, Origin(label="wide", method="test"))
    with pytest.raises(BadInputError, match="width 33"), wide.applied(model):
        pass
    deep = SteeringVector({BLOCKS: torch.ones(HIDDEN)}, Origin(label="deep", method="test"))
    with pytest.raises(BadInputError, match="block 3"), deep.applied(model):
        pass
