"""The official procedure on the imported respondents: a map of their own, and whether it is the official one."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from culturescope.errors import BadInputError
from culturescope.people.moments import PairwiseMoments
from culturescope.people.official import (
    OfficialPosition,
    OfficialProjection,
    Reproduction,
    official_projection,
    reproduction,
)


@dataclass(frozen=True)
class OwnMap:
    """A map fitted on the imported respondents.

    Args:
        projection: None where it cannot be fitted.
        positions: society and year to place, of those with enough respondents who answered all ten items.
        against_official: distance to the official positions; None where no society and year is in both.
        problem: why there is no projection.
    """

    projection: OfficialProjection | None
    positions: Mapping[tuple[str, int], OfficialPosition]
    against_official: Reproduction | None
    problem: str | None = None

    @property
    def is_official(self) -> bool:
        """Whether the positions are those of the official map, as far as can be told."""
        return self.against_official is not None and self.against_official.holds


def fit_own_map(surveys: Mapping[tuple[str, int], Sequence[PairwiseMoments]], minimum: int) -> OwnMap:
    """Fits the map on all respondents and places the societies.

    Args:
        surveys: society and year to the sums of its surveys.
        minimum: complete respondents that a position needs.
    """
    cells = {key: functools.reduce(PairwiseMoments.merge, those) for key, those in surveys.items()}
    try:
        projection = official_projection(functools.reduce(PairwiseMoments.merge, cells.values()))
    except BadInputError as error:
        return OwnMap(None, {}, None, str(error))
    positions = {key: projection.position(cell) for key, cell in cells.items() if cell.complete >= minimum}
    try:
        gap = reproduction(positions)
    except BadInputError:
        gap = None
    return OwnMap(projection, positions, gap)
