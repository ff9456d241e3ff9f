"""Which blocks move the answers: each alone, and sets of them, beside random vectors and shuffled labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from culturescope.page.drawing import Spec, Theme
from culturescope.page.figures import percent, plain, signed
from culturescope.page.map_figure import clean
from culturescope.page.search_chart import SearchPanel, page_panel
from culturescope.page.study_chart import KeyEntry, StudyChart, Value, span
from culturescope.page.study_section import Section
from culturescope.page.study_views import RowMark, rows_view
from culturescope.page.tables import Table

if TYPE_CHECKING:
    from culturescope.experiments.steer.search_results import Choice, Search
    from culturescope.page.study_data import Study

KEY = (
    KeyEntry("steered together", "point", "first", "diamond"),
    KeyEntry("not chosen", "hollow"),
    KeyEntry("estimate only", "line", "muted"),
    KeyEntry("95% of random vectors", "band"),
    KeyEntry("95% of vectors fitted on shuffled labels", "dashed", "second"),
)
SETS = {"best": "the best block", "chosen": "the chosen blocks", "all": "all blocks"}


def blocks_section(study: Study) -> Section | None:
    """The section of the search; None where there was none."""
    if study.search is None:
        return None
    from culturescope.experiments.steer.search_figure import panels_of

    found = study.search
    panels = panels_of(found, study.pack)
    labels = list(found.found)
    charts = [
        _alone(label, panel, panels, found.found[label]) for label, panel in zip(labels, panels, strict=True)
    ]
    reach = max(
        abs(e) for s in found.found.values() for c in s.choices for e in (c.effect.low, c.effect.high)
    )
    charts += [_together(study, one, reach) for one in found.found.values()]
    charts += [_items(study, one) for one in found.found.values() if len(one.items) > 1]
    size = (
        f"alpha {found.plan['alpha']:g}"
        if found.plan.get("alpha") is not None
        else f"dose {found.plan.get('dose', 0):g}"
    )
    counts = ", ".join(f"{len(ids)} to {part}" for part, ids in found.parts.items())
    return Section(
        "search",
        (
            "A vector is fitted at every block and steered there alone, both ways (site "
            f"{clean(str(found.plan.get('site', '')))}, "
            f"{size}). Half the difference between the two ways is the signed change of d. Scenarios "
            f"are kept apart: {counts}.",
        ),
        tuple(charts),
        (("Every block as a table", _table(found.found)),),
    )


def _alone(label: str, panel: SearchPanel, panels: tuple[SearchPanel, ...], found: Search) -> StudyChart:
    def draw(theme: Theme) -> Spec:
        return page_panel(panel, panels, theme)

    rows: tuple[dict[str, Value], ...] = tuple(
        {
            "axis": found.axis,
            "item": found.item,
            "block": p.block,
            "change": p.change,
            "low": p.low,
            "high": p.high,
            "first_order": p.estimate,
            "random_band": p.random,
            "shuffled_band": p.shuffled,
            "chosen": p.chosen,
        }
        for p in panel.points
    )
    shown = [e for e in KEY if e.kind != "line" or any(p.change is None for p in panel.points)]
    shown = [e for e in shown if e.kind != "dashed" or any(p.shuffled is not None for p in panel.points)]
    return StudyChart(f"blocks-{label}", panel.heading, panel.sentence, draw, rows, tuple(shown))


def _together(study: Study, found: Search, reach: float) -> StudyChart:
    """Sets of blocks steered together, on scenarios that chose nothing."""
    marks = [
        RowMark(
            SETS.get(c.name, c.name),
            c.effect.value,
            c.effect.low,
            c.effect.high,
            f"{SETS.get(c.name, c.name)} ({len(c.blocks)})\nsigned change of d {_figure(c)}\n"
            + ("" if c.random_band is None else f"95% of random vectors within ±{plain(c.random_band, 3)}\n")
            + f"letter mass {percent(c.letter_mass)}, mean |b| {plain(c.mean_abs_b)}",
            c.random_band,
            quiet=_quiet(c),
        )
        for c in found.choices
    ]

    def draw(theme: Theme) -> Spec:
        return rows_view(marks, "signed change of d", theme, reach=reach)

    rows: tuple[dict[str, Value], ...] = tuple(
        {
            "label": found.label,
            "set": c.name,
            "blocks": " ".join(map(str, c.blocks)),
            "change": c.effect.value,
            "low": c.effect.low,
            "high": c.effect.high,
            "random_band": c.random_band,
            "letter_mass": c.letter_mass,
            "mean_abs_b": c.mean_abs_b,
        }
        for c in found.choices
    )
    name = found.item or found.axis
    title = (
        f"Blocks together, {name}: {study.axis(found.axis)}" if not found.item else f"Blocks together, {name}"
    )
    return StudyChart(
        f"together-{found.label}",
        title,
        _together_sentence(found),
        draw,
        rows,
        (
            KeyEntry("change with 95% interval", "point", "first"),
            KeyEntry("inside of its band, or of zero where it has none", "hollow", "muted"),
            KeyEntry("95% of random vectors", "band"),
        ),
    )


def _items(study: Study, found: Search) -> StudyChart:
    """Each item's largest change at the chosen blocks, beside that of random vectors at the blocks that they choose."""
    labels = {i.id: f"{i.id} {i.label}" for i in study.pack.items}
    marks = [
        RowMark(
            labels.get(i.item, i.item),
            i.effect,
            i.effect,
            i.effect,
            f"{labels.get(i.item, i.item)}\nlargest signed change of d {signed(i.effect, 3)}\n"
            f"random vectors reach {plain(i.random_band, 3)}\n{'moved' if i.moved else 'not moved'}",
            i.random_band,
            quiet=not i.moved,
        )
        for i in found.items
    ]

    def draw(theme: Theme) -> Spec:
        return rows_view(marks, "largest signed change of d", theme, step=24, extent=196)

    rows: tuple[dict[str, Value], ...] = tuple(
        {"label": found.label, "item": i.item, "effect": i.effect, "random": i.random_band, "moved": i.moved}
        for i in found.items
    )
    return StudyChart(
        f"moved-{found.label}",
        f"Items at the chosen blocks, {found.axis}: {study.axis(found.axis)}",
        items_sentence(found),
        draw,
        rows,
        (
            KeyEntry("beyond its threshold", "point", "first"),
            KeyEntry("not beyond it", "hollow", "muted"),
            KeyEntry("reach of random vectors", "band"),
        ),
    )


def items_sentence(found: Search) -> str:
    """Which items move, and that they were judged where the blocks were chosen."""
    moved = sorted((i for i in found.items if i.moved), key=lambda i: -i.effect)
    said = (
        f"{len(moved)} of {len(found.items)} items move beyond their threshold, most of all "
        f"{clean(moved[0].item)} by {signed(moved[0].effect, 3)} where random vectors reach {plain(moved[0].random_band, 3)}."
        if moved
        else f"None of {len(found.items)} items moves beyond its threshold."
    )
    return (
        said + " Judged on the scenarios that chose the blocks, so random vectors choose theirs on them, too."
    )


def _quiet(choice: Choice) -> bool:
    """Whether a set of blocks stays inside of its random vectors; where it has none, whether its interval holds zero."""
    e = choice.effect
    return e.low <= 0 <= e.high if choice.random_band is None else abs(e.value) <= choice.random_band


def _together_sentence(found: Search) -> str:
    chosen = found.choice("chosen")
    band = chosen.random_band or 0.0
    beyond = abs(chosen.effect.value) > band
    clear = chosen.effect.low > 0 or chosen.effect.high < 0
    if beyond and clear and chosen.effect.value > 0:
        sure = f"beyond the ±{plain(band, 3)} of random vectors and clear of zero"
    elif beyond and clear:
        sure = f"beyond the ±{plain(band, 3)} of random vectors, but against the direction that was asked for"
    elif beyond:
        sure = f"beyond the ±{plain(band, 3)} of random vectors, but its interval holds zero"
    else:
        sure = f"no more than the ±{plain(band, 3)} that random vectors reach"
    if chosen.random_way == "estimated":
        sure += " (these estimated to first order)"
    moved = [i.item for i in found.items if i.moved]
    items = (
        f" {len(moved)} of {len(found.items)} items move beyond their own threshold: {', '.join(map(clean, moved))}."
        if moved
        else (f" None of {len(found.items)} items moves beyond its own threshold." if found.items else "")
    )
    return f"On scenarios that chose nothing, the chosen blocks move d by {_figure(chosen)}: {sure}.{items}"


def _figure(choice: Choice) -> str:
    e = choice.effect
    return span(e.value, e.low, e.high, 3)


def _table(found: dict[str, Search]) -> Table:
    rows = []
    for label, one in found.items():
        for e in one.blocks:
            change = (
                "estimated only" if e.effect is None else span(e.effect.value, e.effect.low, e.effect.high, 3)
            )
            shuffled = "" if e.shuffled_band is None else f"±{plain(e.shuffled_band, 3)}"
            rows.append(
                (
                    f"{clean(label)}, block {e.block}",
                    "yes" if e.block in one.chosen else "",
                    change,
                    signed(e.first_order, 3),
                    f"±{plain(e.random_band, 3)}",
                    shuffled,
                    plain(e.dose, 3),
                )
            )
    head = ("block", "chosen", "signed change of d", "first order", "random", "shuffled labels", "dose")
    return Table(head, tuple(rows))
