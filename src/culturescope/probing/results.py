"""The shape of `results.json`: what a probe found, typed, and nothing that has to be computed again to be shown."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Verdict = Literal["interpretable", "weak", "not interpretable"]


class Frozen(BaseModel):
    """Stored values do not change and have no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(Frozen):
    """A mean with its 95% interval; `df` are the degrees of freedom behind the small-sample correction."""

    value: float
    low: float
    high: float
    df: float | None = None


class Position(Frozen):
    """A mean over scenarios of one axis, item, or item x domain cell.

    `d` is the value logit (positive pole up, natural log-odds), `s` the score in [0, 1], `b` the mean position bias (logits,
    positive prefers the letter A), `mean_abs_b` the mean of its absolute value, `letter_mass` the mean of P(A) + P(B).
    With one order a prompt, b and d cannot be told apart: `b` and `mean_abs_b` are None.
    """

    axis: str
    item: str | None = None
    domain: str | None = None
    scenarios: int
    d: Estimate
    s: Estimate
    b: float | None
    mean_abs_b: float | None
    letter_mass: float


class WordingPosition(Frozen):
    """The mean value logit of an axis under one wording of the prompt."""

    axis: str
    template: str
    d: Estimate


class Probe(Frozen):
    """The probe without persona."""

    orders: Literal["both", "random"]
    templates: tuple[str, ...]
    scenarios: int
    prompts: int
    axes: tuple[Position, ...]
    items: tuple[Position, ...]
    cells: tuple[Position, ...]
    wordings: tuple[WordingPosition, ...]


class PersonaWording(Frozen):
    """D under one wording of the two opposed personas, and whether it passes both tests."""

    wording: int
    D: Estimate
    above_zero: bool
    above_band: bool


class AxisCheck(Frozen):
    """The instrument check of one axis.

    `D` is the mean over scenarios of d(positive persona) - d(negative persona); `null_pairs` are the same mean differences
    between pairs of value-free personas (absolute values); `null_band` is the largest D that such a pair would show in
    the share `null_level` of cases. `before_reasons` is the verdict before bias and letter mass lowered it; `reasons`
    says in words what decided.
    """

    axis: str
    verdict: Verdict
    before_reasons: Verdict
    reasons: tuple[str, ...]
    scenarios: int
    D: Estimate
    null_band: float
    null_level: float
    null_pairs: tuple[float, ...]
    wordings: tuple[PersonaWording, ...]
    mean_b: float
    letter_mass: float


class Check(Frozen):
    """The instrument check: does a strong persona move the answers, beyond interval, null band and bias?"""

    scenarios: int
    prompts: int
    axes: tuple[AxisCheck, ...]


class Agreement(Frozen):
    """How often the likelier letter is the letter that the model writes when it may write freely (greedy)."""

    prompts: int
    agree: int
    differ: int
    unreadable: int
    rate: Estimate


class PersonaShift(Frozen):
    """What a persona changes on an axis: the mean of d under it less d without, paired by scenario and wording."""

    axis: str
    d: Estimate


class PersonaReading(Frozen):
    """The probe under the persona of a society; `partial` where its profile lacks the items in `missing`."""

    id: str
    kind: Literal["basic", "advanced"]
    society: str
    partial: bool
    missing: tuple[str, ...]
    scenarios: int
    prompts: int
    axes: tuple[Position, ...]
    shifts: tuple[PersonaShift, ...]


class Figure(Frozen):
    """A figure of an audit with its 95% interval; `note` says why a part of it is None."""

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str = ""


class AxisFollowing(Frozen):
    """How the places under personas follow those of people on one axis of the map, over societies.

    `slope` and `r2` of the model's coordinates on people's; `spread_ratio` sd(model) / sd(people), below one where personas
    flatten what differs among people; the last one without the noise of the answers. `verdict` is that of the axis.
    """

    axis: Literal["X", "Y"]
    verdict: str
    slope: Figure
    r2: Figure
    spread_ratio: Figure
    spread_ratio_less_noise: Figure


class SocietyDistance(Frozen):
    """How far from its people a persona brings the model: places (x, y), distances on the map, and the change against none.

    Below zero the persona brings the model nearer. `people_year` is that of the people's place.
    """

    persona: str
    society: str
    name: str
    partial: bool
    people: tuple[float, float]
    people_year: int
    place: tuple[float, float]
    distance: float
    distance_without: float
    change: Figure


class KindAudit(Frozen):
    """The audit of one kind of persona by one conversion.

    `verdict` is the lower one of the two axes: distances need both. `mean_change` is over the societies asked,
    `mean_change_of_such` the same as an estimate for societies like them. `caveat` says how little few societies tell.
    """

    kind: Literal["basic", "advanced"]
    conversion: Literal["anchored", "paper"]
    verdict: str
    without: tuple[float, float]
    societies: tuple[SocietyDistance, ...]
    axes: tuple[AxisFollowing, ...]
    mean_change: Figure
    mean_change_of_such: Figure
    caveat: str


class PersonaAudit(Frozen):
    """Do the places under personas of societies follow the places of their people?"""

    kinds: tuple[KindAudit, ...]


class Results(Frozen):
    """Everything a page or a script shows of a run; written as `results.json`."""

    format: Literal[1] = 1
    probe: Probe
    check: Check | None = None
    agreement: Agreement | None = None
    personas: tuple[PersonaReading, ...] = ()
    persona_audit: PersonaAudit | None = None
