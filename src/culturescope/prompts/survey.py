"""The direct survey: the ten items as questions, in four wordings, with the scale in either direction.

Eight items are one question each. Two are composed, as in the surveys themselves:

- Y02, the autonomy index, is four questions, one for each quality that counts, and each names the whole list of eleven and
  the limit of five. Its value is P(independence) + P(determination) - P(religious faith) - P(obedience). A model that says
  yes to everything gets 0, the middle.
- X01, the post-materialist index, is a choice of two aims out of four; it is 1 for order and prices, 3 for voice and free
  speech, 2 for any other pair, so the six pairs are its answers. Shown the other way round, the pair at each place is that
  of the other pole, or both are mixed: a preference for a place cancels.
"""

from __future__ import annotations

import functools
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from culturescope.errors import InstrumentError
from culturescope.prompts.dilemma import Persona
from culturescope.prompts.prompt import Prompt

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DATA = Path(__file__).parent / "data" / "survey.toml"
Kind = Literal["scale", "list", "choice"]
WORDINGS = 4


@dataclass(frozen=True)
class Answer:
    """One answer as it is shown: its number, its words (empty between the ends of a scale), and the code it stands for.

    `also` are further words for it, regular expressions over lower-case text.
    """

    number: int
    label: str
    code: int
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnswerScale:
    """The answers of a question in the order in which they are shown.

    `kind` is `scale` (a line of numbers, only its ends have words), `list` (every answer has words, in order) or `choice`
    (the answers have no order, so there is no middle).
    """

    kind: Kind
    answers: tuple[Answer, ...]

    @property
    def last(self) -> int:
        """The highest number that is shown; the lowest is 1."""
        return len(self.answers)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The numbers as texts."""
        return tuple(str(a.number) for a in self.answers)

    @property
    def codes(self) -> tuple[int, ...]:
        """The codes, in the order shown."""
        return tuple(a.code for a in self.answers)

    @property
    def middle(self) -> float | None:
        """The code in the middle; None where the answers have no order."""
        return None if self.kind == "choice" else (min(self.codes) + max(self.codes)) / 2

    def code(self, number: float) -> float:
        """The code that a number stands for, also between two of them."""
        first, last = self.answers[0].code, self.answers[-1].code
        if self.kind == "choice":
            return float(self.answers[int(number) - 1].code)
        return first + (number - 1) * (last - first) / (self.last - 1)


@dataclass(frozen=True)
class SurveyQuestion:
    """A question of the direct survey.

    Args:
        id: of the question; an item with one question gives it its own id.
        item: id of the item.
        kind: of its answers.
        wordings: four texts.
        answers: code, label and further words of each answer, as the questionnaire numbers them.
    """

    id: str
    item: str
    kind: Kind
    wordings: tuple[str, ...]
    answers: tuple[tuple[int, str, tuple[str, ...]], ...]

    def scale(self, *, turned: bool = False) -> AnswerScale:
        """The answers in the order shown; `turned` shows the last one first, under the number 1."""
        if self.kind == "scale":
            (low, low_label, low_also), (high, high_label, high_also) = self.answers
            ends = {low: (low_label, low_also), high: (high_label, high_also)}
            entries = [(code, *ends.get(code, ("", ()))) for code in range(low, high + 1)]
        else:
            entries = list(self.answers)
        if turned:
            entries.reverse()
        return AnswerScale(
            self.kind,
            tuple(Answer(n, label, code, also) for n, (code, label, also) in enumerate(entries, 1)),
        )

    @property
    def sha256(self) -> str:
        """Hash of all that the question says, hexadecimal."""
        said = [self.id, self.kind, self.wordings, [a[:2] for a in self.answers], _frames(), _number_only()]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def survey_prompt(
    question: SurveyQuestion,
    wording: int,
    *,
    turned: bool = False,
    number_only: bool = False,
    persona: Persona | None = None,
) -> Prompt:
    """The prompt of a question.

    Args:
        question: what is asked.
        wording: 1 to 4.
        turned: the scale is shown the other way round.
        number_only: ends with "Answer with a number only."
        persona: who the model is asked to be.

    Raises:
        InstrumentError: there is no such wording.
    """
    if not 1 <= wording <= len(question.wordings):
        raise InstrumentError(f"wordings of a question are 1 to {len(question.wordings)}, not {wording}")
    scale, frame = question.scale(turned=turned), _frames()[wording - 1]
    low, high = scale.answers[0], scale.answers[-1]
    if scale.kind == "scale":
        shown = frame["scale"].format(first=low.number, last=high.number, low=low.label, high=high.label)
        text = f"{question.wordings[wording - 1]} {shown}"
    else:
        lines = [frame["entry"].format(number=a.number, label=a.label) for a in scale.answers]
        text = "\n".join([question.wordings[wording - 1], frame["list"], *lines])
    if number_only:
        text += f"{' ' if scale.kind == 'scale' else chr(10)}{_number_only()}"
    return Prompt.of(text, persona.text if persona else None)


@functools.cache
def survey_questions() -> tuple[SurveyQuestion, ...]:
    """All questions, item by item."""
    content = _content()
    found = []
    for entry in content["question"]:
        wordings, answers = entry["wordings"], entry["answers"]
        if isinstance(wordings, str):
            wordings = content["wordings"][wordings]
        if isinstance(answers, str):
            answers = content["answers"][answers]
        topic = str(entry.get("topic", ""))
        found.append(
            SurveyQuestion(
                entry["id"],
                entry["item"],
                entry["kind"],
                tuple(w.format(topic=topic) for w in wordings),
                tuple((a["code"], a["label"], tuple(a.get("also", ()))) for a in answers),
            )
        )
    order = {item: n for n, item in enumerate(sorted({q.item for q in found}, key=_axis_order))}
    return tuple(sorted(found, key=lambda q: order[q.item]))


def questions_of(items: Sequence[str] | None = None) -> tuple[SurveyQuestion, ...]:
    """The questions of some items, or of all.

    Raises:
        InstrumentError: an item has no question.
    """
    known = survey_questions()
    if items is None:
        return known
    unknown = [i for i in items if i not in {q.item for q in known}]
    if unknown:
        raise InstrumentError(
            f'the survey has no question for "{unknown[0]}"; known are {", ".join(dict.fromkeys(q.item for q in known))}'
        )
    return tuple(q for q in known if q.item in items)


def question(question_id: str) -> SurveyQuestion:
    """The question of that id.

    Raises:
        InstrumentError: there is none.
    """
    found = next((q for q in survey_questions() if q.id == question_id), None)
    if found is None:
        raise InstrumentError(f'the survey has no question "{question_id}"')
    return found


def _axis_order(item: str) -> tuple[bool, str]:
    return not item.startswith("Y"), item


@functools.cache
def _content() -> dict[str, Any]:
    return tomllib.loads(DATA.read_text(encoding="utf-8"))


def _frames() -> list[dict[str, str]]:
    frames: list[dict[str, str]] = _content()["frame"]
    return frames


def _number_only() -> str:
    return str(_content()["number_only"])
