"""The same questions answered without and with steering, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError
from culturescope.models.resuming import check_unsteered
from culturescope.prompts import Prompt
from culturescope.steering.applying import Edit, steered

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel


@dataclass(frozen=True)
class SideBySide:
    """One question and both answers; `same` where steering changed no word."""

    question: str
    unsteered: str
    steered: str
    same: bool


@dataclass(frozen=True)
class Generated:
    """Answers with all that made them.

    Args:
        model: identity of the unsteered model, as plain values.
        steering: every edit as plain values (hash of the vector, blocks, alpha, positions, operator).
        system: system prompt, or None.
        max_new_tokens: longest answer.
        temperature: 0 takes the likeliest token.
        seed: of the sampling; both answers are drawn with the same noise, so that they differ by the steering alone.
        answers: in the order of the questions.
    """

    model: dict[str, Any]
    steering: tuple[dict[str, Any], ...]
    system: str | None
    max_new_tokens: int
    temperature: float
    seed: int
    answers: tuple[SideBySide, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def side_by_side(
    model: CausalModel,
    questions: Sequence[str],
    edits: Sequence[Edit],
    *,
    system: str | None = None,
    max_new_tokens: int = 128,
    temperature: float = 0.0,
    seed: int = 42,
    batch_size: int = 16,
) -> Generated:
    """Answers every question twice.

    Raises:
        BadInputError: no question, an empty one, no steering, or the model is being steered already.
        ModelError: a question is too long, or a number is out of range.
    """
    check_unsteered(model)
    if not questions or not all(question.strip() for question in questions):
        raise BadInputError("there is nothing to answer: give at least one question, and no empty ones")
    if not edits:
        raise BadInputError("there is nothing to compare with: give at least one vector")
    prompts = [Prompt.of(question, system) for question in questions]
    options: dict[str, Any] = {
        "max_new_tokens": max_new_tokens,
        "temperature": temperature,
        "seed": seed,
        "batch_size": batch_size,
    }
    with steered(model, edits):  # first: a vector that does not fit is found before anything is written
        moved = model.generate(prompts, **options)
    plain = model.generate(prompts, **options)
    return Generated(
        model=model.identity.as_dict(),
        steering=tuple(edit.as_dict() for edit in edits),
        system=system,
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        seed=seed,
        answers=tuple(
            SideBySide(question, before, after, before == after)
            for question, before, after in zip(questions, plain, moved, strict=True)
        ),
    )
