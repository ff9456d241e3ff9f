"""The official map from survey files: factor scores of respondents, and society means of them.

The published SPSS syntax of the WVS Association: principal components of the weighted pairwise correlations of the ten items,
two components, varimax with Kaiser normalisation, regression scores, x = 1.81 f + 0.038 and y = 1.61 f - 0.1, and the weighted
mean over a society's respondents. Scores exist for respondents who answered all ten items. A score is linear in the answers,
so a society's mean score is the score of its item means over those respondents: sums are enough (module `moments`).

The syntax runs on the integrated file of all waves (1981 on, weight S017). A fit on another file, one wave for instance, is
another map: its series is named so, and no series is ever put beside another. Without files there is `projection`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from culturescope.errors import BadInputError
from culturescope.instrument import load_pack
from culturescope.people.moments import VARIABLES, PairwiseMoments
from culturescope.people.tables import DATA, People, Society, load_people
from culturescope.stats.factor import Components, rotated_components

Floats = NDArray[np.float64]
Line = tuple[float, float]


@dataclass(frozen=True)
class Variant:
    """Slope and intercept from factor scores to x and y."""

    title: str
    x: Line
    y: Line


VARIANTS: Mapping[str, Variant] = {
    "official": Variant("WVS Association, published syntax", (1.81, 0.038), (1.61, -0.1)),
    # A decimal slip against the official constants: a rigid shift by +0.342 and +0.090, kept to compare with that paper.
    "tao2024": Variant("Tao et al. 2024, as printed", (1.81, 0.38), (1.61, -0.01)),
}

ANCHORS = {"X": (("Y002", 1), ("F118", 1)), "Y": (("F063", -1), ("E018", 1))}
"""Items whose loadings name the ends of an axis, and their signs: postmaterialism and homosexuality justifiable for
self-expression; God not important and respect for authority opposed for secular-rational."""

REPRODUCED = 0.02
"""Root mean square difference to the official positions, on either axis, below which a fit is the official map."""


@dataclass(frozen=True)
class OfficialPosition:
    """A society's place: weighted means of x and y over its `complete` respondents.

    `effective` is Kish's effective number of them; standard errors are from it, so they know of weights but not of strata and
    clusters, and the true ones are larger. None where a single effective respondent is left.
    """

    x: float
    y: float
    se_x: float | None
    se_y: float | None
    complete: int
    effective: float
    series: str


@dataclass(frozen=True, eq=False)
class OfficialProjection:
    """A map that was fitted on respondents. Columns are x (self-expression) and y (secular-rational).

    Args:
        series: which map this is; positions of different series cannot be compared.
        variant: whose constants rescale the scores.
        means: of the items over all who answered (10), in the order of `VARIABLES`.
        sds: population standard deviations (10).
        weights: of the standardised items in the scores (10 x 2).
        loadings: correlations of items with components (10 x 2); None where only weights were published.
        eigenvalues: of the correlation matrix, largest first (10); None as above.
        respondents: behind the fit; None as above.
    """

    series: str
    variant: str
    means: Floats
    sds: Floats
    weights: Floats
    loadings: Floats | None = None
    eigenvalues: Floats | None = None
    respondents: int | None = None

    @property
    def slopes(self) -> Floats:
        """Change of (x, y) with each item's raw answer (10 x 2)."""
        lines = VARIANTS[self.variant]
        return np.asarray(self.weights / self.sds[:, None] * [lines.x[0], lines.y[0]])

    def scores(self, answers: ArrayLike) -> Floats:
        """Places (n x 2) of answers or means of answers (n x 10); NaN where one of the ten is missing.

        Raises:
            BadInputError: not ten columns.
        """
        rows = np.asarray(answers, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(VARIABLES):
            raise BadInputError(f"answers must be respondents x the ten items, not of shape {rows.shape}")
        lines = VARIANTS[self.variant]
        return np.asarray((rows - self.means) @ self.slopes + [lines.x[1], lines.y[1]])

    def position(self, cell: PairwiseMoments) -> OfficialPosition:
        """The place of a society (or any group): the mean score of its respondents with all ten answers.

        Raises:
            BadInputError: nobody answered all ten.
        """
        x, y = self.scores(cell.complete_means()[None])[0]
        se: tuple[float | None, float | None] = (None, None)
        if cell.effective > 1 + 1e-9:
            spread = np.einsum("ik,ij,jk->k", self.slopes, cell.complete_covariance(), self.slopes)
            # Population variance over n_eff - 1 is the unbiased variance over n_eff.
            errors = np.sqrt(np.maximum(spread, 0.0) / (cell.effective - 1))
            se = (float(errors[0]), float(errors[1]))
        return OfficialPosition(float(x), float(y), *se, cell.complete, cell.effective, self.series)


def official_projection(
    moments: PairwiseMoments, *, variant: str = "official", series: str | None = None
) -> OfficialProjection:
    """Fits the map on the respondents behind the sums.

    Axes are named by their five items (larger sum of squared loadings) and turned by their anchors. "tao2024" fits the
    same way and rescales with that paper's constants; the paper fits on surveys from 2005 on, so add only those.

    Args:
        moments: of all respondents.
        variant: "official" or "tao2024".
        series: name of the map; "refit-official" or "refit-tao2024" by default. See `reproduction`.

    Raises:
        BadInputError: an unknown variant; a pair of items that nobody answered; a correlation matrix that is singular or not
            positive definite (pairwise matrices can be); axes that cannot be told apart or turned.
    """
    if variant not in VARIANTS:
        raise BadInputError(f'unknown variant "{variant}"; there are {", ".join(VARIANTS)}')
    found = rotated_components(moments.correlation())
    order, signs = _axes(found)
    return OfficialProjection(
        series=series or f"refit-{variant}",
        variant=variant,
        means=moments.means,
        sds=moments.sds,
        weights=found.weights[:, order] * signs,
        loadings=found.loadings[:, order] * signs,
        eigenvalues=found.eigenvalues,
        respondents=moments.respondents,
    )


def published_projection(name: str = "tao2024") -> OfficialProjection:
    """A projection whose item means, standard deviations and weights were published, by name.

    Raises:
        BadInputError: none of that name.
    """
    table = np.array([[float(row[k]) for k in row if k != "variable"] for row in _rows(name, "projection")])
    return OfficialProjection(name, name, table[:, 0], table[:, 1], table[:, 2:])


def variant_societies(name: str = "tao2024") -> tuple[Society, ...]:
    """Positions of societies on a published variant of the map, years pooled (year is the last one).

    Raises:
        BadInputError: none of that name.
    """
    known = load_people().societies
    return tuple(
        Society(
            code=row["code"],
            name=row["name"],
            zone=known[row["code"]].zone if row["code"] in known else None,
            year=2022,
            x=float(row["x"]),
            y=float(row["y"]),
            series=name,
            source=name,
        )
        for row in _rows(name, "societies")
    )


def one_series(*places: Society | OfficialPosition | OfficialProjection | People) -> str:
    """The series that all of these share.

    Raises:
        BadInputError: they are of more than one, or nothing is given.
    """
    names = list(dict.fromkeys(p.series for p in places))
    if len(names) != 1:
        raise BadInputError(
            f"positions of {len(names)} series ({', '.join(names) or 'none'}) cannot be compared: take all of them from one"
        )
    return names[0]


@dataclass(frozen=True)
class Reproduction:
    """How far own positions lie from the official ones of the same society and year.

    `x`, `y`: root mean squares; `societies` are counted once; `largest` is the society with the largest difference.
    """

    societies: int
    x: float
    y: float
    largest: str

    @property
    def holds(self) -> bool:
        """Whether the fit is the official map: 20 societies or more, and both axes within `REPRODUCED`."""
        return self.societies >= 20 and max(self.x, self.y) <= REPRODUCED


def reproduction(
    positions: Mapping[tuple[str, int], OfficialPosition], people: People | None = None
) -> Reproduction:
    """Compares own positions, by society and year, with the official ones: is this fit the official map?

    Raises:
        BadInputError: no society and year in common.
    """
    people = people or load_people()
    gaps = {}
    for (code, year), own in positions.items():
        if code in people.societies and (official := people.position(code, year)) is not None:
            gaps[code, year] = (own.x - official.x, own.y - official.y)
    if not gaps:
        raise BadInputError("no society of the same survey year in common with the official positions")
    table = np.array(list(gaps.values()))
    x, y = np.sqrt((table**2).mean(axis=0))
    largest, _ = list(gaps)[int((table**2).sum(axis=1).argmax())]
    return Reproduction(len({code for code, _ in gaps}), float(x), float(y), largest)


def _axes(found: Components) -> tuple[list[int], Floats]:
    """Which component is x, which is y (order), and their signs."""
    axis_of = {item.variable: item.axis for item in load_pack().items}
    on_x = np.array([axis_of[name] == "X" for name in VARIABLES])
    squares = found.loadings**2
    share = squares[on_x].sum(axis=0) - squares[~on_x].sum(axis=0)
    if abs(share[0] - share[1]) < 0.1 * squares.sum():
        raise BadInputError(
            "the two axes cannot be told apart: both components load on the items of either axis alike; "
            "this is not the structure of the map, check codes and columns"
        )
    order = [0, 1] if share[0] > share[1] else [1, 0]
    signs = []
    for axis, column in zip(("X", "Y"), order, strict=True):
        pulls = {
            name: sign * float(found.loadings[VARIABLES.index(name), column]) for name, sign in ANCHORS[axis]
        }
        first, second = pulls.values()
        if first * second <= 0 or abs(first + second) < 0.1:
            shown = " and ".join(f"{name} {pull:+.2f}" for name, pull in pulls.items())
            raise BadInputError(
                f"the {axis} axis cannot be turned: its anchors disagree ({shown} towards its positive pole); "
                "an item may be coded the wrong way round, or the respondents come from too few societies"
            )
        signs.append(float(np.sign(first)))
    return order, np.array(signs)


def _rows(name: str, table: str) -> list[dict[str, str]]:
    folder = DATA / "variants"
    known = sorted(f.name.split("-")[0] for f in folder.glob(f"*-{table}.csv"))
    if name not in known:
        raise BadInputError(f'no published variant "{name}"; there is {", ".join(known)}')
    with (folder / f"{name}-{table}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
