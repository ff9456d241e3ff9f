"""Distances between places on the map, and between distributions of answers over ordered categories.

Each is defined as its source defines it; directions differ: a distance is 0 for equals, a similarity is 1.

| function | source | range |
|---|---|---|
| `euclid` | - | 0 and up |
| `mahalanobis` | Mahalanobis 1936 | 0 and up |
| `wasserstein` | WorldValuesBench: scale put on 0 to 1 | 0 to 1 |
| `wasserstein_similarity` | OpinionQA: 1 - WD / (largest WD) | 0 to 1 |
| `jensen_shannon` | Endres and Schindelin 2003 (root), Lin 1991 (no root) | 0 to 1 in base 2 |
| `jensen_shannon_similarity` | GlobalOpinionQA: 1 - Jensen-Shannon distance | 0 to 1 in base 2 |
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from culturescope.errors import BadInputError

Floats = NDArray[np.float64]

ROUNDING = 1e-6
"""How far the shares of a distribution may be from a sum of one."""


def euclid(a: ArrayLike, b: ArrayLike) -> Floats:
    """Straight distance of places on the map, in units of the map.

    Args:
        a: places (..., 2).
        b: places (..., 2), broadcast against `a`.

    Raises:
        BadInputError: a place is not finite, or shapes do not fit.
    """
    return np.asarray(np.sqrt((_difference(a, b) ** 2).sum(axis=-1)))


def mahalanobis(a: ArrayLike, b: ArrayLike, covariance: ArrayLike) -> Floats:
    """Distance of places in standard deviations, sqrt((a - b)' C^-1 (a - b)), along the spread of C.

    With the covariance of the societies' places it says how unusual a difference is among societies; with that of a
    place's error, how well the difference is measured.

    Args:
        a: places (..., 2).
        b: places (..., 2), broadcast against `a`.
        covariance: symmetric, positive definite (2 x 2).

    Raises:
        BadInputError: as `euclid`, or the covariance has no inverse.
    """
    difference = _difference(a, b)
    matrix = np.asarray(covariance, dtype=np.float64)
    size = difference.shape[-1]
    if matrix.shape != (size, size) or not np.isfinite(matrix).all() or not np.allclose(matrix, matrix.T):
        raise BadInputError(
            f"a covariance must be symmetric, finite and {size} x {size}, not of shape {matrix.shape}"
        )
    values = np.linalg.eigvalsh(matrix)
    if values[0] <= 1e-12 * max(values[-1], 0.0):
        raise BadInputError(f"the covariance is not positive definite (smallest eigenvalue {values[0]:.2g})")
    white = np.linalg.solve(np.linalg.cholesky(matrix), difference[..., None])[..., 0]
    return np.asarray(np.sqrt((white**2).sum(axis=-1)))


def wasserstein(p: ArrayLike, q: ArrayLike, codes: ArrayLike | None = None) -> Floats:
    """Wasserstein 1-distance of answers with the scale put on 0 to 1: sum over categories of |P - Q|, cumulated.

    As in WorldValuesBench (Zhao et al. 2024, LREC-COLING, 17696-17706; its evaluation script maps a scale's lowest code to
    0 and its highest to 1). 1 means that all answers lie at opposite ends.

    Args:
        p: shares of the ordered categories (..., K); each sums to one.
        q: the same (..., K), broadcast against `p`.
        codes: where the categories lie (K), rising; evenly spaced by default. The scale runs from the first to the last.

    Raises:
        BadInputError: shares are not finite, negative, do not sum to one, are of different lengths, or of fewer than two
            categories; codes do not rise.

    Example:
        >>> float(wasserstein([1, 0, 0], [0, 1, 0]))
        0.5
    """
    first, second = _distributions(p, q)
    places = _places(codes, first.shape[-1])
    gaps = np.abs(np.cumsum(first - second, axis=-1))[..., :-1]
    return np.asarray(gaps @ np.diff(places) / (places[-1] - places[0]))


def wasserstein_similarity(p: ArrayLike, q: ArrayLike, codes: ArrayLike | None = None) -> Floats:
    """OpinionQA's alignment of one question, 1 - WD / (N - 1) for N options (Santurkar et al. 2023, ICML, section 3).

    The largest WD is that of all answers at opposite ends, so this is 1 - `wasserstein`. Refusals are no category.
    Arguments and errors are those of `wasserstein`.
    """
    return np.asarray(1 - wasserstein(p, q, codes))


def jensen_shannon(p: ArrayLike, q: ArrayLike, *, base: float = 2.0, root: bool = True) -> Floats:
    """Jensen-Shannon distance of two distributions; the order of categories plays no part.

    With m = (p + q) / 2 the divergence is D = (KL(p, m) + KL(q, m)) / 2 (Lin 1991, IEEE Trans. Inf. Theory 37, 145-151); its
    root is a metric (Endres and Schindelin 2003, the same journal 49, 1858-1860). In base 2 both run from 0 to 1; scipy's
    default is base e, where the distance ends at sqrt(ln 2) = 0.833: never compare across bases.

    Args:
        p: shares (..., K); each sums to one.
        q: the same (..., K), broadcast against `p`.
        base: of the logarithm.
        root: the distance sqrt(D); False gives the divergence D.

    Raises:
        BadInputError: as `wasserstein`; the base is not above 1.
    """
    first, second = _distributions(p, q)
    if not (np.isfinite(base) and base > 1):
        raise BadInputError(f"the base of the logarithm must be above 1, not {base}")
    both = first + second
    parts = [
        (share * np.log(np.where(share > 0, 2 * share, 1.0) / np.where(share > 0, both, 1.0))).sum(axis=-1)
        for share in (first, second)
    ]
    # Rounding may leave -1e-17 for equal distributions, and a hair above ln 2 for disjoint ones.
    divergence = np.clip((parts[0] + parts[1]) / 2, 0.0, np.log(2.0)) / np.log(base)
    return np.asarray(np.sqrt(divergence) if root else divergence)


def jensen_shannon_similarity(p: ArrayLike, q: ArrayLike, *, base: float = 2.0) -> Floats:
    """GlobalOpinionQA's similarity of one question, 1 - Jensen-Shannon distance (Durmus et al. 2023, arXiv:2306.16388).

    The distance is the root. Base 2 here; base e gives scipy's default. State the base with the figure.
    Arguments and errors are those of `jensen_shannon`.
    """
    return np.asarray(1 - jensen_shannon(p, q, base=base))


def _difference(a: ArrayLike, b: ArrayLike) -> Floats:
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if not first.ndim or not second.ndim or first.shape[-1] != second.shape[-1] or not first.shape[-1]:
        raise BadInputError(
            f"places must have the same number of coordinates, not shapes {first.shape}, {second.shape}"
        )
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise BadInputError("places must be finite numbers: a coordinate is missing")
    _check_shapes(first, second)
    return np.asarray(first - second)


def _distributions(p: ArrayLike, q: ArrayLike) -> tuple[Floats, Floats]:
    found = []
    for name, given in (("first", p), ("second", q)):
        shares = np.asarray(given, dtype=np.float64)
        if not shares.ndim or shares.shape[-1] < 2:
            raise BadInputError(
                f"the {name} distribution needs two categories or more, not shape {shares.shape}"
            )
        if not np.isfinite(shares).all() or (shares < 0).any():
            raise BadInputError(f"the {name} distribution holds a share that is negative or not a number")
        sums = shares.sum(axis=-1, keepdims=True)
        if (np.abs(sums - 1) > ROUNDING).any():
            worst = float(sums.ravel()[np.abs(sums - 1).argmax()])
            raise BadInputError(
                f"the {name} distribution sums to {worst:.6g}, not to 1: divide counts by their sum"
            )
        found.append(shares / sums)
    if found[0].shape[-1] != found[1].shape[-1]:
        raise BadInputError(
            f"the distributions have {found[0].shape[-1]} and {found[1].shape[-1]} categories: "
            "give both the same ones, with 0 where nobody answered"
        )
    _check_shapes(*found)
    return found[0], found[1]


def _check_shapes(first: Floats, second: Floats) -> None:
    try:
        np.broadcast_shapes(first.shape, second.shape)
    except ValueError:
        raise BadInputError(f"shapes {first.shape} and {second.shape} do not fit together") from None


def _places(codes: ArrayLike | None, count: int) -> Floats:
    if codes is None:
        return np.arange(count, dtype=np.float64)
    places = np.asarray(codes, dtype=np.float64)
    if places.shape != (count,) or not np.isfinite(places).all() or (np.diff(places) <= 0).any():
        raise BadInputError(
            f"codes must be {count} rising numbers, one for each category, not {places.tolist()}"
        )
    return places
