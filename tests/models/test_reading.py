"""Batches, texts and limits of a loaded model."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch

from culturescope.errors import ModelError
from culturescope.models import load
from culturescope.models.sharing import allows_sharing
from culturescope.models.writing import PromptNoise, before_end, end_ids
from culturescope.prompts import Prompt
from tests.models.plain import PROMPTS
from tests.tiny import LONGEST


def test_batches_come_longest_first_and_ties_by_index(tiny_loaded):
    model = tiny_loaded("qwen2")
    prompts = [*PROMPTS, *PROMPTS]
    lengths = model.content_tokens(prompts)
    batches = model.read_letters(prompts, batch_size=4, share=False)
    order = [index for indices, _ in batches for index in indices]
    assert order == sorted(range(len(prompts)), key=lambda index: (-lengths[index], index))


def test_reading_is_lazy_and_says_how_long_prompts_are(tiny_loaded):
    model = tiny_loaded("qwen2")
    batches = model.read_letters(PROMPTS, batch_size=2)
    indices, readings = next(batches)
    assert len(indices) == len(readings) == 2
    assert [reading.tokens for reading in readings] == [
        model.content_tokens(PROMPTS)[index] for index in indices
    ]
    assert list(model.read_letters([])) == []
    assert model.generate([], max_new_tokens=3) == []


def test_only_the_last_position_goes_through_the_output_layer(tiny, tiny_loaded):
    for side, positions in (("left", 1), ("right", len({*tiny_loaded("qwen2").content_tokens(PROMPTS)}))):
        model = load(tiny("qwen2"), padding_side=side)
        seen = []
        hook = model.module.lm_head.register_forward_hook(
            lambda _m, args, _o, seen=seen: seen.append(args[0].shape)
        )
        list(model.read_letters(PROMPTS, batch_size=len(PROMPTS)))
        assert [shape[:2] for shape in seen] == [(len(PROMPTS), positions)]
        hook.remove()
        seen.clear()
        hook = allows_sharing(lambda _m, args, _o, seen=seen: seen.append(args[0].shape))
        handle = model.module.lm_head.register_forward_hook(hook)
        list(model.read_letters(PROMPTS, batch_size=len(PROMPTS)))
        handle.remove()
        assert [shape[:2] for shape in seen] == [(1, len(PROMPTS))]


def test_a_forward_without_logits_to_keep_is_read_from_all_logits(tiny):
    for side in ("left", "right"):
        model = load(tiny("qwen2"), padding_side=side)
        expected = dict(zip(*_flat(model), strict=True))
        model._accepts -= {"logits_to_keep"}
        for index, reading in zip(*_flat(model), strict=True):
            assert reading.logits == pytest.approx(expected[index].logits, abs=1e-5)


def _flat(model):
    indices, readings = [], []
    for some, batch in model.read_letters(PROMPTS, batch_size=8):
        indices += some
        readings += batch
    return indices, readings


def test_weights_in_half_precision_are_read_in_full_precision(tiny):
    model = load(tiny("qwen2"), dtype="bfloat16")
    assert model.identity.dtype == "bfloat16"
    _, readings = _flat(model)
    assert all(math.fsum(map(math.exp, reading.logprobs)) < 1 for reading in readings)


def test_logits_that_are_no_numbers_are_refused(tiny):
    model = load(tiny("qwen2"))
    with torch.no_grad():
        model.module.lm_head.weight.fill_(float("nan"))
    with pytest.raises(ModelError, match="not finite"):
        list(model.read_letters(PROMPTS))


def test_what_is_too_long_or_out_of_range_is_one_line(tiny_loaded):
    model = tiny_loaded("gpt2")
    endless = Prompt.of("A or B? " * LONGEST)
    with pytest.raises(ModelError, match=f"prompt 1 has .* at most {LONGEST}"):
        list(model.read_letters([PROMPTS[0], endless]))
    with pytest.raises(ModelError, match=r"prompt 0 has .* and 1024 new ones"):
        model.generate(PROMPTS[:1], max_new_tokens=LONGEST)
    with pytest.raises(ModelError, match="batch size"):
        list(model.read_letters(PROMPTS, batch_size=0))
    for wrong in ({"max_new_tokens": 0}, {"max_new_tokens": 1, "temperature": -1.0}):
        with pytest.raises(ModelError, match="at least 1"):
            model.generate(PROMPTS, **wrong)


def test_drawn_text_depends_on_seed_and_prompt_only(tiny_loaded):
    model = tiny_loaded("qwen2")
    before = torch.get_rng_state()
    how = {"max_new_tokens": 6, "temperature": 0.7}
    texts = model.generate(PROMPTS, **how)
    assert torch.equal(torch.get_rng_state(), before)
    assert model.generate(PROMPTS, **how, batch_size=3) == texts
    assert model.generate(PROMPTS[4:], **how) == texts[4:]
    assert model.generate(PROMPTS, **how, seed=43) != texts


def test_noise_draws_from_the_softmax():
    scores = torch.tensor([2.0, 1.0, 0.0, -1.0])
    temperature, draws = 0.7, 4000
    noise = PromptNoise([f"prompt {index}" for index in range(draws)], 42, temperature)
    drawn = Counter(noise(torch.empty(0), scores.expand(draws, 4)).argmax(dim=-1).tolist())
    for token, share in enumerate((scores / temperature).softmax(dim=-1).tolist()):
        assert drawn[token] / draws == pytest.approx(share, abs=4 * math.sqrt(share * (1 - share) / draws))


def test_the_model_s_own_settings_do_not_bend_the_text(tiny):
    model = load(tiny("qwen2"))
    greedy = model.generate(PROMPTS, max_new_tokens=6)
    drawn = model.generate(PROMPTS, max_new_tokens=6, temperature=1.0)
    config = model.module.generation_config
    config.repetition_penalty, config.do_sample, config.top_k, config.top_p = 5.0, True, 1, 0.1
    config.temperature = 9.0
    assert model.generate(PROMPTS, max_new_tokens=6) == greedy
    assert model.generate(PROMPTS, max_new_tokens=6, temperature=1.0) == drawn


def test_text_stops_at_the_end_of_the_turn(tiny):
    model = load(tiny("gemma2"))
    end = model.tokenizer.convert_tokens_to_ids("<end_of_turn>")
    ends = end_ids(model.module, model.tokenizer, model._place.tail)
    assert end in ends
    assert end != model.tokenizer.eos_token_id
    letter = model.identity.letters[0].id
    assert before_end([letter, end, letter], ends) == [letter]


def test_the_tokens_of_an_answer_are_those_of_its_text(tiny_loaded):
    model = tiny_loaded("qwen2")
    ids = model.generate_ids(PROMPTS, max_new_tokens=6, temperature=1.0)
    assert all(0 < len(row) <= 6 for row in ids)
    texts = [model.chat.decode(row, skip_special_tokens=True) for row in ids]
    assert texts == model.generate(PROMPTS, max_new_tokens=6, temperature=1.0)
