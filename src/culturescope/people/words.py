"""What a place on the map says, in words; and what it does not say."""

from __future__ import annotations

import numpy as np

from culturescope.people.placement import AXES, Calibration, Placement
from culturescope.people.spread import holds_null

POLES = {"x": ("survival", "self-expression"), "y": ("traditional", "secular-rational")}
NAMED = 6
ONE_ORDER = "Asked in one order only: a preference for a letter is not taken out of the place."


def describe(placement: Placement) -> list[str]:
    """A place in sentences; a null, or a model on which the instrument does not work, leans nowhere and is near to nobody."""
    where = f"x {placement.x:+.2f}, y {placement.y:+.2f}, conversion {placement.conversion}"
    if placement.calibration:
        where += f", calibrated: {placement.calibration.line}"
    if placement.domain:
        where += f", domain {placement.domain}"
    if placement.kind == "null":
        made = "the conversion and its calibration put" if placement.calibration else "the conversion puts"
        name = f"{placement.label} null" + (f" of {placement.run}" if placement.run else "")
        lines = [f"{name} ({where}): where a model without values falls; {made} it there."]
        return lines + (["No society lives there."] if placement.outside else [])
    lines = [f"{placement.label}: {where}."]
    if placement.single_order:
        lines.append(ONE_ORDER)
    if placement.readable:
        lines += _found(placement)
    else:
        bad = " and ".join(axis for axis in AXES if placement.verdict_on(axis) == placement.verdict)
        if placement.verdict == "not interpretable":
            lines.append(
                f"Not interpretable on {bad}: noise and conversion make this place, not values of the model."
            )
        else:
            on = "" if bad == " and ".join(AXES) else f" (axis {bad})"
            lines.append(f"The instrument was not checked on this model{on}: read no values into the place.")
    if placement.outside:
        lines.append("Outside of the hull of the societies: extrapolated.")
    if placement.beyond:
        lines.append(f"Beyond the answer scale on {', '.join(placement.beyond)}: extrapolated.")
    if placement.survey:
        lines.append(f"Answers on people's own scales, projected as they are; {placement.survey}.")
    else:
        lines.append("The map is derived; the result is d on the two axes.")
    return lines


def calibration_words(found: Calibration) -> str:
    """The calibrated line, what it was fitted on, and how much of the societies' spread it gives back."""
    k, a = found.k_interval, found.intercept_interval
    kind = f"{found.persona} " if found.persona else ""
    of = f" of {found.model}" if found.model else ""
    without = f"; left out for want of item means: {', '.join(found.left_out)}" if found.left_out else ""
    return (
        f"Calibrated on {kind}personas{of} as people of {len(found.societies)} societies "
        f"({', '.join(found.societies)}){without}: "
        f"{found.line}, k within {k[0]:.2f} to {k[1]:.2f}, intercept within {a[0]:+.2f} to {a[1]:+.2f} (95%); "
        f"shrinkage {found.shrinkage:.2f}."
    )


def _found(placement: Placement) -> list[str]:
    if holds_null(placement):
        wanting = " or of one that merely prefers a letter" if placement.single_order else ""
        return [
            f"The ellipse holds the null: the place cannot be told from that of a model without values{wanting}."
        ]
    lines = []
    shift = np.array(placement.displacement)
    halves = np.sqrt(placement.radius2 * np.array(placement.covariance).diagonal())
    for (axis, (negative, positive)), moved, half in zip(POLES.items(), shift, halves, strict=True):
        if abs(moved) > half:
            lines.append(
                f"Leans to {positive if moved > 0 else negative}: {axis} {moved:+.2f} from the null (within {half:.2f})."
            )
        else:
            lines.append(f"No clear lean on {axis}: {moved:+.2f} from the null (within {half:.2f}).")
    if placement.verdict == "weak":
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
