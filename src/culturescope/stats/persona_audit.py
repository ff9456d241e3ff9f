"""The persona audit: do a model's places under personas follow the places of the people they stand for?

S societies have a human place h and a place m that the model takes under their personas. On each axis: the slope and R2
of m on h, and the ratio of spreads sd(m) / sd(h), below one where personas flatten what differs among people. And the
change of the distance to the own society's people, against no persona.

Intervals have two sources, joined by the root of the sum of squares on each side (Zou and Donner 2008, Statistics in
Medicine 27, 1693-1702):

- societies: they stand for societies like them, so figures over them have the intervals of samples of S with normal
  places. Slope: t with S - 2 degrees of freedom. R2: Fisher's z of the correlation (1915, Biometrika 10, 507-521).
  Spreads: Pitman's and Morgan's exact interval for two variances of the same units (1939, Biometrika 31, 9-19). Mean
  change: t with S - 1. (Bootstraps of four societies draw the same one four times in 1.5% of cases; percentiles of
  their slopes covered 91% in a simulation, at 1.5 times the width of these.)
- answers: B joint draws of the places (one draw takes the same scenarios and wordings for all personas and for none).
  Noise that differs between societies is in their scatter and is not counted again. What all of them share along h (in
  the mean change: at all) is invisible there; the draws show it, and it is taken as normal.

Errors of the human places are not counted. What cannot be estimated is None, with the reason: never NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from culturescope.errors import BadInputError
from culturescope.stats.bands import check_level, wilson
from culturescope.stats.distances import euclid

Floats = NDArray[np.float64]

FEW = 10
"""Below this many societies the audit says how little they tell."""
FLAT = 1e-6
"""Spread, relative to that of the people (around the line: to that of the model), that counts as none."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval; `note` says why a part is None."""

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True)
class AxisAudit:
    """How the model's coordinates follow those of people on one axis.

    `r2` and `spread_ratio` are those of the places as measured: noise of the answers lowers R2 and widens the spread.
    `spread_ratio_less_noise` takes the draws' variance between societies out of the model's spread (no interval).
    """

    slope: Estimate
    r2: Estimate
    spread_ratio: Estimate
    spread_ratio_less_noise: Estimate


@dataclass(frozen=True)
class DistanceAudit:
    """Distance to the own people with the persona less that without; below zero the persona brings the model nearer.

    `with_persona`, `without`: distances (S). `changes`: of each society, with the interval of the answers. `mean_here`: mean
    over these societies, interval of the answers; `mean`: the same mean as an estimate for societies like these.
    """

    with_persona: tuple[float, ...]
    without: tuple[float, ...]
    changes: tuple[Estimate, ...]
    mean_here: Estimate
    mean: Estimate


@dataclass(frozen=True)
class PersonaAudit:
    """The audit of S societies; `caveat` is empty or says how little so few of them tell."""

    x: AxisAudit
    y: AxisAudit
    distance: DistanceAudit
    societies: int
    caveat: str


@dataclass(frozen=True)
class RateChange:
    """Two rates with Wilson intervals, and their difference (`after` less `before`) with Newcombe's."""

    before: Estimate
    after: Estimate
    difference: Estimate


def persona_audit(
    human: ArrayLike,
    model: ArrayLike,
    none: ArrayLike,
    draws: ArrayLike | None = None,
    none_draws: ArrayLike | None = None,
    *,
    level: float = 0.95,
) -> PersonaAudit:
    """Audits places under personas against those of people.

    Args:
        human: places of the people (S x 2), order x, y.
        model: places of the model under their personas (S x 2).
        none: its place without persona (2).
        draws: of `model` (B x S x 2), B of 100 or more; None leaves the answers' part of intervals out.
        none_draws: of `none` (B x 2), joint with `draws`: the same draw of scenarios and wordings in the same row.
        level: of the intervals.

    Raises:
        BadInputError: shapes do not fit, a place is not finite, only one of the two draws is given, or fewer than 100.
        ValueError: level is outside of (0, 1).
    """
    check_level(level)
    people = _finite("human", human, (None, 2))
    count = len(people)
    places = _finite("model", model, (count, 2))
    alone = _finite("none", none, (2,))
    if (draws is None) != (none_draws is None):
        raise BadInputError(
            "draws of the places with and without persona must be given together: they are paired"
        )
    drawn = alone_drawn = None
    if draws is not None and none_draws is not None:
        drawn = _finite("draws", draws, (None, count, 2))
        alone_drawn = _finite("none_draws", none_draws, (len(drawn), 2))
        if len(drawn) < 100:
            raise BadInputError(f"draws: 100 or more are needed, not {len(drawn)}")
    x, y = (
        axis_audit(people[:, n], places[:, n], None if drawn is None else drawn[..., n], level=level)
        for n in (0, 1)
    )
    rest = (
        f"rest on {count - 2} degree{'s' if count > 3 else ''} of freedom"
        if count > 2
        else "are not estimable"
    )
    who = "society tells" if count == 1 else "societies tell"
    caveat = f"{count} {who} little of others: slopes, R2 and spreads {rest}" if count < FEW else ""
    return PersonaAudit(x, y, _distances(people, places, alone, drawn, alone_drawn, level), count, caveat)


def axis_audit(
    human: ArrayLike, model: ArrayLike, draws: ArrayLike | None = None, *, level: float = 0.95
) -> AxisAudit:
    """Slope, R2 and ratio of spreads of model on human coordinates, one axis.

    Args:
        human: (S).
        model: (S).
        draws: of `model` (B x S), or None.
        level: of the intervals.

    Raises:
        BadInputError: shapes do not fit or a coordinate is not finite.
        ValueError: level is outside of (0, 1).
    """
    from scipy.special import ndtri

    check_level(level)
    h = _finite("human", human, (None,))
    m = _finite("model", model, h.shape)
    d = None if draws is None else _finite("draws", draws, (None, len(h)))
    if len(h) < 3 or np.ptp(h) <= FLAT:
        why = (
            f"three societies are needed, not {len(h)}"
            if len(h) < 3
            else "the people of these societies do not differ"
        )
        return AxisAudit(*[_not_estimable(why)] * 4)
    if m.std() <= FLAT * h.std():
        why = "the model's coordinates do not differ between personas"
        flat = Estimate(0.0, note=f"interval not estimable: {why}")
        return AxisAudit(flat, _not_estimable(why), flat, _not_estimable(why))
    less_noise = _less_noise(h, m, d)
    centred = h - h.mean()
    slope = float(centred @ m / (centred @ centred))
    rest = m - m.mean() - slope * centred
    if rest.std() <= FLAT * m.std():
        note = "interval not estimable: the places lie on a line exactly"
        ratio = float(m.std() / h.std())
        return AxisAudit(
            Estimate(slope, note=note), Estimate(1.0, note=note), Estimate(ratio, note=note), less_noise
        )
    upper = (1 + level) / 2
    shift = 0.0 if d is None else float(ndtri(upper)) * float(np.sqrt(_shared_slope(d, centred)))
    return AxisAudit(
        _slope(slope, rest, centred, shift, upper),
        _r2(h, m, shift, upper),
        _spread_ratio(h, m, shift, upper),
        less_noise,
    )


def rate_change(before: tuple[int, int], after: tuple[int, int], *, level: float = 0.95) -> RateChange:
    """Compares two rates, of refusals without and with a persona for instance.

    Newcombe's hybrid score interval (1998, Statistics in Medicine 17, 873-890, method 10). It takes answers for
    independent: several samples of one question are not, and then it is too narrow.

    Args:
        before: count and total.
        after: count and total.
        level: of the intervals.

    Raises:
        BadInputError: a count is outside of 0 to its total.
        ValueError: level is outside of (0, 1).
    """
    check_level(level)
    rates = []
    for name, (hits, total) in (("before", before), ("after", after)):
        if not 0 <= hits <= total:
            raise BadInputError(f"{name}: a rate needs 0 <= count <= total, not {hits} of {total}")
        rates.append(
            Estimate(hits / total, *wilson(hits, total, level))
            if total
            else _not_estimable(f"no answers {name}")
        )
    first, second = rates
    if first.value is None or second.value is None:
        return RateChange(first, second, _not_estimable(first.note or second.note))
    (_, l1, u1), (_, l2, u2) = ((r.value, r.low or 0.0, r.high or 0.0) for r in rates)
    change = second.value - first.value
    low = change - float(np.hypot(second.value - l2, u1 - first.value))
    high = change + float(np.hypot(u2 - second.value, first.value - l1))
    return RateChange(first, second, Estimate(change, low, high))


def _distances(
    human: Floats, model: Floats, none: Floats, draws: Floats | None, none_draws: Floats | None, level: float
) -> DistanceAudit:
    from scipy.special import ndtri, stdtrit

    near, far = euclid(model, human), euclid(none, human)
    change = near - far
    count, upper, mean = len(human), (1 + level) / 2, float(change.mean())
    shared = 0.0
    if draws is None or none_draws is None:
        why = "interval not estimable: no draws of the places"
        changes = tuple(Estimate(float(v), note=why) for v in change)
        here = Estimate(mean, note=why)
    else:
        drawn = euclid(draws, human) - euclid(none_draws[:, None], human)
        # Distances grow with noise, so draws lie above the value: their spread is used, not their place.
        off = drawn - drawn.mean(axis=0)
        ends = np.quantile(off, [1 - upper, upper], axis=0)
        changes = tuple(
            Estimate(float(v), float(v + a), float(v + b)) for v, a, b in zip(change, *ends, strict=True)
        )
        low, high = np.quantile(off.mean(axis=1), [1 - upper, upper])
        here = Estimate(mean, mean + float(low), mean + float(high))
        apart = float(off.var(axis=1, ddof=1).mean()) / count if count > 1 else 0.0
        shared = max(0.0, float(off.mean(axis=1).var(ddof=1)) - apart)
    if count < 2:
        wide = Estimate(mean, note="interval not estimable: two societies are needed, not 1")
    else:
        half = float(stdtrit(count - 1, upper)) * float(change.std(ddof=1)) / np.sqrt(count)
        shift = float(ndtri(upper)) * np.sqrt(shared)
        wide = Estimate(mean, *_joined(mean, (mean - half, mean + half), (mean - shift, mean + shift)))
    return DistanceAudit(tuple(near.tolist()), tuple(far.tolist()), changes, here, wide)


def _slope(slope: float, rest: Floats, centred: Floats, shift: float, upper: float) -> Estimate:
    from scipy.special import stdtrit

    freedom = len(rest) - 2
    half = float(stdtrit(freedom, upper) * np.sqrt(rest @ rest / freedom / (centred @ centred)))
    return Estimate(slope, *_joined(slope, (slope - half, slope + half), (slope - shift, slope + shift)))


def _r2(human: Floats, model: Floats, shift: float, upper: float) -> Estimate:
    from scipy.special import ndtri

    count, r = len(human), _correlation(human, model)
    if count < 4:
        return Estimate(r**2, note=f"interval not estimable: four societies are needed, not {count}")
    at, width = np.arctanh(r), ndtri(upper) / np.sqrt(count - 3)
    moved = [np.arctanh(_correlation(human, model + sign * shift * human)) for sign in (-1, 1)]
    low, high = np.tanh(_joined(at, (at - width, at + width), (min(moved), max(moved))))
    lowest = 0.0 if low < 0 < high else min(low**2, high**2)
    return Estimate(r**2, float(lowest), float(max(low**2, high**2)))


def _spread_ratio(human: Floats, model: Floats, shift: float, upper: float) -> Estimate:
    """The interval of the variances' ratio is that ratio times k -+ sqrt(k^2 - 1), k = 1 + 2 (1 - r^2) t^2 / (S - 2)."""
    from scipy.special import stdtrit

    freedom = len(human) - 2
    k = 1 + 2 * (1 - _correlation(human, model) ** 2) * stdtrit(freedom, upper) ** 2 / freedom
    width = np.arccosh(k) / 2
    at, *moved = (np.log((model + sign * shift * human).std() / human.std()) for sign in (0, -1, 1))
    low, high = np.exp(_joined(at, (at - width, at + width), (min(at, *moved), max(at, *moved))))
    return Estimate(float(np.exp(at)), float(low), float(high))


def _shared_slope(draws: Floats, centred: Floats) -> float:
    """Variance of the slope over draws that the scatter around the line does not show."""
    off = draws - draws.mean(axis=0)
    square = float(centred @ centred)
    slopes = off @ centred / square
    rest = off - off.mean(axis=1, keepdims=True) - slopes[:, None] * centred
    seen = (rest**2).sum(axis=1) / (len(centred) - 2) / square
    return max(0.0, float(slopes.var(ddof=1) - seen.mean()))


def _less_noise(human: Floats, model: Floats, draws: Floats | None) -> Estimate:
    if draws is None:
        return _not_estimable("no draws of the places")
    noise = (draws - draws.mean(axis=0)).var(axis=1, ddof=1).mean()
    left = float(model.var(ddof=1) - noise)
    if left <= 0:
        return _not_estimable("the model's places differ no more than their noise")
    return Estimate(float(np.sqrt(left / human.var(ddof=1))), note="without interval")


def _joined(value: float, one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Two intervals of independent errors joined, each side by the root of the sum of squares."""
    low, high = (float(np.hypot(a - value, b - value)) for a, b in zip(one, other, strict=True))
    return value - low, value + high


def _correlation(a: Floats, b: Floats) -> float:
    return float(np.corrcoef(a, b)[0, 1])


def _not_estimable(why: str) -> Estimate:
    return Estimate(None, note=f"not estimable: {why}")


def _finite(name: str, given: ArrayLike, shape: tuple[int | None, ...]) -> Floats:
    array = np.asarray(given, dtype=np.float64)
    fits = array.ndim == len(shape) and all(
        want in (None, has) for want, has in zip(shape, array.shape, strict=True)
    )
    if not fits or not array.size:
        wanted = " x ".join("any" if want is None else str(want) for want in shape)
        raise BadInputError(f"{name} must be of shape {wanted}, not {array.shape}")
    if not np.isfinite(array).all():
        raise BadInputError(f"{name} holds a place that is missing or not finite: leave that society out")
    return array
