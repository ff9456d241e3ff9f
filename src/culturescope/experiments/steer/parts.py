"""Three separate parts of the scenarios: to fit a vector, to choose blocks and coefficients by, and to report on.

What is chosen on the data it was fitted on looks better than it is: with every block free to choose, even a vector fitted
on shuffled labels finds one where it works. So the split `optimise` is divided again, and `evaluate` only reports.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from culturescope.errors import BadInputError
from culturescope.instrument import Scenario


@dataclass(frozen=True)
class Parts:
    """Scenarios by what they are for."""

    fit: tuple[Scenario, ...]
    choose: tuple[Scenario, ...]
    report: tuple[Scenario, ...]


def parts_of(
    optimise: Sequence[Scenario], evaluate: Sequence[Scenario], *, share: float = 1 / 3, seed: int = 42
) -> Parts:
    """Divides the scenarios: in every cell (item x domain) of `optimise` a seeded share (a third) chooses, the rest fits.

    A cell with one or two scenarios takes part by the running total, so that the share holds over the cells; each item
    begins with another domain, so that no domain is left to one part.

    Raises:
        BadInputError: a share that leaves nothing, a part that would be empty, or a scenario in both splits.
    """
    if not 0 < share < 1:
        raise BadInputError(f"the share of scenarios that choose lies between 0 and 1, not {share}")
    both = {s.id for s in optimise} & {s.id for s in evaluate}
    if both:
        raise BadInputError(
            f"{len(both)} scenarios are to be fitted and reported on at once, {min(both)} among them"
        )
    cells: dict[tuple[str, str], list[Scenario]] = {}
    for s in optimise:
        cells.setdefault((s.item, s.domain), []).append(s)
    fit: list[Scenario] = []
    choose: list[Scenario] = []
    owed = 0.0
    items, domains = (sorted(set(names)) for names in zip(*cells, strict=True)) if cells else ([], [])
    turned = [
        (item, domains[(n + k) % len(domains)]) for n, item in enumerate(items) for k in range(len(domains))
    ]
    for item, domain in (cell for cell in turned if cell in cells):
        drawn = sorted(cells[item, domain], key=lambda s: s.id)
        random.Random(f"{seed}/{item}/{domain}").shuffle(drawn)
        owed += share * len(drawn)
        take = min(len(drawn), int(owed + 0.5))
        owed -= take
        choose += drawn[:take]
        fit += drawn[take:]
    for name, part in (("fitting", fit), ("choosing", choose), ("reporting", list(evaluate))):
        if len(part) < 2:
            raise BadInputError(
                f"{len(part)} scenarios are left for {name}, at least two are needed: take more scenarios (a larger limit)"
            )
    order = {s.id: n for n, s in enumerate(optimise)}
    return Parts(
        tuple(sorted(fit, key=lambda s: order[s.id])),
        tuple(sorted(choose, key=lambda s: order[s.id])),
        tuple(evaluate),
    )
