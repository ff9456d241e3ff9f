"""Item statistics over readings: how scenarios, items and axes hang together over respondents.

A respondent is a model x persona x wording of the prompt; its answer to a scenario is the value logit d. Scenarios are the
parts of an item, items the parts of an axis (an item's score is the mean d of its scenarios). Only scenarios that every
respondent was asked count, so that all figures are of the same ones.

The convinced personas of the instrument check (positive, negative) and the advanced ones of societies are told what to
answer. They differ by design, on all scenarios at once, and so raise alpha whatever the scenarios are worth: every figure
stands with them and without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.probing.scores import score_samples
from culturescope.stats.reliability import (
    ONE_PART,
    Figure,
    Resampling,
    cronbach_alpha,
    mean,
    part_total_correlation,
    split_half,
    spread,
)

CONVINCED = ("positive-", "negative-", "advanced-")
Row = Mapping[str, Any]


@dataclass
class Respondent:
    """A model x persona x wording, with its answers.

    Args:
        model: label of the model.
        persona: id, or None.
        wording: id of the template.
        rows: samples by scenario and order.
    """

    model: str
    persona: str | None
    wording: str
    rows: dict[tuple[str, str], Row] = field(default_factory=dict)

    @property
    def convinced(self) -> bool:
        """Whether a persona tells the respondent what to answer."""
        return (self.persona or "").startswith(CONVINCED)

    @property
    def one_order(self) -> bool:
        """Whether scenarios were asked in one order only, so that position bias is part of d."""
        return len({order for _, order in self.rows}) < 2 or len(self.rows) < 2 * len(self.scenarios)

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Ids of the scenarios that were asked."""
        return tuple(dict.fromkeys(scenario for scenario, _ in self.rows))


@dataclass(frozen=True)
class PartStatistics:
    """What one scenario, item or axis shows over respondents.

    Args:
        level: `scenario`, `item` or `axis`.
        id: of it.
        axis: that it belongs to.
        item: that it belongs to; None for an axis.
        scenarios: how many it holds.
        parts: how many parts alpha is over: scenarios of an item, items of an axis.
        mean: of d over respondents.
        spread: standard deviation of d over respondents.
        rest: corrected correlation, of a scenario with the others of its item, of an item with the others of its axis.
        alpha: Cronbach's alpha over the parts.
        split_half: split-half reliability over scenarios, dealt item by item.
    """

    level: str
    id: str
    axis: str
    item: str | None
    scenarios: int
    parts: int
    mean: Figure
    spread: Figure
    rest: Figure
    alpha: Figure
    split_half: Figure


@dataclass(frozen=True)
class Panel:
    """The figures over one set of respondents.

    Args:
        name: `without convinced personas` or `with convinced personas`.
        respondents: how many.
        models: how many of each model.
        personas: how many different ones, no persona counted as one.
        rows: axes, items, then scenarios.
    """

    name: str
    respondents: int
    models: dict[str, int]
    personas: int
    rows: tuple[PartStatistics, ...]


@dataclass(frozen=True)
class ItemStatistics:
    """Item statistics of some runs.

    Args:
        scenarios: asked of every respondent.
        left_out: asked of some only, and so left out.
        one_order: respondents that were asked in one order.
        level: of the intervals.
        resamples: bootstrap draws over respondents.
        seed: of draws and splits.
        panels: without the convinced personas, and with them where there are any.
    """

    scenarios: int
    left_out: int
    one_order: int
    level: float
    resamples: int
    seed: int
    panels: tuple[Panel, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def respondents(runs: Iterable[tuple[str, str, Iterable[Row]]]) -> list[Respondent]:
    """The respondents of some runs; answers that two runs of the same model share count once.

    Args:
        runs: a label of the model, its identity (equal for the same model), and the rows of `samples.jsonl`.
    """
    found: list[Respondent] = []
    of: dict[tuple[str, str | None, str], list[Respondent]] = {}
    for label, identity, samples in runs:
        mine: dict[tuple[str | None, str], Respondent] = {}
        for row in samples:
            if row["part"] in ("probe", "check"):
                who = (row["persona"], row["template"])
                one = mine.setdefault(who, Respondent(label, *who))
                one.rows[row["scenario"], row["order"]] = row
        for who, one in mine.items():
            known = of.setdefault((identity, *who), [])
            same = next((k for k in known if _agree(k, one)), None)
            if same:
                same.rows.update(one.rows)
            else:
                known.append(one)
                found.append(one)
    return found


def item_statistics(who: Sequence[Respondent], how: Resampling | None = None) -> ItemStatistics:
    """Item statistics over respondents.

    Args:
        who: the respondents, of one pack.
        how: level, draws and seed of the intervals (95%, 2,000 draws); respondents are resampled.

    Raises:
        BadInputError: no respondents, or no scenario was asked of all of them.
    """
    how = how or Resampling()
    if not who:
        raise BadInputError("item statistics need answers: no run has any")
    asked = dict.fromkeys(s for r in who for s in r.scenarios)
    common = set(asked).intersection(*(r.scenarios for r in who))
    shared = [s for s in asked if s in common]
    if not shared:
        raise BadInputError(
            f"no scenario was asked of all {len(who)} respondents; give runs that share some (the same split and limit)"
        )
    heads = {s: next(row for (one, _), row in who[0].rows.items() if one == s) for s in shared}
    items = list(dict.fromkeys(heads[s]["item"] for s in shared))
    shared.sort(key=lambda s: items.index(heads[s]["item"]))
    d = np.array([_answers(r, shared) for r in who])
    chosen = np.array([not r.convinced for r in who])
    panels = []
    if chosen.any():
        panels.append(
            _panel(
                "without convinced personas",
                [r for r in who if not r.convinced],
                d[chosen],
                shared,
                heads,
                how,
            )
        )
    if not chosen.all():
        panels.append(_panel("with convinced personas", who, d, shared, heads, how))
    return ItemStatistics(
        scenarios=len(shared),
        left_out=len(asked) - len(shared),
        one_order=sum(r.one_order for r in who),
        level=how.level,
        resamples=how.resamples,
        seed=how.seed,
        panels=tuple(panels),
    )


def _agree(known: Respondent, other: Respondent) -> bool:
    """Whether two sets of answers are those of one respondent: what both hold came from the same prompt."""
    return all(known.rows[at]["key"] == row["key"] for at, row in other.rows.items() if at in known.rows)


def _answers(respondent: Respondent, scenarios: Sequence[str]) -> NDArray[np.float64]:
    wanted = set(scenarios)
    scores = score_samples(row for (s, _), row in respondent.rows.items() if s in wanted)
    at = {name: n for n, name in enumerate(scores.scenarios)}
    return scores.d[[at[s] for s in scenarios], 0]


def _panel(
    name: str,
    who: Sequence[Respondent],
    d: NDArray[np.float64],
    scenarios: Sequence[str],
    heads: Mapping[str, Row],
    how: Resampling,
) -> Panel:
    """All figures over respondents x scenarios `d`."""
    items = np.array([heads[s]["item"] for s in scenarios])
    axis_of = {str(heads[s]["item"]): str(heads[s]["axis"]) for s in scenarios}
    scores = {item: d[:, items == item].mean(axis=1) for item in axis_of}
    no_rest = Figure(None, reason="an axis has no whole that it is a part of")
    axes, rows, parts = [], [], []
    for axis in dict.fromkeys(axis_of.values()):
        those = [item for item in axis_of if axis_of[item] == axis]
        table = np.column_stack([scores[item] for item in those])
        inside = np.isin(items, those)
        axes.append(
            PartStatistics(
                level="axis",
                id=axis,
                axis=axis,
                item=None,
                scenarios=int(inside.sum()),
                parts=len(those),
                mean=mean(table.mean(axis=1), how),
                spread=spread(table.mean(axis=1), how),
                rest=no_rest,
                alpha=cronbach_alpha(table, how),
                split_half=split_half(d[:, inside], items[inside], how=how),
            )
        )
        for item in those:
            own = d[:, items == item]
            rows.append(
                PartStatistics(
                    level="item",
                    id=item,
                    axis=axis,
                    item=item,
                    scenarios=own.shape[1],
                    parts=own.shape[1],
                    mean=mean(scores[item], how),
                    spread=spread(scores[item], how),
                    rest=_rest(table, those.index(item), how),
                    alpha=cronbach_alpha(own, how),
                    split_half=split_half(own, how=how),
                )
            )
            parts += [
                PartStatistics(
                    level="scenario",
                    id=scenario,
                    axis=axis,
                    item=item,
                    scenarios=1,
                    parts=1,
                    mean=mean(own[:, n], how),
                    spread=spread(own[:, n], how),
                    rest=_rest(own, n, how),
                    alpha=Figure(None, reason=ONE_PART),
                    split_half=Figure(None, reason=ONE_PART),
                )
                for n, scenario in enumerate(s for s in scenarios if heads[s]["item"] == item)
            ]
    labels = [r.model for r in who]
    return Panel(
        name=name,
        respondents=len(who),
        models={label: labels.count(label) for label in dict.fromkeys(labels)},
        personas=len({r.persona for r in who}),
        rows=(*axes, *rows, *parts),
    )


def _rest(parts: NDArray[np.float64], n: int, how: Resampling) -> Figure:
    if parts.shape[1] < 2:
        return Figure(None, reason=ONE_PART)
    return part_total_correlation(parts[:, n], np.delete(parts, n, axis=1).mean(axis=1), how)
