"""The report: one HTML file with the verdict first, charts, every prompt, and how it was made."""

from culturescope.page.document import render, write
from culturescope.page.map_figure import MapFigure, SocietyPoint
from culturescope.page.map_people import figure_of
from culturescope.page.map_section import render_map, write_map
from culturescope.page.report import AxisText, ItemText, PackText, Report

__all__ = [
    "AxisText",
    "ItemText",
    "MapFigure",
    "PackText",
    "Report",
    "SocietyPoint",
    "figure_of",
    "render",
    "render_map",
    "write",
    "write_map",
]
