"""A new axis from nothing: the pack of the docs, without a scenario yet, is generated for, reviewed, filled and used."""

import csv
import json
import re
from pathlib import Path

import pytest

from culturescope.authoring import lint
from culturescope.authoring.pool import read_about
from culturescope.cli import run
from culturescope.errors import InstrumentError
from culturescope.instrument import load_pack
from tests.authoring.making import GOOD, changed
from tests.authoring.scripted_teacher import GoodTeacher
from tests.scripted_server import ScriptedServer, writes

DOCS = Path(__file__).parents[2] / "docs" / "packs.md"


@pytest.fixture
def pack(tmp_path):
    """The pack.toml that the docs show, in a folder of its own."""
    folder = tmp_path / "frugality"
    folder.mkdir()
    (toml,) = re.findall(r"```toml\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    (folder / "pack.toml").write_text(toml, encoding="utf-8")
    return folder


def one_line(capsys):
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_only_what_writes_and_checks_scenarios_takes_a_pack_without_them(pack, capsys):
    assert load_pack(pack, whole=False).scenarios == ()
    assert load_pack(pack, whole=False).without_scenario == ("item F01", "domain family", "domain workplace")
    with pytest.raises(InstrumentError, match=r"holds no \.jsonl file; culturescope scenarios generate"):
        load_pack(pack)
    for command in (["plan"], ["scenarios", "list"], ["scenarios", "lint"]):
        assert run([*command, "--pack", str(pack)]) == 2
        assert "culturescope scenarios generate" in one_line(capsys)


def test_a_pack_that_lacks_a_domain_is_linted_and_says_so(pack, monkeypatch, capsys):
    monkeypatch.delenv("CULTURESCOPE_EMBEDDINGS", raising=False)
    (pack / "scenarios").mkdir()
    first = changed(GOOD, id="F01-family-01", item="F01", domain="family")
    file = pack / "scenarios" / "F01.jsonl"
    file.write_text(first.model_dump_json() + "\n", encoding="utf-8")
    with pytest.raises(InstrumentError, match="no scenario belongs to the domain workplace; culturescope"):
        load_pack(pack)
    assert run(["scenarios", "lint", "--pack", str(pack), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    assert [(f["rule"], f["ids"]) for f in found if f["level"] == "error"] == [("missing", ["workplace"])]
    assert run(["scenarios", "lint", "--pack", str(pack), str(file)]) == 0, "a file is only a part"
    partial = load_pack(pack, whole=False)
    assert lint(partial.scenarios, partial).errors == ()


def test_a_new_axis_is_made_and_going_on_pays_for_nothing_twice(pack, tmp_path, capsys):
    place, accepted = tmp_path / "pool", pack / "scenarios" / "F01.jsonl"
    command = ["scenarios", "generate", "--pack", str(pack), "--output", str(place), "--per-cell", "2"]
    with ScriptedServer([writes(GoodTeacher())]) as server:
        command += ["--pool", "2", "--teacher", f"{server.url}#t", "--quiet"]
        assert run(command) == 0
        asked, made = len(server.requests), (place / "candidates.jsonl").read_text()
        assert asked == 16
        assert all("EXAMPLES" not in json.dumps(r) for r in server.requests)
        assert run(["scenarios", "review", str(place)]) == 0
        with (place / "review.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = [
                row | {"decision": "accept", "neutral": "yes", "reviewer": "R"}
                for row in csv.DictReader(file)
            ]
        with (tmp_path / "filled.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        accepted.parent.mkdir()
        assert (
            run(["scenarios", "accept", str(place), str(tmp_path / "filled.csv"), "-o", str(accepted)]) == 0
        )
        filled = load_pack(pack)
        assert [s.id for s in filled.scenarios] == [
            f"F01-{domain}-0{n}" for domain in ("family", "workplace") for n in (1, 2)
        ]
        # Accepted scenarios are examples from now on, and repeated by their own candidates: of other pools, not of this one.
        assert run(command) == 0
        assert len(server.requests) == asked
        assert (place / "candidates.jsonl").read_text() == made
    assert read_about(place)["pack_scenarios"] == []
    capsys.readouterr()
    assert run(["plan", "--pack", str(pack), "--check-limit", "0", "--json"]) == 0


def test_names_too_long_for_candidates_are_refused_before_anything_is_paid_for(pack, tmp_path, capsys):
    file, long = pack / "pack.toml", "w" * 50
    file.write_text(file.read_text(encoding="utf-8").replace('"workplace"', f'"{long}"'), encoding="utf-8")
    with ScriptedServer([writes(GoodTeacher())]) as server:
        command = [
            "scenarios",
            "generate",
            "--pack",
            str(pack),
            "--output",
            str(tmp_path / "p"),
            "--per-cell",
            "2",
        ]
        assert run([*command, "--teacher", f"{server.url}#t", "--quiet"]) == 2
        assert "66 characters; 64 are possible" in one_line(capsys)
        assert server.requests == []
