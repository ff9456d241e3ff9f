"""The perplexity budget of an aim: it is a sweep's perplexity, each place is written once, other prompts confirm."""

from __future__ import annotations

import numpy as np
import pytest

import culturescope as cs
from culturescope.errors import BadInputError
from culturescope.experiments.steer.aim_texts import TextBudget
from culturescope.experiments.steer.measuring import change_of
from culturescope.experiments.steer.quality import Writing, quality_of, write_rows
from culturescope.prompts.neutral import neutral_prompts
from culturescope.runs.samples import SampleLog
from culturescope.steering.applying import Edit
from culturescope.steering.fitting import fit, read_pairs

SIX = Writing(neutral_prompts(6), max_new_tokens=5)


@pytest.fixture(scope="module")
def steering(tiny_loaded):
    model = tiny_loaded("llama")
    vector = fit(read_pairs(model, cs.scenarios(split="optimise", limit=4), blocks=[1, 2]), "X")
    return model, vector, lambda c: change_of([(vector, float(c[0]))]) if c[0] else {}


def test_a_place_costs_what_a_sweep_says(steering, tmp_path):
    model, vector, change = steering
    log = SampleLog(tmp_path / "texts.jsonl")
    budget = TextBudget(model, change, SIX, 1.2, log)
    at = np.array([3.0])
    chosen, confirmed = (Writing(part, max_new_tokens=5) for part in (SIX.prompts[:3], SIX.prompts[3:]))
    for confirming, writing in ((False, chosen), (True, confirmed)):
        expected = quality_of(write_rows(model, writing, [Edit(vector, 3.0)]), write_rows(model, writing, []))
        found = budget.ratio(at, confirming=confirming)
        assert found.value == pytest.approx(expected.perplexity_ratio.value, rel=1e-5)
        assert (found.low, found.high) == pytest.approx(
            (expected.perplexity_ratio.low, expected.perplexity_ratio.high), rel=1e-5
        )
    assert budget.ratio(at).value != budget.ratio(at, confirming=True).value
    told = budget.confirmed(at)
    assert (told.chosen_by, told.confirmed) == (budget.ratio(at), budget.ratio(at, confirming=True))
    assert budget.spend(at) == pytest.approx(np.log(budget.ratio(at).value) / np.log(1.2))
    assert budget.spend(np.zeros(1)) == 0.0
    assert len(log.known()) == 12, "six prompts unsteered and steered, each written once"
    again = TextBudget(model, change, SIX, 1.2, log)
    assert again.spend(at) == pytest.approx(budget.spend(at))
    assert len(log.known()) == 12, "saved texts serve again"


def test_the_unsteered_place_costs_nothing(steering):
    model, _, change = steering
    found = TextBudget(model, change, SIX).confirmed(np.zeros(1))
    assert (found.chosen_by.value, found.confirmed.value, found.confirmed.high) == (1.0, 1.0, 1.0)
    assert found.prompts == 3


@pytest.mark.parametrize("most", [1.0, 0.5, float("nan"), float("inf")])
def test_what_is_no_budget_is_refused(steering, most):
    model, _, change = steering
    with pytest.raises(BadInputError, match="above 1"):
        TextBudget(model, change, SIX, most)


def test_too_few_prompts_are_refused(steering):
    model, _, change = steering
    with pytest.raises(BadInputError, match="4 prompts"):
        TextBudget(model, change, Writing(neutral_prompts(3)))
