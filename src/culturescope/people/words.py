"""What a place on the map says, in words; and what it does not say."""

from __future__ import annotations

import numpy as np

from culturescope.people.placement import Placement
from culturescope.people.spread import distance_squared

POLES = {"x": ("survival", "self-expression"), "y": ("traditional", "secular-rational")}
NAMED = 6


def describe(placement: Placement) -> list[str]:
    """A place in sentences; a null, or a model on which the instrument does not work, leans nowhere and is near to nobody."""
    where = f"x {placement.x:+.2f}, y {placement.y:+.2f}, conversion {placement.conversion}"
    if placement.domain:
        where += f", domain {placement.domain}"
    if placement.kind == "null":
        lines = [
            f"{placement.label} null ({where}): where a model without values falls; the conversion puts it there."
        ]
        return lines + (["No society lives there."] if placement.outside else [])
    lines = [f"{placement.label}: {where}."]
    if not {"X", "Y"} <= set(placement.verdicts) or "not checked" in placement.verdicts.values():
        lines.append("The instrument was not checked on this model: read no values into the place.")
    elif "not interpretable" in placement.verdicts.values():
        bad = " and ".join(a for a, v in placement.verdicts.items() if v == "not interpretable")
        lines.append(
            f"Not interpretable on {bad}: noise and conversion make this place, not values of the model."
        )
    else:
        lines += _found(placement)
    if placement.outside:
        lines.append("Outside of the hull of the societies: extrapolated.")
    if placement.beyond:
        lines.append(f"Beyond the answer scale on {', '.join(placement.beyond)}: extrapolated.")
    lines.append("The map is derived; the result is d on the two axes.")
    return lines


def _found(placement: Placement) -> list[str]:
    covariance, shift = np.array(placement.covariance), np.array(placement.displacement)
    if distance_squared(shift, covariance) <= placement.radius2:
        return ["The ellipse holds the null: the place cannot be told from that of a model without values."]
    lines = []
    halves = np.sqrt(placement.radius2 * covariance.diagonal())
    for (axis, (negative, positive)), moved, half in zip(POLES.items(), shift, halves, strict=True):
        if abs(moved) > half:
            lines.append(
                f"Leans to {positive if moved > 0 else negative}: {axis} {moved:+.2f} from the null (within {half:.2f})."
            )
        else:
            lines.append(f"No clear lean on {axis}: {moved:+.2f} from the null (within {half:.2f}).")
    if "weak" in placement.verdicts.values():
        lines.append("The verdict is weak on an axis: a hint, not a finding.")
    # Outside of the societies the distance is made by the conversion as much as by the model.
    if placement.nearest and not placement.outside:
        first = placement.nearest[0]
        others = [n.name for n in placement.nearest[1:] if n.among]
        more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
        lines.append(
            f"Nearest society: {first.name} (distance {first.distance:.2f}, nearest in {first.frequency:.0%} of draws)"
            + (f"; not to be told from it: {', '.join(others[:NAMED])}{more}." if others else ".")
        )
    return lines
