"""Chooses a spread of candidates: greedy facility location, held against a choice at random."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from culturescope.authoring.embeddings import Encode, Vectors

Floats = NDArray[np.float64]
DRAWS = 1000


def similarities(vectors: Vectors | Floats) -> Floats:
    """Cosines of vectors of length one, (n, n); negative ones count as none."""
    those = np.asarray(vectors, dtype=np.float64)
    return np.clip(those @ those.T, 0.0, 1.0)


def coverage(similarity: Floats, chosen: Sequence[int]) -> float:
    """How well a choice stands for all: the mean, over all, of the similarity to the nearest chosen one."""
    return float(similarity[:, list(chosen)].max(axis=1).mean()) if len(chosen) else 0.0


def facility_location(similarity: Floats, number: int) -> list[int]:
    """Greedy choice of the highest coverage, in the order of choice (Nemhauser, Wolsey and Fisher 1978).

    Coverage is monotone and submodular, so the greedy choice reaches at least 1 - 1/e of the best one. Gains only shrink, so
    a candidate is looked at again only while its old gain leads (Minoux 1978). Of equal gains the first index is taken.

    Args:
        similarity: (n, n), not negative.
        number: how many to choose, at most n.
    """
    best = np.zeros(len(similarity))
    queue = [(-float(similarity[:, n].sum()), n, 0) for n in range(len(similarity))]
    heapq.heapify(queue)
    chosen: list[int] = []
    while queue and len(chosen) < number:
        _, n, round_of = heapq.heappop(queue)
        if round_of == len(chosen):
            chosen.append(n)
            best = np.maximum(best, similarity[:, n])
        else:
            gain = float(np.maximum(similarity[:, n] - best, 0.0).sum())
            heapq.heappush(queue, (-gain, n, len(chosen)))
    return chosen


@dataclass(frozen=True)
class Diversity:
    """Coverage of the greedy choice and of choices at random, averaged over the cells that leave a choice.

    Args:
        cells: cells with more candidates than places.
        candidates: in those cells.
        places: in those cells.
        greedy: mean coverage of the greedy choices.
        random: mean over the draws.
        low: 2.5% of the draws lie below (one draw chooses in every cell).
        high: 97.5% of the draws lie below.
        draws: how many.
        space: what distances are measured in.
        curve: for 1, 2, ... chosen in every cell: number, greedy, random, low, high.
    """

    cells: int
    candidates: int
    places: int
    greedy: float
    random: float
    low: float
    high: float
    draws: int
    space: str
    curve: tuple[tuple[int, float, float, float, float], ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        gap = self.greedy - self.random
        return (
            f"coverage {self.greedy:.3f}; at random {self.random:.3f} (95% of draws: {self.low:.3f} to {self.high:.3f}), "
            f"a gain of {gap:+.3f} over {self.cells} cells ({self.space})"
        )


def choose(
    cells: Mapping[str, Sequence[str]], number: int, encode: Encode | None, *, seed: int = 42
) -> tuple[dict[str, list[int]], Diversity | None]:
    """Chooses in every cell, and says how much better than at random.

    Args:
        cells: texts of each cell.
        number: how many to choose in a cell.
        encode: sentence encoder; without one, texts are compared by their words (TF-IDF).
        seed: of the draws.

    Returns:
        Indices chosen in each cell (all, where there are not more than `number`), and the comparison (None where no cell
        leaves a choice).
    """
    everything = [text for texts in cells.values() for text in texts]
    vectors = _vectors(everything, encode)
    chosen: dict[str, list[int]] = {}
    open_cells: list[tuple[Floats, list[int]]] = []
    start = 0
    for cell, texts in cells.items():
        similarity = similarities(vectors[start : start + len(texts)])
        start += len(texts)
        order = facility_location(similarity, number)
        chosen[cell] = sorted(order)
        if len(texts) > number:
            open_cells.append((similarity, order))
    space = "sentence embeddings" if encode else "words, TF-IDF"
    return chosen, _compare(open_cells, number, space, seed) if open_cells else None


def _vectors(texts: Sequence[str], encode: Encode | None) -> Vectors | Floats:
    if not texts:
        return np.zeros((0, 1))
    if encode:
        return encode(texts)
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors: Floats = TfidfVectorizer().fit_transform(list(texts)).toarray()
    return vectors


def _compare(cells: Sequence[tuple[Floats, list[int]]], number: int, space: str, seed: int) -> Diversity:
    generator = np.random.default_rng(seed)
    steps = range(1, number + 1)
    greedy = np.mean([[coverage(s, order[:k]) for k in steps] for s, order in cells], axis=0)
    drawn = np.zeros((DRAWS, number))
    for similarity, _ in cells:
        for draw in range(DRAWS):
            order = generator.permutation(len(similarity))[:number]
            # Coverage of the first 1, 2, ... of the draw at once.
            drawn[draw] += np.maximum.accumulate(similarity[:, order], axis=1).mean(axis=0)
    drawn /= len(cells)
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    rows = zip(steps, greedy, drawn.mean(axis=0), low, high, strict=True)
    curve = tuple((k, float(g), float(r), float(a), float(b)) for k, g, r, a, b in rows)
    last = curve[-1]
    return Diversity(
        cells=len(cells),
        candidates=sum(len(s) for s, _ in cells),
        places=number * len(cells),
        greedy=last[1],
        random=last[2],
        low=last[3],
        high=last[4],
        draws=DRAWS,
        space=space,
        curve=curve,
    )
