"""Answers with planted values: scenarios and wordings of known spread around known item means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DOMAINS = ("family", "workplace", "legal")
FORBIDDEN = ("secular", "traditional", "self-expression", "survival", "nearest", "near to", "leans", "lean ")


@dataclass(frozen=True)
class Planted:
    """What a placement reads of scores."""

    items: tuple[str, ...]
    domains: tuple[str, ...]
    d: np.ndarray
    s: np.ndarray


def layout(items, per_cell: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    rows = [(i, d) for i in items for d in DOMAINS for _ in range(per_cell)]
    return tuple(r[0] for r in rows), tuple(r[1] for r in rows)


def planted(
    items,
    values,
    *,
    per_cell: int = 2,
    wordings: int = 3,
    scenario: float = 0.0,
    shared: float = 0.0,
    own: float = 0.0,
    noise: float = 0.0,
    rng=None,
) -> Planted:
    """Item means `values`, plus effects: scenario, wording (shared by the items), wording of each item, single answer."""
    rng = rng or np.random.default_rng(0)
    rows, domains = layout(items, per_cell)
    repeat = 3 * per_cell
    effects = rng.normal(0, 1, (len(items), wordings)) * own + rng.normal(0, 1, wordings) * shared
    table = np.repeat(np.broadcast_to(values, len(items)), repeat)[:, None] + np.repeat(
        effects, repeat, axis=0
    )
    table = (
        table + rng.normal(0, 1, (len(rows), 1)) * scenario + rng.normal(0, 1, (len(rows), wordings)) * noise
    )
    return Planted(rows, domains, table, 0.5 * (1 + np.tanh(table / 2)))


def says_nothing_of_values(lines) -> bool:
    text = " ".join(lines).lower()
    return not any(word in text for word in FORBIDDEN)
