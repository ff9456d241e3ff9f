"""From scores to positions: mean over wordings per scenario, then scenario -> item x domain -> item -> axis.

Every inference is on d; means of s stand beside it (sigmoid of a mean d is not the mean s). What is estimated is the mean
over the population of such scenarios and wordings; items and domains are fixed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np

from culturescope.probing.results import Estimate, Position, Probe, WordingPosition
from culturescope.probing.scores import Array, Scores, score_samples
from culturescope.stats import IntervalEstimate, cell_intervals, crossed_interval


def aggregate(samples: Iterable[Mapping[str, Any]], *, seed: int = 42) -> Probe:
    """Computes a probe's positions from its samples.

    Args:
        samples: rows of `samples.jsonl` with part `probe`, without persona or all under one.
        seed: of the bootstrap.

    Raises:
        RunFolderError: samples are missing.
    """
    rows = list(samples)
    scores = score_samples(rows)
    orders: Literal["both", "random"] = "random" if scores.b is None else "both"
    axes = tuple(dict.fromkeys(scores.axes))
    # An item with a single scenario has no interval, so it has no position either.
    items = tuple(i for i, n in Counter(scores.items).items() if n > 1)
    return Probe(
        orders=orders,
        templates=scores.columns,
        scenarios=len(scores.scenarios),
        prompts=len(rows),
        axes=tuple(position(scores.on(axis=a), seed, axis=a) for a in axes),
        items=tuple(position(scores.on(item=i), seed, axis=_axis_of(scores, i), item=i) for i in items),
        cells=tuple(cell for i in items for cell in _cells(scores.on(item=i), _axis_of(scores, i), i, seed)),
        wordings=tuple(
            WordingPosition(axis=a, template=t, d=interval(scores.on(axis=a, columns=[t]), seed=seed))
            for a in axes
            for t in scores.columns
        ),
    )


def interval(scores: Scores, values: Array | None = None, *, seed: int = 42) -> Estimate:
    """Mean of d (or of other values, S x W) over scenarios and wordings, with its interval."""
    return estimate(
        crossed_interval(
            scores.d if values is None else values, codes(scores.items), codes(scores.cells), seed=seed
        )
    )


def estimate(found: IntervalEstimate) -> Estimate:
    """The stored form of an interval."""
    return Estimate(value=found.value, low=found.low, high=found.high, df=found.df)


def codes(names: Iterable[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Numbers for names, in alphabetical order."""
    return np.unique(np.array(list(names)), return_inverse=True)[1].astype(np.int64)


def balanced_mean(scores: Scores, values: Array) -> float:
    """Mean with equal weights scenario -> cell -> item -> axis, and over wordings."""
    by_scenario = values.mean(axis=1)
    by_cell: dict[tuple[str, str], list[float]] = {}
    for item, domain, value in zip(scores.items, scores.domains, by_scenario, strict=True):
        by_cell.setdefault((item, domain), []).append(float(value))
    by_item: dict[str, list[float]] = {}
    for (item, _), cell in by_cell.items():
        by_item.setdefault(item, []).append(float(np.mean(cell)))
    return float(np.mean([np.mean(cells) for cells in by_item.values()]))


def _axis_of(scores: Scores, item: str) -> str:
    return scores.axes[scores.items.index(item)]


def position(
    scores: Scores,
    seed: int,
    *,
    axis: str,
    item: str | None = None,
    domain: str | None = None,
    d: Estimate | None = None,
    s: Estimate | None = None,
) -> Position:
    """The position of an axis, item or cell from its own scores; d and s where they were estimated already."""
    return Position(
        axis=axis,
        item=item,
        domain=domain,
        scenarios=len(scores.scenarios),
        d=d or interval(scores, seed=seed),
        s=_within(s or interval(scores, scores.s, seed=seed)),
        b=None if scores.b is None else balanced_mean(scores, scores.b),
        mean_abs_b=None if scores.b is None else balanced_mean(scores, np.abs(scores.b)),
        letter_mass=balanced_mean(scores, scores.mass),
    )


def _cells(scores: Scores, axis: str, item: str, seed: int) -> list[Position]:
    cell_codes = codes(scores.cells)
    d = cell_intervals(scores.d, codes(scores.items), cell_codes)
    s = cell_intervals(scores.s, codes(scores.items), cell_codes)
    found = []
    for domain in dict.fromkeys(scores.domains):
        rows = [n for n, one in enumerate(scores.domains) if one == domain]
        code = int(cell_codes[rows[0]])
        part = Scores(
            tuple(scores.scenarios[n] for n in rows),
            tuple(scores.axes[n] for n in rows),
            tuple(scores.items[n] for n in rows),
            tuple(scores.domains[n] for n in rows),
            scores.columns,
            scores.d[rows],
            None if scores.b is None else scores.b[rows],
            scores.mass[rows],
        )
        found.append(
            position(
                part, seed, axis=axis, item=item, domain=domain, d=estimate(d[code]), s=estimate(s[code])
            )
        )
    return found


def _within(s: Estimate) -> Estimate:
    """A score's interval ends at 0 and 1."""
    return s.model_copy(update={"low": max(0.0, s.low), "high": min(1.0, s.high)})
