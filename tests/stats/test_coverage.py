"""The simulations of `benchmarks/intervals.py`: intervals cover what was planted, noise is no instrument."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "intervals.py"
if not SCRIPT.exists():
    pytest.skip("benchmarks are not part of this copy", allow_module_level=True)
SPEC = importlib.util.spec_from_file_location("benchmark_intervals", SCRIPT)
simulation = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = simulation  # dataclasses look their module up
SPEC.loader.exec_module(simulation)

SIMULATIONS = 2_000
HARD = [
    "wordings 0",
    "wordings 0.2",
    "wordings 1",
    "interaction 1, wordings 0.3",
    "item x wording 0.4, wordings 0.1",
    "scenarios lognormal",
    "scenarios gamma, wordings 0.1",
    "scenarios t3",
    "scenarios in two camps",
    "scenario sd unequal over cells",
]


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize(("design", "wanted"), [("10 a cell", 0.92), ("2 a cell", 0.90)])
def test_the_planted_axis_value_is_covered(name, design, wanted):
    found = simulation.axis_coverage(name, simulation.COVERAGE[name], design, SIMULATIONS)
    assert found.bound >= wanted
    assert found.width < 2.1  # t with two degrees of freedom alone is 1.94 times the oracle on average


def test_without_wording_effects_the_width_is_near_the_oracle():
    found = simulation.axis_coverage(
        "wordings 0", simulation.COVERAGE["wordings 0"], "10 a cell", SIMULATIONS
    )
    assert found.width < 1.1


@pytest.mark.parametrize("design", ["20 a cell", "2 a cell", "1 a cell"])
def test_items_and_cells_are_covered(design):
    for found in simulation.part_coverage(
        "wordings 0.2", simulation.COVERAGE["wordings 0.2"], design, SIMULATIONS
    ):
        assert found.covered / found.simulations > 0.93


@pytest.mark.parametrize("per_item", [2, 3, 6])
@pytest.mark.parametrize("name", [name for name in simulation.NULL if "t3" not in name or "noise" in name])
def test_noise_is_rarely_called_an_instrument(name, per_item):
    count, _ = simulation.verdict_counts(name, simulation.NULL[name], per_item, SIMULATIONS)
    assert count / SIMULATIONS <= 0.05
    assert simulation.clopper_pearson(count, SIMULATIONS)[1] <= 0.06


def test_an_instrument_is_found():
    found, _ = simulation.verdict_counts(
        "power", simulation.POWER["noise 0.5, shift 0.05"], 6, 200, planted=1.0
    )
    assert found > 190
