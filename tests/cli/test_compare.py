"""`culturescope compare`: exit codes, one line for what failed, JSON and page."""

import json

import pytest

from culturescope.cli import run
from tests.experiments.compared import by_axis, planted_run


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    home = tmp_path_factory.mktemp("cli-compare")
    hostile = "<script>alert(1)</script>"
    return [
        str(planted_run(home / "one", by_axis(0.0, 0.0), name="one")),
        str(planted_run(home / "two", by_axis(0.6, 0.0), name=hostile)),
    ]


def test_a_condition_that_is_met_fails_with_one_line_and_the_page_is_there(pair, tmp_path, capsys):
    page = tmp_path / "c.html"
    code = run(
        ["compare", *pair, "-o", str(page), "--fail-if", "change(d(X)) > 0.2", "--fail-if", "d(X) > 9"]
    )
    out, err = capsys.readouterr()
    assert code == 1
    assert err.count("\n") == 1
    assert err.startswith("culturescope: failed: <script>alert(1)</script>: change(d(X)) is 0.6")
    assert "above 0.2" in err
    assert "one:" not in err
    assert "Page: " in out
    text = page.read_text()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert len(text.encode()) < 3_000_000


def test_sure_is_stricter_than_the_estimate(pair, tmp_path, capsys):
    page = ["-o", str(tmp_path / "c.html"), "--json"]
    condition = "abs(d(Y)) > 0.001"
    assert run(["compare", *pair, *page, "--fail-if-sure", condition]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["failures"] == []
    assert [r["label"] for r in found["runs"]] == ["one", "<script>alert(1)</script>"]
    sure = ["--fail-if-sure", "change(d(X)) > 0.2 and change(x) > 0.2"]
    assert run(["compare", *pair, *page, "--fail-if", condition, *sure]) == 1
    *by_estimate, failure = json.loads(capsys.readouterr().out)["failures"]
    assert [f["sure"] for f in by_estimate] == [False, False]
    assert failure["sure"]
    assert 0.3 < failure["by"] < 1


@pytest.mark.parametrize(
    "condition", ["distance(NOWHERE) > 1", "d(Z) > 1", "import os", "distance(IND) > one", "verdict == 1"]
)
def test_a_bad_condition_is_bad_input(pair, tmp_path, capsys, condition):
    page = tmp_path / "c.html"
    assert run(["compare", *pair, "-o", str(page), "--fail-if", condition]) == 2
    err = capsys.readouterr().err
    assert err.startswith("culturescope: ")
    assert err.count("\n") == 1
    assert not page.exists()


def test_a_change_needs_two_runs_and_a_verdict_has_no_interval(pair, tmp_path, capsys):
    page = ["-o", str(tmp_path / "c.html")]
    assert run(["compare", pair[0], *page, "--fail-if", "change(x) > 1"]) == 2
    assert "needs a second run" in capsys.readouterr().err
    assert run(["compare", *pair, *page, "--fail-if-sure", 'verdict == "weak"']) == 2
    assert "has no interval" in capsys.readouterr().err
    assert run(["compare", pair[0], *page, "--fail-if", 'verdict != "interpretable"']) == 0


def test_a_page_is_html_and_a_society_has_to_be_known(pair, tmp_path, capsys):
    assert run(["compare", *pair, "-o", str(tmp_path / "c.svg")]) == 2
    assert run(["compare", *pair, "--society", "Atlantis", "-o", str(tmp_path / "c.html")]) == 2
    assert "Atlantis" in capsys.readouterr().err
