"""Weighted sums over respondents, pair of items by pair: all that the official map needs of a file, without its rows.

For each pair of items (i, j) only respondents count who answered both. Over those, with weights w, the sums of w, w x_i,
w x_i^2 and w x_i x_j give the pairwise correlation; over respondents who answered all ten, the sums give the mean and the
variance of any linear score. Sums add up, so files are read in chunks, cells (a society in a year) are merged, and nothing of a
single respondent is kept.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from culturescope.errors import BadInputError
from culturescope.instrument import load_pack
from culturescope.people.tables import item_range

Floats = NDArray[np.float64]

VARIABLES = ("A008", "A165", "E018", "E025", "F063", "F118", "F120", "G006", "Y002", "Y003")
"""The ten items by their names in the trend files: the order of columns everywhere here."""


def _zeros(*shape: int) -> Floats:
    return np.zeros(shape)


@dataclass(eq=False)
class PairwiseMoments:
    """Weighted sums of ten items over respondents; starts empty, grows by `add` and `merge`.

    Args:
        weight: over respondents who answered items i and j (10 x 10).
        first: sums of x_i over those (10 x 10, not symmetric).
        square: sums of x_i^2 over those (10 x 10, not symmetric).
        product: sums of x_i x_j over those (10 x 10).
        counts: respondents with a weight who answered items i and j (10 x 10).
        complete: respondents with a weight who answered all ten.
        complete_weight: sum of their weights.
        complete_weight_square: sum of the squares of their weights.
        complete_first: sums of x_i over them (10).
        complete_product: sums of x_i x_j over them (10 x 10).
        respondents: with a weight above zero.
        unweighted: left out, because their weight is missing or zero.
    """

    weight: Floats = field(default_factory=lambda: _zeros(10, 10))
    first: Floats = field(default_factory=lambda: _zeros(10, 10))
    square: Floats = field(default_factory=lambda: _zeros(10, 10))
    product: Floats = field(default_factory=lambda: _zeros(10, 10))
    counts: Floats = field(default_factory=lambda: _zeros(10, 10))
    complete: int = 0
    complete_weight: float = 0.0
    complete_weight_square: float = 0.0
    complete_first: Floats = field(default_factory=lambda: _zeros(10))
    complete_product: Floats = field(default_factory=lambda: _zeros(10, 10))
    respondents: int = 0
    unweighted: int = 0

    def add(self, chunk: ArrayLike, weights: ArrayLike | None = None) -> PairwiseMoments:
        """Adds respondents; missing codes are NaN already.

        Args:
            chunk: answers (n x 10) in the order of `VARIABLES`, NaN where missing.
            weights: of the respondents (n); None weighs all the same. Missing (NaN) or zero leaves a respondent out.

        Returns:
            Itself.

        Raises:
            BadInputError: shapes do not fit, an answer is infinite or no code of its item, a weight is negative or
                infinite. Nothing was added then.
        """
        answers = np.asarray(chunk, dtype=np.float64)
        if answers.ndim != 2 or answers.shape[1] != len(VARIABLES):
            raise BadInputError(f"answers must be respondents x the ten items, not of shape {answers.shape}")
        given = np.ones(len(answers)) if weights is None else np.asarray(weights, dtype=np.float64)
        if given.shape != (len(answers),):
            raise BadInputError(f"{len(answers)} respondents need as many weights, not {given.shape}")
        if np.isinf(given).any() or (given < 0).any():
            raise BadInputError("a weight is negative or infinite: missing weights are NaN")
        _check_answers(answers)
        used = given > 0
        answers, w = answers[used], given[used]
        self.unweighted += int(len(used) - used.sum())
        self.respondents += len(w)

        answered = ~np.isnan(answers)
        known = answered.astype(np.float64)
        values = np.where(answered, answers, 0.0)
        weighted = values * w[:, None]
        self.weight += (known * w[:, None]).T @ known
        self.first += weighted.T @ known
        self.square += (weighted * values).T @ known
        self.product += weighted.T @ values
        self.counts += known.T @ known

        whole = answered.all(axis=1)
        rows, w = answers[whole], w[whole]
        self.complete += len(w)
        self.complete_weight += float(w.sum())
        self.complete_weight_square += float(w @ w)
        self.complete_first += w @ rows
        self.complete_product += (rows * w[:, None]).T @ rows
        return self

    def merge(self, other: PairwiseMoments) -> PairwiseMoments:
        """The sums over the respondents of both; neither of the two changes."""
        mine, theirs = vars(self), vars(other)
        return PairwiseMoments(**{name: mine[name] + theirs[name] for name in mine})

    @property
    def means(self) -> Floats:
        """Weighted means over all who answered an item (10); NaN where nobody did."""
        return _divide(np.diag(self.first), np.diag(self.weight))

    @property
    def sds(self) -> Floats:
        """Weighted population standard deviations over all who answered an item (10); NaN where nobody did."""
        variance = _divide(np.diag(self.square), np.diag(self.weight)) - self.means**2
        return np.asarray(
            np.sqrt(
                np.where(variance > _noise(self.means), variance, np.where(np.isnan(variance), np.nan, 0))
            )
        )

    def correlation(self) -> Floats:
        """Weighted correlations of the items (10 x 10), each over the respondents who answered both.

        Raises:
            BadInputError: nobody answered some pair, or all who did gave one of the two the same answer; the pairs are named.
        """
        mean = _divide(self.first, self.weight)
        variance = _divide(self.square, self.weight) - mean**2
        covariance = _divide(self.product, self.weight) - mean * mean.T
        _name_pairs("nobody with a weight answered both of", self.weight == 0)
        constant = variance <= _noise(mean)
        _name_pairs("among those who answered both, one answer never differs:", constant | constant.T)
        found = np.clip(covariance / np.sqrt(variance * variance.T), -1, 1)
        np.fill_diagonal(found, 1.0)
        return np.asarray((found + found.T) / 2)

    @property
    def effective(self) -> float:
        """Kish's effective number of complete respondents, (sum w)^2 / sum w^2 (Kish 1965, "Survey Sampling", 11.7)."""
        return self.complete_weight**2 / self.complete_weight_square if self.complete else 0.0

    def complete_means(self) -> Floats:
        """Weighted means of the ten items over respondents who answered all (10).

        Raises:
            BadInputError: there is none.
        """
        if not self.complete:
            raise BadInputError(
                f"none of {self.respondents} respondents answered all ten items, so there is no official score; "
                "the country-level fit takes item means"
            )
        return np.asarray(self.complete_first / self.complete_weight)

    def complete_covariance(self) -> Floats:
        """Weighted population covariance of the ten items over respondents who answered all (10 x 10).

        Raises:
            BadInputError: there is none.
        """
        mean = self.complete_means()
        return np.asarray(self.complete_product / self.complete_weight - np.outer(mean, mean))


def _check_answers(answers: Floats) -> None:
    if np.isinf(answers).any():
        raise BadInputError("an answer is infinite: missing answers are NaN")
    low, high = _codes()
    wrong = (answers < low) | (answers > high)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise BadInputError(
            f"{VARIABLES[column]}: {answers[row, column]:g} lies outside of its codes {low[column]:g} to {high[column]:g}; "
            "missing codes must be NaN before answers are added"
        )


@functools.cache
def _codes() -> tuple[Floats, Floats]:
    """Lowest and highest code of each item."""
    scales = {item.variable: item_range(item) for item in load_pack().items}
    low, high = np.array([scales[name] for name in VARIABLES]).T
    return low, high


def _divide(above: Floats, below: Floats) -> Floats:
    return np.asarray(np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0))


def _noise(mean: Floats) -> Floats:
    """What rounding leaves of a variance of zero."""
    return np.asarray(1e-12 * (1 + mean**2))


def _name_pairs(what: str, wrong: NDArray[np.bool_]) -> None:
    alone = [VARIABLES[i] for i in range(len(wrong)) if wrong[i, i]]
    pairs = [
        f"{VARIABLES[i]} and {VARIABLES[j]}"
        for i in range(len(wrong))
        for j in range(i)
        if wrong[i, j] and not wrong[i, i] and not wrong[j, j]
    ]
    if alone or pairs:
        names = alone + pairs
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise BadInputError(
            f"{what} {', '.join(names[:3])}{more}; the official map needs all ten items: import further files, "
            "or use the country-level fit of item means"
        )
