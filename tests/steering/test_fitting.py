"""Directions: planted ones are found, extraction equals a hand-made reading, controls have no meaning."""

from __future__ import annotations

import pytest
import torch

import culturescope as cs
from culturescope.errors import BadInputError
from culturescope.models.answered import answered_tokens
from culturescope.models.blockhooks import residual_of
from culturescope.prompts.contrast import contrast_pairs, site
from culturescope.steering.directions import logistic, mean_difference, uncentred_pca
from culturescope.steering.fitting import fit, random_like, read_pairs, shuffled
from tests.tiny import BLOCKS, FAMILIES, HIDDEN

SCENARIOS = cs.scenarios(split="optimise", limit=7)


def by_hand(model, text, block, read) -> torch.Tensor:
    """One text without padding: the residual stream behind the block at the answer."""
    (tokens,) = answered_tokens(model, [text])
    kept = {}
    handle = model.blocks[block].register_forward_hook(lambda m, a, out: kept.update(h=residual_of(out)[0]))
    try:
        with torch.inference_mode():
            model.module(**model.batch([tokens.ids]))
    finally:
        handle.remove()
    answer = kept["h"][tokens.start :]
    return answer[-1] if read == "last" else answer.mean(dim=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_block_equals_a_hand_made_hook(tiny_loaded, family):
    model = tiny_loaded(family)
    v = cs.fit_vector(
        model, SCENARIOS[:3], site="answer-letter" if family in ("gpt2", "qwen3") else "option-text"
    )
    where = site(v.origin.site)
    assert v.blocks == tuple(range(BLOCKS))
    pairs = contrast_pairs(SCENARIOS[:3], where)
    for block in v.blocks:
        differences = [
            torch.stack([by_hand(model, t, block, where.read) for t in p.positive]).mean(0)
            - torch.stack([by_hand(model, t, block, where.read) for t in p.negative]).mean(0)
            for p in pairs
        ]
        # In units of the stream: float32 has seven digits.
        unit = max(1.0, v.origin.median_norm[block])
        assert torch.allclose(v[block], torch.stack(differences).mean(dim=0), rtol=0, atol=1e-6 * unit)


@pytest.mark.parametrize(
    ("family", "where"),
    [
        *((family, "option-text") for family in FAMILIES),
        ("gemma2", "option-mean"),
        ("gemma2", "answer-letter"),
    ],
)
def test_batches_and_padding_change_no_direction(tiny, family, where):
    from culturescope.models import load

    few, compared = SCENARIOS[:3], 0
    single = cs.fit_vector(load(tiny(family)), few, site=where, batch_size=1)
    for side in ("left", "right"):
        model = load(tiny(family), padding_side=side)
        for batch_size in (8, 32):
            v = cs.fit_vector(model, few, site=where, batch_size=batch_size)
            for block in v.blocks:
                if (
                    single.norm(block) > 1e-4
                ):  # behind a window that does not reach the options nothing differs
                    assert v.cosine(single, block) > 0.99999
                    compared += 1
    assert compared >= 4


@pytest.mark.parametrize("family", ["llama", "gemma3_vlm", "gpt2"])
def test_neither_norm_nor_head_nor_later_blocks_run(tiny_loaded, family):
    model = tiny_loaded(family)
    head, later = model.module.get_output_embeddings(), model.blocks[2]
    ran = []
    handles = [m.register_forward_pre_hook(lambda m, a: ran.append(m)) for m in (head, later)]
    try:
        v = cs.fit_vector(model, SCENARIOS, blocks=[0, 1])
    finally:
        for handle in handles:
            handle.remove()
    assert v.blocks == (0, 1)
    assert ran == []


@pytest.mark.parametrize("family", FAMILIES)
def test_the_answer_is_read_where_it_ends(tiny_loaded, family):
    model = tiny_loaded(family)
    for name in ("option-text", "answer-letter"):
        for pair in contrast_pairs(SCENARIOS, site(name)):
            for text in (*pair.positive, *pair.negative):
                (tokens,) = answered_tokens(model, [text])
                written = model.chat.decode(list(tokens.ids[tokens.start :]))
                assert written.strip() == text.answer.strip()[-len(written.strip()) :]
                assert (
                    len(written.strip()) >= len(text.answer.strip()) - 2
                )  # a first token may join the prompt's last


def test_answer_letter_pairs_balance_the_letters():
    for pair in contrast_pairs(SCENARIOS, site("answer-letter")):
        assert (
            sorted(t.answer for t in pair.positive) == sorted(t.answer for t in pair.negative) == ["A", "B"]
        )


def planted(noise: float = 1.0, pairs: int = 40):
    """Pairs with a large meaning of their own, which both poles share, and a small common step between the poles."""
    generator = torch.Generator().manual_seed(5)
    direction = torch.nn.functional.normalize(torch.randn(HIDDEN, generator=generator), dim=0)
    content = 5 * torch.randn(pairs, HIDDEN, generator=generator)
    positive = content + 2 * direction + noise * torch.randn(pairs, HIDDEN, generator=generator)
    negative = content - 2 * direction + noise * torch.randn(pairs, HIDDEN, generator=generator)
    return positive, negative, direction


@pytest.mark.parametrize("method", [mean_difference, uncentred_pca, logistic])
def test_planted_direction_is_found_with_its_sign(method):
    positive, negative, direction = planted(pairs=160)
    found = method(positive, negative)
    assert torch.nn.functional.cosine_similarity(found, direction, dim=0) > 0.9
    assert torch.nn.functional.cosine_similarity(method(negative, positive), direction, dim=0) < -0.9


def test_centred_pca_would_lose_it():
    """Why the differences are not centred."""
    positive, negative, direction = planted()
    difference = positive - negative
    centred = torch.linalg.svd(difference - difference.mean(0), full_matrices=False).Vh[0]
    assert abs(float(centred @ direction)) < 0.5 < float(uncentred_pca(positive, negative) @ direction)


def test_a_method_is_a_function(tiny_loaded):
    def first_pair(positive, negative):
        return positive[0] - negative[0]

    v = cs.fit_vector(tiny_loaded("llama"), SCENARIOS, method=first_pair)
    assert v.origin.method == "first_pair"
    with pytest.raises(BadInputError, match="shape"):
        cs.fit_vector(tiny_loaded("llama"), SCENARIOS, method=lambda p, n: p - n)
    with pytest.raises(BadInputError, match="mean-difference"):
        cs.fit_vector(tiny_loaded("llama"), SCENARIOS, method="best")


def test_origin_says_where_a_vector_comes_from(tiny_loaded):
    model = tiny_loaded("llama")
    v = cs.fit_vector(model, SCENARIOS, "X")
    o = v.origin
    assert (o.label, o.method, o.site, o.split) == ("X", "mean-difference", "option-text", "optimise")
    assert o.pairs == sum(s.item.startswith("X") for s in SCENARIOS)
    assert (o.model, o.weights_sha256) == (model.identity.name, model.identity.weights_sha256)
    assert (o.block_count, o.hidden_size) == (BLOCKS, HIDDEN)
    for block in v.blocks:
        assert v.dose(v.alpha_for(0.15, block), block) == pytest.approx(0.15)
        assert v.gaps(1.0, block) == pytest.approx(1.0), "the mean difference itself is one gap"
    assert cs.fit_vector(model, SCENARIOS, item="X01").origin.pairs == 1
    with pytest.raises(BadInputError, match="Z9"):
        cs.fit_vector(model, SCENARIOS, item="Z9")


def test_fitting_while_steering_is_an_error(tiny_loaded):
    model = tiny_loaded("llama")
    v = cs.fit_vector(model, SCENARIOS)
    with pytest.raises(BadInputError, match="being steered"), v.applied(model, 0.1):
        cs.fit_vector(model, SCENARIOS)


def test_controls_have_the_norm_and_no_meaning(tiny_loaded):
    states = read_pairs(tiny_loaded("llama"), SCENARIOS)
    v = fit(states, "X")
    for seed in range(3):
        control = random_like(v, seed)
        for block in v.blocks:
            assert control.norm(block) == pytest.approx(v.norm(block), rel=1e-5)
        assert control.sha256 == random_like(v, seed).sha256
    positive, negative, direction = planted(pairs=400)
    states = type(states)(positive[:, None], negative[:, None], torch.ones(1), (0,), v.origin)
    found = fit(shuffled(states, 1), "X")[0]
    assert float(found @ direction) == pytest.approx(0, abs=0.3)
    assert float(fit(states, "X")[0] @ direction) > 3.5


def test_algebra(tiny_loaded):
    states = read_pairs(tiny_loaded("qwen2"), SCENARIOS)
    x, y = fit(states.of(range(3)), "X"), fit(states.of(range(3, 7)), "Y")
    assert torch.allclose((x + y)[1], x[1] + y[1])
    assert torch.allclose((2 * x - y)[0], 2 * x[0] - y[0])
    assert torch.equal((-x)[2], -x[2])
    assert abs(x.without(y).cosine(y, 1)) < 1e-5
    left = x.without(y, random_like(x, 1))
    assert abs(left.cosine(y, 1)) < 1e-5, "projecting out two directions that are not at right angles"
    assert (x.at([0]) + y.at([2])).blocks == (0, 2)
    with pytest.raises(BadInputError, match="no direction for block 1"):
        x.at([0])[1]


def test_projecting_out_nothing_takes_nothing(tiny_loaded):
    """A direction of zero length, or the same one twice, has no direction of its own to take out."""
    x = fit(read_pairs(tiny_loaded("qwen2"), SCENARIOS), "X")
    zero = 0.0 * x
    assert all(torch.allclose(x.without(zero)[b], x[b]) for b in x.blocks)
    y = random_like(x, 1)
    assert all(torch.allclose(x.without(y, 3 * y, zero)[b], x.without(y)[b], atol=1e-6) for b in x.blocks)
    assert x.without() is x
