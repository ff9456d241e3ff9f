"""Compares culturescope with its peers: same texts, same numbers, a fresh process for every measurement, in turn.

    python benchmarks/run.py --quick                                   # every task and peer, tiny
    python benchmarks/run.py --docs docs/benchmarks.md                 # the whole comparison, default model
    python benchmarks/run.py --models reference --reference MODEL.gguf
    python benchmarks/run.py --pairs 50,vocabulary=12 --measured       # tables of what is there so far

Peers are installed from their packages into environments of their own, once. A run that is stopped goes on where it
was: what is in the results' folder is not measured again. The tables are written after every case.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from comparison.cases import SOURCES, SYSTEMS, Case, Sizes, cases_of, sizes_of, source_of
from comparison.environments import PEERS, EnvironmentFailedError, python_of
from comparison.measurements import Measurements, OtherVersionError, summary
from comparison.tables import MODELS, markdown, replaced, write_block
from growth import growth_cases

SIZES = [f.name for f in fields(Sizes)]


def main() -> int:
    """Parses the arguments, measures what is missing, writes tables and plots."""
    options = _arguments()
    cases = chosen_cases(options)
    if options.list:
        print("\n".join(f"{c.model:10} {c.name:28} {c.rounds} x {', '.join(c.systems)}" for c in cases))
        return 0
    try:
        taken = Measurements(
            options.results,
            options.environments,
            threads=options.threads,
            timeout=options.timeout,
            mixed=options.mixed,
            retry=options.retry,
        )
        if options.measured:
            publish(taken, cases, options.docs)
            print((options.results / "table.md").read_text(encoding="utf-8"))
            return 0
        missing = {c.name + c.model: taken.missing(c) for c in cases}
        used = {system for c in cases for system, _ in missing[c.name + c.model]}
        for name in PEERS:
            if any(SYSTEMS[system].environment == name for system in used):
                python_of(name, options.environments)
    except (OtherVersionError, EnvironmentFailedError) as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 2
    for model in dict.fromkeys(c.model for c in cases):
        members = [c for c in cases if c.model == model and missing[c.name + model]]
        try:
            if members:
                taken.prepare(model, str(source_of(model)), members)
        except subprocess.CalledProcessError:
            print(f"benchmark: the texts for {model} could not be prepared; see above", file=sys.stderr)
            return 2
    done, whole = 0, sum(map(len, missing.values()))
    for case in cases:
        for system, turn in missing[case.name + case.model]:
            row = taken.take(case, system, turn)
            done += 1
            print(f"[{done}/{whole}] {summary(row)}", flush=True)
        if missing[case.name + case.model]:
            publish(taken, cases, None)
    publish(taken, cases, options.docs)
    print((options.results / "table.md").read_text(encoding="utf-8"))
    return 0


def publish(taken: Measurements, cases: list[Case], page: Path | None) -> None:
    """Writes table.md and the plots into the results' folder, and into a page with its figures beside it."""
    from comparison.figures import growth_svg, ratios_svg
    from comparison.report import report_all

    text = markdown(taken, cases)
    (taken.folder / "table.md").write_text(text, encoding="utf-8")
    reports = report_all(taken, cases)
    grown = [r for r in reports if r.case.name.startswith("growth: ")]
    plain = [r for r in reports if r not in grown and any(line.wall_ratio for line in r.lines())]
    drawn = {"benchmarks-ratios.svg": (ratios_svg, plain), "benchmarks-growth.svg": (growth_svg, grown)}
    shown = []
    for name, (draw, of) in drawn.items():
        if not of:
            continue
        picture = draw(of)
        (taken.folder / name).write_bytes(picture)
        if page is not None:
            page.with_name(name).write_bytes(picture)
            shown.append(f"![{name.removesuffix('.svg').replace('-', ': ')}]({name})")
    if page is not None:
        write_block(page, "\n\n".join([*shown, text]))


def chosen_cases(options: argparse.Namespace) -> list[Case]:
    """The cases that the options ask for, model by model."""
    if options.reference:
        SOURCES["reference"] = str(options.reference.resolve())
        MODELS["reference"] = f"the reference model, {options.reference.name}"
    cases = []
    for model in options.models:
        changes = {n: given.get(model, given.get("")) for n in SIZES if (given := getattr(options, n))}
        cases += cases_of(model, sizes_of(model, quick=options.quick, changes=changes))
    if "default" in options.models:
        cases += growth_cases(2 if options.quick else 8, 1 if options.quick else 3)
    if options.tasks:
        cases = [c for c in cases if any(c.name.startswith(t) for t in options.tasks) or c.task == "peak"]
    return cases


def sizes_given(text: str) -> dict[str, int]:
    """`50` is the size for every model, `50,vocabulary=12` another one for that model; the first has the name "".

    Raises:
        ValueError: what is given is no whole number.
    """
    parts = [part.rpartition("=") for part in text.split(",")]
    return {model: int(size) for model, _, size in parts}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--models",
        default=None,
        help="with commas: default, vocabulary, reference; llama-N: random, with N blocks",
    )
    parser.add_argument("--tasks", default="", help="beginnings of cases' names, with commas; all by default")
    parser.add_argument("--reference", type=Path, help="the reference model: a folder or a GGUF file")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: proves that everything runs")
    parser.add_argument("--results", type=Path, help="default: build/benchmarks, build/benchmarks-quick")
    parser.add_argument("--environments", type=Path, default=Path("build/environments"), help="of the peers")
    parser.add_argument("--docs", type=Path, help="page whose marked block is replaced by the tables")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--timeout", type=float, default=7200, help="seconds after which a measurement has failed"
    )
    parser.add_argument("--mixed", action="store_true", help="go on although culturescope has changed since")
    parser.add_argument("--retry", action="store_true", help="measure again what failed")
    parser.add_argument("--list", action="store_true", help="show the cases and end")
    parser.add_argument("--measured", action="store_true", help="measure nothing: tables of what is there")
    for name in SIZES:
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=sizes_given,
            metavar="N",
            help="instead of the model's own size; for one model: 50,vocabulary=12",
        )
    options = parser.parse_args()
    if options.docs:
        try:
            replaced(options.docs.read_text(encoding="utf-8"), "")
        except (OSError, ValueError) as error:
            parser.error(f"--docs {options.docs}: {error}")
    if options.quick and options.docs:
        parser.error("--quick proves that everything runs; its figures belong on no page")
    models = ["default", "vocabulary", *(["reference"] if options.reference else [])]
    options.models = options.models.split(",") if options.models else models
    if "reference" in options.models and not options.reference:
        parser.error("the reference model needs --reference PATH")
    known = [m for m in options.models if m == "reference" or source_of(m)]
    if unknown := [m for m in options.models if m not in known]:
        parser.error(f"there is no model {unknown[0]}; known are default, vocabulary, reference, llama-N")
    options.tasks = [t for t in options.tasks.split(",") if t]
    options.results = options.results or Path(
        "build/benchmarks-quick" if options.quick else "build/benchmarks"
    )
    options.results = options.results.resolve()
    options.environments = options.environments.resolve()
    return options


if __name__ == "__main__":
    sys.exit(main())
