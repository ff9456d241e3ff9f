"""Colours, shapes and sizes of the map.

Zones differ in colour and in shape, so that no colour has to be seen to tell them apart. Models are in ink; what may
not be read as a position is grey, dashed and hollow, as in all charts of the report.
"""

from __future__ import annotations

from collections.abc import Sequence

from culturescope.page.drawing import Theme, cycle
from culturescope.page.map_figure import NO_ZONE

FIGURE_FONT = "'Liberation Sans', Arial, 'Helvetica Neue', Helvetica, 'DejaVu Sans', sans-serif"
NARROW = 560  # pixels: below, names are shorter and smaller
ZONE_COLOURS = ("#17733f", "#a85a00", "#b3202c", "#3d3a9c", "#8a2a6b", "#0077a8", "#5b6f00", "#1b7f8c")
_CROSS = "M-1,-.62L-.62,-1L0,-.38L.62,-1L1,-.62L.38,0L1,.62L.62,1L0,.38L-.62,1L-1,.62L-.38,0Z"
ZONE_SHAPES = (
    "M.9,0A.9,.9,0,1,1,-.9,0A.9,.9,0,1,1,.9,0Z",
    "M-.8,-.8H.8V.8H-.8Z",
    "M0,-1L1,.8H-1Z",
    "M0,-1.1L1.1,0L0,1.1L-1.1,0Z",
    "M0,1L1,-.8H-1Z",
    "M0,-1L.95,-.31L.59,.81H-.59L-.95,-.31Z",
    "M-1,0L-.5,-.87H.5L1,0L.5,.87H-.5Z",
    "M0,-1.15L.3,-.36L1.09,-.36L.48,.14L.68,.95L0,.5L-.68,.95L-.48,.14L-1.09,-.36L-.3,-.36Z",
)
NO_ZONE_SHAPE = "M-.75,0A.75,.75,0,1,1,.75,0A.75,.75,0,1,1,-.75,0ZM-.4,0A.4,.4,0,1,0,.4,0A.4,.4,0,1,0,-.4,0Z"
NULL_SHAPE = _CROSS
MODEL_SHAPE = "M0,-1.1L1.1,0L0,1.1L-1.1,0Z"


def on_page(theme: Theme) -> bool:
    """Whether the colours are variables of a page, which light, dark and print set."""
    return theme.ink.startswith("var(")


def zone_colours(zones: Sequence[str], theme: Theme) -> list[str]:
    """A colour for each zone; those without one are grey."""
    known = [f"var(--zone-{n})" for n in range(1, 9)] if on_page(theme) else list(ZONE_COLOURS)
    colours = cycle(known, len(zones))
    return [theme.muted if zone == NO_ZONE else colour for zone, colour in zip(zones, colours, strict=True)]


def zone_shapes(zones: Sequence[str]) -> list[str]:
    """A symbol for each zone, as a path in the square from -1 to 1."""
    shapes = cycle(ZONE_SHAPES, len(zones))
    return [NO_ZONE_SHAPE if zone == NO_ZONE else shape for zone, shape in zip(zones, shapes, strict=True)]
