"""Checks the licences of the installed dependency tree: `make licences`; exit code 1 if one is not allowed.

What a distribution states is read from its metadata: the SPDX expression, or else the classifiers and the licence field, which
must both be allowed. What its authors state unclearly is written down in `BY_HAND`, with what they state: if that changes,
somebody has to look again.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.utils import canonicalize_name
from tools.dependencies import tree
from tools.install import EXTRAS
from tools.lock import CUDA

ALLOWED = frozenset(
    {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "CNRI-Python", "HPND", "ISC"}
    | {"MIT", "MIT-0", "MPL-2.0", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib"}
)
EXCEPTIONS = frozenset({"LLVM-exception"})
BSD = "BSD-2-Clause OR BSD-3-Clause"  # where "BSD" leaves open which
CLASSIFIERS = {
    "OSI Approved :: Apache Software License": "Apache-2.0",
    "OSI Approved :: BSD License": BSD,
    "OSI Approved :: ISC License (ISCL)": "ISC",
    "OSI Approved :: MIT License": "MIT",
    "OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "OSI Approved :: Python Software Foundation License": "PSF-2.0",
    "OSI Approved :: zlib/libpng License": "Zlib",
    "OSI Approved :: The Unlicense (Unlicense)": "Unlicense",
}
# Licence fields are free text; these are ways to write one licence.
FIELDS = {
    "apache": "Apache-2.0",
    "apache 2": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "apache 2.0 license": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache license, version 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "bsd": BSD,
    "bsd license": BSD,
    "bsd 3-clause": "BSD-3-Clause",
    "bsd 3-clause license": "BSD-3-Clause",
    "3-clause bsd license": "BSD-3-Clause",
    "isc license": "ISC",
    "mit license": "MIT",
    "psf": "PSF-2.0",
}


@dataclass(frozen=True)
class ByHand:
    """A distribution whose metadata do not decide.

    Args:
        stated: what the metadata say, as `statement` gives it.
        licence: SPDX expression that was found to hold for what is installed.
        reason: where that is said.
    """

    stated: str
    licence: str
    reason: str


BY_HAND = {
    "docutils": ByHand(
        "Public Domain; OSI Approved :: BSD License; OSI Approved :: GNU General Public License (GPL)",
        "BSD-2-Clause",
        "its COPYING: public domain, some modules BSD or Python; the GPL is that of an Emacs mode, which no wheel holds",
    ),
}


@dataclass(frozen=True)
class Finding:
    """What was found for a distribution: its licence, and why it is not allowed, or None."""

    name: str
    licence: str
    refused: str | None


def statement(distribution: Distribution) -> tuple[str, tuple[str, ...]]:
    """What a distribution states, for people, and the SPDX expressions that all must be allowed.

    An expression that could not be understood is given as it stands; none at all means that nothing is stated.
    """
    metadata = distribution.metadata
    if expression := _first(metadata.get_all("License-Expression")):
        return expression, (expression,)
    prefix = "License :: "
    classifiers = [
        c.removeprefix(prefix) for c in metadata.get_all("Classifier") or () if c.startswith(prefix)
    ]
    classifiers = [c for c in classifiers if c != "OSI Approved"]
    field = _first(metadata.get_all("License"))
    if field.upper() == "UNKNOWN" or (classifiers and "\n" in field):
        field = ""  # a whole licence text beside a classifier repeats it, with notices of what it holds
    expressions = [CLASSIFIERS.get(c, c) for c in classifiers]
    if field:
        expressions.append(FIELDS.get(field.lower().rstrip("."), field))
    return "; ".join([*classifiers, *([field] if field else [])]), tuple(expressions)


def _first(values: list[str] | None) -> str:
    return values[0].strip() if values else ""


def allowed(expression: str) -> bool:
    """Whether an SPDX expression offers a choice of which every part is allowed."""
    try:
        text = str(canonicalize_license_expression(expression))
    except InvalidLicenseExpression:
        return False
    tokens = re.findall(r"[()]|[^\s()]+", text)

    def either() -> bool:
        found = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            found = both() or found
        return found

    def both() -> bool:
        found = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            found = one() and found
        return found

    def one() -> bool:
        head = tokens.pop(0)
        if head == "(":
            found = either()
            tokens.pop(0)
            return found
        found = head in ALLOWED
        if tokens and tokens[0] == "WITH":
            tokens.pop(0)
            found = tokens.pop(0) in EXCEPTIONS and found
        return found

    return either()


def judge(name: str, distribution: Distribution) -> Finding:
    """Whether the licence of a distribution is allowed."""
    stated, expressions = statement(distribution)
    name = canonicalize_name(name)
    if known := BY_HAND.get(name):
        refused = None if known.stated == stated else f"was looked at when it stated {known.stated!r}"
        return Finding(name, known.licence if refused is None else stated, refused)
    if CUDA.match(name) and not (expressions and all(map(allowed, expressions))):
        return Finding(name, "terms of NVIDIA, with builds of torch for CUDA", None)
    if not expressions:
        return Finding(name, "none", "states no licence")
    bad = [e for e in expressions if not allowed(e)]
    return Finding(
        name,
        "; ".join(dict.fromkeys(expressions)),
        f"not allowed: {'; '.join(bad)[:200]}" if bad else None,
    )


def check(extras: Iterable[str], paths: Sequence[str] | None = None) -> tuple[list[Finding], tuple[str, ...]]:
    """Findings of the dependency tree of culturescope, and what is missing in it.

    Args:
        extras: of culturescope.
        paths: folders to look in, by default those of this Python.
    """
    found = tree("culturescope", extras, paths)
    return [judge(name, each) for name, each in found.found.items()], found.missing


def main(paths: Sequence[str] | None = None) -> int:
    """Prints how often each licence occurs, and what is not allowed."""
    findings, missing = check(EXTRAS, paths)
    if not missing:  # extras that are not part of make setup are checked as far as they are installed
        root = tree("culturescope", (), paths).found["culturescope"]
        every = [e for e in root.metadata.get_all("Provides-Extra") or () if e not in EXTRAS]
        findings, _ = check([*EXTRAS, *every], paths)
    for licence, count in Counter(f.licence for f in findings if f.refused is None).most_common():
        print(f"{count:4d}  {licence}")
    for line in missing:
        print(f"not checked: {line}", file=sys.stderr)
    refused = [f for f in findings if f.refused is not None]
    for one in refused:
        print(f"{one.name}: {one.refused}", file=sys.stderr)
    print(f"{len(findings)} distributions, {len(refused)} refused")
    return 1 if refused or missing else 0


if __name__ == "__main__":
    sys.exit(main())
