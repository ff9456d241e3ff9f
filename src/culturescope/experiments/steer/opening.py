"""A search's folder opened for the steps that begin from it: its vectors, its scenarios, and a bench for a model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError
from culturescope.experiments.steer.aim_study import check_items
from culturescope.experiments.steer.bench import Bench
from culturescope.experiments.steer.folder import SearchFile, check_same, read_search
from culturescope.experiments.steer.parts import Parts
from culturescope.instrument import Pack
from culturescope.prompts import templates
from culturescope.steering.fitting import PairStates, read_pairs

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel
    from culturescope.steering.vector import SteeringVector


@dataclass(frozen=True, eq=False)
class OpenSearch:
    """A search that was read and checked, before any model is loaded.

    Args:
        folder: where it lies, and where further steps write.
        stored: its file.
        vectors: axis to its vector, at the blocks that are steered.
        pack: the instrument.
        parts: scenarios by what they are for.
    """

    folder: Path
    stored: SearchFile
    vectors: dict[str, SteeringVector]
    pack: Pack
    parts: Parts

    @property
    def seed(self) -> int:
        """Of the search, which the steps after it share."""
        return int(self.stored.plan["seed"])

    def bench(
        self,
        model: CausalModel,
        *,
        dose: float = 0.1,
        alpha: float | None = None,
        batch_size: int = 8,
        say: Callable[[str], Any] | None = None,
    ) -> Bench:
        """The model with the search's scenarios and wordings.

        Raises:
            BadInputError: a step out of range.
        """
        check_step(dose, alpha)
        return Bench(
            model,
            self.parts,
            self.pack,
            templates(self.stored.templates),
            dose=dose,
            alpha=alpha,
            batch_size=batch_size,
            say=say,
        )

    def axes(self, wanted: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """The axes asked for, all of the search by default.

        Raises:
            BadInputError: the search has no such axis.
        """
        for axis in wanted or ():
            if axis not in self.vectors:
                raise BadInputError(f'--axis: "{axis}" is not one of {", ".join(self.vectors)}')
        return wanted or tuple(self.vectors)


def open_search(
    folder: Path,
    blocks: tuple[int, ...] | None = None,
    *,
    placing: bool = False,
    every: bool = False,
) -> OpenSearch:
    """Reads a search of axes and checks that its files belong together.

    Args:
        folder: of the search.
        blocks: to steer; by default those that the search chose.
        placing: whether places on the map are needed, so that all its items must be among the scenarios.
        every: take all blocks of the vectors where none are named.

    Raises:
        BadInputError: no search of axes, or its files do not belong together.
    """
    stored, vectors, pack = read_search(folder)
    parts = stored.scenarios(pack)
    check_same(vectors, parts, pack)
    if placing:
        check_items(parts.choose, 1)
        check_items(parts.report, 2)
    wanted = stored.blocks() if blocks is None and not every else blocks
    chosen = {axis: vector if wanted is None else vector.at(wanted) for axis, vector in vectors.items()}
    return OpenSearch(folder, stored, chosen, pack, parts)


def check_step(dose: float, alpha: float | None) -> None:
    """Refuses a step that cannot be meant.

    Raises:
        BadInputError: out of range.
    """
    if not (0 < dose <= 1) or (alpha is not None and not 0 < alpha <= 10):
        raise BadInputError("a step's dose lies above 0 and at most at 1, its alpha at most at 10")


def fitting_pairs(bench: Bench, vectors: dict[str, SteeringVector]) -> dict[str, PairStates]:
    """The contrast pairs that vectors were fitted on, read again at their blocks."""
    return {
        axis: read_pairs(
            bench.model,
            [s for s in bench.parts.fit if bench.pack.axis_of(s) == axis],
            where=vector.origin.site or "option-text",
            blocks=vector.blocks,
            batch_size=bench.batch_size,
        )
        for axis, vector in vectors.items()
    }
