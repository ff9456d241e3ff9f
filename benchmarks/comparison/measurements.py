"""Takes the measurements: a fresh process for each, systems in turn, every result saved before the next one begins."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from comparison.cases import SYSTEMS, Case
from comparison.environments import python_of
from comparison.models import write

BENCHMARKS = Path(__file__).resolve().parents[1]
PACKAGE = BENCHMARKS.parent / "src" / "culturescope"
FITTED = 12
"""Contrast pairs behind each axis' vector in the steering tasks."""
Row = dict[str, Any]


class OtherVersionError(RuntimeError):
    """The results that are there were measured with another state of culturescope, or on another machine."""


class Measurements:
    """A folder of results.

    Args:
        folder: exercises, `measurements.jsonl`, and what each system found.
        environments: folder of the peers' environments.
        threads: of every system.
        timeout: seconds after which a measurement counts as failed.
        mixed: go on although culturescope has changed since.
        retry: measure again what failed.

    Raises:
        OtherVersionError: the folder holds results of another state of culturescope, or other threads or machine.
    """

    def __init__(
        self,
        folder: Path,
        environments: Path,
        *,
        threads: int,
        timeout: float,
        mixed: bool = False,
        retry: bool = False,
    ) -> None:
        from culturescope.runs.atomic import encode_json, write_text
        from culturescope.runs.samples import SampleLog

        self.folder, self.environments = folder, environments
        self.threads, self.timeout = threads, timeout
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "found").mkdir(exist_ok=True)
        self._log = SampleLog(folder / "measurements.jsonl")
        self.rows: dict[str, Row] = dict(self._log.known())
        if retry and any("error" in row for row in self.rows.values()):
            self.rows = {key: row for key, row in self.rows.items() if "error" not in row}
            lines = [encode_json(row).decode() + "\n" for row in self.rows.values()]
            write_text(self._log.path, "".join(lines))
        self.made_with = {"source": source_sha256(), "machine": machine(), "threads": threads}
        stored = folder / "made_with.json"
        before = json.loads(stored.read_text(encoding="utf-8")) if stored.is_file() else {}
        other = [name for name, value in self.made_with.items() if before.get(name) != value]
        if self.rows and other and not mixed:
            raise OtherVersionError(
                f"{folder} holds measurements with another {' and '.join(other)}: give another --results, or "
                "--mixed to go on (the table says so)"
            )
        if "source" in other:  # another state may render other texts
            for pattern in ("exercises/*/*.json", "exercises/*/*.npz"):
                for old in folder.glob(pattern):
                    old.unlink()
        write(stored, self.made_with)

    @property
    def sources(self) -> set[str]:
        """Hashes of culturescope's sources that the measurements were taken with."""
        return {row["source"] for row in self.rows.values()}

    def home(self, model: str) -> Path:
        """Folder of a model's exercises."""
        return self.folder / "exercises" / model

    def missing(self, case: Case) -> list[tuple[str, int]]:
        """System and round of what is still to be measured: rounds in order, the first system another one each round."""
        found = []
        for turn in range(case.rounds):
            first = turn % len(case.systems)
            for name in (*case.systems[first:], *case.systems[:first]):
                if case.key(name, turn) not in self.rows:
                    found.append((name, turn))
        return found

    def prepare(self, model: str, source: str, cases: Iterable[Case]) -> None:
        """Writes the exercises of a model that are not there yet."""
        home = self.home(model)
        wanted = {c.prepared: {"task": c.task, **c.sizes} for c in cases}
        if all((home / f"{name}.json").is_file() for name in wanted):
            return
        home.mkdir(parents=True, exist_ok=True)
        given = home / "specification.json"
        specification = {"model": model, "source": source, "home": str(home), "fitted": FITTED}
        write(given, {**specification, "threads": self.threads, "exercises": wanted})
        command = [sys.executable, "-m", "comparison.prepare", str(given)]
        environment = {**os.environ, "PYTHONPATH": str(BENCHMARKS)}
        subprocess.run(command, check=True, env=environment, cwd=BENCHMARKS)

    def take(self, case: Case, system: str, turn: int) -> Row:
        """Takes one measurement in a process of its own, and saves it."""
        known = SYSTEMS[system]
        key = case.key(system, turn)
        name = hashlib.sha256(key.encode()).hexdigest()[:16]
        result = self.folder / "found" / name
        exercise = json.loads((self.home(case.model) / f"{case.prepared}.json").read_text(encoding="utf-8"))
        given = result.with_suffix(".exercise.json")
        write(given, {**exercise, **case.settings, **known.settings, "threads": self.threads})
        python = (
            Path(sys.executable)
            if known.environment is None
            else python_of(known.environment, self.environments)
        )
        began = time.time()
        taken = self._run(
            [str(python), str(BENCHMARKS / "peers" / f"{known.script}.py"), str(given), str(result)]
        )
        if not taken:
            taken = json.loads(result.with_suffix(".json").read_text(encoding="utf-8"))
        for spent in (given, result.with_suffix(".json")):
            spent.unlink(missing_ok=True)
        row = {
            "key": key,
            "model": case.model,
            "case": case.name,
            "system": system,
            "round": turn,
            "found": f"{name}.npz",
            "source": source_sha256(),
            "began": round(began),
            "asked": {
                n: exercise[n] for n in ("tokens_asked", "tokens_needed", "block_parameters") if n in exercise
            },
            **taken,
        }
        self._log.append([row])
        self.rows[key] = row
        return row

    def _run(self, command: list[str]) -> Row:
        """What went wrong, as a row; empty where nothing did."""
        try:
            done = subprocess.run(
                command,
                env=self._environment(),
                capture_output=True,
                text=True,
                timeout=self.timeout,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"error": f"more than {self.timeout:.0f} s"}
        if done.returncode == 0:
            return {}
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        return {"error": lines[-1][:300] if lines else f"ended with {done.returncode}"}

    def _environment(self) -> dict[str, str]:
        threads = dict.fromkeys(
            ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"),
            str(self.threads),
        )
        offline = dict.fromkeys(("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"), "1")
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        return {**kept, **threads, **offline, "TOKENIZERS_PARALLELISM": "false"}


def source_sha256() -> str:
    """Hash of culturescope's code and data."""
    found = hashlib.sha256()
    for path in sorted(p for p in PACKAGE.rglob("*") if p.is_file() and p.suffix != ".pyc"):
        found.update(path.relative_to(PACKAGE).as_posix().encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def machine() -> str:
    """The processor's name and the number of its cores at hand."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name or platform.processor() or platform.machine()}, {cores} cores"


def summary(row: Mapping[str, Any]) -> str:
    """A measurement in one line."""
    start = f"{row['model']:10} {row['case']:28} {row['system']:28} round {row['round'] + 1}"
    if "error" in row:
        return f"{start}  failed: {row['error']}"
    return f"{start}  {row['wall_s']:8.2f} s  CPU {row['cpu_s']:8.2f} s  {row['peak_mb']:7.0f} MB"
