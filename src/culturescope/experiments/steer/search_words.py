"""What a search says in one sentence, computed from its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from culturescope.page.figures import count, listing, plain, signed

if TYPE_CHECKING:
    from culturescope.experiments.steer.results import Drawn
    from culturescope.experiments.steer.search_results import Search


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
    band, shuffled = chosen.random_band or 0.0, chosen.shuffled_band
    how = " (estimated)" if chosen.random_way == "estimated" else ""
    if abs(chosen.effect.value) <= band:
        return f"inside of ±{plain(band, 3)}, where 95% of random vectors lie{how}"
    where = f"beyond ±{plain(band, 3)}, where 95% of random vectors lie{how}"
    if shuffled is not None:
        beyond = abs(chosen.effect.value) > shuffled
        side = "and beyond" if beyond else "but inside of"
        where = f"{where}, {side} ±{plain(shuffled, 3)}, that of vectors fitted on shuffled labels"
    return where if chosen.effect.value > 0 else f"{where}; towards the negative pole"


def _with_interval(drawn: Drawn) -> str:
    return f"{signed(drawn.value, 3)} ({signed(drawn.low, 3)} to {signed(drawn.high, 3)})"
