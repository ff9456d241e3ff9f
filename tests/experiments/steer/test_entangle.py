"""Entanglement on planted responses: right values, undefined in noise, and three ways to decouple."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import culturescope as cs
from culturescope.errors import BadInputError
from culturescope.experiments.steer.controls import Controls
from culturescope.experiments.steer.decouple import from_inverse, orthogonal, penalised
from culturescope.experiments.steer.entangle import entanglement_of, response_matrix
from culturescope.experiments.steer.entangle_study import _Size
from culturescope.experiments.steer.measuring import Measured
from culturescope.steering.fitting import PairStates
from culturescope.steering.vector import Origin, SteeringVector

SCENARIOS = cs.scenarios(split="evaluate", limit=60)
AXES = ("Y", "X")
AXIS = np.array([AXES.index(s.item[0]) for s in SCENARIOS])


def planted(responses, noise=0.0, seed=0) -> Measured:
    """Steps with given responses (steps, axes), + and - in turn, over scenarios with a spread of their own."""
    rng = np.random.default_rng(seed)
    own = rng.normal(size=len(SCENARIOS))
    rows = []
    for response in responses:
        for sign in (1, -1):
            rows.append(own + sign * np.asarray(response)[AXIS] + noise * rng.normal(size=len(SCENARIOS)))
    d = np.array(rows)[:, :, None]
    return Measured(AXES, SCENARIOS, AXIS, d, np.zeros_like(d), np.ones_like(d))


def test_planted_entanglement_is_found():
    step = planted([(0.4, 0.1), (-0.15, 0.5)], noise=0.05)
    random = Controls(planted(np.random.default_rng(1).normal(size=(20, 2)) * 0.02))
    table = entanglement_of(step, random, ("Y", "X"))
    y, x = table.entanglements
    assert y.e.value == pytest.approx(0.25, abs=0.08)
    assert x.e.value == pytest.approx(0.3, abs=0.08)
    assert (y.sign, x.sign) == (1, -1)
    assert y.e.low < 0.25 < y.e.high
    assert y.wrong_way < 0.05
    assert table.map is not None
    assert set(table.map) == {"X", "Y"}
    # The projection mixes: all draws of a place come from the draws of its items.
    assert all(0 <= e.low < e.value < e.high <= 1 for e in table.map.values())
    wide = entanglement_of(planted([(0.4, 0.1), (-0.15, 0.5)], noise=0.5), random, ("Y", "X")).map
    assert all(wide[a].high - wide[a].low > 2 * (e.high - e.low) for a, e in table.map.items())


def test_noise_has_no_entanglement():
    random = Controls(planted(np.random.default_rng(1).normal(size=(20, 2)) * 0.1, noise=0.1))
    table = entanglement_of(planted([(0.05, 0.09), (0.04, -0.06)], noise=0.1), random, ("Y", "X"))
    assert all(e.e is None and "random" in e.undefined for e in table.entanglements)
    assert 0.4 < table.entanglements[0].random_e <= 1.0
    assert table.map == {}, "nor on the map"


def test_nothing_at_all_is_undefined_and_has_a_json_form():
    """Steps and random steps that change nothing: no division by zero reaches the file."""
    nothing = planted([(0.0, 0.0), (0.0, 0.0)])
    table = entanglement_of(nothing, Controls(planted([(0.0, 0.0)] * 20)), ("Y", "X"))
    assert all(e.e is None and e.random_e == 1.0 for e in table.entanglements)
    matrix = response_matrix(nothing, ("Y", "X"), {"Y": 0.1, "X": 0.1})
    assert matrix.condition is None
    json.dumps([table.model_dump(mode="json"), matrix.model_dump(mode="json")], allow_nan=False)


def test_estimated_controls_widen_the_band_until_an_effect_is_no_longer_one():
    """Random steps do four times what their estimates say: an effect beyond the estimates lies inside of their band."""
    step = planted([(0.1, 0.05), (0.05, 0.1)])
    estimate = np.random.default_rng(1).normal(size=(20, 2)) * 0.02
    believed = entanglement_of(step, Controls(planted(estimate)), ("Y", "X"))
    assert all(e.e is not None for e in believed.entanglements)
    corrected = Controls(planted(estimate), planted(4 * estimate[:5]))
    held = entanglement_of(step, corrected, ("Y", "X"))
    assert all(e.e is None for e in held.entanglements)
    assert held.entanglements[0].random_band == pytest.approx(4 * believed.entanglements[0].random_band)
    assert held.entanglements[1].off_band == pytest.approx(4 * believed.entanglements[1].off_band)


def test_response_matrix_is_per_unit_of_the_coefficient():
    step = planted([(0.4, 0.1), (-0.15, 0.5)], noise=0.01)
    found = response_matrix(step, ("Y", "X"), {"Y": 0.2, "X": 0.5})
    matrix = np.array([[c.value for c in row] for row in found.matrix])
    assert matrix == pytest.approx(np.array([[2.0, -0.3], [0.5, 1.0]]), abs=0.05)
    swapped = response_matrix(planted([(-0.15, 0.5), (0.4, 0.1)]), ("X", "Y"), {"X": 0.5, "Y": 0.2})
    assert swapped.matrix[0][0].value == pytest.approx(1.0)
    assert swapped.matrix[1][0].value == pytest.approx(-0.3)
    with pytest.raises(BadInputError):
        response_matrix(step, ("Y", "X"), {"Y": 0.0, "X": 0.5})


def test_how_much_a_way_lowers_e_is_paired_with_the_plain_vector():
    """Both steps answer the same scenarios: the spread that they share is not in the interval of the difference."""
    plain = planted([(0.4, 0.3), (0.2, 0.5)], noise=0.2)
    parted = Measured(AXES, SCENARIOS, AXIS, plain.d.copy(), plain.b, plain.mass)
    parted.d[0::2, AXIS == 1] -= np.array([0.2, 0.0])[:, None, None]  # Y steered: X goes from 0.3 to 0.2
    random = Controls(planted(np.random.default_rng(1).normal(size=(20, 2)) * 0.02))
    size = _Size(plain, (("inverse", "Y"), ("inverse", "X")), parted, {"Y": random, "X": random})
    y, x = size.decoupled(("Y", "X"), 42)
    whole = {e.axis: e for e in size.table(("Y", "X"), 42).entanglements}
    assert y.lowered.value == pytest.approx(whole["Y"].e.value - y.e.value) == pytest.approx(0.25, abs=0.08)
    assert y.lowered.high - y.lowered.low < 0.7 * (y.e.high - y.e.low)
    assert (x.lowered.value, x.lowered.low, x.lowered.high) == (0.0, 0.0, 0.0), "the same answers"
    wide = Controls(planted(np.random.default_rng(1).normal(size=(20, 2))))
    inside = _Size(plain, (("inverse", "Y"),), parted, {"Y": wide, "X": wide}).decoupled(("Y", "X"), 42)
    assert inside[0].lowered is None, "E is undefined there"


def test_an_axis_that_was_not_measured_is_refused():
    with pytest.raises(BadInputError, match="axes"):
        entanglement_of(planted([(1, 0), (0, 1)]), Controls(planted([(0, 0)] * 20)), ("Y", "Z"))


def vectors():
    """Two vectors in a model that answers linearly: d_i = g_i . h, with entangled directions."""
    generator = torch.Generator().manual_seed(3)
    g = torch.linalg.qr(torch.randn(16, 2, generator=generator)).Q.T
    x = SteeringVector({4: 2 * g[0] + 1.2 * g[1]}, Origin(label="X", method="test"))
    y = SteeringVector({4: 0.8 * g[0] + 1.5 * g[1]}, Origin(label="Y", method="test"))
    return g, x, y


def test_the_inverse_of_j_cancels_the_other_axis_in_a_linear_model():
    g, x, y = vectors()
    response = np.array([[float(g[i] @ v[4]) for v in (x, y)] for i in range(2)])
    for factor in (1.0, -1.0):
        step = {4: factor * x[4]}
        only_x = from_inverse(step, {4: y[4]}, response * [factor, 1.0])
        assert float(g[1] @ only_x[4]) == pytest.approx(0, abs=1e-5)
        assert float(g[0] @ only_x[4]) > 0, "up, also where the plain step goes down"
        assert float(only_x[4].norm()) == pytest.approx(x.norm(4), rel=1e-5), "as long as the plain step"
    with pytest.raises(BadInputError, match="inverted"):
        from_inverse({4: x[4]}, {4: 2 * x[4]}, np.array([[1.0, 2.0], [0.5, 1.0]]))


def test_orthogonal_and_penalised_directions():
    _, x, y = vectors()
    assert abs(orthogonal(x, y).cosine(y, 4)) < 1e-5
    assert orthogonal(x, y).norm(4) == pytest.approx(x.norm(4), rel=1e-5)
    generator = torch.Generator().manual_seed(4)
    noise = 0.05 * torch.randn(40, 1, 16, generator=generator)
    off = PairStates(noise + y[4] / 2, -noise - y[4] / 2, torch.ones(1), (4,), y.origin)
    angles = [abs(penalised(off, x, strength).cosine(y, 4)) for strength in (0.0, 1.0, 10.0, 1000.0)]
    assert angles == sorted(angles, reverse=True), "the stronger the penalty, the less of the other axis"
    assert angles[0] == pytest.approx(abs(x.cosine(y, 4)), abs=1e-5)
    assert angles[-1] < 0.05
    direct = torch.linalg.solve(
        torch.eye(16)
        + 16
        / float(((2 * (noise + y[4] / 2)) ** 2).sum())
        * (2 * (noise + y[4] / 2))[:, 0].T
        @ (2 * (noise + y[4] / 2))[:, 0],
        x[4],
    )
    assert float(torch.nn.functional.cosine_similarity(direct, penalised(off, x, 1.0)[4], dim=0)) > 0.99999


def test_measured_means_and_draws_are_balanced():
    uneven = [s for s in SCENARIOS if s.item == "Y01"][:1] + [s for s in SCENARIOS if s.item != "Y01"]
    axis = np.array([AXES.index(s.item[0]) for s in uneven])
    value = np.array([5.0 if s.item == "Y01" else 0.0 for s in uneven])
    m = Measured(AXES, tuple(uneven), axis, value[None, :, None], value[None, :, None], value[None, :, None])
    assert m.means()[0] == pytest.approx([1.0, 0.0]), "items weigh equally, however many scenarios they have"
    draws = planted([(0.4, 0.1)]).draws(500)
    assert draws[:, 0] - draws[:, 1] == pytest.approx(np.broadcast_to([0.8, 0.2], (500, 2))), "paired draws"
