"""The reporting scenarios read unsteered and one step each way along every axis: what one wants to see prompt by prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from culturescope.experiments.steer.bench import Bench
from culturescope.experiments.steer.results import Stored
from culturescope.experiments.steer.sweep_results import Where
from culturescope.experiments.steer.sweep_rows import where_of

if TYPE_CHECKING:
    from culturescope.steering.vector import SteeringVector

UNSTEERED = "unsteered"


class SteeredChange(Stored):
    """One way the model was read: `X+` is one step towards the positive pole of X, `unsteered` comes first.

    `axis` is None and `coefficient` (in steps) 0 for the unsteered model. `where` holds mean d by axis, its paired change from
    the unsteered model, and the place on the map where all its items were asked.
    """

    name: str
    axis: str | None
    coefficient: float
    where: Where
    letter_mass: float


class SteeredScenario(Stored):
    """One scenario in one wording: d and position bias b (logits) and letter mass, one of each for every change in order.

    P(A) between the two letters is sigmoid(b + d) where the positive pole is A, and sigmoid(b - d) where it is B.
    """

    scenario: str
    item: str
    domain: str
    axis: str
    template: str
    d: tuple[float, ...]
    b: tuple[float, ...]
    letter_mass: tuple[float, ...]


class SteeredReadings(Stored):
    """All of them; `step` is the dose (or raw alpha) of one step at every one of `blocks`."""

    step: float
    unit: str
    blocks: tuple[int, ...]
    changes: tuple[SteeredChange, ...]
    scenarios: tuple[SteeredScenario, ...]


def steered_readings(
    bench: Bench, vectors: Mapping[str, SteeringVector], *, seed: int = 42
) -> SteeredReadings:
    """Reads the scenarios that report unsteered, and under one step along each vector in both directions.

    Args:
        bench: the model and its scenarios.
        vectors: axis to its vector, at the blocks that are steered.
        seed: of the bootstrap.
    """
    names: list[tuple[str, str | None, float]] = [(UNSTEERED, None, 0.0)]
    names += [(f"{axis}{mark}", axis, sign) for axis in vectors for mark, sign in (("+", 1.0), ("-", -1.0))]
    steps = [{} if axis is None else bench.change(vectors[axis], sign) for _, axis, sign in names]
    found = bench.measured(steps, bench.parts.report)
    where = where_of(found, seed)
    return SteeredReadings(
        step=bench.step,
        unit=bench.unit,
        blocks=tuple(sorted({b for v in vectors.values() for b in v.blocks})),
        changes=tuple(
            SteeredChange(
                name=name,
                axis=axis,
                coefficient=sign,
                where=where[n],
                letter_mass=float(found.mass[n].mean()),
            )
            for n, (name, axis, sign) in enumerate(names)
        ),
        scenarios=tuple(
            SteeredScenario(
                scenario=s.id,
                item=s.item,
                domain=s.domain,
                axis=bench.pack.axis_of(s),
                template=template.id,
                d=tuple(found.d[:, n, w].tolist()),
                b=tuple(found.b[:, n, w].tolist()),
                letter_mass=tuple(found.mass[:, n, w].tolist()),
            )
            for n, s in enumerate(found.scenarios)
            for w, template in enumerate(bench.templates)
        ),
    )
