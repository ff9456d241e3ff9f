"""The projection: who is in the fit, how good it is, and what it refuses."""

import numpy as np
import pytest

from culturescope.errors import BadInputError
from culturescope.people import calibrate, conversion_of, fit_projection, load_people

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


def personas(projection, codes, k, intercept, noise=0.0):
    rng = np.random.default_rng(1)
    ids = projection.people.item_ids
    zero, one = (conversion_of("anchored", projection).values(np.full(10, v)) for v in (0.0, 1.0))
    return {
        c: {
            i: ((projection.people.item_means[c].means[i] - zero[n]) / (one - zero)[n] - intercept) / k
            + noise * rng.standard_normal()
            for n, i in enumerate(ids)
        }
        for c in codes
    }


def test_calibration_finds_what_was_planted(projection):
    codes = ["IND", "VNM", "MEX", "SGP", "NLD", "JPN", "BRA", "COL"]
    found = calibrate(personas(projection, codes, 2.0, 0.3), projection)
    assert (found.k, found.intercept, found.shrinkage) == pytest.approx((2.0, 0.3, 0.0), abs=1e-9)
    noisy = calibrate(personas(projection, codes, 2.0, 0.3, noise=0.5), projection)
    assert 0 < noisy.k < 2
    assert 0.05 < noisy.shrinkage < 0.9
    assert noisy.pairs == 10 * len(codes)
    moved = conversion_of("anchored", projection, found).values(np.zeros(10))
    assert moved != pytest.approx(conversion_of("anchored", projection).values(np.zeros(10)))


def test_calibration_refuses_what_cannot_work(projection):
    good = personas(projection, ["IND", "VNM", "MEX"], 1.0, 0.0)
    with pytest.raises(BadInputError, match="three societies"):
        calibrate({"IND": good["IND"], "India": good["IND"], "VNM": good["VNM"]}, projection)
    with pytest.raises(BadInputError, match="DNK has no item means"):
        calibrate({**good, "DNK": good["IND"]}, projection)
    with pytest.raises(BadInputError, match="differ"):
        calibrate({c: dict.fromkeys(v, 0.1) for c, v in good.items()}, projection)
    with pytest.raises(BadInputError, match="do not follow"):
        calibrate({c: {i: -d for i, d in v.items()} for c, v in good.items()}, projection)
    with pytest.raises(BadInputError, match="paper has none"):
        conversion_of("paper", projection, calibrate(good, projection))


def test_unknown_conversion(projection):
    with pytest.raises(BadInputError, match="anchored, paper"):
        conversion_of("raw", projection)


def test_models_cannot_be_in_the_fit():
    assert set(fit_projection().codes) <= set(load_people().societies)
