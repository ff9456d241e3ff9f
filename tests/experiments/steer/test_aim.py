"""Aiming on synthetic models with a planted, coupled, saturating response."""

from __future__ import annotations

import json

import numpy as np
import pytest

from culturescope.errors import BadInputError
from culturescope.experiments.steer.aim import aim_at, overshoot_of
from culturescope.experiments.steer.aim_budget import EDGE, QualityBudget, nearest_inside

COUPLED = np.array([[1.2, 0.7], [0.5, 0.9]])


def saturating(response=COUPLED, height=1.5, start=(0.2, -0.4), calls=None):
    def respond(coefficients):
        if calls is not None:
            calls.append(len(coefficients))
        return np.array(start) + height * np.tanh(np.asarray(coefficients) @ np.asarray(response).T / height)

    return respond


@pytest.mark.parametrize("target", [(0.9, 0.3), (-0.6, -1.0), (0.2, 0.5), (1.2, -0.3)])
def test_a_coupled_saturating_model_reaches_its_target(target):
    calls: list[int] = []
    found = aim_at(saturating(calls=calls), target, limits=[3.0, 3.0], tolerance=0.02)
    assert found.status == "reached"
    assert np.hypot(*(np.array(found.place) - target)) <= 0.02
    assert len(found.steps) <= 6
    assert sum(calls) == found.evaluations <= 5 + 6 + 4
    again = saturating()(np.array([found.coefficients]))[0]
    assert again == pytest.approx(found.place), "the place is that of the coefficients"


def test_start_is_not_steered_when_it_is_there():
    found = aim_at(saturating(), (0.2, -0.4), limits=[1.0, 1.0])
    assert found.status == "reached"
    assert found.coefficients == (0.0, 0.0)
    assert found.steps == ()


def test_out_of_reach_gives_the_nearest_reachable_point():
    far = aim_at(saturating(), (9.0, -0.4), limits=[0.5, 0.5], tolerance=0.05)
    assert far.status == "out of reach", "at the edge of what is allowed no step comes nearer"
    short = aim_at(saturating(), (1.2, -0.3), limits=[3.0, 3.0], tolerance=1e-6, steps=1)
    assert short.status == "closer", "the steps ended before the way did"
    grid = np.stack(np.meshgrid(np.linspace(-0.5, 0.5, 41), np.linspace(-0.5, 0.5, 41)), -1).reshape(-1, 2)
    nearest = np.linalg.norm(saturating()(grid) - (9.0, -0.4), axis=1).min()
    assert far.distance == pytest.approx(nearest, abs=0.02)
    assert np.abs(far.coefficients).max() <= 0.5

    def stuck(coefficients):
        return np.zeros((len(coefficients), 2))

    none = aim_at(stuck, (1.0, 1.0), limits=[1.0, 1.0])
    assert none.status == "out of reach"
    assert none.coefficients == (0.0, 0.0)


def test_vectors_that_do_the_same_do_not_blow_up():
    same = np.array([[1.0, 1.001], [0.5, 0.5]])
    found = aim_at(saturating(same), (0.9, -0.1), limits=[2.0, 2.0])
    assert np.isfinite(found.coefficients).all()
    assert found.distance < found.start_distance / 2


def test_places_without_letters_are_refused():
    def brittle(coefficients):
        places = saturating()(coefficients)
        places[np.abs(coefficients).sum(axis=1) > 1.0] = np.nan
        return places

    found = aim_at(brittle, (1.6, 0.9), limits=[3.0, 3.0], steps=6, probe_step=0.2)
    assert np.abs(found.coefficients).sum() <= 1.0
    assert found.distance < found.start_distance
    refused = [s for s in found.steps if s.place is None]
    assert refused
    assert all(s.distance is None and not s.accepted for s in refused)
    with pytest.raises(BadInputError, match="nothing to start from"):
        aim_at(lambda c: np.full((len(c), 2), np.nan), (1, 1), limits=[1, 1])


ROUND, LONG = np.eye(2) / 0.8**2, np.array([[1.0, 0.8], [0.8, 2.5]])


@pytest.mark.parametrize("power", [1.0, 2.0])
@pytest.mark.parametrize("form", [ROUND, LONG], ids=["round", "long"])
@pytest.mark.parametrize("target", [(2.2, 0.9), (-1.0, -2.0), (0.9, -1.6)])
def test_the_best_place_inside_of_a_quality_budget_is_found(target, form, power):
    """A target beyond the budget: the way ends at its edge, at the place of the edge that is nearest to the target."""
    asked: list[np.ndarray] = []

    def spend(c):
        asked.append(c)
        return float(c @ form @ c) ** power

    tolerance = 0.05
    found = aim_at(saturating(), target, limits=[3.0, 3.0], spend=spend, tolerance=tolerance)
    grid = np.stack(np.meshgrid(np.linspace(-2, 2, 401), np.linspace(-2, 2, 401)), -1).reshape(-1, 2)
    allowed = grid[np.einsum("ni,ij,nj->n", grid, form, grid) ** power <= EDGE]
    best = np.linalg.norm(saturating()(allowed) - target, axis=1).min()
    coefficients = np.array(found.coefficients)
    assert coefficients @ form @ coefficients <= 1, "never beyond the budget"
    assert 0.85 <= found.budget_used <= 1, "at its edge"
    assert found.distance == pytest.approx(best, abs=tolerance)
    assert found.status in ("out of reach", "closer")
    assert found.budget_asked == len(asked) <= 4 * len(found.steps)
    assert found.evaluations <= 5 + 6 + 4
    assert all(s.place is None or s.budget_used <= 1 for s in found.steps), "refused places are not measured"


def test_a_budget_that_is_wide_enough_changes_nothing():
    target = (0.9, 0.3)
    free = aim_at(saturating(), target, limits=[3.0, 3.0], tolerance=0.02)
    kept = aim_at(
        saturating(), target, limits=[3.0, 3.0], tolerance=0.02, spend=lambda c: 0.01 * float(c @ c)
    )
    assert kept.status == "reached"
    assert kept.coefficients == pytest.approx(free.coefficients)
    assert kept.budget_used == pytest.approx(0.01 * np.dot(kept.coefficients, kept.coefficients))


def test_a_budget_that_allows_nothing_leaves_the_model_unsteered():
    for nothing in (lambda c: 1e9, lambda c: float("nan")):
        found = aim_at(saturating(), (0.9, 0.3), limits=[3.0, 3.0], spend=nothing)
        assert found.coefficients == (0.0, 0.0)
        assert found.status == "out of reach"
        assert found.distance == found.start_distance
        assert found.evaluations == 5, "no place was measured that the budget refuses"
        json.dumps(found.model_dump(mode="json"), allow_nan=False)


def test_steps_keep_inside_of_the_form():
    form = LONG
    step = nearest_inside(COUPLED, np.array([5.0, 1.0]), np.zeros(2), np.ones(2), 1e-9, form)
    assert step @ form @ step == pytest.approx(EDGE, abs=1e-3)
    angle = np.linspace(0, 2 * np.pi, 2001)
    edge = np.linalg.solve(np.linalg.cholesky(form).T, np.stack([np.cos(angle), np.sin(angle)])).T
    edge = edge * np.sqrt(EDGE)
    edge = edge[np.abs(edge).max(axis=1) <= 1]
    best = np.linalg.norm(edge @ COUPLED.T - (5.0, 1.0), axis=1).min()
    assert np.linalg.norm(COUPLED @ step - (5.0, 1.0)) == pytest.approx(best, abs=1e-3)


def test_the_form_is_learnt_from_places_near_the_edge():
    budget = QualityBudget(lambda c: float(c @ LONG @ c), np.array([2.0, 2.0]))
    for at in ((1.0, 0.0), (0.0, 0.7), (0.5, -0.7), (0.6, 0.3)):
        budget.inside(np.array(at))
    assert budget.form() == pytest.approx(4 * LONG, rel=0.15)
    assert QualityBudget(None, np.ones(2)).form() is None


def test_overshoot_is_signed_on_both_sides():
    start, goal = np.array([0.0, 0.0]), np.array([3.0, 4.0])
    assert overshoot_of(start, goal, np.array([3.6, 4.8])) == pytest.approx(1.0)
    assert overshoot_of(start, goal, np.array([2.4, 3.2])) == pytest.approx(-1.0)
    assert overshoot_of(start, goal, goal + np.array([-4.0, 3.0])) == pytest.approx(0.0), (
        "aside is not beyond"
    )
    assert overshoot_of(goal, goal, start) is None


def test_overshoot_along_the_way_is_that_of_each_step():
    """A response that steepens is passed by the first step; one that flattens is never passed."""

    def steepening(coefficients):
        c = np.asarray(coefficients)
        return np.stack([c[:, 0] + 0.35 * c[:, 0] ** 3, c[:, 1]], axis=1)

    passed = aim_at(steepening, (2.5, 0.0), limits=[3.0, 3.0], probe_step=0.1, tolerance=0.01)
    assert passed.steps[0].overshoot > 0.1
    assert passed.overshoot == max(s.overshoot for s in passed.steps)
    assert any(s.overshoot < 0 for s in passed.steps)
    short = aim_at(saturating(), (3.0, 1.5), limits=[3.0, 3.0], steps=1)
    assert short.overshoot == short.steps[0].overshoot < 0, "never passed: below 0, not 0"
    assert aim_at(saturating(), (0.2, -0.4), limits=[1.0, 1.0]).overshoot is None


def test_a_bend_is_damped_not_chased():
    """The response turns around: a full step would land farther away than the start."""

    def bent(coefficients):
        c = np.asarray(coefficients)
        return np.stack([np.sin(2.5 * c[:, 0]) + 0.2 * c[:, 1], 0.8 * c[:, 1]], axis=1)

    found = aim_at(bent, (0.95, 0.2), limits=[3.0, 3.0], probe_step=0.3, tolerance=0.03)
    assert found.distance < 0.2 * found.start_distance


@pytest.mark.parametrize("bad", [((1, np.nan), [1, 1]), ((1, 1), [0, 1]), ((1, 1, 1), [1, 1])])
def test_bad_input(bad):
    with pytest.raises(BadInputError, match="target"):
        aim_at(saturating(), bad[0], limits=bad[1])


@pytest.mark.parametrize("bad", [{"steps": 0}, {"tolerance": 0.0}, {"tolerance": float("nan")}])
def test_an_aim_without_a_step_or_an_end_is_refused(bad):
    with pytest.raises(BadInputError, match="a step or more"):
        aim_at(saturating(), (1.0, 1.0), limits=[1.0, 1.0], **bad)
