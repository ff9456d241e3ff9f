"""What must agree before a version is released, as plain functions of texts; `tools/release.py` runs them."""

from __future__ import annotations

import hashlib
import re
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

VERSION = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")


def version_problems(version: str, project: str, package: str, citation: str, changelog: str) -> list[str]:
    """Where the version, or its date, is not the one to be released.

    Args:
        version: to be released.
        project: text of pyproject.toml.
        package: text of the package's `__init__.py`.
        citation: text of CITATION.cff.
        changelog: text of CHANGELOG.md.
    """
    if not VERSION.fullmatch(version):
        return [f"{version!r} is no version such as 1.2.3 or 1.2.3rc1"]
    problems = []
    for name, text, pattern in (
        ("pyproject.toml", project, r'^version = "([^"]*)"'),
        ("__init__.py", package, r'^__version__ = "([^"]*)"'),
        ("CITATION.cff", citation, r"^version: (\S+)"),
    ):
        found = re.findall(pattern, text, re.MULTILINE)
        if found != [version]:
            problems.append(f"{name} says {' and '.join(found) or 'no version'}, not {version}")
    heading = re.search(r"^## \[([^\]]*)\] - (.+)$", changelog, re.MULTILINE)
    if heading is None or heading[1] != version:
        problems.append(f"CHANGELOG.md begins with {heading[1] if heading else 'no version'}, not {version}")
    elif not re.fullmatch(r"\d{4}-\d{2}-\d{2}", heading[2]):
        problems.append(f"CHANGELOG.md dates {version} as {heading[2]!r}, not as YYYY-MM-DD")
    elif (date := re.search(r"^date-released: (\S+)", citation, re.MULTILINE)) is None or date[1] != heading[
        2
    ]:
        problems.append(
            f"CITATION.cff is dated {date[1] if date else 'not at all'}, CHANGELOG.md {heading[2]}"
        )
    return problems


def tree_problems(status: str, head: str, tag: str) -> list[str]:
    """Why the working tree is not what would be released.

    Args:
        status: of `git status --porcelain`.
        head: the commit.
        tag: the commit of the version's tag, empty if there is none.
    """
    problems = [f"not committed: {line[3:]}" for line in status.splitlines()]
    if tag and tag != head:
        problems.append(f"the version has a tag already, at {tag[:12]}")
    return problems


def members(path: Path) -> list[str]:
    """Files of a wheel or a source archive; the latter's without its top folder."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    with tarfile.open(path) as source:
        return [m.name.partition("/")[2] for m in source.getmembers() if m.isfile()]


def wheel_problems(names: Iterable[str], version: str, package_files: Iterable[str]) -> list[str]:
    """What a wheel holds too much or too little.

    Args:
        names: its members.
        version: of the package.
        package_files: paths below `src/` that git knows.
    """
    found, info = set(names), f"culturescope-{version}.dist-info/"
    wanted = set(package_files)
    problems = [f"the wheel lacks {name}" for name in sorted(wanted - found)]
    lacking = [f"{info}{name}" for name in ("METADATA", "licenses/LICENSE", "licenses/DATA-LICENSE.md")]
    problems += [f"the wheel lacks {name}" for name in lacking if name not in found]
    extra = [name for name in sorted(found - wanted) if not name.startswith(info)]
    return problems + [f"the wheel holds {name}, which git does not know" for name in extra]


def source_problems(names: Iterable[str], tracked: Iterable[str]) -> list[str]:
    """What a source archive holds that git does not know, or lacks of what is needed to test it.

    Args:
        names: its members, without the top folder.
        tracked: paths that git knows.
    """
    found, known = set(names), {*tracked, "PKG-INFO"}
    needed = ("pyproject.toml", "Makefile", "constraints.txt", "locks/main.txt", "tests/tiny.py", "LICENSE")
    problems = [f"the source archive lacks {name}" for name in needed if name not in found]
    return problems + [
        f"the source archive holds {name}, which git does not know" for name in sorted(found - known)
    ]


def sums(paths: Iterable[Path]) -> str:
    """Lines as `sha256sum --check` reads them, by name."""
    each = sorted(paths, key=lambda path: path.name)
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in each)
