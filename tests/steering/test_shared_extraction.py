"""Contrast texts that share beginnings: the activations of texts read alone, each token computed once."""

from __future__ import annotations

import pytest
import torch

import culturescope as cs
from culturescope.models import load
from culturescope.models.answered import AnsweredTokens, answered_tokens
from culturescope.models.prefixes import needed
from culturescope.prompts.contrast import contrast_pairs, site
from culturescope.steering.extraction import activations
from tests.models.test_sharing import _recurrent
from tests.models.test_trees import counted
from tests.tiny import BLOCKS, FAMILIES

SCENARIOS = cs.scenarios(split="optimise", limit=4)


def texts_of(model, where):
    """Contrast texts, with one that is asked twice, one that begins another, and one that shares a part of its answer."""
    pairs = contrast_pairs(SCENARIOS, site(where))
    texts = answered_tokens(model, [text for pair in pairs for text in (*pair.positive, *pair.negative)])
    first = texts[0]
    if where != "answer-letter":
        texts += [
            AnsweredTokens(first.ids[:-1], first.start),
            AnsweredTokens((*first.ids[:-2], 5, 6), first.start),
        ]
    return [*texts, texts[3]]


def exact(model, texts, blocks, read):
    model.exact = True
    try:
        return activations(model, texts, blocks, read=read)
    finally:
        model.exact = False


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("where", ["option-text", "option-mean", "answer-letter"])
def test_shared_activations_are_those_of_texts_read_alone(tiny_loaded, family, where):
    model, read = tiny_loaded(family), site(where).read
    texts = texts_of(model, where)
    for blocks in (range(BLOCKS), [1]):
        expected = exact(model, texts, blocks, read)
        for batch_size in (1, 8, 32):
            found = activations(model, texts, blocks, read=read, batch_size=batch_size)
            alike = torch.nn.functional.cosine_similarity(found.states, expected.states, dim=-1)
            assert alike.min() > 0.99999
            assert torch.allclose(found.states, expected.states, rtol=0, atol=1e-5)
            assert torch.allclose(found.median_norms, expected.median_norms, rtol=1e-6)
    assert model.unshared_because is None


@pytest.mark.parametrize("family", ["gemma2", "gpt2"])
def test_vectors_do_not_depend_on_sides_or_sharing(tiny, family):
    alone = load(tiny(family))
    alone.exact = True
    expected = cs.fit_vector(alone, SCENARIOS, batch_size=1)
    for side in ("left", "right"):
        for share in (True, False):
            model = load(tiny(family), padding_side=side)
            model.exact = not share
            found = cs.fit_vector(model, SCENARIOS, batch_size=8)
            moving = [block for block in found.blocks if expected.norm(block) > 1e-4]
            assert moving, "a vector of zeros proves nothing"
            assert all(found.cosine(expected, block) > 0.99999 for block in moving)


def test_every_token_is_computed_once_and_nothing_behind_the_last_block(tiny):
    model = load(tiny("llama"))
    texts = texts_of(model, "option-text")
    ids = [text.ids for text in texts]
    activations(model, texts[:2], [1])  # the checks of the model are done
    ends = len(set(ids))
    for blocks, expected in (
        ([0, 1, 2], [needed(ids), needed(ids), ends]),
        ([0, 1], [needed(ids), ends, 0]),
        ([0], [needed(ids), 0, 0]),
    ):
        with counted(model, "mlp") as seen:
            activations(model, texts, blocks, batch_size=3)
        assert seen == expected
    head, ran = model.module.get_output_embeddings(), []
    plain = head.forward
    head.forward = lambda hidden: ran.append(hidden) or plain(hidden)
    activations(model, texts, [0, 1, 2])
    del head.forward
    assert ran == []


def test_a_model_that_cannot_share_reads_texts_one_a_row(tiny):
    model = _recurrent(tiny)
    texts = texts_of(model, "option-text")
    found = activations(model, texts, [0, 1, 2], batch_size=1)
    assert "would differ" in model.unshared_because
    single = torch.cat([activations(model, [text], [0, 1, 2]).states for text in texts])
    assert torch.allclose(found.states, single, rtol=0, atol=1e-5)
