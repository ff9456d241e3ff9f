"""Does a direction found in one domain of life work in another: vectors fitted on each domain, tested on all of them.

A domain has a third of the pairs, so its vector is noisier than the one of all domains, which stands beside it; what a
vector loses outside of its own domain is read along its row, where the pairs are the same.
"""

from __future__ import annotations

import numpy as np

from culturescope.errors import BadInputError
from culturescope.experiments.steer.bench import Bench
from culturescope.experiments.steer.controls import RANDOM_STEPS, Way
from culturescope.experiments.steer.entangle import halves
from culturescope.experiments.steer.results import DomainCell, DomainTable, drawn_estimate
from culturescope.stats.resampling import random_band
from culturescope.steering.directions import Method
from culturescope.steering.fitting import fit, read_pairs

EVERY = "all"


def across_domains(
    bench: Bench,
    axis: str,
    blocks: tuple[int, ...],
    *,
    site: str = "option-text",
    method: str | Method = "mean-difference",
    random: Way = "measured",
    count: int = RANDOM_STEPS,
    seed: int = 42,
) -> DomainTable:
    """Fits a vector of one axis on each domain of the fitting part, and tests each on every domain of the reporting part.

    Args:
        bench: the model and its scenarios.
        axis: whose vectors.
        blocks: steered together.
        site: of the contrast texts.
        method: of the fit.
        random: whether random steps are measured, or estimated to first order with a few measured beside.
        count: of random steps beside the effects.
        seed: of random steps and bootstrap.

    Raises:
        BadInputError: a domain has no pair to fit on, or too few random steps.
    """
    members = [s for s in bench.parts.fit if bench.pack.axis_of(s) == axis]
    chosen = {d: [n for n, s in enumerate(members) if s.domain == d] for d in bench.pack.domains}
    chosen[EVERY] = list(range(len(members)))
    for domain, pairs in chosen.items():
        if not pairs:
            raise BadInputError(f"there is no scenario of {axis} in the domain {domain} to fit a vector on")
    bench.say(f"{axis}: a vector for each domain from {len(members)} contrast pairs")
    states = read_pairs(bench.model, members, where=site, blocks=blocks, batch_size=bench.batch_size)
    vectors = {d: fit(states.of(pairs), f"{axis} {d}", method) for d, pairs in chosen.items()}
    bench.say(f"{axis}: {len(vectors)} vectors and random steps, on the scenarios that report")
    found = bench.both_signs(list(vectors.values()), bench.parts.report)
    null = bench.random_steps(vectors, bench.parts.report, count, seed, random)
    cells, notes = [], []
    for tested in bench.pack.domains:
        inside = found.among(lambda s, d=tested: s.domain == d)  # type: ignore[misc]
        counts = {a: int((inside.axis == n).sum()) for n, a in enumerate(inside.axes)}
        able = [n for n, a in enumerate(inside.axes) if counts[a] >= 2]
        notes += [f"{tested}: {a} has fewer than two scenarios" for a, n in counts.items() if n == 1]
        if not able:
            continue
        shift, drawn = halves(inside.means()), inside.draws(seed=seed)
        drawn = (drawn[:, 0::2] - drawn[:, 1::2]) / 2
        for row, fitted in enumerate(vectors):
            band = null[fitted].among(lambda s, d=tested: s.domain == d).changes()  # type: ignore[misc]
            cells.append(
                DomainCell(
                    fitted=fitted,
                    tested=tested,
                    change={inside.axes[n]: drawn_estimate(shift[row, n], drawn[:, row, n]) for n in able},
                    random_band={inside.axes[n]: random_band(band[:, n]) for n in able},
                )
            )
    return DomainTable(
        axis=axis,
        step=bench.step,
        unit=bench.unit,
        blocks=tuple(blocks),
        pairs={d: len(pairs) for d, pairs in chosen.items()},
        cosine={
            a: {b: float(np.mean([v.cosine(w, block) for block in v.blocks])) for b, w in vectors.items()}
            for a, v in vectors.items()
        },
        cells=tuple(cells),
        notes=tuple(notes),
    )
