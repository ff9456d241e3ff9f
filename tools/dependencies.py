"""The installed dependency tree of a distribution: what it needs, what those need, and what is missing.

`python tools/dependencies.py culturescope dev docs` checks the tree with these extras; exit code 1 if something is missing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@dataclass(frozen=True)
class Tree:
    """What was found.

    Args:
        found: distributions by canonical name, the root among them.
        missing: a line for each requirement that no installed distribution meets.
    """

    found: dict[str, Distribution]
    missing: tuple[str, ...]


def installed(paths: Sequence[str] | None = None) -> dict[str, Distribution]:
    """Installed distributions by canonical name; of two with one name the first one counts, as in an import.

    Args:
        paths: folders to look in, by default those of this Python.
    """
    known: dict[str, Distribution] = {}
    for each in distributions(path=list(sys.path if paths is None else paths)):
        known.setdefault(canonicalize_name(each.name), each)
    return known


def tree(name: str, extras: Iterable[str] = (), paths: Sequence[str] | None = None) -> Tree:
    """Everything that a distribution needs on this platform, itself included.

    Args:
        name: of the distribution.
        extras: of that distribution.
        paths: folders to look in, by default those of this Python.
    """
    known = installed(paths)
    root = canonicalize_name(name)
    found: dict[str, Distribution] = {}
    missing: dict[str, None] = {}
    if root not in known:
        return Tree(found, (f"{name} is not installed",))
    waiting: list[tuple[str, str]] = [(root, extra) for extra in ("", *extras)]
    seen = set(waiting)
    while waiting:
        owner, extra = waiting.pop()
        found[owner] = known[owner]
        for line in known[owner].requires or ():
            requirement = Requirement(line)
            if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
                continue
            needed = canonicalize_name(requirement.name)
            if needed not in known:
                missing[f"{owner} needs {requirement}, which is not installed"] = None
                continue
            version = known[needed].version
            if not requirement.specifier.contains(version, prereleases=True):
                missing[f"{owner} needs {requirement}, installed is {version}"] = None
            for wanted in ("", *sorted(requirement.extras)):
                if (needed, wanted) not in seen:
                    seen.add((needed, wanted))
                    waiting.append((needed, wanted))
    return Tree(dict(sorted(found.items())), tuple(missing))


def main(arguments: Sequence[str]) -> int:
    """Prints what is missing."""
    found = tree(arguments[0], arguments[1:])
    for line in found.missing:
        print(line, file=sys.stderr)
    return 1 if found.missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
