"""How figures with intervals are written by the commands of `steer`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from culturescope.experiments.steer.results import Drawn


def change(found: Drawn) -> str:
    """A change with its interval, signs kept."""
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def share(found: Drawn) -> str:
    """A share or an entanglement, two decimals."""
    return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"


def ratio(found: Drawn) -> str:
    """A ratio near 1, three decimals."""
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
