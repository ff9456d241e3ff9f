"""Small cells are not written, and cannot be had by subtraction."""

import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from culturescope.errors import BadInputError
from culturescope.people.survey_files import Options, import_files, imported_groups, write_import
from culturescope.people.survey_files.suppressing import kept_cells
from tests.people import synthetic as s


@given(st.lists(st.integers(1, 400), max_size=8), st.integers(0, 300), st.integers(2, 200))
def test_whoever_is_left_out_is_among_enough_or_nobody_is(sizes, ungrouped, minimum):
    cells = dict(enumerate(sizes))
    total = sum(sizes) + ungrouped
    kept = kept_cells(cells, total, minimum)
    out = total - sum(cells[k] for k in kept)
    assert all(cells[k] >= minimum for k in kept)
    assert out == 0 or out >= minimum or not kept


def test_nothing_goes_that_need_not():
    assert kept_cells({"a": 300, "b": 150}, 450, 100) == {"a", "b"}
    assert kept_cells({"a": 300, "b": 150, "c": 60, "d": 50}, 560, 100) == {"a", "b"}
    assert kept_cells({"a": 300, "b": 150, "c": 20}, 470, 100) == {"a"}


def regions(sizes):
    data = s.sample({"MEX": 484}, n=sum(sizes), missing=False, seed=2)
    columns = s.table("wvs7", data)
    columns["N_REGION_ISO"] = np.repeat(np.arange(len(sizes)) + 484001.0, sizes)
    return columns


def test_a_single_small_region_takes_the_next_one_with_it(tmp_path):
    path = s.write(tmp_path / "f.csv", regions([500, 300, 120, 30]))
    found = import_files([path], Options(by=("region",)))
    write_import(found, tmp_path / "out")
    with (tmp_path / "out" / "group_means.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["region"] for row in rows} == {"484001", "484002"}
    assert [g.groups for g in imported_groups(tmp_path / "out")] == [
        {"region": "484001"},
        {"region": "484002"},
    ]
    with (tmp_path / "out" / "item_means.csv").open(encoding="utf-8", newline="") as lines:
        (total,) = (row for row in csv.DictReader(lines) if row["item"] == "Y01")
    written = sum(int(row["n"]) for row in rows if row["item"] == "Y01")
    assert int(total["n"]) - written >= 100
    assert found.suppressed == {"societies": 0, "groups": 20}
    text = "".join(f.read_text(encoding="utf-8") for f in (tmp_path / "out").iterdir())
    assert "484004" not in text


def test_societies_and_items_below_the_minimum_are_counted_and_not_written(tmp_path):
    data = s.sample({"MEX": 484, "IND": 356}, n=150, missing=False)
    columns = s.table("wvs7", data)
    india = columns["B_COUNTRY"] == 356
    # Ninety Indians remain; and all but fifty Mexicans were not asked about abortion.
    columns = {k: v[~india | (np.cumsum(india) <= 90)] for k, v in columns.items()}
    mexico = columns["B_COUNTRY"] == 484
    columns["Q184"] = np.where(mexico & (np.cumsum(mexico) > 50), -4.0, columns["Q184"])
    found = import_files([s.write(tmp_path / "f.csv", columns)])
    assert {f.society for f in found.totals} == {"MEX"}
    assert "Y03" not in {f.item for f in found.totals}
    assert found.suppressed["societies"] == 11
    write_import(found, tmp_path / "out")
    text = "".join(f.read_text(encoding="utf-8") for f in (tmp_path / "out").iterdir())
    assert "IND" not in text


def test_dividing_by_respondents_is_refused_or_empty(tmp_path):
    columns = regions([400])
    columns["D_INTERVIEW"] = np.arange(400.0) + 1e6
    found = import_files([s.write(tmp_path / "f.csv", columns)], Options(by=("D_INTERVIEW",)))
    assert not found.groups
    assert found.suppressed["groups"] == 4000
    with pytest.raises(BadInputError, match="--min-cell"):
        Options(minimum=1)


def test_too_many_cells_are_refused_before_memory_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr("culturescope.people.survey_files.importing.MOST_CELLS", 20)
    columns = regions([400])
    columns["D_INTERVIEW"] = np.arange(400.0)
    path = s.write(tmp_path / "f.csv", columns)
    with pytest.raises(BadInputError, match="--by D_INTERVIEW makes more than"):
        import_files([path], Options(by=("D_INTERVIEW",)))
    columns["A_YEAR"] = 1950 + np.arange(400.0) % 60
    with pytest.raises(BadInputError, match="B_COUNTRY and A_YEAR name more than"):
        import_files([s.write(tmp_path / "g.csv", columns)])


def test_weights_that_no_survey_has_do_not_drown_the_others(tmp_path):
    columns = regions([400])
    columns["W_WEIGHT"] = np.where(np.arange(400) == 7, 1e300, columns["W_WEIGHT"])
    found = import_files([s.write(tmp_path / "f.csv", columns)])
    assert found.files[0].dropped == {"weight missing": 1}
    assert all(np.isfinite(f.estimate.se) for f in found.totals)
