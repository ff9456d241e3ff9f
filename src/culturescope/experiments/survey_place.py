"""A survey on the map: the items' means need no conversion, since they are answers on people's own scales.

The place of the answers that there are has an ellipse (wordings and projection). Missing answers leave a band open: their
place if all of them were in the middle of the scale, and how far x and y can go if all of them were at one end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from culturescope.probing.survey_results import SurveyBand, SurveyPlace, SurveyReading, SurveyResults

if TYPE_CHECKING:
    from culturescope.people import Placement, Projection

Floats = NDArray[np.float64]
NULL = "middle of every scale"


def survey_places(results: SurveyResults, projection: Projection | None = None) -> tuple[SurveyPlace, ...]:
    """The places of all readings, without persona first."""
    from culturescope.people import fit_projection

    projection = projection or fit_projection()
    return tuple(_place(reading, projection) for reading in results.readings)


def _place(reading: SurveyReading, projection: Projection) -> SurveyPlace:
    verdicts = {a.axis: str(a.verdict) for a in reading.axes}
    missing_items = [i for i in projection.people.item_ids if i not in {v.item for v in reading.items}]
    band = None if missing_items else _band(reading, projection)
    placement = None if missing_items else placement_of(reading, "", projection)
    reason = None
    if missing_items:
        reason = f"not asked: {', '.join(missing_items)}"
    elif placement is None:
        without = [v.item for v in reading.items if v.mean is None]
        reason = f"no usable answers on {', '.join(without)}"
    elif not placement.readable:
        bad = [a for a, v in verdicts.items() if v == "not interpretable"]
        reason = f"not interpretable on {' and '.join(bad)}"
    return SurveyPlace(
        instrument=reading.instrument,
        persona=reading.persona,
        society=reading.society,
        verdicts=verdicts,
        band=band,
        half_axes=None if placement is None else _half_axes(placement),
        from_null=None if placement is None else placement.displacement,
        reason=reason,
    )


def placement_of(
    reading: SurveyReading, label: str, projection: Projection | None = None
) -> Placement | None:
    """The place of the answers that there are, with its ellipse; None where an item has none.

    The covariance is that of the items' means over wordings (independent between items) and of the projection. The place
    is drawn with the conversion `paper`, which takes values as if people had given them, and so do its nulls.
    """
    from culturescope.people import Placement, fit_projection
    from culturescope.people.nearest import outside_hull
    from culturescope.people.spread import pooled

    projection = projection or fit_projection()
    known = {v.item: v.mean for v in reading.items}
    estimates = [known.get(i) for i in projection.people.item_ids]
    if any(e is None for e in estimates):
        return None
    means = np.array([e.value for e in estimates if e is not None])
    errors = []
    for slopes, value, of in zip(projection.slopes, _errors(reading, projection), estimates, strict=True):
        if value > 0 and of is not None and of.df:
            errors.append((np.outer(slopes, slopes) * value**2, of.df))
    errors.append((projection.error(means), float(projection.freedom)))
    covariance, radius2 = pooled(errors)
    point = projection.project(means)
    band = _band(reading, projection)
    shift = point - projection.project(_middles(projection))
    (xx, xy), (_, yy) = covariance.tolist()
    return Placement(
        label=label,
        kind="model",
        conversion="paper",
        x=float(point[0]),
        y=float(point[1]),
        covariance=((xx, xy), (xy, yy)),
        radius2=radius2,
        displacement=(float(shift[0]), float(shift[1])),
        outside=outside_hull(point, projection.people),
        verdicts={a.axis: str(a.verdict) for a in reading.axes},
        persona=reading.persona_kind,
        society=reading.society,
        survey=_open(band),
        open=band.corners if len(band.corners) > 1 else (),
    )


def null_placement(projection: Projection | None = None) -> Placement:
    """Where a model falls that is in the middle of every scale, as one that follows only the scale's order is on average."""
    from culturescope.people import Placement, fit_projection
    from culturescope.people.nearest import outside_hull
    from culturescope.people.spread import radius_squared

    projection = projection or fit_projection()
    means = _middles(projection)
    point = projection.project(means)
    (xx, xy), (_, yy) = projection.error(means).tolist()
    return Placement(
        label=NULL,
        kind="null",
        conversion="paper",
        x=float(point[0]),
        y=float(point[1]),
        covariance=((xx, xy), (xy, yy)),
        radius2=radius_squared(projection.freedom),
        displacement=(0.0, 0.0),
        outside=outside_hull(point, projection.people),
        verdicts={},
    )


def survey_placements(results: SurveyResults, name: str) -> list[Placement]:
    """The places that can be drawn of a survey: the null, then each reading, named by persona and instrument."""
    found = [null_placement()]
    for reading in results.readings:
        one = placement_of(reading, label_of(name, reading))
        if one is not None:
            found.append(one)
    return found


def label_of(name: str, reading: SurveyReading) -> str:
    """`NAME, direct survey (free replies)`, with the persona where there is one."""
    from culturescope.people import load_people

    how = {"text": "free replies", "options": "log-probabilities"}[reading.instrument]
    if reading.persona is None:
        return f"{name}, direct survey ({how})"
    known = load_people().societies.get(reading.society or "")
    who = known.name if known else reading.persona
    partial = ", partial" if reading.persona_missing else ""
    return f"{name} as {who} ({reading.persona_kind}{partial}), direct survey ({how})"


def _band(reading: SurveyReading, projection: Projection) -> SurveyBand:
    by_item = {v.item: v for v in reading.items}
    values = [by_item[i] for i in projection.people.item_ids]
    drop = None
    if all(v.mean is not None for v in values):
        drop = _point(projection, [v.mean.value for v in values if v.mean is not None])
    lowest, highest = np.array([v.lowest for v in values]), np.array([v.highest for v in values])
    ends = []
    for axis in (0, 1):
        up = projection.slopes[:, axis] > 0
        low = projection.project(np.where(up, lowest, highest))[axis]
        high = projection.project(np.where(up, highest, lowest))[axis]
        ends.append((float(low), float(high)))
    return SurveyBand(
        missing=1 - reading.answered,
        drop=drop,
        neutral=_point(projection, [v.neutral for v in values]),
        x=ends[0],
        y=ends[1],
        corners=_zonotope(projection.project(lowest), projection.slopes * (highest - lowest)[:, None]),
    )


def _open(band: SurveyBand) -> str:
    """What missing answers leave open, in a few words."""
    if band.missing == 0:
        return "every reply has a value"
    return (
        f"the {band.missing:.0%} of replies without a value leave x {band.x[0]:+.2f} to {band.x[1]:+.2f} and "
        f"y {band.y[0]:+.2f} to {band.y[1]:+.2f} open"
    )


def _zonotope(origin: Floats, generators: Floats) -> tuple[tuple[float, float], ...]:
    """Outline of all origin + sum of t_i g_i with t in [0, 1], counter-clockwise; a point where nothing is open."""
    moving = generators[np.abs(generators).sum(axis=1) > 1e-12]
    if not len(moving):
        return ((float(origin[0]), float(origin[1])),)
    flip = (moving[:, 1] < 0) | ((moving[:, 1] == 0) & (moving[:, 0] < 0))
    start = origin + moving[flip].sum(axis=0)
    up = np.where(flip[:, None], -moving, moving)
    up = up[np.argsort(np.arctan2(up[:, 1], up[:, 0]), kind="stable")]
    corners = [start]
    for step in (*up, *(-up)):
        corners.append(corners[-1] + step)
    return tuple((float(x), float(y)) for x, y in corners[:-1])


def _point(projection: Projection, means: Sequence[float]) -> tuple[float, float]:
    x, y = projection.project(np.array(means, dtype=float))
    return float(x), float(y)


def _middles(projection: Projection) -> Floats:
    from culturescope.people.tables import item_range

    return np.array([sum(item_range(i)) / 2 for i in projection.people.items])


def _errors(reading: SurveyReading, projection: Projection) -> list[float]:
    """Standard errors of the items' means, from their spread over wordings."""
    by_item: Mapping[str, float | None] = {v.item: v.error for v in reading.items}
    return [by_item.get(i) or 0.0 for i in projection.people.item_ids]


def _half_axes(placement: Placement) -> tuple[float, float]:
    values = np.linalg.eigvalsh(np.array(placement.covariance))
    long, short = np.sqrt(placement.radius2 * np.maximum(values[::-1], 0.0))
    return float(long), float(short)
