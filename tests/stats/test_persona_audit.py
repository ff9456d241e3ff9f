"""The persona audit: planted slopes are covered, four societies say so, and nothing is ever NaN."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from culturescope.errors import BadInputError
from culturescope.stats.persona_audit import Estimate, axis_audit, persona_audit, rate_change

SLOPE, SCATTER, NOISE = 0.6, 0.3, 0.3
NONE = np.array([0.3, 0.3])


def planted(seed, societies, *, shared=0.0, noise=NOISE, count=100):
    """Human places, true and measured places of the model, and joint draws as a bootstrap would give them."""
    rng = np.random.default_rng(seed)
    human = rng.normal(size=(societies, 2))
    true = SLOPE * human + SCATTER * rng.normal(size=human.shape)

    def errors(size):
        return shared * rng.normal(size=(size, 1, 2)) * human + noise * rng.normal(size=(size, societies, 2))

    model = true + errors(1)[0]
    none = NONE + noise * rng.normal(size=2)
    return human, true, model, model + errors(count), none, none + noise * rng.normal(size=(count, 2))


def audited(seed, societies, **options):
    human, _, model, draws, none, none_draws = planted(seed, societies, **options)
    return persona_audit(human, model, none, draws, none_draws)


def inside(estimate, value):
    return estimate.low <= value <= estimate.high


def estimates(found):
    """All estimates of a result, however deep."""
    if isinstance(found, Estimate):
        return [found]
    if isinstance(found, tuple):
        return [e for part in found for e in estimates(part)]
    if dataclasses.is_dataclass(found):
        return [e for f in dataclasses.fields(found) for e in estimates(getattr(found, f.name))]
    return []


@pytest.mark.parametrize(("societies", "shared"), [(4, 0.0), (4, 0.3), (12, 0.0), (12, 0.3)])
def test_intervals_cover_what_was_planted(societies, shared):
    """300 studies of each kind: a coverage of 95% is seen as 91% or more (three standard errors)."""
    hits = {"slope": 0, "r2": 0, "spread": 0, "change": 0, "mean here": 0}
    spread = SLOPE**2 + SCATTER**2 + NOISE**2
    for seed in range(300):
        human, true, model, draws, none, none_draws = planted(seed, societies, shared=shared)
        found = persona_audit(human, model, none, draws, none_draws)
        change = np.linalg.norm(true - human, axis=1) - np.linalg.norm(NONE - human, axis=1)
        hits["slope"] += inside(found.x.slope, SLOPE)
        hits["r2"] += inside(found.x.r2, SLOPE**2 / spread)
        hits["spread"] += inside(found.y.spread_ratio, np.sqrt(spread))
        hits["change"] += inside(found.distance.changes[0], change[0])
        hits["mean here"] += inside(found.distance.mean_here, change.mean())
    shares = {k: v / 300 for k, v in hits.items()}
    # Distances have a bend at zero, so their intervals are the least exact: 90 to 94% in longer runs.
    assert min(shares["slope"], shares["r2"], shares["spread"]) >= 0.91, shares
    assert min(shares["change"], shares["mean here"]) >= 0.87, shares


def test_mean_change_covers_that_of_all_such_societies():
    human, true, *_ = planted(10**6, 200_000, count=1)
    everywhere = (np.linalg.norm(true - human, axis=1) - np.linalg.norm(NONE - human, axis=1)).mean()
    found = [audited(seed, 4, noise=0.05).distance.mean for seed in range(200)]
    assert np.mean([inside(e, everywhere) for e in found]) >= 0.91


def test_noise_that_societies_share_widens_the_slope():
    """The easy wrong version sees only the scatter around the line: it covers far too little here."""
    plain, joined = 0, 0
    for seed in range(200):
        human, _, model, draws, *_ = planted(seed, 12, shared=0.5, noise=0.05)
        plain += inside(axis_audit(human[:, 0], model[:, 0]).slope, SLOPE)
        joined += inside(axis_audit(human[:, 0], model[:, 0], draws[..., 0]).slope, SLOPE)
    assert plain / 200 < 0.75
    assert joined / 200 >= 0.9


def test_noise_of_each_society_is_not_counted_twice():
    found, plain = [], []
    for seed in range(100):
        human, _, model, draws, *_ = planted(seed, 12, noise=1.0)
        for table, given_draws in ((found, draws[..., 0]), (plain, None)):
            slope = axis_audit(human[:, 0], model[:, 0], given_draws).slope
            table.append(slope.high - slope.low)
    assert np.mean(found) < 1.1 * np.mean(plain)


def test_slope_r2_and_interval_are_those_of_the_textbook():
    human, _, model, *_ = planted(1, 8)
    line = stats.linregress(human[:, 0], model[:, 0])
    found = axis_audit(human[:, 0], model[:, 0])
    half = stats.t.ppf(0.975, 6) * line.stderr
    assert (found.slope.value, found.slope.low, found.slope.high) == pytest.approx(
        (line.slope, line.slope - half, line.slope + half)
    )
    assert found.r2.value == pytest.approx(line.rvalue**2)
    ci = stats.pearsonr(human[:, 0], model[:, 0]).confidence_interval(0.95)
    assert (found.r2.low, found.r2.high) == pytest.approx((max(0, ci.low) ** 2, ci.high**2))
    assert found.spread_ratio.value == pytest.approx(model[:, 0].std() / human[:, 0].std())


def test_spread_interval_ends_where_the_pitman_test_does():
    human, _, model, *_ = planted(2, 9)
    found = axis_audit(human[:, 0], model[:, 0]).spread_ratio
    for end in (found.low, found.high):
        scaled = model[:, 0] / end
        p = stats.pearsonr(scaled + human[:, 0], scaled - human[:, 0]).pvalue
        assert p == pytest.approx(0.05, abs=1e-9)


def test_flattening_is_seen_through_noise():
    """Answers of pure noise look as spread out as people do; less the noise, the spread is gone."""
    rng = np.random.default_rng(3)
    human = rng.normal(size=60)
    flat = 0.2 * human + rng.normal(size=60)
    found = axis_audit(human, flat, flat + rng.normal(size=(400, 60)))
    assert found.spread_ratio.value > 0.9
    less = found.spread_ratio_less_noise.value
    assert less is None or less < 0.6
    noise = rng.normal(size=20)
    gone = axis_audit(human[:20], noise, noise + 2 * rng.normal(size=(400, 20))).spread_ratio_less_noise
    assert gone == Estimate(None, note="not estimable: the model's places differ no more than their noise")


def test_four_societies_say_how_little_they_tell():
    found = audited(0, 4)
    assert (
        found.caveat
        == "4 societies tell little of others: slopes, R2 and spreads rest on 2 degrees of freedom"
    )
    assert audited(0, 3).caveat.endswith("1 degree of freedom")
    assert audited(0, 12).caveat == ""
    # With two degrees of freedom the interval is wide: t is 4.3, not 2.
    human, _, model, draws, *_ = planted(0, 4)
    slope = axis_audit(human[:, 0], model[:, 0], draws[..., 0]).slope
    error = stats.linregress(human[:, 0], model[:, 0]).stderr
    assert slope.high - slope.low >= 2 * 4.3 * error


@pytest.mark.parametrize("societies", [1, 2, 3])
def test_too_few_societies_are_not_estimable(societies):
    found = audited(0, societies)
    assert len(found.distance.changes) == societies
    assert all(e.low < e.value < e.high for e in found.distance.changes)
    if societies < 3:
        assert found.x.slope == Estimate(
            None, note=f"not estimable: three societies are needed, not {societies}"
        )
        assert found.caveat.endswith("not estimable")
    else:
        assert found.x.slope.low is not None
        assert found.x.r2.low is None
        assert "four societies" in found.x.r2.note
    assert (found.distance.mean.low is None) == (societies == 1)


def test_paired_draws_cancel_what_both_places_share():
    human = np.array([[3.0, 0.0], [4.0, 0.0], [5.0, 0.0]])
    model, none = np.array([[1.0, 0.0]] * 3), np.array([0.0, 0.0])
    same = np.random.default_rng(0).normal(size=(400, 1)) * [0.3, 0.0]
    found = persona_audit(human, model, none, model + same[:, None], none + same)
    assert [e.value for e in found.distance.changes] == pytest.approx([-1, -1, -1])
    assert all(e.high - e.low < 1e-9 for e in found.distance.changes)
    assert found.distance.with_persona == (2, 3, 4)
    assert found.distance.without == (3, 4, 5)


def test_a_model_that_ignores_its_persona():
    human, *_ = planted(0, 5)
    found = persona_audit(human, np.zeros((5, 2)), np.zeros(2))
    assert found.x.slope.value == 0
    assert found.x.spread_ratio.value == 0
    assert found.x.r2.value is None
    assert "do not differ between personas" in found.x.r2.note
    assert [e.value for e in found.distance.changes] == [0] * 5


def test_a_model_on_the_line_exactly_has_no_interval():
    human, *_ = planted(0, 5)
    found = persona_audit(human, 0.5 * human + 1, np.zeros(2))
    assert found.x.slope.value == pytest.approx(0.5)
    assert (found.x.slope.low, found.x.r2.value, found.x.r2.low) == (None, 1, None)
    assert "exactly" in found.x.slope.note


def test_people_who_do_not_differ():
    human, _, model, draws, none, none_draws = planted(0, 5)
    human[:, 0] = 1.0
    found = persona_audit(human, model, none, draws, none_draws)
    assert "do not differ" in found.x.slope.note
    assert found.y.slope.value is not None


def test_without_draws_the_answers_part_is_said_to_be_missing():
    human, _, model, _, none, _ = planted(0, 6)
    found = persona_audit(human, model, none)
    assert found.distance.mean_here.low is None
    assert "no draws" in found.distance.changes[0].note
    assert found.distance.mean.low < found.distance.mean.value < found.distance.mean.high
    assert found.x.spread_ratio_less_noise.value is None
    assert found.x.slope.low is not None


@settings(deadline=None, max_examples=80)
@given(
    seed=st.integers(0, 10**6),
    societies=st.integers(1, 6),
    steps=st.integers(1, 3),
    drawn=st.booleans(),
    level=st.sampled_from([0.8, 0.95, 0.99]),
)
def test_nothing_is_ever_nan(seed, societies, steps, drawn, level):
    rng = np.random.default_rng(seed)
    human, model = (rng.integers(steps, size=(societies, 2)).astype(float) for _ in range(2))
    draws = model + rng.integers(2, size=(100, societies, 2)) if drawn else None
    none_draws = rng.integers(2, size=(100, 2)).astype(float) if drawn else None
    found = estimates(persona_audit(human, model, [0, 0], draws, none_draws, level=level))
    assert len(found) == 8 + societies + 2
    for e in found:
        assert e.note or e.low is not None
        assert (e.low is None) == (e.high is None)
        assert all(v is None or math.isfinite(v) for v in (e.value, e.low, e.high))
        if e.low is not None:
            assert e.low - 1e-9 <= e.value <= e.high + 1e-9


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"human": np.full((5, 2), np.nan)}, "human holds a place that is missing"),
        ({"model": np.zeros((4, 2))}, r"model must be of shape 5 x 2, not \(4, 2\)"),
        ({"none": np.zeros(3)}, "none must be of shape 2"),
        ({"none_draws": None}, "given together"),
        ({"draws": np.zeros((100, 4, 2))}, "draws must be of shape any x 5 x 2"),
        ({"none_draws": np.zeros((99, 2))}, "none_draws must be of shape 100 x 2"),
        ({"draws": np.zeros((50, 5, 2)), "none_draws": np.zeros((50, 2))}, "100 or more"),
        ({"human": np.zeros((0, 2))}, "human must be of shape"),
    ],
)
def test_bad_input(change, text):
    human, _, model, draws, none, none_draws = planted(0, 5)
    given_ = {"human": human, "model": model, "none": none, "draws": draws, "none_draws": none_draws} | change
    with pytest.raises(BadInputError, match=text):
        persona_audit(**given_)


@pytest.mark.parametrize(
    ("first", "second", "interval"),
    [
        # Newcombe 1998, table II, method 10; his differences are first less second.
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((6, 7), (2, 7), (0.0582, 0.8062)),
        ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ((0, 10), (0, 20), (-0.1611, 0.2775)),
        ((10, 10), (0, 20), (0.6791, 1.0)),
        ((10, 10), (0, 10), (0.6075, 1.0)),
    ],
)
def test_refusals_against_newcombe(first, second, interval):
    found = rate_change(second, first).difference
    assert (found.low, found.high) == pytest.approx(interval, abs=6e-5)
    turned = rate_change(first, second).difference
    assert (-turned.high, -turned.low) == pytest.approx(interval, abs=6e-5)


def test_rates_without_answers_and_bad_counts():
    found = rate_change((0, 0), (3, 10))
    assert found.before == Estimate(None, note="not estimable: no answers before")
    assert found.difference.value is None
    assert found.after.value == 0.3
    with pytest.raises(BadInputError, match="11 of 10"):
        rate_change((11, 10), (1, 10))
