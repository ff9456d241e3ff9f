"""The plot of a choice: coverage of the greedy choice and of choices at random, for every number chosen."""

from __future__ import annotations

from typing import Any

from culturescope.authoring.selection import Diversity

WIDTH, HEIGHT = 460, 260


def diversity_svg(diversity: Diversity) -> bytes:
    """One SVG figure: the greedy choice as a line, 95% of the draws at random as a band with their mean."""
    import altair as alt
    import vl_convert

    from culturescope.page.drawing import FONT, LIGHT

    rows = [
        {"number": n, "greedy": greedy, "random": mean, "low": low, "high": high}
        for n, greedy, mean, low, high in diversity.curve
    ]
    last = rows[-1]
    ends = [
        {"number": last["number"], "value": last["greedy"], "what": "greedy"},
        {"number": last["number"], "value": last["random"], "what": "at random"},
    ]
    x = alt.X("number:Q").title("chosen in every cell").axis(tickMinStep=1, format="d", grid=False)
    scale = alt.Scale(zero=False)

    def named(values: list[dict[str, Any]]) -> Any:
        return alt.InlineData(values=values)

    def y(field: str) -> Any:
        return alt.Y(f"{field}:Q").title("coverage (mean similarity to the nearest chosen)").scale(scale)

    chart = alt.layer(
        alt.Chart(named(rows)).mark_area(color=LIGHT.band).encode(x, y("low"), y2="high:Q"),
        alt.Chart(named(rows)).mark_line(color=LIGHT.muted, strokeDash=[4, 3]).encode(x, y("random")),
        alt.Chart(named(rows)).mark_line(color=LIGHT.first, strokeWidth=2.5).encode(x, y("greedy")),
        alt.Chart(named(ends))
        .mark_text(align="left", dx=6, font=FONT, fontSize=12, color=LIGHT.ink)
        .encode(x, y("value"), text="what:N"),
    ).properties(width=WIDTH, height=HEIGHT, padding={"left": 8, "top": 8, "bottom": 8, "right": 70})
    spec = chart.configure(font=FONT, background=LIGHT.paper).configure_view(stroke=None).to_dict()
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    return str(vl_convert.vegalite_to_svg(spec, vl_version=version)).encode()
