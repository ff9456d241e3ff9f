"""Runs that may be compared, cut to what all of them were asked: the same scenarios in the same wordings and orders."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from culturescope.errors import BadInputError, RunFolderError
from culturescope.experiments.audit import MAY_DIFFER, answered_rows, design_of, results_of, run_config
from culturescope.experiments.design import Design
from culturescope.experiments.mapping import labels_of
from culturescope.experiments.survey import is_survey
from culturescope.instrument import Pack
from culturescope.probing.results import Results
from culturescope.probing.scores import Scores, score_samples
from culturescope.probing.tasks import probe_rows
from culturescope.runs import RunFolder


@dataclass(frozen=True, eq=False)
class AlignedRun:
    """A run with its answers to what all runs were asked.

    Args:
        label: name of the model, told apart by the folder where two are alike.
        folder: the run.
        design: what the run asked.
        pack: its instrument.
        rows: all of its samples.
        results: of all that it asked; its verdicts count.
        shared: rows of the probe without persona that belong to the comparison, in one order for all runs.
        scores: of these rows (S scenarios x W wordings).
        left_out: scenarios that it asked and others did not.
        left_out_wordings: the same of wordings.
    """

    label: str
    folder: RunFolder
    design: Design
    pack: Pack
    rows: Sequence[Mapping[str, Any]]
    results: Results
    shared: Sequence[Mapping[str, Any]]
    scores: Scores
    left_out: tuple[str, ...] = ()
    left_out_wordings: tuple[str, ...] = ()


def align(runs: Sequence[str | os.PathLike[str]]) -> tuple[AlignedRun, ...]:
    """Opens runs, refuses those that cannot be compared, and cuts the others to what they share.

    Raises:
        BadInputError: no runs, one twice, a direct survey among them, another instrument, other texts, other orders, or nothing
            (on an axis: fewer than two scenarios) in common.
        RunFolderError: a folder is no run, is not finished, or its texts have changed since.
    """
    if not runs:
        raise BadInputError("a comparison needs runs: culturescope compare RUN RUN")
    folders = [RunFolder.open(run) for run in runs]
    twice = [path for path, count in Counter(f.path.resolve() for f in folders).items() if count > 1]
    if twice:
        raise BadInputError(f"the run {twice[0]} was given twice; a comparison takes each run once")
    opened = [_open(folder, label) for folder, label in zip(folders, labels_of(folders), strict=True)]
    for other in opened[1:]:
        _refuse_other(opened[0], other)
    return _cut(opened)


def _open(folder: RunFolder, label: str) -> AlignedRun:
    if is_survey(folder):
        raise BadInputError(
            f"{folder.path} is a direct survey: its answers stand on people's own scales, by no conversion of ours; compare "
            "takes runs of audit or probe, and culturescope map draws both kinds"
        )
    design = design_of(folder)
    config = run_config(design, folder.manifest.config.get("load") or {})
    try:
        folder.check_same(config, None, ignore=MAY_DIFFER)
    except RunFolderError as error:
        where = str(error).partition(" cannot go on: ")[2].partition("; make it")[0]
        raise RunFolderError(
            f"{folder.path} cannot be compared: {where}; ask the model again with the texts of today"
        ) from None
    rows = answered_rows(folder, design)
    probed = probe_rows(rows)
    return AlignedRun(
        label,
        folder,
        design,
        design.load_pack(),
        rows,
        results_of(rows, design),
        probed,
        score_samples(probed),
    )


def _refuse_other(first: AlignedRun, other: AlignedRun) -> None:
    """Whether the run was asked by another instrument than the first one.

    Raises:
        BadInputError: it was.
    """
    here, there = first.folder.path, other.folder.path
    if first.pack.id != other.pack.id:
        raise BadInputError(
            f"{there} was asked with the pack {other.pack.id}, {here} with {first.pack.id}: d of two instruments cannot be "
            "compared"
        )
    known = {s.id: s for s in first.pack.scenarios}
    for scenario in other.pack.scenarios:
        if known.get(scenario.id, scenario) != scenario:
            raise BadInputError(
                f"{there} and {here} were asked with two versions of the pack {first.pack.id}: the scenario {scenario.id} has "
                "other words in each"
            )
    for scenario_id in {*first.scores.scenarios} & {*other.scores.scenarios}:
        if _axis(first, scenario_id) != _axis(other, scenario_id):
            raise BadInputError(f"{there} and {here} count the scenario {scenario_id} to different axes")
    if first.design.orders != other.design.orders:
        raise BadInputError(
            f"{there} asked {_orders(other)}, {here} {_orders(first)}: a preference for a letter is in one d and not in the "
            "other; ask both in the same way (--orders)"
        )
    mine = {(r["scenario"], r["template"]): r["order"] for r in first.shared}
    if first.design.orders == "random" and any(
        mine.get((r["scenario"], r["template"]), r["order"]) != r["order"] for r in other.shared
    ):
        raise BadInputError(
            f"{there} drew other orders than {here} (seeds {other.design.seed} and {first.design.seed}): in a single order a "
            "preference for a letter would count as a difference; ask with one seed, or in both orders"
        )


def _cut(runs: Sequence[AlignedRun]) -> tuple[AlignedRun, ...]:
    scenarios = [s for s in runs[0].scores.scenarios if all(s in r.scores.scenarios for r in runs)]
    wordings = [t for t in runs[0].scores.columns if all(t in r.scores.columns for r in runs)]
    if not scenarios or not wordings:
        what = "scenario" if wordings else "wording"
        raise BadInputError(
            f"the runs have no {what} in common (split, limit and templates say what a run asks); ask them alike"
        )
    place = {s: n for n, s in enumerate(scenarios)}
    column = {t: n for n, t in enumerate(wordings)}
    found = []
    for run in runs:
        shared = [r for r in run.shared if r["scenario"] in place and r["template"] in column]
        shared.sort(key=lambda r: (place[r["scenario"]], column[r["template"]]))
        scores = score_samples(shared)
        for axis in dict.fromkeys(run.scores.axes):
            if scores.axes.count(axis) < 2:
                raise BadInputError(
                    f"the runs share {scores.axes.count(axis)} of the scenarios on axis {axis}; an interval needs two or more"
                )
        found.append(
            replace(
                run,
                shared=shared,
                scores=scores,
                left_out=tuple(s for s in run.scores.scenarios if s not in place),
                left_out_wordings=tuple(t for t in run.scores.columns if t not in column),
            )
        )
    return tuple(found)


def _axis(run: AlignedRun, scenario: str) -> str:
    return run.scores.axes[run.scores.scenarios.index(scenario)]


def _orders(run: AlignedRun) -> str:
    return "both orders of each prompt" if run.design.orders == "both" else "one random order"
