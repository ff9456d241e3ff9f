"""Rules for claims about steps of steering: entanglement, domains, coefficients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from culturescope.experiments.reproduce.claims import Claim, Figure
from culturescope.experiments.reproduce.evidence import (
    AXES,
    Evidence,
    Found,
    Rule,
    beyond,
    figure,
    over_axes,
    size,
    untestable,
)

if TYPE_CHECKING:
    from culturescope.experiments.steer.results import DomainCell, Entanglement, EntangleStudy

FEWEST = 10
"""Prompts of texts under a coefficient: the interval of a ratio over fewer says little."""


def entangled(claim: Claim, evidence: Evidence) -> Found:
    """E within the paper's range, where both changes lie beyond random vectors."""
    study = evidence.study.entangle
    if study is None:
        return evidence.missing("entangle")
    low, high = float(claim.expect["low"]), float(claim.expect["high"])

    def test(axis: str) -> Found:
        e = _of(study, axis)
        if e is None:
            return untestable("it was not steered")
        figures = tuple(figure(f"{axis}, E", x, "size") for x in (e.e,) if x is not None)
        if e.e is None:
            return Found(False, f"E is not defined: {e.undefined}", figures)
        noise = f"random vectors have {e.random_e:.2f}"
        if not beyond(e.off_axis, e.off_band):
            return Found(
                False, f"the change off the axis is not surely beyond random vectors ({noise})", figures
            )
        if not low <= round(e.e.value, 1) <= high:
            reaches = "reaches into" if e.e.low <= high and e.e.high >= low else "lies outside of"
            return Found(False, f"it is not {low:g} to {high:g}; its interval {reaches} that", figures)
        return Found(
            True,
            f"it is {low:g} to {high:g}, with the change off the axis beyond its band ({noise})",
            figures,
        )

    found = over_axes(AXES, test)
    # Each E takes both axes.
    return found if (why := evidence.unread()) is None else untestable(why, found.figures)


def domains_alike(_: Claim, evidence: Evidence) -> Found:
    """Y changes with one sign in every domain when X is steered."""
    cells = _cells(evidence)
    if isinstance(cells, Found):
        return cells
    figures = tuple(figure(f"Y, {d}", c.change["Y"]) for d, c in cells.items())
    if (why := evidence.unread()) is not None:
        return untestable(why, figures)
    inside = [d for d, c in cells.items() if not beyond(c.change["Y"], c.random_band["Y"])]
    if inside:
        return Found(False, f"not surely beyond random vectors: {', '.join(inside)}", figures)
    if len({c.change["Y"].value > 0 for c in cells.values()}) > 1:
        return Found(False, "the domains differ in sign", figures)
    return Found(True, "the same sign in every domain, beyond random vectors", figures)


def off_axis_more(claim: Claim, evidence: Evidence) -> Found:
    """In one domain Y changes more than X when X is steered."""
    cells, domain = _cells(evidence), str(claim.expect["domain"])
    if isinstance(cells, Found):
        return cells
    cell = cells.get(domain)
    if cell is None or "X" not in cell.change:
        return untestable(f"the domain {domain} was not tested on both axes")
    y, x = cell.change["Y"], cell.change["X"]
    figures = (figure(f"Y, {domain}", y), figure(f"X, {domain}", x))
    if (why := evidence.unread()) is not None:
        return untestable(why, figures)
    if not beyond(y, cell.random_band["Y"]):
        return Found(False, "Y does not change surely beyond random vectors", figures)
    if size(y)[0] > size(x)[1]:
        return Found(True, "the whole interval of Y is larger", figures)
    return Found(False, "Y does not change surely more than X", figures)


def domains_cancel(claim: Claim, evidence: Evidence) -> Found:
    """Y changes with opposite signs in two domains when X is steered, and not at all over all domains."""
    cells, study = _cells(evidence), evidence.study.entangle
    if isinstance(cells, Found):
        return cells
    both = [str(claim.expect[n]) for n in ("one", "other")]
    if any(d not in cells for d in both):
        return untestable(f"{' and '.join(both)} were not both tested")
    figures = [figure(f"Y, {d}", cells[d].change["Y"]) for d in both]
    together = _of(study, "X") if study else None
    if together is None:
        return Found(None, evidence.missing("entangle").why, tuple(figures))
    figures.append(figure("Y, together", together.off_axis))
    if (why := evidence.unread()) is not None:
        return untestable(why, figures)
    inside = [d for d in both if not beyond(cells[d].change["Y"], cells[d].random_band["Y"])]
    if inside:
        return Found(False, f"not surely beyond random vectors: {', '.join(inside)}", tuple(figures))
    if len({cells[d].change["Y"].value > 0 for d in both}) == 1:
        return Found(False, "both domains change the same way", tuple(figures))
    if abs(together.off_axis.value) > together.off_band:
        return Found(False, "the domains differ in sign, but do not cancel", tuple(figures))
    return Found(
        True,
        "the domains differ in sign beyond random vectors; together Y stays inside of them",
        tuple(figures),
    )


def perplexity_kept(claim: Claim, evidence: Evidence) -> Found:
    """The worst perplexity ratio at moderate coefficients, interval and all. No verdict is needed: it is about texts."""
    sweep = evidence.study.sweep
    moderate, most = float(claim.expect["moderate"]), float(claim.expect["most"])
    if sweep is None:
        return evidence.missing("sweep")
    figures: list[Figure] = []
    for vector in AXES:
        rows = [
            r.quality.perplexity_ratio
            for r in sweep.rows
            if r.vector == vector
            and 0 < abs(r.alpha) <= moderate + 1e-9
            and r.quality
            and r.quality.prompts >= FEWEST
            and r.quality.perplexity_ratio
        ]
        if not rows:
            return untestable(
                f"along {vector} texts to {FEWEST} prompts or more were written under no alpha up to {moderate:g}",
                figures,
            )
        figures.append(figure(f"{vector}, largest perplexity ratio", max(rows, key=lambda r: r.high), "size"))
    over = [f for f in figures if (f.high or 0.0) > most]
    if not over:
        return Found(True, f"every interval up to alpha {moderate:g} stays within {most:g}", tuple(figures))
    sure = all((f.low or 0.0) <= most for f in over)
    why = (
        f"an interval up to alpha {moderate:g} reaches beyond {most:g}"
        if sure
        else f"it rises beyond {most:g}"
    )
    return Found(False, why, tuple(figures))


def moderate_suffices(claim: Claim, evidence: Evidence) -> Found:
    """At a moderate coefficient the change on the axis lies surely beyond random vectors."""
    study, moderate = evidence.study.entangle, float(claim.expect["moderate"])
    if study is None:
        return evidence.missing("entangle")

    def test(axis: str) -> Found:
        at = _at(study, axis, moderate)
        if at is None:
            return untestable(f"no step of alpha {moderate:g} was measured")
        figures = (figure(f"{axis}, change of d at {moderate:g}", at.on_axis),)
        if (why := evidence.unread((axis,))) is not None:
            return untestable(why, figures)
        told = f"beyond random vectors (up to {at.random_band:.2f})"
        sure = at.on_axis.low > at.random_band
        return Found(sure, f"surely {told}" if sure else f"not surely {told}", figures)

    return over_axes(AXES, test)


def needs_more(claim: Claim, evidence: Evidence) -> Found:
    """Not surely beyond random vectors at a moderate coefficient, and surely at the largest."""
    study = evidence.study.entangle
    moderate, largest = (float(claim.expect[n]) for n in ("moderate", "largest"))
    if study is None:
        return evidence.missing("entangle")

    def test(axis: str) -> Found:
        small, large = _at(study, axis, moderate), _at(study, axis, largest)
        if small is None or large is None:
            return untestable(f"steps of alpha {moderate:g} and {largest:g} were not both measured")
        figures = tuple(
            figure(f"{axis}, change of d at {a:g}", s.on_axis)
            for a, s in ((moderate, small), (largest, large))
        )
        if (why := evidence.unread((axis,))) is not None:
            return untestable(why, figures)
        if small.on_axis.low > small.random_band:
            return Found(False, f"{moderate:g} moves d surely beyond random vectors already", figures)
        if not large.on_axis.low > large.random_band:
            return Found(False, f"{largest:g} does not move d surely beyond random vectors either", figures)
        return Found(True, f"beyond random vectors at {largest:g} and not surely at {moderate:g}", figures)

    return over_axes(AXES, test)


def _cells(evidence: Evidence) -> dict[str, DomainCell] | Found:
    """The vector of X over all domains, tested on each."""
    from culturescope.experiments.steer.domains import EVERY

    table = evidence.study.domains.get("X")
    if table is None:
        return evidence.missing("domains")
    found = {
        c.tested: c for c in table.cells if c.fitted == EVERY and "Y" in c.change and "Y" in c.random_band
    }
    lacking = [d for d in evidence.study.pack.domains if d not in found]
    if lacking:
        return untestable(f"Y was not tested in {', '.join(lacking)}")
    return found


def _of(study: EntangleStudy, axis: str) -> Entanglement | None:
    return next((e for e in study.overall.entanglements if e.axis == axis), None)


def _at(study: EntangleStudy, axis: str, alpha: float) -> Entanglement | None:
    """A step of a raw coefficient; None where it was not measured."""
    if study.unit != "alpha":
        return None
    if abs(study.step - alpha) < 1e-9:
        return _of(study, axis)
    table = study.by_step.get(f"{alpha:g}")
    return next((e for e in table.entanglements if e.axis == axis), None) if table else None


RULES: dict[str, Rule] = {
    "entangled": entangled,
    "domains-alike": domains_alike,
    "off-axis-more": off_axis_more,
    "domains-cancel": domains_cancel,
    "perplexity-kept": perplexity_kept,
    "moderate-suffices": moderate_suffices,
    "needs-more": needs_more,
}
"""Name in `claims.toml` to rule."""
