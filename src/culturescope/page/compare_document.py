"""The page of a comparison: one HTML file with verdicts first, charts, tables, and what was left out; it asks no network."""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from culturescope.page import compare_charts, compare_words
from culturescope.page.compare_charts import Dot, Line
from culturescope.page.compare_results import Compared
from culturescope.page.drawing import Spec
from culturescope.page.embed import code_for_script, json_for_script, policy, vega_bundle
from culturescope.page.figures import count, plain, with_interval
from culturescope.page.map_figure import MapFigure, clean
from culturescope.page.map_section import map_css, map_script, map_section
from culturescope.page.report import AxisText
from culturescope.page.summary import VERDICT_MEANS
from culturescope.page.writing import write_page

if TYPE_CHECKING:
    from jinja2 import Environment


LOOKS = ".table th[scope=row] { min-width: 8.5rem; } #steerability h3 { margin-top: 2rem; }"


@dataclass(frozen=True)
class Chart:
    """A chart in its place: an id, a specification, and what it shows in words."""

    id: str
    spec: Spec
    alt: str


def render_comparison(
    compared: Compared,
    axes: Sequence[AxisText],
    figure: MapFigure | None,
    *,
    conditions: Sequence[str] = (),
    version: str = "",
) -> str:
    """The comparison as one self-contained HTML document.

    Args:
        compared: what was found.
        axes: the words of the axes, in the order in which they are shown.
        figure: its map, if there is one.
        conditions: as they were asked; those that were met are in `compared`.
        version: of culturescope.
    """
    from markupsafe import Markup

    safe = Markup  # what is passed through it is code of this package, base64, or JSON escaped for a script
    axis_charts = [(axis, _axis_chart(compared, axis)) for axis in axes]
    orders = [(order, _order_chart(compared, n)) for n, order in enumerate(compared.orders_by_distance)]
    trade = _trade_charts(compared)
    mapped = map_section(figure) if figure else None
    drawn = [chart for _, chart in axis_charts] + [chart for _, chart in orders] + [c for c in trade if c]
    specs = {chart.id: chart.spec for chart in drawn} | (mapped.specs if mapped else {})
    scripts = [vega_bundle(), code_for_script(_file("charts.js"))]
    if mapped:
        scripts.append(map_script())
    data = base64.b64encode(compared.model_dump_json(indent=1).encode("utf-8", "replace")).decode()
    words = compare_words
    html = (
        _environment()
        .get_template("compare.html.j2")
        .render(
            policy=policy(scripts),
            css=safe(_file("report.css") + (map_css() if mapped else "") + LOOKS),
            scripts=[safe(script) for script in scripts],
            specs=safe(json_for_script(specs)),
            data=data,
            title=" · ".join(clean(run.label) for run in compared.runs),
            runs=[(run, words.worst(run)) for run in compared.runs],
            axes=axes,
            clean=clean,
            plain=plain,
            meanings=VERDICT_MEANS,
            lead=words.lead(compared),
            failures=[clean(failure.line) for failure in compared.failures],
            failures_lead=words.failures_lead(compared, conditions),
            shared=words.shared(compared),
            runs_table=words.runs_table(compared, axes),
            axis_charts=[(axis, chart, words.axis_sentence(compared, axis)) for axis, chart in axis_charts],
            differences=words.differences_table(compared) if compared.differences else None,
            map=mapped,
            orders=[(order, chart, words.order_sentence(order)) for order, chart in orders],
            order_table=words.order_table(compared),
            vectors=words.vectors_table(compared) if compared.vectors else None,
            vectors_sentence=words.vectors_sentence(compared),
            vectors_chart=trade[0],
            vectors_key=list(dict.fromkeys(f"axis {v.axis}" for v in compared.vectors)),
            personas=words.personas_table(compared) if compared.personas else None,
            personas_sentence=words.personas_sentence(compared),
            personas_chart=trade[1],
            personas_key=list(dict.fromkeys(f"{p.kind} persona" for p in compared.personas)),
            single=len(compared.runs) == 1,
            compared=compared,
            version=version,
        )
    )
    return html.encode("utf-8", "replace").decode("utf-8")  # lone surrogates cannot be written to a file


def write_comparison(
    compared: Compared,
    axes: Sequence[AxisText],
    figure: MapFigure | None,
    path: str | os.PathLike[str],
    *,
    conditions: Sequence[str] = (),
    version: str = "",
) -> None:
    """Writes the page of a comparison, whole or not at all; arguments are those of `render_comparison`.

    Raises:
        RunFolderError: the file cannot be written.
        RunFailedError: the disk is full or failed.
    """
    write_page(
        path, lambda: render_comparison(compared, axes, figure, conditions=conditions, version=version)
    )


def _axis_chart(compared: Compared, axis: AxisText) -> Chart:
    lines = []
    for run in compared.runs:
        found = next(p for p in run.axes if p.axis == axis.id)
        tip = f"{clean(run.label)}\n{axis.words}: {run.verdicts[axis.id]}\nvalue logit d {with_interval(found.d)}"
        lines.append(Line(clean(run.label), found.d, run.verdicts[axis.id], tip))
    shown = [p.d for run in compared.runs for p in run.axes]
    reach = max(abs(end) for e in shown for end in (e.low, e.high))
    spec = compare_charts.rows(lines, "value logit d", reach=reach)
    return Chart(f"axis-{axis.id}", spec, compare_words.axis_sentence(compared, axis))


def _order_chart(compared: Compared, number: int) -> Chart:
    order = compared.orders_by_distance[number]
    verdicts = {run.label: compare_words.worst(run) for run in compared.runs}
    lines = []
    for r in order.runs:
        rank = compare_words.rank_words(r.rank, r.lowest, r.highest)
        e = r.distance
        tip = f"{clean(r.label)}: {verdicts[r.label]}\ndistance {compare_words.span(e)}\n{rank}"
        lines.append(Line(clean(r.label), e, verdicts[r.label], tip))
    spec = compare_charts.rows(lines, f"distance to {clean(order.name)} on the map", from_zero=True)
    return Chart(f"order-{number}", spec, compare_words.order_sentence(order))


def _trade_charts(compared: Compared) -> tuple[Chart | None, Chart | None]:
    """Baseline distance against what vectors do, and against what personas do; None where it was not measured."""
    verdicts = {run.label: compare_words.worst(run) for run in compared.runs}
    vectors = personas = None
    if compared.vectors and compared.orders_by_distance:
        order = compared.orders_by_distance[0]
        far = {r.label: r.distance.value for r in order.runs}
        dots = [
            Dot(
                v.label, far[v.label], v.per_dose, f"axis {v.axis}", verdicts[v.label],
                f"{clean(v.label)}, axis {v.axis}: {verdicts[v.label]}\ndistance to {clean(order.name)} {plain(far[v.label])}\n"
                f"d for a dose of one {with_interval(v.per_dose)}",
            )
            for v in compared.vectors
        ]  # fmt: skip
        spec = compare_charts.trade_off(
            dots, f"distance to {clean(order.name)} without steering", "change of d for a dose of one"
        )
        vectors = Chart("trade-vectors", spec, compare_words.vectors_sentence(compared))
    if compared.personas:
        dots = [
            Dot(
                p.label, p.without, p.change, f"{p.kind} persona", verdicts[p.label],
                f"{clean(p.label)} as {clean(p.society)} ({p.kind}): {verdicts[p.label]}\ndistance without {plain(p.without)}\n"
                f"change {with_interval(p.change)}",
            )
            for p in compared.personas
        ]  # fmt: skip
        spec = compare_charts.trade_off(
            dots, "distance to the society without persona", "change of distance by the persona"
        )
        personas = Chart("trade-personas", spec, compare_words.personas_sentence(compared))
    return vectors, personas


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
    environment.globals["count"] = count
    return environment


def _file(name: str) -> str:
    return files("culturescope.page").joinpath("templates").joinpath(name).read_text(encoding="utf-8")
