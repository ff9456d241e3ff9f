"""Whole studies on a tiny model: what is reported was measured, controls stand beside it, parts stay apart."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

import culturescope as cs
from culturescope.errors import BadInputError
from culturescope.experiments.steer.aim_study import _reached as reached_of
from culturescope.experiments.steer.aim_study import aim
from culturescope.experiments.steer.bench import Bench
from culturescope.experiments.steer.coordinates import coordinates, places_of, projection_entanglement
from culturescope.experiments.steer.decouple import orthogonal
from culturescope.experiments.steer.domains import across_domains
from culturescope.experiments.steer.entangle_study import _best_penalty as best_penalty
from culturescope.experiments.steer.entangle_study import entangle, human_slopes
from culturescope.experiments.steer.measuring import Measured, change_of, step_of, sum_of
from culturescope.experiments.steer.parts import Parts, parts_of
from culturescope.experiments.steer.quality import Writing
from culturescope.instrument import load_pack
from culturescope.prompts import Persona, templates
from culturescope.prompts.neutral import neutral_prompts
from culturescope.steering.fitting import PairStates, fit, random_like, read_pairs
from culturescope.steering.vector import Origin, SteeringVector

PACK, WORDINGS = load_pack(), templates(1)
PARTS = parts_of(cs.scenarios(split="optimise", limit=30), cs.scenarios(split="evaluate", limit=20))
FEW = Parts(
    PARTS.fit,
    *(
        [s for s in part if s.item in ("X01", "Y01", "X02", "Y02")][:4]
        for part in (PARTS.choose, PARTS.report)
    ),
)


@pytest.fixture(scope="module")
def fitted(tiny_loaded):
    model = tiny_loaded("llama")
    states = {
        axis: read_pairs(model, [s for s in PARTS.fit if s.item.startswith(axis)], blocks=[1, 2])
        for axis in ("Y", "X")
    }
    return model, states, {axis: fit(found, axis) for axis, found in states.items()}


def bench(model, parts=FEW, **options) -> Bench:
    return Bench(model, parts, PACK, WORDINGS, **options)


def test_entanglement_study(fitted):
    model, states, vectors = fitted
    study = entangle(bench(model, dose=0.2), vectors, states=states, others=[0.05])
    both = bench(model, dose=0.2).both_signs([vectors["Y"]], FEW.report).means()
    y = study.overall.entanglements[0]
    assert y.on_axis.value == pytest.approx((both[0, 0] - both[1, 0]) / 2, abs=1e-6)
    assert y.off_axis.value == pytest.approx((both[0, 1] - both[1, 1]) / 2, abs=1e-6)
    assert study.response.matrix[1][0].value == pytest.approx(y.off_axis.value / 0.2, abs=1e-6)
    assert {d.way for d in study.decoupled} == {"orthogonal", "inverse", "penalised"}
    assert set(study.cosine) == {1, 2}
    small = study.by_step["0.05"].entanglements[0]
    step = bench(model, dose=0.05).both_signs([vectors["Y"]], FEW.report).means()
    assert small.on_axis.value == pytest.approx((step[0, 0] - step[1, 0]) / 2, abs=1e-6)
    assert small.random_band < 0.6 * y.random_band, "random steps are as small"
    assert len(study.domains) + len(study.notes) >= 3
    for parted in (study.decoupled, study.decoupled_by_step["0.05"]):
        assert {(d.way, d.axis) for d in parted} == set(product(("orthogonal", "inverse", "penalised"), "YX"))
    alone = bench(model, dose=0.05).change(orthogonal(vectors["Y"], vectors["X"]))
    by_hand = bench(model).steps_both_ways([alone], FEW.report).means()
    found = next(d for d in study.decoupled_by_step["0.05"] if (d.way, d.axis) == ("orthogonal", "Y"))
    assert found.on_axis.value == pytest.approx((by_hand[0, 0] - by_hand[1, 0]) / 2, rel=1e-3, abs=1e-6)
    assert found.random_band == pytest.approx(small.random_band), "beside random steps of its own size"
    with pytest.raises(BadInputError, match="same blocks"):
        entangle(bench(model), {"Y": vectors["Y"], "X": vectors["X"].at([1])})


def test_ways_to_part_the_axes_by_domain_with_estimated_controls(fitted):
    model, _, vectors = fitted
    report = [
        s
        for s in cs.scenarios(split="evaluate", limit=60)
        if s.item in ("X01", "Y01") and s.domain in ("family", "legal")
    ]
    at = bench(model, Parts(FEW.fit, FEW.choose, report), dose=0.02)
    study = entangle(at, vectors, random="estimated")
    measured = entangle(at, vectors)
    assert (study.random, measured.random, measured.control_ratio) == ("estimated", "measured", {})
    for one, other in zip(study.overall.entanglements, measured.overall.entanglements, strict=True):
        assert one.random_band == pytest.approx(other.random_band, rel=0.1), "small steps: the estimate holds"
        assert one.on_axis == other.on_axis, "effects are measured in either case"
        assert study.control_ratio[one.axis][one.axis] == pytest.approx(1.0, abs=0.1)
    assert {d.domain for d in study.decoupled_by_domain} == {"family", "legal"}
    only = [s for s in report if s.domain == "legal"]
    alone = at.steps_both_ways([at.change(orthogonal(vectors["X"], vectors["Y"]))], only).means()
    found = next(
        d for d in study.decoupled_by_domain if (d.domain, d.way, d.axis) == ("legal", "orthogonal", "X")
    )
    assert found.on_axis.value == pytest.approx((alone[0, 1] - alone[1, 1]) / 2, rel=1e-3, abs=1e-6)
    assert found.random_band != study.decoupled[0].random_band
    with pytest.raises(BadInputError, match="measured or estimated"):
        at.random_steps(vectors, report, 20, 42, "guessed")


def moved(scenarios, shift, seed=0) -> Measured:
    """Answers whose own spread is large, moved by the same d on every scenario."""
    own = np.random.default_rng(seed).normal(size=(1, len(scenarios), 1))
    axis = np.array([("Y", "X").index(s.item[0]) for s in scenarios])
    return Measured(("Y", "X"), tuple(scenarios), axis, own + shift, 0 * own, 0 * own + 1)


def test_a_change_of_distance_is_paired_over_scenarios():
    scenarios = cs.scenarios(split="evaluate", limit=60)
    plain = moved(scenarios, 0.0)
    same = reached_of("same", moved(scenarios, 0.0), plain, (3.0, 3.0), 42)
    assert (same.change.value, same.change.low, same.change.high) == (0.0, 0.0, 0.0)
    nearer = reached_of("nearer", moved(scenarios, 0.5), plain, (3.0, 3.0), 42)
    assert nearer.change.high < 0
    width = nearer.change.high - nearer.change.low
    assert width < 0.2 * (nearer.distance.high - nearer.distance.low), (
        "not the spread of the scenarios themselves"
    )


def test_draws_of_items_agree_with_those_of_axes():
    found = moved(cs.scenarios(split="evaluate", limit=60), 0.0)
    items, means = found.item_means()
    y = [n for n, item in enumerate(items) if item.startswith("Y")]
    assert means[0, y].mean() == pytest.approx(found.means()[0, 0])
    by_item, by_axis = found.item_draws(4000)[:, 0][:, y].mean(axis=1), found.draws(4000)[:, 0, 0]
    assert by_item.std() == pytest.approx(by_axis.std(), rel=0.06)


class Answering:
    """A bench whose model answers linearly: half the change of d on (Y, X) is the first two entries of a step."""

    parts = PARTS

    def both_signs(self, vectors, on) -> Measured:
        axis = np.array([("Y", "X").index(s.item[0]) for s in on])
        steps = [sign * v[0].numpy()[:2] for v in vectors for sign in (1, -1)]
        d = np.stack([step[axis] for step in steps])[:, :, None].astype(float)
        return Measured(("Y", "X"), tuple(on), axis, d, 0 * d, 0 * d + 1)


@pytest.mark.parametrize(("on_axis", "partly"), [(1.0, True), (-1.0, False)])
def test_a_penalty_keeps_four_fifths_of_the_change_on_the_axis(on_axis, partly):
    plain = SteeringVector({0: torch.tensor([on_axis, 0.8, 0.0])}, Origin(label="Y", method="test"))
    half = torch.tensor([0.0, 1.0, 0.0]).expand(5, 1, 3)
    off = PairStates(half, -half, torch.ones(1), (0,), plain.origin)
    best = best_penalty(Answering(), plain, off, 0, ("Y", "X"))
    if partly:
        assert float(best[0][0]) >= 0.8
        assert abs(float(best[0][1])) < 0.4
    else:
        assert best is plain, "nothing to keep where the axis moves the wrong way"


def test_steps_by_dose_are_mixed_as_they_were_measured(fitted):
    """The inverse of J on the scenarios that gave J, small steps: nothing is left off the axis, however long the vectors are."""
    model, _, vectors = fitted
    at = bench(model, Parts(FEW.fit, FEW.choose, FEW.choose), dose=0.02)
    study = entangle(at, {"Y": vectors["Y"], "X": 25 * vectors["X"]})
    found = {d.axis: d for d in study.decoupled if d.way == "inverse"}
    for plain in study.overall.entanglements:
        mixed = found[plain.axis]
        assert abs(mixed.off_axis.value) < 0.1 * abs(plain.off_axis.value)
        assert mixed.on_axis.value > 0


def test_random_steps_are_as_long_as_each_axis_s_own(fitted):
    """By raw coefficient a long vector makes long steps: its band is that of long random steps."""
    model, _, vectors = fitted
    table = entangle(bench(model, dose=None, alpha=0.02), {"Y": vectors["Y"], "X": 10 * vectors["X"]}).overall
    by_axis = {e.axis: e for e in table.entanglements}
    assert by_axis["X"].random_band > 3 * by_axis["Y"].random_band


def test_vectors_of_one_domain_are_tested_on_all(fitted):
    model, _, _ = fitted
    report = [s for s in cs.scenarios(split="evaluate", limit=60) if s.item in ("X01", "X02")]
    at = bench(model, Parts(PARTS.fit, PARTS.choose, report), dose=0.2)
    table = across_domains(at, "X", (1, 2))
    assert {(c.fitted, c.tested) for c in table.cells} == set(product((*PACK.domains, "all"), PACK.domains))
    x = [s for s in PARTS.fit if s.item.startswith("X")]
    legal = fit(read_pairs(model, [s for s in x if s.domain == "legal"], blocks=[1, 2]), "X")
    inside = [s for s in report if s.domain == "family"]
    steps = [
        {b: s * 0.2 * table_norm(model, x, b) * legal[b] / legal.norm(b) for b in (1, 2)} for s in (1, -1)
    ]
    d = at.measured(steps, inside).means()[:, 1]
    cell = next(c for c in table.cells if (c.fitted, c.tested) == ("legal", "family"))
    assert cell.change["X"].value == pytest.approx((d[0] - d[1]) / 2, rel=1e-3, abs=1e-6)
    assert cell.random_band["X"] > 0
    assert "Y" not in cell.change, "no scenario of Y was asked"
    assert table.pairs["all"] == sum(table.pairs[d] for d in PACK.domains) == len(x)
    assert table.cosine["legal"]["legal"] == pytest.approx(1.0)
    only = Parts([s for s in PARTS.fit if s.domain == "legal"], PARTS.choose, report)
    with pytest.raises(BadInputError, match="to fit a vector on"):
        across_domains(bench(model, only), "X", (1,))


def table_norm(model, scenarios, block) -> float:
    """The median |h| that the doses of the table are counted in: that of all the axis's pairs."""
    return read_pairs(model, scenarios, blocks=[block]).origin.median_norm[block]


def test_figures_of_people_stand_beside():
    human = human_slopes()
    assert human["r"] == pytest.approx(0.582, abs=0.001)
    assert (human["y_on_x"], human["x_on_y"]) == pytest.approx((0.46, 0.73), abs=0.01)
    alone = projection_entanglement()
    assert alone["paper"]["X"] == pytest.approx(0.35, abs=0.01)
    assert alone["anchored"]["X"] == pytest.approx(0.17, abs=0.01)


def test_aim_study_reports_on_other_scenarios_than_it_chose_by(fitted):
    model, _, vectors = fitted
    at = bench(model, PARTS, dose=0.1)
    start = coordinates(at.measured([{}], PARTS.choose))[0]
    shift = coordinates(at.measured([at.change(vectors["X"], 2.0)], PARTS.choose))[0]
    study = aim(
        at, vectors, tuple(shift), name="there", least_mass=0.0, tolerance=0.3 * np.hypot(*(shift - start))
    )
    assert study.aim.start == pytest.approx(tuple(start))
    assert study.aim.distance < study.aim.start_distance
    names = [r.name for r in study.reached]
    assert names == ["unsteered", "aimed"]
    best = sum_of([at.change(v, c) for v, c in zip(vectors.values(), study.aim.coefficients, strict=True)])
    confirmed = coordinates(at.measured([best], PARTS.report))[0]
    assert study.reached[1].place == pytest.approx(tuple(confirmed), abs=1e-6)
    assert study.reached[1].change is not None
    assert study.reached[0].change is None
    drawn = SteeringVector(dict(best), Origin(label="by hand", method="test"))
    steps = [{}, *(change_of([(random_like(drawn, 42 + r), 1.0)]) for r in range(20))]
    away = np.linalg.norm(coordinates(at.measured(steps, PARTS.report)) - shift, axis=1)
    changes = away[1:] - away[0]
    half = 2.093 * changes.std(ddof=1) * np.sqrt(21 / 20)
    assert (study.random.low, study.random.high) == pytest.approx(
        (changes.mean() - half, changes.mean() + half), abs=1e-4
    )
    assert study.random.beyond == (study.reached[1].change.value < study.random.low)
    with pytest.raises(BadInputError, match="at least 20"):
        aim(at, vectors, tuple(shift), random=5)


def test_random_steps_of_an_aim_on_top_of_a_persona_are_set_against_the_persona(fitted):
    model, _, vectors = fitted
    at, persona = bench(model, PARTS, dose=0.3), Persona("told", "advanced", 0, "You live in a small town.")
    target = (1.0, 1.0)
    study = aim(at, vectors, target, on_top_of=persona, least_mass=0.0, tolerance=1e-4, steps=1)
    best = sum_of([at.change(v, c) for v, c in zip(vectors.values(), study.aim.coefficients, strict=True)])
    drawn = SteeringVector(dict(best), Origin(label="by hand", method="test"))
    steps = [{}, *(change_of([(random_like(drawn, 42 + r), 1.0)]) for r in range(20))]
    away = np.linalg.norm(coordinates(at.measured(steps, PARTS.report, persona)) - target, axis=1)
    assert (study.random.low + study.random.high) / 2 == pytest.approx((away[1:] - away[0]).mean(), abs=1e-4)
    aimed = next(r for r in study.reached if r.name == "aimed")
    assert study.random.beyond == (aimed.change_from_persona.value < study.random.low)


def test_an_aim_stays_within_its_perplexity_budget(fitted):
    """A target far out: without a budget the way goes to the limits, with one it stays where texts are hardly harder."""
    model, _, vectors = fitted
    at = bench(model, PARTS, dose=0.5)
    writing = Writing(neutral_prompts(8), max_new_tokens=6)
    start = coordinates(at.measured([{}], PARTS.choose))[0]
    far = coordinates(at.measured([at.change(vectors["X"], 3.0)], PARTS.choose))[0]
    target = tuple(start + 3 * (far - start))
    options = {"name": "far", "least_mass": 0.0, "tolerance": 1e-4, "steps": 2, "random": 0}
    free = aim(at, vectors, target, **options)
    assert (free.quality, free.random) == (None, None)
    paid = aim(at, vectors, target, writing=writing, most_perplexity=1.0001, **options)
    assert paid.quality.chosen_by.value <= 1.0001
    assert paid.aim.budget_asked >= len(paid.aim.steps)
    assert all(s.budget_used <= 1 for s in paid.aim.steps if s.place is not None)
    assert np.abs(paid.aim.coefficients).max() < np.abs(free.aim.coefficients).max()
    assert paid.quality.prompts == 4


def test_steps_by_dose_and_by_coefficient(fitted):
    _, _, vectors = fitted
    x = vectors["X"]
    by_dose = step_of(x, dose=0.1, scale=-2.0)
    for block in x.blocks:
        assert float(by_dose[block].norm()) == pytest.approx(0.2 * x.origin.median_norm[block], rel=1e-5)
    assert (step_of(x, alpha=0.3)[1] - change_of([(x, 0.3)])[1]).abs().max() == 0
    with pytest.raises(BadInputError, match="either"):
        step_of(x, dose=0.1, alpha=0.1)


def test_places_are_linear_and_the_null_is_the_mean_of_societies():
    from culturescope.people.conversion import conversion_of
    from culturescope.people.projection import fit_projection

    projection = fit_projection()
    items = tuple(projection.people.item_ids)
    d = np.random.default_rng(0).normal(size=(3, len(items)))
    expected = [projection.project(conversion_of("anchored", projection).values(row)) for row in d]
    assert places_of(items, d) == pytest.approx(np.array(expected))
    assert places_of(items[::-1], d[:, ::-1]) == pytest.approx(np.array(expected))
    with pytest.raises(BadInputError, match="were not measured"):
        places_of(items[:9], d[:, :9])
