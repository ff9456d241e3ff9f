"""The report: one HTML file with the verdict first, charts, every prompt, and how it was made."""

from culturescope.page.document import render, write
from culturescope.page.report import AxisText, ItemText, Report

__all__ = ["AxisText", "ItemText", "Report", "render", "write"]
