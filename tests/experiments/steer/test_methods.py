"""Sites and methods compared: equally long steps, paired differences, and estimates where little is measured."""

from __future__ import annotations

from itertools import product

import pytest

import culturescope as cs
from culturescope.errors import BadInputError
from culturescope.experiments.steer.bench import Bench
from culturescope.experiments.steer.methods import FLOOR, METHODS, SITES, compare_methods
from culturescope.experiments.steer.parts import Parts
from culturescope.instrument import load_pack
from culturescope.prompts import templates
from culturescope.steering import directions
from culturescope.steering.fitting import fit, read_pairs, shuffled

PACK, WORDINGS = load_pack(), templates(1)
OPTIMISE = [s for s in cs.scenarios(split="optimise", limit=60) if s.item in ("X01", "X02", "Y01")]
X = [s for s in OPTIMISE if s.item.startswith("X")]
REPORT = [s for s in cs.scenarios(split="evaluate", limit=60) if s.item in ("X01", "Y01")][:6]
PARTS = Parts(tuple(X[:6]), tuple(X[6:9]), tuple(REPORT))


class Counting(Bench):
    """Counts what is measured, by scenarios."""

    def measured(self, changes, on, persona=None):
        self.counts = [*getattr(self, "counts", []), (len(changes), len(on))]
        return super().measured(changes, on, persona)


def counting(model, dose, parts=PARTS) -> Counting:
    return Counting(model, parts, PACK, WORDINGS, dose=dose)


@pytest.fixture(scope="module")
def compared(tiny_loaded):
    model = tiny_loaded("llama")
    at = counting(model, 0.1)
    return model, at, compare_methods(at, "X", (1, 2))


def test_every_site_and_method_is_tested_by_equally_long_steps(compared):
    model, at, table = compared
    assert [(r.site, r.method) for r in table.rows] == list(product(SITES, (*METHODS, FLOOR)))
    plain = fit(read_pairs(model, PARTS.fit, blocks=[1, 2]), "X")
    lengths = {b: 0.1 * plain.origin.median_norm[b] for b in (1, 2)}
    for site, method in (("answer-letter", "pca"), ("option-mean", "logistic"), ("answer-letter", FLOOR)):
        states = read_pairs(model, PARTS.fit, where=site, blocks=[1, 2])
        vector = fit(states, "X", method) if method != FLOOR else fit(shuffled(states, 42), "X")
        step = {b: vector[b] / vector.norm(b) * lengths[b] for b in (1, 2)}
        means = at.steps_both_ways([step], REPORT).means()
        row = next(r for r in table.rows if (r.site, r.method) == (site, method))
        for n, axis in enumerate(("Y", "X")):
            by_hand = (means[0, n] - means[1, n]) / 2
            assert row.change[axis].value == pytest.approx(by_hand, rel=1e-3, abs=1e-6)
        assert row.how == "measured"
        assert 0 < row.letter_mass <= 1


def test_differences_are_from_the_default(compared):
    _, _, table = compared
    default, *others = table.rows
    assert table.default == (default.site, default.method) == ("option-text", "mean-difference")
    assert default.difference is None
    assert default.cosine == pytest.approx(1.0)
    for row in others:
        for axis in ("X", "Y"):
            gap = row.change[axis].value - default.change[axis].value
            assert row.difference[axis].value == pytest.approx(gap)
        assert row.inside == (abs(row.change["X"].value) <= table.random_band["X"])
        assert (row.e is None) == row.inside == (row.undefined is not None)
    assert next(iter(table.random_band)) == "X", "the steered axis first"


def test_differences_are_paired_over_scenarios(compared, monkeypatch):
    """The same direction under another name: whatever the scenarios are, the difference is nothing."""
    monkeypatch.setitem(directions._METHODS, "twin", lambda p, n: 7 * directions.mean_difference(p, n))
    model, _, _ = compared
    found = compare_methods(
        counting(model, 0.1), "X", (1,), sites=["option-text"], methods=["mean-difference", "twin"]
    )
    twin = found.rows[1]
    assert twin.change["X"].high > twin.change["X"].low
    for axis in ("X", "Y"):
        d = twin.difference[axis]
        assert (d.value, d.low, d.high) == pytest.approx((0, 0, 0), abs=1e-6)


def test_first_order_measures_the_default_and_the_best_alone(compared):
    model, _, _ = compared
    small, sites = counting(model, 0.005), ("option-text", "answer-letter")
    quick = compare_methods(small, "X", (1, 2), sites=sites, first_order=True)
    estimated = [r for r in quick.rows if r.how == "estimated"]
    measured = [r for r in quick.rows if r.how == "measured"]
    assert len(estimated) == len(sites) * 4
    assert {(r.site, r.method) for r in measured} == {quick.default, quick.best}
    assert quick.best[1] != FLOOR
    on_report = sum(changes for changes, on in small.counts if on == len(REPORT))
    assert on_report == 2 * (5 + len(measured)), "both signs of a few random steps and of those two"
    assert quick.random == "estimated"
    assert quick.control_ratio["X"] == pytest.approx(1.0, abs=0.1)
    exact = compare_methods(counting(model, 0.005), "X", (1, 2), sites=sites)
    for one, other in zip(estimated, exact.rows, strict=True):
        assert one.change["X"].value == pytest.approx(other.change["X"].value, rel=0.1, abs=1e-5)
        assert one.letter_mass is None
    assert quick.random_band["X"] == pytest.approx(exact.random_band["X"], rel=0.15)
    by_choice = {
        (r.site, r.method): r.change["X"].value
        for r in compare_methods(
            counting(model, 0.005, Parts(PARTS.fit, PARTS.choose, PARTS.choose)), "X", (1, 2), sites=sites
        ).rows
        if r.method != FLOOR
    }
    assert quick.best == max(by_choice, key=by_choice.get), "chosen where the report does not look"


def test_without_another_axis_there_is_no_entanglement(compared):
    model, _, _ = compared
    only = Parts(PARTS.fit, PARTS.choose, tuple(s for s in REPORT if s.item == "X01"))
    found = compare_methods(
        counting(model, 0.1, only), "X", (1,), sites=["option-text"], methods=["mean-difference"]
    )
    assert all(r.e is None and r.undefined for r in found.rows)
    assert set(found.random_band) == {"X"}


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"sites": []}, "at least one"),
        ({"methods": ["pca", "pca"]}, "once"),
        ({"methods": ["best"]}, "unknown method"),
        ({"sites": ["somewhere"]}, "somewhere"),
        ({"count": 3}, "at least 20"),
    ],
)
def test_bad_input(compared, options, line):
    model, _, _ = compared
    with pytest.raises(BadInputError, match=line):
        compare_methods(counting(model, 0.1), "X", (1,), **options)
    with pytest.raises(BadInputError, match="to fit on"):
        compare_methods(counting(model, 0.1), "Y", (1,))
