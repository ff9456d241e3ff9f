"""Which cells are too small to be written, and which others must go with them.

A small cell that is left out can still be had as the total less all other cells. So where the respondents of a society
that stand in no written cell are fewer than the minimum, the smallest written cells go too, until they are enough.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def kept_cells(sizes: Mapping[Key, int], total: int, minimum: int) -> set[Key]:
    """Cells that may be written beside their total.

    Args:
        sizes: respondents of each cell that is a part of the total; a respondent is in one cell at most.
        total: respondents of the total; those in no cell count as left out.
        minimum: respondents that a written cell needs, and that all left out together need, unless nobody is left out.

    Example:
        >>> sorted(kept_cells({"a": 300, "b": 150, "c": 20}, 470, 100))
        ['a']
    """
    kept = {key: n for key, n in sizes.items() if n >= minimum}
    out = total - sum(kept.values())
    for key in sorted(kept, key=lambda k: (kept[k], str(k))):
        if not 0 < out < minimum:
            break
        out += kept.pop(key)
    return set(kept)
