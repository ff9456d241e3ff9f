"""What moves the compared models: steering vectors of a search, and personas of societies, where they were measured."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from culturescope.errors import BadInputError
from culturescope.experiments.audit import answered_rows, design_of, results_of
from culturescope.experiments.compare_align import AlignedRun
from culturescope.experiments.study.doing import PERSONAS
from culturescope.page.compare_results import PersonaSteerability, VectorSteerability
from culturescope.people.placement import Conversion
from culturescope.probing.results import Estimate, Results
from culturescope.runs import RunFolder
from culturescope.runs.manifest import MANIFEST_NAME

SEARCH = "search.json"


class _Part(BaseModel):
    """Of a search's file, what is needed here; its other entries are the search's business."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Effect(_Part):
    value: float
    low: float
    high: float


class _Block(_Part):
    block: int
    dose: float


class _Choice(_Part):
    name: str
    blocks: tuple[int, ...]
    effect: _Effect
    random_band: float | None = None


class _Axis(_Part):
    blocks: tuple[_Block, ...]
    choices: tuple[_Choice, ...]


class _Search(_Part):
    model: dict[str, Any]
    pack: str | None = None
    axes: dict[str, _Axis] = {}


def vectors_of(
    runs: Sequence[AlignedRun], searches: Sequence[str | os.PathLike[str]]
) -> tuple[VectorSteerability, ...]:
    """What steering vectors do to the models of the runs, for one dose.

    Args:
        runs: the compared runs; a search that lies in a run's folder is found by itself.
        searches: more folders of `culturescope steer search`.

    Raises:
        BadInputError: a folder holds no search, or one of a model or an instrument that is not compared.
    """
    found = []
    inside = [path.parent for run in runs for path in _inside(run.folder.path)]
    given = [Path(one) for one in searches]
    for folder in dict.fromkeys([*(p.resolve() for p in inside), *(p.resolve() for p in given)]):
        search = _read(folder)
        owners = [run for run in runs if same_model(search.model, run.folder.manifest.model)]
        named = any(folder == p.resolve() for p in given)
        if not owners:
            if named:
                raise BadInputError(
                    f"{folder} is a search of {search.model.get('name')}, which none of the compared runs asked "
                    "(weights, dtype and chat template must be the same)"
                )
            continue
        for run in owners:
            if search.pack != run.design.pack:
                raise BadInputError(f"{folder} was searched with another pack than {run.folder.path}")
            found += [
                one
                for axis, measured in search.axes.items()
                if (one := _per_dose(run.label, axis, measured, folder)) is not None
            ]
    return tuple(found)


def personas_of_runs(runs: Sequence[AlignedRun], conversion: Conversion) -> tuple[PersonaSteerability, ...]:
    """What personas of societies do to the models of the runs, on all scenarios that each run asked.

    Those of a study are found in the run beneath it.

    Raises:
        RunFolderError: that run is damaged.
    """
    found = []
    for run in runs:
        results = _with_personas(run)
        audit, readings = results.persona_audit, {p.id: p for p in results.personas}
        for kind in audit.kinds if audit else ():
            if kind.conversion != conversion:
                continue
            for one in kind.societies:
                change = one.change
                if change.value is None or change.low is None or change.high is None:
                    continue
                shifts = readings[one.persona].shifts if one.persona in readings else ()
                found.append(
                    PersonaSteerability(
                        label=run.label,
                        kind=kind.kind,
                        society=one.society,
                        without=one.distance_without,
                        distance=one.distance,
                        change=Estimate(value=change.value, low=change.low, high=change.high),
                        shifts={shift.axis: shift.d for shift in shifts},
                    )
                )
    return tuple(found)


def _with_personas(run: AlignedRun) -> Results:
    """The run's own results, or those of the finished run of personas that a study keeps beneath it."""
    beneath = run.folder.path / PERSONAS
    if run.results.persona_audit is not None or not (beneath / MANIFEST_NAME).is_file():
        return run.results
    folder = RunFolder.open(beneath)
    design = design_of(folder)
    same = same_model(folder.manifest.model, run.folder.manifest.model) and design.pack == run.design.pack
    if folder.manifest.status != "success" or not same:
        return run.results
    return results_of(answered_rows(folder, design), design)


def same_model(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two entries of `run.json` name the same weights, in the same precision."""
    keys = ["dtype", "template_sha256"]
    known = one.get("weights_sha256") and other.get("weights_sha256")
    keys += ["weights_sha256"] if known else ["name", "source", "revision"]
    return all(one.get(key) == other.get(key) for key in keys)


def _inside(run: Path) -> list[Path]:
    return sorted({*run.glob(SEARCH), *run.glob(f"*/{SEARCH}")})


def _read(folder: Path) -> _Search:
    try:
        return _Search.model_validate_json((folder / SEARCH).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise BadInputError(f"{folder} holds no search: culturescope steer search writes one") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInputError(
            f"{folder / SEARCH} is no search that this version reads: {where}: {first['msg']}"
        ) from None


def _per_dose(label: str, axis: str, measured: _Axis, folder: Path) -> VectorSteerability | None:
    choice = next((c for c in measured.choices if c.name == "chosen"), None)
    doses = {b.block: b.dose for b in measured.blocks}
    if choice is None or not choice.blocks or not all(doses.get(b, 0.0) > 0 for b in choice.blocks):
        return None
    dose = sum(doses[b] for b in choice.blocks) / len(choice.blocks)
    effect = choice.effect
    return VectorSteerability(
        label=label,
        axis=axis,
        per_dose=Estimate(value=effect.value / dose, low=effect.low / dose, high=effect.high / dose),
        random_band=None if choice.random_band is None else choice.random_band / dose,
        dose=dose,
        blocks=choice.blocks,
        source=folder.name,
    )
