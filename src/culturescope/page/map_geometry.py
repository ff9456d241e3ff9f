"""The shapes of the map: ellipses of 95%, the outlines of zones, and the part of the plane that is shown.

Outlines are this project's own. Each society spreads a Gaussian of width `SPREAD` around it; f_z is the sum over
the n_z societies of zone z. A zone owns the points where

    f_z >= LEVEL   and   f_z / n_z^EVEN >= GAP * f_w / n_w^EVEN   for every other zone w,

and that lie at most `BEYOND` outside of the convex hull of all societies, so that no outline covers ground where
nobody lives. So zones never overlap and a zone of few societies holds its ground beside one of many. A part that holds
one society alone is left out when the zone has a larger one: a society far from the rest of its zone stays
outside of the outline. A zone that owns no ground gets a circle for each of its societies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from culturescope.page.map_figure import NO_ZONE, MapFigure, SocietyPoint, zone_of
from culturescope.people import spread
from culturescope.people.placement import Placement

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Field = NDArray[np.float64]

Point = tuple[float, float]
SPREAD, LEVEL, GAP, EVEN, STEP = 0.27, 0.6, 1.1, 0.45, 0.04
BEYOND = 0.05
CORNERS = 96


@dataclass(frozen=True)
class Frame:
    """The part of the plane that is shown, in units of the map."""

    left: float
    right: float
    bottom: float
    top: float

    @property
    def ratio(self) -> float:
        """Height over width: the same unit on both axes."""
        return (self.top - self.bottom) / (self.right - self.left)


@dataclass(frozen=True)
class Zone:
    """The outline of a zone: closed rings, and points of its inside where its name may stand."""

    name: str
    rings: tuple[tuple[Point, ...], ...]
    inside: tuple[Point, ...]


def half_axes(placement: Placement) -> tuple[float, float]:
    """Half the length of the longer and of the shorter axis of the ellipse of 95%."""
    import numpy as np

    values = np.linalg.eigvalsh(np.asarray(placement.covariance, dtype=float))
    short, long = (math.sqrt(max(float(v), 0.0) * placement.radius2) for v in values)
    return long, short


def ellipse(placement: Placement, corners: int = CORNERS) -> tuple[Point, ...]:
    """The ellipse as a polygon: c + sqrt(radius2) S^(1/2) (cos t, sin t), with covariance S and centre c.

    Every corner u has (u - c)' S^-1 (u - c) = radius2.
    """
    import numpy as np

    values, vectors = np.linalg.eigh(np.asarray(placement.covariance, dtype=float))
    angles = np.linspace(0, 2 * math.pi, corners, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)])
    root = vectors * np.sqrt(np.clip(values, 0, None))
    points = math.sqrt(max(placement.radius2, 0.0)) * root @ circle
    return tuple((placement.x + float(x), placement.y + float(y)) for x, y in points.T)


def holds(placement: Placement, x: float, y: float) -> bool:
    """Whether a point lies in the ellipse of 95%; in one without any area lies nothing."""
    import numpy as np

    away = np.array([x - placement.x, y - placement.y])
    covariance = np.asarray(placement.covariance, dtype=float)
    if np.linalg.det(covariance) <= 0:
        return False
    return float(away @ np.linalg.solve(covariance, away)) <= placement.radius2


def holds_null(figure: MapFigure, placement: Placement) -> bool:
    """Whether a place cannot be told from that of a model without values: its ellipse holds one of its nulls."""
    drawn = [
        (p.x, p.y)
        for p in figure.placements
        if p.kind == "null"
        and p.conversion == placement.conversion
        and p.run in (None, placement.label)
        and p.domain in (None, placement.domain)
    ]
    return spread.holds_null(placement) or any(holds(placement, x, y) for x, y in drawn)


def covered(societies: tuple[SocietyPoint, ...], x: float, y: float) -> bool:
    """Whether the outline of some zone covers a point."""
    return any(within((x, y), ring) for zone in outlines(societies) for ring in zone.rings)


def band_of(placement: Placement) -> tuple[Point, ...]:
    """The outline of what missing answers leave open that is drawn: those under personas are left to the tables."""
    return placement.open if placement.society is None else ()


def frame_of(figure: MapFigure, reach: float = 0.9) -> Frame:
    """All societies, outlines and places with room around them; of ellipses and bands at most `reach` beyond the societies."""
    societies = [(s.x, s.y) for s in figure.societies]
    left, right = min(x for x, _ in societies) - reach, max(x for x, _ in societies) + reach
    bottom, top = min(y for _, y in societies) - reach, max(y for _, y in societies) + reach
    bound = [
        (min(max(x, left), right), min(max(y, bottom), top))
        for placement in figure.placements
        for x, y in (*ellipse(placement, 24), *band_of(placement))
    ]
    bound += [point for zone in outlines(figure.societies) for ring in zone.rings for point in ring]
    inner = [*societies, *((p.x, p.y) for p in figure.placements)]
    inner += [spot for way in figure.steps for spot in way.spots]
    xs = [
        *(x + side for x, _ in inner for side in (-0.3, 0.3)),
        *(x + side for x, _ in bound for side in (-0.1, 0.1)),
    ]
    ys = [
        *(y + side for _, y in inner for side in (-0.3, 0.3)),
        *(y + side for _, y in bound for side in (-0.1, 0.1)),
    ]
    return Frame(min(xs), max(xs), min(ys), max(ys))


@lru_cache(maxsize=4)
def outlines(societies: tuple[SocietyPoint, ...]) -> tuple[Zone, ...]:
    """The zones with their outlines; societies without a zone have none."""
    import numpy as np

    members: dict[str, list[Point]] = {}
    for society in societies:
        if zone_of(society) != NO_ZONE:
            members.setdefault(zone_of(society), []).append((society.x, society.y))
    if not members:
        return ()
    everyone = [point for points in members.values() for point in points]
    room = 3 * SPREAD
    xs = np.arange(min(x for x, _ in everyone) - room, max(x for x, _ in everyone) + room, STEP)
    ys = np.arange(min(y for _, y in everyone) - room, max(y for _, y in everyone) + room, STEP)
    fields = {
        name: sum(
            (np.exp(-((xs[None, :] - x) ** 2 + (ys[:, None] - y) ** 2) / (2 * SPREAD**2)) for x, y in points),
            start=np.zeros((len(ys), len(xs))),
        )
        for name, points in members.items()
    }
    apart = _apart(np.array([(s.x, s.y) for s in societies]), xs, ys)
    found = []
    for name in sorted(members):
        weight = {other: (len(members[name]) / len(members[other])) ** EVEN for other in members}
        rivals = [GAP * weight[other] * field for other, field in fields.items() if other != name]
        bar = np.max([np.full((len(ys), len(xs)), LEVEL), *rivals], axis=0)
        margin = np.minimum(np.log(fields[name] + 1e-12) - np.log(bar), BEYOND - apart)
        rings = _worth(_rings(margin, xs, ys), members[name])
        rings = rings or [_circle(x, y) for x, y in members[name]]
        rows, columns = np.nonzero(margin[::3, ::3] > 0)
        inside = [(float(xs[3 * c]), float(ys[3 * r])) for r, c in zip(rows, columns, strict=True)]
        inside = [point for point in inside if any(within(point, ring) for ring in rings)]
        found.append(Zone(name, tuple(_smooth(ring) for ring in rings), tuple(inside or members[name])))
    return tuple(found)


def _apart(spots: Field, xs: Field, ys: Field) -> Field:
    """How far each point of a grid lies outside of the convex hull of some spots, negative inside of it.

    Distance to a convex set is convex, so between two grid points it is never more than the line between theirs says:
    a contour of it that is drawn by marching squares stays within the true one. Spots on one line bound nothing.
    """
    import numpy as np
    from scipy.spatial import ConvexHull, QhullError

    try:
        hull = ConvexHull(spots)
    except QhullError:
        return np.full((len(ys), len(xs)), -np.inf, dtype=np.float64)
    grid = np.stack(np.meshgrid(xs, ys), axis=-1)
    beyond = (grid @ hull.equations[:, :2].T + hull.equations[:, 2]).max(axis=-1)
    corners = spots[hull.vertices]
    to_side = []
    for start, side in zip(corners, np.roll(corners, -1, axis=0) - corners, strict=True):
        share = np.clip((grid - start) @ side / (side @ side), 0, 1)
        to_side.append(np.linalg.norm(grid - start - share[..., None] * side, axis=-1))
    apart: Field = np.where(beyond > 0, np.min(to_side, axis=0), beyond)
    return apart


def _circle(x: float, y: float, corners: int = 36) -> tuple[Point, ...]:
    radius = SPREAD * math.sqrt(-2 * math.log(LEVEL))
    angles = [2 * math.pi * k / corners for k in range(corners)]
    return tuple((x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles)


def _worth(rings: Sequence[tuple[Point, ...]], members: Sequence[Point]) -> list[tuple[Point, ...]]:
    """Rings that hold two societies or more; without such a ring those that hold one; holes hold none of them."""
    counted = [(sum(within(point, ring) for point in members), ring) for ring in rings if _area(ring) > 0]
    most = max((number for number, _ in counted), default=0)
    return [ring for number, ring in counted if number >= min(2, most) and number > 0]


def _rings(margin: Field, xs: Field, ys: Field) -> list[tuple[Point, ...]]:
    """The lines where the field is zero, by marching squares; the inside lies to their left."""
    inside = margin > 0
    crossing: dict[tuple[int, int, int], tuple[int, int, int]] = {}
    mixed = inside[:-1, :-1].astype(int) + inside[:-1, 1:] + inside[1:, :-1] + inside[1:, 1:]
    for row, column in zip(*((mixed > 0) & (mixed < 4)).nonzero(), strict=True):
        r, c = int(row), int(column)
        # Corners counter-clockwise from the lower left, and the edges that follow them (0: along x, 1: along y).
        corners = [
            bool(inside[r, c]),
            bool(inside[r, c + 1]),
            bool(inside[r + 1, c + 1]),
            bool(inside[r + 1, c]),
        ]
        edges = [(0, r, c), (1, r, c + 1), (0, r + 1, c), (1, r, c)]
        leave = [edges[k] for k in range(4) if corners[k] and not corners[(k + 1) % 4]]
        enter = [edges[k] for k in range(4) if not corners[k] and corners[(k + 1) % 4]]
        # At a saddle each exit is joined to the entry that cuts the two corners of the inside apart.
        if len(leave) == 2 and edges.index(enter[0]) > edges.index(leave[0]):
            enter.reverse()
        crossing.update(zip(leave, enter, strict=True))

    def place(edge: tuple[int, int, int]) -> Point:
        along, r, c = edge
        first, second = margin[r, c], margin[r + along, c + 1 - along]
        share = float(first / (first - second))
        return (
            float(xs[c]) + (1 - along) * share * STEP,
            float(ys[r]) + along * share * STEP,
        )

    rings = []
    while crossing:
        start, edge = crossing.popitem()
        ring = [place(start)]
        while edge != start and edge in crossing:
            ring.append(place(edge))
            edge = crossing.pop(edge)
        if edge == start and len(ring) > 3:
            rings.append(tuple(ring))
    return sorted(rings, key=lambda ring: -abs(_area(ring)))


def _area(ring: Sequence[Point]) -> float:
    pairs = zip(ring, (*ring[1:], ring[0]), strict=True)
    return sum(x * v - u * y for (x, y), (u, v) in pairs) / 2


def within(point: Point, ring: Sequence[Point]) -> bool:
    """Whether a point lies inside of a closed ring (even-odd rule)."""
    x, y = point
    odd = False
    for (a, b), (u, v) in zip(ring, (*ring[1:], ring[0]), strict=True):
        if (b > y) != (v > y) and x < (u - a) * (y - b) / (v - b) + a:
            odd = not odd
    return odd


def _smooth(ring: Sequence[Point], passes: int = 12) -> tuple[Point, ...]:
    """The ring with its steps worn off (a moving mean), every second corner kept."""
    points = list(ring)
    for _ in range(passes):
        ahead, behind = points[1:] + points[:1], points[-1:] + points[:-1]
        points = [
            (0.25 * a + 0.5 * x + 0.25 * u, 0.25 * b + 0.5 * y + 0.25 * v)
            for (a, b), (x, y), (u, v) in zip(behind, points, ahead, strict=True)
        ]
    kept = points[::2] if len(points) > 24 else points
    return tuple((round(x, 3), round(y, 3)) for x, y in kept)
