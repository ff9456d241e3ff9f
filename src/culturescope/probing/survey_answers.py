"""From replies and log-probabilities to values of items: read, mapped back, and counted, with what missing answers leave open.

Every reply is one mean code, an option reading is the expectation of the code over the numbers that are shown. A cell is a
question in one form (wording, direction, number only). A question's mean is the mean of its two directions, each the mean of
its cells: a preference for a place on the scale is in both with opposite signs, and cancels.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import ModelError
from culturescope.probing.replies import Category, read_reply
from culturescope.probing.survey_tasks import Instrument, reading_of
from culturescope.prompts.survey import SurveyQuestion, question, questions_of

Floats = NDArray[np.float64]
Missing = Literal["drop", "neutral", "lowest", "highest"]
WEIGHTS = {"Y02-independence": 1.0, "Y02-determination": 1.0, "Y02-faith": -1.0, "Y02-obedience": -1.0}
"""How a question's code adds to its item; 1 for the items that are one question."""


@dataclass(frozen=True)
class SurveyAnswer:
    """One answer: what was asked, its category, its value as a code of the question, and the options' mass."""

    question: str
    item: str
    wording: int
    turned: bool
    number_only: bool
    repeat: int
    persona: str | None
    instrument: Instrument
    category: Category
    value: float | None
    reason: str
    mass: float | None = None


def read_answers(rows: Iterable[Mapping[str, Any]]) -> list[SurveyAnswer]:
    """Reads the rows of a survey."""
    return [_read(row) for row in rows]


def _read(row: Mapping[str, Any]) -> SurveyAnswer:
    scale = question(row["question"]).scale(turned=row["turned"])
    mass: float | None = None
    category: Category
    value: float | None
    if row["instrument"] == "text":
        found = read_reply(row["reply"], scale, _question_text(row))
        category, value, reason = found.category, found.value, found.reason
    else:
        reading = reading_of(row)
        mass = reading.mass
        try:
            value = float(np.dot(reading.shares, scale.codes))
            category, reason = "answered", "expectation over the numbers"
            if len(reading.bounded) == scale.last:
                value, category, reason = None, "invalid", "no number is among the likeliest tokens"
                mass = 0.0
        except ModelError:
            value, category, reason = None, "invalid", "no number has any probability"
    return SurveyAnswer(
        row["question"],
        row["item"],
        row["wording"],
        row["turned"],
        row["number_only"],
        row["repeat"],
        row["persona"],
        row["instrument"],
        category,
        value,
        reason,
        mass,
    )


def _question_text(row: Mapping[str, Any]) -> str:
    from culturescope.prompts.survey import survey_prompt

    asked = survey_prompt(
        question(row["question"]), row["wording"], turned=row["turned"], number_only=row["number_only"]
    )
    return asked.messages[-1].content


@dataclass(frozen=True, eq=False)
class ItemCells:
    """The answers to one item as arrays: question x wording x direction x style.

    Args:
        item: id.
        questions: Q, in their order.
        means: mean code of the answers in each cell (Q x W x 2 x 2), NaN where there is none; direction 1 is turned, style 1
            asks for a number only.
        answered: share of replies with a value (Q x W x 2 x 2), NaN where nothing was asked.
    """

    item: str
    questions: tuple[SurveyQuestion, ...]
    means: Floats
    answered: Floats

    @property
    def weights(self) -> Floats:
        """What each question's code adds to the item (Q)."""
        return np.array([WEIGHTS.get(q.id, 1.0) for q in self.questions])

    @property
    def ends(self) -> Floats:
        """Lowest and highest code of each question (Q x 2)."""
        return np.array([[min(q.scale().codes), max(q.scale().codes)] for q in self.questions], dtype=float)

    def filled(self, missing: Missing) -> Floats:
        """Mean codes (Q x W x 2 x 2) with the missing answers dropped, put to the middle, or to an end of the item."""
        if missing == "drop":
            return self.means
        low, high = self.ends.T
        if missing == "neutral":
            instead = (low + high) / 2
        else:
            up = (self.weights > 0) == (missing == "highest")
            instead = np.where(up, high, low)
        instead = np.broadcast_to(instead[:, None, None, None], self.means.shape)
        known = np.where(np.isfinite(self.means), self.means, 0.0)
        return np.asarray(known * self.answered + instead * (1 - self.answered))

    def value(
        self,
        missing: Missing = "drop",
        *,
        wordings: Sequence[int] | None = None,
        styles: Sequence[int] = (0, 1),
    ) -> float:
        """The item's mean on its own scale; NaN where a direction of a question has no answer."""
        cells = self.filled(missing)[:, :, :, list(styles)]
        if wordings is not None:
            cells = cells[:, list(wordings)]
        return float(self.weights @ _balanced(cells))

    def error(self) -> float:
        """Standard error of `value` over wordings, by leaving one out; NaN where one cannot be left out."""
        count = self.means.shape[1]
        if count < 2:
            return float("nan")
        without = np.array([self.value(wordings=[w for w in range(count) if w != n]) for n in range(count)])
        return float(np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum()))

    def signed(self, up: float) -> Floats:
        """Answers in [-1, 1], positive pole up, (W x 2 x 2): 0 is the middle of the item's scale.

        Args:
            up: +1 where the positive pole is the high end of the item's scale, else -1.
        """
        low, high = self.ends.T
        middle, half = (low + high) / 2, np.abs(high - low) / 2
        weights = self.weights
        off = np.einsum("q,qwds->wds", weights, self.means - middle[:, None, None, None])
        return np.asarray(up * off / float(np.abs(weights) @ half))


def _balanced(cells: Floats) -> Floats:
    """Mean of each question (Q): over the cells with answers in each direction, then over both directions."""
    by_direction = np.moveaxis(cells, 2, 1).reshape(cells.shape[0], 2, -1)
    known = np.isfinite(by_direction)
    count = known.sum(axis=2)
    total = np.where(known, by_direction, 0.0).sum(axis=2)
    means = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.asarray(means.mean(axis=1))


def cells_of(answers: Sequence[SurveyAnswer], items: Sequence[str]) -> dict[str, ItemCells]:
    """The answers of one persona and one instrument, item by item; items that were not asked are left out."""
    found = {}
    wordings = max((a.wording for a in answers), default=0)
    for item in items:
        of_item = [a for a in answers if a.item == item]
        if not of_item:
            continue
        asked = {a.question for a in of_item}
        questions = tuple(q for q in questions_of([item]) if q.id in asked)
        place = {q.id: n for n, q in enumerate(questions)}
        shape = (len(questions), wordings, 2, 2)
        total, valued, count = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for a in of_item:
            at = (place[a.question], a.wording - 1, int(a.turned), int(a.number_only))
            count[at] += 1
            if a.value is not None:
                total[at] += a.value
                valued[at] += 1
        with np.errstate(invalid="ignore", divide="ignore"):
            found[item] = ItemCells(item, questions, total / valued, valued / count)
    return found
