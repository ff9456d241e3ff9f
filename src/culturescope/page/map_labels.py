"""Where the words of the map stand: beside their mark, clear of dots, marks and each other as far as there is room.

Labels are set one after the other. Each takes that of its candidate boxes with the least cost: what it would cover,
how far it strays from its mark, and how far it would leave the plot. Lengths are pixels, y downwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: _Box) -> float:
        wide = min(self.right, other.right) - max(self.left, other.left)
        high = min(self.bottom, other.bottom) - max(self.top, other.top)
        return wide * high if wide > 0 and high > 0 else 0.0

    def outside(self, width: float, height: float) -> float:
        return (
            max(0, -self.left) + max(0, self.right - width) + max(0, -self.top) + max(0, self.bottom - height)
        )


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
    taken: list[_Box] = []
    places: list[Set | None] = []
    for label in labels:
        choices = _candidates(label)
        costs = [_cost(box, strays, label, taken, marks, width, height) for _, box, strays in choices]
        place, box, _ = choices[costs.index(min(costs))]
        if label.missable and min(costs) > DEAR:
            places.append(None)
            continue
        taken.append(box)
        places.append(place)
    return places


def _candidates(label: Label) -> list[tuple[Set, _Box, float]]:
    wide = max(len(line) for line in label.lines) * label.size * WIDE_LETTER
    high = len(label.lines) * label.size * LINE
    found = []
    for index, (x, y) in enumerate(label.anchors):
        if not label.radius:
            box = _Box(x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
            strays = math.hypot(x - label.home[0], y - label.home[1]) / 40
            found.append((Set(index, 0, -high / 2, "center"), box, strays))
            continue
        for ring, reach in enumerate((label.radius, label.radius + 9, label.radius + 22)):
            for turn in range(12):
                angle = math.pi * turn / 6
                dx, dy = reach * math.cos(angle), -reach * math.sin(angle)
                side = round(math.cos(angle), 3)
                align = "center" if abs(side) < 0.3 else "left" if side > 0 else "right"
                left = x + dx - wide * {"left": 0.0, "center": 0.5, "right": 1.0}[align]
                up = dy - high * (0.5 - 0.5 * round(-math.sin(angle), 3))
                box = _Box(left, y + up, left + wide, y + up + high)
                upright = 0.0 if turn in (0, 6) else 0.25
                inner, outer = 0.6 * label.radius / reach, (reach - 2) / reach
                leader = (inner * dx, inner * dy, outer * dx, outer * dy) if ring else None
                found.append((Set(index, dx, up, align, leader), box, 1.8 * ring + upright))
    return found


def _cost(
    box: _Box,
    strays: float,
    label: Label,
    taken: Sequence[_Box],
    marks: Sequence[tuple[Point, float]],
    width: float,
    height: float,
) -> float:
    cost = strays + 0.6 * box.outside(width, height)
    cost += sum(0.5 + box.overlap(other) / 30 for other in taken if box.overlap(other) > 0)
    for (x, y), radius in marks:
        mark = _Box(x - radius, y - radius, x + radius, y + radius)
        covered = box.overlap(mark)
        if covered:
            cost += (0.4 + covered / (4 * radius * radius)) * (3 if radius > 5 else 1)
    return cost
