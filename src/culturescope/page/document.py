"""The page: one HTML file that holds its charts, its prompts and its code, and asks no network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from culturescope.page import charts, summary, tables
from culturescope.page.drawing import Spec
from culturescope.page.embed import code_for_script, json_for_script, policy, prompts_blob, vega_bundle
from culturescope.page.figures import count, interval, percent, plain, signed, with_interval
from culturescope.page.map_section import map_css, map_script, map_section
from culturescope.page.personas import persona_section
from culturescope.page.provenance import provenance
from culturescope.page.readings import ScenarioReading, scenario_readings
from culturescope.page.report import NOT_READ, AxisText, Report
from culturescope.page.report_downloads import downloads
from culturescope.page.writing import write_page

if TYPE_CHECKING:
    from jinja2 import Environment

    from culturescope.page.study_view import StudyView


@dataclass(frozen=True)
class Chart:
    """A chart in its place: an id, a specification, and what it shows in words."""

    id: str
    spec: Spec
    alt: str


def render(report: Report, study: StudyView | None = None) -> str:
    """The report as one self-contained HTML document.

    Args:
        report: what to show; its samples are read once.
        study: what else a whole study has to show.
    """
    from markupsafe import Markup

    samples = [dict(sample) for sample in report.samples]
    readings = scenario_readings(samples)
    sections = [_axis_section(report, axis, readings) for axis in report.axes]
    shared = {
        "bias": Chart("bias", charts.bias_chart(report), "Mean position bias of each item.")
        if report.both_orders
        else None,
        "mass": Chart("mass", charts.mass_chart(report), "Mean letter mass of each item."),
    }
    drawn = [chart for section in sections for chart in section["charts"]]
    drawn += [chart for chart in shared.values() if chart is not None]
    scripts = [vega_bundle(), code_for_script(_file("charts.js")), code_for_script(_file("prompts.js"))]
    mapped = map_section(report.map, study.off if study else ()) if report.map else None
    if mapped:
        scripts.append(map_script())
    if study:
        scripts.append(code_for_script(_file("study.js")))
    specs = {chart.id: chart.spec for chart in drawn} | (mapped.specs if mapped else {})
    specs |= study.specs if study else {}
    safe = Markup  # what is passed through it is code of this package, base64, or JSON escaped for a script
    html = (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            policy=policy(scripts),
            css=safe(
                _file("report.css") + (map_css() if mapped else "") + (_file("study.css") if study else "")
            ),
            study=study,
            scripts=[safe(script) for script in scripts],
            specs=safe(json_for_script(specs)),
            blob=safe(prompts_blob(report, samples)),
            prompts=len(samples),
            summary=summary.sentences(report),
            sections=sections,
            shared=shared,
            map=mapped,
            personas=(study.personas if study else None) or persona_section(report),
            check_table=tables.check_table(report),
            bias_table=tables.bias_table(report),
            bias_sentence=summary.bias_sentence(report),
            agreement=summary.agreement_sentence(report.results.agreement),
            domains=charts.domains_of(report),
            taken=downloads(report, readings),
            meanings=summary.VERDICT_MEANS,
            provenance=provenance(report.run),
        )
    )
    return html.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be written to a file


def write(report: Report, path: str | os.PathLike[str], study: StudyView | None = None) -> None:
    """Writes the report to a file, whole or not at all; arguments are those of `render`.

    Raises:
        RunFolderError: the file cannot be written.
        RunFailedError: the disk is full or failed.
    """
    write_page(path, lambda: render(report, study))


def _axis_section(report: Report, axis: AxisText, readings: Sequence[ScenarioReading]) -> dict[str, Any]:
    """All that the page says of one axis."""
    check = report.check_of(axis.id)
    verdict = report.verdict_of(axis.id)
    position_words = summary.position_sentence(report, axis)
    check_words = summary.check_sentence(axis, check)
    position = Chart(f"position-{axis.id}", charts.position_chart(report, axis), position_words)
    checked = Chart(f"check-{axis.id}", charts.check_chart(report, axis), check_words) if check else None
    items = report.items_of(axis.id)
    item_charts = [
        Chart(
            f"item-{item.id}",
            charts.item_chart(report, item, title="value logit d" if item is items[-1] else None),
            f"Value logit of {item.id} {item.label} in each domain.",
        )
        for item in items
    ]
    scatter_words = summary.scatter_sentence(readings, axis)
    scattered = any(reading.axis == axis.id for reading in readings)
    scatter = (
        Chart(f"scatter-{axis.id}", charts.scatter_chart(report, readings, axis), scatter_words)
        if scattered
        else None
    )
    return {
        "axis": axis,
        "check": check,
        "verdict": verdict,
        "muted": verdict in NOT_READ,
        "position": position,
        "position_sentence": position_words,
        "position_table": tables.position_table(report, axis),
        "checked": checked,
        "check_sentence": check_words,
        "items": list(zip(items, item_charts, strict=True)),
        "items_sentence": summary.items_sentence(report, axis),
        "items_table": tables.item_table(report, axis),
        "scatter": scatter,
        "scatter_sentence": scatter_words,
        "charts": [chart for chart in (position, checked, *item_charts, scatter) if chart is not None],
    }


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("culturescope.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "signed": signed,
        "plain": plain,
        "percent": percent,
        "interval": interval,
        "with_interval": with_interval,
    }
    environment.globals["count"] = count
    return environment


def _file(name: str) -> str:
    return files("culturescope.page").joinpath("templates").joinpath(name).read_text(encoding="utf-8")
