"""Value logit and position bias of each scenario, from the samples, to set one against the other.

With l = log P(A) - log P(B):
    d = (l_when_positive_is_A - l_when_positive_is_B) / 2,
    b = (l_when_positive_is_A + l_when_positive_is_B) / 2.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ScenarioReading:
    """Means over the wordings of one scenario without persona, in logits."""

    scenario: str
    axis: str
    item: str
    domain: str
    d: float
    b: float

    @property
    def place_decides(self) -> bool:
        """Whether the same letter is the likelier one in both orders, whatever it stands for: |b| > |d|."""
        return abs(self.b) > abs(self.d)


def scenario_readings(samples: Iterable[Mapping[str, Any]]) -> tuple[ScenarioReading, ...]:
    """The readings of all scenarios that were shown in both orders without persona, as the samples come."""
    gaps: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    about: dict[str, Mapping[str, Any]] = {}
    for sample in samples:
        if sample["part"] != "probe" or sample["persona"] is not None:
            continue
        a, b = sample["logprobs"]
        if not math.isfinite(a - b):
            continue
        gaps[sample["scenario"], sample["template"]][sample["order"]] = a - b
        about.setdefault(sample["scenario"], sample)
    pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for (scenario, _), gap in gaps.items():
        if "positive-A" in gap and "positive-B" in gap:
            first, second = gap["positive-A"], gap["positive-B"]
            pairs[scenario].append(((first - second) / 2, (first + second) / 2))
    return tuple(
        ScenarioReading(
            scenario=scenario,
            axis=str(about[scenario]["axis"]),
            item=str(about[scenario]["item"]),
            domain=str(about[scenario]["domain"]),
            d=sum(d for d, _ in found) / len(found),
            b=sum(b for _, b in found) / len(found),
        )
        for scenario, found in pairs.items()
    )
