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
