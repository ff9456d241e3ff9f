"""From a model's scores to raw item means: two conversions, each a straight line per item.

- `paper`: value = negative end + s (positive end - negative end), with the mean score s. A model without values (s = 0.5)
  gets the middle of every scale, where hardly any society lives.
- `anchored`: value = mean over societies + sd over societies (k d + intercept), positive pole up, with the mean value
  logit d. A model without values (d = 0) gets the mean of the societies.

Mean and sd are those of the societies of the fit, so d = 0 lies exactly on the mean of their official positions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.people.placement import Conversion
from culturescope.people.projection import Projection
from culturescope.people.tables import item_range

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """How far a logit of d moves on people's scale: z = k d + intercept, z in sd over societies, positive pole up.

    `shrinkage` is the share of the societies' spread that the line does not give back: 1 - |r|, with r the correlation of
    z and d (a least-squares line has |r| times the spread of z). `pairs` counts society x item.
    """

    k: float = 1.0
    intercept: float = 0.0
    shrinkage: float | None = None
    societies: tuple[str, ...] = ()
    pairs: int = 0


@dataclass(frozen=True, eq=False)
class Conversions:
    """A conversion as straight lines: raw item mean = base + gain x (mean of the measure), items as in the projection."""

    name: Conversion
    measure: Literal["d", "s"]
    base: Floats
    gain: Floats

    @property
    def null(self) -> float:
        """The measure of a model without values."""
        return 0.0 if self.measure == "d" else 0.5

    def values(self, measured: Floats) -> Floats:
        """Raw item means (10) from the means of the measure (10)."""
        return np.asarray(self.base + self.gain * measured)


def conversion_of(
    name: Conversion, projection: Projection, calibration: Calibration | None = None
) -> Conversions:
    """The straight lines of a conversion.

    Raises:
        BadInputError: unknown name, or a calibration with `paper`, which has none.
    """
    if name == "paper":
        if calibration is not None:
            raise BadInputError("a calibration belongs to the conversion anchored; paper has none")
        low, high = np.array([item_range(i) for i in projection.people.items]).T
        up = signs(projection)
        return Conversions(name, "s", np.where(up > 0, low, high), up * (high - low))
    if name != "anchored":
        raise BadInputError(f'conversion "{name}" is not one of anchored, paper')
    line = calibration or Calibration()
    unit = signs(projection) * projection.means.std(axis=0, ddof=1)
    return Conversions(name, "d", projection.means.mean(axis=0) + unit * line.intercept, unit * line.k)


def signs(projection: Projection) -> Floats:
    """+1 where the positive pole is the high end of the item's scale, else -1 (10)."""
    return np.array([1.0 if i.positive_end == "high" else -1.0 for i in projection.people.items])


def calibrate(personas: Mapping[str, Mapping[str, float]], projection: Projection) -> Calibration:
    """Fits k and intercept on a model that answers as people of several societies.

    Args:
        personas: society (code or name) to item id to the persona's mean value logit d.
        projection: the map, with the societies' item means.

    Raises:
        BadInputError: fewer than three societies, one without item means, or d that does not vary or falls where people's
            means rise.
    """
    people = projection.people
    codes = [people.society(name).code for name in personas]
    if len(set(codes)) < 3:
        raise BadInputError(f"a calibration needs personas of three societies or more, not {len(set(codes))}")
    centre, spread = projection.means.mean(axis=0), projection.means.std(axis=0, ddof=1)
    unit = dict(zip(people.item_ids, zip(centre, signs(projection) * spread, strict=True), strict=True))
    d, z = [], []
    for code, answers in zip(codes, personas.values(), strict=True):
        if code not in people.item_means:
            raise BadInputError(f"{code} has no item means in these tables, so it cannot calibrate anything")
        means = people.item_means[code].means
        for item, value in answers.items():
            if item in means:
                d.append(float(value))
                z.append((means[item] - unit[item][0]) / unit[item][1])
    if len(d) < 3 or not np.isfinite(d).all() or np.ptp(d) == 0:
        raise BadInputError("a calibration needs value logits that are numbers and differ between personas")
    k, intercept = np.polyfit(d, z, 1)
    if k <= 0:
        raise BadInputError(
            "the personas do not follow their societies (k is not positive), so they cannot calibrate the map"
        )
    r = float(np.corrcoef(d, z)[0, 1])
    return Calibration(float(k), float(intercept), 1 - abs(r), tuple(codes), len(d))
