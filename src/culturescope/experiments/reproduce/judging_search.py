"""Rules for claims about the fit of vectors and the search: methods, blocks, items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from culturescope.experiments.reproduce.claims import Claim, Figure
from culturescope.experiments.reproduce.evidence import (
    AXES,
    Evidence,
    Found,
    Rule,
    figure,
    over_axes,
    untestable,
)

if TYPE_CHECKING:
    from culturescope.experiments.steer.search_results import ItemEffect

SURE = 0.05
"""A set of blocks counts as the paper's where chance would meet as many of them no more often."""


def pca_weaker(_: Claim, evidence: Evidence) -> Found:
    """PCA less mean difference, paired, for steps of the same length at the same blocks."""
    tables = evidence.study.methods
    if not tables:
        return evidence.missing("methods")

    def test(axis: str) -> Found:
        table = tables.get(axis)
        rows = [r for r in table.rows if r.site == table.default[0]] if table else []
        mean = next((r for r in rows if r.method == "mean-difference" and r.how == "measured"), None)
        pca = [r for r in rows if r.method == "pca" and r.difference is not None and axis in r.difference]
        if mean is None or not pca:
            return untestable("PCA was not compared with mean difference")
        other = min(pca, key=lambda r: r.how != "measured")
        if other.difference is None:
            return untestable("PCA was not compared with mean difference")
        found = other.difference[axis]
        figures = (
            figure(f"{axis}, change of d by mean difference", mean.change[axis]),
            figure(f"{axis}, PCA less that", found),
        )
        if (why := evidence.unread((axis,))) is not None:
            return untestable(why, figures)
        if mean.inside:
            return Found(False, "mean difference moves d no further than random vectors do", figures)
        if found.high < 0:
            return Found(True, "PCA moves d surely less", figures)
        return Found(False, "PCA does not move d surely less", figures)

    return over_axes(AXES, test)


def same_blocks(claim: Claim, evidence: Evidence) -> Found:
    """How many of the paper's blocks the search chose, against chance; on every axis, and beyond random vectors."""
    from scipy.stats import hypergeom

    search, paper, of = evidence.study.search, set(claim.expect["blocks"]), int(claim.expect["of"])
    if search is None or not search.axes:
        return evidence.missing("search")
    if evidence.blocks != of:
        return untestable(
            f"the paper's blocks are those of a model with {of}; this one has {evidence.blocks or 'none'}"
        )

    def test(axis: str) -> Found:
        found = search.axes.get(axis)
        if found is None:
            return untestable("it was not searched")
        shared = len(paper & set(found.chosen))
        choice = found.choice("chosen")
        p = float(hypergeom.sf(shared - 1, of, len(paper), len(found.chosen)))
        figures = (
            Figure(name=f"{axis}, blocks of the paper (of {len(paper)})", value=shared, kind="count"),
            figure(f"{axis}, change of d", choice.effect),
        )
        if (why := evidence.unread((axis,))) is not None:
            return untestable(why, figures)
        if choice.random_band is None:
            return untestable("random vectors were not measured beside", figures)
        names = ", ".join(map(str, sorted(found.chosen)))
        told = f"it chose {names}, {shared} of {len(paper)} the same (by chance p = {p:.2g})"
        if not choice.effect.low > choice.random_band:
            return Found(False, f"{told}, but they do not move d surely beyond random vectors", figures)
        return Found(p <= SURE, told, figures)

    return over_axes(AXES, test)


def items_moved(claim: Claim, evidence: Evidence) -> Found:
    """How many items move beyond what random vectors do at the blocks that they choose."""
    found = _items(evidence)
    if isinstance(found, Found):
        return found
    wanted, of, within = (int(claim.expect[n]) for n in ("items", "of", "within"))
    moved = [i.item for i in found if i.moved]
    figures = (Figure(name=f"items moved (of {len(found)})", value=len(moved), kind="count"),)
    if len(found) != of:
        return untestable(f"{len(found)} items were searched, not {of}", figures)
    if (why := evidence.unread()) is not None:
        return untestable(why, figures)
    told = f"moved: {', '.join(moved) or 'none'}; the paper has {wanted}"
    return Found(abs(len(moved) - wanted) <= within, told, figures)


def item_most(claim: Claim, evidence: Evidence) -> Found:
    """Whether one item has the largest change of all, beyond its random vectors."""
    found = _items(evidence)
    if isinstance(found, Found):
        return found
    own = next((i for i in found if i.item == claim.expect["item"]), None)
    if own is None:
        return untestable(f"{claim.expect['item']} was not searched")
    most = max(found, key=lambda i: i.effect)
    figures = tuple(
        Figure(name=f"{i.item}, change of d", value=i.effect, kind="change")
        for i in dict.fromkeys((own, most))
    )
    if (why := evidence.unread()) is not None:
        return untestable(why, figures)
    if most.item != own.item:
        return Found(False, f"{most.item} moves most", figures)
    if not own.moved:
        return Found(
            False, f"it moves most, but no further than random vectors ({own.random_band:+.3f})", figures
        )
    return Found(True, f"it moves most, and beyond random vectors ({own.random_band:+.3f})", figures)


def other_runs(_: Claim, __: Evidence) -> Found:
    """A claim about several models."""
    return untestable(
        "it compares models, and this is the run of one: culturescope compare RUN... --steer RUN/search"
    )


def _items(evidence: Evidence) -> list[ItemEffect] | Found:
    search = evidence.study.search
    if search is None or not search.axes:
        return evidence.missing("search")
    return [item for axis in search.axes.values() for item in axis.items]


RULES: dict[str, Rule] = {
    "pca-weaker": pca_weaker,
    "same-blocks": same_blocks,
    "items-moved": items_moved,
    "item-most": item_most,
    "other-runs": other_runs,
}
"""Name in `claims.toml` to rule."""
