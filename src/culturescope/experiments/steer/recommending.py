"""How far one may steer: the largest coefficient whose quality stays within a budget, with the reason."""

from __future__ import annotations

from collections.abc import Sequence

from culturescope.experiments.steer.results import Drawn
from culturescope.experiments.steer.sweep_results import Budget, Recommendation, SweepRow


def recommend(rows: Sequence[SweepRow], budget: Budget) -> tuple[Recommendation, ...]:
    """One recommendation for every vector and sign that was swept.

    Coefficients are walked outwards from 0 and the walk stops at the first that breaks the budget: a larger one that looks
    fine by chance is not taken. Nothing is recommended where no texts were written.
    """
    found = []
    for name in dict.fromkeys(row.vector for row in rows if row.vector is not None):
        for sign in (1, -1):
            way = sorted(
                (r for r in rows if r.vector == name and r.alpha * sign > 0), key=lambda r: abs(r.alpha)
            )
            if way:
                found.append(_walk(name, sign, way, budget))
    return tuple(found)


def _walk(name: str, sign: int, way: Sequence[SweepRow], budget: Budget) -> Recommendation:
    shown = estimated = None
    doubt = stop = None
    for row in way:
        broken, unsure = check(row, budget)
        if broken:
            stop = f"at {row.alpha:+.3g} {broken[0]}"
            break
        estimated = row.alpha
        if unsure and doubt is None:
            doubt = f"at {row.alpha:+.3g} {unsure[0]}"
        if doubt is None:
            shown = row.alpha
    reason = "; ".join(part for part in (doubt, stop) if part)
    return Recommendation(
        vector=name,
        sign=sign,
        alpha=shown,
        by_estimate=estimated,
        reason=reason or "the largest coefficient that was tried stays within the budget",
    )


def check(row: SweepRow, budget: Budget) -> tuple[list[str], list[str]]:
    """What of a row breaks the budget by its estimate, and what may break it by its interval, in words."""
    broken: list[str] = []
    unsure: list[str] = []

    def at_most(name: str, figure: Drawn | None, limit: float) -> None:
        if figure is None:
            broken.append(f"{name} is not known")
        elif figure.value > limit:
            broken.append(f"{name} is {figure.value:.3g}, above {limit:g}")
        elif figure.high > limit:
            unsure.append(
                f"{name} is {figure.value:.3g}, but its interval reaches {figure.high:.3g}, above {limit:g}"
            )

    if row.quality is None:
        return ["no texts were written, so its quality is not known"], []
    at_most("the perplexity ratio", row.quality.perplexity_ratio, budget.perplexity_ratio)
    at_most("the KL divergence", row.quality.kl, budget.kl)
    mass = row.letter_mass_ratio
    if mass.value < budget.letter_mass_ratio:
        broken.append(
            f"the letter mass is {mass.value:.3g} of the unsteered one, below {budget.letter_mass_ratio:g}"
        )
    elif mass.low < budget.letter_mass_ratio:
        unsure.append(
            f"the letter mass is {mass.value:.3g} of the unsteered one, but its interval reaches {mass.low:.3g}, "
            f"below {budget.letter_mass_ratio:g}"
        )
    return broken, unsure
