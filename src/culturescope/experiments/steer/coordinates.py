"""From measured value logits to places on the map (conversion `anchored`: d = 0 is the mean of societies)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.experiments.steer.measuring import Measured
from culturescope.experiments.steer.results import Drawn, drawn_estimate

Floats = NDArray[np.float64]


def coordinates(measured: Measured) -> Floats:
    """Places (changes, 2) in the order x, y.

    Raises:
        BadInputError: an item of the map was not measured.
    """
    items, means = measured.item_means()
    return places_of(items, means)


def places_of(items: tuple[str, ...], means: Floats) -> Floats:
    """Places (..., 2) in the order x, y, from mean value logits (..., items).

    Raises:
        BadInputError: an item of the map is missing.
    """
    from culturescope.people.conversion import conversion_of
    from culturescope.people.projection import fit_projection

    projection = fit_projection()
    missing = [i for i in projection.people.item_ids if i not in items]
    if missing:
        raise BadInputError(f"a place on the map needs all its items; {', '.join(missing)} were not measured")
    order = [items.index(i) for i in projection.people.item_ids]
    lines = conversion_of("anchored", projection)
    # Both steps are linear, so a few points give all of them.
    origin = projection.project(lines.values(np.zeros(len(order))))
    unit = np.stack([projection.project(lines.values(row)) - origin for row in np.eye(len(order))])
    found: Floats = origin + np.asarray(means)[..., order] @ unit
    return found


def distances(
    measured: Measured, target: tuple[float, float], *, resamples: int = 2000, seed: int = 42
) -> list[Drawn]:
    """Euclidean distance of every change's place to a point, with intervals over scenarios (the projection as fitted).

    Raises:
        BadInputError: an item of the map was not measured, or has a single scenario.
    """
    items, means = measured.item_means()
    drawn = places_of(items, measured.item_draws(resamples, seed))
    goal = np.array(target)
    at = np.linalg.norm(places_of(items, means) - goal, axis=-1)
    spread = np.linalg.norm(drawn - goal, axis=-1)
    return [drawn_estimate(float(at[n]), spread[:, n]) for n in range(len(at))]


def projection_entanglement() -> dict[str, dict[str, float]]:
    """|change off the axis| / |change on it| on the map when all items of one axis alone rise alike (in d or s), by conversion.

    This much the projection entangles by itself, with axes that do not touch each other in the model.
    """
    from culturescope.people.conversion import conversion_of
    from culturescope.people.projection import fit_projection

    projection = fit_projection()
    items = projection.people.item_ids
    found: dict[str, dict[str, float]] = {}
    for name in ("anchored", "paper"):
        lines = conversion_of(name, projection)
        null = projection.project(lines.values(np.full(len(items), lines.null)))
        for column, axis in enumerate(("X", "Y")):
            raised = np.array([lines.null + (0.1 if i.startswith(axis) else 0.0) for i in items])
            shift = projection.project(lines.values(raised)) - null
            found.setdefault(name, {})[axis] = float(abs(shift[1 - column]) / abs(shift[column]))
    return found
