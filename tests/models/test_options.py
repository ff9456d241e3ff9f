"""Options' log-probabilities: equal to a loop by hand, whatever the batch, the padding and the tokenizer."""

import math

import pytest
import torch

from culturescope.errors import MemoryFullError, ModelError
from culturescope.models import MockModel, load, option_passes
from culturescope.models.answered import answered_tokens
from culturescope.models.options import OptionReading, option_logprobs, read_options
from culturescope.models.shared_attention import UnsharedError
from culturescope.models.sharing import SharedPasses
from culturescope.prompts.contrast import Answered
from culturescope.prompts.survey import question, survey_prompt
from culturescope.steering.vector import Origin, SteeringVector

NUMBERS = [str(n) for n in range(1, 11)]
LABELS = ["very happy", "quite happy", "not very happy", "not at all happy"]
PROMPTS = [
    survey_prompt(question(q), w, turned=w == 2) for q, w in (("X03", 1), ("Y01", 2), ("X02", 3), ("Y03", 4))
]
FAMILIES = ("llama", "qwen2", "qwen3", "gemma2", "gemma3", "mistral", "gpt2", "phi3")


def by_hand(model, prompt, option):
    """One forward pass an option, one token after the other, without padding."""
    found = answered_tokens(model, [Answered(prompt, option)])[0]
    with torch.inference_mode():
        logits = model.module(input_ids=torch.tensor([list(found.ids)])).logits[0].double()
    steps = logits.log_softmax(-1)
    return sum(float(steps[at - 1, found.ids[at]]) for at in range(found.start, len(found.ids)))


@pytest.mark.parametrize("family", FAMILIES)
def test_options_equal_a_loop_by_hand(family, tiny_loaded):
    model = tiny_loaded(family)
    for options in (NUMBERS, LABELS):
        found = option_logprobs(model, PROMPTS[:2], options, batch_size=3)
        for prompt, reading in zip(PROMPTS[:2], found, strict=True):
            assert reading.logprobs == pytest.approx([by_hand(model, prompt, o) for o in options], abs=1e-4)


def test_batches_and_padding_change_nothing(tiny):
    left, right = (load(tiny("qwen2"), padding_side=side) for side in ("left", "right"))
    lists = [NUMBERS, NUMBERS, LABELS, NUMBERS[:4]]
    expected = [r.logprobs for r in option_logprobs(left, PROMPTS, lists, batch_size=1)]
    for model, shared in ((left, True), (right, True), (left, False), (right, False)):
        if not shared:
            model.not_shared(UnsharedError("a test of rows"))
        for size in (2, 5, 64):
            found = option_logprobs(model, PROMPTS, lists, batch_size=size)
            for one, other in zip(found, expected, strict=True):
                assert one.logprobs == pytest.approx(other, abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_shared_beginnings_change_nothing(family, tiny):
    model = load(tiny(family))
    alike = [survey_prompt(question("X03"), w, turned=t) for w in (1, 2) for t in (False, True)]
    prompts = [*PROMPTS, *alike, alike[0]]
    lists = [
        NUMBERS,
        NUMBERS,
        LABELS,
        NUMBERS,
        *[NUMBERS] * 4,
        LABELS,
    ]  # the same prompt twice, with other options
    model.exact = True
    expected = option_logprobs(model, prompts, lists, batch_size=4)
    rows = model.work
    model.exact = False
    for size in (1, 3, 64):
        before = model.work
        found = option_logprobs(model, prompts, lists, batch_size=size)
        work = model.work - before
        assert work.tokens_computed < rows.tokens_computed / 1.5
        assert work.tokens_asked == rows.tokens_computed  # without sharing, a row for all that is asked
        assert work.tokens_needed <= work.tokens_computed
        for one, other in zip(found, expected, strict=True):
            assert one.logprobs == pytest.approx(other.logprobs, abs=1e-4)
            assert (one.within, one.tokens) == (other.within, other.tokens)
    assert model.unshared_because is None


def test_what_cannot_be_shared_any_more_goes_on_in_rows(tiny, monkeypatch):
    model = load(tiny("llama"))
    expected = option_logprobs(model, PROMPTS, NUMBERS, batch_size=2)
    run, ran = SharedPasses.run, []

    def once(self, step, stored):
        ran.append(step)
        if len(ran) > 1:
            raise UnsharedError("a test")
        return run(self, step, stored)

    monkeypatch.setattr(SharedPasses, "run", once)
    reading = read_options(model, PROMPTS, NUMBERS, batch_size=2)
    batches = [next(reading)]
    assert len(ran) == 1
    batches += reading
    assert len(ran) == 2
    assert model.unshared_because == "a test"
    assert sorted(n for indices, _ in batches for n in indices) == [0, 1, 2, 3]
    found = {n: r for indices, readings in batches for n, r in zip(indices, readings, strict=True)}
    for n, one in enumerate(expected):
        assert found[n].logprobs == pytest.approx(one.logprobs, abs=1e-4)


def test_equal_prompts_keep_coefficients_of_their_own(tiny):
    model = load(tiny("llama"))
    vector = SteeringVector({1: torch.ones(model.hidden_size)}, Origin(label="a test", method="given"))
    alone = []
    for alpha in (0.0, 1.0, 4.0):
        with vector.applied(model, alpha):
            alone += option_logprobs(model, PROMPTS[:1], NUMBERS)
    with vector.applied(model, [0.0, 1.0, 4.0]):
        found = option_logprobs(model, PROMPTS[:1] * 3, NUMBERS, batch_size=16)
    for one, other in zip(found, alone, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-4)
    assert found[0].logprobs != pytest.approx(found[2].logprobs, abs=1e-2)


@pytest.mark.parametrize("place", ["run", "few"])
@pytest.mark.parametrize("shared", [True, False])
def test_a_full_memory_is_said_wherever_it_is_found(tiny, monkeypatch, place, shared):
    model = load(tiny("llama"))
    option_logprobs(model, PROMPTS[:1], NUMBERS)
    if not shared:
        model.not_shared(UnsharedError("a test of rows"))

    def full(*given, **named):
        raise torch.OutOfMemoryError("a test")

    if place == "few":
        monkeypatch.setattr(option_passes, "few", full)
    else:
        monkeypatch.setattr(model.module, "forward", full)
    with pytest.raises(MemoryFullError, match="smaller --batch_size"):
        option_logprobs(model, PROMPTS, NUMBERS)


def test_a_smaller_batch_makes_smaller_passes_whatever_the_budget(tiny):
    """Or a full memory would be met again at every size."""
    model = load(tiny("llama"))
    model.token_budget = 4096
    passes = []
    for size in (64, 2, 1):
        before = model.work
        option_logprobs(model, PROMPTS, NUMBERS, batch_size=size)
        passes.append((model.work - before).passes)
    assert passes[0] == 1
    assert passes[0] < passes[1] < passes[2]


def test_a_hook_that_comes_between_batches_is_seen(tiny):
    model = load(tiny("llama"))
    plain = option_logprobs(model, PROMPTS, NUMBERS, batch_size=1)
    reading = read_options(model, PROMPTS, NUMBERS, batch_size=1)
    (first,), (before,) = next(reading)
    with model.blocks[0].register_forward_hook(lambda part, given, out: out * 3.0):
        found = {n: r for indices, readings in reading for n, r in zip(indices, readings, strict=True)}
        hooked = option_logprobs(model, PROMPTS, NUMBERS, batch_size=1)
    assert before.logprobs == pytest.approx(plain[first].logprobs, abs=1e-4)
    assert len(found) == 3
    for n, one in found.items():
        assert one.logprobs == pytest.approx(hooked[n].logprobs, abs=1e-4)
        assert one.logprobs != pytest.approx(plain[n].logprobs, abs=1e-2)


def test_nothing_is_divided_by_length(tiny_loaded):
    model = tiny_loaded("qwen2")
    short, long = option_logprobs(model, PROMPTS[:1], ["very happy", "very happy indeed and for ever"])[
        0
    ].logprobs
    assert long < short - 3


def test_the_mass_of_ten_is_not_counted_for_one(tiny_loaded):
    model = tiny_loaded("qwen2")  # its tokenizer has no token for 10
    ids = [answered_tokens(model, [Answered(PROMPTS[0], o)])[0] for o in ("1", "10")]
    assert ids[1].ids[: len(ids[0].ids)] == ids[0].ids
    reading = option_logprobs(model, PROMPTS[:1], NUMBERS)[0]
    p = [math.exp(v) for v in reading.logprobs]
    assert reading.within[0] == (9,)
    assert reading.alone[0] == pytest.approx(p[0] - p[9], rel=1e-9)
    assert reading.mass == pytest.approx(sum(p[:9]), rel=1e-9)
    assert sum(reading.shares) == pytest.approx(1)


def test_options_within_options_are_taken_out_once():
    # a begins ab, ab begins abc: P(a alone) = P(a) - P(ab)
    reading = OptionReading(tuple(map(math.log, (0.5, 0.3, 0.1))), ((1, 2), (2,), ()))
    assert reading.alone == pytest.approx((0.2, 0.2, 0.1))


def test_batches_come_as_they_are_done_and_every_prompt_once(tiny_loaded):
    seen = [
        n
        for indices, _ in read_options(tiny_loaded("llama"), PROMPTS, NUMBERS, batch_size=2)
        for n in indices
    ]
    assert sorted(seen) == [0, 1, 2, 3]
    assert seen != [0, 1, 2, 3]  # long prompts first


def test_a_mock_gives_what_it_was_made_to_give():
    model = MockModel(lambda p: (0, 0), options=lambda p, o: [math.log((n + 1) / 10) for n in range(len(o))])
    assert option_logprobs(model, PROMPTS[:1], ["1", "2", "3"])[0].shares == pytest.approx(
        (1 / 6, 2 / 6, 3 / 6)
    )
    with pytest.raises(ModelError, match="offers no log-probabilities"):
        option_logprobs(MockModel(lambda p: (0, 0)), PROMPTS[:1], NUMBERS)


@pytest.mark.parametrize("options", [["1"], ["1", "1"], ["1", " "], [["1", "2"]] * 2])
def test_options_that_cannot_be_meant(options, tiny_loaded):
    with pytest.raises(ModelError):
        option_logprobs(tiny_loaded("llama"), PROMPTS[:1], options)
