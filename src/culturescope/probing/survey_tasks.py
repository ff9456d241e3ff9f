"""What the direct survey asks: every question in its wordings, both directions, with and without "a number only"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from culturescope.models.options import OptionReading
from culturescope.models.protocols import ModelIdentity
from culturescope.prompts import Persona, Prompt
from culturescope.prompts.survey import SurveyQuestion, survey_prompt
from culturescope.runs.keys import SampleKey

Instrument = Literal["text", "options"]
INSTRUMENTS: tuple[Instrument, Instrument] = ("text", "options")
SURVEY = "survey-1"
"""Version of what is asked for and stored; free text is stored as written and read later."""


@dataclass(frozen=True)
class SurveyTask:
    """One question in one form, asked once.

    Args:
        instrument: `text`, a free reply, or `options`, the log-probabilities of the numbers that are shown.
        question: what is asked.
        wording: 1 to 4.
        turned: whether the scale is shown the other way round.
        number_only: whether the prompt ends with "Answer with a number only."
        persona: who the model is asked to be.
        repeat: index of the sample; 0 for options.
    """

    instrument: Instrument
    question: SurveyQuestion
    wording: int
    turned: bool
    number_only: bool
    persona: Persona | None = None
    repeat: int = 0

    @property
    def prompt(self) -> Prompt:
        """What the model reads."""
        return survey_prompt(
            self.question,
            self.wording,
            turned=self.turned,
            number_only=self.number_only,
            persona=self.persona,
        )

    @property
    def options(self) -> tuple[str, ...]:
        """The numbers that are shown, as texts."""
        return self.question.scale(turned=self.turned).numbers

    def key(self, identity: ModelIdentity, *, temperature: float, new_tokens: int, seed: int) -> str:
        """Digest of everything that can change what is stored."""
        free = self.instrument == "text"
        return SampleKey.of(
            identity,
            task=f"survey {self.instrument}",
            prompt_sha256=self.prompt.sha256,
            persona_sha256=self.persona.sha256 if self.persona else None,
            max_new_tokens=new_tokens if free else None,
            temperature=temperature if free else None,
            seed=seed if free else None,
            repeat=self.repeat,
            scorer_version=SURVEY,
        ).digest

    def row(self, key: str, text: str, said: str | OptionReading) -> dict[str, Any]:
        """The line of `samples.jsonl`: the reply as written, or the numbers' log-probabilities."""
        row = {
            "key": key,
            "part": "survey",
            "instrument": self.instrument,
            "item": self.question.item,
            "question": self.question.id,
            "wording": self.wording,
            "turned": self.turned,
            "number_only": self.number_only,
            "repeat": self.repeat,
            "persona": self.persona.id if self.persona else None,
            "persona_kind": self.persona.kind if self.persona else "none",
            "persona_missing": list(self.persona.missing) if self.persona else [],
            "society": self.persona.society if self.persona else None,
            "text": text,
        }
        if isinstance(said, str):
            return {**row, "reply": said}
        return {
            **row,
            "options": list(self.options),
            "logprobs": list(said.logprobs),
            "within": [list(longer) for longer in said.within],
            "bounded": list(said.bounded),
            "tokens": said.tokens,
        }


def survey_tasks(
    questions: Sequence[SurveyQuestion],
    *,
    instruments: Sequence[Instrument] = INSTRUMENTS,
    wordings: int = 4,
    samples: int = 2,
    personas: Sequence[Persona] = (),
) -> list[SurveyTask]:
    """Every form of every question, without persona first; `samples` free replies each, options once."""
    return [
        SurveyTask(instrument, question, wording, turned, number_only, persona, repeat)
        for instrument in instruments
        for persona in (None, *personas)
        for repeat in range(samples if instrument == "text" else 1)
        for question in questions
        for wording in range(1, wordings + 1)
        for turned in (False, True)
        for number_only in (False, True)
    ]


def reading_of(row: Mapping[str, Any]) -> OptionReading:
    """The options' reading of a stored row."""
    return OptionReading(
        tuple(row["logprobs"]),
        tuple(tuple(longer) for longer in row["within"]),
        row["tokens"],
        tuple(row["bounded"]),
    )
