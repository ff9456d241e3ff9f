"""The folder of a search: `search.json` and one vector an axis or item, all blocks; later steps begin from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError

from culturescope.errors import BadInputError
from culturescope.experiments.steer.parts import Parts
from culturescope.experiments.steer.results import Stored
from culturescope.experiments.steer.search import Searched
from culturescope.experiments.steer.search_plan import SearchPlan
from culturescope.experiments.steer.search_results import Search
from culturescope.experiments.steer.stages import FOLDER as STAGES
from culturescope.experiments.steer.stages import PLAN
from culturescope.instrument import Pack, load_pack

if TYPE_CHECKING:
    from culturescope.models.protocols import ModelIdentity
    from culturescope.steering.vector import SteeringVector

NAME = "search.json"
FORMAT = 2


class SearchFile(Stored):
    """What `search.json` holds: who was searched, on which scenarios, by which plan, and what was found.

    A search of axes has `axes` and no `items`, one of items the other way round.
    """

    format: Literal[2]
    created: str
    versions: dict[str, Any]
    model: dict[str, Any]
    load: dict[str, Any]
    pack: str | None
    templates: tuple[str, ...]
    parts: dict[str, tuple[str, ...]]
    plan: dict[str, Any]
    axes: dict[str, Search] = Field(default_factory=dict)
    items: dict[str, Search] = Field(default_factory=dict)
    work: dict[str, Any] | None = None

    @property
    def found(self) -> dict[str, Search]:
        """What was found, by axis or item."""
        return {**self.axes, **self.items}

    def blocks(self) -> tuple[int, ...]:
        """The blocks chosen for any axis or item, ascending."""
        return tuple(sorted({block for found in self.found.values() for block in found.chosen}))

    def scenarios(self, pack: Pack) -> Parts:
        """The scenarios of every part.

        Raises:
            BadInputError: the pack no longer has one of them.
        """
        known = {s.id: s for s in pack.scenarios}
        for ids in self.parts.values():
            for name in ids:
                if name not in known:
                    raise BadInputError(
                        f"the instrument no longer has the scenario {name}, which the search used"
                    )
        try:
            return Parts(**{part: tuple(known[i] for i in ids) for part, ids in self.parts.items()})
        except TypeError:
            raise BadInputError("the search's file does not name the parts fit, choose and report") from None


def write_search(
    folder: Path,
    searched: Searched,
    plan: SearchPlan,
    parts: Parts,
    *,
    identity: ModelIdentity,
    load: Mapping[str, Any],
    pack: str | None,
    templates: Sequence[str],
    work: Mapping[str, Any] | None = None,
) -> Path:
    """Writes the folder of a search; returns the path of its file.

    `work` is what it cost (`experiments.accounting`), where that was counted.

    Raises:
        RunFolderError: it cannot be written.
    """
    from culturescope.runs import write_json
    from culturescope.runs.manifest import environment, now
    from culturescope.steering.files import save_vector

    vectors = folder / "vectors"
    vectors.mkdir(parents=True, exist_ok=True)
    for label, vector in searched.vectors.items():
        save_vector(vector, vectors / f"{label}.safetensors")
    stored = SearchFile(
        format=FORMAT,
        created=now(),
        versions=environment(),
        model=identity.as_dict(),
        load=dict(load),
        pack=pack,
        templates=tuple(templates),
        parts={name: tuple(s.id for s in getattr(parts, name)) for name in ("fit", "choose", "report")},
        plan=plan.as_dict(),
        work=None if work is None else dict(work),
        **{"items" if plan.items else "axes": searched.found},
    )
    write_json(folder / NAME, stored.model_dump(mode="json"))
    return folder / NAME


def read_search(
    folder: Path, level: Literal["axis", "item"] | None = "axis"
) -> tuple[SearchFile, dict[str, SteeringVector], Pack]:
    """Reads what `write_search` wrote: the file, the vectors of its axes or items, and the pack.

    Args:
        folder: of the search.
        level: what it must be a search of; None for either.

    Raises:
        BadInputError: the folder holds no search, one of another kind, or its files are damaged.
    """
    from culturescope.steering.files import load_vector

    stored = read_search_file(folder)
    if level is not None and not (stored.axes if level == "axis" else stored.items):
        wanted, is_of = ("axes", "items") if level == "axis" else ("items", "axes")
        raise BadInputError(
            f"{folder} holds a search of {is_of} ({', '.join(stored.found)}), and this begins from one of {wanted}: "
            f"culturescope steer search MODEL{'' if level == 'axis' else ' --level item'} -o another folder"
        )
    vectors = {label: load_vector(folder / "vectors" / f"{label}.safetensors") for label in stored.found}
    return stored, vectors, load_pack(stored.pack)


def read_search_file(folder: Path) -> SearchFile:
    """Reads `search.json` alone.

    Raises:
        BadInputError: the folder holds no search, or its file is damaged.
    """
    path = folder / NAME
    try:
        stored = SearchFile.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        if (folder / STAGES / PLAN).exists():
            raise BadInputError(
                f"the search in {folder} is not done: call the same culturescope steer search again, it goes on"
            ) from None
        raise BadInputError(f"{folder} holds no search: culturescope steer search writes one") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadInputError(
            f"{path} is no search that this version reads: {first['loc']}: {first['msg']}"
        ) from None
    if any("/" in label or "\\" in label or label.startswith(".") for label in stored.found):
        raise BadInputError(f"{path} names an axis or item that is no name")
    if not stored.found or (stored.axes and stored.items):
        raise BadInputError(f"{path} must hold either axes or items")
    return stored


def check_same(vectors: Mapping[str, SteeringVector], parts: Parts, pack: Pack) -> None:
    """Whether the files of a search belong together: each vector is its axis's own, fitted on the texts that stand there now.

    Raises:
        BadInputError: a vector of another axis, or a pack whose texts have changed since.
    """
    from culturescope.steering.fitting import texts_sha256

    for axis, vector in vectors.items():
        if vector.origin.label != axis:
            raise BadInputError(
                f"the search's vector {axis}.safetensors was fitted for {vector.origin.label}: its files were mixed up"
            )
        now = texts_sha256([s for s in parts.fit if pack.axis_of(s) == axis])
        if vector.origin.scenarios_sha256 not in (None, now):
            raise BadInputError(
                f"the scenarios of {axis} have other texts than those that the search was fitted on; search again"
            )
