"""May the answers of a survey be read as values? They may where turning the scale round turns the numbers with it.

For each item, wording and style, u is the answer in [-1, 1], positive pole up, on the scale as it stands (u_s) and turned
round (u_t). The meaning is m = (u_s + u_t) / 2, the order o = (u_s - u_t) / 2. A model that always says "5", always takes the
first answer, or draws numbers at random does not look at what the numbers stand for: its numbers are alike in both
directions, so swapping the two directions of a pair changes nothing, and m is as likely as -m. That is the null model.

An axis passes where

1. T = sum over items of (mean over wordings of m)^2 is larger than under random signs of m, one for each item and wording,
   in all but `ALPHA` of cases (a sign-flip test: exact under the null where wordings are independent, whatever the
   preferences for places);
2. the meaning outweighs the order: root mean square over items of m at least `outweighs` times that of o, both styles together;
3. the answers leave the middle: root mean square of m at least `LEAST` of half a scale.

interpretable: it passes both together, and with "a number only" and without each on its own (where m above o is enough).
weak: both together pass. One step lower where more than half of the replies have no value, or where the numbers hold less than
half of the probability. The thresholds are fixed here and not tuned on models.

1 takes wordings as independent. A model that draws a number for a question in a direction and keeps it under every wording
breaks that: its m does not cancel over wordings, but its o is as large. Over k items mean m^2 is above the 95% quantile
of F(k, k) times mean o^2 there in about one of twenty cases: that is what the ratio is for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from culturescope.probing.check import STEPS
from culturescope.probing.results import Verdict
from culturescope.probing.survey_answers import ItemCells
from culturescope.probing.survey_results import AxisSurvey, ItemConsistency

Floats = NDArray[np.float64]
ALPHA = 0.02
"""Two axes at 2% each: 4% of models without values pass one of them."""
LEAST = 0.1
LEAST_ANSWERED = 0.5
LEAST_MASS = 0.5
FLIPS = 20_000
NOTHING = "no item was answered in both directions of its scale"
STYLES = ("without “a number only”", "with “a number only”")


def consistency(cells: ItemCells, up: float) -> ItemConsistency:
    """How an item's answers hold when the scale is turned round and the question is worded otherwise."""
    u = cells.signed(up)
    both = np.isfinite(u).all(axis=1)
    straight, turned = u[:, 0][both], u[:, 1][both]
    meaning, order = _parts(u)
    by_wording = [cells.value(wordings=[w]) for w in range(u.shape[0])]
    known = [v for v in by_wording if np.isfinite(v)]
    return ItemConsistency(
        item=cells.item,
        pairs=int(both.sum()),
        gap=_mean(np.abs(straight - turned) / 2),
        same_side=_mean((straight * turned > 0).astype(float)),
        meaning=_mean(meaning),
        order=_mean(order),
        wordings=tuple(v if np.isfinite(v) else None for v in by_wording),
        wording_sd=float(np.std(known, ddof=1)) if len(known) > 1 else None,
    )


def judge_axis(
    axis: str,
    cells: Sequence[ItemCells],
    up: Mapping[str, float],
    *,
    answered: float,
    mass: float | None,
    seed: int = 42,
) -> AxisSurvey:
    """The verdict on one axis.

    Args:
        axis: id.
        cells: the axis's items.
        up: item id to +1 where the positive pole is the high end of its scale, else -1.
        answered: share of replies with a value.
        mass: mean probability of the numbers, for the instrument `options`.
        seed: of the random signs.
    """
    signed = [c.signed(up[c.item]) for c in cells]
    pooled = _test(signed, (0, 1), seed)
    alone = [_test(signed, (style,), seed) for style in (0, 1)]
    passed = [_passes(*found) for found in alone]
    before: Verdict = "not interpretable"
    ratio = outweighs(len(cells))
    if _passes(*pooled) and pooled[1] >= ratio * pooled[2]:
        before = "interpretable" if all(passed) else "weak"
    faults = _faults(answered, mass)
    if (least := _least_p(signed)) > ALPHA:
        faults = [f"too few items and wordings: whatever is answered, p is at least {least:.2f}", *faults]
    verdict = STEPS[max(0, STEPS.index(before) - bool(faults))]
    p, meaning, order = pooled
    return AxisSurvey(
        axis=axis,
        verdict=verdict,
        before_reasons=before,
        reasons=(*(_reasons(pooled, passed, ratio) if _pairs(signed) else [NOTHING]), *faults),
        p=p,
        meaning=meaning,
        order=order,
        correlation=_correlation(signed),
        answered=answered,
        mass=mass,
    )


def _least_p(signed: Sequence[Floats]) -> float:
    """The smallest p that random signs can give: of each item all signs may be turned together and change nothing."""
    counts = [int(np.isfinite(_parts(u)[0]).sum()) for u in signed]
    return float(0.5 ** sum(c - 1 for c in counts if c))


def outweighs(items: int) -> float:
    """How many times the order the meaning must be, over so many items: 2.25 for five, more for fewer."""
    from scipy.special import fdtri

    return float(np.sqrt(fdtri(items, items, 0.95)))


def _parts(u: Floats, styles: Sequence[int] = (0, 1)) -> tuple[Floats, Floats]:
    """Meaning and order of each wording (W), over the styles in which both directions were answered; NaN without any."""
    chosen = u[:, :, list(styles)]
    both = np.isfinite(chosen).all(axis=1)
    count = both.sum(axis=1)
    meaning = np.where(both, (chosen[:, 0] + chosen[:, 1]) / 2, 0.0).sum(axis=1)
    order = np.where(both, (chosen[:, 0] - chosen[:, 1]) / 2, 0.0).sum(axis=1)
    nothing = np.where(count > 0, 0.0, np.nan)
    return meaning / np.maximum(count, 1) + nothing, order / np.maximum(count, 1) + nothing


def _test(signed: Sequence[Floats], styles: Sequence[int], seed: int) -> tuple[float, float, float]:
    """Share of random signs with a T as large as the one found (the found one counted), and the two root mean squares."""
    parts = [_parts(u, styles) for u in signed]
    meanings = [m[np.isfinite(m)] for m, _ in parts]
    orders = [o[np.isfinite(o)] for _, o in parts]
    meanings, orders = [m for m in meanings if len(m)], [o for o in orders if len(o)]
    if not meanings:
        return 1.0, 0.0, 0.0
    rng = np.random.default_rng(seed)
    found = sum(float(m.mean()) ** 2 for m in meanings)
    drawn = np.zeros(FLIPS)
    for m in meanings:
        drawn += (rng.choice((-1.0, 1.0), size=(FLIPS, len(m))) @ m / len(m)) ** 2
    p = (1 + int((drawn >= found - 1e-12).sum())) / (1 + FLIPS)
    rms = [float(np.sqrt(np.mean([part.mean() ** 2 for part in kind]))) for kind in (meanings, orders)]
    return p, rms[0], rms[1]


def _pairs(signed: Sequence[Floats]) -> int:
    """Pairs of answers on both directions of a scale."""
    return sum(int(np.isfinite(u).all(axis=1).sum()) for u in signed)


def _passes(p: float, meaning: float, order: float) -> bool:
    return p <= ALPHA and meaning > order and meaning >= LEAST


def _correlation(signed: Sequence[Floats]) -> float | None:
    """Correlation of the answers on the two directions over items, wordings and styles; None where it has no meaning."""
    pairs = (
        np.concatenate([np.moveaxis(u, 1, 2).reshape(-1, 2) for u in signed]) if signed else np.empty((0, 2))
    )
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    if len(pairs) < 3 or (pairs.std(axis=0) < 1e-9).any():
        return None
    return float(np.corrcoef(pairs.T)[0, 1])


def _faults(answered: float, mass: float | None) -> list[str]:
    faults = []
    if answered < LEAST_ANSWERED:
        faults.append(
            f"only {answered:.0%} of the replies have a value (at least {LEAST_ANSWERED:.0%}): one step lower"
        )
    if mass is not None and mass < LEAST_MASS:
        faults.append(
            f"the numbers hold only {mass:.0%} of the probability (at least {LEAST_MASS:.0%}): one step lower"
        )
    return faults


def _reasons(pooled: tuple[float, float, float], passed: Sequence[bool], ratio: float) -> list[str]:
    p, meaning, order = pooled
    clear = meaning >= ratio * order
    if all(passed) and clear and _passes(p, meaning, order):
        return ["turned round, the scale is answered in the same sense, with “a number only” and without"]
    reasons = [
        f"the answers hold when the scale is turned round only {style}"
        for style, passes in zip(STYLES, passed, strict=True)
        if passes
    ]
    if p > ALPHA:
        reasons.append(
            f"a model that does not look at what the numbers stand for answers like this in {p:.0%} of cases"
        )
    if max(meaning, order) < LEAST:
        reasons.append("the answers stay at the middle of the scale")
    elif meaning <= order:
        reasons.append("the answers follow the order of the scale, not its meaning")
    elif not clear:
        reasons.append(
            f"the order of the scale weighs too much: meaning is {meaning / order:.1f} times order, less than {ratio:.2f}"
        )
    return reasons or ["the answers hold when the scale is turned round, but in neither style on its own"]


def _mean(values: Floats) -> float | None:
    kept = values[np.isfinite(values)]
    return float(kept.mean()) if len(kept) else None
