"""`people list` and `people show`."""

import json

import pytest
import typer

from culturescope.cli.people import people_app
from culturescope.errors import BadInputError


def run(*arguments):
    typer.main.get_command(people_app).main(args=list(arguments), prog_name="people", standalone_mode=False)


def test_list(capsys):
    run("list")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 117
    assert any(line.startswith("DNK") and line.rstrip().endswith("-") for line in lines)
    assert "115 societies" in lines[-1]


def test_list_of_a_zone_as_json(capsys):
    run("list", "--zone", "confucian", "--json")
    entries = json.loads(capsys.readouterr().out)
    assert {e["zone"] for e in entries} == {"Confucian"}
    assert len(entries) == 7
    assert next(e for e in entries if e["code"] == "JPN")["item_means"] == 10


def test_show(capsys):
    run("show", "ind")
    out = capsys.readouterr().out
    assert "India (IND), West & South Asia, survey of 2023" in out
    assert "-0.219" in out
    assert "Y02" in out
    assert "10.14281" in out
    assert "missing" not in out


def test_show_says_what_is_missing(capsys):
    run("show", "Denmark")
    assert "Item means: none in these tables." in capsys.readouterr().out
    run("show", "TJK")
    assert "missing: Y03, X03" in capsys.readouterr().out
    run("show", "DNK", "--json")
    entry = json.loads(capsys.readouterr().out)
    assert entry["item_means"] == {}
    assert len(entry["missing"]) == 10


@pytest.mark.parametrize("arguments", [("show", "Vietman"), ("list", "--zone", "Nordic")])
def test_bad_input_is_one_line(arguments):
    with pytest.raises(BadInputError) as caught:
        run(*arguments)
    assert "\n" not in str(caught.value)


def test_projection_shows_its_leave_one_out_error(capsys):
    run("projection")
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if line[:3].isupper() and line[3] == " "]) == 46
    assert "Leave-one-out error (root mean square): 0.060 in x, 0.045 in y; 46 societies" in "\n".join(lines)
    assert "0.085 in x, 0.050 in y; 52 societies" in "\n".join(lines)
    assert lines[1].startswith("NZL")
    assert lines[1].split()[-2:] == ["+0.205", "+0.138"]
    assert any(line.startswith("  GTM: three in ten have no answer") for line in lines)
    run("projection", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["loo_rmse"] == pytest.approx([0.0604, 0.0455], abs=1e-4)
    assert {r["code"] for r in found["residuals"]} & set(found["set_aside"]) == set()
    assert sum(r["left_out_dx"] ** 2 for r in found["residuals"]) / 46 == pytest.approx(
        found["loo_rmse"][0] ** 2
    )


@pytest.mark.parametrize(("name", "said"), [("", "no society was named"), ("xxx", "nearest are XKX")])
def test_show_of_nobody_is_one_line(name, said):
    with pytest.raises(BadInputError, match=said) as caught:
        run("show", name)
    assert "\n" not in str(caught.value)
