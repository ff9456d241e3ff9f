"""From measured value logits to places on the map (conversion `anchored`: d = 0 is the mean of societies)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.experiments.steer.measuring import Measured

Floats = NDArray[np.float64]


def coordinates(measured: Measured) -> Floats:
    """Places (changes, 2) in the order x, y.

    Raises:
        BadInputError: an item of the map was not measured.
    """
    items, means = measured.item_means()
    return places_of(items, means)


def places_of(items: tuple[str, ...], means: Floats) -> Floats:
    """Places (n, 2) in the order x, y, from mean value logits (n, items).

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
    return np.stack([projection.project(lines.values(row[order])) for row in means])


def projection_entanglement() -> dict[str, float]:
    """|change off the axis| / |change on it| on the map when all items of one axis alone rise by the same d.

    This much the projection entangles by itself, with axes that do not touch each other in the model.
    """
    from culturescope.people.projection import fit_projection

    items = tuple(fit_projection().people.item_ids)
    found = {}
    for column, axis in enumerate(("X", "Y")):
        moved = np.array([[1.0 if i.startswith(axis) else 0.0 for i in items], [0.0] * len(items)])
        shift = np.subtract(*places_of(items, moved))
        found[axis] = float(abs(shift[1 - column]) / abs(shift[column]))
    return found
