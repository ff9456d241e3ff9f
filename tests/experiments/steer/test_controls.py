"""Random steps estimated to first order, and how far the few that are measured correct them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import culturescope as cs
from culturescope.errors import BadInputError
from culturescope.experiments.steer.controls import Controls, estimated, ratio_of
from culturescope.experiments.steer.measuring import Measured, measure
from culturescope.experiments.steer.slopes import Slopes, slopes
from culturescope.instrument import load_pack
from culturescope.prompts import templates

PACK, WORDINGS = load_pack(), templates(1)
SCENARIOS = [s for s in cs.scenarios(split="evaluate", limit=60) if s.item in ("X01", "Y01")][:4]


def steps_of(count, width, blocks, size):
    generator = torch.Generator().manual_seed(5)
    return [{b: size * torch.randn(width, generator=generator) for b in blocks} for _ in range(count)]


def test_small_steps_change_what_their_estimate_says(tiny_loaded):
    """Joint steps at two blocks, and a step at one of them alone; signs, axes and scenarios in place."""
    model = tiny_loaded("llama")
    steps = [*steps_of(2, model.hidden_size, (1, 2), 1e-3), *steps_of(1, model.hidden_size, (2,), 1e-3)]
    guess = estimated(slopes(model, SCENARIOS, WORDINGS), SCENARIOS, steps, PACK)
    both = [{b: sign * v for b, v in step.items()} for step in steps for sign in (1, -1)]
    real = measure(model, SCENARIOS, both, PACK, WORDINGS)
    halves = (real.d[0::2] - real.d[1::2]) / 2
    assert (guess.d[0::2] - guess.d[1::2]) / 2 == pytest.approx(halves, rel=0.02, abs=2e-6)
    assert guess.axis.tolist() == real.axis.tolist()
    with pytest.raises(BadInputError, match="slopes"):
        estimated(slopes(model, SCENARIOS[:2], WORDINGS), SCENARIOS, steps, PACK)


def answers(by_step) -> Measured:
    """Signed changes (steps, scenarios) as a measurement."""
    d = np.stack([np.asarray(by_step), -np.asarray(by_step)], axis=1).reshape(-1, len(SCENARIOS), 1)
    axis = np.array([("Y", "X").index(s.item[0]) for s in SCENARIOS])
    return Measured(("Y", "X"), tuple(SCENARIOS), axis, d, 0 * d, 0 * d + 1)


def test_estimates_are_widened_by_what_the_few_show_axis_by_axis():
    rng = np.random.default_rng(0)
    guess = rng.normal(size=(20, len(SCENARIOS)))
    axis = answers(guess).axis
    few = guess[:5] * np.where(axis == 0, 3.0, 0.5)
    found = Controls(answers(guess), answers(few))
    assert found.ratio() == pytest.approx([3.0, 0.5])
    plain = Controls(answers(guess)).changes()
    assert found.changes()[:, 0] == pytest.approx(3 * plain[:, 0])
    assert found.changes()[:, 1] == pytest.approx(plain[:, 1]), "never narrower than the estimate"
    one = found.among(lambda s: s.item == "X01")
    assert one.changes()[:, 1] == pytest.approx(plain[:, 1])
    assert np.isnan(one.changes()[:, 0]).all(), "no scenario of the axis"


def test_a_ratio_compares_the_same_steps_only():
    estimate = np.array([[1.0], [1.0], [50.0]])
    assert ratio_of([[2.0], [2.0]], estimate) == pytest.approx([2.0])
    assert ratio_of(np.zeros((2, 1)), np.zeros((2, 1))) == pytest.approx([1.0])


def test_steps_nowhere_change_nothing():
    found = estimated(Slopes(torch.ones(4, 3, 8)), SCENARIOS, [{}], PACK)
    assert (found.d == 0).all()
