"""The shape of a place on the map: where, how sure, by which conversion, and near to whom."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Conversion = Literal["anchored", "paper"]
Kind = Literal["model", "null"]
Covariance = tuple[tuple[float, float], tuple[float, float]]


class Frozen(BaseModel):
    """Stored values do not change and have no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Nearest(Frozen):
    """A society near to a place.

    `distance` is Euclidean on the map, `frequency` the share of bootstrap draws in which it is the nearest one, and
    `among` says whether it belongs to the set of societies that cannot be told from the nearest one once the choice
    among all of them is allowed for (95%).
    """

    code: str
    name: str
    distance: float
    frequency: float
    among: bool


class Placement(Frozen):
    """A place on the map (x: survival to self-expression, y: traditional to secular-rational).

    `covariance` (order x, y) is that of the place over scenarios, wordings and the projection; the ellipse of 95% has squared
    radius `radius2` in its metric. `displacement` is the place less that of the null with the same conversion.
    `outside` marks an extrapolation: the place lies outside of the hull of the societies. `verdicts` are those of the axes
    (`interpretable`, `weak`, `not interpretable`, `not checked`); a null has none. `beyond` are the items whose converted value
    lies beyond the answer scale. `nearest` is empty for a null and for a model that nothing may be said of.
    """

    label: str
    kind: Kind
    conversion: Conversion
    domain: str | None = None
    x: float
    y: float
    covariance: Covariance
    radius2: float
    displacement: tuple[float, float]
    outside: bool
    verdicts: dict[str, str]
    nearest: tuple[Nearest, ...] = ()
    beyond: tuple[str, ...] = ()
