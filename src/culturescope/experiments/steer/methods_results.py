"""What a comparison of sites and methods found, as stored."""

from __future__ import annotations

from culturescope.experiments.steer.results import Drawn, Stored


class MethodRow(Stored):
    """One vector, by where it was read and how it was fitted, on scenarios that nothing was fitted on.

    `change` is the signed change of d by axis; `how` says whether it was measured or estimated to first order. `inside` tells
    that the change on the axis lies inside the band of random vectors; then E is undefined, as it is where no single
    other axis was asked (`undefined`). `difference` and `e_difference` are those from the default of the same `how`, paired
    over scenarios, None for the default itself. `cosine` is that with the default's direction, mean over blocks. `letter_mass`
    is the lower of both signs, None for an estimate.
    """

    site: str
    method: str
    how: str
    change: dict[str, Drawn]
    inside: bool
    e: Drawn | None
    undefined: str | None
    difference: dict[str, Drawn] | None
    e_difference: Drawn | None
    cosine: float
    letter_mass: float | None


class MethodTable(Stored):
    """Sites and methods for one axis, all with steps as long as the default's at the same blocks.

    `random_band` holds 95% of random steps of that length, by axis; `random` says whether they were all measured, or estimated;
    then `control_ratio` is how much larger a few of them are when measured. `best` is the vector with the largest estimate on
    the scenarios that choose, None where all were measured.
    """

    axis: str
    step: float
    unit: str
    blocks: tuple[int, ...]
    pairs: int
    scenarios: int
    default: tuple[str, str]
    best: tuple[str, str] | None
    random: str
    control_ratio: dict[str, float]
    random_band: dict[str, float]
    rows: tuple[MethodRow, ...]
