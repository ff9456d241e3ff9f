"""The tables as Markdown, and the marked block of a page that they stand in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from comparison.cases import OURS, SYSTEMS, Case
from comparison.measurements import Measurements
from comparison.report import CaseReport, Judged, Line, judge, peak_of, report_all
from growth import sizes_in

BEGIN, END = "<!-- benchmark: begin -->", "<!-- benchmark: end -->"
MODELS = {
    "default": "SmolLM2-135M-Instruct",
    "vocabulary": "a random model with a vocabulary of 262,144 words (Gemma 3 270M with 8 blocks)",
    "reference": "the reference model",
}


def markdown(taken: Measurements, cases: Sequence[Case]) -> str:
    """All tables of what was measured so far."""
    reports = report_all(taken, cases)
    grown = [r for r in reports if r.case.name.startswith("growth: ")]
    plain = [r for r in reports if r not in grown]
    parts = [_head(taken, reports)]
    if judged := judge(plain):
        parts.append(_targets(judged))
    for model in dict.fromkeys(r.case.model for r in plain):
        peak = peak_of(taken, cases, model)
        parts.append(_model(model, [r for r in plain if r.case.model == model], peak))
    if grown:
        parts.append(_growth(grown))
    used = dict.fromkeys(line.system for r in plain for line in r.lines())
    parts.append("\n".join(f"* **{name}**: {SYSTEMS[name].about}" for name in used))
    return "\n\n".join(parts) + "\n"


def replaced(page: str, block: str) -> str:
    """A page with the text between its marks replaced.

    Raises:
        ValueError: the page has no marks, or several.
    """
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise ValueError(f"the page needs one line {BEGIN} and one line {END} after it")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    return f"{before}{BEGIN}\n\n{block.strip()}\n\n{END}{after}"


def write_block(page: Path, block: str) -> None:
    """Replaces the marked block of a file."""
    page.write_text(replaced(page.read_text(encoding="utf-8"), block), encoding="utf-8")


def _head(taken: Measurements, reports: Sequence[CaseReport]) -> str:
    versions = {}
    for report in reports:
        for line in report.lines():
            key = SYSTEMS[line.system].environment or OURS
            versions[key] = ", ".join(f"{n} {v}" for n, v in line.versions.items())
    lines = [f"Machine: {taken.made_with['machine']}; {taken.threads} threads; float32."]
    if len(taken.sources) > 1:
        lines.append(
            "Culturescope changed while this was measured: figures of different states stand side by side."
        )
    return " ".join(lines) + "\n\n" + "\n".join(f"* {value}" for value in dict.fromkeys(versions.values()))


def _targets(judged: Sequence[Judged]) -> str:
    words = {True: "yes", False: "no", None: "no comparison"}
    rows = [f"| {j.name} | {j.wanted} | {j.found} | {words[j.met]} |" for j in judged]
    return "\n".join(["### Targets", "", "| what | target | found | met |", "|---|---|---|---|", *rows])


def _model(model: str, reports: Sequence[CaseReport], peak: float | None) -> str:
    title = MODELS.get(model, model)
    lines = [f"### {title[0].upper()}{title[1:]}", ""]
    if peak is not None:
        lines += [f"Measured matmul peak: {peak:.0f} GFLOP/s.", ""]
    lines += [
        "| task | system | wall s | CPU s | wall, times culturescope | CPU, times | peak MB | useful arithmetic | result |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for report in reports:
        lines += [_row(report, line) for line in report.lines()]
        lines += [
            f"| {report.case.name} | {s} | | | | | | | fails: {_cell(why)} |"
            for s, why in report.failed.items()
        ]
    if sized := [words for report in reports if (words := _sizes(report.case))]:
        lines += ["", f"Sizes: {'; '.join(sized)}."]
    for report in reports:
        for axis, e in enumerate(report.estimates(), start=1):
            lines += [
                "",
                f"First order on axis {axis}: Spearman {e.spearman:.2f} with the exact effects over blocks, {e.overlap} of the "
                f"best four the same, regret {100 * e.regret:.1f}% after the best were verified.",
            ]
    return "\n".join(lines)


def _sizes(case: Case) -> str:
    """A case's sizes in words, and its rounds."""
    if case.task == "peak":
        return ""
    named = {what.replace("_", " "): size for what, size in case.sizes.items() if size is not None}
    parts = [f"{size:,} {what.removesuffix('s') if size == 1 else what}" for what, size in named.items()]
    rounds = f"{case.rounds} round{'s' if case.rounds > 1 else ''}"
    return f"{case.name} {', '.join([*parts, rounds])}"


def _row(report: CaseReport, line: Line) -> str:
    ours = line.system == OURS
    useful = "" if line.useful is None else f"{100 * line.useful:.0f}%"
    wall = "1" if ours else str(line.wall_ratio or "")
    cpu = "1" if ours else str(line.cpu_ratio or "")
    said = "; ".join(word for word in (line.agreement.words, line.note) if word)
    cells = (
        report.case.name,
        line.system,
        f"{line.wall:.2f}",
        f"{line.cpu:.2f}",
        wall,
        cpu,
        f"{line.peak:.0f}",
        useful,
    )
    return "| " + " | ".join((*cells, _cell(said))) + " |"


def _growth(reports: Sequence[CaseReport]) -> str:
    by_name = {r.case.name: r for r in reports}
    lines = [
        "### Growth",
        "",
        "| what | size | system | wall s | CPU s | peak MB |",
        "|---|---|---|---|---|---|",
    ]
    for what, members in sizes_in([r.case for r in reports]).items():
        for size, case in members:
            for line in by_name[case.name].lines():
                figures = f"{line.wall:.2f} | {line.cpu:.2f} | {line.peak:.0f}"
                lines.append(f"| {what} | {size} | {line.system} | {figures} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
