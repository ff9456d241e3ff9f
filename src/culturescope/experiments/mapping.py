"""Several runs on one cultural map."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from culturescope.errors import BadInputError
from culturescope.experiments.audit import answered_rows, design_of
from culturescope.experiments.calibration import calibration_from
from culturescope.experiments.report import CONVERSIONS, persona_places_of, places_of
from culturescope.experiments.survey import is_survey, survey_map_places
from culturescope.probing.reading import compute_results, verdicts_of
from culturescope.runs import RunFolder

if TYPE_CHECKING:
    from culturescope.page import MapFigure
    from culturescope.people import Conversion, Placement


def map_runs(
    runs: Sequence[str | os.PathLike[str]],
    *,
    conversions: Sequence[Conversion] = CONVERSIONS,
    domains: Sequence[str | None] | None = (None,),
    calibrate: Sequence[str | os.PathLike[str]] = (),
    persona: str | None = None,
    personas: bool = True,
) -> MapFigure:
    """Several runs on one map; runs of one name are told apart by their folder.

    Args:
        runs: run folders, each once.
        conversions: how scores become item values.
        domains: domains of the runs' own packs to place on their own, a None among them for the place over all; None in
            place of a list takes each domain of a run's pack.
        calibrate: run folders with personas of societies, of the same model; they set k and intercept of `anchored`.
        persona: the kind of persona that calibrates, where these runs hold two.
        personas: whether the places under personas of societies are drawn as well.

    Raises:
        BadInputError: no runs, a run of another instrument, an item of the map was not asked, a domain that a run's pack
            does not have, domains or a calibration of surveys alone, or the personas cannot calibrate the map.
        RunFolderError: a folder is no run, or some of its prompts have no answer yet.
    """
    from culturescope.page import figure_of

    if not runs:
        raise BadInputError("a map needs at least one run: culturescope map RUN")
    folders = [RunFolder.open(run) for run in runs]
    twice = [path for path, count in Counter(f.path.resolve() for f in folders).items() if count > 1]
    if twice:
        raise BadInputError(f"the run {twice[0]} was given twice; a map shows each run once")
    if calibrate and "anchored" not in conversions:
        raise BadInputError("a calibration belongs to the conversion anchored; paper has none")
    asked = []
    own: list[Sequence[str | None]] = []
    labels = labels_of(folders)
    surveys = [(f, label) for f, label in zip(folders, labels, strict=True) if is_survey(f)]
    if surveys and "paper" not in conversions:
        raise BadInputError(
            f"{surveys[0][0].path} is a direct survey: its answers take no conversion, and stand on the map of the conversion "
            "paper only (--conversion both)"
        )
    probed = [(f, label) for f, label in zip(folders, labels, strict=True) if not is_survey(f)]
    if not probed and (calibrate or domains is None or any(domains)):
        raise BadInputError(
            "a direct survey has no domains and takes no calibration: leave out --domain and --calibrate, or add a run of probe"
        )
    for folder, _ in probed:
        design = design_of(folder)
        pack = design.load_pack()
        if pack.societies is None:
            raise BadInputError(
                f"{folder.path}: the map needs societies, and the pack {pack.id} has none; "
                f"culturescope page {folder.path} shows its axis scores and verdicts"
            )
        for one in domains or ():
            if one is not None and one not in pack.domains:
                raise BadInputError(
                    f'--domain: "{one}" is not one of {", ".join(pack.domains)} (pack {pack.id}, run {folder.path})'
                )
        rows = answered_rows(folder, design)
        asked.append((design, rows, compute_results(rows, seed=design.seed)))
        own.append(pack.domains if domains is None else tuple(dict.fromkeys(domains)))
    calibration = None
    if calibrate:
        verdicts = [verdicts_of(results) for _, _, results in asked]
        mapped = [(folder, found) for (folder, _), found in zip(probed, verdicts, strict=True)]
        calibration = calibration_from(calibrate, mapped, kind=persona)
    found: list[Placement] = []
    for (design, rows, results), (_, label), places_wanted in zip(asked, probed, own, strict=True):
        places = [
            place
            for of in (places_of, persona_places_of)[: 1 + personas]
            for place in of(
                results,
                rows,
                label,
                conversions=conversions,
                domains=places_wanted,
                calibration=calibration,
                seed=design.seed,
            )
        ]
        # The nulls of runs that were asked alike are the same places.
        found += [p for p in places if p.kind == "model" or p not in found]
    for folder, label in surveys:
        places = survey_map_places(folder, label, personas=personas)
        found += [p for p in places if p.kind == "model" or p not in found]
    return figure_of(found)


def labels_of(folders: Sequence[RunFolder]) -> list[str]:
    """Names of the models; runs of one name are told apart by their folder, and by a number where that is not enough."""
    names = [str(f.manifest.model.get("name") or f.path.name) for f in folders]
    labels = [
        name if names.count(name) == 1 else f"{name} ({f.path.name})"
        for name, f in zip(names, folders, strict=True)
    ]
    return [
        label if labels.count(label) == 1 else f"{label} {labels[: n + 1].count(label)}"
        for n, label in enumerate(labels)
    ]
