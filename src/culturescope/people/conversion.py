"""From a model's scores to raw item means: two conversions, each a straight line per item.

- `paper`: value = negative end + s (positive end - negative end), with the mean score s. A model without values (s = 0.5)
  gets the middle of every scale, where hardly any society lives.
- `anchored`: value = mean over societies + sd over societies (k d + intercept), positive pole up, with the mean value
  logit d. A model without values (d = 0) gets the mean of the societies.

Mean and sd are those of the societies of the fit, so d = 0 lies exactly on the mean of their official positions unless a
calibration sets another intercept. Without one, k = 1 and intercept = 0: a convention that fixes the scale of the map.

The calibration is a line through the personas of G societies. k is the slope of people's z on the personas' d within
items, k = sum dd zz / sum dd^2 with both taken from their item's mean over the G societies: an item on which every persona
answers alike tells nothing of how they follow, and would otherwise pass chance agreement of ten items as success. The
line then goes through the means of all pairs. The societies are the sample: intervals are those of the delete-one-society
jackknife, t with G - 1 degrees of freedom (Hansen 2022, "Jackknife standard errors for clustered regression").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.people.placement import AXES, Calibration, Conversion, known_verdict
from culturescope.people.projection import Projection
from culturescope.people.tables import item_range

Floats = NDArray[np.float64]
FEWEST = 5
"""Societies that a calibration needs: with fewer the interval of k is too wide to find any line."""


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
    k, intercept = (calibration.k, calibration.intercept) if calibration else (1.0, 0.0)
    unit = units(projection)
    return Conversions(name, "d", projection.means.mean(axis=0) + unit * intercept, unit * k)


def signs(projection: Projection) -> Floats:
    """+1 where the positive pole is the high end of the item's scale, else -1 (10)."""
    return np.array([1.0 if i.positive_end == "high" else -1.0 for i in projection.people.items])


def units(projection: Projection) -> Floats:
    """One sd over the societies of the fit, positive pole up, on each item's own scale (10)."""
    return np.asarray(signs(projection) * projection.means.std(axis=0, ddof=1))


def calibrate(
    personas: Mapping[str, Mapping[str, float]],
    verdicts: Mapping[str, str],
    projection: Projection,
    *,
    persona: str | None = None,
    model: str | None = None,
) -> Calibration:
    """Fits k and intercept on a model that answers as people of several societies.

    Args:
        personas: society (code or name) to item id to the persona's mean value logit d, on all ten items.
        verdicts: axis id to verdict of the model that answers.
        projection: the map, with the societies' item means.
        persona: kind of persona, kept with the result.
        model: name of the model, kept with the result.

    Raises:
        BadInputError: the model is not interpretable on both axes, fewer than five societies have means of all ten items, an
            answer is missing, or the interval of k does not lie above zero: such personas do not follow their societies.
    """
    for axis in AXES:
        if (verdict := known_verdict(verdicts, axis)) != "interpretable":
            raise BadInputError(
                f"{model or 'the model'} is {verdict} on axis {axis}, so its personas cannot calibrate the map: "
                "that takes a model that is interpretable on both axes (culturescope audit MODEL)"
            )
    people = projection.people
    d, z, used, left_out = [], [], [], []
    for name, answers in personas.items():
        code = people.society(name).code
        means = people.item_means.get(code)
        if means is None or means.missing(people.item_ids):
            left_out.append(code)
        elif code in used:
            raise BadInputError(f"{code} was given twice: a calibration takes each society once")
        else:
            used.append(code)
            d.append(_answers(code, answers, people.item_ids))
            z.append([means.means[i] for i in people.item_ids])
    if len(used) < FEWEST:
        without = f" ({', '.join(left_out)}: no means of all ten items)" if left_out else ""
        raise BadInputError(
            f"a calibration needs personas of {FEWEST} societies or more with means of all ten items, not {len(used)}{without}"
        )
    from scipy.special import stdtrit

    scores = (np.array(z) - projection.means.mean(axis=0)) / units(projection)
    line, covariance, r = _line(np.array(d), scores)
    half = float(stdtrit(len(used) - 1, 0.975)) * np.sqrt(covariance.diagonal())
    (k, intercept), (k_half, intercept_half) = line.tolist(), half.tolist()
    if not k - k_half > 0:
        raise BadInputError(
            f"the personas do not follow their societies: k = {k:.2f}, 95% interval {k - k_half:.2f} to {k + k_half:.2f} "
            f"over {len(used)} societies, must lie above 0; the map stays at k = 1"
        )
    (kk, ka), (_, aa) = covariance.tolist()
    return Calibration(
        k=k,
        intercept=intercept,
        k_interval=(k - k_half, k + k_half),
        intercept_interval=(intercept - intercept_half, intercept + intercept_half),
        covariance=((kk, ka), (ka, aa)),
        freedom=len(used) - 1,
        shrinkage=1 - abs(r),
        societies=tuple(used),
        left_out=tuple(left_out),
        persona=persona,
        model=model,
    )


def _answers(code: str, answers: Mapping[str, float], items: tuple[str, ...]) -> list[float]:
    missing = [i for i in items if not np.isfinite(answers.get(i, np.nan))]
    if missing:
        raise BadInputError(
            f"the persona of {code} has no value logit on {', '.join(missing)}: a calibration needs all ten items "
            "(a larger --limit)"
        )
    return [float(answers[i]) for i in items]


def _line(d: Floats, z: Floats) -> tuple[Floats, Floats, float]:
    """k and intercept (2), their jackknife covariance (2 x 2), and r within items, of societies x items."""
    count = len(d)
    whole, r = _fit(d, z)
    without = np.array([_fit(np.delete(d, n, axis=0), np.delete(z, n, axis=0))[0] for n in range(count)])
    off = without - whole
    return whole, (count - 1) / count * off.T @ off, r


def _fit(d: Floats, z: Floats) -> tuple[Floats, float]:
    x, y = d - d.mean(axis=0), z - z.mean(axis=0)
    if not (x**2).sum() > 1e-12 * max(1.0, float((d**2).sum())):
        raise BadInputError(
            "a calibration needs value logits that differ between personas; these answer all alike"
        )
    k = float((x * y).sum() / (x**2).sum())
    r = float((x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum()))
    return np.array([k, z.mean() - k * d.mean()]), r
