"""The licence check: what is stated is understood, what is not allowed or not stated is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools import licences
from tools.dependencies import installed
from tools.licences import allowed, check, judge

from tests.releasing.planting import plant

MIT = "License :: OSI Approved :: MIT License"
GPL = "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"


def main_on(folder: Path, **fields: object) -> int:
    """The check of a tree in which one dependency of a dependency has these fields."""
    plant(folder, "culturescope", License_Expression="MIT", needs=["between"])
    plant(folder, "between", License_Expression="MIT", needs=["planted"])
    plant(folder, "planted", **fields)
    return licences.main([str(folder)])


@pytest.mark.parametrize(
    "fields",
    [
        {"License_Expression": "GPL-3.0-or-later"},
        {"License_Expression": "MIT AND GPL-2.0-only"},
        {"License_Expression": "AGPL-3.0-only OR LGPL-3.0-only"},
        {"License_Expression": "MIT OR"},
        {"Classifier": GPL},
        {"Classifier": [MIT, GPL]},
        {"Classifier": MIT, "License": "GPLv3"},
        {"License": "GPL"},
        {"License": "UNKNOWN"},
        {"Classifier": "License :: OSI Approved"},
        {"Classifier": "License :: Other/Proprietary License"},
        {},
    ],
)
def test_a_planted_licence_that_is_not_allowed_or_not_stated_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fields: dict[str, object]
):
    assert main_on(tmp_path, **fields) == 1
    assert "planted: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "fields",
    [
        {"License_Expression": "MIT OR GPL-2.0-only"},
        {"License_Expression": "mit and (gpl-3.0-only or Apache-2.0 WITH LLVM-exception)"},
        {"Classifier": MIT},
        {"License": "BSD 3-Clause License"},
        {"License": "MIT", "Classifier": [MIT, "License :: OSI Approved"]},
        {"License": "Copyright\n        of somebody, with the terms of GPL for a tool", "Classifier": MIT},
    ],
)
def test_a_planted_licence_that_is_allowed_passes(tmp_path: Path, fields: dict[str, object]):
    assert main_on(tmp_path, **fields) == 0


def test_what_is_not_installed_is_not_passed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    plant(tmp_path, "culturescope", License_Expression="MIT", needs=["absent"])
    assert licences.main([str(tmp_path)]) == 1
    assert "culturescope needs absent" in capsys.readouterr().err


def test_a_licence_looked_up_by_hand_holds_until_its_statement_changes(tmp_path: Path):
    classifiers = [f"License :: {c}" for c in licences.BY_HAND["docutils"].stated.split("; ")]
    plant(tmp_path / "a", "docutils", Classifier=classifiers)
    plant(tmp_path / "b", "docutils", Classifier=classifiers[-1])
    same, changed = (installed([str(tmp_path / name)])["docutils"] for name in "ab")
    assert judge("docutils", same).refused is None
    assert "was looked at" in str(judge("docutils", changed).refused)


@pytest.mark.parametrize(
    ("expression", "fine"),
    [
        ("Apache-2.0 WITH LLVM-exception", True),
        ("Apache-2.0 WITH Classpath-exception-2.0", False),
        ("GPL-2.0-only WITH LLVM-exception", False),
        ("GPL-2.0-only OR MIT AND GPL-3.0-only", False),
        ("GPL-2.0-only AND GPL-3.0-only OR MIT", True),
        ("(MIT OR GPL-2.0-only) AND GPL-3.0-only", False),
        ("LicenseRef-Proprietary", False),
        ("", False),
        ("a licence of our own", False),
    ],
)
def test_expressions_bind_as_in_spdx(expression: str, fine: bool):
    assert allowed(expression) is fine


def test_every_licence_of_the_installed_tree_is_allowed():
    findings, missing = check(licences.EXTRAS)
    assert not missing
    assert len(findings) > 100
    assert [f for f in findings if f.refused is not None] == []
