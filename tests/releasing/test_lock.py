"""The lock of `make setup`: it covers what is needed, agrees with constraints.txt, and is not passed by."""

from __future__ import annotations

import platform
import sys
from itertools import combinations, product
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tools import install, lock
from tools.dependencies import tree
from tools.lock import PLACES, Locked, Place, environment, marker_of, project_with_environments, read, text_of

from tests.releasing.planting import plant, wheel

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((install.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINUX: Place = ((3, 11), ("linux", "x86_64"))


def files(*names: str) -> list[Locked]:
    return [
        one for name in names for one in read((install.LOCKS / f"{name}.txt").read_text(encoding="utf-8"))
    ]


def at(place: Place, locked: list[Locked]) -> dict[str, str]:
    """What is installed at a place, by canonical name; no package may have two versions there."""
    here = [one for one in locked if place in one.places]
    found = {canonicalize_name(one.name): one.version for one in here}
    assert len(found) == len(here)
    return found


@pytest.fixture(scope="module")
def constraints() -> list[Requirement]:
    lines = (install.ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line.strip() and not line.startswith("#")]


def test_every_requirement_of_the_project_is_locked_at_a_fitting_version_everywhere():
    asked = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    for extra in install.EXTRAS:
        asked += PROJECT["project"]["optional-dependencies"][extra]
    locked = files("main", "torch")
    for place in PLACES:
        versions = at(place, locked)
        for requirement in map(Requirement, asked):
            if requirement.marker is None or requirement.marker.evaluate(environment(place)):
                assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)])


def test_the_whole_installed_tree_is_locked_and_nothing_is_missing_in_it():
    place = (sys.version_info[:2], (sys.platform, platform.machine()))
    if place not in PLACES:
        pytest.skip("the lock is not for this Python or platform")
    found = tree("culturescope", install.EXTRAS)
    assert not found.missing
    versions = at(place, files("main", "torch"))
    assert {name for name in found.found if name not in versions} == {"culturescope"}
    # What an installed package asks for must also be met by the version that is locked.
    for each in found.found.values():
        for requirement in map(Requirement, each.requires or ()):
            needed = canonicalize_name(requirement.name)
            if needed in found.found and (
                requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            ):
                assert requirement.specifier.contains(versions[needed], prereleases=True), (each.name, needed)


def test_lock_and_constraints_name_the_same_versions(constraints: list[Requirement]):
    locked = files("main", "torch", "encoder", "tools")
    for place in PLACES:
        here = [one for one in locked if place in one.places]
        pins = {
            canonicalize_name(c.name): c.specifier
            for c in constraints
            if c.marker is None or c.marker.evaluate(environment(place))
        }
        for one in here:
            assert one.version in pins.get(canonicalize_name(one.name), Requirement("x").specifier), (
                place,
                one,
            )
    pinned = {canonicalize_name(c.name) for c in constraints}
    assert set(at(LINUX, files("main"))) <= pinned


def test_torch_is_the_version_tried_and_cuda_comes_only_with_its_builds(constraints: list[Requirement]):
    (wanted,) = [c for c in constraints if c.name == "torch"]
    (index,) = [one for one in files("torch") if one.name == "torch"]
    (cpu,) = files("torch-cpu")
    assert str(wanted.specifier) == f"=={index.version}"
    assert cpu.version == f"{index.version}+cpu"
    assert not set(cpu.hashes) & set(index.hashes)
    assert not [one.name for one in files("main") if lock.CUDA.match(one.name) or one.name == "torch"]
    windows = at(((3, 12), ("win32", "AMD64")), files("torch"))
    assert list(windows) == ["torch"]


@pytest.mark.parametrize("name", ["main", "torch", "torch-cpu", "encoder", "tools"])
def test_no_address_is_in_a_lock(name: str):
    text = (install.LOCKS / f"{name}.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert "index" not in "".join(line for line in text.splitlines() if line.startswith("-"))


@pytest.mark.parametrize(
    "line",
    [
        "numpy==2.0",
        "numpy>=2.0 --hash=sha256:" + "0" * 64,
        "numpy==2.0 --hash=sha256:" + "0" * 63,
        "numpy==2.0 --hash=md5:" + "0" * 32,
        "--index-url somewhere",
        "-e .",
        "numpy @ file --hash=sha256:" + "0" * 64,
    ],
)
def test_what_is_not_an_exact_version_with_hashes_is_no_lock(line: str):
    with pytest.raises(ValueError, match="not an exact version"):
        read(line)


def test_markers_shrink_without_changing_where_they_hold():
    pythons = list(dict.fromkeys(p for p, _ in PLACES))
    platforms = list(dict.fromkeys(p for _, p in PLACES))
    some = [c for n in range(1, 5) for c in combinations(platforms, n)]
    for first, last in combinations(range(len(pythons) + 1), 2):
        for chosen in some:
            places = frozenset(product(pythons[first:last], chosen))
            locked = Locked("x", "1", places, ("0" * 64,))
            (again,) = read(text_of([locked], "test"))
            assert again.places == places
    assert marker_of(frozenset(PLACES), "long") == ""
    uneven = frozenset([(pythons[0], platforms[0]), (pythons[1], platforms[1])])
    assert marker_of(uneven, "long") == "long"
    assert marker_of(frozenset(product([pythons[0], pythons[2]], platforms)), "long") == "long"


def test_uv_is_told_the_same_pythons_and_platforms():
    told = tomllib.loads(project_with_environments("[project]\nname = 'x'"))["tool"]["uv"]["environments"]
    for place in PLACES:
        assert [Marker(one).evaluate(environment(place)) for one in told].count(True) == 1


@pytest.mark.parametrize(
    ("version", "system", "machine", "implementation", "said"),
    [
        ((3, 11, 7), "linux", "x86_64", "CPython", None),
        ((3, 10, 0), "win32", "AMD64", "CPython", None),
        ((3, 11, 4), "linux", "x86_64", "CPython", "from 3.11.5"),
        ((3, 14, 0), "linux", "x86_64", "CPython", "this is CPython 3.14.0"),
        ((3, 9, 1), "linux", "x86_64", "CPython", "this is CPython 3.9.1"),
        ((3, 11, 7), "linux", "x86_64", "PyPy", "this is PyPy"),
        ((3, 11, 7), "darwin", "x86_64", "CPython", "this is darwin x86_64"),
    ],
)
def test_where_the_lock_does_not_hold_that_is_said(
    version: tuple[int, int, int], system: str, machine: str, implementation: str, said: str | None
):
    why = install.not_locked(version, system, machine, implementation)
    assert why is None if said is None else said in str(why)


def test_the_build_of_torch_is_the_one_that_pip_chooses():
    offered = "torch (2.15.0)\nAvailable versions: 2.15.0, 2.13.0+cpu, 2.13.0, 2.1.2\n"
    assert install.local_build(offered, "2.13.0") == "2.13.0+cpu"
    assert install.local_build(offered, "2.1.2") is None
    assert install.local_build(offered.replace("+cpu", "+cu130"), "2.13.0") == "2.13.0+cu130"
    assert install.local_build("", "2.13.0") is None
    text = "torch==2.13.0+cpu\n# torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl\n"
    assert install.has_wheel(text, (3, 11), "linux", "x86_64")
    assert not install.has_wheel(text, (3, 12), "linux", "x86_64")
    assert not install.has_wheel(text, (3, 11), "linux", "aarch64")
    assert not install.has_wheel(text, (3, 11), "win32", "AMD64")


def test_a_file_with_another_hash_stops_the_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    digest = wheel(tmp_path, "planted_by_a_test")
    requirement = "planted_by_a_test==1.0 --hash=sha256:"
    (tmp_path / "main.txt").write_text(requirement + digest[:-1] + ("0" if digest[-1] != "0" else "1") + "\n")
    monkeypatch.setattr(install, "LOCKS", tmp_path)
    for name, value in {
        "NO_INDEX": "1",
        "FIND_LINKS": str(tmp_path),
        "TARGET": str(tmp_path / "into"),
    }.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    assert install.locked() != 0
    said = capfd.readouterr().err
    assert "DO NOT MATCH THE HASHES" in said
    assert "nothing else was tried" in said
    assert not (tmp_path / "into").exists()
    # The same file with its own hash is installed, so it was the hash that was refused.
    assert install.pip(*install._HASHED, str(_written(tmp_path / "right.txt", requirement + digest))) == 0
    assert (tmp_path / "into" / "planted_by_a_test.py").is_file()


def _written(path: Path, text: str) -> Path:
    path.write_text(text + "\n", encoding="utf-8")
    return path


def test_a_dependency_tree_follows_extras_and_names_what_is_missing(tmp_path: Path):
    plant(
        tmp_path,
        "root",
        needs=["one>=1", "Two[more]", "only-dev; extra == 'dev'", "never; sys_platform == 'x'"],
    )
    plant(tmp_path, "one", version="0.9")
    plant(tmp_path, "two", needs=["three; extra == 'more'", "four; extra == 'other'", "root"])
    plant(tmp_path, "unrelated")
    found = tree("root", paths=[str(tmp_path)])
    assert list(found.found) == ["one", "root", "two"]
    assert [line.partition(",")[0] for line in found.missing] == [
        "root needs one>=1",
        'two needs three; extra == "more"',
    ]
    assert any("only-dev" in line for line in tree("root", ["dev"], [str(tmp_path)]).missing)
    assert tree("absent", paths=[str(tmp_path)]).missing == ("absent is not installed",)
