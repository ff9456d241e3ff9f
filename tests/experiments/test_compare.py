"""Comparisons of runs whose values are planted: paired differences, what is left out, what is refused, order and ranks."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from culturescope.errors import BadInputError, RunFolderError
from culturescope.experiments.compare import Comparing, compare_runs
from culturescope.experiments.compare_conditions import Quantity
from culturescope.experiments.compare_failures import measured
from culturescope.experiments.compare_places import Places, distance_of, ranks
from culturescope.instrument import packaged_packs
from culturescope.people import fit_projection, load_people
from tests.experiments.compared import by_axis, planted_run

OTHER_PACK = next(name for name in packaged_packs() if name != "wvs")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    home = tmp_path_factory.mktemp("compare")
    return {
        "base": planted_run(home / "base", by_axis(0.0, 0.0), name="base"),
        "moved": planted_run(home / "moved", by_axis(0.5, 0.0), name="moved"),
        "blind": planted_run(home / "blind", by_axis(0.5, 0.0), name="blind", follow=0.0),
        "larger": planted_run(
            home / "larger", by_axis(0.0, 0.0), name="larger", limit=40, template_ids=("plain", "situation")
        ),
    }


@pytest.fixture(scope="module")
def both(runs):
    return compare_runs([runs["base"], runs["moved"]])


def difference(compared, **wanted):
    return next(d for d in compared.differences if all(getattr(d, k) == v for k, v in wanted.items()))


def test_what_the_scenarios_share_cancels_in_a_difference(both):
    compared, _ = both
    x = difference(compared, quantity="d", axis="X", item=None)
    assert x.value.low < 0.5 < x.value.high
    assert x.value.high - x.value.low < 0.05
    # Each run alone is far less sure: the difference of two such means would be useless.
    alone = [p.d for run in compared.runs for p in run.axes if p.axis == "X"]
    assert min(e.high - e.low for e in alone) > 0.5
    y = difference(compared, quantity="d", axis="Y", item=None)
    assert y.value.low < 0 < y.value.high
    assert x.readable


def test_differences_are_of_the_second_run_less_the_first(runs):
    compared, _ = compare_runs([runs["moved"], runs["base"]])
    found = difference(compared, quantity="d", axis="X", item=None)
    assert (found.first, found.second) == ("moved", "base")
    assert found.value.high < 0
    assert difference(compared, quantity="x").value.high < 0


def test_only_what_all_runs_were_asked_counts_and_the_rest_is_named(runs):
    compared, _ = compare_runs([runs["base"], runs["larger"]])
    assert len(compared.scenarios) == 30
    assert compared.wordings == ("plain",)
    base, larger = compared.runs
    assert (base.left_out_scenarios, base.left_out_wordings) == (0, ("options",))
    assert (larger.left_out_scenarios, larger.left_out_wordings) == (10, ("situation",))
    # The two models are alike, so over the same scenarios they are nearly so; over their own ones they are not.
    assert abs(difference(compared, quantity="d", axis="X", item=None).value.value) < 0.02
    own = [compare_runs([runs[n]])[0].runs[0].axes for n in ("base", "larger")]
    assert max(abs(a.d.value - b.d.value) for a, b in zip(*own, strict=True)) > 0.02
    assert any("One wording" in note for note in compared.notes)


def test_a_run_is_paired_by_scenario_whatever_order_its_answers_have(runs, tmp_path):
    turned = tmp_path / "turned"
    shutil.copytree(runs["moved"], turned)
    stored = json.loads((turned / "run.json").read_text())
    stored["config"]["design"]["scenario_ids"].reverse()
    (turned / "run.json").write_text(json.dumps(stored))
    with pytest.raises(RunFolderError):  # the hash of its texts goes with their order
        compare_runs([runs["base"], turned])
    from culturescope.experiments.design import Design

    stored["config"]["texts"] = Design.from_dict(stored["config"]["design"]).texts()
    (turned / "run.json").write_text(json.dumps(stored))
    compared, _ = compare_runs([runs["base"], turned])
    x = difference(compared, quantity="d", axis="X", item=None)
    assert x.value.value == pytest.approx(0.5, abs=0.02)
    assert x.value.high - x.value.low < 0.05


def test_a_run_that_may_not_be_read_has_figures_but_no_rank(runs):
    compared, figure = compare_runs([runs["base"], runs["blind"], runs["moved"]])
    by_label = {r.label: r for r in compared.runs}
    assert set(by_label["blind"].verdicts.values()) == {"not interpretable"}
    assert not by_label["blind"].readable
    for order in compared.orders_by_distance:
        assert [r.label for r in order.runs][-1] == "blind"
        assert order.runs[-1].rank is None
        assert {r.rank for r in order.runs[:-1]} == {1, 2}
    assert not difference(compared, second="blind", quantity="d", axis="X", item=None).readable
    assert figure is not None
    assert [p.readable for p in figure.placements if p.kind == "model"] == [True, False, True]


def test_a_first_run_that_may_not_be_read_leaves_no_difference_to_read(runs, tmp_path):
    compared, _ = compare_runs([runs["blind"], runs["moved"]])
    assert {d.quantity for d in compared.differences} == {"d", "x", "y", "distance"}
    assert not any(d.readable for d in compared.differences)
    unchecked = planted_run(tmp_path / "probe", by_axis(0.0, 0.0), limit=20, check_limit=0)
    assert not any(Comparing([unchecked]).on_axis(0, axis) for axis in ("X", "Y"))


def test_what_a_condition_looks_at_is_what_it_says(runs, tmp_path):
    faint = planted_run(tmp_path / "faint", by_axis(0.5, 0.0), name="faint", rest_mass=0.2)
    comparing, people = Comparing([runs["base"], faint]), load_people()
    compared, _ = compare_runs([runs["base"], faint])
    comparing.verdicts[1] = {"Y": "not interpretable", "X": "weak"}
    verdict, of_x = (measured(comparing, 1, Quantity("verdict", axis), people) for axis in (None, "X"))
    assert (verdict, of_x) == ("not interpretable", "weak")
    mass = measured(comparing, 1, Quantity("mass", change=True), people)
    assert mass.value == pytest.approx(-0.15, abs=0.01)
    change = measured(comparing, 1, Quantity("distance", "DNK", change=True), people)
    assert change == difference(compared, quantity="distance", society="DNK").value


def test_a_sure_failure_tells_the_end_of_the_interval_that_is_nearer_to_the_bound(runs):
    asked = ["change(d(X)) > 0.2", "change(d(X)) < 0.9"]
    compared, _ = compare_runs([runs["base"], runs["moved"]], fail_if_sure=asked)
    x = difference(compared, quantity="d", axis="X", item=None).value
    assert [f.by for f in compared.failures] == pytest.approx([x.low - 0.2, 0.9 - x.high])


def test_ranks_part_what_differs_and_leave_open_what_does_not(runs, tmp_path):
    twin = planted_run(tmp_path / "twin", by_axis(0.0, 0.0), name="twin")
    compared, _ = compare_runs([runs["base"], runs["moved"], twin], societies=["DNK"])
    (order,) = compared.orders_by_distance
    found = {r.label: (r.rank, r.lowest, r.highest) for r in order.runs}
    assert found["moved"] == (1, 1, 1)  # nearer to Denmark's self-expression
    assert {found["base"][0], found["twin"][0]} == {2, 3}
    assert found["base"][1:] == found["twin"][1:] == (2, 3)


def test_intervals_of_coordinates_are_those_of_the_place(runs):
    comparing = Comparing([runs["base"], runs["moved"]])
    for n in (0, 1):
        place = comparing.place(n)
        for axis, value in ((0, place.x), (1, place.y)):
            found = comparing.places.coordinate(n, axis)
            assert found.value == pytest.approx(value, abs=1e-9)
            # The ellipse's own extent along the axis is wider: it holds for both coordinates at once.
            reach = np.sqrt(place.radius2 * place.covariance[axis][axis])
            assert 0.5 * reach < found.high - found.value < 1.3 * reach


def test_the_error_of_the_map_cancels_in_a_difference(runs):
    places = Comparing([runs["base"], runs["moved"]]).places
    for axis in (0, 1):
        error = np.sqrt(places.projection.covariance[axis][axis])
        found, alone = places.coordinate(1, axis, 0), places.coordinate(1, axis)
        assert found.high - found.low < error < alone.high - alone.low


def test_a_change_of_distance_agrees_with_distances_and_points_the_right_way(runs):
    comparing = Comparing([runs["base"], runs["moved"]])
    denmark = load_people().society("DNK")
    point = np.array([denmark.x, denmark.y])
    found = comparing.places.nearer(0, 1, point)
    lengths = [distance_of(comparing.place(n), point).value for n in (0, 1)]
    assert found.value == pytest.approx(lengths[1] - lengths[0], abs=1e-9)
    assert found.high < 0
    back = comparing.places.nearer(1, 0, point)
    assert (back.value, back.low, back.high) == pytest.approx(
        (-found.value, -found.high, -found.low), rel=0.1
    )


def test_a_distance_has_the_interval_that_the_ellipse_allows(runs):
    place = Comparing([runs["base"]]).place(0)
    centre = np.array([place.x, place.y])
    inside = distance_of(place, centre + 1e-4)
    assert inside.low == 0
    values, axes = np.linalg.eigh(np.array(place.covariance))
    half = np.sqrt(values * place.radius2)
    far = distance_of(place, centre + 10 * axes[:, 1])
    assert (far.value, far.low, far.high) == pytest.approx((10, 10 - half[1], 10 + half[1]), abs=1e-3)


def test_ranks_hold_together_in_nineteen_of_twenty_cases():
    """Four models, two of them alike: the intervals of all ranks hold the true ranks at once."""
    items = tuple(f"{a}0{n}" for a in "YX" for n in range(1, 6) for _ in range(6))
    cells = tuple(f"{item}/{n % 3}" for n, item in enumerate(items))
    rng = np.random.default_rng(3)
    truth = np.array([1.0, 1.6, 1.6, 3.0])
    held, settled = 0, 0
    for _ in range(60):
        shared = rng.normal(0, 1, (1, len(items), 1))
        values = shared + rng.normal(0, 0.6, (4, len(items), 1))
        moves = np.stack([values[..., 0], 0 * values[..., 0]], axis=-1)[:, :, None, :]
        points = np.column_stack([truth + moves[:, :, 0, 0].mean(axis=1), np.zeros(4)])
        places = Places(points, moves, np.ones(4), items, cells, fit_projection())
        found = ranks(places, range(4), np.array([-9.0, 0.0]))
        lowest = [1 + int((truth < t).sum()) for t in truth]
        highest = [int((truth <= t).sum()) for t in truth]
        held += all(found[k][1] <= highest[k] and found[k][2] >= lowest[k] for k in range(4))
        settled += found[3][1:] == (4, 4)
    assert held >= 55
    assert settled >= 55


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"pack": OTHER_PACK}, "pack"),
        ({"orders": "random"}, "one random order"),
        ({"split": "optimise"}, "no scenario in common"),
        ({"template_ids": ("situation",)}, "no wording in common"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused_in_a_line(runs, tmp_path, options, told):
    other = planted_run(tmp_path / "other", by_axis(0, 0), name="other", check_limit=0, limit=12, **options)
    with pytest.raises(BadInputError, match=told) as error:
        compare_runs([runs["base"], other])
    assert "\n" not in str(error.value)


def test_single_orders_of_two_seeds_are_refused_and_of_one_seed_are_not(tmp_path):
    found = [
        planted_run(
            tmp_path / f"{seed}-{n}", by_axis(0, 0), orders="random", seed=seed, check_limit=0, name=str(n)
        )
        for n, seed in enumerate((1, 1, 2))
    ]
    compared, _ = compare_runs(found[:2])
    assert any("One order" in note for note in compared.notes)
    with pytest.raises(BadInputError, match="seeds 2 and 1"):
        compare_runs([found[0], found[2]])


def test_a_run_given_twice_a_survey_and_an_unfinished_run_are_refused(runs, tmp_path):
    with pytest.raises(BadInputError, match="given twice"):
        compare_runs([runs["base"], runs["base"]])
    with pytest.raises(BadInputError, match="needs runs"):
        compare_runs([])
    cut = tmp_path / "cut"
    shutil.copytree(runs["base"], cut)
    lines = (cut / "samples.jsonl").read_text().splitlines(keepends=True)
    (cut / "samples.jsonl").write_text("".join(lines[:-3]))
    with pytest.raises(RunFolderError, match="culturescope resume"):
        compare_runs([runs["moved"], cut])
    survey = tmp_path / "survey"
    shutil.copytree(runs["base"], survey)
    stored = json.loads((survey / "run.json").read_text())
    stored["config"]["kind"] = "survey"
    (survey / "run.json").write_text(json.dumps(stored))
    with pytest.raises(BadInputError, match="direct survey"):
        compare_runs([runs["moved"], survey])


def test_a_run_of_older_texts_is_refused(runs, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(runs["base"], old)
    stored = json.loads((old / "run.json").read_text())
    stored["config"]["texts"]["scenarios_sha256"] = "0" * 64
    (old / "run.json").write_text(json.dumps(stored))
    with pytest.raises(RunFolderError, match=r"cannot be compared: config\.texts\.scenarios_sha256"):
        compare_runs([runs["moved"], old])


def test_without_all_items_there_are_axes_and_no_map(tmp_path):
    found = [
        planted_run(tmp_path / str(n), by_axis(n, 0), limit=8, check_limit=0, name=str(n)) for n in (0, 1)
    ]
    compared, figure = compare_runs(found)
    assert figure is None
    assert compared.orders_by_distance == ()
    assert any("No map" in note for note in compared.notes)
    assert difference(compared, quantity="d", axis="X", item=None).value.value == pytest.approx(1, abs=0.05)
