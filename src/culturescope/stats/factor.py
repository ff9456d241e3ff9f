"""Principal components of a correlation matrix, varimax rotation and regression scores: what SPSS calls FACTOR.

With R = V diag(l) V' the loadings of the first f components are L = V_f diag(l_f)^(1/2). Varimax turns them by an orthogonal
T, and the weights of the regression scores are R^-1 L T. For components these are V_f diag(l_f)^(-1/2) T: no inverse of R is
taken, and the scores come out with unit variance and no correlation (R^-1 L (L' R^-1 L)^-1, as others write it, is the same).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from culturescope.errors import BadInputError

Floats = NDArray[np.float64]

SINGULAR = 1e-8
"""Smallest eigenvalue of a correlation matrix that counts as positive."""


@dataclass(frozen=True, eq=False)
class Components:
    """Rotated principal components.

    Args:
        loadings: correlations of variables with components (k x f).
        weights: of the standardised variables in the regression scores (k x f).
        rotation: from the first to the rotated components (f x f).
        eigenvalues: of the correlation matrix, all of them, largest first (k).
    """

    loadings: Floats
    weights: Floats
    rotation: Floats
    eigenvalues: Floats

    @property
    def explained(self) -> float:
        """Share of the variance of the standardised variables that the components hold."""
        return float(self.eigenvalues[: self.loadings.shape[1]].sum() / len(self.eigenvalues))


def rotated_components(correlation: ArrayLike, factors: int = 2, *, kaiser: bool = True) -> Components:
    """Extracts principal components of a correlation matrix and rotates them by varimax.

    Order and signs of the components say nothing: the caller names them.

    Args:
        correlation: correlation matrix (k x k).
        factors: components to keep, fewer than k.
        kaiser: normalise rows in the rotation, as SPSS and R do.

    Raises:
        BadInputError: not a correlation matrix, or one that is not positive definite.
    """
    matrix = _correlation(correlation)
    if not 1 <= factors < len(matrix):
        raise BadInputError(
            f"{factors} components of {len(matrix)} variables: 1 to {len(matrix) - 1} can be kept"
        )
    values, vectors = np.linalg.eigh(matrix)
    values, vectors = values[::-1], vectors[:, ::-1]
    if values[-1] < SINGULAR:
        what = "singular" if values[-1] > -SINGULAR else "not positive definite"
        raise BadInputError(
            f"the correlation matrix is {what} (smallest eigenvalue {values[-1]:.2g}): two variables may be one, or pairs "
            "may have been answered by too few or too different respondents; use more respondents or complete cases"
        )
    root = np.sqrt(values[:factors])
    loadings, rotation = varimax(vectors[:, :factors] * root, kaiser=kaiser)
    return Components(loadings, vectors[:, :factors] / root @ rotation, rotation, values)


def varimax(loadings: ArrayLike, *, kaiser: bool = True, sweeps: int = 100) -> tuple[Floats, Floats]:
    """Rotates loadings by varimax (Kaiser 1958, Psychometrika 23, 187-200).

    Each pair of columns a, b is turned by the angle t with tan 4t = (2 sum uv - 2 sum u sum v / k) /
    (sum (u^2 - v^2) - ((sum u)^2 - (sum v)^2) / k), u = a^2 - b^2, v = 2ab: the maximum for two columns, without a search.
    More columns take turns until nothing moves.

    Args:
        loadings: (k x f).
        kaiser: give all rows the length 1 while rotating.
        sweeps: rounds over all pairs.

    Returns:
        Rotated loadings (k x f) and the rotation (f x f), rotated = loadings @ rotation.

    Raises:
        BadInputError: not a finite matrix, or not settled after that many sweeps.
    """
    given = np.asarray(loadings, dtype=np.float64)
    if given.ndim != 2 or not given.size or not np.isfinite(given).all():
        raise BadInputError(
            f"loadings must be a matrix of finite numbers, variables x components, not {given.shape}"
        )
    lengths = np.sqrt((given**2).sum(axis=1, keepdims=True))
    turned = given / np.where(lengths > 0, lengths, 1.0) if kaiser else given.copy()
    count, columns = given.shape
    rotation = np.eye(columns)
    for _ in range(sweeps):
        largest = 0.0
        for i in range(columns):
            for j in range(i + 1, columns):
                u = turned[:, i] ** 2 - turned[:, j] ** 2
                v = 2 * turned[:, i] * turned[:, j]
                above = 2 * (u @ v - u.sum() * v.sum() / count)
                below = u @ u - v @ v - (u.sum() ** 2 - v.sum() ** 2) / count
                angle = np.arctan2(above, below) / 4
                turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
                turned[:, [i, j]] = turned[:, [i, j]] @ turn
                rotation[:, [i, j]] = rotation[:, [i, j]] @ turn
                largest = max(largest, abs(float(angle)))
        if largest < 1e-10 or columns < 3:
            return given @ rotation, rotation
    raise BadInputError(f"the varimax rotation did not settle in {sweeps} sweeps")


def _correlation(correlation: ArrayLike) -> Floats:
    matrix = np.asarray(correlation, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or len(matrix) < 2:
        raise BadInputError(f"a correlation matrix must be square and 2 x 2 or larger, not {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise BadInputError("a correlation is missing: some pair of variables has no respondents in common")
    if not np.allclose(matrix, matrix.T, atol=1e-9) or not np.allclose(np.diag(matrix), 1, atol=1e-9):
        raise BadInputError("a correlation matrix must be symmetric with ones on its diagonal")
    if (np.abs(matrix) > 1 + 1e-9).any():
        raise BadInputError("a correlation lies outside of -1 to 1")
    return matrix
