"""Takes runs elsewhere: tables for pandas and polars, csv and parquet, Inspect's log, a task and results for lm-eval."""

from culturescope.exporting.exports import FORMATS, export_run, export_task
from culturescope.exporting.loading import LoadedRun, load_run

__all__ = ["FORMATS", "LoadedRun", "export_run", "export_task", "load_run"]
