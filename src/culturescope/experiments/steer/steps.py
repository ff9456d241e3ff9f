"""The steps of steering as they are written into a search's folder; commands and whole studies call the same."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError, CulturescopeError
from culturescope.experiments.accounting import Counting
from culturescope.experiments.steer.aim_study import aim
from culturescope.experiments.steer.bench import Bench
from culturescope.experiments.steer.controls import Way
from culturescope.experiments.steer.domains import across_domains
from culturescope.experiments.steer.entangle_study import entangle
from culturescope.experiments.steer.folder import write_search
from culturescope.experiments.steer.methods import compare_methods
from culturescope.experiments.steer.methods_results import MethodTable
from culturescope.experiments.steer.opening import OpenSearch, fitting_pairs
from culturescope.experiments.steer.results import AimStudy, DomainTable, EntangleStudy
from culturescope.experiments.steer.search import Searched, search
from culturescope.experiments.steer.stages import Stages
from culturescope.experiments.steer.sweep import sweep
from culturescope.runs.atomic import disk_errors, write_json
from culturescope.runs.lock import FolderLock
from culturescope.runs.place import safe_name
from culturescope.runs.samples import SampleLog

if TYPE_CHECKING:
    from culturescope.authoring.embeddings import Encode
    from culturescope.experiments.personas import SocietyPersona
    from culturescope.experiments.steer.parts import Parts
    from culturescope.experiments.steer.search_plan import SearchPlan
    from culturescope.experiments.steer.sweep import SweepPlan
    from culturescope.experiments.steer.sweep_results import Sweep
    from culturescope.instrument import Pack, Scenario
    from culturescope.models.causal import CausalModel
    from culturescope.people import People
    from culturescope.prompts import Persona, Template
    from culturescope.steering.vector import SteeringVector

Say = Callable[[str], Any]


def search_into(
    folder: Path,
    model: CausalModel,
    parts: Parts,
    pack: Pack,
    templates: Sequence[Template],
    plan: SearchPlan,
    *,
    load: Mapping[str, Any],
    pack_source: str | None,
    batch_size: int = 8,
    progress: Say | None = None,
) -> tuple[Searched, Path]:
    """Searches, keeping what is measured; writes `search.json` and the vectors, and goes on with a search that was stopped.

    Raises:
        BadInputError: as `search.search`.
        RunFolderError: the folder cannot be written.
    """
    with Stages(folder) as stages, Counting(model) as counting:
        try:
            found = search(
                model, parts, pack, templates, plan, batch_size=batch_size, stages=stages, progress=progress
            )
        except BaseException:
            # Nothing was done where the folder was not taken: the record is None then.
            with contextlib.suppress(CulturescopeError):  # of the two, what stopped the search is to be told
                if (done := counting.record(stages.work())) is not None:
                    stages.keep_work(done)
            raise
        path = write_search(
            folder,
            found,
            plan,
            parts,
            identity=model.identity,
            load=load,
            pack=pack_source,
            templates=[w.id for w in templates],
            work=counting.record(stages.work()),
        )
        stages.finish()
    return found, path


def sweep_into(
    folder: Path,
    model: CausalModel,
    vectors: Mapping[str, SteeringVector],
    scenarios: Sequence[Scenario],
    pack: Pack,
    templates: Sequence[Template],
    plan: SweepPlan,
    *,
    encode: Encode | None = None,
    progress: Say | None = None,
) -> Sweep:
    """Sweeps with a folder: vectors, written texts (appended as they come), and at the end `sweep.json`.

    Raises:
        BadInputError: as `sweep.sweep`.
        RunFolderError: the folder cannot be written, or another process is at work in it.
    """
    with disk_errors(folder):
        (folder / "vectors").mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        for name, vector in vectors.items():
            vector.save(folder / "vectors" / f"{safe_name(name)}.safetensors")
        log = SampleLog(folder / "generated.jsonl")
        found = sweep(
            model, vectors, scenarios, pack, templates, plan, log=log, encode=encode, progress=progress
        )
        write_json(folder / "sweep.json", found.model_dump(mode="json"))
    return found


def entangle_into(
    opened: OpenSearch,
    bench: Bench,
    *,
    others: Sequence[float] = (),
    random: Way = "measured",
    penalised: bool = True,
) -> EntangleStudy:
    """Measures entanglement and writes `entangle.json`.

    Raises:
        BadInputError: the search has not two axes.
    """
    vectors = opened.vectors
    if len(vectors) != 2:
        raise BadInputError(
            f"entanglement needs a search of two axes; {opened.folder} has {', '.join(vectors)}"
        )
    states = fitting_pairs(bench, vectors) if penalised else None
    found = entangle(bench, vectors, states=states, random=random, others=others, seed=opened.seed)
    write_json(opened.folder / "entangle.json", found.model_dump(mode="json"))
    return found


def domains_into(
    opened: OpenSearch, bench: Bench, axes: tuple[str, ...] | None = None, *, random: Way = "measured"
) -> list[DomainTable]:
    """Fits and tests vectors domain by domain and writes `domains.json`.

    Raises:
        BadInputError: an unknown axis, or a domain without pairs.
    """
    tables = [
        across_domains(
            bench,
            axis,
            opened.vectors[axis].blocks,
            site=opened.vectors[axis].origin.site or "option-text",
            method=opened.vectors[axis].origin.method,
            random=random,
            seed=opened.seed,
        )
        for axis in opened.axes(axes)
    ]
    write_json(opened.folder / "domains.json", {t.axis: t.model_dump(mode="json") for t in tables})
    return tables


def methods_into(
    opened: OpenSearch, bench: Bench, axes: tuple[str, ...] | None = None, **options: Any
) -> list[MethodTable]:
    """Compares sites and methods (options of `compare_methods`) and writes `methods.json`.

    Raises:
        BadInputError: an unknown axis, site or method.
    """
    tables = [
        compare_methods(bench, axis, opened.vectors[axis].blocks, seed=opened.seed, **options)
        for axis in opened.axes(axes)
    ]
    write_json(opened.folder / "methods.json", {t.axis: t.model_dump(mode="json") for t in tables})
    return tables


def aim_into(
    opened: OpenSearch,
    bench: Bench,
    target: tuple[float, float],
    name: str,
    *,
    on_top_of: Persona | None = None,
    **options: Any,
) -> tuple[AimStudy, Path]:
    """Aims at a place (options of `aim_study.aim`) and writes `aim-NAME.json` with the texts beside it.

    Raises:
        BadInputError: as `aim_study.aim`.
        RunFolderError: the folder cannot be written, or another process is at work in it.
    """
    path = opened.folder / aim_name(name, on_top_of.kind if on_top_of else None)
    with _locked(opened.folder):
        found = aim(
            bench,
            opened.vectors,
            target,
            name=name,
            on_top_of=on_top_of,
            log=SampleLog(opened.folder / "aim-texts.jsonl"),
            **options,
        )
        write_json(path, found.model_dump(mode="json"))
    return found, path


def aim_name(target: str, on_top_of: str | None) -> str:
    """The file of an aim."""
    return f"aim-{target}{f'-{on_top_of}' if on_top_of else ''}.json"


def personas_of(code: str, people: People, say: Say | None = None) -> list[Persona]:
    """The personas of a society as far as its answers are known; what is missing is said."""
    found: list[SocietyPersona] = []
    from culturescope.experiments.personas import choose_personas

    for kind in ("basic", "advanced"):
        try:
            found += choose_personas([kind], [code], people)
        except BadInputError as error:
            if say is not None:
                say(f"without the {kind} persona: {error}")
    return [p.persona() for p in found]


class _locked:  # noqa: N801 - used as a function
    """Holds a folder's lock for the duration."""

    def __init__(self, folder: Path) -> None:
        self._lock = FolderLock(folder)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
