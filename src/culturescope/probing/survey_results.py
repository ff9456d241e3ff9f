"""The shape of a survey's `results.json`."""

from __future__ import annotations

from typing import Literal

from culturescope.probing.results import Estimate, Frozen, KindAudit, Verdict

Instrument = Literal["text", "options"]


class Share(Frozen):
    """How often something happened: count, of how many, and the 95% Wilson interval of the share."""

    count: int
    of: int
    value: float
    low: float
    high: float


class LedgerRow(Frozen):
    """How the replies to one item (None: to all) under one persona were read; `mean_mass` for options only."""

    item: str | None
    persona: str | None
    instrument: Instrument
    replies: int
    answered: Share
    neutral: Share
    refused: Share
    invalid: Share
    empty: Share
    mean_mass: float | None = None


class ItemConsistency(Frozen):
    """How an item's answers hold when the scale is turned round and the question is worded otherwise.

    In units of half a scale, positive pole up: `meaning` is what stays when the scale is turned round, `order` what follows
    its direction. `gap` is the mean distance of the two answers as a share of the scale, `same_side` the share of pairs
    on the same side of the middle. `wordings` are the values under each wording on the item's scale, `wording_sd` their
    spread.
    """

    item: str
    pairs: int
    gap: float | None
    same_side: float | None
    meaning: float | None
    order: float | None
    wordings: tuple[float | None, ...]
    wording_sd: float | None


class ItemValue(Frozen):
    """An item's mean on its own survey scale.

    `mean` leaves missing answers out and has its interval over wordings, `error` is its standard error; both are None where
    a direction has no answer at all. `neutral` puts missing answers to the middle, `lowest` and `highest` to the ends.
    """

    item: str
    mean: Estimate | None
    error: float | None
    neutral: float
    lowest: float
    highest: float
    consistency: ItemConsistency


class AxisSurvey(Frozen):
    """The verdict on an axis: does turning the scale round turn the answers? See `survey_check`."""

    axis: str
    verdict: Verdict
    before_reasons: Verdict
    reasons: tuple[str, ...]
    p: float
    meaning: float
    order: float
    correlation: float | None
    answered: float
    mass: float | None


class SurveyReading(Frozen):
    """What one instrument found of one persona (None: no persona); `answered` is the share of replies with a value.

    `persona_missing` are the items that the persona's profile lacks.
    """

    instrument: Instrument
    persona: str | None
    persona_kind: Literal["basic", "advanced"] | None
    persona_missing: tuple[str, ...]
    society: str | None
    replies: int
    answered: float
    items: tuple[ItemValue, ...]
    axes: tuple[AxisSurvey, ...]


class Unmoved(Frozen):
    """Answers that are the same under every persona, of those that every persona answered; and those neutral throughout."""

    instrument: Instrument
    personas: int
    same: Share | None
    neutral: Share | None


class RefusalChange(Frozen):
    """How often free replies refuse under personas, and how much more often than without: 95% intervals.

    `persona` is None for all personas of a kind together. The interval of `change` is Newcombe's and takes replies for
    independent; it speaks of these questions in these wordings.
    """

    persona: str | None
    persona_kind: Literal["basic", "advanced"]
    without: Share
    under: Share
    change: Estimate


class SurveyResults(Frozen):
    """Everything a page or a script shows of a survey; written as `results.json`."""

    format: Literal[1] = 1
    kind: Literal["survey"] = "survey"
    reader: str
    readings: tuple[SurveyReading, ...]
    ledger: tuple[LedgerRow, ...]
    unmoved: tuple[Unmoved, ...] = ()
    refusals: tuple[RefusalChange, ...] = ()


class SurveyBand(Frozen):
    """What missing answers leave open of a place (x, y).

    `drop` leaves them out (None where an item has no usable answers), `neutral` puts them to the middle; `x` and `y` are
    the ends that they reach if every missing answer were at the end that moves the place furthest. `missing` is the share of
    replies without a value. `corners` is the outline of all places that are possible.
    """

    missing: float
    drop: tuple[float, float] | None
    neutral: tuple[float, float]
    x: tuple[float, float]
    y: tuple[float, float]
    corners: tuple[tuple[float, float], ...]


class SurveyPlace(Frozen):
    """Where a survey puts one persona with one instrument; why there is no position, where there is none."""

    instrument: Instrument
    persona: str | None
    society: str | None
    verdicts: dict[str, str]
    band: SurveyBand | None
    half_axes: tuple[float, float] | None
    from_null: tuple[float, float] | None
    reason: str | None


class SurveyAudit(Frozen):
    """Do the places of a survey under personas of one kind follow those of their people? By one instrument."""

    instrument: Instrument
    audit: KindAudit
