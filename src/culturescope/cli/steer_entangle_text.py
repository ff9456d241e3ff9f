"""An entanglement in words; signs are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from culturescope.cli.steer_words import change, share

if TYPE_CHECKING:
    from culturescope.experiments.steer.results import Decoupled, Entanglement, EntangleStudy


def entangle_lines(study: EntangleStudy) -> list[str]:
    """The study in lines."""
    lines = [f"Signed change of d for one step ({study.unit} {study.step:g}), 95% intervals over scenarios"]
    parts = [(e.domain or "all", e) for t in (study.overall, *study.domains) for e in t.entanglements]
    parts += [(f"{study.unit} {size}", e) for size, t in study.by_step.items() for e in t.entanglements]
    lines += [_entangled(name, e) for name, e in parts]
    if study.random == "estimated":
        ratios = ", ".join(
            f"{axis} {ratio:.2f}" for axis, ratio in next(iter(study.control_ratio.values())).items()
        )
        lines.append(
            f"  random vectors are estimated to first order; a few that are measured change d by {ratios} times their "
            "estimate, and bands are wider by it where it exceeds 1"
        )
    lines.append("Response J (rows: axis measured, columns: axis steered; d per unit)")
    for axis, row in zip(study.response.axes, study.response.matrix, strict=True):
        lines.append(f"  {axis}  " + "  ".join(change(cell) for cell in row))
    condition = study.response.condition
    lines.append("  it has no inverse" if condition is None else f"  condition {condition:.1f}")
    on_the_map = study.overall.map
    if on_the_map is not None:
        on_map = ", ".join(
            f"{axis} {share(on_the_map[axis])}" if axis in on_the_map else f"{axis} undefined"
            for axis in study.overall.steered
        )
        alone = ", ".join(f"{axis} {value:.2f}" for axis, value in study.projection["anchored"].items())
        lines.append(f"On the map: E {on_map}; the projection alone entangles {alone}")
    lines.append(
        f"Over societies: r {study.human['r']:.2f}, y on x {study.human['y_on_x']:.2f}, x on y {study.human['x_on_y']:.2f}"
    )
    lines.append(
        "Cosine of the directions: " + ", ".join(f"block {b} {c:+.2f}" for b, c in study.cosine.items())
    )
    lines.append(
        "Parted, on scenarios that chose nothing (kept: change on the axis as a share of the plain vector's)"
    )
    lines += _parted("all", study.decoupled)
    for domain in dict.fromkeys(d.domain for d in study.decoupled_by_domain):
        lines += _parted(str(domain), [d for d in study.decoupled_by_domain if d.domain == domain])
    for size, found in study.decoupled_by_step.items():
        lines += _parted(f"{study.unit} {size}", found)
    lines += [f"Note: {note}" for note in study.notes]
    return lines


def _entangled(name: str, e: Entanglement) -> str:
    value = f"E {share(e.e)}" if e.e else f"E undefined: {e.undefined}"
    way = {1: ", both up together", -1: ", the other way", 0: ""}[e.sign]
    return (
        f"  {name:9s} {e.axis} steered: on it {change(e.on_axis)} (random +-{e.random_band:.3f}), off it "
        f"{change(e.off_axis)} (random +-{e.off_band:.3f}); {value}{way}; random vectors E {e.random_e:.2f}; "
        f"{e.wrong_way:.0%} of scenarios move the wrong way"
    )


def _parted(name: str, found: Sequence[Decoupled]) -> list[str]:
    lines = []
    for d in found:
        value = f"E {share(d.e)}" if d.e else "E undefined (inside the random band)"
        if d.lowered:
            value += f", lower by {change(d.lowered)}"
        kept = (
            f"kept {d.kept.value:.0%} [{d.kept.low:.0%}, {d.kept.high:.0%}]"
            if d.kept
            else "kept: not defined"
        )
        lines.append(
            f"  {name:9s} {d.way:10s} {d.axis}: on {change(d.on_axis)} (random +-{d.random_band:.3f}), off "
            f"{change(d.off_axis)}; {value}; {kept}"
        )
    return lines
