"""A finished run, opened: its results, its samples, and both as tables."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError
from culturescope.exporting.tables import TABLES, Columns, table_of
from culturescope.instrument import Pack
from culturescope.probing.reading import describe, verdicts_of
from culturescope.probing.results import Results
from culturescope.runs import Manifest

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl


@dataclass(frozen=True, eq=False)
class LoadedRun:
    """A finished run of audit or probe.

    Args:
        path: its folder.
        manifest: `run.json`.
        results: positions, check and verdict, computed from the samples.
        samples: every prompt with its letters (rows of `samples.jsonl`), in the order of the design.
        pack: the instrument.
    """

    path: Path
    manifest: Manifest
    results: Results
    samples: tuple[Mapping[str, Any], ...]
    pack: Pack

    @property
    def model_name(self) -> str:
        """The model's name."""
        return str(self.manifest.model.get("name") or self.path.name)

    @property
    def verdicts(self) -> dict[str, str]:
        """Verdict of each axis: interpretable, weak, not interpretable, or not checked."""
        return verdicts_of(self.results)

    def table(self, name: str = "scores") -> Columns:
        """A table as columns: name of the column to its values.

        Args:
            name: `samples` (a row a prompt), `scores` (d, b, letter mass and s of each scenario in each wording, without and
                with personas) or `positions` (what the results hold, with intervals and verdicts).

        Raises:
            BadInputError: another name.
        """
        return table_of(self, name)

    def to_pandas(self, name: str = "scores") -> pd.DataFrame:
        """A table as a pandas data frame; arguments and errors are those of `table`.

        Raises:
            BadInputError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise BadInputError(
                'to_pandas needs pandas: pip install "culturescope[pandas]" (to_polars needs nothing more)'
            ) from None
        return pandas.DataFrame(self.table(name))

    def to_polars(self, name: str = "scores") -> pl.DataFrame:
        """A table as a polars data frame; arguments and errors are those of `table`."""
        import polars

        return polars.DataFrame(self.table(name), infer_schema_length=None)

    def __str__(self) -> str:
        """Verdict and position of each axis, with intervals."""
        return "\n".join((f"{self.model_name}, {self.path}", *describe(self.results, self.pack)))


def load_run(path: str | os.PathLike[str]) -> LoadedRun:
    """Opens a finished run of audit or probe.

    Args:
        path: its folder.

    Raises:
        BadInputError: it is a direct survey.
        RunFolderError: no run, or some of its prompts have no answer yet.

    Example:
        >>> run = load_run("runs/2026-01-31-model-1a2b3c")
        >>> run.to_pandas("positions").query("item.isna()")[["axis", "d", "d_low", "d_high", "verdict"]]
    """
    from culturescope.experiments.audit import answered_rows, design_of, results_of
    from culturescope.experiments.survey import is_survey
    from culturescope.runs import RunFolder

    folder = RunFolder.open(path)
    if is_survey(folder):
        raise BadInputError(
            f"{folder.path} is a direct survey; runs of audit and probe are loaded and exported (its own files are JSON: "
            "results.json, samples.jsonl)"
        )
    design = design_of(folder)
    rows = answered_rows(folder, design)
    return LoadedRun(folder.path, folder.manifest, results_of(rows, design), tuple(rows), design.load_pack())


def probed(run: LoadedRun) -> Sequence[Mapping[str, Any]]:
    """The samples of the probe without persona."""
    from culturescope.probing.tasks import probe_rows

    return probe_rows(run.samples)


__all__ = ["TABLES", "LoadedRun", "load_run", "probed"]
