"""What must agree before a release, on planted texts and files."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
from pathlib import Path

import pytest
from tools.install import ROOT
from tools.release import StoppedError, artefacts
from tools.release_checks import (
    members,
    source_problems,
    sums,
    tree_problems,
    version_problems,
    wheel_problems,
)

PROJECT = '[project]\nversion = "1.2.3"\nrequires-python = ">=3.10"\n'
PACKAGE = '__version__ = "1.2.3"\n'
CITATION = "cff-version: 1.2.0\nversion: 1.2.3\ndate-released: 2026-12-01\n"
CHANGELOG = "# Changelog\n\n## [1.2.3] - 2026-12-01\n\n### Added\n\n## [1.2.2] - 2026-11-01\n"


def test_files_that_agree_are_released():
    assert version_problems("1.2.3", PROJECT, PACKAGE, CITATION, CHANGELOG) == []


@pytest.mark.parametrize(
    ("place", "old", "new", "said"),
    [
        (0, "1.2.3", "1.2.2", "pyproject.toml says 1.2.2"),
        (1, "1.2.3", "1.2.4", "__init__.py says 1.2.4"),
        (1, "__version__", "version", "__init__.py says no version"),
        (2, "version: 1.2.3", "version: 1.2.30", "CITATION.cff says 1.2.30"),
        (2, "2026-12-01", "2026-12-02", "CITATION.cff is dated 2026-12-02"),
        (2, "date-released", "date", "not at all"),
        (
            3,
            "## [1.2.3] - 2026-12-01",
            "## [Unreleased] - now\n\n## [1.2.3] - 2026-12-01",
            "begins with Unreleased",
        ),
        (3, "2026-12-01", "unreleased", "'unreleased'"),
        (3, "## ", "# ", "no version"),
    ],
)
def test_a_file_that_says_otherwise_is_named(place: int, old: str, new: str, said: str):
    texts = [PROJECT, PACKAGE, CITATION, CHANGELOG]
    texts[place] = texts[place].replace(old, new)
    problems = version_problems("1.2.3", *texts)
    assert len(problems) == 1
    assert said in problems[0]


@pytest.mark.parametrize("version", ["", "1.2", "v1.2.3", "1.2.3-dev", "1.2.3 --option"])
def test_what_is_no_version_is_refused(version: str):
    assert "is no version" in version_problems(version, PROJECT, PACKAGE, CITATION, CHANGELOG)[0]


def test_the_files_of_the_project_name_one_version():
    names = ("pyproject.toml", "src/culturescope/__init__.py", "CITATION.cff", "CHANGELOG.md")
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in names]
    version = texts[2].split("\nversion: ")[1].split()[0]
    problems = version_problems(version, *texts)
    assert all("dates" in line for line in problems)  # until the day of a release the changelog has no date


def test_changed_and_new_files_and_a_tag_elsewhere_stop_a_release():
    assert tree_problems("", "abc", "") == tree_problems("", "abc", "abc") == []
    assert tree_problems(" M a.py\n?? b.py\n", "abc", "def") == [
        "not committed: a.py",
        "not committed: b.py",
        "the version has a tag already, at def",
    ]


def test_a_wheel_holds_the_package_and_nothing_else(tmp_path: Path):
    info = "culturescope-1.2.3.dist-info/"
    good = ["culturescope/__init__.py", "culturescope/data/a.json"]
    about = [
        f"{info}{name}" for name in ("METADATA", "RECORD", "licenses/LICENSE", "licenses/DATA-LICENSE.md")
    ]
    path = tmp_path / "culturescope-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in [*good, *about]:
            archive.writestr(name, "")
    assert wheel_problems(members(path), "1.2.3", good) == []
    assert wheel_problems([*good[:1], *about], "1.2.3", good) == ["the wheel lacks culturescope/data/a.json"]
    assert wheel_problems([*good, *about[:-1]], "1.2.3", good) == [f"the wheel lacks {about[-1]}"]
    assert wheel_problems([*good, *about, "tests/x.py"], "1.2.3", good) == [
        "the wheel holds tests/x.py, which git does not know"
    ]


def test_a_source_archive_can_be_tested_and_holds_nothing_private(tmp_path: Path):
    needed = ["pyproject.toml", "Makefile", "constraints.txt", "locks/main.txt", "tests/tiny.py", "LICENSE"]
    path = tmp_path / "culturescope-1.2.3.tar.gz"
    empty = tmp_path / "empty"
    empty.touch()
    with tarfile.open(path, "w:gz") as archive:
        for name in [*needed, "PKG-INFO", ".env"]:
            archive.add(empty, f"culturescope-1.2.3/{name}")
    assert source_problems(members(path), needed) == [
        "the source archive holds .env, which git does not know"
    ]
    assert source_problems(needed[1:], needed) == ["the source archive lacks pyproject.toml"]


def test_sums_are_those_that_sha256sum_checks(tmp_path: Path):
    for name in "ba":
        (tmp_path / name).write_text(name)
    lines = sums([tmp_path / "b", tmp_path / "a"]).splitlines()
    assert lines == [f"{hashlib.sha256(name.encode()).hexdigest()}  {name}" for name in "ab"]


def test_only_the_two_files_of_this_version_may_have_been_built(tmp_path: Path):
    for name in ("culturescope-1.2.3.tar.gz", "culturescope-1.2.3-py3-none-any.whl"):
        (tmp_path / name).touch()
    assert [path.suffix for path in artefacts(tmp_path, "1.2.3")] == [".whl", ".gz"]
    with pytest.raises(StoppedError, match=r"expected culturescope-1\.2\.4"):
        artefacts(tmp_path, "1.2.4")
    (tmp_path / "more").touch()
    with pytest.raises(StoppedError, match="more"):
        artefacts(tmp_path, "1.2.3")
