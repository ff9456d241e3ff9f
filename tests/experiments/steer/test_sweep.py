"""Sweeps: rows equal measuring under hooks, caps hold, quality decides, and nothing is recommended that was not watched."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import culturescope as cs
from culturescope.errors import BadInputError
from culturescope.experiments.steer.coordinates import coordinates
from culturescope.experiments.steer.measuring import Measured, change_of, measure
from culturescope.experiments.steer.quality import Writing
from culturescope.experiments.steer.recommending import recommend
from culturescope.experiments.steer.results import Drawn
from culturescope.experiments.steer.sweep import SweepPlan, largest_dose, sweep
from culturescope.experiments.steer.sweep_results import Budget, SweepRow, TextQuality, Where
from culturescope.experiments.steer.sweep_rows import random_effects
from culturescope.instrument import load_pack
from culturescope.prompts import templates
from culturescope.prompts.neutral import neutral_prompts
from culturescope.steering.fitting import random_like
from culturescope.steering.vector import Origin, SteeringVector
from tests.tiny import HIDDEN

PACK, WORDINGS = load_pack(), templates(1)
EVALUATE = cs.scenarios(split="evaluate", limit=20)
WRITING = Writing(neutral_prompts(3), max_new_tokens=4)


@pytest.fixture(scope="module")
def vectors(tiny_loaded):
    optimise = cs.scenarios(split="optimise", limit=10)
    return {a: cs.fit_vector(tiny_loaded("llama"), optimise, a, blocks=[1, 2]) for a in ("Y", "X")}


@pytest.fixture(scope="module")
def swept(tiny_loaded, vectors):
    plan = SweepPlan(alphas=(0.2, -0.2, 0.0, 0.1), dose_cap=None, random=0, writing=WRITING)
    return plan, sweep(tiny_loaded("llama"), vectors, EVALUATE, PACK, WORDINGS, plan)


def test_rows_are_unsteered_first_and_each_vector_in_ascending_order(swept):
    _, found = swept
    rows = [(row.vector, row.alpha) for row in found.rows]
    assert rows == [(None, 0.0), *((v, a) for v in ("Y", "X") for a in (-0.2, 0.1, 0.2))]
    plain = found.rows[0]
    assert all((a.change.value, a.change.low, a.change.high) == (0, 0, 0) for a in plain.everywhere.axes)
    assert plain.letter_mass_ratio.value == plain.letter_mass_ratio.high == 1
    assert plain.quality.perplexity_ratio.value == 1
    assert plain.quality.kl.value == 0


def test_a_sweep_of_scenarios_that_were_fitted_on_says_so(tiny_loaded, vectors, swept):
    assert not any("prove nothing" in note for note in swept[1].notes)
    plan = SweepPlan(alphas=(0.1,), dose_cap=None, random=0)
    fitted_on = cs.scenarios(split="optimise", limit=4)
    notes = sweep(tiny_loaded("llama"), vectors, fitted_on, PACK, WORDINGS, plan).notes
    assert [note.split()[0] for note in notes if "split optimise: its changes" in note] == ["Y", "X"]


def test_a_row_equals_a_probe_under_steering(tiny_loaded, vectors, swept):
    model, found = tiny_loaded("llama"), swept[1]
    row = next(r for r in found.rows if (r.vector, r.alpha) == ("X", 0.2))
    with vectors["X"].applied(model, 0.2):
        reading = cs.probe(model, EVALUATE, template_ids=1)
    for at in row.everywhere.axes:
        expected = next(a for a in reading.results.probe.axes if a.axis == at.axis)
        assert at.d.value == pytest.approx(expected.d.value, abs=1e-4)
        assert at.score == pytest.approx(expected.s.value, abs=1e-5)
        assert at.d.low <= at.d.value <= at.d.high
    mass = np.mean([np.exp(row["logprobs"]).sum() for row in reading.samples])
    assert row.letter_mass == pytest.approx(mass, abs=1e-4)
    measured = measure(model, EVALUATE, [{}, change_of([(vectors["X"], 0.2)])], PACK, WORDINGS)
    assert (row.everywhere.place.x, row.everywhere.place.y) == pytest.approx(
        coordinates(measured)[1], abs=1e-6
    )
    low, high = row.everywhere.place.x_interval
    assert low < row.everywhere.place.x < high


def test_changes_are_paired_and_domains_are_parts(swept):
    row = next(r for r in swept[1].rows if (r.vector, r.alpha) == ("X", 0.1))
    for at in row.everywhere.axes:
        assert at.change.high - at.change.low < at.d.high - at.d.low
    assert set(row.domains) == set(PACK.domains)
    assert all(part.place is None for part in row.domains.values()), "a domain of few scenarios lacks items"
    assert 0 < row.everywhere.axes[0].score < 1


def test_steps_are_kept_raw_as_dose_and_in_gaps(swept, vectors):
    for row in swept[1].rows[1:]:
        for block in (1, 2):
            assert row.dose[block] == pytest.approx(vectors[row.vector].dose(row.alpha, block))
            assert row.gap[block] == pytest.approx(vectors[row.vector].gaps(row.alpha, block))


def test_doses_are_those_of_the_block_where_they_are_largest(vectors):
    plan = SweepPlan(doses=(-0.1, 0.05), cap=None)
    for v in vectors.values():
        low, high = plan.alphas_for(v)
        assert max(abs(v.dose(low, b)) for b in v.blocks) == pytest.approx(0.1)
        assert largest_dose(v, high) == pytest.approx(0.05)


def test_caps_refuse_with_a_clear_line(vectors):
    v = vectors["X"]
    assert SweepPlan(alphas=(0.1 + 0.3,), dose_cap=None).alphas_for(v) == (0.4,)
    with pytest.raises(BadInputError, match=r"alpha 0\.5 .* cap of 0\.4.*--no-cap"):
        SweepPlan(alphas=(-0.5, 0.1), dose_cap=None).alphas_for(v)
    with pytest.raises(BadInputError, match=r"dose of 0\.31, beyond the dose cap of 0\.3"):
        SweepPlan(doses=(0.31,), cap=None).alphas_for(v)
    assert SweepPlan(alphas=(50.0,), cap=None, dose_cap=None).alphas_for(v) == (50.0,)
    unknown = SteeringVector({0: torch.ones(HIDDEN)}, Origin(label="foreign", method="hand"))
    assert SweepPlan(alphas=(0.4,)).alphas_for(unknown) == (0.4,), "a dose that nobody knows is not capped"
    with pytest.raises(BadInputError, match="median norm"):
        SweepPlan(doses=(0.1,)).alphas_for(unknown)
    for bad in ({}, {"alphas": (0.0,)}, {"alphas": (0.1,), "doses": (0.1,)}, {"alphas": (float("nan"), 1.0)}):
        with pytest.raises(BadInputError, match="coefficients"):
            SweepPlan(**bad)
    with pytest.raises(BadInputError, match="20 random vectors"):
        SweepPlan(alphas=(0.1,), random=5)


def planted(d) -> Measured:
    """Answers with given value logits (changes, S) on axis X alone."""
    d = np.asarray(d, dtype=float)[:, :, None]
    axis = np.full(d.shape[1], [a.id for a in PACK.axes].index("X"))
    x = [s for s in cs.scenarios(split="evaluate") if s.item.startswith("X")][: d.shape[1]]
    return Measured(tuple(a.id for a in PACK.axes), tuple(x), axis, d, 0 * d, 0 * d + 1)


def test_the_band_of_random_vectors_knows_that_any_push_shifts_d():
    """All pushes lower d by 1, directions add a tenth: a change of -1 is what any vector does, 0 is not."""
    rng = np.random.default_rng(0)
    odd = rng.normal(0, 0.1, 40)
    null = planted(np.repeat(np.stack([-1 + odd, -1 - odd], axis=1).ravel()[:, None], 6, axis=1))
    for change, beyond in ((-1.05, False), (0.0, True), (-1.5, True)):
        measured = planted([[0] * 6, [change] * 6])
        (found,) = random_effects(measured, null, "v", [("v", 0.4)], 42)
        assert found.axis == "X"
        assert found.beyond is beyond
        assert found.low == pytest.approx(-1.2, abs=0.1)


def test_random_vectors_stay_inside_their_own_band(tiny_loaded, vectors):
    model, band = tiny_loaded("llama"), {"X": random_like(vectors["X"], 77)}
    plan = SweepPlan(alphas=(0.2,), dose_cap=None)
    found = sweep(model, band, EVALUATE[:6], PACK, WORDINGS, plan)
    assert [e.vectors for e in found.random] == [20, 20]
    assert not any(e.beyond for e in found.random)
    assert found.rows[0].quality is None
    assert found.recommendations[0].alpha is None
    assert "no texts were written" in found.recommendations[0].reason


def test_the_result_survives_its_file(swept):
    found = swept[1]
    again = type(found).model_validate_json(found.model_dump_json())
    assert again.model_dump(mode="json") == found.model_dump(mode="json")


def step(alpha, ratio=(1.0, 0.98, 1.02), kl=(0.01, 0.0, 0.02), mass=(1.0, 0.9, 1.1)) -> SweepRow:
    def drawn(v):
        return None if v is None else Drawn(value=v[0], low=v[1], high=v[2])

    empty = dict.fromkeys(TextQuality.model_fields)
    quality = TextQuality(
        **{**empty, "prompts": 9, "tokens": 5, "empty": 0, "perplexity_ratio": drawn(ratio), "kl": drawn(kl)}
    )
    return SweepRow(
        vector="X",
        alpha=alpha,
        dose={},
        gap={},
        everywhere=Where(axes=(), place=None),
        domains={},
        letter_mass=1,
        letter_mass_ratio=drawn(mass),
        bias=0,
        mean_abs_b=0,
        quality=quality,
    )


def test_the_largest_coefficient_within_the_budget_is_recommended():
    wide, worse = (1.02, 0.95, 1.09), (1.2, 1.1, 1.3)
    rows = [step(0.1), step(0.2), step(0.3, wide), step(0.4, worse), step(-0.1, worse), step(-0.2)]
    up, down = recommend(rows, Budget())
    assert (up.sign, up.alpha, up.by_estimate) == (1, 0.2, 0.3)
    assert "at +0.3 the perplexity ratio is 1.02, but its interval reaches 1.09" in up.reason
    assert "at +0.4 the perplexity ratio is 1.2, above 1.05" in up.reason
    assert (down.sign, down.alpha, down.by_estimate) == (-1, None, None), "-0.2 looks fine, but -0.1 does not"


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"kl": (0.2, 0.15, 0.25)}, "KL divergence is 0.2"),
        ({"mass": (0.4, 0.3, 0.45)}, "letter mass is 0.4"),
        ({"ratio": None}, "perplexity ratio is not known"),
    ],
)
def test_each_part_of_the_budget_can_stop_it(bad, words):
    (found,) = recommend([step(0.1, **bad)], Budget())
    assert found.alpha is None
    assert words in found.reason
    (fine,) = recommend([step(0.1)], Budget())
    assert (fine.alpha, fine.reason) == (
        0.1,
        "the largest coefficient that was tried stays within the budget",
    )
