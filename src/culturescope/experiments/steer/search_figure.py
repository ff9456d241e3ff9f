"""The figure of a search: its numbers as panels, and what they say in one sentence each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from culturescope.experiments.steer.search_words import sentence_of
from culturescope.instrument import Pack, load_pack
from culturescope.page.figure_files import ending_of, write_figure
from culturescope.page.search_chart import BlockPoint, SearchPanel, search_spec

if TYPE_CHECKING:
    from culturescope.experiments.steer.folder import SearchFile
    from culturescope.experiments.steer.search_results import Search

FIGURE = "search.svg"


def check_figure(path: str | os.PathLike[str]) -> None:
    """Whether a figure can be written there, asked before anything long begins.

    Raises:
        BadInputError: it is no `.svg`, `.png` or `.pdf`, or a folder stands there.
    """
    ending_of(path)


def draw_search(stored: SearchFile, path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Draws a search into a file, by its ending; returns the sentence of each panel.

    Raises:
        BadInputError: another ending.
        RunFolderError: the place cannot be written.
    """
    panels = panels_of(stored, load_pack(stored.pack))
    write_figure(search_spec(panels, _title(stored)), path)
    return tuple(panel.sentence for panel in panels)


def panels_of(stored: SearchFile, pack: Pack) -> tuple[SearchPanel, ...]:
    """One panel an axis or item, in the order of the search."""
    return tuple(
        SearchPanel(
            heading=_heading(found, pack),
            sentence=sentence_of(found),
            points=tuple(
                BlockPoint(
                    block=e.block,
                    change=e.effect.value if e.effect else None,
                    low=e.effect.low if e.effect else None,
                    high=e.effect.high if e.effect else None,
                    estimate=e.first_order,
                    random=e.random_band,
                    shuffled=e.shuffled_band,
                    chosen=e.block in found.chosen,
                )
                for e in found.blocks
            ),
        )
        for found in stored.found.values()
    )


def _heading(found: Search, pack: Pack) -> str:
    if found.item is not None:
        item = pack.item(found.item)
        return f"{item.id}{f' ({item.variable})' if item.variable else ''}: {item.label}"
    axis = next(a for a in pack.axes if a.id == found.axis)
    return f"Axis {axis.id}: {axis.negative} – {axis.positive}"


def _title(stored: SearchFile) -> str:
    plan = stored.plan
    size = f"alpha {plan['alpha']:g}" if plan.get("alpha") is not None else f"dose {plan['dose']:g}"
    name = str(stored.model.get("name", "")).rsplit("/", 1)[-1]
    return f"{name}: one block steered at a time, {size}"
