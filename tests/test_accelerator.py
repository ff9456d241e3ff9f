"""On an accelerator, where there is one: the same letters, directions, texts and study as on the CPU."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import culturescope as cs
from culturescope.experiments.steer.opening import open_search
from culturescope.experiments.steer.parts import parts_of
from culturescope.experiments.steer.quality import Writing
from culturescope.experiments.steer.search_plan import SearchPlan
from culturescope.experiments.steer.steps import aim_into, entangle_into, search_into, sweep_into
from culturescope.experiments.steer.sweep import SweepPlan
from culturescope.instrument import load_pack
from culturescope.models import load
from culturescope.models.filling import choose_filling
from culturescope.models.peak import matmul_peak
from culturescope.prompts import ORDERS, dilemma, templates
from culturescope.prompts.neutral import neutral_prompts
from culturescope.steering.vector import Origin, SteeringVector
from tests.test_exact import SWITCHES, asked, everything, same, without  # noqa: F401
from tests.tiny import BLOCKS, HIDDEN

DEVICE = "cuda"
FAMILIES = ("llama", "gemma3", "mixtral")

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no accelerator here")


@pytest.fixture(scope="module")
def here_and_there(tiny):
    """Per family: the tiny model on the CPU and on the accelerator."""
    known = {}

    def of(family):
        if family not in known:
            known[family] = load(tiny(family)), load(tiny(family), device=DEVICE)
        return known[family]

    return of


@pytest.mark.parametrize("family", FAMILIES)
def test_everything_is_as_on_the_cpu(here_and_there, asked, family):  # noqa: F811
    here, there = here_and_there(family)
    same(everything(there, asked, 5), everything(here, asked, 5), alike=0.9999)


@pytest.mark.parametrize("switch", SWITCHES)
def test_an_optimisation_changes_nothing_but_rounding(here_and_there, asked, switch):  # noqa: F811
    here, there = here_and_there("llama")
    with without(there, switch) as batch_size:
        same(everything(there, asked, batch_size), everything(here, asked, 5), alike=0.9999)


@pytest.mark.parametrize(
    "options", [{"compiled": True}, {"attn_implementation": "eager"}, {"padding_side": "right"}]
)
def test_options_of_speed_change_nothing_but_rounding(here_and_there, asked, tiny, options):  # noqa: F811
    here, _ = here_and_there("llama")
    there = load(tiny("llama"), device=DEVICE, **options)
    same(everything(there, asked, 5), everything(here, asked, 5), alike=0.9999)


@pytest.mark.parametrize("family", ["llama", "gemma3"])
def test_steered_texts_are_as_on_the_cpu(here_and_there, family):
    here, there = here_and_there(family)
    drawn = torch.Generator().manual_seed(3)
    vector = SteeringVector(
        {n: torch.randn(HIDDEN, generator=drawn) for n in range(BLOCKS)}, Origin(label="any", method="test")
    )
    texts = []
    for model in (here, there):
        with vector.applied(model, 0.5, positions="generated"):
            texts.append(model.generate(neutral_prompts(6), max_new_tokens=8))
    assert texts[0] == texts[1]


def test_a_whole_study_of_steering(tiny, here_and_there, tmp_path):
    pack, wordings = load_pack(), templates(1)
    parts = parts_of(cs.scenarios("optimise", limit=60), cs.scenarios("evaluate", limit=20), seed=1)
    writing = Writing(neutral_prompts(4), max_new_tokens=6)
    numbers = []
    for name, model in zip(("here", "there"), here_and_there("llama"), strict=True):
        folder = tmp_path / name
        load_options = {"source": str(tiny("llama")), "device": str(model.module.device)}
        search_into(
            folder, model, parts, pack, wordings, SearchPlan(top=2), load=load_options, pack_source=None
        )
        opened = open_search(folder, None, placing=True)
        bench = opened.bench(model, dose=0.1, alpha=None, batch_size=8, say=None)
        entangled = entangle_into(opened, bench)
        aimed, _ = aim_into(opened, bench, (0.5, 0.5), "", steps=1, writing=writing, most_perplexity=3.0)
        plan = SweepPlan(alphas=(-0.2, 0.2), dose_cap=None, random=0, writing=writing)
        swept = sweep_into(
            tmp_path / f"sweep-{name}", model, opened.vectors, parts.report, pack, wordings, plan
        )
        searched = json.loads((folder / "search.json").read_text())
        numbers.append((searched["axes"], entangled.model_dump(), aimed.model_dump(), swept.model_dump()))
    for one, other in zip(*numbers, strict=True):
        assert np.allclose(figures(one), figures(other), rtol=1e-3, atol=1e-3)


def figures(found):
    """Every number of a nested structure, in order."""
    if isinstance(found, dict):
        return [n for key in sorted(found) for n in figures(found[key])]
    if isinstance(found, list | tuple):
        return [n for part in found for n in figures(part)]
    return [float(found)] if isinstance(found, int | float) and not isinstance(found, bool) else []


def test_fillings_and_the_peak_are_measured(here_and_there):
    _, there = here_and_there("llama")
    assert matmul_peak("float32", DEVICE) > 1e9
    chosen = cs.scenarios("evaluate", limit=4)
    prompts = [dilemma(s, templates(1)[0], order) for s in chosen for order in ORDERS]
    assert choose_filling(there, prompts).token_budget >= 256
