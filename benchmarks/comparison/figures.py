"""The plots of the benchmark: how many times as long the others take, and what grows how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from comparison.cases import OURS
from comparison.report import CaseReport
from comparison.tables import MODELS
from growth import sizes_in

WIDTH, ROW = 420, 22
PANEL = 190


def ratios_svg(reports: Sequence[CaseReport]) -> bytes:
    """One row for each system of each case, on a logarithmic scale; whiskers are 95% intervals over rounds."""
    import altair as alt

    from culturescope.page.drawing import FONT, LIGHT

    rows: list[dict[str, Any]] = []
    for report in reports:
        for line in report.lines():
            if line.wall_ratio is None:
                continue
            ratio = line.wall_ratio
            rows.append(
                {
                    "model": MODELS.get(report.case.model, report.case.model),
                    "row": f"{report.case.name}: {line.system}",
                    "ratio": ratio.value,
                    "low": ratio.value if ratio.low is None else ratio.low,
                    "high": ratio.value if ratio.high is None else ratio.high,
                }
            )
    x = alt.X("ratio:Q", scale=alt.Scale(type="log")).title("time, times culturescope (1: the same)")
    panels = []
    for model in dict.fromkeys(row["model"] for row in rows):
        data = alt.InlineData(values=[row for row in rows if row["model"] == model])
        order = [row["row"] for row in rows if row["model"] == model]
        y = alt.Y("row:N", sort=order).title(None).axis(labelLimit=330, grid=True, ticks=False, domain=False)
        one = alt.Chart(alt.InlineData(values=[{"at": 1}])).mark_rule(color=LIGHT.zero, strokeDash=[4, 3])
        panels.append(
            alt.layer(
                one.encode(alt.X("at:Q")),
                alt.Chart(data)
                .mark_rule(color=LIGHT.first, strokeWidth=2)
                .encode(alt.X("low:Q"), y, x2="high:Q"),
                alt.Chart(data).mark_point(filled=True, size=60, color=LIGHT.first, opacity=1).encode(x, y),
            ).properties(
                width=WIDTH,
                height=ROW * len(order),
                title=alt.TitleParams(model, anchor="start", font=FONT, color=LIGHT.ink),
            )
        )
    return _svg(alt.vconcat(*panels))


def growth_svg(reports: Sequence[CaseReport]) -> bytes:
    """Wall time and peak memory against each of the sizes, one line a system."""
    import altair as alt

    from culturescope.page.drawing import FONT, LIGHT

    by_name = {r.case.name: r for r in reports}
    colours = alt.Scale(domain=[OURS, "lean"], range=[LIGHT.first, LIGHT.second])
    panels = []
    for what, members in sizes_in([r.case for r in reports]).items():
        rows = [
            {"size": size, "system": line.system, "wall": line.wall, "peak": line.peak}
            for size, case in members
            for line in by_name[case.name].lines()
        ]
        for figure, title in (("wall", "seconds"), ("peak", "peak memory, MB")):
            panels.append(
                alt.Chart(alt.InlineData(values=rows))
                .mark_line(point=alt.OverlayMarkDef(filled=True, size=45))
                .encode(
                    alt.X("size:Q", scale=alt.Scale(type="log", nice=False, padding=14))
                    .title(f"{what} (logarithmic)")
                    .axis(values=[size for size, _ in members], grid=False, format="d"),
                    alt.Y(f"{figure}:Q").title(title),
                    alt.Color("system:N", scale=colours).title(None).legend(orient="top"),
                )
                .properties(width=PANEL, height=PANEL, title=alt.TitleParams("", font=FONT))
            )
    return _svg(alt.concat(*panels, columns=2))


def _svg(chart: Any) -> bytes:
    import altair as alt
    import vl_convert

    from culturescope.page.drawing import FONT, LIGHT

    spec = (
        chart.configure(font=FONT, background=LIGHT.paper, padding=10).configure_view(stroke=None).to_dict()
    )
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    return str(vl_convert.vegalite_to_svg(spec, vl_version=version)).encode()
