"""Chooses scenarios of a pack, evenly from axes, items and domains."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from culturescope.errors import InstrumentError
from culturescope.instrument.schema import Pack, Scenario


def select(
    pack: Pack,
    *,
    split: str | None = None,
    items: Sequence[str] | None = None,
    domains: Sequence[str] | None = None,
    limit: int | None = None,
    among: Sequence[Scenario] | None = None,
) -> tuple[Scenario, ...]:
    """Chooses scenarios of a pack; a limit takes them evenly from axes, items and domains, a smaller one part of a larger.

    Args:
        pack: the instrument.
        split: `evaluate`, `optimise`, or None for both.
        items: item ids.
        domains: names of domains.
        limit: at most so many.
        among: choose from these scenarios of the pack only.

    Raises:
        InstrumentError: nothing is left, or the limit is not positive.
    """
    chosen = [
        s
        for s in (pack.scenarios if among is None else among)
        if (split is None or s.split == split)
        and (items is None or s.item in items)
        and (domains is None or s.domain in domains)
    ]
    if not chosen:
        asked = ", ".join(
            f"{k} {v}" for k, v in (("split", split), ("items", items), ("domains", domains)) if v
        )
        raise InstrumentError(
            f"no scenario fits {asked or 'the choice'}: culturescope scenarios list shows what there is"
        )
    if limit is None:
        return tuple(chosen)
    if limit < 1:
        raise InstrumentError(f"limit must be at least 1, not {limit}")
    return tuple(sorted(chosen, key=_even_order(pack))[:limit])


def _even_order(pack: Pack) -> Callable[[Scenario], tuple[int, int, int]]:
    """Order that walks over the items, axes in turn, each time one domain further: any beginning of it is balanced."""
    place = {item.id: [i.id for i in pack.items if i.axis == item.axis].index(item.id) for item in pack.items}
    axes = [axis.id for axis in pack.axes]
    walk = sorted(pack.items, key=lambda item: (place[item.id], axes.index(item.axis)))
    rank = {item.id: n for n, item in enumerate(walk)}
    seen: Counter[tuple[str, str, str]] = Counter()
    within = {}
    for s in pack.scenarios:
        within[s.id] = seen[s.item, s.domain, s.split]
        seen[s.item, s.domain, s.split] += 1

    def order(s: Scenario) -> tuple[int, int, int]:
        turn = (pack.domains.index(s.domain) - rank[s.item]) % len(pack.domains)
        return within[s.id], turn, rank[s.item]

    return order
