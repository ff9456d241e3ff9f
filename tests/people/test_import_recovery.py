"""Planted means come back within their errors, alike from every form of the file, and weights are not forgotten."""

import csv
import json

import numpy as np
import pytest

from culturescope.cli import run
from culturescope.errors import BadInputError
from culturescope.people import fit_projection, load_people, profile_of
from culturescope.people.survey_files import (
    Options,
    check_output,
    import_files,
    imported_distributions,
    imported_surveys,
    load_imported,
    write_import,
)
from culturescope.people.survey_files.societies import CODES
from tests.people import synthetic as s

FEW = {"DNK": 208, "IND": 356, "GBR-NIR": 909}


@pytest.fixture(scope="module")
def few():
    return s.sample(FEW, n=500, seed=3)


def figures(found):
    return {(f.society, f.year, *f.groups, f.item): f.estimate for f in found}


def by_hand(data, society, variable):
    """Weighted mean, Kish's size and shares of a directly asked variable, from the planted columns."""
    c = data.columns
    size = s.SIZES[variable]
    there = (c["S003"] == s.SOCIETIES[society]) & (c[variable] >= 1) & (c[variable] <= size)
    x, w = c[variable][there], c["S017"][there]
    mean = (w * x).sum() / w.sum()
    effective = w.sum() ** 2 / (w**2).sum()
    variance = (w * (x - mean) ** 2).sum() / w.sum()
    return (
        there.sum(),
        mean,
        effective,
        np.sqrt(variance / (effective - 1)),
        [w[x == k].sum() / w.sum() for k in range(1, size + 1)],
    )


def test_means_errors_and_shares_are_those_computed_by_hand(few, tmp_path):
    found = figures(import_files([s.write(tmp_path / "f.csv", s.table("wvs-trend", few))]).totals)
    for society in FEW:
        for variable in s.SIZES:
            n, mean, effective, se, shares = by_hand(few, society, variable)
            one = found[society, 2018, s.ITEM[variable]]
            assert one.n == n
            assert one.mean == pytest.approx(mean, abs=1e-12)
            assert one.n_effective == pytest.approx(effective, rel=1e-12)
            assert one.se == pytest.approx(se, rel=1e-9)
            assert one.shares == pytest.approx(shares, abs=1e-12)


def test_z_scores_of_planted_means_are_standard_and_weights_are_needed(tmp_path):
    codes = {code: number for number, code in list(CODES.items())[:80]}
    data = s.sample(codes, n=400, seed=11)
    path = s.write(tmp_path / "many.csv", s.table("wvs7", data))
    z, plain, bare = [], [], []
    unweighted = figures(import_files([path], Options(weight="none")).totals)
    for f in import_files([path]).totals:
        truth = data.truth[f.society, f.year][f.item]
        z.append((f.estimate.mean - truth) / f.estimate.se)
        plain.append((f.estimate.mean - truth) / f.estimate.se_linearised)
        other = unweighted[f.society, f.year, f.item]
        bare.append((other.mean - truth) / other.se)
    assert len(z) == 800
    # Answers of a society hang together: the mean of 80 x 10 z-scores has a standard error of about 0.07.
    for scores in (z, plain):
        assert 0.925 < (np.abs(scores) < 1.96).mean() < 0.98
        assert 0.88 < np.std(scores) < 1.08
        assert abs(np.mean(scores)) < 0.21
    assert (np.abs(bare) < 1.96).mean() < 0.5


@pytest.mark.parametrize("kind", s.KINDS)
def test_all_kinds_in_all_forms_say_the_same(kind, few, tmp_path):
    programme = 1 if kind == "evs-trend" else 2
    data = s.Sample({**few.columns, "S001": np.full(len(few), float(programme))}, few.truth)
    columns = s.table(kind, data)
    other_case = {(k.lower() if k.isupper() else k.upper()): v for k, v in columns.items()}
    paths = {
        "comma": s.write(tmp_path / "a.csv", columns),
        "semicolon": s.write(tmp_path / "b.csv", columns, separator=";"),
        "decimal comma": s.write(tmp_path / "c.csv", other_case, separator=";", decimal=",", end="\r\n"),
        "sav": s.write(tmp_path / "d.sav", columns),
        "sav, nothing declared": s.write(tmp_path / "e.sav", other_case, declared=False, compress=False),
        "zsav": s.write(tmp_path / "f.zsav", columns),
        "dta": s.write(tmp_path / "g.dta", columns),
        "dta, plain codes": s.write(tmp_path / "h.dta", columns, extended=False),
    }
    options = Options(by=("sex", "age_group"), minimum=50)
    found = {name: import_files([path], options) for name, path in paths.items()}
    first = found["comma"]
    assert len(first.totals) == 30
    assert len(first.groups) > 60
    for name, one in found.items():
        (report,) = one.files
        assert report.kind == kind, name
        assert report.missing == first.files[0].missing, name
        assert one.suppressed == first.suppressed, name
        for mine, theirs in ((one.totals, first.totals), (one.groups, first.groups)):
            assert [(f.society, f.groups, f.item) for f in mine] == [
                (f.society, f.groups, f.item) for f in theirs
            ]
            for a, b in zip(mine, theirs, strict=True):
                assert a.estimate.mean == pytest.approx(b.estimate.mean, abs=1e-9), name
                assert a.estimate.se == pytest.approx(b.estimate.se, abs=1e-9), name
                assert a.estimate.shares == pytest.approx(b.estimate.shares, abs=1e-9), name


def test_kinds_agree_with_each_other(few, tmp_path):
    all_kinds = [
        figures(import_files([s.write(tmp_path / f"{kind}.sav", s.table(kind, few))]).totals)
        for kind in ("wvs7", "wvs-trend", "joint", "integrated")
    ]
    for found in all_kinds[1:]:
        assert found.keys() == all_kinds[0].keys()
        for key, one in found.items():
            assert one.mean == pytest.approx(all_kinds[0][key].mean, abs=1e-9)


def test_minus_two_is_an_answer_of_autonomy_and_five_none_of_pride(few, tmp_path):
    found = import_files([s.write(tmp_path / "f.sav", s.table("integrated", few))])
    index = s.autonomy(few.columns)
    for f in found.totals:
        if f.variable == "Y003":
            mine = index[(few.columns["S003"] == s.SOCIETIES[f.society]) & (index > -5)]
            assert f.estimate.n == len(mine)
            assert f.estimate.shares[0] > 0.01
        if f.variable == "G006":
            assert len(f.estimate.shares) == 4
    missing = found.files[0].missing["G006"]
    assert missing["not a national"] == (few.columns["G006"] == 5).sum() > 0
    assert missing["don't know"] == (few.columns["G006"] == -1).sum() > 0
    assert found.files[0].missing["Y003"] == {"component missing": int((index == -5).sum())}
    assert found.files[0].differing == {"Y002": 0, "Y003": 0}


def test_an_index_is_taken_as_given_only_where_its_parts_were_not_asked(few, tmp_path):
    columns = s.table("wvs-trend", few)
    given = columns["Y003"].copy()
    here = columns["S003"] == 208
    for part in s.QUALITIES:
        columns[part] = np.where(here, -4.0, columns[part])
    # A wrong index where components are there: derived is used, and the difference is told.
    columns["Y003"] = np.where(~here & (given > -5), -given, given)
    found = import_files([s.write(tmp_path / "f.csv", columns)])
    reference = figures(import_files([s.write(tmp_path / "r.csv", s.table("wvs-trend", few))]).totals)
    for f in found.totals:
        assert f.estimate.mean == pytest.approx(reference[f.society, f.year, f.item].mean, abs=1e-9)
    assert found.files[0].differing["Y003"] == (given[~here & (given > -5)] != 0).sum()
    assert any("Y003" in note and "differs" in note for note in found.notes)


def test_codes_off_the_scale_are_missing_and_told(few, tmp_path):
    columns = s.table("wvs7", few)
    columns["Q164"] = columns["Q164"].copy()
    valid = np.flatnonzero(columns["Q164"] > 0)
    columns["Q164"][valid[:40]] = np.tile([0, 11, 99, 5.5], 10)
    found = import_files([s.write(tmp_path / "f.csv", columns)])
    assert found.files[0].missing["F063"]["off the scale"] == 40
    assert any("40 codes of F063" in note for note in found.notes)


def test_zero_and_missing_weights_are_told_and_do_not_count(few, tmp_path):
    columns = s.table("wvs7", few)
    weight = columns["W_WEIGHT"].copy()
    weight[:30], weight[30:50], weight[50:55] = 0, np.nan, -5
    found = import_files([s.write(tmp_path / "f.dta", {**columns, "W_WEIGHT": weight})])
    assert found.files[0].dropped == {"weight zero": 30, "weight missing": 25}
    assert found.files[0].used == len(few) - 55
    kept = {k: v[55:] for k, v in columns.items()}
    rest = figures(import_files([s.write(tmp_path / "r.csv", kept)]).totals)
    for key, one in figures(found.totals).items():
        assert one.n == rest[key].n
        assert one.mean == pytest.approx(rest[key].mean, abs=1e-9)


def test_groups_are_cells_of_the_society(few, tmp_path):
    path = s.write(tmp_path / "f.csv", s.table("wvs7", few))
    found = import_files([path], Options(by=("age_group", "Q260"), minimum=2, bands=(40,)))
    c = few.columns
    for f in found.groups:
        if f.variable != "A008":
            continue
        age, sex = f.groups
        young = {"under 40": (c["X003"] > 0) & (c["X003"] < 40), "40 and over": c["X003"] >= 40}[age]
        here = (c["S003"] == s.SOCIETIES[f.society]) & young & (c["X001"] == int(sex)) & (c["A008"] >= 1)
        w = c["S017"][here]
        assert f.estimate.n == here.sum()
        assert f.estimate.mean == pytest.approx((w * c["A008"][here]).sum() / w.sum(), abs=1e-12)
    assert {f.groups for f in found.groups} == {
        (a, q) for a in ("under 40", "40 and over") for q in ("1", "2")
    }
    # Those without age or sex are in the totals only.
    total = figures(found.totals)["DNK", 2018, "X02"].n
    parts = sum(f.estimate.n for f in found.groups if f.society == "DNK" and f.variable == "A008")
    assert 0 < total - parts < 0.1 * total
    assert found.files[0].ungrouped == ((c["X001"] < 0) | (c["X003"] < 0)).sum()


def test_region_is_known_by_what_each_kind_calls_it(few, tmp_path):
    for kind, column in (("wvs7", "N_REGION_ISO"), ("joint", "reg_iso"), ("wvs-trend", "X048WVS")):
        found = import_files([s.write(tmp_path / f"{kind}.csv", s.table(kind, few))], Options(by=("region",)))
        assert found.files[0].columns["region"] == column
        assert {f.groups[0] for f in found.groups if f.society == "IND"} == {"356001", "356002", "356003"}


def test_text_columns_divide_too(few, tmp_path):
    town = np.where(np.arange(len(few)) % 2, "Öster, Nord", '"West"')
    s.write_csv(tmp_path / "f.csv", s.table("wvs7", few), text=[("town", [t.replace('"', "") for t in town])])
    found = import_files([tmp_path / "f.csv"], Options(by=("TOWN",)))
    assert {f.groups for f in found.groups} == {("Öster, Nord",), ("West",)}


def test_two_surveys_of_a_society_are_pooled_or_chosen_but_never_by_chance(tmp_path):
    data = s.sample({"NLD": 528}, n=400, programmes=(1, 2), seed=8)
    path = s.write(tmp_path / "joint.csv", s.table("joint", data))
    with pytest.raises(BadInputError, match=r"both programmes surveyed NLD 2018.*--programme"):
        import_files([path])
    found = {p: figures(import_files([path], Options(programme=p)).totals) for p in ("evs", "wvs", "pooled")}
    key = ("NLD", 2018, "X02")
    assert found["pooled"][key].n == found["evs"][key].n + found["wvs"][key].n
    assert found["evs"][key].mean != found["wvs"][key].mean
    # The same survey in two files would count twice.
    other = s.write(tmp_path / "trend.csv", s.table("wvs-trend", data))
    with pytest.raises(BadInputError, match=r"same survey is in several files.*NLD 2018"):
        import_files([path, other], Options(programme="pooled"))


def test_two_files_of_one_society_are_pooled_and_both_cited(tmp_path):
    data = [s.sample({"DNK": 208}, n=300, year=2017, programmes=(p,), seed=p) for p in (1, 2)]
    paths = [
        s.write(tmp_path / f"{kind}.sav", s.table(kind, one))
        for kind, one in zip(("evs-trend", "wvs-trend"), data, strict=True)
    ]
    found = import_files(paths, Options(programme="pooled", by=("sex",)))
    means = load_imported(write_import(found, tmp_path / "out")).item_means["DNK"]
    assert means.sources == ("import-evs-trend", "import-wvs-trend-2")
    both = [figures(import_files([p]).totals)["DNK", 2017, "X02"] for p in paths]
    weight = [sum(one.columns["S017"][one.columns["A008"] > 0]) for one in data]
    expected = sum(w * b.mean for w, b in zip(weight, both, strict=True)) / sum(weight)
    assert means.means["X02"] == pytest.approx(expected, abs=1e-6)
    assert figures(found.groups)["DNK", 2017, "1", "X02"].n > max(b.n for b in both) / 2


def test_value_labels_of_groups_are_kept_beside(few, tmp_path):
    import polars as pl
    import pyreadstat

    frame = pl.DataFrame({k: list(v) for k, v in s.table("joint", few).items()})
    path = tmp_path / "f.sav"
    pyreadstat.write_sav(
        frame, str(path), variable_value_labels={"X001": {1: "Male", 2: "Female", -2: "No answer"}}
    )
    out = write_import(import_files([path], Options(by=("sex",))), tmp_path / "out")
    about = json.loads((out / "import.json").read_text(encoding="utf-8"))
    assert about["files"][0]["group_labels"]["sex"]["2"] == "Female"


def test_programmes_are_those_of_the_respondents_not_of_the_name(tmp_path):
    data = s.sample({"NLD": 528}, n=300, programmes=(1, 2), seed=8)
    columns = s.table("wvs-trend", data)
    (report,) = import_files([s.write(tmp_path / "f.csv", columns)], Options(programme="evs")).files
    assert report.kind == "integrated"
    assert report.programmes == ("evs", "wvs")
    only = import_files([tmp_path / "f.csv"], Options(programme="evs")).totals
    assert max(f.estimate.n for f in only) <= 300


def test_the_folder_is_whole_names_its_sources_and_holds_no_respondent(few, tmp_path):
    columns = s.table("joint", few)
    columns["uniqid"] = np.arange(len(few)) * 7919.0 + 123456789
    columns["gwght"] = columns["gwght"] + 1e-7
    path = s.write(tmp_path / "joint.sav", columns)
    out = tmp_path / "deep" / "out"
    assert run(["people", "import", str(path), "-o", str(out), "--by", "sex,age_group", "--quiet"]) == 0
    assert {f.name for f in out.iterdir()} >= {
        "import.json",
        "item_means.csv",
        "distributions.csv",
        "group_means.csv",
    }
    assert [f.name for f in out.parent.iterdir()] == ["out"]
    assert {f.name for f in tmp_path.iterdir()} == {"joint.sav", "deep"}
    about = json.loads((out / "import.json").read_text(encoding="utf-8"))
    (file,) = about["files"]
    assert file["kind"] == "joint"
    assert file["weight"] == "gwght"
    assert len(file["sha256"]) == 64
    assert about["minimum_respondents"] == 100
    assert "strata nor clusters" in about["errors"]
    text = "".join(f.read_text(encoding="utf-8") for f in out.iterdir())
    assert not any(f"{int(i)}" in text for i in columns["uniqid"])
    assert not any(f"{w:.6f}" in text for w in columns["gwght"][:200])
    shares = imported_distributions(out)
    assert sum(shares["DNK", 2018, "Y01"].values()) == pytest.approx(1, abs=1e-3)
    assert set(shares["DNK", 2018, "Y02"]) == {-2, -1, 0, 1, 2}


def test_denmark_gets_its_means_and_joins_the_fit(tmp_path, capsys):
    data = s.sample({"DNK": 208, "CYP-N": 197}, n=600, year=2017, programmes=(1,), seed=5)
    path = s.write(tmp_path / "evs.dta", s.table("evs-trend", data))
    write_import(import_files([path]), tmp_path / "out")
    people = load_imported(tmp_path / "out")
    assert "DNK" not in load_people().item_means
    means = people.item_means["DNK"]
    assert means.year == 2017
    assert not means.missing(people.item_ids)
    assert all(key in people.sources for key in means.sources)
    assert "DNK" in fit_projection(people).codes
    assert "DNK" not in fit_projection().codes
    # Northern Cyprus has no place on the map, so its means are beside it.
    assert "CYP-N" not in people.item_means
    assert set(people.unplaced) == {"CYP-N"}
    assert {(one.code, one.name) for one in imported_surveys(tmp_path / "out")} >= {
        ("CYP-N", "Northern Cyprus")
    }
    assert run(["people", "show", "DNK", "--tables", str(tmp_path / "out")]) == 0
    shown = capsys.readouterr().out
    assert "survey of 2017" in shown
    assert "EVS trend file" in shown
    assert run(["people", "list", "--tables", str(tmp_path / "out")]) == 0
    assert next(line for line in capsys.readouterr().out.splitlines() if line.startswith("DNK")).endswith(
        "10"
    )


def test_a_society_without_a_place_is_shown_but_never_on_the_map(tmp_path, capsys):
    data = s.sample({"CYP-N": 197, "N": 7777}, n=300, year=2018, seed=5)
    columns = s.table("wvs7", data)
    columns["Q46"] = np.where(columns["B_COUNTRY"] == 7777, -4.0, columns["Q46"])
    out = write_import(import_files([s.write(tmp_path / "f.csv", columns)]), tmp_path / "out")
    people = load_imported(out)
    assert people.societies == load_people().societies
    assert fit_projection(people).codes == fit_projection().codes
    profile = profile_of(people, "northern cyprus")
    assert (profile.code, profile.year, profile.missing) == ("CYP-N", 2018, ())
    assert profile.answers[0].mean == people.unplaced["CYP-N"].means.means[profile.answers[0].item]
    with pytest.raises(
        BadInputError, match=r"Northern Cyprus \(CYP-N\) has imported item means but no place"
    ):
        people.society("cyp-n")
    # A second import keeps what the first one held, and gives way to fewer items nowhere.
    again = load_imported(out, people)
    assert again.unplaced == people.unplaced

    def show(*arguments):
        assert run(["people", *arguments, "--tables", str(out)]) == 0
        return capsys.readouterr().out

    fit = fit_projection()
    x, y = fit.place(people.unplaced["CYP-N"].means.means)
    text = show("show", "cyp-n", "--persona", "advanced")
    assert "Northern Cyprus (CYP-N), imported: no place on the map" in text
    assert f"Predicted from its ten item means, not official: x {x:+.2f} (sd " in text
    assert "Persona advanced-CYP-N:" in text
    known = json.loads(show("show", "CYP-N", "--json"))
    assert (known["x"], known["predicted"]["y"]) == (None, pytest.approx(y))
    assert known["predicted"]["sd_x"] > fit.loo_rmse[0]
    # One item is missing, so nothing is predicted.
    partial = show("show", "N7777")
    assert "Predicted" not in partial
    assert "missing: X02" in partial
    assert "CYP-N (Northern Cyprus, 10 items), N7777 (N7777, 9 items)" in show("list").splitlines()[-1]
    assert "CYP-N" not in show("list", "--zone", "Confucian")


def test_the_official_procedure_runs_on_the_same_respondents(few, tmp_path):
    path = s.write(tmp_path / "f.csv", s.table("integrated", few))
    found = import_files([path])
    assert found.own_map.projection is not None, found.own_map.problem
    assert set(found.own_map.positions) == {(code, 2018) for code in FEW}
    assert not found.own_map.is_official
    out = write_import(found, tmp_path / "out")
    rows = list(csv.DictReader((out / "positions.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["series"] for row in rows} == {"refit-official"}
    # A map that is not the official one gives no society a place among the official ones.
    assert load_imported(out).societies == load_people().societies


def test_positions_of_a_reproduced_map_fill_what_the_tables_lack(tmp_path):
    data = s.sample({"CYP-N": 197, "MEX": 484}, n=300, year=2018, seed=5)
    out = write_import(
        import_files([s.write(tmp_path / "f.csv", s.table("integrated", data))]), tmp_path / "out"
    )
    about = json.loads((out / "import.json").read_text(encoding="utf-8"))
    about["map"]["is_official"] = True
    (out / "import.json").write_text(json.dumps(about), encoding="utf-8")
    people = load_imported(out)
    assert people.society("Northern Cyprus").series == people.series
    assert people.item_means["CYP-N"].year == 2018
    assert people.society("MEX") == load_people().society("MEX")
    assert "CYP-N" in fit_projection(people).codes


def test_fewer_items_do_not_replace_more(tmp_path):
    columns = s.table("wvs7", s.sample({"MEX": 484}, n=300, year=2024))
    columns["Q182"] = np.full(300, -4.0)
    write_import(import_files([s.write(tmp_path / "f.csv", columns)]), tmp_path / "out")
    assert load_imported(tmp_path / "out").item_means["MEX"].year == 2018


def test_overwrite_replaces_an_import_and_nothing_else(few, tmp_path):
    found = import_files([s.write(tmp_path / "f.csv", s.table("wvs7", few))])
    out = write_import(found, tmp_path / "out")
    with pytest.raises(BadInputError, match="--overwrite"):
        write_import(found, out)
    write_import(found, out, overwrite=True)
    (out / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(BadInputError, match="other files"):
        check_output(out, overwrite=True)
    assert (out / "mine.txt").exists()


@pytest.mark.parametrize("block", [1 << 10, 1 << 14])
def test_blocks_and_chunks_of_any_size_give_the_same(few, tmp_path, block, monkeypatch):
    columns = s.table("wvs7", few)
    text = [("remark", ["two\nlines, one" if n % 3 else "plain" for n in range(len(few))])]
    s.write_csv(tmp_path / "f.csv", columns, text=text)
    s.write(tmp_path / "f.sav", columns)
    whole = figures(import_files([tmp_path / "f.csv"]).totals)
    monkeypatch.setattr("culturescope.people.survey_files.reading_csv.BLOCK", block)
    monkeypatch.setattr("culturescope.people.survey_files.reading_stat.ROWS", block // 8)
    for ending in ("csv", "sav"):
        parts = figures(import_files([tmp_path / f"f.{ending}"]).totals)
        assert parts.keys() == whole.keys()
        assert all(parts[k].n == whole[k].n for k in whole)
        assert all(parts[k].mean == pytest.approx(whole[k].mean, abs=1e-9) for k in whole)
