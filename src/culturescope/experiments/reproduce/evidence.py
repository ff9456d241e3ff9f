"""What a rule may look at, what it says, and what rules share: missing parts, axes that may not be read, signs, sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from culturescope.experiments.reproduce.claims import Claim, Figure

if TYPE_CHECKING:
    from culturescope.page.study_data import Study

READABLE = ("interpretable", "weak")
AXES = ("Y", "X")


@dataclass(frozen=True)
class Evidence:
    """A finished study.

    Args:
        study: all its parts.
        verdicts: of the instrument check, by axis.
        blocks: of the model that was asked, where it has any.
    """

    study: Study
    verdicts: Mapping[str, str]
    blocks: int | None = None

    def unread(self, axes: Sequence[str] = AXES) -> str | None:
        """Why nothing may be read of these axes; None where all of them may be."""
        dark = [a for a in axes if self.verdicts.get(a) not in READABLE]
        if not dark:
            return None
        said: dict[str, list[str]] = {}
        for axis in dark:
            said.setdefault(self.verdicts.get(axis, "not checked"), []).append(axis)
        # Of a single axis whoever asks has named it.
        told = ", ".join(v if len(axes) == 1 else f"{' and '.join(a)} {v}" for v, a in said.items())
        return f"{told} by the instrument check, so letters that move say nothing of values"

    def missing(self, part: str) -> Found:
        """What a rule says where a part has no result."""
        record = self.study.record
        own = next((r for r in record.parts if r.part == part), None) if record else None
        if own is None or own.status == "done":
            return untestable(f"the run has no usable result of the part {part}")
        return untestable(f"the part {part} is {own.status}" + (f": {own.reason}" if own.reason else ""))


@dataclass(frozen=True)
class Found:
    """What a rule says: whether the claim holds (None: that cannot be tested), figures, and why."""

    holds: bool | None
    why: str
    figures: tuple[Figure, ...] = ()


Rule = Callable[[Claim, Evidence], Found]


class Interval(Protocol):
    """A figure with its interval."""

    @property
    def value(self) -> float:
        """The figure."""

    @property
    def low(self) -> float:
        """Lower end."""

    @property
    def high(self) -> float:
        """Upper end."""


def untestable(why: str, figures: Sequence[Figure] = ()) -> Found:
    """A claim that cannot be tested."""
    return Found(None, why, tuple(figures))


def figure(name: str, found: Interval, kind: Any = "change") -> Figure:
    """A figure with its interval, named."""
    return Figure(name=name, value=found.value, low=found.low, high=found.high, kind=kind)


def over_axes(axes: Sequence[str], test: Callable[[str], Found]) -> Found:
    """A claim about several axes holds where it holds on each, and fails where it fails on one."""
    found = {axis: test(axis) for axis in axes}
    holds = [f.holds for f in found.values()]
    together = False if False in holds else None if None in holds or not holds else True
    reasons: dict[str, list[str]] = {}
    for axis, one in found.items():
        reasons.setdefault(one.why, []).append(axis)
    return Found(
        together,
        "; ".join(f"{' and '.join(named)}: {why}" for why, named in reasons.items()),
        tuple(x for f in found.values() for x in f.figures),
    )


def beyond(found: Interval, band: float) -> bool:
    """Whether a change lies surely outside of what random vectors do, on either side."""
    return found.low > band or found.high < -band


def size(found: Interval) -> tuple[float, float]:
    """Ends of the absolute value of a figure with its interval."""
    if found.low <= 0 <= found.high:
        return 0.0, max(-found.low, found.high)
    return min(abs(found.low), abs(found.high)), max(abs(found.low), abs(found.high))
