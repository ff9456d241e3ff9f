"""A section of a study's page: sentences, charts and tables, and what of it is downloaded."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field

from culturescope.page.embed import finite
from culturescope.page.study_chart import StudyChart
from culturescope.page.tables import Table


@dataclass(frozen=True)
class Section:
    """One part of a study in its place.

    Args:
        id: anchor of the section.
        lead: what was done, in sentences.
        charts: each with its own sentence.
        tables: name and table.
        notes: what limits it.
    """

    id: str
    lead: tuple[str, ...]
    charts: tuple[StudyChart, ...] = ()
    tables: tuple[tuple[str, Table], ...] = field(default_factory=tuple)
    notes: tuple[str, ...] = ()


def data_uri(chart: StudyChart, kind: str) -> str:
    """The numbers of a chart as an address that a browser downloads without a network: `csv` or `json`."""
    if kind == "csv":
        text = chart.csv
    else:
        about = {"id": chart.id, "title": chart.title, "sentence": chart.sentence, "rows": list(chart.rows)}
        text = json.dumps(finite(about), ensure_ascii=False)
    packed = base64.b64encode(text.encode("utf-8", "replace")).decode("ascii")
    return f"data:{'text/csv' if kind == 'csv' else 'application/json'};base64,{packed}"
