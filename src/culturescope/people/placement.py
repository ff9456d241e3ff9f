"""The shape of a place on the map: where, how sure, by which conversion, and near to whom; and what may be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

Conversion = Literal["anchored", "paper"]
Kind = Literal["model", "null"]
Covariance = tuple[tuple[float, float], tuple[float, float]]
Interval = tuple[float, float]

AXES = ("Y", "X")
UNCHECKED = "not checked"
VERDICTS = ("not interpretable", UNCHECKED, "weak", "interpretable")
"""From what may least be read to what may be read; an axis without one of these was not checked."""


class Frozen(BaseModel):
    """Stored values do not change and have no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Calibration(Frozen):
    """How far a logit of d moves on people's scale: z = k d + intercept, z in sd over societies, positive pole up.

    Intervals are of 95%. `covariance` (order k, intercept) has `freedom` degrees of freedom. `shrinkage` is the share of
    the societies' spread on an item that the line does not give back: 1 - |r|, with r the correlation of z and d
    within items. `societies` were used, `left_out` have no means of all ten items; `persona` is the kind of persona.
    """

    k: float
    intercept: float
    k_interval: Interval
    intercept_interval: Interval
    covariance: Covariance
    freedom: int
    shrinkage: float
    societies: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    persona: str | None = None
    model: str | None = None

    @property
    def line(self) -> str:
        """The line as an equation: `sd = 1.40 d + 0.20`."""
        return f"sd = {self.k:.2f} d {'-' if self.intercept < 0 else '+'} {abs(self.intercept):.2f}"


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

    `covariance` (order x, y) is that of the place over scenarios, wordings and the projection (and the calibration); the
    ellipse of 95% has squared radius `radius2` in its metric. `displacement` is the place less that of the uniform null
    with the same conversion. `outside` marks an extrapolation: the place lies outside of the hull of the societies.
    `verdicts` are those of the axes (`interpretable`, `weak`, `not interpretable`, `not checked`); a null has none.
    `beyond` are the items whose converted value lies beyond the answer scale. `nearest` is empty for a null and for a
    model that nothing may be said of. `calibration` is None for k = 1, intercept 0, and for the conversion `paper`.

    `letters` is None where both orders were asked. With single orders a preference for a letter moves a model without
    values by t times `letters`: by `paper` with t from -1 (always B) to 1 (always A), by `anchored` with any t, the
    size of the preference in logits. `run` names the model that a null belongs to, where it is not that of all.

    `persona` and `society` (a code) are set where the model answered as a person of that society. `survey` is set for answers
    on people's own scales, and says what missing answers leave open of the place; `open` is its outline, the corners in
    order, empty where nothing is open. They take no conversion and stand with
    `paper`, which projects values as if people had given them.
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
    calibration: Calibration | None = None
    letters: tuple[float, float] | None = None
    run: str | None = None
    persona: Literal["basic", "advanced"] | None = None
    society: str | None = None
    survey: str | None = None
    open: tuple[tuple[float, float], ...] = ()

    @property
    def single_order(self) -> bool:
        """Whether each prompt was asked in one order only, so that a preference for a letter is still in the place."""
        return self.letters is not None

    def verdict_on(self, axis: str) -> str:
        """The verdict on an axis; `not checked` where none is known."""
        return known_verdict(self.verdicts, axis)

    @property
    def verdict(self) -> str:
        """The lower verdict of the two axes: a place needs both."""
        return lower_verdict(self.verdicts)

    @property
    def readable(self) -> bool:
        """Whether the place may be read as a position: a model, and both axes interpretable or weak."""
        return self.kind == "model" and self.verdict in ("weak", "interpretable")


def lower_verdict(verdicts: Mapping[str, str]) -> str:
    """The lower verdict of the two axes; an axis without a known verdict was not checked."""
    return min((known_verdict(verdicts, axis) for axis in AXES), key=VERDICTS.index)


def known_verdict(verdicts: Mapping[str, str], axis: str) -> str:
    """The verdict on an axis; `not checked` where none is known."""
    found = verdicts.get(axis, UNCHECKED)
    return found if found in VERDICTS else UNCHECKED
