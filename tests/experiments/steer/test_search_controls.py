"""The controls of a search: vectors of items, shuffled labels as a band, random vectors by estimate."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import culturescope as cs
from culturescope.errors import BadInputError
from culturescope.experiments.steer import search_null
from culturescope.experiments.steer.gauge import Gauge, Signed
from culturescope.experiments.steer.measuring import Measured, change_of, measure
from culturescope.experiments.steer.parts import Parts, parts_of
from culturescope.experiments.steer.search import SearchPlan, alphas_of, search
from culturescope.experiments.steer.search import _items as items_of
from culturescope.experiments.steer.search_null import Null, most_by_chance, report_controls
from culturescope.experiments.steer.shuffles import labellings, shuffled_vectors
from culturescope.experiments.steer.slopes import slopes
from culturescope.experiments.steer.stages import Stages
from culturescope.instrument import load_pack
from culturescope.prompts import templates
from culturescope.stats.resampling import random_band
from culturescope.steering.fitting import PairStates, as_long_as, fit, random_like, read_pairs, swapped
from culturescope.steering.vector import Origin

PACK, WORDINGS = load_pack(), templates(1)
ITEMS = ("X05", "X01")
PARTS = parts_of(
    cs.scenarios("optimise", items=ITEMS, limit=18), cs.scenarios("evaluate", items=ITEMS, limit=8)
)
SMALL = SearchPlan(axes=("X",), dose=0.01, top=2, verify=2, blocks=(1, 2))


def test_one_more_control_passes_the_limit_in_a_twentieth_of_cases():
    assert most_by_chance(np.arange(20.0)) == 19
    assert most_by_chance(np.arange(39.0)[::-1]) == 37
    drawn = np.random.default_rng(0).normal(size=(4000, 21))
    passed = [one[0] > most_by_chance(one[1:]) for one in drawn]
    assert np.mean(passed) == pytest.approx(1 / 21, abs=0.01)


def test_random_vectors_choose_their_own_blocks_before_items_are_compared():
    """The vector's item is best at the block that was chosen on the same scenarios: chance gets that choice too."""
    choose = [s for s in PARTS.choose if s.item == "X01"][:2]
    rng = np.random.default_rng(0)
    weights = np.full(len(choose), 1 / len(choose))
    moved = []
    for _ in range(300):
        vector, *controls = rng.normal(size=(21, len(choose), 8))  # none has any effect at its 8 blocks
        d = np.stack([sign * vector[:, block] for block in range(8) for sign in (1, -1)])[:, :, None]
        alone = Signed(Measured(("X",), tuple(choose), np.zeros(len(choose), dtype=int), d, 0 * d, 0 * d))
        best = [int(np.argmax(alone.effects()))]
        (item,) = items_of(alone, best, choose, Null(np.array(controls), weights, 1.0), None)
        moved.append(item.moved)
    assert np.mean(moved) == pytest.approx(1 / 21, abs=0.03), "and not many times as often"


def test_letter_mass_and_bias_are_the_worse_of_both_signs():
    choose = [s for s in PARTS.choose if s.item == "X01"][:2]
    shape = (4, len(choose), 1)
    b = np.broadcast_to(np.array([-3.0, 1.0, 0.5, 2.0])[:, None, None], shape)
    mass = np.broadcast_to(np.array([0.9, 0.7, 0.4, 0.8])[:, None, None], shape)
    found = Signed(
        Measured(("X",), tuple(choose), np.zeros(len(choose), dtype=int), np.zeros(shape), b, mass)
    )
    assert found.mass() == pytest.approx([0.7, 0.4])
    assert found.bias() == pytest.approx([3.0, 2.0])


@pytest.fixture(scope="module")
def by_item(tiny_loaded):
    plan = replace(SMALL, items=ITEMS, dose=0.1)
    return plan, search(tiny_loaded("llama"), PARTS, PACK, WORDINGS, plan)


def test_a_vector_of_an_item_is_fitted_and_measured_on_its_own_scenarios(tiny_loaded, by_item):
    plan, result = by_item
    model = tiny_loaded("llama")
    assert tuple(result.found) == tuple(result.vectors) == ITEMS
    for item in ITEMS:
        found, vector = result.found[item], result.vectors[item]
        own = {
            part: [s for s in getattr(PARTS, part) if s.item == item] for part in ("fit", "choose", "report")
        }
        again = fit(read_pairs(model, own["fit"], blocks=[1, 2]), item)
        assert (vector.origin.label, vector.origin.pairs) == (item, len(own["fit"]))
        assert vector.cosine(again, 2) > 0.99999
        alphas = alphas_of(vector, plan)
        for n, effect in enumerate(found.blocks):
            step = change_of([(vector, alphas[n])], [effect.block])
            d = measure(
                model, own["choose"], [step, {b: -s for b, s in step.items()}], PACK, WORDINGS
            ).means()
            assert effect.effect.value == pytest.approx((d[0, 1] - d[1, 1]) / 2, abs=1e-6)
            assert set(effect.items) == {item}
        chosen = found.choice("chosen")
        step = change_of([(vector, 1.0)], list(chosen.blocks))
        step = {b: alphas[vector.blocks.index(b)] * s for b, s in step.items()}
        d = measure(model, own["report"], [step, {b: -s for b, s in step.items()}], PACK, WORDINGS).means()
        assert chosen.effect.value == pytest.approx((d[0, 1] - d[1, 1]) / 2, abs=1e-6)
        assert chosen.random_band > 0
        assert (found.axis, found.item, found.label) == ("X", item, item)


def test_an_item_that_cannot_be_searched_is_one_line(tiny_loaded):
    model = tiny_loaded("llama")
    with pytest.raises(BadInputError, match="no item X99"):
        search(model, PARTS, PACK, WORDINGS, replace(SMALL, items=("X99",)))
    with pytest.raises(BadInputError, match="item X02 has 0 scenarios to fit"):
        search(model, PARTS, PACK, WORDINGS, replace(SMALL, items=("X02",)))
    with pytest.raises(BadInputError, match="X05 was asked for more than once"):
        replace(SMALL, items=("X05", "X05"))
    with pytest.raises(BadInputError, match="measured or estimated"):
        replace(SMALL, random_way="guessed")
    with pytest.raises(BadInputError, match="20 shuffles"):
        replace(SMALL, shuffles=1)


@pytest.mark.parametrize("pairs", [2, 3, 4, 5, 6, 20, 21])
def test_labellings_swap_half_and_no_one_is_another_s_opposite(pairs):
    found = labellings(pairs, 20, seed=3)
    there = math.comb(pairs, pairs // 2)
    opposite = [frozenset(range(pairs)) - frozenset(c) for c in found]
    assert all(len(set(c)) == pairs // 2 for c in found)
    assert len(set(found)) == len(found) == min(20, there // (1 if pairs % 2 else 2))
    if pairs % 2 == 0:
        assert not {frozenset(c) for c in found} & set(opposite)
    if pairs >= 20:
        assert found == labellings(pairs, 20, seed=3) != labellings(pairs, 20, seed=4)


def states_of(pairs: int, width: int) -> PairStates:
    """Pairs that all differ along one direction, and by noise."""
    torch.manual_seed(0)
    shift = torch.zeros(width)
    shift[0] = 3.0
    negative = torch.randn(pairs, 2, width)
    positive = negative + shift + 0.3 * torch.randn(pairs, 2, width)
    origin = Origin(label="", method="", median_norm={4: 1.0, 7: 1.0})
    return PairStates(positive, negative, torch.ones(2), (4, 7), origin)


@pytest.mark.parametrize("method", ["mean-difference", "pca", "logistic"])
def test_vectors_of_shuffled_labels_are_those_that_the_method_would_fit(method):
    """Found in the span of the pairs, they equal a fit in the whole space; as long as the vector, and of no use along it."""
    states = states_of(12, 40)
    vector = fit(states, "X", method)
    found = shuffled_vectors(states, vector, method, 20, seed=1)
    assert len(found) == 20
    for swap, one in list(zip(labellings(12, 20, 1), found, strict=True))[:3]:
        whole = as_long_as(vector, fit(swapped(states, swap), "X", method))
        for block in (4, 7):
            # The solver of the logistic regression stops within its tolerance.
            assert one.cosine(whole, block) > (0.98 if method == "logistic" else 0.99999)
            assert one.norm(block) == pytest.approx(vector.norm(block), rel=1e-5)
    along = np.array([abs(one.cosine(vector, 4)) for one in found])
    if method == "pca":
        assert along.min() > 0.999, "labels set only the sign of a first principal direction"
    else:
        assert along.max() < 0.6


def test_the_band_of_shuffled_labels_is_that_of_twenty_refits(tiny_loaded, by_item):
    plan, result = by_item
    model, vector = tiny_loaded("llama"), result.vectors["X05"]
    found = result.found["X05"]
    own = {part: [s for s in getattr(PARTS, part) if s.item == "X05"] for part in ("fit", "choose")}
    states = read_pairs(model, own["fit"], blocks=[1, 2])
    estimate, alphas = slopes(model, own["choose"], WORDINGS), alphas_of(vector, plan)
    fitted = [
        as_long_as(vector, fit(swapped(states, swap), "X05"))
        for swap in labellings(len(own["fit"]), 20, plan.seed)
    ]
    assert found.shuffles == len(fitted)
    weights = np.full(len(own["choose"]), 1 / len(own["choose"]))
    if len({s.domain for s in own["choose"]}) == len(own["choose"]):
        effects = np.stack([weights @ estimate.of(v, alphas) for v in fitted])
        wider = max(1.0, found.shuffled_ratio)
        for n, e in enumerate(found.blocks):
            assert e.shuffled_band == pytest.approx(wider * random_band(effects[:, n]), rel=1e-3)
            assert e.shuffled_worst == pytest.approx(wider * np.abs(effects[:, n]).max(), rel=1e-3)
        best = max(e.effect.value for e in found.blocks)
        as_well = (wider * effects.max(axis=1) >= best).sum()
        assert found.p_shuffled == pytest.approx((1 + as_well) / (1 + len(fitted)))
    else:
        pytest.fail("the scenarios that choose are one a domain, so that they weigh equally")


def test_random_vectors_stand_at_all_of_the_chosen_blocks(tiny_loaded, by_item):
    """On the scenarios that report; at one block of several they would do less, and the band would claim too much."""
    plan, result = by_item
    found, vector = result.found["X05"], result.vectors["X05"]
    report = [s for s in PARTS.report if s.item == "X05"]
    alphas = alphas_of(vector, plan)
    drawn = [random_like(vector, plan.seed + 1000 + r) for r in range(plan.random)]
    steps = [
        {b: s * a * v[b] for b, a in zip(vector.blocks, alphas, strict=True)} for v in drawn for s in (1, -1)
    ]
    means = measure(tiny_loaded("llama"), report, steps, PACK, WORDINGS).means()[:, 1]
    assert found.chosen == vector.blocks
    band = random_band((means[0::2] - means[1::2]) / 2)
    assert found.choice("chosen").random_band == pytest.approx(band, rel=1e-3)


def controls(model, steps, way) -> dict:
    """The band of random steps on the scenarios that report, one way or the other."""
    gauge = Gauge(model, PACK, tuple(WORDINGS), 8, Stages())
    return report_controls(steps, steps, replace(SMALL, random_way=way), gauge, PARTS.report)


def small_steps(vector) -> list:
    drawn = [random_like(vector, seed) for seed in range(20)]
    return [change_of([(v, 0.01 * v.origin.median_norm[1] / v.norm(1))], [1, 2]) for v in drawn]


def test_estimated_random_vectors_agree_with_measured_ones_at_small_steps(tiny_loaded, by_item):
    """Where the model answers linearly both ways give one band; measured there are twenty, estimated there are five."""
    steps = small_steps(by_item[1].vectors["X05"])
    measured, estimated = (controls(tiny_loaded("llama"), steps, way) for way in ("measured", "estimated"))
    assert measured == {
        "random_band": measured["random_band"],
        "random_way": "measured",
        "random_measured": 20,
        "shuffled_band": estimated["random_band"],
        "shuffled_ratio": estimated["control_ratio"],
    }, "those of shuffled labels (here the same steps) are estimated in either case"
    assert (estimated["random_way"], estimated["random_measured"]) == ("estimated", 5)
    assert estimated["control_ratio"] == pytest.approx(1.0, abs=0.05)
    assert estimated["random_band"] == pytest.approx(measured["random_band"], rel=0.05)


def test_a_band_that_is_estimated_is_as_wide_as_measured_vectors_say(tiny_loaded, by_item, monkeypatch):
    """Estimates that are half of the truth are doubled by the five that are measured; those too large stay as they are."""
    steps, model = small_steps(by_item[1].vectors["X05"]), tiny_loaded("llama")
    right = controls(model, steps, "estimated")
    whole = search_null.estimated
    for factor, band in ((0.5, right["random_band"]), (3.0, 3 * right["random_band"])):

        def wrong(estimate, scenarios, steps, pack, factor=factor):
            found = whole(estimate, scenarios, steps, pack)
            return replace(found, d=factor * found.d)

        monkeypatch.setattr(search_null, "estimated", wrong)
        found = controls(model, steps, "estimated")
        assert found["control_ratio"] == pytest.approx(right["control_ratio"] / factor)
        assert found["random_band"] == pytest.approx(band, rel=0.05)


def test_a_search_says_which_way_its_random_vectors_were_found(by_item):
    chosen = by_item[1].found["X05"].choice("chosen")
    assert (chosen.random_way, chosen.random_measured, chosen.control_ratio) == ("measured", 20, None)
    assert by_item[1].found["X05"].choice("all").random_way is None


def test_which_way_is_taken_when_none_is_named():
    assert SearchPlan().report_way == "measured"
    assert SearchPlan(how="first-order").report_way == "estimated"
    assert SearchPlan(how="first-order", random_way="measured").report_way == "measured"
    assert SearchPlan().as_dict()["random_way"] == "measured"


def test_few_pairs_leave_no_band_of_shuffled_labels(tiny_loaded):
    """Two pairs can be shuffled in one way: a worst one, but no band."""
    x = [s for s in PARTS.fit if s.item == "X05"][:2]
    parts = Parts(tuple(x), PARTS.choose, PARTS.report)
    found = search(tiny_loaded("llama"), parts, PACK, WORDINGS, replace(SMALL, items=("X05",))).found["X05"]
    assert found.shuffles == 1
    assert all(e.shuffled_band is None and e.shuffled_worst > 0 for e in found.blocks)
