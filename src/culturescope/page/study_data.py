"""What a study's page is made from: what each part left in the run folder, read as its own stored class."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from culturescope.errors import BadInputError
from culturescope.instrument import Pack

if TYPE_CHECKING:
    from culturescope.experiments.reproduce.claims import Table as ClaimTable
    from culturescope.experiments.steer.folder import SearchFile
    from culturescope.experiments.steer.generating import Generated
    from culturescope.experiments.steer.methods_results import MethodTable
    from culturescope.experiments.steer.results import AimStudy, DomainTable, EntangleStudy
    from culturescope.experiments.steer.sweep_results import Sweep
    from culturescope.experiments.steer.tax import Tax
    from culturescope.experiments.study.file import StudyFile
    from culturescope.experiments.study.steered import SteeredReadings
    from culturescope.people import Placement
    from culturescope.probing.results import KindAudit, Results
    from culturescope.probing.survey_results import SurveyResults

T = TypeVar("T")


@dataclass(frozen=True)
class Surveyed:
    """The direct survey: results, its run, places that can be drawn, and the audit of its personas by instrument."""

    results: SurveyResults
    run: Mapping[str, Any]
    placements: tuple[Placement, ...] = ()
    audits: tuple[tuple[str, KindAudit], ...] = ()


@dataclass(frozen=True)
class Asked:
    """The probe under personas of societies: results, its run, and places that can be drawn."""

    results: Results
    run: Mapping[str, Any]
    placements: tuple[Placement, ...] = ()


@dataclass(frozen=True)
class Study:
    """All parts that were found; None or empty where a part has no file.

    Args:
        pack: the instrument, for the words of axes, items and scenarios.
        model: the model's name.
        placements: of the probe without persona.
        aims: by the stem of their file.
        claims: of the paper that the study reproduces, where it does.
    """

    pack: Pack
    model: str
    record: StudyFile | None = None
    search: SearchFile | None = None
    sweep: Sweep | None = None
    entangle: EntangleStudy | None = None
    domains: Mapping[str, DomainTable] = field(default_factory=dict)
    methods: Mapping[str, MethodTable] = field(default_factory=dict)
    steered: SteeredReadings | None = None
    aims: Mapping[str, AimStudy] = field(default_factory=dict)
    generated: Generated | None = None
    tax: Tax | None = None
    survey: Surveyed | None = None
    personas: Asked | None = None
    placements: tuple[Placement, ...] = ()
    claims: ClaimTable | None = None

    @property
    def steering(self) -> bool:
        """Whether any part of steering was found."""
        parts = (self.search, self.sweep, self.entangle, self.steered, self.generated, self.tax)
        return any(p is not None for p in parts) or bool(self.domains or self.methods or self.aims)

    def axis(self, name: str) -> str:
        """Both poles of an axis in words; its id where the pack has none of that name."""
        return next(
            (f"{a.negative}\N{NO-BREAK SPACE}– {a.positive}" for a in self.pack.axes if a.id == name), name
        )


def has_study(run: Path) -> bool:
    """Whether a run folder holds more than an audit: `study.json` or the folder of a search."""
    return (run / "study.json").is_file() or (run / "search").is_dir()


def read_parts(run: Path) -> dict[str, Any]:
    """The parts of steering in a run folder, as arguments of `Study`.

    Raises:
        BadInputError: a file is there and cannot be read as what it should be.
    """
    from culturescope.experiments.reproduce.claims import read_table
    from culturescope.experiments.steer.folder import NAME, read_search_file
    from culturescope.experiments.steer.methods_results import MethodTable
    from culturescope.experiments.steer.results import AimStudy, DomainTable, EntangleStudy
    from culturescope.experiments.steer.sweep_results import Sweep
    from culturescope.experiments.steer.tax import Tax
    from culturescope.experiments.study.file import read_study
    from culturescope.experiments.study.steered import SteeredReadings

    folder = run / "search"

    def tables(name: str, kind: Callable[[Any], T]) -> dict[str, T]:
        return _read(folder / name, lambda d: {str(k): kind(v) for k, v in d.items()}) or {}

    aims = sorted(p for p in folder.glob("aim-*.json") if p.is_file())
    return {
        "record": read_study(run) if (run / "study.json").is_file() else None,
        "search": read_search_file(folder) if (folder / NAME).is_file() else None,
        "sweep": _read(folder / "sweep" / "sweep.json", Sweep.model_validate),
        "entangle": _read(folder / "entangle.json", EntangleStudy.model_validate),
        "domains": tables("domains.json", DomainTable.model_validate),
        "methods": tables("methods.json", MethodTable.model_validate),
        "steered": _read(folder / "steered.json", SteeredReadings.model_validate),
        "aims": {p.stem: found for p in aims if (found := _read(p, AimStudy.model_validate))},
        "generated": _read(folder / "generate.json", _generated),
        "tax": _read(folder / "tax.json", Tax.model_validate),
        "claims": read_table(run),
    }


def _read(path: Path, kind: Callable[[Any], T]) -> T | None:
    """A stored part; None where there is no file.

    Raises:
        BadInputError: the file is damaged, or of another version.
    """
    if not path.is_file():
        return None
    try:
        return kind(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        line = " ".join(str(error).split())
        raise BadInputError(
            f"{path} cannot be read as what a study writes there: {line[:200]}; write it again, or take it away"
        ) from None


def _generated(data: Any) -> Generated:
    from culturescope.experiments.steer.generating import Generated, SideBySide

    answers = tuple(SideBySide(**answer) for answer in data["answers"])
    return Generated(**{**data, "steering": tuple(data["steering"]), "answers": answers})
