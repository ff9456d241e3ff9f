"""The projection: who is in the fit, how good it is, and what it refuses."""

from dataclasses import replace

import numpy as np
import pytest

from culturescope.errors import BadInputError
from culturescope.people import (
    ItemMeans,
    calibrate,
    calibration_words,
    conversion_of,
    describe,
    fit_projection,
    load_people,
    nulls,
    place,
)
from culturescope.people.conversion import units
from tests.people.planted import planted, says_nothing_of_values

# fmt: off
FITTED = (
    "ARG", "ARM", "AUS", "BGD", "BOL", "BRA", "CAN", "CHL", "CHN", "COL", "CZE", "ECU",
    "ETH", "GRC", "IDN", "IND", "IRN", "JOR", "JPN", "KAZ", "KEN", "KGZ", "KOR", "LBN",
    "LBY", "MAC", "MAR", "MDV", "MEX", "MMR", "MNG", "MYS", "NGA", "NIC", "NLD", "NZL",
    "PAK", "PER", "PHL", "PRI", "SGP", "SRB", "SVK", "TWN", "VNM", "ZWE",
)
# fmt: on


@pytest.fixture(scope="module")
def projection():
    return fit_projection()


def test_the_fit_holds_exactly_the_46_societies(projection):
    people = projection.people
    assert len(projection.codes) == 46
    assert projection.codes == FITTED
    complete = {m.code for m in people.complete()}
    assert (
        complete - set(projection.codes) == {"AND", "CYP", "GTM", "DEU", "ROU", "RUS"} == set(people.left_out)
    )
    # Serbia was surveyed twice: its item means are of 2017, its latest position is of 2018.
    assert people.society("SRB").year == 2018
    n = projection.codes.index("SRB")
    assert projection.positions[n] == pytest.approx([-0.1368, 0.4867])


def test_leave_one_out_error_and_r2(projection):
    x, y = projection.loo_rmse
    assert x == pytest.approx(0.060, abs=5e-4)
    assert y == pytest.approx(0.045, abs=6e-4)
    assert projection.r2[0] == pytest.approx(0.998, abs=5e-4)
    assert projection.r2[1] == pytest.approx(0.999, abs=5e-4)


def test_leave_one_out_is_what_refitting_without_a_society_gives(projection):
    n = 7
    rest = np.delete(np.arange(46), n)
    design = np.column_stack([np.ones(46), projection.means])
    refit = np.linalg.lstsq(design[rest], projection.positions[rest], rcond=None)[0]
    assert projection.residuals[n] == pytest.approx(projection.positions[n] - design[n] @ refit, abs=1e-9)


def test_with_the_left_out_societies_the_error_is_larger(projection):
    x, y = fit_projection(include_left_out=True).loo_rmse
    assert x == pytest.approx(0.085, abs=1e-3)
    assert y == pytest.approx(0.050, abs=1e-3)


def test_error_grows_with_extrapolation(projection):
    centre = projection.means.mean(axis=0)
    middle = np.array([5.5, 0, 5.5, 2.5, 2, 2, 2.5, 5.5, 2, 1.5])
    at_centre, at_middle = projection.error(centre), projection.error(middle)
    assert at_centre == pytest.approx(projection.covariance * (1 + 1 / 46))
    assert (np.diag(at_middle) > 1.8 * np.diag(at_centre)).all()


def test_place_of_a_society(projection):
    means = projection.people.item_means["IND"].means
    x, y = projection.place(means)
    assert (x, y) == pytest.approx((-0.219, -0.447), abs=0.2)


def test_bad_means(projection):
    means = projection.people.item_means["IND"].means
    with pytest.raises(BadInputError, match=r"Y04 \(National pride\): 5 lies outside of its range 1 to 4"):
        projection.place({**means, "Y04": 5})
    with pytest.raises(BadInputError, match="missing: X05"):
        projection.place({k: v for k, v in means.items() if k != "X05"})
    with pytest.raises(BadInputError, match="unknown: Z01"):
        projection.place({**means, "Z01": 1})


def test_paper_rescales_with_the_positive_pole_up(projection):
    lines = conversion_of("paper", projection)
    for item, low, high in zip(
        projection.people.items, lines.values(np.zeros(10)), lines.values(np.ones(10)), strict=True
    ):
        ends = (item.scale.low, item.scale.high)
        assert (low, high) == (ends if item.positive_end == "high" else ends[::-1])


def test_anchored_puts_no_values_exactly_at_the_mean_of_societies(projection):
    lines = conversion_of("anchored", projection)
    assert lines.values(np.zeros(10)) == pytest.approx(projection.means.mean(axis=0))
    assert projection.project(lines.values(np.zeros(10))) == pytest.approx(projection.positions.mean(axis=0))
    one = lines.values(np.ones(10)) - lines.values(np.zeros(10))
    assert np.abs(one) == pytest.approx(projection.means.std(axis=0, ddof=1))
    up = [1 if i.positive_end == "high" else -1 for i in projection.people.items]
    assert (np.sign(one) == up).all()


def test_positive_answers_move_both_axes_up(projection):
    lines = conversion_of("anchored", projection)
    assert (
        projection.project(lines.values(np.ones(10))) > projection.project(lines.values(np.zeros(10)))
    ).all()


GOOD = {"Y": "interpretable", "X": "interpretable"}
SOCIETIES = ("IND", "VNM", "MEX", "SGP", "NLD", "JPN", "BRA", "COL")


def personas(projection, codes, k, intercept, noise=0.0, seed=1, items=0.0, societies=0.0):
    """d of personas on the line z = k d + intercept, plus noise of answers, items and societies; k = 0 is noise alone."""
    rng = np.random.default_rng(seed)
    ids = projection.people.item_ids
    means = np.array([[projection.people.item_means[c].means[i] for i in ids] for c in codes])
    z = (means - projection.means.mean(axis=0)) / units(projection)
    d = (z - intercept) / k if k else np.zeros_like(z)
    d = d + noise * rng.standard_normal(z.shape) + items * rng.standard_normal(10)
    d = d + societies * rng.standard_normal((len(codes), 1))
    return {c: dict(zip(ids, row, strict=True)) for c, row in zip(codes, d.tolist(), strict=True)}


def test_calibration_finds_what_was_planted(projection):
    found = calibrate(
        personas(projection, SOCIETIES, 2.0, 0.3), GOOD, projection, persona="advanced", model="m"
    )
    assert (found.k, found.intercept, found.shrinkage) == pytest.approx((2.0, 0.3, 0.0), abs=1e-9)
    assert (found.societies, found.persona, found.model, found.freedom) == (SOCIETIES, "advanced", "m", 7)
    noisy = calibrate(personas(projection, SOCIETIES, 2.0, 0.3, noise=0.3), GOOD, projection)
    assert 0 < noisy.k_interval[0] < noisy.k < 2
    assert noisy.intercept_interval[0] < noisy.intercept < noisy.intercept_interval[1]
    assert 0.05 < noisy.shrinkage < 0.9
    moved = conversion_of("anchored", projection, found).values(np.zeros(10))
    assert moved == pytest.approx(projection.means.mean(axis=0) + 0.3 * units(projection))


@pytest.mark.parametrize(
    ("codes", "noise"),
    [
        (SOCIETIES, {"noise": 1.0}),
        (SOCIETIES, {"noise": 0.2, "items": 2.0}),
        (SOCIETIES[:5], {"noise": 0.3, "items": 1.0, "societies": 1.0}),
        (FITTED[::2], {"noise": 0.2, "societies": 1.0}),
    ],
)
def test_noise_is_refused(projection, codes, noise):
    """Personas that do not follow: also where items differ, or each persona shifts all its answers alike."""
    refused = []
    for seed in range(300):
        try:
            calibrate(personas(projection, codes, 0, 0, seed=seed, **noise), GOOD, projection)
        except BadInputError as error:
            refused.append(str(error))
    assert len(refused) >= 0.95 * 300, len(refused)
    assert {text.split(":")[0] for text in refused} == {"the personas do not follow their societies"}


def test_the_interval_of_k_holds_what_was_planted(projection):
    """People scatter around the line, items have levels of their own, and all answers of a society may be shifted alike."""
    rng, people, unit = np.random.default_rng(0), projection.people, units(projection)
    middle, hits, widths, tries = projection.means.mean(axis=0), 0, {}, 300
    for shift in (0.0, 0.3):
        for _ in range(tries):
            d = rng.standard_normal((8, 10))
            z = 1.0 * d + rng.standard_normal(10) + shift * rng.standard_normal((8, 1))
            means = middle + unit * (z + 0.5 * rng.standard_normal(z.shape))
            planted_means = {
                code: ItemMeans(
                    code=code, year=2018, means=dict(zip(people.item_ids, row, strict=True)), sources=()
                )
                for code, row in zip(SOCIETIES, means.tolist(), strict=True)
            }
            given = {
                c: dict(zip(people.item_ids, row, strict=True))
                for c, row in zip(SOCIETIES, d.tolist(), strict=True)
            }
            found = calibrate(
                given, GOOD, replace(projection, people=replace(people, item_means=planted_means))
            )
            hits += found.k_interval[0] <= 1.0 <= found.k_interval[1]
            widths.setdefault(shift, []).append(found.k_interval[1] - found.k_interval[0])
    assert 0.92 < hits / (2 * tries) < 0.985, hits / (2 * tries)
    assert np.median(widths[0.3]) > 1.05 * np.median(widths[0.0])


@pytest.mark.parametrize("verdicts", [{"Y": "weak", "X": "interpretable"}, {"Y": "interpretable"}, {}])
def test_only_an_interpretable_model_calibrates(projection, verdicts):
    with pytest.raises(
        BadInputError, match=r"is (weak|not checked) on axis [YX], so its personas cannot calibrate"
    ):
        calibrate(personas(projection, SOCIETIES, 1.0, 0.0), verdicts, projection)


def test_calibration_refuses_what_cannot_work(projection):
    good = personas(projection, SOCIETIES, 1.0, 0.0)
    few = {c: good[c] for c in SOCIETIES[:4]}
    with pytest.raises(BadInputError, match=r"5 societies or more.*not 4 \(DNK: no means"):
        calibrate({**few, "DNK": good["IND"]}, GOOD, projection)
    with pytest.raises(BadInputError, match="IND was given twice"):
        calibrate({**good, "India": good["IND"]}, GOOD, projection)
    with pytest.raises(BadInputError, match="all alike"):
        calibrate({c: dict.fromkeys(v, 0.1) for c, v in good.items()}, GOOD, projection)
    with pytest.raises(BadInputError, match="do not follow"):
        calibrate({c: {i: -d for i, d in v.items()} for c, v in good.items()}, GOOD, projection)
    with pytest.raises(BadInputError, match="IND has no value logit on Y01"):
        calibrate({**good, "IND": {**good["IND"], "Y01": float("nan")}}, GOOD, projection)
    with pytest.raises(BadInputError, match="unknown society"):
        calibrate({**good, "Atlantis": good["IND"]}, GOOD, projection)
    found = calibrate({**good, "DNK": good["IND"]}, GOOD, projection)
    assert found.left_out == ("DNK",)
    with pytest.raises(BadInputError, match="paper has none"):
        conversion_of("paper", projection, found)


def test_a_calibrated_place_has_the_error_of_its_line(projection):
    ids = projection.people.item_ids
    line = calibrate(personas(projection, SOCIETIES, 1.5, 0.4, noise=0.3), GOOD, projection)
    answers = planted(ids, 0.8, scenario=0.2)
    plain, found = (place(answers, label="m", verdicts=GOOD, calibration=c) for c in (None, line))
    assert plain.calibration is None
    assert found.calibration == line
    null = nulls("anchored", calibration=line)[0]
    expected = projection.project(projection.means.mean(axis=0) + units(projection) * line.intercept)
    assert (null.x, null.y) == pytest.approx(tuple(expected))
    assert (found.x - found.displacement[0], found.y - found.displacement[1]) == pytest.approx(
        (null.x, null.y)
    )
    shift = projection.slopes.T @ (units(projection) * 0.8 * line.k)
    scenario = place(planted(ids, 0.8), label="m", verdicts=GOOD, calibration=line)
    assert scenario.displacement == pytest.approx(tuple(shift))
    wider = place(
        answers,
        label="m",
        verdicts=GOOD,
        calibration=line.model_copy(update={"covariance": ((1, 0), (0, 1))}),
    )
    assert np.trace(wider.covariance) > np.trace(found.covariance) + 0.2
    for p in (found, null):
        assert line.line in " ".join(describe(p))
    assert says_nothing_of_values(describe(null))
    said = calibration_words(line)
    assert f"k within {line.k_interval[0]:.2f}" in said
    assert "shrinkage" in said


def test_unknown_conversion(projection):
    with pytest.raises(BadInputError, match="anchored, paper"):
        conversion_of("raw", projection)


def test_models_cannot_be_in_the_fit():
    assert set(fit_projection().codes) <= set(load_people().societies)
