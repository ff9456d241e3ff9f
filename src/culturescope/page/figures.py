"""Figures as a reader sees them: signs, intervals, shares."""

from __future__ import annotations

import math

from culturescope.probing.results import Estimate

MINUS = "\N{MINUS SIGN}"


def signed(value: float, digits: int = 2) -> str:
    """A figure with its sign; what rounds to zero has none, what is no number is a question mark."""
    if not math.isfinite(value):
        return "?"
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return ("+" if value > 0 else MINUS) + text


def plain(value: float, digits: int = 2) -> str:
    """A figure, with a sign only when it is negative."""
    return signed(value, digits).removeprefix("+")


def interval(estimate: Estimate, digits: int = 2) -> str:
    """The 95% interval in words: `−0.05 to +0.09`."""
    return f"{signed(estimate.low, digits)} to {signed(estimate.high, digits)}"


def with_interval(estimate: Estimate, digits: int = 2) -> str:
    """A figure with its interval: `+0.02 (−0.05 to +0.09)`."""
    return f"{signed(estimate.value, digits)} ({interval(estimate, digits)})"


def percent(share: float) -> str:
    """A share in whole percent."""
    return f"{100 * share:.0f}%"


def percent_with_interval(estimate: Estimate) -> str:
    """A share with its interval: `97% (90% to 99%)`."""
    return f"{percent(estimate.value)} ({percent(estimate.low)} to {percent(estimate.high)})"


def count(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: `1 scenario`, `1,800 prompts`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def excludes_zero(estimate: Estimate) -> bool:
    """Whether the whole interval lies on one side of zero."""
    return estimate.low > 0 or estimate.high < 0


def listing(parts: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + " and " + parts[-1]
