"""The real default model: its letters, and its readings against a plain loop."""

from __future__ import annotations

import pytest

from culturescope.models import packaged
from culturescope.prompts import Prompt
from tests.models.plain import plain_logits

DILEMMAS = [
    Prompt.of(
        "Maya's grandmother asks her to come to the temple on Sunday. Maya had planned to rest.\n"
        "A: Maya goes with her grandmother.\nB: Maya stays at home.\nAnswer with one letter, A or B."
    ),
    Prompt.of(
        "A colleague asks you to sign a petition against a new rule at work.\n"
        "A: You sign.\nB: You do not sign.\nAnswer with one letter, A or B.",
        system="You are a cautious person who answers B. A",
    ),
    Prompt.of("The town votes on a new law. A: yes. B: no.", system="You live in Denmark."),
]


def test_its_letters_and_identity(default_model):
    identity = default_model.identity
    assert [(token.letter, token.id, token.text) for token in identity.letters] == [
        ("A", 49, "A"),
        ("B", 50, "B"),
    ]
    assert (identity.family, identity.blocks, identity.dtype) == ("llama", 30, "float32")
    assert identity.parameters == 134_515_008
    assert identity.extra["gguf_sha256"] == packaged.SMOLLM2_135M.gguf_sha256
    assert default_model.hidden_size == 576


def test_it_reads_its_own_template_and_ends_its_turns(default_model):
    assert default_model.show(Prompt.of("Hello")) == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    )
    assert default_model.tokenizer.eos_token == "<|im_end|>"
    (text,) = default_model.generate([Prompt.of("What is the capital of France?")], max_new_tokens=24)
    assert "Paris" in text
    assert "<|im" not in text


def test_readings_equal_the_plain_loop(default_model):
    letters = [token.id for token in default_model.identity.letters]
    for indices, readings in default_model.read_letters(DILEMMAS, batch_size=3):
        for index, reading in zip(indices, readings, strict=True):
            text = default_model.show(DILEMMAS[index])
            ids = default_model.tokenizer(text)["input_ids"]
            expected = plain_logits(default_model.module, ids)[-1]
            assert reading.logits == pytest.approx(expected[letters].tolist(), abs=1e-4)
            assert reading.logprobs == pytest.approx(expected.log_softmax(-1)[letters].tolist(), abs=1e-4)
