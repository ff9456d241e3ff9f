"""The folder of a search: `search.json` and one vector an axis, all blocks; later steps begin from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from culturescope.errors import BadInputError
from culturescope.experiments.steer.parts import Parts
from culturescope.experiments.steer.results import Search, Stored
from culturescope.experiments.steer.search import Searched, SearchPlan
from culturescope.instrument import Pack, load_pack

if TYPE_CHECKING:
    from culturescope.models.protocols import ModelIdentity
    from culturescope.steering.vector import SteeringVector

NAME = "search.json"
FORMAT = 1


class SearchFile(Stored):
    """What `search.json` holds: who was searched, on which scenarios, by which plan, and what was found."""

    format: int
    created: str
    versions: dict[str, Any]
    model: dict[str, Any]
    load: dict[str, Any]
    pack: str | None
    templates: tuple[str, ...]
    parts: dict[str, tuple[str, ...]]
    plan: dict[str, Any]
    axes: dict[str, Search]

    def blocks(self) -> tuple[int, ...]:
        """The blocks chosen for any axis, ascending."""
        return tuple(sorted({block for found in self.axes.values() for block in found.chosen}))

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
        return Parts(**{part: tuple(known[i] for i in ids) for part, ids in self.parts.items()})


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
) -> Path:
    """Writes the folder of a search; returns the path of its file.

    Raises:
        RunFolderError: it cannot be written.
    """
    from culturescope.runs import write_json
    from culturescope.runs.manifest import environment, now
    from culturescope.steering.files import save_vector

    vectors = folder / "vectors"
    vectors.mkdir(parents=True, exist_ok=True)
    for axis, vector in searched.vectors.items():
        save_vector(vector, vectors / f"{axis}.safetensors")
    stored = SearchFile(
        format=FORMAT,
        created=now(),
        versions=environment(),
        model=identity.as_dict(),
        load=dict(load),
        pack=pack,
        templates=tuple(templates),
        parts={name: tuple(s.id for s in getattr(parts, name)) for name in ("fit", "choose", "report")},
        plan={
            k: v if not callable(v) else getattr(v, "__name__", "function") for k, v in asdict(plan).items()
        },
        axes=searched.found,
    )
    write_json(folder / NAME, stored.model_dump(mode="json"))
    return folder / NAME


def read_search(folder: Path) -> tuple[SearchFile, dict[str, SteeringVector], Pack]:
    """Reads what `write_search` wrote: the file, the vectors of its axes, and the pack.

    Raises:
        BadInputError: the folder holds no search, or its files are damaged.
    """
    from culturescope.steering.files import load_vector

    path = folder / NAME
    try:
        stored = SearchFile.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise BadInputError(f"{folder} holds no search: culturescope steer search writes one") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadInputError(
            f"{path} is no search that this version reads: {first['loc']}: {first['msg']}"
        ) from None
    if any("/" in axis or "\\" in axis or axis.startswith(".") for axis in stored.axes):
        raise BadInputError(f"{path} names an axis that is no name")
    vectors = {axis: load_vector(folder / "vectors" / f"{axis}.safetensors") for axis in stored.axes}
    return stored, vectors, load_pack(stored.pack)


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
