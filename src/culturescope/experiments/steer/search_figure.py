"""The figure of a search: its numbers as panels, and what they say in one sentence each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from culturescope.instrument import Pack, load_pack
from culturescope.page.figure_files import ending_of, write_figure
from culturescope.page.figures import count, listing, plain, signed
from culturescope.page.search_chart import BlockPoint, SearchPanel, search_spec

if TYPE_CHECKING:
    from culturescope.experiments.steer.folder import SearchFile
    from culturescope.experiments.steer.results import Drawn
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


def sentence_of(found: Search) -> str:
    """What a search says: the best block with its chance, and the chosen blocks on other scenarios."""
    best, chosen = found.best, found.choice("chosen")
    alone = best.effect
    if alone is None or alone.value <= 0:
        first = "No block alone moves d towards the positive pole."
    else:
        first = (
            f"Block {best.block} alone moves d most, {_with_interval(alone)}; the best block of random vectors does as well "
            f"with p = {found.p_chosen:.2f}, that of {count(found.shuffles, 'vector')} fitted on shuffled labels with "
            f"p = {found.p_shuffled:.2f}."
        )
    blocks = (
        f"block {chosen.blocks[0]}"
        if len(chosen.blocks) == 1
        else f"blocks {runs_of(chosen.blocks)} together"
    )
    return f"{first} On other scenarios {blocks}: {_with_interval(chosen.effect)}, {_beside_random(found)}."


def runs_of(blocks: tuple[int, ...]) -> str:
    """Numbers with runs joined: `3, 7 and 12–15`."""
    runs: list[list[int]] = []
    for block in blocks:
        if runs and runs[-1][-1] == block - 1:
            runs[-1].append(block)
        else:
            runs.append([block])
    return listing([str(r[0]) if len(r) == 1 else f"{r[0]}–{r[-1]}" for r in runs])


def _beside_random(found: Search) -> str:
    chosen = found.choice("chosen")
    band = chosen.random_band or 0.0
    how = " (estimated)" if chosen.random_way == "estimated" else ""
    if abs(chosen.effect.value) <= band:
        return f"inside of ±{plain(band, 3)}, where 95% of random vectors lie{how}"
    where = f"beyond ±{plain(band, 3)}, where 95% of random vectors lie{how}"
    return where if chosen.effect.value > 0 else f"{where}, but towards the negative pole"


def _with_interval(drawn: Drawn) -> str:
    return f"{signed(drawn.value, 3)} ({signed(drawn.low, 3)} to {signed(drawn.high, 3)})"


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
