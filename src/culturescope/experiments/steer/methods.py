"""Where to read contrast texts and how to fit a direction: sites and methods against each other, on held-out scenarios.

All vectors are fitted on the same scenarios and applied at the same blocks by steps as long as the default's (mean difference
of option texts), so that directions are compared and not lengths. A vector fitted by mean difference on shuffled labels
stands beside each site as a floor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.experiments.steer.bench import Bench
from culturescope.experiments.steer.controls import RANDOM_STEPS, Way
from culturescope.experiments.steer.entangle import halves, shares
from culturescope.experiments.steer.measuring import Measured
from culturescope.experiments.steer.methods_results import MethodRow, MethodTable
from culturescope.experiments.steer.results import Drawn, drawn_estimate
from culturescope.instrument import Scenario
from culturescope.stats.resampling import random_band
from culturescope.steering.directions import method_of
from culturescope.steering.fitting import fit, random_like, read_pairs, shuffled

if TYPE_CHECKING:
    from culturescope.models.resuming import Change
    from culturescope.steering.vector import SteeringVector

Floats = NDArray[np.float64]
Named = tuple[str, str]
"""Site and method."""
SITES = ("option-text", "option-mean", "answer-letter")
METHODS = ("mean-difference", "pca", "logistic")
FLOOR = "shuffled labels"


def compare_methods(
    bench: Bench,
    axis: str,
    blocks: Sequence[int],
    *,
    sites: Sequence[str] = SITES,
    methods: Sequence[str] = METHODS,
    first_order: bool = False,
    random: Way = "measured",
    count: int = RANDOM_STEPS,
    seed: int = 42,
) -> MethodTable:
    """Fits an axis's vector at every site by every method on the fitting part, and tests all on the reporting part.

    Args:
        bench: the model and its scenarios.
        axis: whose vectors.
        blocks: steered together.
        sites: of the contrast texts; the first one, with the first method, is the default.
        methods: by name.
        first_order: estimate all changes from one backward pass, and measure only the default and the best by its estimate
            on the scenarios that choose.
        random: whether random steps are measured, or estimated with a few measured beside; estimated with `first_order`.
        count: of random steps.
        seed: of random steps, shuffled labels and bootstrap.

    Raises:
        BadInputError: no site or method, an unknown one, one twice, or too few scenarios of the axis.
    """
    for given, kind in ((sites, "site"), (methods, "method")):
        if not given or len(set(given)) < len(given):
            raise BadInputError(f"name each {kind} once, and at least one, not {', '.join(given) or 'none'}")
    for method in methods:
        method_of(method)
    members = [s for s in bench.parts.fit if bench.pack.axis_of(s) == axis]
    if len(members) < 2:
        raise BadInputError(f"axis {axis} has {len(members)} scenarios to fit on, at least two are needed")
    fitted = _fitted(bench, axis, members, blocks, sites, methods, seed)
    default = sites[0], methods[0]
    steps = _as_long(bench.change(fitted[default]), fitted)
    names, report = list(steps), bench.parts.report
    if first_order:
        random = "estimated"
    bench.say(f"{axis}: random steps, on the scenarios that report")
    controls = bench.controls(
        [bench.change(random_like(fitted[default], seed + r)) for r in range(count)], report, random
    )
    bench.say(f"{axis}: {len(names)} vectors, on the scenarios that report")
    best = None
    table: list[tuple[list[Named], Measured, str]] = []
    if first_order:
        best = _best(bench, axis, steps)
        both = list(dict.fromkeys((default, best)))
        table.append((names, bench.estimated(list(steps.values()), report), "estimated"))
        table.append((both, bench.steps_both_ways([steps[n] for n in both], report), "measured"))
    else:
        table.append((names, bench.steps_both_ways(list(steps.values()), report), "measured"))
    asked = _asked(table[0][1], axis)
    null = controls.changes()
    bands = {a: random_band(null[:, n]) for a, n in asked.items()}
    cosines = {
        name: float(np.mean([v.cosine(fitted[default], b) for b in v.blocks])) for name, v in fitted.items()
    }
    rows: list[MethodRow] = []
    for chosen, found, how in table:
        rows += _rows(chosen, found, how, axis, asked, bands, cosines, default, seed)
    return MethodTable(
        axis=axis,
        step=bench.step,
        unit=bench.unit,
        blocks=tuple(blocks),
        pairs=len(members),
        scenarios=len(report),
        default=default,
        best=best,
        random=random,
        control_ratio={a: float(controls.ratio()[n]) for a, n in asked.items()}
        if random == "estimated"
        else {},
        random_band=bands,
        rows=tuple(rows),
    )


def _fitted(
    bench: Bench,
    axis: str,
    members: Sequence[Scenario],
    blocks: Sequence[int],
    sites: Sequence[str],
    methods: Sequence[str],
    seed: int,
) -> dict[Named, SteeringVector]:
    """Vectors by site and method; the texts of a site are read once."""
    found: dict[Named, SteeringVector] = {}
    for site in sites:
        bench.say(f"{axis}: reading {len(members)} contrast pairs, {site}")
        states = read_pairs(bench.model, members, where=site, blocks=blocks, batch_size=bench.batch_size)
        for method in methods:
            found[site, method] = fit(states, axis, method)
        found[site, FLOOR] = fit(shuffled(states, seed), axis)
    return found


def _as_long(step: Change, vectors: Mapping[Named, SteeringVector]) -> dict[Named, Change]:
    """Steps along every vector, as long as the given one at each of its blocks."""
    found: dict[Named, Change] = {}
    for name, vector in vectors.items():
        moving = [b for b in step if vector.norm(b) > 0]
        found[name] = {b: vector[b] * (float(step[b].norm()) / vector.norm(b)) for b in moving}
    return found


def _best(bench: Bench, axis: str, steps: Mapping[Named, Change]) -> Named:
    """The vector with the largest estimate on the scenarios that choose; those of shuffled labels take no part."""
    real = [name for name in steps if name[1] != FLOOR]
    choose = [s for s in bench.parts.choose if bench.pack.axis_of(s) == axis]
    if not choose:
        raise BadInputError(f"axis {axis} has no scenarios to choose the best vector by")
    found = bench.estimated([steps[name] for name in real], choose)
    return real[int(np.argmax(halves(found.means())[:, found.axes.index(axis)]))]


def _asked(found: Measured, axis: str) -> dict[str, int]:
    """Axes with enough scenarios for an interval, to their columns; the steered one first.

    Raises:
        BadInputError: the steered axis is not among them.
    """
    columns = {a: n for n, a in enumerate(found.axes) if (found.axis == n).sum() >= 2}
    if axis not in columns:
        raise BadInputError(f"axis {axis} has fewer than two scenarios to report on")
    return {axis: columns.pop(axis), **columns}


def _rows(
    names: Sequence[Named],
    found: Measured,
    how: str,
    axis: str,
    asked: Mapping[str, int],
    bands: Mapping[str, float],
    cosines: Mapping[Named, float],
    default: Named,
    seed: int,
) -> list[MethodRow]:
    """Rows of vectors measured (or estimated) together, compared with the default among them."""
    shift = halves(found.means())
    drawn = halves(np.moveaxis(found.draws(seed=seed), 1, 0))  # (vectors, draws, axes)
    mass = found.mass.mean(axis=(1, 2))
    usual = names.index(default)
    others = [a for a in asked if a != axis]
    on = asked[axis]
    e: dict[int, tuple[float, Floats]] = {}
    for n in range(len(names)):
        if len(others) == 1 and abs(shift[n, on]) > bands[axis]:
            off = asked[others[0]]
            e[n] = (
                float(min(1.0, abs(shift[n, off] / shift[n, on]))),
                shares(drawn[n, :, off], drawn[n, :, on]),
            )
    rows = []
    for n, (site, method) in enumerate(names):
        inside = bool(abs(shift[n, on]) <= bands[axis])
        undefined = None
        if n not in e:
            undefined = (
                "the change on the axis lies inside the band of random vectors"
                if inside
                else "not one single other axis was asked"
            )
        rows.append(
            MethodRow(
                site=site,
                method=method,
                how=how,
                change={a: drawn_estimate(shift[n, c], drawn[n, :, c]) for a, c in asked.items()},
                inside=inside,
                e=drawn_estimate(*e[n]) if n in e else None,
                undefined=undefined,
                difference=None
                if n == usual
                else {
                    a: drawn_estimate(shift[n, c] - shift[usual, c], drawn[n, :, c] - drawn[usual, :, c])
                    for a, c in asked.items()
                },
                e_difference=_e_difference(e, n, usual),
                cosine=cosines[site, method],
                letter_mass=None if how == "estimated" else float(min(mass[2 * n], mass[2 * n + 1])),
            )
        )
    return rows


def _e_difference(e: Mapping[int, tuple[float, Floats]], n: int, usual: int) -> Drawn | None:
    if n == usual or n not in e or usual not in e:
        return None
    return drawn_estimate(e[n][0] - e[usual][0], e[n][1] - e[usual][1])
