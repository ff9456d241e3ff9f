"""Where the words of the map stand: beside their mark, clear of dots, marks and each other as far as there is room.

Labels are set one after the other. Each takes that of its candidate boxes with the least cost: what it would cover,
how far it strays from its mark, and how far it would leave the plot. Lengths are pixels, y downwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Point = tuple[float, float]
WIDE_LETTER, LINE, DEAR = 0.65, 1.22, 3.0


@dataclass(frozen=True)
class Label:
    """Words beside one of several anchors: around a mark of some radius, or centred when the radius is zero.

    One that may be missed is left out when no place costs less than `DEAR`.
    """

    lines: tuple[str, ...]
    size: float
    anchors: tuple[Point, ...]
    radius: float
    home: Point
    missable: bool = False


@dataclass(frozen=True)
class Set:
    """A label in its place: the anchor, the offset of its upper edge, how its lines are aligned, and a leader.

    `leader` is the way from the anchor to a label that stands off its mark: where it starts and ends, as offsets.
    """

    anchor: int
    dx: float
    dy: float
    align: str
    leader: tuple[float, float, float, float] | None = None


def set_labels(
    labels: Sequence[Label], marks: Sequence[tuple[Point, float]], width: float, height: float
) -> list[Set | None]:
    """A place for each label, the first ones choosing first.

    Args:
        labels: what to set.
        marks: centre and radius of all dots and marks.
        width: of the plot.
        height: of the plot.
    """
    spots = np.array([(x - r, y - r, x + r, y + r, r) for (x, y), r in marks]).reshape(-1, 5)
    taken: list[Floats] = []
    places: list[Set | None] = []
    for label in labels:
        choices, boxes, strays = _candidates(label)
        costs = strays + 0.6 * _outside(boxes, width, height)
        costs += _share(_overlaps(boxes, np.array(taken).reshape(-1, 4)), 0.5, 30.0, 1.0).sum(axis=1)
        covered, radius = _overlaps(boxes, spots[:, :4]), spots[:, 4]
        costs += _share(covered, 0.4, 4 * radius**2, np.where(radius > 5, 3.0, 1.0)).sum(axis=1)
        best = int(costs.argmin())
        if label.missable and costs[best] > DEAR:
            places.append(None)
            continue
        taken.append(boxes[best])
        places.append(choices[best])
    return places


def _share(area: Floats, least: float, unit: Floats | float, weight: Floats | float) -> Floats:
    """The cost of areas that are covered; none where nothing is."""
    return np.where(area > 0, (least + area / unit) * weight, 0.0)


def _overlaps(boxes: Floats, others: Floats) -> Floats:
    """Common area of each box (n x 4: left, top, right, bottom) with each of the others (n x m)."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    return np.asarray(np.maximum(high - low, 0.0).prod(axis=2))


def _outside(boxes: Floats, width: float, height: float) -> Floats:
    """How far each box reaches out of the plot."""
    left, top, right, bottom = boxes.T
    return np.asarray(np.maximum([-left, right - width, -top, bottom - height], 0.0).sum(axis=0))


def _candidates(label: Label) -> tuple[list[Set], Floats, Floats]:
    """Places for a label, the box of each (n x 4), and what it costs to be there rather than at home (n)."""
    wide = max(len(line) for line in label.lines) * label.size * WIDE_LETTER
    high = len(label.lines) * label.size * LINE
    found: list[Set] = []
    boxes: list[tuple[float, float, float, float]] = []
    strays: list[float] = []
    for index, (x, y) in enumerate(label.anchors):
        if not label.radius:
            boxes.append((x - wide / 2, y - high / 2, x + wide / 2, y + high / 2))
            strays.append(math.hypot(x - label.home[0], y - label.home[1]) / 40)
            found.append(Set(index, 0, -high / 2, "center"))
            continue
        for ring, reach in enumerate((label.radius, label.radius + 9, label.radius + 22)):
            for turn in range(12):
                angle = math.pi * turn / 6
                dx, dy = reach * math.cos(angle), -reach * math.sin(angle)
                side = round(math.cos(angle), 3)
                align = "center" if abs(side) < 0.3 else "left" if side > 0 else "right"
                left = x + dx - wide * {"left": 0.0, "center": 0.5, "right": 1.0}[align]
                up = dy - high * (0.5 - 0.5 * round(-math.sin(angle), 3))
                boxes.append((left, y + up, left + wide, y + up + high))
                upright = 0.0 if turn in (0, 6) else 0.25
                inner, outer = 0.6 * label.radius / reach, (reach - 2) / reach
                leader = (inner * dx, inner * dy, outer * dx, outer * dy) if ring else None
                found.append(Set(index, dx, up, align, leader))
                strays.append(1.8 * ring + upright)
    return found, np.array(boxes), np.array(strays)
