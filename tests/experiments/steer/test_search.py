"""Search over blocks: equals measuring by hand, keeps its parts apart, and does not find what is not there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import culturescope as cs
from culturescope.cli.steer_search_text import table_of
from culturescope.errors import BadInputError
from culturescope.experiments.steer.measuring import change_of, measure
from culturescope.experiments.steer.parts import parts_of
from culturescope.experiments.steer.quality import Writing, quality_of, write_rows
from culturescope.experiments.steer.search import SearchPlan, alphas_of, search
from culturescope.experiments.steer.slopes import slopes
from culturescope.instrument import load_pack
from culturescope.prompts import templates
from culturescope.prompts.neutral import neutral_prompts
from culturescope.steering.applying import Edit
from culturescope.steering.fitting import as_long_as, random_like
from tests.tiny import BLOCKS

PACK, WORDINGS = load_pack(), templates(1)
PARTS = parts_of(cs.scenarios(split="optimise", limit=30), cs.scenarios(split="evaluate", limit=10))


def test_parts_share_no_scenario_and_cover_the_split():
    optimise, evaluate = cs.scenarios(split="optimise"), cs.scenarios(split="evaluate")
    parts = parts_of(optimise, evaluate)
    ids = [{s.id for s in part} for part in (parts.fit, parts.choose, parts.report)]
    assert len(ids[0] | ids[1] | ids[2]) == sum(map(len, ids))
    assert ids[0] | ids[1] == {s.id for s in optimise}
    for item in PACK.item_ids:
        for domain in PACK.domains:
            sizes = [
                sum(s.item == item and s.domain == domain for s in part) for part in (parts.fit, parts.choose)
            ]
            assert sizes in ([6, 4], [7, 3])
    assert parts_of(optimise, evaluate) == parts
    assert parts_of(optimise, evaluate, seed=1) != parts
    with pytest.raises(BadInputError, match="at once"):
        parts_of(optimise, optimise)
    with pytest.raises(BadInputError, match="larger limit"):
        parts_of(optimise[:2], evaluate)
    for share in (0.0, 1.0):
        with pytest.raises(BadInputError, match="between 0 and 1"):
            parts_of(optimise, evaluate, share=share)
    fifth = parts_of(optimise, evaluate, share=0.2)
    assert len(fifth.choose) == round(0.2 * len(optimise)) < len(parts.choose)


def test_few_scenarios_leave_no_domain_to_one_part():
    """One scenario a cell: chosen by a third of each axis's, from all domains, and so is what is fitted on."""
    optimise, evaluate = cs.scenarios(split="optimise", limit=30), cs.scenarios(split="evaluate", limit=30)
    for seed in (42, 1):
        parts = parts_of(optimise, evaluate, seed=seed)
        assert {s.item for s in parts.choose} == set(PACK.item_ids)
        for part in (parts.fit, parts.choose):
            for axis in ("X", "Y"):
                assert {s.domain for s in part if s.item.startswith(axis)} == set(PACK.domains)


def test_measuring_equals_a_probe_under_steering(tiny_loaded):
    """The fast path (records, rows of changes) against the plain one (hooks, one change after the other)."""
    model = tiny_loaded("gemma3")
    scenarios = PARTS.report[:4]
    v = cs.fit_vector(model, PARTS.fit, "X")
    changes = [{}, change_of([(v, 0.3)]), change_of([(v, -0.3)], [2]), change_of([(v, 0.2), (-v, 0.1)], [1])]
    found = measure(model, scenarios, changes, PACK, templates(2), batch_size=3, rows=7)
    for n, (alpha, blocks) in enumerate(((0.0, None), (0.3, None), (-0.3, [2]), (0.1, [1]))):
        with v.applied(model, alpha, blocks=blocks):
            reading = cs.probe(model, scenarios, template_ids=2)
        d = {}
        for row in reading.samples:
            sign = 1 if row["order"] == "positive-A" else -1
            gap = sign * (row["logits"][0] - row["logits"][1]) / 2
            d[row["scenario"], row["template"]] = d.get((row["scenario"], row["template"]), 0) + gap
        expected = [[d[s.id, w.id] for w in templates(2)] for s in scenarios]
        assert found.d[n] == pytest.approx(np.array(expected), abs=1e-4)
    assert ((found.mass > 0) & (found.mass <= 1)).all()


@pytest.fixture(scope="module")
def searched(tiny_loaded):
    plan = SearchPlan(axes=("X",), dose=0.1, top=2, verify=2, quality_prompts=3, max_new_tokens=4)
    return plan, search(tiny_loaded("llama"), PARTS, PACK, WORDINGS, plan)


def test_each_block_alone_equals_its_own_measurement(tiny_loaded, searched):
    plan, result = searched
    found, vector = result.found["X"], result.vectors["X"]
    choose = [s for s in PARTS.choose if s.item.startswith("X")]
    alphas = alphas_of(vector, plan)
    assert [e.block for e in found.blocks] == list(range(BLOCKS))
    for effect in found.blocks:
        assert effect.dose == pytest.approx(plan.dose)
        step = change_of([(vector, alphas[effect.block])], [effect.block])
        both = measure(
            tiny_loaded("llama"), choose, [step, {b: -s for b, s in step.items()}], PACK, WORDINGS
        ).means()[:, 1]
        assert effect.effect.value == pytest.approx((both[0] - both[1]) / 2, abs=1e-6)
        assert effect.effect.low <= effect.effect.value <= effect.effect.high
        assert effect.random_band > 0
        items = effect.items
        assert set(items) == {s.item for s in choose}
        assert np.mean(list(items.values())) == pytest.approx(effect.effect.value, abs=1e-6)
    assert len(found.chosen) == 2
    assert {c.name for c in found.choices} == {"best", "chosen", "all"}
    assert next(c for c in found.choices if c.name == "chosen").random_band > 0
    assert 0 < found.p_chosen <= 1


def test_estimated_controls_are_held_against_measured_ones(tiny_loaded, searched):
    """The bands come from first-order estimates: where measured random vectors do more, the bands say so."""
    plan, result = searched
    found, vector = result.found["X"], result.vectors["X"]
    best = max(found.blocks, key=lambda e: e.effect.value)
    choose = [s for s in PARTS.choose if s.item.startswith("X")]
    controls = [random_like(vector, plan.seed + r) for r in range(10)]
    steps = [change_of([(c, sign * best.alpha)], [best.block]) for c in controls for sign in (1, -1)]
    means = measure(tiny_loaded("llama"), choose, steps, PACK, WORDINGS).means()[:, 1]
    exact = np.sqrt((((means[0::2] - means[1::2]) / 2) ** 2).mean())
    estimate = slopes(tiny_loaded("llama"), choose, WORDINGS)
    alphas = alphas_of(vector, plan)
    estimated = np.array([estimate.of(c, alphas)[:, best.block].mean() for c in controls])
    assert found.control_ratio == pytest.approx(exact / np.sqrt((estimated**2).mean()), rel=0.2)
    assert 0.5 < found.control_ratio < 2


def test_texts_under_each_set_of_blocks_are_those_of_its_steps(tiny_loaded, searched):
    plan, result = searched
    model, found, vector = tiny_loaded("llama"), result.found["X"], result.vectors["X"]
    writing = Writing(neutral_prompts(3), max_new_tokens=4)
    plain = write_rows(model, writing, [])
    (block,) = found.choice("best").blocks
    for sign, factor in (("+", 1), ("-", -1)):
        edit = Edit(vector.at([block]), factor * alphas_of(vector, plan)[block])
        by_hand = quality_of(write_rows(model, writing, [edit]), plain)
        assert found.choice("best").quality[sign].kl.value == pytest.approx(by_hand.kl.value, rel=1e-3)
        assert found.choice("best").quality[sign].tokens == by_hand.tokens
    assert all(set(c.quality) == {"+", "-"} and c.quality["+"].prompts == 3 for c in found.choices)
    assert found.choice("all").quality["+"].kl.value > found.choice("best").quality["+"].kl.value
    assert any("texts -: perplexity x" in line for line in table_of(found))


def test_a_threshold_decides_which_items_moved(tiny_loaded, searched):
    plan, result = searched
    usual = result.found["X"].items
    assert [i.moved for i in usual] == [i.effect > i.random_band for i in usual]
    asked = replace(plan, threshold=0.0, blocks=(1,), top=1, quality_prompts=0)
    items = search(tiny_loaded("llama"), PARTS, PACK, WORDINGS, asked).found["X"].items
    assert [i.moved for i in items] == [i.effect > 0 for i in items]
    assert any(0 < i.effect <= i.random_band for i in items), "the band alone would say otherwise"


def test_vectors_are_fitted_on_the_fitting_part_only(tiny_loaded, searched):
    _, result = searched
    again = cs.fit_vector(tiny_loaded("llama"), PARTS.fit, "X")
    assert result.vectors["X"].cosine(again, 1) > 0.99999
    assert result.vectors["X"].origin.pairs == sum(s.item.startswith("X") for s in PARTS.fit)


def test_slopes_are_the_effects_of_small_steps(tiny_loaded):
    model = tiny_loaded("qwen2")
    v = random_like(cs.fit_vector(model, PARTS.fit, "X"), 1)
    scenarios = PARTS.report[:3]
    alphas = [1e-3] * BLOCKS
    estimate = slopes(model, scenarios, templates(2)).of(v, alphas)
    for block in range(BLOCKS):
        steps = [change_of([(v, sign * 1e-3)], [block]) for sign in (1, -1)]
        d = measure(model, scenarios, steps, PACK, templates(2)).d.mean(axis=2)
        assert estimate[:, block] == pytest.approx((d[0] - d[1]) / 2, rel=0.02, abs=1e-5)


def test_a_planted_block_is_found_and_shuffled_labels_are_not_better(tiny_loaded):
    """The method returns the very gradient of d at one block and noise at right angles to it elsewhere: that block must win by far."""
    model = tiny_loaded("llama")
    x = [s for s in PARTS.choose if s.item.startswith("X")]
    gradient = slopes(model, x, WORDINGS).gradients.mean(dim=0)
    calls = iter(range(100))

    def planted(positive, negative):
        block = next(calls) % BLOCKS
        unit = gradient[block] / gradient[block].norm()
        noise = torch.randn(len(unit), generator=torch.Generator().manual_seed(block))
        return unit if block == 1 else noise - (noise @ unit) * unit

    plan = SearchPlan(axes=("X",), method=planted, dose=0.003, top=1, verify=1)  # type: ignore[arg-type]
    found = search(model, PARTS, PACK, WORDINGS, plan).found["X"]
    assert found.chosen == (1,)
    best = found.blocks[1]
    assert best.effect.value > best.random_band
    assert found.p_chosen < 0.1


def test_greedy_and_first_order_ways(tiny_loaded):
    plan = SearchPlan(axes=("Y",), how="first-order", joint="greedy", top=2, verify=2, alpha=0.2)
    found = search(tiny_loaded("llama"), PARTS, PACK, WORDINGS, plan).found["Y"]
    measured = [e.block for e in found.blocks if e.effect is not None]
    assert len(measured) == 2
    assert set(found.chosen) <= set(measured)
    assert {e.alpha for e in found.blocks} == {0.2}
    assert found.rank_agreement.of == 2
    assert next(c for c in found.choices if c.name == "all").blocks == tuple(range(BLOCKS))


def test_norms_and_bad_plans(tiny_loaded):
    v = cs.fit_vector(tiny_loaded("llama"), PARTS.fit, "X")
    other = as_long_as(v, 5 * random_like(v, 3))
    assert [other.norm(b) for b in v.blocks] == pytest.approx([v.norm(b) for b in v.blocks], rel=1e-5)
    for wrong in (
        {"dose": 0.0},
        {"top": 0},
        {"random": 5},
        {"alpha": -1.0},
        {"verify": 1},
        {"threshold": -1.0},
        {"quality_prompts": 1},
        {"quality_prompts": 1000},
        {"max_new_tokens": 0},
    ):
        with pytest.raises(BadInputError):
            SearchPlan(**wrong)
