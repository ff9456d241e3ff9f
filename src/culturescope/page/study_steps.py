"""Whether entanglement depends on how far one steers: E at every step size that was measured, beside random steps as long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from culturescope.page.drawing import Spec, Theme
from culturescope.page.figures import listing, plain
from culturescope.page.map_figure import clean
from culturescope.page.study_chart import StudyChart, Value, series_key, span
from culturescope.page.study_views import LineMark, PointMark, lines_view
from culturescope.page.tables import Table

if TYPE_CHECKING:
    from culturescope.experiments.steer.results import Entanglement, EntangleStudy


def sizes_of(found: EntangleStudy) -> list[tuple[float, list[Entanglement]]]:
    """Step sizes, ascending, with the entanglement of every axis over all domains."""
    sizes = {float(size): list(table.entanglements) for size, table in found.by_step.items()}
    sizes[found.step] = list(found.overall.entanglements)
    return sorted(sizes.items())


def steps_chart(found: EntangleStudy) -> StudyChart | None:
    """E over the size of a step; None where one size was measured."""
    sizes = sizes_of(found)
    if len(sizes) < 2:
        return None
    axes = list(found.overall.steered)
    lines = [_line(found, sizes, axis, n) for n, axis in enumerate(axes)]
    lines += [_random(found, sizes, axis, len(axes) + n) for n, axis in enumerate(axes)]

    def draw(theme: Theme) -> Spec:
        title = f"size of a step, {clean(found.unit)}"
        return lines_view(lines, (title, "entanglement E"), theme, domain=(0.0, 1.0), signed=False)

    rows: tuple[dict[str, Value], ...] = tuple(
        {
            "steered": e.axis,
            "unit": found.unit,
            "step": size,
            "E": e.e.value if e.e else None,
            "low": e.e.low if e.e else None,
            "high": e.e.high if e.e else None,
            "undefined": e.undefined,
            "random_E": e.random_e,
            "on_axis": e.on_axis.value,
            "off_axis": e.off_axis.value,
            "on_band": e.random_band,
            "off_band": e.off_band,
        }
        for size, table in sizes
        for e in table
    )
    key = series_key([line.name for line in lines])
    return StudyChart(
        "entanglement-steps", "Entanglement E over the size of a step", steps_sentence(found), draw, rows, key
    )


def _line(
    found: EntangleStudy, sizes: list[tuple[float, list[Entanglement]]], axis: str, series: int
) -> LineMark:
    points = tuple(
        PointMark(
            size,
            e.e.value,
            e.e.low,
            e.e.high,
            f"{clean(axis)} steered, {clean(found.unit)} {size:g}\nE {span(e.e.value, e.e.low, e.e.high)}\n"
            f"random steps as long {plain(e.random_e)}",
        )
        for size, table in sizes
        for e in table
        if e.axis == axis and e.e is not None
    )
    return LineMark(f"{clean(axis)} steered", series, points)


def _random(
    found: EntangleStudy, sizes: list[tuple[float, list[Entanglement]]], axis: str, series: int
) -> LineMark:
    points = tuple(
        PointMark(
            size,
            e.random_e,
            None,
            None,
            f"random steps as long as those along {clean(axis)}, {clean(found.unit)} {size:g}\n"
            f"median E {plain(e.random_e)}",
        )
        for size, table in sizes
        for e in table
        if e.axis == axis
    )
    return LineMark(f"random steps beside {clean(axis)}", series, points)


def steps_sentence(found: EntangleStudy) -> str:
    """E of each axis from the smallest to the largest step, whether they can be told apart, and where there is none."""
    said = []
    for axis in found.overall.steered:
        of = [(size, e) for size, table in sizes_of(found) for e in table if e.axis == axis]
        known = [(size, e.e) for size, e in of if e.e is not None]
        undefined = [f"{size:g}" for size, e in of if e.e is None]
        name = clean(axis)
        if not known:
            said.append(f"{name} moves its own axis beyond random steps at no size, so it has no E.")
            continue
        values = ", ".join(f"{plain(e.value)} at {size:g}" for size, e in known)
        text = f"Steering {name}, E is {values}"
        if len(known) > 1:
            low, high = (
                min((e for _, e in known), key=lambda e: e.value),
                max((e for _, e in known), key=lambda e: e.value),
            )
            apart = low.high < high.low
            text += (
                "; the lowest and the highest have intervals that do not overlap, so E holds for its step alone"
                if apart
                else "; all intervals overlap, so no dependence on the step is seen"
            )
        if undefined:
            text += f"; at {listing(undefined)} the change on the axis stays within random steps, so there is no E"
        said.append(text + ".")
    return " ".join(said)


def map_sentence(found: EntangleStudy) -> str | None:
    """E on the map's coordinates beside what the projection entangles by itself; None where no place was measured."""
    placed, alone = found.overall.map, found.projection.get("anchored")
    if placed is None or alone is None:
        return None
    said = [
        f"{clean(axis)} {plain(placed[axis].value)} ({plain(placed[axis].low)} to {plain(placed[axis].high)}, "
        f"the projection alone {plain(alone[axis])})"
        if axis in placed
        else f"{clean(axis)} undefined (the projection alone {plain(alone[axis])})"
        for axis in found.overall.steered
        if axis in alone
    ]
    return (
        "On the map both axes are mixed once more, because the projection lets items of one axis move the other: "
        f"E there is {listing(said)}."
    )


def steps_table(found: EntangleStudy) -> Table | None:
    """Ways to part the axes at other step sizes; None where none were measured."""
    rows = tuple(
        (
            f"{clean(d.way)}, {clean(d.axis)}, {clean(found.unit)} {clean(size)}",
            f"undefined: {clean(d.undefined or '')}" if d.e is None else span(d.e.value, d.e.low, d.e.high),
            "" if d.lowered is None else span(d.lowered.value, d.lowered.low, d.lowered.high),
            span(d.on_axis.value, d.on_axis.low, d.on_axis.high),
            f"±{plain(d.random_band)}",
            span(d.off_axis.value, d.off_axis.low, d.off_axis.high),
        )
        for size, ways in found.decoupled_by_step.items()
        for d in ways
    )
    return (
        Table(("way, axis, step", "E", "lowered by", "on the axis", "random", "off the axis"), rows)
        if rows
        else None
    )
