"""Whether systems found the same: directions, gaps of the letters' logits, texts; pure functions of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TOLERANCE = 1e-4
"""Largest difference of a gap of logits that counts as the same, float32."""
SAME_DIRECTION = 0.9999
TOP = 4
REFERENCE = {"extraction": "plain", "probing": "plain", "both orders, three wordings": "plain"}
OTHERWISE = ("lean", "plain hook", "plain loop")


@dataclass(frozen=True)
class Agreement:
    """How what a system found compares with the reference.

    Args:
        same: None where there is nothing to compare.
        words: for the table.
    """

    same: bool | None
    words: str


def reference_of(case: str, systems: Sequence[str]) -> str | None:
    """The system that the others are compared with: the plain loop, else the lean one; None where there is none."""
    wanted = REFERENCE.get(case)
    if wanted in systems:
        return wanted
    return next((name for name in OTHERWISE if name in systems), None)


def compare(found: Mapping[str, NDArray], reference: Mapping[str, NDArray]) -> Agreement:
    """Compares two systems' results by what both have."""
    for name, how in (("directions", directions), ("gaps", gaps), ("tokens", texts), ("spread", spreads)):
        if name in found and name in reference:
            return how(found[name], reference[name])
    return Agreement(None, "")


def directions(found: Floats, reference: Floats) -> Agreement:
    """Cosines of directions (blocks, width); NaN rows are blocks that the system leaves out."""
    there = ~np.isnan(found).any(axis=1)
    one, other = found[there].astype(float), reference[there].astype(float)
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    cosines = np.divide((one * other).sum(axis=1), lengths, out=np.zeros(len(one)), where=lengths > 0)
    words = f"cosine {cosines.mean():.3f}, least {cosines.min():.3f}"
    if not there.all():
        left_out = ", ".join(map(str, np.flatnonzero(~there)))
        words += f"; without block {left_out}"
    return Agreement(bool(there.all() and cosines.min() > SAME_DIRECTION), words)


def gaps(found: Floats, reference: Floats) -> Agreement:
    """Largest difference; NaN is what a system did not measure."""
    if found.shape != reference.shape:
        return Agreement(False, f"shape {found.shape}, not {reference.shape}")
    far = np.abs(found - reference)
    largest = float(np.nanmax(far))
    return Agreement(largest <= TOLERANCE, f"gaps within {largest:.1e}")


def texts(found: NDArray, reference: NDArray) -> Agreement:
    """Texts (rows of token ids) that are the same to the last token."""
    if found.shape != reference.shape:
        return Agreement(False, f"shape {found.shape}, not {reference.shape}")
    same = int((found == reference).all(axis=1).sum())
    return Agreement(same == len(found), f"{same} of {len(found)} texts the same")


def spreads(found: Floats, reference: Floats) -> Agreement:
    """Standard errors by draws of their own; the same where the median ratio lies within 5%."""
    ratio = float(np.median(found / reference))
    return Agreement(abs(ratio - 1) < 0.05, f"spread {ratio:.3f} of the loop's")


def block_effects(found: Floats, axes: Sequence[int]) -> Floats:
    """Signed change of the mean value logit (axes, blocks) from gaps (prompts, blocks, signs).

    Prompts are scenarios in both orders, the positive pole at A first: d = (gap first - gap second) / 2, and the change
    is (d(+) - d(-)) / 2.
    """
    d = (found[0::2] - found[1::2]) / 2
    change = (d[..., 0] - d[..., 1]) / 2
    axis = np.asarray(axes)[0::2]
    return np.stack([change[axis == number].mean(axis=0) for number in sorted(set(axes))])


@dataclass(frozen=True)
class Estimated:
    """How well an estimate chooses blocks, on one axis.

    Args:
        spearman: rank correlation of estimate and exact effect over blocks.
        overlap: how many of the best four are the same.
        regret: share of the four best blocks' summed effect that is lost by taking the four best among those verified.
    """

    spearman: float
    overlap: int
    regret: float


def estimated(exact: Floats, estimate: Floats, verified: int) -> Estimated:
    """Judges estimates (blocks) by exact effects (blocks)."""
    from scipy.stats import spearmanr

    best = np.argsort(-exact, kind="stable")[:TOP]
    by_estimate = np.argsort(-estimate, kind="stable")
    checked = by_estimate[:verified]
    chosen = checked[np.argsort(-exact[checked], kind="stable")[:TOP]]
    most = exact[best].sum()
    return Estimated(
        float(spearmanr(exact, estimate).statistic),
        len(set(best.tolist()) & set(by_estimate[:TOP].tolist())),
        float(1 - exact[chosen].sum() / most) if most > 0 else float("nan"),
    )
