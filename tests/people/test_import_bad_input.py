"""Files that cannot be used: one clear line, exit code 2, nothing written."""

import bz2
import gzip
import re
import struct
import zipfile

import numpy as np
import pytest

from culturescope.cli import run
from tests.people import synthetic as s


@pytest.fixture(scope="module")
def columns():
    return s.table("wvs7", s.sample({"MEX": 484, "IND": 356}, n=150, seed=4))


@pytest.fixture
def refused(tmp_path, capsys):
    """Imports a file that must be refused with a line that says this."""

    def check(path, said, *options):
        before = {f.name for f in tmp_path.iterdir()}
        code = run(["people", "import", str(path), "-o", str(tmp_path / "out"), "-q", *options])
        out, err = capsys.readouterr()
        assert code == 2, (code, out, err)
        lines = [line for line in err.splitlines() if line.strip()]
        assert len(lines) == 1, err
        assert re.search(said, lines[0]), lines[0]
        assert len(lines[0]) < 500
        assert not out
        assert {f.name for f in tmp_path.iterdir()} == before
        return lines[0]

    return check


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"a,b,c\n1,2,3\n", "not a survey file of a known kind"),
        (b"just some words\nand more\n", "no header"),
        (b"%PDF-1.7 and so on", "PDF"),
        (b"<!DOCTYPE html><html>", "web page"),
        ("A_WAVE,B_COUNTRY\n7,484\n".encode("utf-16"), "UTF-8"),
        (gzip.compress(b"X\n\x00\x00\x00\x03" + bytes(50), mtime=0), r"R file.*export it as csv"),
        (bz2.compress(b"RDX3\nX\n" + bytes(50)), r"R file"),
        (b"X\n\x00\x00\x00\x03\x00\x04" + bytes(99), r"R file"),
        (gzip.compress(b"B_COUNTRY,A_YEAR\n", mtime=0), "unpack it"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(60), "7z"),
        (b"$FL2@(#) IBM SPSS STATISTICS" + bytes(400), r"sav file cannot be read.*dta"),
        (b"<stata_dta><header><release>118" + bytes(400), r"dta file cannot be read.*sav"),
        (b"PK\x03\x04" + bytes(200), "zip file cannot be read"),
    ],
)
def test_what_is_no_survey_file(content, said, tmp_path, refused):
    path = tmp_path / "some.csv"
    path.write_bytes(content)
    refused(path, said)


def test_no_file_a_folder_and_a_name_with_control_characters(tmp_path, refused):
    refused(tmp_path / "none.sav", "none.sav cannot be read: No such file")
    refused(tmp_path, "cannot be read")
    path = tmp_path / "a\x1b[31mb.csv"
    path.write_bytes(b"")
    assert "\x1b" not in refused(path, "is empty")


def test_missing_columns_are_named(columns, tmp_path, refused):
    less = {k: v for k, v in columns.items() if k not in ("Q254", "W_WEIGHT", "Q15")}
    refused(s.write(tmp_path / "f.sav", less), r"WVS wave 7, but lacks W_WEIGHT, Q254, Q15")
    trend = s.table("evs-trend", s.sample({"DNK": 208}, n=120))
    del trend["E003"], trend["Y002"]
    refused(s.write(tmp_path / "g.csv", trend), r"EVS trend file, but lacks Y002 \(or E003 to derive it\)")


def test_the_inverted_file_is_told(columns, tmp_path, refused):
    inverted = {k + "P" if k in ("Q46", "Q57", "Q45") else k: v for k, v in columns.items()}
    refused(s.write(tmp_path / "f.csv", inverted), r"lacks Q46, Q57, Q45 \(this is the inverted file")


@pytest.mark.parametrize("ending", ["csv", "sav", "dta"])
def test_labels_instead_of_codes(ending, columns, tmp_path, refused):
    import polars as pl
    import pyreadstat

    words = np.array(["Very happy", "Quite happy"], dtype=object)[(columns["Q46"] > 1).astype(int)]
    path = tmp_path / f"f.{ending}"
    if ending == "csv":
        frame = {k: v for k, v in columns.items() if k != "Q46"}
        s.write_csv(path, frame, text=[("Q46", list(words))])
    else:
        write = pyreadstat.write_sav if ending == "sav" else pyreadstat.write_dta
        write(pl.DataFrame({**{k: list(v) for k, v in columns.items()}, "Q46": list(words)}), str(path))
    line = refused(path, r"Q46 holds text where codes were expected \(labels instead of codes\?\)")
    assert "happy" not in line


def test_mixed_waves(columns, tmp_path, refused):
    mixed = {**columns, "A_WAVE": np.where(np.arange(300) < 10, 6.0, 7.0)}
    refused(s.write(tmp_path / "f.csv", mixed), "A_WAVE holds 6.*wave 7 only.*WVS trend file")


@pytest.mark.parametrize("value", [0, np.nan, -5])
def test_weights_all_zero_or_missing(value, columns, tmp_path, refused):
    reason = "weight zero: 300" if value == 0 else "weight missing: 300"
    path = s.write(tmp_path / "f.dta", {**columns, "W_WEIGHT": np.full(300, float(value))})
    refused(path, rf"none of its 300 respondents can be used \({reason}\).*--weight")


def test_columns_without_respondents(columns, tmp_path, refused):
    nobody = {k: v[:0] for k, v in columns.items()}
    refused(s.write(tmp_path / "f.csv", nobody), "f.csv has columns but no respondents")


def test_an_empty_society_is_named_and_can_be_left_out(columns, tmp_path, refused):
    weight = np.where(columns["B_COUNTRY"] == 356, 0.0, columns["W_WEIGHT"])
    path = s.write(tmp_path / "f.sav", {**columns, "W_WEIGHT": weight})
    refused(path, "IND: empty.*--without IND")
    assert run(["people", "import", str(path), "-o", str(tmp_path / "o"), "-q", "--without", "ind"]) == 0


def test_child_qualities_in_two_codings(columns, tmp_path, refused):
    mixed = columns["Q14"].copy()
    mixed[:40] = 0
    refused(s.write(tmp_path / "f.csv", {**columns, "Q14": mixed}), "Q14 holds both 0 and 2")
    only = np.ones(300)
    refused(s.write(tmp_path / "g.csv", {**columns, "Q14": only}), "Q14 holds only 1")


def test_a_recoded_item(columns, tmp_path, refused):
    tenfold = np.where(columns["Q164"] > 0, columns["Q164"] * 10, columns["Q164"])
    refused(s.write(tmp_path / "f.csv", {**columns, "Q164": tenfold}), r"Q164: \d+% of its answers lie off")


def test_a_column_twice(columns, tmp_path, refused):
    refused(s.write(tmp_path / "f.csv", {**columns, "q46": columns["Q46"]}), "Q46 is there twice")


def test_unknown_group_weight_and_programme(columns, tmp_path, refused):
    path = s.write(tmp_path / "f.csv", columns)
    refused(path, "--by shoes: no column shoes", "--by", "shoes")
    refused(path, "lacks PWEIGHT", "--weight", "pweight")
    refused(path, "--programme", "--programme", "ess")
    refused(path, "no survey of this programme", "--programme", "evs")
    refused(path, "--age-bands", "--age-bands", "50,30")
    refused(path, "--age-bands", "--age-bands", "old")
    refused(path, "--min-cell", "--min-cell", "1")
    refused(path, "no society has 900 respondents", "--min-cell", "900")
    refused(path, "--by", "--by", "sex,sex")


def test_cut_off_files(columns, tmp_path, refused):
    for ending in ("csv", "sav", "dta"):
        path = s.write(tmp_path / f"f.{ending}", columns)
        whole = path.read_bytes()
        for share in (0.98, 0.5):
            path.write_bytes(whole[: int(len(whole) * share)])
            if ending == "csv" and whole[int(len(whole) * share) - 1 :][:1] in b"\n":
                continue
            refused(path, "cut off")


def test_ragged_and_unclosed_csv(columns, tmp_path, refused):
    path = s.write(tmp_path / "f.csv", columns)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:50], lines[50].rsplit(",", 3)[0], *lines[51:]]) + "\n")
    refused(path, "fewer columns")
    path.write_text("\n".join([*lines[:50], lines[50] + ",1,2", *lines[51:]]) + "\n")
    refused(path, "more columns")
    path.write_text("\n".join([*lines[:50], '"' + lines[50], *lines[51:]]) + "\n")
    refused(path, "cut off|quotation")


def test_text_in_latin_1_matters_only_where_it_is_read(columns, tmp_path, refused):
    path = tmp_path / "f.csv"
    s.write_csv(path, columns, text=[("town", ["Orléans", "Nîmes"] * 150)])
    path.write_bytes(path.read_text(encoding="utf-8").encode("latin-1"))
    refused(path, "town holds text that is not UTF-8", "--by", "town")
    assert run(["people", "import", str(path), "-o", str(tmp_path / "o"), "-q"]) == 0


@pytest.mark.parametrize("ending", ["sav", "dta"])
def test_labels_in_another_encoding_do_not_hinder_codes(ending, columns, tmp_path, refused):
    import polars as pl
    import pyreadstat

    frame = pl.DataFrame({**{k: list(v) for k, v in columns.items()}, "town": ["Orléans", "Nantes"] * 150})
    path = tmp_path / f"f.{ending}"
    write = pyreadstat.write_sav if ending == "sav" else pyreadstat.write_dta
    write(frame, str(path), column_labels=["é"] * len(frame.columns))
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xe9 "))
    refused(path, "town holds text in another encoding", "--by", "town")
    assert run(["people", "import", str(path), "-o", str(tmp_path / "o"), "-q"]) == 0


def test_a_zip_with_one_csv_is_read_without_unpacking(columns, tmp_path, refused, capsys):
    path = s.write(tmp_path / "f.csv", columns)
    good = tmp_path / "good.zip"
    with zipfile.ZipFile(good, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "../../../escape.csv")
        archive.writestr("__MACOSX/._f.csv", b"junk")
    assert run(["people", "import", str(good), "-o", str(tmp_path / "o"), "-q"]) == 0
    assert run(["people", "import", str(path), "-o", str(tmp_path / "p"), "-q"]) == 0
    assert (tmp_path / "o" / "item_means.csv").read_bytes() == (
        tmp_path / "p" / "item_means.csv"
    ).read_bytes()
    assert not list(tmp_path.parent.rglob("escape.csv"))
    capsys.readouterr()
    data = bytearray(good.read_bytes())
    data[200:260] = bytes(60)
    broken = tmp_path / "broken.zip"
    broken.write_bytes(data)
    refused(broken, "zip file cannot be read")
    broken.write_bytes(good.read_bytes()[:3000])
    refused(broken, "zip file cannot be read")


def test_zips_that_are_no_single_csv(columns, tmp_path, refused):
    path = tmp_path / "f.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "a,b\n")
        archive.writestr("b.csv", "a,b\n")
    refused(path, "holds 2 files")
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(s.write(tmp_path / "f.sav", columns), "f.sav")
    refused(path, "holds no csv")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.csv", b"," * (20 << 20))
    refused(path, "would unpack to")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("f.csv", b"B_COUNTRY,A_YEAR\n1,2\n")
    data = bytearray(path.read_bytes())
    data[6:8] = struct.pack("<H", 1)
    place = data.index(b"PK\x01\x02")
    data[place + 8 : place + 10] = struct.pack("<H", 1)
    path.write_bytes(data)
    refused(path, "password")


def test_no_import_in_a_folder(tmp_path, capsys):
    assert run(["people", "list", "--tables", str(tmp_path)]) == 2
    assert "people import" in capsys.readouterr().err
    (tmp_path / "import.json").write_text('{"format": 99}', encoding="utf-8")
    assert run(["people", "list", "--tables", str(tmp_path)]) == 2


def test_damaged_tables_name_the_line(columns, tmp_path, capsys):
    path = s.write(tmp_path / "f.csv", columns)
    assert run(["people", "import", str(path), "-o", str(tmp_path / "o"), "-q"]) == 0
    table = tmp_path / "o" / "item_means.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    lines[2] = lines[2].replace(lines[2].split(",")[4], "77")
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert run(["people", "list", "--tables", str(tmp_path / "o")]) == 2
    assert "item_means.csv, line 3" in capsys.readouterr().err
