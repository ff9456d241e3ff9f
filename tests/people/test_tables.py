"""The people tables: what is in them, and the traps of such figures."""

import shutil

import numpy as np
import pytest

from culturescope.errors import BadInputError
from culturescope.people import fit_projection, load_people, society
from culturescope.people.tables import DATA, check_item_value


@pytest.fixture(scope="module")
def people():
    return load_people()


def correlation(x, y):
    return float(np.corrcoef(x, y)[0, 1])


def test_sizes(people):
    assert len(people.societies) == 115
    assert len(people.item_means) == 59
    assert len(people.complete()) == 52
    assert sum(len(m.means) for m in people.item_means.values()) == 559
    assert len(people.zones) == 8


@pytest.mark.parametrize(
    ("code", "x", "y"),
    [("DNK", 2.900, 1.016), ("IND", -0.219, -0.447), ("VNM", 0.614, -0.443), ("MEX", 0.224, -1.059)],
)
def test_reference_points(code, x, y):
    found = society(code)
    assert found.x == pytest.approx(x, abs=6e-4)
    assert found.y == pytest.approx(y, abs=6e-4)


def test_india_is_that_of_2023(people):
    assert people.society("India").year == 2023
    assert people.item_means["IND"].year == 2023


def test_denmark_has_a_position_but_no_item_means(people):
    assert people.society("denmark").year == 2017
    assert "DNK" not in people.item_means


def test_official_rescaling_and_not_its_slip(people):
    assert people.rescaling == {"x": (1.81, 0.038), "y": (1.61, -0.1)}
    # The slip moves every place by (0.342, 0.090); the positions here are the official ones.
    assert np.mean([s.y for s in people.societies.values()]) == pytest.approx(-0.303, abs=1e-3)
    assert np.mean([s.x for s in people.societies.values()]) == pytest.approx(0.091, abs=1e-3)


def test_axes_correlate_over_societies_but_hardly_within_zones(people):
    societies = list(people.societies.values())
    x, y = np.array([s.x for s in societies]), np.array([s.y for s in societies])
    assert correlation(x, y) == pytest.approx(0.582, abs=5e-4)
    assert np.polyfit(x, y, 1)[0] == pytest.approx(0.46, abs=5e-3)
    assert np.polyfit(y, x, 1)[0] == pytest.approx(0.73, abs=5e-3)
    zoned = [[(s.x, s.y) for s in societies if s.zone == z] for z in people.zones]
    within = np.concatenate([np.array(z) - np.mean(z, axis=0) for z in zoned])
    assert len(within) == 110
    assert correlation(*within.T) == pytest.approx(0.18, abs=5e-3)


def test_autonomy_runs_from_minus_two_and_negative_is_an_answer(people):
    item = {i.id: i for i in people.items}
    assert item["Y02"].variable == "Y003"
    assert check_item_value(item["Y02"], -2) == -2
    assert min(m.means["Y02"] for m in people.item_means.values() if "Y02" in m.means) < 0
    for wrong in (-5, 2.1):
        with pytest.raises(BadInputError, match=r"Y02 .*-2 to 2"):
            check_item_value(item["Y02"], wrong)


@pytest.mark.parametrize(("item_id", "value"), [("Y04", 5), ("Y01", 0.9), ("X05", -1), ("X01", float("nan"))])
def test_values_outside_of_the_scale_name_item_value_and_range(people, item_id, value):
    item = {i.id: i for i in people.items}[item_id]
    with pytest.raises(BadInputError) as caught:
        check_item_value(item, value)
    assert item_id in str(caught.value)
    assert f"{value:g}" in str(caught.value)
    assert f"{item.scale.low} to {item.scale.high}" in str(caught.value)


def test_every_figure_has_a_source_and_a_doi(people):
    used = {s.source for s in people.societies.values()} | {
        key for m in people.item_means.values() for key in m.sources
    }
    assert used <= set(people.sources)
    assert all(s.doi for s in people.sources.values())


@pytest.mark.parametrize("name", ["IND", "ind", " India ", "INDIA"])
def test_code_or_name_in_any_case(name):
    assert society(name).code == "IND"


@pytest.mark.parametrize(
    ("name", "nearest"), [("Vietman", "Vietnam"), ("Rico", "Puerto Rico"), ("IDX", "India")]
)
def test_unknown_society_gives_the_nearest(name, nearest):
    with pytest.raises(BadInputError, match=f'unknown society "{name}".*nearest are .*{nearest}'):
        society(name)


@pytest.mark.parametrize(("name", "said"), [("", "no society was named"), (" \n", "no society was named")])
def test_no_name_is_said_so(name, said):
    with pytest.raises(BadInputError, match=f"{said}: .*IND or India"):
        society(name)


@pytest.mark.parametrize("name", ["xxx", "q", "a\nb", "z" * 500, "12"])
def test_any_other_name_is_one_line_with_names(name):
    with pytest.raises(BadInputError, match=r"nearest are [A-Z]{3} \(") as caught:
        society(name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_mixed_series_are_an_error(people, tmp_path):
    other = society("IND").model_copy(update={"series": "official-2022"})
    with pytest.raises(BadInputError, match=r"two series cannot be compared"):
        people.with_societies([other])
    folder = shutil.copytree(DATA, tmp_path / "data")
    table = folder / "societies.csv"
    table.write_text(
        table.read_text(encoding="utf-8").replace("official-latest", "tao-2024", 1), encoding="utf-8"
    )
    with pytest.raises(BadInputError, match="tao-2024"):
        load_people(folder)


def test_a_later_survey_of_the_same_series_replaces_an_earlier_one(people):
    later = society("MEX").model_copy(update={"year": 2024, "x": 0.5})
    assert people.with_societies([later]).society("MEX").x == 0.5
    assert people.society("MEX").year == 2018


def test_a_later_survey_does_not_drop_a_society_from_the_fit(people):
    """The item means stay those of the earlier survey, so its position stays in the fit."""
    later = society("IND").model_copy(update={"year": 2024, "x": 0.9})
    more = people.with_societies([later])
    assert (more.society("IND").year, more.position("IND", 2023).x) == (2024, society("IND").x)
    one, two = fit_projection(), fit_projection(more)
    assert len(two.codes) == 46
    assert two.coefficients == pytest.approx(one.coefficients)


def test_an_earlier_survey_is_kept_beside_the_latest_one_and_the_same_year_replaces(people):
    old, same = (society("IND").model_copy(update={"year": year, "x": -0.7}) for year in (2012, 2023))
    more = people.with_societies([old])
    assert (more.society("IND").year, more.position("IND", 2012).x) == (2023, -0.7)
    more = people.with_societies([same])
    assert more.society("IND").x == -0.7
    assert [s for s in more.other_years if s.code == "IND"] == []
    both = people.with_societies([society("SRB").model_copy(update={"year": 2017, "x": 1.0})])
    assert [s.x for s in both.other_years if s.code == "SRB"] == [1.0]
    with pytest.raises(BadInputError, match="IND of 2012 was given twice"):
        people.with_societies([old, old])


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("item_means.csv", "1.7103", "17.103", "item_means.csv, line 3.*X02"),
        ("item_means.csv", "1.7103", "much", "line 3.*numbers"),
        ("item_means.csv", "AND,2018,X02", "AND,2018,X09", "X09"),
        ("societies.csv", "2.1861", "far", "societies.csv, line 3"),
        ("societies.csv", "AND,Andorra", "ALB,Andorra", "line 3: ALB is there twice"),
        ("societies.csv", "2.1861", "nan", "societies.csv, line 3: x is not right.*finite"),
        ("societies.csv", "0.5481", "-inf", "societies.csv, line 3: y is not right.*finite"),
        ("societies.csv", "2.1861,", "", "societies.csv, line 3: 8 fields"),
        ("societies.csv", "2.1861,", "2.1861,9,", "societies.csv, line 3: 8 fields"),
        ("societies.csv", ",x,y,", ",x,z,", "societies.csv, line 1: .*without y"),
        ("societies.csv", "code,name", "code,code", "societies.csv, line 1: .*without name"),
        ("societies.csv", "map-series", "no-source", 'societies.csv, line 2: source "no-source"'),
        ("other_years.csv", "SRB,2017", "XXX,2017", "other_years.csv, line 2: XXX is not in societies.csv"),
        ("item_means.csv", "AND,2018,X02", "AND,2018,X01", "line 3: the mean of X01 in AND is there twice"),
        ("item_means.csv", "AND,2018,X02", "AND,2019,X02", "line 3: AND has means of 2018 and of 2019"),
        ("item_means.csv", "wvs7-6", "wvs8", 'item_means.csv, line 2: source "wvs8"'),
        (
            "item_means.csv",
            "code,year,item,mean",
            "code,year,item,value",
            "item_means.csv, line 1: .*without mean",
        ),
        ("sources.toml", "[series]", "[serie]", r"sources.toml: the table \[series\] is missing"),
        ("sources.toml", 'id = "off', 'key = "off', r"sources.toml, \[series\]: id is missing"),
        ("sources.toml", "slope = 1.81, ", "", r"\[rescaling\]: x needs numbers"),
        ("sources.toml", 'title = "Means', 'titel = "Means', r"sources.toml, \[source.map-series\]: title"),
        ("sources.toml", "CYP = ", "CYR = ", r"\[left_out\]: CYR is not in societies.csv"),
        ("sources.toml", "[series]", "[series", "sources.toml: not valid TOML"),
    ],
)
def test_broken_tables_name_file_and_line(tmp_path, file, old, new, said):
    folder = shutil.copytree(DATA, tmp_path / "data")
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadInputError, match=said) as caught:
        load_people(folder)
    assert "\n" not in str(caught.value)


def test_a_table_that_is_no_text_is_named(tmp_path):
    folder = shutil.copytree(DATA, tmp_path / "data")
    (folder / "societies.csv").write_bytes(b"code,name\xff")
    with pytest.raises(BadInputError, match=r"societies.csv: not a table in UTF-8"):
        load_people(folder)
