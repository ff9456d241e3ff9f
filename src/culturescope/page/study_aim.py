"""Aims: the way on the map towards a target, what it comes to on other scenarios, and personas beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from culturescope.page.drawing import Spec, Theme
from culturescope.page.figures import count, percent, plain, signed
from culturescope.page.map_figure import clean
from culturescope.page.study_chart import KeyEntry, StudyChart, Value, span
from culturescope.page.study_plane import Spot, Track, plane_chart
from culturescope.page.study_section import Section
from culturescope.page.study_views import RowMark, rows_view
from culturescope.page.tables import Table

if TYPE_CHECKING:
    from culturescope.experiments.steer.results import AimStudy, Reached
    from culturescope.page.study_data import Study

STATUS = {
    "reached": "reached the target within its tolerance",
    "closer": "came closer, and the steps ended before the tolerance",
    "out of reach": "found no allowed step that comes nearer",
}


def aim_section(study: Study) -> Section | None:
    """The section; None where nothing was aimed at."""
    if not study.aims:
        return None
    reach = max(
        (max(r.distance.high, r.distance.value) for one in study.aims.values() for r in one.reached),
        default=0.0,
    )
    charts: list[StudyChart] = []
    for name, one in study.aims.items():
        charts += [_path(study, name, one), _distances(study, name, one, reach)]
    return Section(
        "aim",
        (
            *unread(study),
            "Coefficients of both vectors are solved step by step towards a place on the map, on the "
            "scenarios that choose. What "
            "they come to is measured on other scenarios, paired with the unsteered answers, beside "
            "personas of the same people "
            "and random steps as long.",
        ),
        tuple(charts),
        (("Every step as a table", _steps_table(study)),),
        ("The places are those of the conversion anchored. A distance to people is no measure of quality.",),
    )


def unread(study: Study) -> tuple[str, ...]:
    """A sentence where the model's place may not be read: then no distance of it may, however sure it is."""
    place = next((p for p in study.placements if p.kind == "model" and p.conversion == "anchored"), None)
    if place is None or place.readable:
        return ()
    return (
        f"The model’s place is {place.verdict}: a surely shorter distance says that its letters moved, not that its values "
        "came nearer to anyone’s.",
    )


def target_of(one: AimStudy) -> str:
    """The name of the target: of the society, where the package knows its code."""
    from culturescope.people import load_people

    known = load_people().societies.get(one.target_name)
    return clean(known.name if known else one.target_name)


def title_of(one: AimStudy) -> str:
    """The target and what it was aimed on top of."""
    on = f" on top of the persona {clean(one.on_top_of)}" if one.on_top_of else ""
    return f"{target_of(one)}{on}"


def _path(study: Study, name: str, one: AimStudy) -> StudyChart:
    aim = one.aim
    start = Spot(
        aim.start[0],
        aim.start[1],
        "start",
        f"start\nx {signed(aim.start[0])}, y {signed(aim.start[1])}\ndistance {plain(aim.start_distance)}",
        True,
    )
    taken = [s for s in aim.steps if s.accepted and s.place is not None]
    spots = [start]
    for n, s in enumerate(taken, start=1):
        place = s.place or (0.0, 0.0)
        tip = f"step {n}\nx {signed(place[0])}, y {signed(place[1])}\ndistance {plain(s.distance or 0.0)}\n"
        tip += ", ".join(f"{clean(a)} {signed(c)}" for a, c in zip(one.axes, s.coefficients, strict=False))
        spots.append(Spot(place[0], place[1], f"step {n}", tip))
    others = [
        Spot(r.place[0], r.place[1], name_of(r), f"{name_of(r)}, other scenarios\ndistance {_distance(r)}")
        for r in one.reached
        if r.name != "unsteered"
    ]
    target = Spot(
        aim.target[0],
        aim.target[1],
        target_of(one),
        f"target: {target_of(one)}\nx {signed(aim.target[0])}, y {signed(aim.target[1])}",
    )
    rows: tuple[dict[str, Value], ...] = tuple(
        {
            "target": one.target_name,
            "step": n,
            "accepted": s.accepted,
            "x": s.place[0] if s.place else None,
            "y": s.place[1] if s.place else None,
            "distance": s.distance,
            "overshoot": s.overshoot,
            "damping": s.damping,
            "budget_used": s.budget_used,
            **{f"coefficient_{a}": c for a, c in zip(one.axes, s.coefficients, strict=False)},
        }
        for n, s in enumerate(aim.steps, start=1)
    )
    key = (
        KeyEntry("start", "point", "ink", "diamond"),
        KeyEntry("accepted steps", "point", "first", "circle"),
        KeyEntry("measured on other scenarios", "hollow", "ink", "square"),
        KeyEntry("society", "hollow", "muted"),
    )
    return plane_chart(
        f"{name}-path",
        f"The way towards {title_of(one)}",
        path_sentence(one),
        (Track("steps", 0, tuple(spots)),),
        rows or ({"target": one.target_name, "step": 0, "x": aim.start[0], "y": aim.start[1]},),
        key,
        target=target,
        others=others,
    )


def name_of(reached: Reached) -> str:
    """The name of a place that was reached, in words."""
    return {"aimed": "steered", "unsteered": "unsteered"}.get(reached.name, clean(reached.name))


def path_sentence(one: AimStudy) -> str:
    """What became of the aim on the scenarios that it was solved on."""
    aim = one.aim
    accepted = sum(s.accepted for s in aim.steps)
    text = (
        f"On the scenarios that choose, {count(accepted, 'accepted step')} of {len(aim.steps)} "
        f"{STATUS.get(aim.status, clean(aim.status))}: the distance goes "
        f"from {plain(aim.start_distance)} to {plain(aim.distance)}."
    )
    if aim.overshoot is not None:
        text += (
            f" The way passes the target by {plain(aim.overshoot)} at most."
            if aim.overshoot > 0
            else f" The way stays {plain(-aim.overshoot)} short of the target at its furthest."
        )
    return text


def _distances(study: Study, name: str, one: AimStudy, reach: float) -> StudyChart:
    unsteered = next((r for r in one.reached if r.name == "unsteered"), None)
    marks = [
        RowMark(
            name_of(r),
            r.distance.value,
            r.distance.low,
            r.distance.high,
            f"{name_of(r)}\ndistance {_distance(r)}"
            + ("" if r.change is None else f"\nchange {span(r.change.value, r.change.low, r.change.high)}")
            + f"\nletter mass {percent(r.letter_mass)}",
            series=0 if r.name == "aimed" else 2 if r.name == "unsteered" else 1,
            quiet=r.change is not None and r.change.low <= 0 <= r.change.high,
        )
        for r in one.reached
    ]

    def draw(theme: Theme) -> Spec:
        title = f"distance to {target_of(one)} on the map"
        at = unsteered.distance.value if unsteered else None
        return rows_view(marks, title, theme, from_zero=True, reach=reach, reference=at)

    rows: tuple[dict[str, Value], ...] = tuple(
        {
            "target": one.target_name,
            "place": r.name,
            "x": r.place[0],
            "y": r.place[1],
            "distance": r.distance.value,
            "low": r.distance.low,
            "high": r.distance.high,
            "change": r.change.value if r.change else None,
            "change_low": r.change.low if r.change else None,
            "change_high": r.change.high if r.change else None,
            "letter_mass": r.letter_mass,
            "random_low": one.random.low if one.random and r.name == "aimed" else None,
            "random_high": one.random.high if one.random and r.name == "aimed" else None,
        }
        for r in one.reached
    )
    key = (
        KeyEntry("steered", "point", "first", "circle"),
        KeyEntry("persona", "point", "second", "square"),
        KeyEntry("unsteered", "point", "third", "triangle-up"),
        KeyEntry("no clear change", "hollow", "muted"),
        KeyEntry("distance of the unsteered model", "dashed", "zero"),
    )
    return StudyChart(
        f"{name}-distance", f"Distance to {title_of(one)}", distance_sentence(one), draw, rows, key
    )


def distance_sentence(one: AimStudy) -> str:
    """What the coefficients come to on other scenarios, beside personas and random steps."""
    aimed = next((r for r in one.reached if r.name == "aimed"), None)
    if aimed is None:
        return "Nothing was measured on other scenarios."
    gained = aimed.change if aimed.change_from_persona is None else aimed.change_from_persona
    text = f"On other scenarios the steered model lies {_distance(aimed)} from the target"
    if gained is not None:
        from_ = (
            "from the persona alone" if aimed.change_from_persona is not None else "from the unsteered model"
        )
        sure = (
            "surely nearer"
            if gained.high < 0
            else "surely further"
            if gained.low > 0
            else "which may be none"
        )
        text += f", a change of {span(gained.value, gained.low, gained.high)} {from_}, {sure}"
    text += "."
    if one.random is not None:
        r = one.random
        where = "nearer than" if r.beyond else "no nearer than"
        text += f" That is {where} {r.vectors} random steps as long bring it ({signed(r.low)} to {signed(r.high)})."
    else:
        text += " No random steps were measured beside it."
    people = [r for r in one.reached if r.name not in ("aimed", "unsteered")]
    if people:
        best = min(people, key=lambda r: r.distance.value)
        text += f" The nearest persona, {clean(best.name)}, lies {_distance(best)} away."
    quality = one.quality
    if quality is not None and quality.confirmed is not None:
        c = quality.confirmed
        kept = (
            "within" if c.high <= quality.most else "not surely within" if c.low <= quality.most else "beyond"
        )
        text += (
            f" Perplexity there is {plain(c.value)} ({plain(c.low)} to {plain(c.high)}) times that of "
            f"unsteered texts, {kept} the "
            f"budget of {plain(quality.most)}."
        )
    return text


def short_sentence(one: AimStudy) -> str:
    """What an aim comes to on other scenarios, in one sentence."""
    by = {r.name: r for r in one.reached}
    if "aimed" not in by or "unsteered" not in by:
        return f"{title_of(one)}: nothing was measured on other scenarios."
    aimed = by["aimed"]
    gained = aimed.change if aimed.change_from_persona is None else aimed.change_from_persona
    text = f"{title_of(one)}: from {plain(by['unsteered'].distance.value)} to {_distance(aimed)}"
    if gained is not None:
        beside = " than the persona alone" if aimed.change_from_persona is not None else ""
        way = "nearer" if gained.high < 0 else "further" if gained.low > 0 else ""
        text += f", surely {way}{beside}" if way else f", not surely nearer{beside}"
    if one.random is not None:
        text += f", {'beyond' if one.random.beyond else 'within'} what random steps do"
    people = [r for r in one.reached if r.name not in ("aimed", "unsteered")]
    if people:
        text += f"; the nearest persona lies {plain(min(r.distance.value for r in people))} away"
    return text + "."


def _distance(r: Reached) -> str:
    return f"{plain(r.distance.value)} ({plain(r.distance.low)} to {plain(r.distance.high)})"


def _steps_table(study: Study) -> Table:
    rows = []
    for one in study.aims.values():
        for n, s in enumerate(one.aim.steps, start=1):
            rows.append(
                (
                    f"{title_of(one)}, {n}",
                    "accepted" if s.accepted else "refused",
                    ", ".join(
                        f"{clean(a)} {signed(c)}" for a, c in zip(one.axes, s.coefficients, strict=False)
                    ),
                    "" if s.place is None else f"x {signed(s.place[0])}, y {signed(s.place[1])}",
                    "" if s.distance is None else plain(s.distance),
                    "" if s.overshoot is None else signed(s.overshoot),
                    "" if s.budget_used is None else percent(s.budget_used),
                )
            )
    head = ("target, step", "", "coefficients", "place", "distance", "beyond the target", "budget used")
    return Table(head, tuple(rows))
