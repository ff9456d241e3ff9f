"""What of a report can be taken along: the numbers of each of its charts, and the places on its map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from culturescope.page import summary
from culturescope.page.map_figure import MapFigure
from culturescope.page.readings import ScenarioReading
from culturescope.page.report import Report
from culturescope.page.report_charts import item_rows, report_charts
from culturescope.page.study_chart import StudyChart, Value
from culturescope.page.study_section import data_uri


@dataclass(frozen=True)
class Taken:
    """A download beside a chart: the name of its file, what it is, and both addresses that hold the numbers."""

    name: str
    title: str
    csv: str
    json: str

    @classmethod
    def of(cls, chart: StudyChart) -> Taken:
        """The numbers of a chart."""
        return cls(chart.id, chart.title, data_uri(chart, "csv"), data_uri(chart, "json"))


def downloads(report: Report, readings: Sequence[ScenarioReading]) -> dict[str, Taken]:
    """By the place on the page: `check-X`, `position-X`, `items-X` (all items of an axis), `scatter-X`, `bias`, `map`."""
    known = {chart.id: chart for chart in report_charts(report, readings)}
    found = {n: chart for n, chart in known.items() if not n.startswith("item-") and n != "mass"}
    # Bias and letter mass of the items are one table, also where a bias is not known.
    found["bias"] = replace(known["mass"], id="bias-and-mass", title="Bias and letter mass by item")
    for axis in report.axes:
        rows = item_rows(report, axis)
        if rows:
            some = known["mass"]
            words = summary.items_sentence(report, axis)
            found[f"items-{axis.id}"] = replace(
                some, id=f"items-{axis.id}", title=f"Items of {axis.words}", sentence=words, rows=rows
            )
    if report.map is not None and report.map.placements:
        found["map"] = replace(
            known["mass"],
            id="map",
            title="Places on the map",
            sentence="Each place with its covariance; the ellipse is where the squared distance to it is radius2.",
            rows=map_rows(report.map),
        )
    return {name: Taken.of(chart) for name, chart in found.items()}


def map_rows(figure: MapFigure) -> tuple[dict[str, Value], ...]:
    """The places of a map, one a row; societies are not among them."""
    return tuple(
        {
            "label": p.label,
            "kind": p.kind,
            "conversion": p.conversion,
            "domain": p.domain,
            "persona": p.persona,
            "society": p.society,
            "x": p.x,
            "y": p.y,
            "var_x": p.covariance[0][0],
            "cov_xy": p.covariance[0][1],
            "var_y": p.covariance[1][1],
            "radius2": p.radius2,
            "verdict": p.verdict if p.kind == "model" else None,
        }
        for p in figure.placements
    )
