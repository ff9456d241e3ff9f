"""Aiming on synthetic models with a planted, coupled, saturating response."""

from __future__ import annotations

import numpy as np
import pytest

from culturescope.errors import BadInputError
from culturescope.experiments.steer.aim import aim_at

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
    assert sum(calls) == found.evaluations <= 5 + 6
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


def test_a_quality_budget_is_kept():
    def brittle(coefficients):
        places = saturating()(coefficients)
        places[np.abs(coefficients).sum(axis=1) > 1.0] = np.nan
        return places

    found = aim_at(brittle, (1.6, 0.9), limits=[3.0, 3.0], steps=6, probe_step=0.2)
    assert np.abs(found.coefficients).sum() <= 1.0
    assert found.distance < found.start_distance
    with pytest.raises(BadInputError, match="nothing to start from"):
        aim_at(lambda c: np.full((len(c), 2), np.nan), (1, 1), limits=[1, 1])


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
