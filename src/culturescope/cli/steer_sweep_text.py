"""A sweep in lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from culturescope.experiments.steer.results import Drawn
    from culturescope.experiments.steer.sweep_results import Sweep, SweepRow


def lines_of(found: Sweep) -> Iterator[str]:
    """The sweep in lines of text."""
    plain = found.rows[0]
    axes = [at.axis for at in plain.everywhere.axes]
    yield f"Unsteered, {found.scenarios} scenarios: {_axes(plain)}{_place(plain)}"
    yield (
        f"  letter mass {plain.letter_mass:.3f}, mean b {plain.bias:+.2f}, mean |b| {plain.mean_abs_b:.2f}{_unsteered(plain)}"
    )
    head = "".join(f" {'d ' + a + ' change':>24}" for a in axes)
    quality = f" {'perplexity x':>19} {'KL':>7} {'rep.':>6} {'like.':>6}" if plain.quality else ""
    yield (
        f"{'vector':<10} {'alpha':>7} {'dose':>6} {'gaps':>6}{head} {'x':>6} {'y':>6} {'mass':>6} {'b':>6}{quality}"
    )
    for row in found.rows[1:]:
        yield _line(row)
    for effect in found.random:
        where = "beyond" if effect.beyond else "inside"
        yield (
            f"{effect.vector} at {effect.alpha:+.3g}, axis {effect.axis}: change {effect.change.value:+.3g} lies {where} the "
            f"band of {effect.vectors} random vectors ({effect.low:+.3g} to {effect.high:+.3g})"
        )
    budget = found.budget
    yield (
        f"Budget: perplexity at most {budget.perplexity_ratio:g} x, KL at most {budget.kl:g} nats, letter mass at least "
        f"{budget.letter_mass_ratio:g} x"
    )
    for advice in found.recommendations:
        best = "none" if advice.alpha is None else f"alpha {advice.alpha:+.3g}"
        guess = (
            ""
            if advice.by_estimate == advice.alpha
            else f" (by estimates alone {_or_none(advice.by_estimate)})"
        )
        yield f"Recommended for {advice.vector}, {'up' if advice.sign > 0 else 'down'}: {best}{guess}: {advice.reason}"
    for note in found.notes:
        yield f"Note: {note}"


def _line(row: SweepRow) -> str:
    dose = max(row.dose.values(), key=abs, default=None)
    gap = max(row.gap.values(), key=abs, default=None)
    at = row.everywhere
    axes = "".join(f" {_interval(a.change):>24}" for a in at.axes)
    place = ("-", "-") if at.place is None else (f"{at.place.x:+.2f}", f"{at.place.y:+.2f}")
    quality = ""
    if row.quality:
        q = row.quality
        ratio = "-" if q.perplexity_ratio is None else _interval(q.perplexity_ratio, signed=False, digits=2)
        quality = f" {ratio:>19} {_cell(q.kl.value if q.kl else None):>7} {_cell(q.repetition):>6} {_cell(q.similarity):>6}"
    return (
        f"{(row.vector or '')[:10]:<10} {row.alpha:>+7.3f} {_cell(dose, 2):>6} {_cell(gap, 2):>6}{axes} {place[0]:>6} "
        f"{place[1]:>6} {row.letter_mass:>6.3f} {row.bias:>+6.2f}{quality}"
    )


def _axes(row: SweepRow) -> str:
    return ", ".join(f"{a.axis} d {_interval(a.d)} s {a.score:.3f}" for a in row.everywhere.axes)


def _place(row: SweepRow) -> str:
    place = row.everywhere.place
    return "" if place is None else f", map x {place.x:+.2f} y {place.y:+.2f}"


def _unsteered(row: SweepRow) -> str:
    q = row.quality
    if q is None:
        return ""
    return (
        f"; texts: perplexity {_cell(q.perplexity)}, {q.tokens:.0f} tokens, repetition {_cell(q.repetition)}"
    )


def _interval(drawn: Drawn, *, signed: bool = True, digits: int = 3) -> str:
    sign = "+" if signed else ""
    return f"{drawn.value:{sign}.{digits}f} [{drawn.low:{sign}.{digits}f}, {drawn.high:{sign}.{digits}f}]"


def _cell(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _or_none(alpha: float | None) -> str:
    return "none" if alpha is None else f"{alpha:+.3g}"
