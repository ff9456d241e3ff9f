"""Every family: the readings are those of a plain loop over transformers, in any batch and with any padding."""

from __future__ import annotations

import pytest

from culturescope.models import WhiteBox, load
from culturescope.models.writing import end_ids
from tests.models.plain import BARE, FOLDED, PROMPTS, plain_ids, plain_logits, plain_module
from tests.tiny import BLOCKS, FAMILIES, HIDDEN

pytestmark = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture(scope="module")
def reference(tiny):
    """Plain tokens and plain logits at the last one, of every prompt."""
    known = {}

    def of(family, model):
        if family not in known:
            module = plain_module(family, tiny(family))
            ids = [plain_ids(family, model.tokenizer, prompt) for prompt in PROMPTS]
            known[family] = ids, [plain_logits(module, row)[-1] for row in ids], module
        return known[family]

    return of


@pytest.mark.parametrize("padding_side", ["left", "right"])
@pytest.mark.parametrize("batch_size", [1, 8])
def test_letters_equal_the_plain_loop(family, padding_side, batch_size, tiny, reference):
    model = load(tiny(family), padding_side=padding_side)
    _, logits, _ = reference(family, model)
    letters = [token.id for token in model.identity.letters]
    readings = {}
    for indices, batch in model.read_letters(PROMPTS, batch_size=batch_size):
        readings.update(zip(indices, batch, strict=True))
    assert sorted(readings) == list(range(len(PROMPTS)))

    for index, expected in enumerate(logits):
        reading = readings[index]
        assert reading.logits == pytest.approx(expected[letters].tolist(), abs=1e-4)
        assert reading.logprobs == pytest.approx(
            expected.double().log_softmax(-1)[letters].tolist(), abs=1e-4
        )


def test_reads_the_tokens_of_the_plain_prompt_with_one_bos(family, tiny_loaded, reference):
    model = tiny_loaded(family)
    ids, _, _ = reference(family, model)
    assert model.encode(PROMPTS) == ids
    assert model.content_tokens(PROMPTS) == [len(row) for row in ids]
    bos = model.tokenizer.bos_token_id
    assert all(row.count(bos) == (bos is not None) for row in ids)


def test_letters_equal_scoring_the_whole_assistant_turn(family, tiny_loaded, reference):
    """Tokenises the prompt with its answer as a whole, and scores all that stands after the generation prompt."""
    model = tiny_loaded(family)
    _, _, module = reference(family, model)
    prompt = PROMPTS[2]
    asked = plain_ids(family, model.tokenizer, prompt)
    scores = []
    for token in model.identity.letters:
        whole = model.chat.ids(model.chat.text(prompt, answer=token.letter))
        at = max(place for place, id_ in enumerate(whole) if id_ == token.id)
        assert whole[: len(asked)] == asked
        logprobs = plain_logits(module, whole).log_softmax(-1)
        scores.append(sum(float(logprobs[i - 1, whole[i]]) for i in range(len(asked), at + 1)))
    ((_, (reading,)),) = model.read_letters([prompt])
    assert scores[0] - scores[1] == pytest.approx(reading.logprobs[0] - reading.logprobs[1], abs=1e-4)


def test_blocks_are_the_text_model_s(family, tiny_loaded):
    model = tiny_loaded(family)
    assert isinstance(model, WhiteBox)
    assert len(model.blocks) == model.identity.blocks == BLOCKS
    assert model.hidden_size == HIDDEN
    assert "vision" not in model.identity.extra["blocks_path"]
    widths = []
    hooks = [
        block.register_forward_hook(
            lambda _block, _args, output: widths.append(
                (output[0] if isinstance(output, tuple) else output).shape
            )
        )
        for block in model.blocks
    ]
    list(model.read_letters(PROMPTS[:1]))
    for hook in hooks:
        hook.remove()
    assert [shape[-1] for shape in widths] == [HIDDEN] * BLOCKS


def test_letters_are_named_and_no_letter_of_the_prompt_is_taken_for_them(family, tiny_loaded):
    model = tiny_loaded(family)
    assert [token.letter for token in model.identity.letters] == ["A", "B"]
    assert [token.text.strip() for token in model.identity.letters] == ["A", "B"]
    shown = model.letter_position(PROMPTS[2])
    assert [token.read for token in shown] == [False] * (len(shown) - 1) + [True]


def test_the_system_text_is_read_once_before_the_user_s(family, tiny_loaded):
    model = tiny_loaded(family)
    text = model.show(PROMPTS[3])
    assert text.count("You think about work.") == 1
    assert text.index("You think about work.") < text.index("The old law")
    assert model.identity.extra["folds_system"] is (family in FOLDED)
    assert model.identity.chat is (family not in BARE)


def test_greedy_text_equals_a_plain_loop_in_any_batch(family, tiny_loaded, reference):
    model = tiny_loaded(family)
    ids, _, module = reference(family, model)
    ends = set(end_ids(model.module, model.tokenizer, model._place.tail))
    expected = []
    for row in ids[:4]:
        new: list[int] = []
        while len(new) < 5 and not (new and new[-1] in ends):
            new.append(int(plain_logits(module, row + new)[-1].argmax()))
        kept = [token for token in new if token not in ends]
        expected.append(model.tokenizer.decode(kept, skip_special_tokens=True))
    for batch_size in (1, 8):
        assert model.generate(PROMPTS[:4], max_new_tokens=5, batch_size=batch_size) == expected
