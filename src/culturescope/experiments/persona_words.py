"""What a run says of its personas of societies, in a few lines for the terminal: the verdict before any figure."""

from __future__ import annotations

from culturescope.probing.reading import verdicts_of
from culturescope.probing.results import Estimate, Figure, KindAudit, Results


def describe_personas(results: Results) -> list[str]:
    """Lines on each persona, and the audit by the conversion `anchored`; none where no persona was asked."""
    if not results.personas:
        return []
    verdicts = verdicts_of(results)
    said = ", ".join(f"{axis} {verdict}" for axis, verdict in verdicts.items())
    read = all(v == "interpretable" for v in verdicts.values())
    lines = [
        f"Personas of societies ({said}){'' if read else ': shown, not to be read as effects on values'}"
    ]
    for p in results.personas:
        name = f"{p.id}{' (partial: without ' + ', '.join(p.missing) + ')' if p.partial else ''}"
        shifts = {s.axis: s.d for s in p.shifts}
        told = [f"d {a.axis} {a.d.value:+.2f}, change {_interval(shifts[a.axis])}" for a in p.axes]
        lines.append(f"  {name:<17} {'; '.join(told)}")
    audit = results.persona_audit
    for kind in audit.kinds if audit else ():
        if kind.conversion == "anchored":
            lines += _audit_lines(kind)
    if audit:
        lines.append("The page has the audit by the conversion paper as well.")
    return lines


def _audit_lines(kind: KindAudit) -> list[str]:
    lines = [f"Audit of {kind.kind} personas, conversion {kind.conversion}: {kind.verdict}"]
    for s in kind.societies:
        partial = " (partial)" if s.partial else ""
        lines.append(
            f"  {s.name + partial:<17} {s.distance:.2f} from its people, {s.distance_without:.2f} without persona, "
            f"change {_figure(s.change)}"
        )
    lines.append(f"  {'mean change':<17} {_figure(kind.mean_change)}")
    for a in kind.axes:
        lines.append(
            f"  {a.axis.lower()} ({a.verdict}): slope {_figure(a.slope)}, R2 {_figure(a.r2)}, "
            f"spread of people's {_figure(a.spread_ratio)}"
        )
    return lines + ([f"  {kind.caveat}"] if kind.caveat else [])


def _figure(found: Figure) -> str:
    if found.value is None:
        return found.note or "not estimable"
    if found.low is None or found.high is None:
        return f"{found.value:+.2f}"
    return f"{found.value:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"


def _interval(found: Estimate) -> str:
    return f"{found.value:+.2f} [{found.low:+.2f}, {found.high:+.2f}]"
