"""Makes a release in `dist/`, and uploads nothing: `make release VERSION=1.2.3`.

Checks the working tree, the versions, the code, licences, scenarios, tests and known vulnerabilities; builds source archive and
wheel from what git knows; installs the wheel into a fresh environment and measures a tiny model with it; writes SHA256SUMS.
`make rehearse` does the same, but runs no tests, goes on past whatever would stop a release before it is built, and leaves
its files in `build/rehearsal`.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path

from tools.install import ROOT
from tools.release_checks import (
    members,
    source_problems,
    sums,
    tree_problems,
    version_problems,
    wheel_problems,
)

WORK = ROOT / "build" / "release"
SMOKE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import culturescope as cs
from tests.tiny import tiny_model
place = Path(cs.__file__).resolve()
assert "site-packages" in place.parts, f"imported from {place}, not from the wheel"
assert cs.__version__ == sys.argv[2], cs.__version__
assert len(cs.scenarios()) == 600
tiny_model("qwen2", Path("tiny"))
"""


class StoppedError(Exception):
    """The release cannot go on; the message says why."""


def main() -> int:
    """Parses the arguments and makes the release; returns the exit code."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("version", help="for example 1.2.3; must be that of the files")
    parser.add_argument("--rehearse", action="store_true", help="go on past problems, without tests")
    options = parser.parse_args()
    try:
        release(options.version, rehearse=options.rehearse)
    except StoppedError as stopped:
        print(f"no release: {stopped}", file=sys.stderr)
        return 1
    return 0


def release(version: str, *, rehearse: bool) -> None:
    """All steps, in this order.

    Raises:
        StoppedError: one failed.
    """
    passed_by: list[str] = []

    def demand(problems: Sequence[str]) -> None:
        if problems and not rehearse:
            raise StoppedError("; ".join(problems))
        passed_by.extend(problems)
        for line in problems:
            print(f"passed by: {line}", file=sys.stderr)

    step("tree and versions")
    head = git("rev-parse", "HEAD").strip()
    tag = git("tag", "--list", f"v{version}").strip() and git("rev-list", "-n", "1", f"v{version}").strip()
    demand(tree_problems(git("status", "--porcelain"), head, tag))
    texts = [
        git("show", f"HEAD:{name}")
        for name in ("pyproject.toml", "src/culturescope/__init__.py", "CITATION.cff", "CHANGELOG.md")
    ]
    demand(version_problems(version, *texts))
    for target in ["check", "licences", *([] if rehearse else ["lint", "test"]), "vulnerabilities"]:
        step(f"make {target}")
        if code := subprocess.run(["make", target], cwd=ROOT, check=False).returncode:
            demand([f"make {target} ended with {code}"])
    step("build")
    shutil.rmtree(WORK, ignore_errors=True)
    source = exported(WORK / "source")
    built = build(source, WORK / "built", git("log", "-1", "--format=%ct").strip())
    wheel, archive = artefacts(built, version)
    tracked = git("ls-files").splitlines()
    package = [p.removeprefix("src/") for p in tracked if p.startswith("src/")]
    if problems := [
        *wheel_problems(members(wheel), version, package),
        *source_problems(members(archive), tracked),
    ]:
        raise StoppedError("; ".join(problems[:5]))
    step("the wheel in a fresh environment")
    smoke(wheel, source, version)
    into = ROOT / "build" / "rehearsal" if rehearse else ROOT / "dist"
    shutil.rmtree(into, ignore_errors=True)
    into.mkdir(parents=True)
    kept = [Path(shutil.copy2(path, into)) for path in (wheel, archive)]
    (into / "SHA256SUMS").write_text(sums(kept), encoding="utf-8")
    print(sums(kept), end="")
    done = (
        f"{into.relative_to(ROOT)} holds culturescope {version} of commit {head[:12]}; nothing was uploaded"
    )
    print(done + (f"; {len(passed_by)} problems were passed by: this is no release" if passed_by else ""))


def exported(folder: Path) -> Path:
    """The files of the commit, and no others."""
    folder.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        if hasattr(tarfile, "data_filter"):
            files.extractall(folder, filter="data")
        else:
            files.extractall(folder)  # noqa: S202
    return folder


def build(source: Path, into: Path, seconds: str) -> Path:
    """Source archive, and from it the wheel, by the locked build tools; dated as the commit, to be built again alike."""
    python = ROOT / "build" / "tools" / "bin" / "python"
    command = [str(python), "-m", "build", "--no-isolation", "--outdir", str(into), str(source)]
    run(command, environment={**os.environ, "SOURCE_DATE_EPOCH": seconds})
    return into


def artefacts(folder: Path, version: str) -> tuple[Path, Path]:
    """Wheel and source archive of this version, and nothing else.

    Raises:
        StoppedError: something else was built.
    """
    wanted = (f"culturescope-{version}-py3-none-any.whl", f"culturescope-{version}.tar.gz")
    found = sorted(path.name for path in folder.iterdir())
    if found != sorted(wanted):
        raise StoppedError(f"built were {', '.join(found)}, expected {' and '.join(wanted)}")
    return folder / wanted[0], folder / wanted[1]


def smoke(wheel: Path, source: Path, version: str) -> None:
    """Installs the wheel with what its metadata ask for, and nothing else, and measures a tiny model with it.

    Raises:
        StoppedError: it does not say its version, or does not measure.
    """
    place = WORK / "fresh"
    run([sys.executable, "-m", "venv", str(place)])
    binaries = place / ("Scripts" if sys.platform == "win32" else "bin")
    python, program = str(binaries / "python"), str(binaries / "culturescope")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--constraint", str(ROOT / "constraints.txt"), str(wheel)])
    away = WORK / "elsewhere"  # so that nothing of the source lies beside
    away.mkdir()
    said = run([program, "--version"], folder=away)
    if version not in said.split():
        raise StoppedError(f"culturescope --version says {said.strip()!r}, not {version}")
    run([python, "-c", SMOKE, str(source), version], folder=away)
    few = ["--limit", "4", "--check-limit", "4", "--templates", "1", "--only", "probe", "--quiet"]
    run([program, "audit", "tiny", *few, "-o", "run"], folder=away)
    if not (away / "run" / "report.html").is_file():
        raise StoppedError("an audit of a tiny model wrote no page")


def run(command: Sequence[str], *, folder: Path = ROOT, environment: dict[str, str] | None = None) -> str:
    """Runs a program and returns what it prints.

    Raises:
        StoppedError: it failed.
    """
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        shown = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise StoppedError(f"{' '.join(command[:4])} ended with {done.returncode}\n{shown}")
    return done.stdout


def git(*arguments: str) -> str:
    """What git prints."""
    return run(["git", *arguments])


def step(name: str) -> None:
    """Says what begins."""
    print(f"== {name}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
