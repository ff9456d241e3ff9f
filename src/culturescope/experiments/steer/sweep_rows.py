"""What each coefficient of a sweep does: values by axis and domain, place on the map, and the band of random vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.experiments.steer.coordinates import coordinates, places_of
from culturescope.experiments.steer.measuring import Measured
from culturescope.experiments.steer.results import Drawn, drawn_estimate
from culturescope.experiments.steer.sweep_results import (
    AxisAt,
    Place,
    RandomEffect,
    SweepRow,
    TextQuality,
    Where,
)
from culturescope.stats.resampling import balanced_weights, resampled_weights
from culturescope.stats.text_quality import ratio_of_means

if TYPE_CHECKING:
    from culturescope.steering.vector import SteeringVector

Floats = NDArray[np.float64]
Step = tuple[str, float]
"""Name of a vector, and its coefficient."""
Interval = tuple[float, float]


def rows_of(
    measured: Measured,
    vectors: Mapping[str, SteeringVector],
    steps: Sequence[Step],
    quality: Sequence[TextQuality | None],
    names: Sequence[str],
    seed: int,
) -> tuple[SweepRow, ...]:
    """Rows of the unsteered model and of every step.

    Args:
        measured: unsteered first, then every step.
        vectors: by name.
        steps: in the order of the changes.
        quality: unsteered first, then every step.
        names: of the domains.
        seed: of the bootstrap.
    """
    everywhere = where_of(measured, seed)
    domains = {d: measured.among(lambda s, d=d: s.domain == d) for d in names}  # type: ignore[misc]
    by_domain = {d: where_of(part, seed) for d, part in domains.items() if len(part.scenarios) > 1}
    items = [s.item for s in measured.scenarios]
    cells = [f"{s.item}/{s.domain}" for s in measured.scenarios]
    weights, draws = balanced_weights(items, cells), resampled_weights(items, cells, seed=seed)
    mass = measured.mass.mean(axis=2)
    rows = []
    for n, (name, alpha) in enumerate([(None, 0.0), *steps]):
        vector = vectors[name] if name is not None else None
        ratio = ratio_of_means(mass[n], mass[0], weights, draws)
        rows.append(
            SweepRow(
                vector=name,
                alpha=alpha,
                dose=_by_block(vector, "median_norm", alpha),
                gap=_by_block(vector, "gap", alpha),
                everywhere=everywhere[n],
                domains={d: where[n] for d, where in by_domain.items()},
                letter_mass=float(weights @ mass[n]),
                letter_mass_ratio=Drawn(value=ratio[0], low=ratio[1], high=ratio[2]),
                bias=float(weights @ measured.b[n].mean(axis=1)),
                mean_abs_b=float(weights @ np.abs(measured.b[n]).mean(axis=1)),
                quality=quality[n],
            )
        )
    return tuple(rows)


def where_of(measured: Measured, seed: int) -> list[Where]:
    """Axes and place of every change; changes are paired with the first one, on the same draws."""
    means, drawn = measured.means(), _draws(measured, seed)
    scores = _scores(measured)
    places, intervals = _places(measured, seed)
    found = []
    for n in range(len(means)):
        axes = tuple(
            AxisAt(
                axis=axis,
                d=drawn_estimate(means[n, a], drawn[:, n, a]),
                change=drawn_estimate(means[n, a] - means[0, a], drawn[:, n, a] - drawn[:, 0, a]),
                score=float(scores[n, a]),
            )
            for a, axis in enumerate(measured.axes)
            if (measured.axis == a).sum() > 1
        )
        place = None
        if places is not None:
            x, y = intervals[n] if intervals is not None else (None, None)
            place = Place(x=float(places[n, 0]), y=float(places[n, 1]), x_interval=x, y_interval=y)
        found.append(Where(axes=axes, place=place))
    return found


def _draws(measured: Measured, seed: int) -> Floats:
    """Bootstrap of the means; axes with a single scenario stay without draws."""
    enough = [a for a in range(len(measured.axes)) if (measured.axis == a).sum() > 1]
    inside = np.isin(measured.axis, enough)
    if inside.all():
        return measured.draws(seed=seed)
    ids = {s.id for s, kept in zip(measured.scenarios, inside, strict=True) if kept}
    return measured.among(lambda s: s.id in ids).draws(seed=seed)


def _scores(measured: Measured) -> Floats:
    """Mean score s = sigmoid(d) (changes, axes), weighed as the means of d."""
    from scipy.special import expit

    scored = Measured(
        measured.axes, measured.scenarios, measured.axis, expit(measured.d), measured.b, measured.mass
    )
    return scored.means()


def _places(measured: Measured, seed: int) -> tuple[Floats | None, list[tuple[Interval, Interval]] | None]:
    """Places (changes, 2) and their intervals, as far as the scenarios tell them."""
    try:
        places = coordinates(measured)
    except BadInputError:
        return None, None  # not all items of the map
    items, _ = measured.item_means()
    try:
        means = measured.item_draws(seed=seed)
    except BadInputError:
        return places, None  # an item has a single scenario
    drawn = places_of(items, means.reshape(-1, len(items))).reshape(len(means), -1, 2)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)  # (changes, 2)
    ends = [tuple((float(low[n, k]), float(high[n, k])) for k in range(2)) for n in range(len(places))]
    return places, [(x, y) for x, y in ends]


def random_effects(
    measured: Measured,
    null: Measured,
    name: str,
    steps: Sequence[Step],
    seed: int,
) -> list[RandomEffect]:
    """The vector's change at its largest coefficient beside those by random vectors.

    A change of one sign has an odd part, whose mean over random directions is 0, and an even part (any push lowers or raises
    d), whose mean is not. The band of one more vector is mean even +- t_{n-1} sqrt(mean odd^2 + (1 + 1/n) var even).
    """
    from scipy.special import stdtrit

    if not len(null.d):
        return []
    means, others = measured.means(), null.means()
    largest = largest_step(steps, name)
    at = 1 + list(steps).index((name, largest))
    drawn = _draws(measured, seed)
    found = []
    for a, axis in enumerate(measured.axes):
        if (measured.axis == a).sum() < 2:
            continue
        plus, minus = others[0::2, a] - means[0, a], others[1::2, a] - means[0, a]
        odd, even = (plus - minus) / 2, (plus + minus) / 2
        n = len(odd)
        half = float(stdtrit(n - 1, 0.975) * np.sqrt((odd**2).mean() + (1 + 1 / n) * even.var(ddof=1)))
        centre = float(even.mean())
        change = drawn_estimate(means[at, a] - means[0, a], drawn[:, at, a] - drawn[:, 0, a])
        found.append(
            RandomEffect(
                vector=name,
                axis=axis,
                alpha=largest,
                vectors=n,
                low=centre - half,
                high=centre + half,
                change=change,
                beyond=not centre - half <= change.value <= centre + half,
            )
        )
    return found


def largest_step(steps: Sequence[Step], name: str) -> float:
    """The coefficient of a vector that is largest in size."""
    return max((alpha for other, alpha in steps if other == name), key=lambda a: (abs(a), a))


def _by_block(vector: SteeringVector | None, figure: str, alpha: float) -> dict[int, float]:
    if vector is None:
        return {}
    known = getattr(vector.origin, figure)
    measure_of = vector.dose if figure == "median_norm" else vector.gaps
    return {b: measure_of(alpha, b) for b in vector.blocks if known.get(b, 0) > 0}
