"""A calibration of the map from runs with personas of societies: which rows count, and when they may."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from culturescope.errors import BadInputError
from culturescope.experiments.audit import answered_rows, design_of
from culturescope.probing.reading import compute_results, verdicts_of
from culturescope.probing.scores import score_samples
from culturescope.runs import RunFolder

if TYPE_CHECKING:
    from culturescope.people import Calibration

Row = Mapping[str, Any]
HOW = "culturescope probe MODEL --persona advanced --society IND,VNM,MEX,... makes such a run"


def calibration_of(
    samples: Iterable[Row],
    verdicts: Mapping[str, str],
    *,
    kind: str | None = None,
    model: str | None = None,
) -> Calibration:
    """Fits k and intercept of the map on the rows of personas of societies.

    Args:
        samples: rows of `samples.jsonl`; those of part `probe` with a `society` count.
        verdicts: axis id to verdict of the model.
        kind: of persona, where there are two.
        model: its name.

    Raises:
        BadInputError: no such rows, personas of two kinds, one order only, societies that were not asked alike, or what
            `people.calibrate` refuses.
    """
    from culturescope.people import calibrate, fit_projection

    asked: dict[str, dict[str, list[Row]]] = {}
    for row in samples:
        if row["part"] == "probe" and row.get("society") and kind in (None, row["persona_kind"]):
            asked.setdefault(str(row["persona_kind"]), {}).setdefault(row["society"], []).append(row)
    if not asked:
        of_kind = f" of the kind {kind}" if kind else ""
        raise BadInputError(f"there are no personas of societies{of_kind} to calibrate on: {HOW}")
    if len(asked) > 1:
        raise BadInputError(
            f"a calibration takes personas of one kind; these are {' and '.join(sorted(asked))}: "
            "choose one, for example --persona advanced"
        )
    ((found, societies),) = asked.items()
    answers: dict[str, dict[str, float]] = {}
    first: set[tuple[str, str]] | None = None
    for society, rows in societies.items():
        scores = score_samples(rows)
        if scores.b is None:
            raise BadInputError(
                "a calibration needs both orders: with one, a preference for a letter is in every value logit"
            )
        same = {(scenario, wording) for scenario in scores.scenarios for wording in scores.columns}
        if same != (first := first or same):
            raise BadInputError(
                f"the persona of {society} was asked other scenarios or wordings than that of {next(iter(societies))}: "
                "a calibration compares personas that were asked alike"
            )
        answers[society] = _means(scores.items, scores.domains, scores.d.mean(axis=1))
    return calibrate(answers, verdicts, fit_projection(), persona=found, model=model)


def calibration_from(
    runs: Sequence[str | os.PathLike[str]],
    mapped: Sequence[tuple[RunFolder, Mapping[str, str]]],
    *,
    kind: str | None = None,
) -> Calibration:
    """The calibration of a map from finished runs with personas, for runs of the same model.

    Args:
        runs: folders of runs with personas.
        mapped: the runs on the map with their verdicts, which count beside those of the runs with personas: of several
            verdicts on an axis the lowest.
        kind: of persona, where the runs hold two.

    Raises:
        BadInputError: a run is of another model, a society is in two runs, or what `calibration_of` refuses.
        RunFolderError: a folder is no run, or some of its prompts have no answer yet.
    """
    from culturescope.people.placement import AXES, UNCHECKED, VERDICTS

    samples: list[Row] = []
    found: list[Mapping[str, str]] = [verdicts for _, verdicts in mapped]
    origin: dict[str, str] = {}
    folders = [RunFolder.open(run) for run in runs]
    for folder in [*folders, *(f for f, _ in mapped)]:
        if _model(folder) != _model(folders[0]):
            raise BadInputError(
                f"{folder.path} is of another model than {folders[0].path}: a logit of one model is not one of another, "
                "so each is calibrated on its own personas"
            )
    for folder in folders:
        design = design_of(folder)
        rows = [row for row in answered_rows(folder, design) if row["part"] != "agreement"]
        found.append(verdicts_of(compute_results(rows, seed=design.seed)))
        societies = {row["society"] for row in rows if row["part"] == "probe" and row.get("society")}
        for society in sorted(societies):
            if origin.setdefault(society, str(folder.path)) != str(folder.path):
                raise BadInputError(
                    f"{society} is in {origin[society]} and in {folder.path}; a calibration takes each society once"
                )
        samples += rows
    verdicts = {}
    for axis in AXES:
        known = [v for one in found if (v := one.get(axis, UNCHECKED)) != UNCHECKED]
        verdicts[axis] = min(known, key=VERDICTS.index, default=UNCHECKED)
    model = str(folders[0].manifest.model.get("name") or "the model")
    return calibration_of(samples, verdicts, kind=kind, model=model)


def _model(folder: RunFolder) -> tuple[Any, ...]:
    """What makes two runs runs of one model: its weights, or its name where these are not known; and its chat template."""
    model = folder.manifest.model
    weights = model.get("weights_sha256") or (model.get("source"), model.get("name"), model.get("revision"))
    return weights, model.get("template_sha256")


def _means(items: Sequence[str], domains: Sequence[str], d: Any) -> dict[str, float]:
    """Item to mean d: scenarios weigh equally in a domain, domains in an item, as in a place on the map."""
    cells: dict[str, dict[str, list[float]]] = {}
    for item, domain, value in zip(items, domains, d, strict=True):
        cells.setdefault(item, {}).setdefault(domain, []).append(float(value))
    return {item: float(np.mean([np.mean(v) for v in by.values()])) for item, by in cells.items()}
