"""Quality under steering: cross-entropies and divergences against plain arithmetic, rows that are never served to another setting."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from culturescope.errors import BadInputError
from culturescope.experiments.steer import quality
from culturescope.experiments.steer.generating import side_by_side
from culturescope.experiments.steer.quality import (
    Writing,
    cross_entropies,
    divergences,
    quality_of,
    write_rows,
)
from culturescope.prompts import Prompt
from culturescope.prompts.neutral import all_neutral_prompts, neutral_prompts
from culturescope.runs.samples import SampleLog
from culturescope.steering.applying import Edit
from culturescope.steering.vector import Origin, SteeringVector
from tests.tiny import HIDDEN

PROMPTS = neutral_prompts(4)


def vector(seed: int = 1, scale: float = 2.0) -> SteeringVector:
    generator = torch.Generator().manual_seed(seed)
    return SteeringVector(
        {b: scale * torch.randn(HIDDEN, generator=generator) for b in (0, 2)},
        Origin(label="v", method="hand"),
    )


def logs(model, ids, edits=()):
    """(tokens, vocabulary), one text alone, without cache or padding."""
    from culturescope.steering.applying import steered

    with steered(model, edits), torch.inference_mode():
        return model.module(torch.tensor([ids])).logits[0].double().log_softmax(dim=-1)


@pytest.mark.parametrize("family", ["llama", "gpt2", "gemma3"])
def test_cross_entropies_equal_one_text_at_a_time(tiny_loaded, family, monkeypatch):
    model = tiny_loaded(family)
    answers = [[5, 9, 11, 5], [], [7], [30, 31, 32]]
    found = cross_entropies(model, PROMPTS, answers, batch_size=3)
    for prompt, answer, entropy in zip(PROMPTS, answers, found, strict=True):
        asked = model.chat.ids(model.chat.text(prompt))
        log = logs(model, [*asked, *answer])
        expected = -sum(float(log[len(asked) - 1 + n, token]) for n, token in enumerate(answer))
        assert entropy == pytest.approx(expected, abs=2e-3)
    monkeypatch.setattr(quality, "LOGITS_KEPT", 1)  # a vocabulary so large that texts go one by one
    assert cross_entropies(model, PROMPTS, answers) == pytest.approx(found, abs=2e-3)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_divergences_are_exact_over_a_prompts_own_positions(tiny_loaded, family):
    model, edits = tiny_loaded(family), [Edit(vector(), 0.3)]
    found = divergences(model, PROMPTS, edits, batch_size=3)
    other = model.chat.ids(model.chat.text(Prompt.of("0")))
    for prompt, kl in zip(PROMPTS, found, strict=True):
        ids = model.chat.ids(model.chat.text(prompt))
        start = next(n for n, (a, b) in enumerate(zip(ids, other, strict=False)) if a != b)
        p, q = logs(model, ids), logs(model, ids, edits)
        each = (p.exp() * (p - q)).sum(dim=-1)
        assert kl == pytest.approx(float(each[start:].mean()), rel=1e-3)
        assert 0 < start < len(ids) or family == "gpt2"
    assert divergences(model, PROMPTS, [Edit(vector(), 0.0)]) == [0, 0, 0, 0]
    # They belong to the prompt, not to the company it is read in.
    assert divergences(model, PROMPTS[:1], edits) == pytest.approx(found[:1], rel=1e-4)


def test_rows_are_kept_and_serve_their_own_setting_only(tiny_loaded, tmp_path, monkeypatch):
    model = tiny_loaded("qwen2")
    writing = Writing(PROMPTS, max_new_tokens=5, batch_size=3)
    log = SampleLog(tmp_path / "generated.jsonl")
    edits = [Edit(vector(), 0.2)]
    plain = write_rows(model, writing, [], log)
    moved = write_rows(model, writing, edits, log)
    assert len(log.samples()) == 8
    assert [row["tokens"] for row in moved] != [row["tokens"] for row in plain]
    assert all(row["kl"] == 0 for row in plain)
    assert all(row["kl"] > 0 for row in moved)
    assert model.edits == []
    with monkeypatch.context() as broken:
        broken.setattr(type(model), "generate_ids", None)  # nothing is written again
        assert write_rows(model, writing, edits, log) == moved
    for other in (
        Writing(PROMPTS, max_new_tokens=6),
        Writing(PROMPTS, max_new_tokens=5, temperature=0.5),
        Writing(PROMPTS, max_new_tokens=5, seed=1),
    ):
        before = len(log.samples())
        write_rows(model, other, edits, log)
        assert len(log.samples()) == before + 4
    keys = {row["key"] for row in write_rows(model, writing, [Edit(vector(), 0.25)], log)}
    keys |= {row["key"] for row in write_rows(model, writing, [Edit(vector(2), 0.2)], log)}
    assert len(keys) == 8
    assert not keys & {row["key"] for row in moved}


def test_a_broken_sweep_goes_on_where_it_stopped(tiny_loaded, tmp_path):
    model = tiny_loaded("qwen2")
    log = SampleLog(tmp_path / "generated.jsonl")
    write_rows(model, Writing(PROMPTS[:2], max_new_tokens=5), [], log)
    whole = write_rows(model, Writing(PROMPTS, max_new_tokens=5), [], log)
    assert len(log.samples()) == 4
    assert [r["tokens"] for r in whole] == [
        r["tokens"] for r in write_rows(model, Writing(PROMPTS, max_new_tokens=5), [])
    ]


def row(tokens, entropy=None, kl=0.0, text="word"):
    entropy = len(tokens) * 1.0 if entropy is None else entropy
    return {"tokens": tokens, "cross_entropy": entropy, "kl": kl, "prompt": "asked", "text": text}


def test_variety_is_compared_at_equal_length():
    """A longer answer has fewer distinct tokens by its length alone: that is no change."""
    plain = [row(list(range(8)) * 4) for _ in range(3)]
    short = [row(list(range(8)) * 2) for _ in range(3)]
    found = quality_of(short, plain)
    assert found.distinct_1 == 0.5
    assert found.distinct_1_change.value == 0
    assert found.repetition_change.value == 0
    assert found.perplexity == pytest.approx(np.e)
    stuck = quality_of([row([1] * 32) for _ in range(3)], plain)
    assert stuck.repetition_change.value > 0.2
    assert stuck.distinct_2_change.value < 0


def test_empty_answers_are_counted_not_scored():
    plain = [row([1, 2, 3]), row([1, 2, 3])]
    found = quality_of([row([]), row([])], plain)
    assert (found.empty, found.perplexity, found.perplexity_ratio, found.repetition) == (1, None, None, None)
    found = quality_of(
        [row([], text=""), row([1, 2], text="x")], plain, encode=lambda t: np.eye(2)[[0] * len(t)]
    )
    assert (found.empty, found.similarity, found.similarity_change) == (0.5, 1.0, None)


def test_neutral_prompts_are_many_different_and_bounded():
    assert len({p.sha256 for p in all_neutral_prompts()}) == len(all_neutral_prompts()) == 40
    assert neutral_prompts(3) == all_neutral_prompts()[:3]
    for count in (0, 1, 41):
        with pytest.raises(BadInputError, match="between 2 and 40"):
            neutral_prompts(count)
    with pytest.raises(BadInputError, match="different"):
        Writing((PROMPTS[0], PROMPTS[0]))


def test_side_by_side_differs_by_the_steering_alone(tiny_loaded):
    model = tiny_loaded("qwen2")
    questions = ["What is a lake?", "How far is it?"]
    found = side_by_side(model, questions, [Edit(vector(), 0.5)], max_new_tokens=6, temperature=1.0)
    assert [a.question for a in found.answers] == questions
    asked = [Prompt.of(q) for q in questions]
    assert [a.unsteered for a in found.answers] == model.generate(asked, max_new_tokens=6, temperature=1.0)
    with vector().applied(model, 0.5):
        assert [a.steered for a in found.answers] == model.generate(asked, max_new_tokens=6, temperature=1.0)
    assert not found.answers[0].same
    none = side_by_side(model, questions, [Edit(vector(), 0.0)], max_new_tokens=6, temperature=1.0)
    assert all(a.same for a in none.answers), "the noise of both answers is the same"
    with pytest.raises(BadInputError, match="nothing to answer"):
        side_by_side(model, [" "], [Edit(vector())])
    with vector().applied(model, 0.5), pytest.raises(BadInputError, match="being steered"):
        side_by_side(model, questions, [Edit(vector())])
