"""From letters' logits to values: d, b, letter mass and s (arrays of scenarios x wordings).

With l = z_A - z_B: value logit d = (l when the positive pole is A - l when it is B) / 2, position bias
b = (l when it is A + l when it is B) / 2, score s = sigmoid(d). A constant letter bias cancels exactly in d.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import RunFolderError

Array = NDArray[np.float64]
SCORER = "letters-1"
"""Version of the rules in this module; part of every sample's key."""


@dataclass(frozen=True)
class Scores:
    """Scores of S scenarios under W wordings (of the prompt, or personas).

    Args:
        scenarios: ids (S).
        axes, items, domains: of each scenario (S).
        columns: what the W columns are (template ids or persona ids).
        d: value logit (S x W), natural log-odds, positive pole up.
        b: position bias in logits (S x W), positive prefers A; None where only one order was asked.
        mass: P(A) + P(B), mean over the orders (S x W).
    """

    scenarios: tuple[str, ...]
    axes: tuple[str, ...]
    items: tuple[str, ...]
    domains: tuple[str, ...]
    columns: tuple[str, ...]
    d: Array
    b: Array | None
    mass: Array

    @property
    def s(self) -> Array:
        """Score: probability of the positive pole once position bias is taken out (S x W)."""
        return sigmoid(self.d)

    @property
    def cells(self) -> tuple[str, ...]:
        """Item and domain of each scenario (S)."""
        return tuple(f"{item}/{domain}" for item, domain in zip(self.items, self.domains, strict=True))

    def on(
        self, *, axis: str | None = None, item: str | None = None, columns: Sequence[str] | None = None
    ) -> Scores:
        """The part of one axis or item, or of some columns in the order asked for."""
        rows = [
            n
            for n, (one_axis, one_item) in enumerate(zip(self.axes, self.items, strict=True))
            if axis in (None, one_axis) and item in (None, one_item)
        ]
        cols = [self.columns.index(c) for c in (self.columns if columns is None else columns)]
        pick = np.ix_(rows, cols)

        def some(values: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(values[n] for n in rows)

        return Scores(
            some(self.scenarios),
            some(self.axes),
            some(self.items),
            some(self.domains),
            tuple(self.columns[c] for c in cols),
            self.d[pick],
            None if self.b is None else self.b[pick],
            self.mass[pick],
        )


def score_samples(samples: Iterable[Mapping[str, Any]], column: str = "template") -> Scores:
    """Arranges the rows of `samples.jsonl` of one part into scores.

    Args:
        samples: rows (`Task.row`) of one part of a run.
        column: the key that tells the wordings apart: `template` or `persona`.

    Raises:
        RunFolderError: nothing there, or a scenario lacks a wording or an order that others have.
        ValueError: rows of several personas were given, and it is not the persona that tells the wordings apart.
    """
    found: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    first: dict[str, Mapping[str, Any]] = {}
    rows = list(samples)
    if column != "persona" and len(asked := {row.get("persona") for row in rows}) > 1:
        names = ", ".join(sorted(str(name) for name in asked))
        raise ValueError(
            f"rows of several personas are no one reading ({names}); take those of one (probe_rows)"
        )
    for row in rows:
        first.setdefault(row["scenario"], row)
        found.setdefault((row["scenario"], row[column]), {})[row["order"]] = row
    if not found:
        raise RunFolderError("the run holds no samples yet: culturescope resume RUN goes on with it")
    scenarios = tuple(first)
    columns = tuple(dict.fromkeys(c for _, c in found))
    both = all(len(orders) == 2 for orders in found.values())
    one = all(len(orders) == 1 for orders in found.values())
    if len(found) != len(scenarios) * len(columns) or not (both or one):
        raise RunFolderError("some prompts have no answer yet: culturescope resume RUN goes on with them")
    d = np.empty((len(scenarios), len(columns)))
    b = np.empty_like(d)
    mass = np.empty_like(d)
    for n, scenario in enumerate(scenarios):
        for m, name in enumerate(columns):
            d[n, m], b[n, m], mass[n, m] = _one(found[scenario, name])
    heads = [first[s] for s in scenarios]
    return Scores(
        scenarios,
        tuple(h["axis"] for h in heads),
        tuple(h["item"] for h in heads),
        tuple(h["domain"] for h in heads),
        columns,
        d,
        b if both else None,
        mass,
    )


def letter_gap(row: Mapping[str, Any]) -> float:
    """l = z_A - z_B of a sample, from logits where the model shows them, else from log-probabilities."""
    a, b = row["logits"] if row["logits"] is not None else row["logprobs"]
    return float(a) - float(b)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)) without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def _one(orders: Mapping[str, Mapping[str, Any]]) -> tuple[float, float, float]:
    """d, b and letter mass of one scenario in one wording; with a single order b counts as 0."""
    mass = float(np.mean([np.exp(row["logprobs"]).sum() for row in orders.values()]))
    if len(orders) == 1:
        (order, row), *_ = orders.items()
        gap = letter_gap(row)
        return (gap if order == "positive-A" else -gap), 0.0, mass
    when_a, when_b = letter_gap(orders["positive-A"]), letter_gap(orders["positive-B"])
    return (when_a - when_b) / 2, (when_a + when_b) / 2, mass
