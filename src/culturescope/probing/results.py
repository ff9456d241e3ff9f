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


class Results(Frozen):
    """Everything a page or a script shows of a run; written as `results.json`."""

    format: Literal[1] = 1
    probe: Probe
    check: Check | None = None
    agreement: Agreement | None = None
    personas: tuple[PersonaReading, ...] = ()
