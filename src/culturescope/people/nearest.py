"""Which societies a place is near to, and how many of them it could be; whether it lies among societies at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from culturescope.people.placement import Nearest
from culturescope.people.tables import People

Floats = NDArray[np.float64]
SHOWN = 5
"""Societies that are listed even where one of them is clearly the nearest."""


def positions(people: People) -> Floats:
    """Places of all societies, in the order of the tables (n x 2)."""
    return np.array([[s.x, s.y] for s in people.societies.values()])


def outside_hull(point: Floats, people: People) -> bool:
    """Whether a place lies outside of the convex hull of the societies."""
    from scipy.spatial import Delaunay

    return bool(Delaunay(positions(people)).find_simplex(point) < 0)


def nearest_societies(
    point: Floats, covariance: Floats, radius2: float, people: People, drawn: Floats
) -> tuple[Nearest, ...]:
    """The five nearest societies and all that cannot be told from the nearest one, by distance.

    `frequency` is the share of bootstrap draws in which a society is the nearest. `among` allows for the choice among
    all societies (multiple comparisons with the best, Hsu 1996): for a place p, g = |p - q_j|^2 - |p - q_i|^2 is linear in
    p, with standard error 2 sqrt(u' C u), u = q_j - q_i. Society j is out when some i is nearer by more than c standard
    errors, c the critical value for the largest of all those differences. In the plane their directions fill the circle, so
    c is the radius of the 95% ellipse (Scheffe 1953), and the set holds the truly nearest society in 95% of cases. Errors of
    the societies' own positions are not counted.

    Args:
        point: the place (2).
        covariance: of the place (2 x 2).
        radius2: squared radius of its 95% ellipse.
        people: the societies.
        drawn: bootstrap draws of the place (draws x 2).
    """
    places = positions(people)
    squares = ((places - point) ** 2).sum(axis=1)
    gaps = squares[:, None] - squares
    between = places[:, None, :] - places
    errors = 2 * np.sqrt(np.maximum(np.einsum("jik,kl,jil->ji", between, covariance, between), 0.0))
    among = ~(gaps > np.sqrt(radius2) * errors).any(axis=1)
    first = ((drawn[:, None, :] - places) ** 2).sum(axis=2).argmin(axis=1)
    frequency = np.bincount(first, minlength=len(places)) / len(drawn)
    order = np.argsort(squares, kind="stable")
    listed = [n for rank, n in enumerate(order) if among[n] or rank < SHOWN]
    societies = list(people.societies.values())
    return tuple(
        Nearest(
            code=societies[n].code,
            name=societies[n].name,
            distance=float(np.sqrt(squares[n])),
            frequency=float(frequency[n]),
            among=bool(among[n]),
        )
        for n in listed
    )
