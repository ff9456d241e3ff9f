"""Arrays in, figures out: intervals of positions, the band of value-free personas, sizes of studies."""

from culturescope.stats.bands import null_band, wilson
from culturescope.stats.intervals import IntervalEstimate, cell_intervals, crossed_interval
from culturescope.stats.planning import Spread, scenarios_needed, spread

__all__ = [
    "IntervalEstimate",
    "Spread",
    "cell_intervals",
    "crossed_interval",
    "null_band",
    "scenarios_needed",
    "spread",
    "wilson",
]
