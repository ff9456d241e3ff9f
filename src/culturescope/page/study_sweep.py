"""How far the answers move with the coefficient: change of d beside random vectors, and the way on the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from culturescope.page.drawing import Spec, Theme
from culturescope.page.figures import listing, plain, signed
from culturescope.page.map_figure import clean
from culturescope.page.study_chart import KeyEntry, StudyChart, Value, series_key, span
from culturescope.page.study_plane import Spot, Track, plane_chart
from culturescope.page.study_section import Section
from culturescope.page.study_views import BandMark, LineMark, PointMark, extent_of, lines_view
from culturescope.page.tables import Table

if TYPE_CHECKING:
    from culturescope.experiments.steer.sweep_results import AxisAt, RandomEffect, Sweep, SweepRow
    from culturescope.page.study_data import Study

BAND = KeyEntry("95% of random vectors of the same norms, at the largest coefficient", "band")


def rows_of(sweep: Sweep, vector: str) -> list[SweepRow]:
    """The rows of a vector with the unsteered one among them, by coefficient."""
    found = [r for r in sweep.rows if r.vector == vector or (r.vector is None and not r.alpha)]
    return sorted(found, key=lambda r: r.alpha)


def vectors_of(sweep: Sweep) -> list[str]:
    """The vectors that were swept, in their order."""
    return list(dict.fromkeys(r.vector for r in sweep.rows if r.vector is not None))


def axis_of(sweep: Sweep, vector: str) -> str:
    """The axis that a vector was fitted for, or its name."""
    about = sweep.vectors.get(vector) or {}
    return str(about.get("label") or vector)


def sweep_section(study: Study) -> Section | None:
    """The section of the sweep; None where there was none."""
    sweep = study.sweep
    if sweep is None or not vectors_of(sweep):
        return None
    names = vectors_of(sweep)
    drawn = {name: _lines(study, rows_of(sweep, name)) for name in names}
    bands = {name: _bands(sweep, name) for name in names}
    ends = [extent_of(drawn[n], bands[n], (0.0,)) for n in names]
    domain = (min(low for low, _ in ends), max(high for _, high in ends))
    charts = [_trajectory(study, sweep, n, drawn[n], bands[n], domain) for n in names]
    if (way := _way(study, sweep)) is not None:
        charts.append(way)
    return Section(
        "sweep",
        (
            f"Each vector is added with a coefficient alpha, from {signed(min(r.alpha for r in sweep.rows))} to "
            f"{signed(max(r.alpha for r in sweep.rows))}, and {sweep.scenarios} scenarios are asked "
            "that no vector was fitted on. "
            "Changes are paired with the unsteered answers.",
        ),
        tuple(charts),
        (("Every coefficient as a table", _table(study, sweep)),),
        tuple(clean(note) for note in sweep.notes),
    )


def _lines(study: Study, rows: list[SweepRow]) -> list[LineMark]:
    axes = list(dict.fromkeys(a.axis for r in rows for a in r.everywhere.axes))
    return [
        LineMark(
            study.axis(axis),
            n,
            tuple(
                PointMark(
                    r.alpha,
                    at.change.value,
                    at.change.low,
                    at.change.high,
                    f"alpha {signed(r.alpha)}\n{study.axis(axis)}\nchange of d {_figure(at)}\nd {plain(at.d.value)}",
                )
                for r in rows
                for at in r.everywhere.axes
                if at.axis == axis
            ),
        )
        for n, axis in enumerate(axes)
    ]


def _bands(sweep: Sweep, vector: str) -> list[BandMark]:
    own = axis_of(sweep, vector)
    return [
        BandMark(
            e.alpha,
            e.low,
            e.high,
            f"{e.vectors} random vectors of the same norms\non {clean(e.axis)}: 95% within {signed(e.low)} to {signed(e.high)}",
        )
        for e in sweep.random
        if e.vector == vector and e.axis == own
    ]


def _trajectory(
    study: Study,
    sweep: Sweep,
    vector: str,
    lines: list[LineMark],
    bands: list[BandMark],
    domain: tuple[float, float],
) -> StudyChart:
    def draw(theme: Theme) -> Spec:
        return lines_view(
            lines, ("coefficient alpha", "change of d, logits"), theme, bands=bands, domain=domain
        )

    rows: list[dict[str, Value]] = []
    for r in rows_of(sweep, vector):
        for at in r.everywhere.axes:
            c = next((e for e in sweep.random if _same(e, vector, at.axis, r.alpha)), None)
            rows.append(
                {
                    "vector": vector,
                    "alpha": r.alpha,
                    "axis": at.axis,
                    "d": at.d.value,
                    "d_low": at.d.low,
                    "d_high": at.d.high,
                    "change": at.change.value,
                    "change_low": at.change.low,
                    "change_high": at.change.high,
                    "random_low": c.low if c else None,
                    "random_high": c.high if c else None,
                }
            )
    key = series_key([line.name for line in lines])
    return StudyChart(
        f"sweep-{vector}",
        f"Steering {clean(vector)}: {study.axis(axis_of(sweep, vector))}",
        trajectory_sentence(study, sweep, vector),
        draw,
        tuple(rows),
        (*key, *((BAND,) if bands else ())),
    )


def _same(effect: RandomEffect, vector: str, axis: str, alpha: float) -> bool:
    return effect.vector == vector and effect.axis == axis and abs(effect.alpha - alpha) < 1e-9


def trajectory_sentence(study: Study, sweep: Sweep, vector: str) -> str:
    """What a vector does at both ends of its coefficients, beside random vectors."""
    own = axis_of(sweep, vector)
    steered = [r for r in rows_of(sweep, vector) if r.alpha]
    ends = [steered[0], steered[-1]] if len(steered) > 1 else steered
    said = []
    for row in ends:
        at = next((a for a in row.everywhere.axes if a.axis == own), None)
        if at is None:
            continue
        off = [a for a in row.everywhere.axes if a.axis != own]
        aside = f", the other axis by {_figure(off[0])}" if off else ""
        said.append(f"at alpha {signed(row.alpha)} d changes by {_figure(at)}{aside}")
    text = ("; ".join(said)[:1].upper() + "; ".join(said)[1:] + ".") if said else "No effect was measured."
    controls = [e for e in sweep.random if e.vector == vector and e.axis == own]
    for e in controls:
        where = "beyond" if e.beyond else "inside of"
        text += (
            f" At {signed(e.alpha)} that is {where} the {signed(e.low)} to {signed(e.high)} of "
            f"{e.vectors} random vectors of the same norms."
        )
    if not controls:
        text += " No random vectors were measured beside it."
    return text


def _figure(at: AxisAt) -> str:
    return span(at.change.value, at.change.low, at.change.high)


def _way(study: Study, sweep: Sweep) -> StudyChart | None:
    """The ways of all vectors on the map; None where no place is known."""
    tracks: list[Track] = []
    rows: list[dict[str, Value]] = []
    for n, vector in enumerate(vectors_of(sweep)):
        spots = []
        for r in rows_of(sweep, vector):
            at = r.everywhere.place
            if at is None:
                continue
            x_low, x_high = at.x_interval or (None, None)
            y_low, y_high = at.y_interval or (None, None)
            tip = f"{clean(vector)}, alpha {signed(r.alpha)}\nx {signed(at.x)}, y {signed(at.y)}"
            if at.x_interval and at.y_interval:
                tip += f"\nx {signed(at.x_interval[0])} to {signed(at.x_interval[1])}, y {signed(at.y_interval[0])} to "
                tip += signed(at.y_interval[1])
            spots.append(Spot(at.x, at.y, signed(r.alpha), tip, r.alpha == 0))
            rows.append(
                {
                    "vector": vector,
                    "alpha": r.alpha,
                    "x": at.x,
                    "x_low": x_low,
                    "x_high": x_high,
                    "y": at.y,
                    "y_low": y_low,
                    "y_high": y_high,
                }
            )
        if len(spots) > 1:
            tracks.append(Track(clean(vector), n, tuple(spots)))
    if not tracks:
        return None
    said = []
    for track in tracks:
        first, last = track.spots[0], track.spots[-1]
        length = ((last.x - first.x) ** 2 + (last.y - first.y) ** 2) ** 0.5
        said.append(
            f"{track.name} goes {plain(length)} from alpha {first.label} to {last.label} "
            f"(x {signed(last.x - first.x)}, y {signed(last.y - first.y)})"
        )
    sentence = (
        f"Along its coefficients {listing(said)}. Conversion anchored: one standard deviation of the "
        "societies a logit; intervals "
        "over scenarios are in the download."
    )
    key = (
        *series_key([t.name for t in tracks]),
        KeyEntry("unsteered", "point", "ink", "diamond"),
        KeyEntry("society", "hollow", "muted"),
    )
    return plane_chart("sweep-way", "The way on the map", sentence, tracks, tuple(rows), key)


def _table(study: Study, sweep: Sweep) -> Table:
    axes = list(dict.fromkeys(a.axis for r in sweep.rows for a in r.everywhere.axes))
    rows = []
    for r in sorted(sweep.rows, key=lambda r: (r.vector is not None, str(r.vector), r.alpha)):
        by = {a.axis: a for a in r.everywhere.axes}
        place = r.everywhere.place
        rows.append(
            (
                f"{clean(r.vector)} {signed(r.alpha)}" if r.vector else "unsteered",
                *(_figure(by[a]) if a in by else "" for a in axes),
                f"x {signed(place.x)}, y {signed(place.y)}" if place else "",
                plain(r.letter_mass_ratio.value),
                signed(r.bias),
            )
        )
    return Table(
        ("vector, alpha", *(f"change of {clean(a)}" for a in axes), "place", "letter mass ratio", "bias b"),
        tuple(rows),
    )
