"""Installs what `make setup` needs into the environment of the Python that runs this: `python tools/install.py`.

Every file that is fetched must have a hash of `locks/` (made by `make lock`). Where the lock does not hold, for another
Python or platform, the versions of constraints.txt are installed without hashes, and that is said. A wrong hash is never
a reason to go on without: it stops.
"""

from __future__ import annotations

import argparse
import platform
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "locks"
EXTRAS = ("dev", "docs")
PYTHONS = {(3, 10): 0, (3, 11): 5, (3, 12): 0, (3, 13): 0}  # minor versions with the smallest patch release
PLATFORMS = (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("win32", "AMD64"))
_SYSTEM = {"linux": "linux", "darwin": "macosx", "win32": "win"}  # as names of wheels have it


def main() -> int:
    """Installs, and checks that nothing is missing; returns the exit code."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--no-lock", action="store_true", help="use constraints.txt, without hashes")
    options = parser.parse_args()
    why = not_locked(sys.version_info[:3], sys.platform, platform.machine(), platform.python_implementation())
    if options.no_lock or why:
        print(f"{why or '--no-lock'}: versions of constraints.txt, files are not checked by hash", flush=True)
        return pip(*_CONSTRAINED, "--editable", f".[{','.join(EXTRAS)}]")
    return locked()


def locked() -> int:
    """Installs by the lock; returns the exit code."""
    code = pip(*_HASHED, str(LOCKS / "main.txt")) or torch()
    if code:
        print(
            "Not installed, and nothing else was tried. A hash that does not match means that a file is not the one that "
            "was locked. A version that is not offered here: make setup INSTALL=--no-lock",
            file=sys.stderr,
        )
        return code
    if code := pip("--no-deps", "--no-build-isolation", "--editable", "."):
        return code
    # Nothing was resolved, so what the packages ask for is checked; in a process of its own, which sees what was installed.
    tree = [str(ROOT / "tools" / "dependencies.py"), "culturescope", *EXTRAS]
    if code := subprocess.run([sys.executable, *tree], cwd=ROOT, check=False).returncode:
        print("locks/ does not fit pyproject.toml: renew it by make lock", file=sys.stderr)
    return code


def torch() -> int:
    """Installs the build of torch that pip chooses here, with what that build needs; returns the exit code."""
    command = [sys.executable, "-m", "pip", "index", "versions", "--disable-pip-version-check", "torch"]
    offered = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    version = re.search(r"^torch==(\S+)", (LOCKS / "torch.txt").read_text(encoding="utf-8"), re.MULTILINE)
    if version is None:
        raise SystemExit("locks/torch.txt holds no version of torch: renew it by make lock")
    build = local_build(offered, version[1])
    if build is None:
        return pip(*_HASHED, str(LOCKS / "torch.txt"))
    text = (LOCKS / "torch-cpu.txt").read_text(encoding="utf-8")
    if f"\ntorch=={build} " in text and has_wheel(
        text, sys.version_info[:2], sys.platform, platform.machine()
    ):
        return pip(*_HASHED, str(LOCKS / "torch-cpu.txt"))
    print(f"locks/ holds no hash of torch {build} for this Python: it is installed without one", flush=True)
    return pip(*_CONSTRAINED, f"torch=={build}")


def not_locked(version: tuple[int, int, int], system: str, machine: str, implementation: str) -> str | None:
    """Why the lock does not hold for this Python and platform, or None if it does.

    Args:
        version: of Python.
        system: `sys.platform`.
        machine: `platform.machine()`.
        implementation: `platform.python_implementation()`.
    """
    least = PYTHONS.get(version[:2])
    if implementation != "CPython" or least is None or version[2] < least:
        known = ", ".join(f"{a}.{b}" + (f" (from {a}.{b}.{c})" if c else "") for (a, b), c in PYTHONS.items())
        return f"locks/ is for CPython {known}, this is {implementation} {'.'.join(map(str, version))}"
    if (system, machine) not in PLATFORMS:
        known = ", ".join(" ".join(each) for each in PLATFORMS)
        return f"locks/ is for {known}, this is {system} {machine}"
    return None


def local_build(offered: str, wanted: str) -> str | None:
    """The build that pip chooses for a version, if it is one that is not of the index, such as 2.13.0+cpu.

    Args:
        offered: what `pip index versions` prints.
        wanted: the version without a build.
    """
    versions = re.search(r"^Available versions:(.*)$", offered, re.MULTILINE)
    each = versions[1].replace(",", " ").split() if versions else []
    return next((v for v in each if v.startswith(f"{wanted}+")), None)  # newest first, as pip chooses


def has_wheel(text: str, python: tuple[int, int], system: str, machine: str) -> bool:
    """Whether a lock names a wheel for this Python and platform; its comments name them."""
    names = re.findall(r"^# (\S+\.whl)$", text, re.MULTILINE)
    tag, end = "-cp{}{}-".format(*python), f"_{machine}.whl".lower()
    return any(tag in n and _SYSTEM[system] in n and n.lower().endswith(end) for n in names)


def pip(*arguments: str) -> int:
    """Runs `pip install ARGUMENTS` in this environment and returns its exit code."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


# Wheels alone: what builds a source archive would be fetched without hashes.
_HASHED = ("--require-hashes", "--only-binary=:all:", "--no-deps", "--requirement")
_CONSTRAINED = ("--constraint", str(ROOT / "constraints.txt"))

if __name__ == "__main__":
    sys.exit(main())
