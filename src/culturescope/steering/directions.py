"""From the activations of contrast pairs to a direction: a method is a function (positive, negative) -> direction.

Both arguments are (pairs, width) tensors in float32, behind one block; row n of either belongs to pair n. The result
is (width). A method of your own is such a function; `register` gives it a name for the command line.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from torch import Tensor

Method = Callable[["Tensor", "Tensor"], "Tensor"]


def mean_difference(positive: Tensor, negative: Tensor) -> Tensor:
    """Mean over pairs of h+ - h-, not normalised (method of the paper; Rimsky et al. 2024, "mean difference")."""
    return (positive - negative).mean(dim=0)


def uncentred_pca(positive: Tensor, negative: Tensor) -> Tensor:
    """First principal direction of the pairs' differences, unit norm, its sign that of their mean.

    The differences are not centred: centring would take out the mean difference, which is the effect looked for.
    """
    import torch

    difference = positive - negative
    direction: Tensor = torch.linalg.svd(difference, full_matrices=False).Vh[0]
    return direction if torch.dot(direction, difference.mean(dim=0)) >= 0 else -direction


def logistic(positive: Tensor, negative: Tensor) -> Tensor:
    """Normal of the logistic regression that tells h+ from h- (L2, C = 1, unit mean square), unit norm.

    Both classes are centred by their pair's mean first, so that what a scenario is about cannot separate them.
    """
    import numpy as np
    import torch
    from sklearn.linear_model import LogisticRegression

    half = ((positive - negative) / 2).double().numpy()
    spread = float(np.sqrt((half**2).mean()))
    if spread == 0:
        return torch.zeros(half.shape[1])
    both = np.concatenate([half, -half]) / spread
    labels = np.repeat([1, 0], len(half))
    fitted = LogisticRegression(C=1.0, fit_intercept=False, max_iter=1000).fit(both, labels)
    return torch.nn.functional.normalize(torch.from_numpy(fitted.coef_[0]), dim=0).float()


_METHODS: dict[str, Method] = {
    "mean-difference": mean_difference,
    "pca": uncentred_pca,
    "logistic": logistic,
}


def register(name: str, method: Method) -> None:
    """Gives a method a name.

    Raises:
        BadInputError: the name is taken.
    """
    if name in _METHODS:
        raise BadInputError(f'a method called "{name}" exists already')
    _METHODS[name] = method


def method_of(method: str | Method) -> tuple[str, Method]:
    """Name and function of a method given by its name or as a function.

    Raises:
        BadInputError: unknown name.
    """
    if callable(method):
        return getattr(method, "__name__", type(method).__name__), method
    if method not in _METHODS:
        raise BadInputError(f'unknown method "{method}"; known are {", ".join(_METHODS)}, or give a function')
    return method, _METHODS[method]
