"""Known vulnerabilities of everything that is locked: `make vulnerabilities`.

pip-audit says "No known vulnerabilities found" and ends with success where the service answers without a database, and skips
packages that it could not ask about. So every package must have an answer of its own, and old versions that are known to be
vulnerable, asked about in the same call and never installed, must be found. Otherwise nothing was audited, and that fails.

Exit codes: 0 nothing found, 1 vulnerable, 3 could not audit.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name, canonicalize_version
from tools.install import LOCKS
from tools.lock import read

SERVICES = ("pypi", "osv")
CANARIES = {"django": "3.0", "pillow": "6.2.0"}  # advisories since 2020; neither is a dependency
LOCKED = ("main", "torch", "encoder", "tools")
ACCEPTED: Mapping[str, str] = {}  # id of an advisory: why it does not concern this package
SECONDS = 900
Package = tuple[str, str]


@dataclass(frozen=True)
class Audit:
    """What an answer of pip-audit is worth.

    Args:
        vulnerable: a line for each vulnerability of a package that was asked about.
        unaudited: why the answer is none, empty if it is one.
    """

    vulnerable: tuple[str, ...]
    unaudited: tuple[str, ...]

    @property
    def code(self) -> int:
        """Exit code."""
        return 1 if self.vulnerable else 3 if self.unaudited else 0


def judge(output: str, wanted: Iterable[Package], accepted: Mapping[str, str] = ACCEPTED) -> Audit:
    """Reads the JSON of pip-audit.

    Args:
        output: what it printed.
        wanted: packages that had to be audited, canaries left out.
        accepted: advisories that do not count.
    """
    try:
        entries = json.loads(output)["dependencies"]
        answers = {_key(e["name"], e.get("version", "")): e for e in entries}
    except (ValueError, KeyError, TypeError, AttributeError):
        return Audit((), ("no list of packages was returned",))
    skipped = {_key(e["name"], "")[0]: str(e["skip_reason"]) for e in entries if "skip_reason" in e}
    vulnerable, unaudited = [], []
    for name, version in wanted:
        found = _vulnerabilities(answers.get(_key(name, version)))
        if found is None:
            unaudited.append(f"{name} {version}: {skipped.get(_key(name, '')[0], 'no answer')}")
            continue
        for one in found:
            names = [str(one.get("id")), *map(str, one.get("aliases") or ())]
            if not set(names) & set(accepted):
                fixed = ", ".join(map(str, one.get("fix_versions") or ())) or "no version"
                vulnerable.append(f"{name} {version}: {' = '.join(names)}, fixed in {fixed}")
    for name, version in CANARIES.items():
        if not _vulnerabilities(answers.get(_key(name, version))):
            unaudited.append(f"the vulnerabilities of {name} {version}, long known, were not found")
    return Audit(tuple(vulnerable), tuple(unaudited))


def _key(name: object, version: object) -> Package:
    return str(canonicalize_name(str(name))), canonicalize_version(str(version))


def _vulnerabilities(entry: Any) -> list[dict[str, Any]] | None:
    if not isinstance(entry, dict) or "skip_reason" in entry or not isinstance(entry.get("vulns"), list):
        return None
    return list(entry["vulns"])


def locked_packages() -> list[Package]:
    """Every version that some lock names, for any Python and platform."""
    texts = [(LOCKS / f"{name}.txt").read_text(encoding="utf-8") for name in LOCKED]
    return sorted({(str(canonicalize_name(one.name)), one.version) for text in texts for one in read(text)})


def rounds(packages: Iterable[Package]) -> list[list[Package]]:
    """Lists in which no name occurs twice, as a requirements file has to be."""
    found: list[dict[str, str]] = []
    for name, version in packages:
        place = next((one for one in found if name not in one), None)
        if place is None:
            found.append(place := {})
        place[name] = version
    return [list(one.items()) for one in found]


def ask(program: Path, service: str, packages: Iterable[Package]) -> tuple[str, str]:
    """What pip-audit prints about packages and the canaries, as results and as messages; nothing is installed."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "wanted.txt"
        each = [*packages, *CANARIES.items()]
        wanted.write_text("".join(f"{name}=={version}\n" for name, version in each), encoding="utf-8")
        command = [
            str(program),
            "--requirement",
            str(wanted),
            "--no-deps",
            "--disable-pip",
            "--format",
            "json",
        ]
        command += ["--progress-spinner", "off", "--vulnerability-service", service]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return "", f"no answer within {SECONDS} seconds"
        return done.stdout, done.stderr


def audit(program: Path, service: str, packages: list[Package]) -> Audit:
    """Asks one service about the canaries, and if it knows them, about all packages."""
    vulnerable: list[str] = []
    unaudited: list[str] = []
    for part in [[], *rounds(packages)]:
        output, messages = ask(program, service, part)
        found = judge(output, part)
        vulnerable += found.vulnerable
        unaudited += found.unaudited
        if found.unaudited and not output.strip():
            unaudited.append((messages.strip().splitlines() or ["no message"])[-1][:300])
        if found.unaudited:
            break
    return Audit(tuple(vulnerable), tuple(unaudited))


def main() -> int:
    """Asks the services in turn until one has audited everything."""
    program, packages = Path(sys.argv[1]), locked_packages()
    for service in SERVICES:
        found = audit(program, service, packages)
        for line in found.vulnerable:
            print(line, file=sys.stderr)
        if not found.unaudited or found.vulnerable:
            break
        more = f" (and {len(found.unaudited) - 3} more)" if len(found.unaudited) > 3 else ""
        print(f"{service}: not audited: {'; '.join(found.unaudited[:3])}{more}", file=sys.stderr)
    said = {0: "none vulnerable", 1: f"{len(found.vulnerable)} vulnerabilities", 3: "COULD NOT AUDIT"}
    print(f"{len(packages)} locked versions: {said[found.code]}")
    return found.code


if __name__ == "__main__":
    sys.exit(main())
