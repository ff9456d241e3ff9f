"""The rows that the map is drawn from: outlines, societies, places, ellipses, ways from the null, and words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from culturescope.page.figures import signed
from culturescope.page.map_figure import (
    AXES,
    STEERED,
    MapFigure,
    clean,
    domain_of,
    method_of,
    name_of,
    null_of,
    several,
    shorten,
    zone_of,
)
from culturescope.page.map_geometry import band_of, ellipse, frame_of, half_axes, outlines
from culturescope.page.map_labels import Label, set_labels
from culturescope.people.placement import Conversion, Placement

Row = dict[str, Any]
STOPS = (0.15, 0.3, 0.45, 0.6, 0.75, 0.9)  # along a way from the null: words keep clear of them
LARGE, SMALL = 12.0, 10.0  # pixels: size of the words on a wide and on a narrow map


def society_rows(figure: MapFigure) -> list[Row]:
    """Each society once."""
    return [
        {
            "code": clean(s.code),
            "society": clean(s.code),
            "name": clean(s.name),
            "zone": zone_of(s),
            "year": s.year,
            "x": s.x,
            "y": s.y,
            "named": s.code in figure.named,
            "tip": f"{clean(s.name)}\n{zone_of(s)}, survey of {s.year}\n{place_words(s.x, s.y)}",
        }
        for s in figure.societies
    ]


def place_words(x: float, y: float) -> str:
    """`x −0.22 (survival – self-expression)` and the same of y, on two lines."""
    return f"x {signed(x)} (survival – self-expression)\ny {signed(y)} (traditional – secular-rational)"


def zone_rows(figure: MapFigure) -> list[Row]:
    """The corners of the outlines, in order."""
    return [
        {"zone": zone.name, "ring": f"{zone.name} {number}", "n": n, "x": x, "y": y}
        for zone in outlines(figure.societies)
        for number, ring in enumerate(zone.rings)
        for n, (x, y) in enumerate(ring)
    ]


def place_rows(places: Sequence[Placement]) -> list[Row]:
    """Models and nulls, each with the style that its verdict asks for."""
    return [{**_about(p, n), "x": p.x, "y": p.y, "tip": _tip(p)} for n, p in enumerate(places)]


def ellipse_rows(places: Sequence[Placement]) -> list[Row]:
    """The corners of the ellipses, in order; a place without any spread has none."""
    return [
        {**_about(p, number), "n": n, "x": x, "y": y}
        for number, p in enumerate(places)
        if half_axes(p)[0] > 0
        for n, (x, y) in enumerate(ellipse(p))
    ]


def band_rows(places: Sequence[Placement]) -> list[Row]:
    """The corners of the bands that missing answers leave open, in order."""
    return [
        {**_about(p, number), "n": n, "x": x, "y": y}
        for number, p in enumerate(places)
        for n, (x, y) in enumerate(band_of(p))
    ]


def way_rows(places: Sequence[Placement]) -> list[Row]:
    """From the null to each model; `angle` turns an upward triangle along the way.

    A place under the persona of a society has a line to its people instead (`people_rows`).
    """
    rows = []
    for number, p in enumerate(places):
        dx, dy = p.displacement
        if p.kind != "model" or p.society is not None or math.hypot(dx, dy) < 1e-6:
            continue
        (x, y), share = null_of(p), 0.55
        rows.append(
            {
                **_about(p, number),
                "x": x,
                "y": y,
                "x2": p.x,
                "y2": p.y,
                "xm": x + share * dx,
                "ym": y + share * dy,
                "angle": 90 - math.degrees(math.atan2(dy, dx)),
            }
        )
    return rows


def step_rows(figure: MapFigure, conversion: Conversion) -> list[Row]:
    """The places along each way of steering, in order; `last` is where its arrow and its name stand."""
    rows = []
    for number, way in enumerate(w for w in figure.steps if w.conversion == conversion):
        for n, ((x, y), name) in enumerate(zip(way.spots, way.names, strict=True)):
            last = n == len(way.spots) - 1
            x0, y0 = way.spots[n - 1] if n else (x, y)
            rows.append(
                {
                    "id": f"way {number}",
                    "n": n,
                    "x": x,
                    "y": y,
                    "last": last,
                    "angle": 90 - math.degrees(math.atan2(y - y0, x - x0)),
                    "text": shorten(clean(way.label), 30),
                    "tip": f"{clean(name)}\n{place_words(x, y)}",
                    "style": "steered" if way.readable else "unread",
                    "model": clean(way.model),
                    "domain": clean(way.domain) if way.domain else "all domains",
                    "method": STEERED,
                }
            )
    return rows


def people_rows(figure: MapFigure, places: Sequence[Placement]) -> list[Row]:
    """From each place under the persona of a society to the people of that society, where the map has them."""
    return [
        {**_about(p, number), "x": p.x, "y": p.y, "x2": own.x, "y2": own.y}
        for number, p in enumerate(places)
        if (own := figure.people_of(p)) is not None
    ]


def label_rows(
    figure: MapFigure, conversion: Conversion, width: float, *, narrow: bool, view: str
) -> list[Row]:
    """The words on the map, set for a plot of this width."""
    frame = frame_of(figure)
    scale, height = width / (frame.right - frame.left), width * frame.ratio
    places = figure.of(conversion)
    rows: list[Row] = []
    found: list[Row] = []
    labels: list[Label] = []

    def pixel(x: float, y: float) -> tuple[float, float]:
        return (x - frame.left) * scale, (frame.top - y) * scale

    def add(row: Row, label: Label, anchors: Sequence[tuple[float, float]]) -> None:
        rows.append({**row, "anchors": anchors, "text": "\n".join(label.lines), "view": view})
        labels.append(label)

    small = SMALL if narrow else LARGE
    for number, p in reversed(list(enumerate(places))):
        at = pixel(p.x, p.y)
        label = Label(_place_lines(p, 22 if narrow else 34), small + 0.5, (at,), 13, at)
        add({**_about(p, number), "kind": "place"}, label, [(p.x, p.y)])
    for s in figure.societies:
        if s.code in figure.named:
            at = pixel(s.x, s.y)
            label = Label((shorten(clean(s.name), 24),), small, (at,), 9, at)
            add({"zone": zone_of(s), "society": clean(s.code), "kind": "society"}, label, [(s.x, s.y)])
    for zone in outlines(figure.societies):
        home = tuple(sum(axis) / len(zone.inside) for axis in zip(*zone.inside, strict=True))
        step = max(1, len(zone.inside) // 90)
        anchors = list(zone.inside[::step])
        lines = tuple(_fold(zone.name, 12 if narrow else 18))
        label = Label(lines, small, tuple(pixel(*a) for a in anchors), 0, pixel(home[0], home[1]), True)
        add({"zone": zone.name, "kind": "zone"}, label, anchors)
    marks = [
        (pixel(s.x, s.y), (6.5 if s.code in figure.named else 3.5) * (0.8 if narrow else 1))
        for s in figure.societies
    ]
    marks += [(pixel(p.x, p.y), 8.0) for p in places]
    marks += [(pixel(row["x"], row["y"]), 5.0) for row in step_rows(figure, conversion)]
    for way in way_rows(places):
        ends = (way["x"], way["y"]), (way["x2"], way["y2"])
        marks += [(pixel(*((1 - t) * a + t * b for a, b in zip(*ends, strict=True))), 3.0) for t in STOPS]
    for row, where in zip(rows, set_labels(labels, marks, width, height), strict=True):
        anchors = row.pop("anchors")
        if where is None:
            continue
        x, y = anchors[where.anchor]
        row |= {"x": x, "y": y, "dx": round(where.dx, 1), "dy": round(where.dy, 1), "align": where.align}
        if where.leader and row["kind"] == "place":
            row["leader"] = [round(offset, 1) for offset in where.leader]
        found.append(row)
    return found


def _about(place: Placement, number: int) -> Row:
    style = "null" if place.kind == "null" else place.verdict if place.readable else "unread"
    # A null of one run goes with its model when that is filtered out.
    model = place.label if place.kind == "model" else place.run
    return {
        "id": f"place {number}",
        "style": style,
        "model": clean(model) if model else None,
        "domain": domain_of(place) if place.kind == "model" or place.domain else None,
        "method": method_of(place) if place.kind == "model" else None,
        "society": clean(place.society) if place.society else None,
    }


def _place_lines(place: Placement, length: int) -> tuple[str, ...]:
    name = name_of(place)
    # That it is a null is never cut off; where several fall together, their names would crowd out those of zones.
    if several(place) or (place.kind == "null" and len(name) > length):
        name = f"null of {shorten(clean(place.run), length - 8)}" if place.run else "null"
    if place.society is not None:
        # Whose persona it is; the model's name and its verdict stand beside its own place.
        return (shorten(name[name.rfind(" as ") + 1 :], length),)
    lines = [shorten(name, length)]
    if place.kind == "model" and place.verdict != "interpretable":
        lines.append(place.verdict)
    if place.single_order:
        lines.append("one order only")
    if place.outside:
        lines.append("extrapolated")
    return tuple(lines)


def _tip(place: Placement) -> str:
    long, short = half_axes(place)
    lines = [name_of(place), f"conversion: {place.conversion}"]
    if place.kind == "model":
        lines += [f"{place.verdict_on(axis)} on {words}" for axis, words in AXES]
    lines.append(place_words(place.x, place.y))
    lines.append(f"95% ellipse: half-axes {long:.2f} and {short:.2f}")
    if place.kind == "model":
        dx, dy = place.displacement
        lines.append(f"from the null: x {signed(dx)}, y {signed(dy)}")
    if place.persona:
        lines.append(
            f"{place.persona} persona of {clean(place.society or '')}: the dotted line goes to its people"
        )
    if place.single_order:
        lines.append("one order only: a preference for a letter is in it")
    if place.outside:
        lines.append("outside of the societies’ hull: extrapolated")
    if place.survey:
        lines.append(clean(place.survey))
    if place.beyond:
        lines.append(f"beyond the answer scale on {', '.join(map(clean, place.beyond))}")
    if place.kind == "model" and not place.readable:
        lines.append("no position: not to be read")
    return "\n".join(lines)


def _fold(text: str, length: int) -> list[str]:
    """The text in lines of about this length, broken at spaces and hyphens."""
    lines = [""]
    for word in text.replace("-", "- ").split(" "):
        joint = "" if not lines[-1] or lines[-1].endswith("-") else " "
        if lines[-1] and len(lines[-1] + joint + word) > length:
            lines.append(word)
        else:
            lines[-1] += joint + word
    return lines
