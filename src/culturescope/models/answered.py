"""A prompt with an answer in its place, as tokens: what stands before the answer, and where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from culturescope.errors import ModelError

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel
    from culturescope.prompts.contrast import Answered


@dataclass(frozen=True)
class AnsweredTokens:
    """Tokens up to the last one of the answer; the answer is `ids[start:]`."""

    ids: tuple[int, ...]
    start: int


def answered_tokens(model: CausalModel, texts: Sequence[Answered]) -> list[AnsweredTokens]:
    """The tokens of prompts with their answers, nothing after the answer.

    A letter is the very token whose probability is read elsewhere; another answer is tokenised together with
    the prompt, as the model would read it in a chat.

    Raises:
        ModelError: an answer is empty, or cannot be found in the rendering of the chat template.
    """
    letters = {token.letter: token.id for token in model.identity.letters}
    found = []
    for text, before in zip(texts, model.encode([t.prompt for t in texts]), strict=True):
        if text.letter:
            found.append(AnsweredTokens((*before, letters[text.answer]), len(before)))
            continue
        ids = model.chat.ids(_rendered(model, text))
        start = _shared(ids, before)
        if start == len(ids):
            raise ModelError(f"the answer {text.answer[:60]!r} has no token of its own after its prompt")
        found.append(AnsweredTokens(tuple(ids), start))
    return found


def _rendered(model: CausalModel, text: Answered) -> str:
    """The chat with the answer, cut off behind it; templates may trim it, close the turn, or add an empty thought."""
    answer = text.answer.strip()
    if not answer:
        raise ModelError("an answer of a contrast text is empty")
    if model.answer_closes:
        whole = model.chat.text(text.prompt, answer=answer)
        at = whole.rfind(answer)
        if at < 0:
            raise ModelError(f"the model's chat template does not show the answer {answer[:60]!r}")
        return whole[: at + len(answer)]
    return model.chat.text(text.prompt) + answer


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
