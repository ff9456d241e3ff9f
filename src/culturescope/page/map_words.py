"""The words of the map, computed from its numbers.

A null and a model that is not interpretable or not checked are never said to lean or to be near to a society: their
sentences name the verdict and what the conversion does, not a neighbour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from culturescope.page.figures import count, listing, percent, plain, signed
from culturescope.page.map_figure import (
    AXES,
    MapFigure,
    clean,
    domain_of,
    name_of,
    null_of,
    several,
    zone_of,
)
from culturescope.page.map_geometry import covered, half_axes, holds, holds_null
from culturescope.page.tables import Table
from culturescope.people.placement import Calibration, Conversion, Nearest, Placement

PRIMARY = (
    "The primary result is the value logit d on the two axes; the map is derived from it. It asks where a society "
    "with such item means would lie, which takes a conversion from the model’s scale to that of people."
)
SURVEYED = (
    "The answers of a direct survey are on people’s own scales: their means are projected as they are. It asks where a "
    "society with such item means would lie."
)
MIXED = (
    "Places named as a direct survey need no conversion: they stand on the map of the conversion “paper”, which projects "
    "values as if people had given them."
)
BOTH = " Two conversions are shown, since nothing decides between them."
HELD = "holds the null"
NAMES: dict[Conversion, str] = {
    "anchored": "Anchored to societies",
    "paper": "As in the paper: rescaled scores",
}
RULES: dict[Conversion, str] = {
    "anchored": "An item lies at the mean of the societies that the projection is fitted on, moved by one standard "
    "deviation over them for each logit of d: a convention, which sets the scale of the map. So a model without values "
    "lies where the mean of these societies lies.",
    "paper": "The mean score s of an item is rescaled to the range of its answers and projected as if people had given "
    "it. So a model without values is put at the middle of every range, where hardly any society lives.",
}
OUTLINES = (
    "Outlines are drawn by this project from the societies’ positions: they are not the official ones, zones do not "
    "overlap, and a society far from the rest of its zone stays outside of its outline."
)


def rule_of(figure: MapFigure, conversion: Conversion) -> str:
    """How a conversion makes item means of scores, with the calibrated line where there is one."""
    found = figure.calibration
    if conversion != "anchored" or found is None:
        return RULES[conversion]
    people = count(len(found.societies), "society", "societies")
    without = f" ({listing(list(found.left_out))} left out for want of item means)" if found.left_out else ""
    return (
        "An item lies at the mean of the societies that the projection is fitted on, moved by their standard deviation "
        f"times ({_line(found)}). This line was calibrated on {clean(found.persona or '')} personas of "
        f"{clean(found.model or 'the model')} as people of {people}{without}: k lies within {_within(found.k_interval)}, "
        f"the intercept within {_within(found.intercept_interval)} (95%), and {percent(found.shrinkage)} of the spread of "
        "these societies is not given back (shrinkage). A model without values, d = 0, lies where this line puts it."
    )


def short_rule(figure: MapFigure, conversion: Conversion) -> str:
    """The same in one line, for the head of a chart."""
    if conversion == "paper":
        return "mean score s, rescaled to each item’s range"
    if figure.calibration:
        return f"mean of societies + sd × ({_line(figure.calibration)}), calibrated"
    return "mean of societies, moved by 1 sd a logit of d"


def _line(found: Calibration) -> str:
    return f"{plain(found.k)} d {'−' if found.intercept < 0 else '+'} {plain(abs(found.intercept))}"


def _within(interval: tuple[float, float]) -> str:
    return f"{signed(interval[0])} to {signed(interval[1])}"


def lead_sentence(figure: MapFigure) -> str:
    """Which models may be read on the map, before anything is said of where they lie.

    A model that may be read by one conversion and not by the other is named with the conversion.
    """
    if not figure.models:
        return "No model is on this map: it shows societies and where nulls fall."
    said: dict[str, list[str]] = {}
    for label in figure.models:
        places = _main([p for p in figure.placements if p.kind == "model" and clean(p.label) == label])
        found = [HELD if p.readable and holds_null(figure, p) else p.verdict for p in places]
        for place, status in zip(places, found, strict=True):
            name = label if len(set(found)) == 1 else name_of(place)
            if len(set(found)) > 1 and len({p.conversion for p in places}) > 1:
                name += f" ({place.conversion})"
            if name not in said.setdefault(status, []):
                said[status].append(name)
    parts = {
        "interpretable": "{} may be read as a position, with its ellipse",
        "weak": "{} may be read as a side at most (weak)",
        HELD: "{} cannot be told from a model without values",
        "not interpretable": "{} may not be read as a position (not interpretable)",
        "not checked": "{} may not be read as a position (not checked)",
    }
    return "; ".join(words.format(listing(said[v])) for v, words in parts.items() if v in said) + "."


def _main(places: Sequence[Placement]) -> list[Placement]:
    """The places over all domains; those in each domain of a model that has no other."""
    over_all = {p.label for p in places if p.domain is None}
    return [p for p in places if p.domain is None or p.label not in over_all]


def primary_sentences(figure: MapFigure) -> str:
    """What the map is derived from."""
    models = [p for p in figure.placements if p.kind == "model"]
    surveys = [p for p in models if p.survey]
    if models and len(surveys) == len(models):
        return SURVEYED
    words = PRIMARY + (BOTH if len(figure.conversions) > 1 else "")
    return f"{words} {MIXED}" if surveys else words


def map_sentences(figure: MapFigure, conversion: Conversion) -> list[str]:
    """What the map by a conversion shows: each model that may be read, those that may not, and the nulls.

    Where a model has a place over all domains, those in each domain are left to the table.
    """
    every = figure.of(conversion)
    places = _main(every)
    found = [model_sentence(figure, p) for p in places if p.readable]
    unread = [name_of(p) for p in places if p.kind == "model" and not p.readable]
    if unread:
        found.append(
            f"{listing(unread)} {'is' if len(unread) == 1 else 'are'} drawn grey, dashed and hollow: such a mark "
            "lies where the conversion puts it and is no position, so no society is named as near to it."
        )
    if single := [name_of(p) for p in places if p.single_order]:
        found.append(
            f"{listing(single)} {'was' if len(single) == 1 else 'were'} asked in one order only: a preference for a letter "
            "is not taken out, and alone it would move a model along a line through the null."
        )
    if any(p.open for p in places if p.society is None):
        found.append(
            "The dash-dotted outline of a direct survey holds every place that the replies without a value leave open: a "
            "wide one says that too little was answered, whatever the ellipse."
        )
    if len(places) < len(every):
        found.append("Places by domain are drawn as well; their figures are in the table below.")
    return found + [null_sentence(figure, p) for p in places if p.kind == "null"]


def model_sentence(figure: MapFigure, place: Placement) -> str:
    """Where a model that may be read falls, how surely, and near to whom.

    Raises:
        ValueError: the model may not be read.
    """
    if not place.readable:
        raise ValueError(f"{name_of(place)} is {place.verdict}: nothing may be said of where it lies")
    verdicts = {axis: place.verdict_on(axis) for axis, _ in AXES}
    if len(set(verdicts.values())) == 1:
        said = f"{place.verdict} on both axes"
    else:
        said = listing([f"{verdicts[axis]} on {words}" for axis, words in AXES])
    long, short = half_axes(place)
    dx, dy = place.displacement
    text = (
        f"{name_of(place)} ({said}) falls at x {signed(place.x)}, y {signed(place.y)}, that is x {signed(dx)}, "
        f"y {signed(dy)} from the null. Its ellipse of 95% has half-axes of {long:.2f} and {short:.2f}"
    )
    held = holds_null(figure, place)
    if held:
        text += " and holds a null: the place cannot be told from that of a model without values"
        text += " or of one that merely prefers a letter." if place.single_order else "."
    else:
        inside = sum(holds(place, s.x, s.y) for s in figure.societies)
        text += f" and holds {inside} of {count(len(figure.societies), 'society', 'societies')}."
    if place.verdict == "weak" and not held:
        text += " Weak: read a side at most, no distance."
    if place.outside:
        text += " The place lies outside of the societies’ hull: it is extrapolated."
    if place.beyond:
        text += f" Its values lie beyond the answer scale on {listing([clean(i) for i in place.beyond])}."
    return text + _near(figure, place)


def _nearest(figure: MapFigure, place: Placement) -> list[Nearest]:
    """The societies that cannot be told from the nearest one, by distance, that one first.

    None for a place that is near to nobody: no or weak verdict, extrapolated, or not to be told from a null.
    """
    if place.verdict != "interpretable" or place.outside or holds_null(figure, place):
        return []
    return sorted((n for n in place.nearest if n.among), key=lambda near: near.distance)


def _named(near: Sequence[Nearest]) -> list[Nearest]:
    """Those that are the nearest one in a share of draws that is not printed as 0%."""
    return [n for n in near if percent(n.frequency) != percent(0.0)]


def _near(figure: MapFigure, place: Placement) -> str:
    near = _nearest(figure, place)
    named = [f"{clean(n.name)} (in {percent(n.frequency)} of draws)" for n in _named(near)[:3]]
    if not named:
        return ""
    text = f" The nearest {'society is' if len(named) == 1 else 'societies are'} {listing(named)}"
    others = len(near) - 1
    if others:
        text += (
            f"; with the choice among all societies allowed for, {count(others, 'other')} cannot be told from "
            "the nearest"
        )
    return text + "."


def null_sentence(figure: MapFigure, place: Placement) -> str:
    """Where a conversion puts a null, or several: a property of the conversion, not of any model."""
    hold, put = ("hold", "are put") if several(place) else ("holds", "is put")
    text = f"The {name_of(place)}, which {hold} no values, {put} at x {signed(place.x)}, y {signed(place.y)}"
    if place.outside:
        text += ", outside of the societies’ hull"
    made = "the conversion and its calibration" if place.calibration else "the conversion"
    text += f": that is a property of {made}, and models are measured from there."
    if covered(figure.societies, place.x, place.y):
        text += " That a zone’s outline covers this spot says nothing of a model."
    return text


def axes_sentence(figure: MapFigure) -> str:
    """How the axes hang together over societies."""
    if not math.isfinite(figure.correlation):
        return ""
    return (
        f"Over {count(len(figure.societies), 'society', 'societies')} the two axes correlate at "
        f"r = {plain(figure.correlation)}: a unit of x goes with {plain(figure.slope_yx)} of y, and a unit of y with "
        f"{plain(figure.slope_xy)} of x. Within cultural zones r is {plain(figure.within_zones)}, so a shift along "
        "the diagonal is mostly a shift between zones."
    )


def projection_sentence(figure: MapFigure) -> str:
    """How well item means tell the place of a society that the projection has not seen."""
    x, y = figure.loo_rmse
    if not (math.isfinite(x) and math.isfinite(y)):
        return ""
    return (
        "The projection from ten item means to the map is fitted on societies alone. "
        f"Left out one at a time, they are missed by {x:.3f} in x and {y:.3f} in y (root mean square); "
        "this error is part of every ellipse."
    )


def chart_words(figure: MapFigure, conversion: Conversion) -> str:
    """What a chart shows, for those who do not see it."""
    places = [p for p in figure.of(conversion) if p.kind == "model"]
    unread = [name_of(p) for p in places if not p.readable]
    text = (
        f"Map of {count(len(figure.societies), 'society', 'societies')} by cultural zone, with "
        f"{count(len(places), 'model place')} by the {conversion} conversion."
    )
    return text + (f" Not to be read as a position: {listing(unread)}." if unread else "")


def places_table(figure: MapFigure) -> Table:
    """Models and nulls by each conversion, with all that the map shows of them."""
    head = (
        "place",
        "conversion",
        "domain",
        *(words for _, words in AXES),
        "x",
        "y",
        "ellipse, half-axes",
        "null at",
        "from the null",
        "nearest societies",
        "remarks",
    )
    rows = []
    for conversion in figure.conversions:
        for p in figure.of(conversion):
            model = p.kind == "model"
            long, short = half_axes(p)
            remarks = ["extrapolated"] if p.outside else []
            if (own := figure.people_of(p)) is not None:
                remarks.append(f"{math.hypot(p.x - own.x, p.y - own.y):.2f} from its people")
            if p.beyond:
                remarks.append(f"beyond the scale on {', '.join(map(clean, p.beyond))}")
            if p.single_order:
                remarks.append("one order only")
            if p.survey:
                remarks.append(clean(p.survey))
            if not p.readable:
                remarks.append("no position" if model else f"{'hold' if several(p) else 'holds'} no values")
            elif holds_null(figure, p):
                remarks.append("not to be told from a null")
            null = null_of(p)
            rows.append(
                (
                    name_of(p),
                    conversion,
                    domain_of(p) if model else "",
                    *(p.verdict_on(axis) if model else "" for axis, _ in AXES),
                    signed(p.x),
                    signed(p.y),
                    f"{long:.2f}, {short:.2f}",
                    f"{signed(null[0])}, {signed(null[1])}" if model else "",
                    f"{signed(p.displacement[0])}, {signed(p.displacement[1])}" if model else "",
                    ", ".join(
                        f"{clean(n.name)} {percent(n.frequency)}" for n in _named(_nearest(figure, p))[:5]
                    ),
                    ", ".join(remarks),
                )
            )
    return Table(head, tuple(rows))


def societies_table(figure: MapFigure) -> Table:
    """Each society with its zone, year and position."""
    rows = [
        (clean(s.name), clean(s.code), zone_of(s), str(s.year), signed(s.x), signed(s.y))
        for s in sorted(figure.societies, key=lambda society: clean(society.name))
    ]
    return Table(("society", "code", "zone", "survey", "x", "y"), tuple(rows))
