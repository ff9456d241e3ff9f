"""What a survey asks: instruments, samples, forms, personas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from culturescope.errors import BadInputError
from culturescope.experiments.personas import SocietyPersona
from culturescope.experiments.stored_types import checked, listed
from culturescope.models.filling import BatchSize
from culturescope.probing.survey_tasks import INSTRUMENTS, Instrument, SurveyTask, survey_tasks
from culturescope.prompts.survey import SurveyQuestion, questions_of

LISTS = ("instruments", "items", "personas")


@dataclass(frozen=True)
class SurveyDesign:
    """What is asked of a model.

    Args:
        instruments: `text` (free replies), `options` (log-probabilities of the numbers), or both.
        samples: free replies to each prompt.
        wordings: of each question, 2 to 4: an interval needs two.
        temperature: of the free replies.
        new_tokens: longest free reply.
        seed: of the replies and of the check.
        batch_size: prompts in one forward pass, or requests under way; or `auto`: measured when the survey begins.
        items: ids of the items; None is all ten.
        personas: of societies, beside no persona.
    """

    instruments: tuple[Instrument, ...] = INSTRUMENTS
    samples: int = 2
    wordings: int = 4
    temperature: float = 0.7
    new_tokens: int = 128
    seed: int = 42
    batch_size: BatchSize = 16
    items: tuple[str, ...] | None = None
    personas: tuple[SocietyPersona, ...] = ()

    def __post_init__(self) -> None:
        """Refuses values that cannot be meant.

        Raises:
            BadInputError: a number outside of its range, an unknown instrument or item, or a persona given twice.
        """
        if not self.instruments or any(i not in INSTRUMENTS for i in self.instruments):
            raise BadInputError(
                f"instruments are {', '.join(INSTRUMENTS)}, not {', '.join(map(repr, self.instruments)) or 'none'}"
            )
        for name, least, most in (
            ("samples", 1, None),
            ("wordings", 2, 4),
            ("new_tokens", 1, None),
            ("seed", 0, None),
            ("batch_size", 1, None),
        ):
            value = getattr(self, name)
            if name == "batch_size" and value == "auto":
                continue
            if value < least or (most is not None and value > most):
                bound = f"between {least} and {most}" if most else f"at least {least}"
                raise BadInputError(f"{name.replace('_', '-')} must be {bound}, not {value}")
        if not 0 < self.temperature < float("inf"):
            raise BadInputError(f"temperature must be a number above 0, not {self.temperature}")
        twice = [p.id for n, p in enumerate(self.personas) if p.id in [q.id for q in self.personas[:n]]]
        if twice:
            raise BadInputError(f"the persona {twice[0]} was given twice")
        self.questions()

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> SurveyDesign:
        """Reads a design as `as_dict` wrote it.

        Raises:
            BadInputError: the entry is not a design of a survey.
        """
        try:
            lists = listed(stored, LISTS)
            lists["personas"] = tuple(SocietyPersona.from_dict(p) for p in lists["personas"])
            return cls(**checked(cls, {**stored, **lists}))
        except (TypeError, KeyError) as error:
            raise BadInputError(
                f"the run's config is not a survey that this version knows: {error}"
            ) from None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        stored = asdict(self) | {"personas": [p.model_dump(mode="json") for p in self.personas]}
        return stored | {k: list(stored[k]) for k in LISTS if stored[k] is not None}

    def questions(self) -> tuple[SurveyQuestion, ...]:
        """The questions that are asked."""
        return questions_of(self.items)

    def tasks(self) -> list[SurveyTask]:
        """Everything that is asked, in order."""
        return survey_tasks(
            self.questions(),
            instruments=self.instruments,
            wordings=self.wordings,
            samples=self.samples,
            personas=[p.persona() for p in self.personas],
        )

    def texts(self) -> dict[str, Any]:
        """Hashes of all that the model is asked."""
        return {
            "questions_sha256": {q.id: q.sha256 for q in self.questions()},
            "personas_sha256": {p.id: p.sha256 for p in self.personas},
        }
