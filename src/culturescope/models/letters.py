"""Finds the tokens by which a model says a letter, at the place where its answer stands.

The place is where an assistant turn filled with one letter differs from the same turn filled with another.
All that stands before it is what the model reads (with what the template puts between its generation prompt
and an answer, such as an empty thought), and the first token that differs is the letter's. Letters elsewhere,
in a system prompt for example, are the same in both renderings and cannot be taken for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from culturescope.errors import ModelError
from culturescope.models.chat import Chat
from culturescope.models.protocols import LETTERS, LetterToken
from culturescope.prompts import Prompt

_PROBES = (
    Prompt.of("Which one, A or B?"),
    Prompt.of("A: tea. B: coffee.", system="B is the answer. A"),
)
_SPACES = ("\u2581", "\u0120", " ")


@dataclass(frozen=True)
class AnswerPlace:
    """Where the answer stands and which tokens are letters there.

    Args:
        letters: a token for every letter, in the order asked for.
        lead: text between the generation prompt and the letter's token.
        closes: whether the rendering goes on after the letter as the template ends a turn.
        tail: tokens after the letter.
    """

    letters: tuple[LetterToken, ...]
    lead: str
    closes: bool
    tail: tuple[int, ...]

    def read_ids(self, chat: Chat, prompt: Prompt) -> list[int]:
        """The tokens that the model reads; its answer is the output at the last of them.

        Raises:
            ModelError: the letter's token is not where it was found.
        """
        first = self.letters[0]
        ids = chat.ids(_filled(chat, prompt, first.letter, self.closes))
        at = len(ids) - len(self.tail) - 1
        if at < 1 or ids[at] != first.id or tuple(ids[at + 1 :]) != self.tail:
            raise ModelError(
                f"the letter {first.letter!r} is not a token of its own after this prompt, which ends with "
                f"{chat.text(prompt)[-40:]!r}; the letters of this model cannot be read"
            )
        return ids[:at]


def find_letters(chat: Chat, letters: Sequence[str] = LETTERS) -> AnswerPlace:
    """Finds the place of the answer and the letters' tokens there.

    Args:
        chat: how the model is spoken to.
        letters: at least two different texts, each of them a single token at the place of the answer.

    Raises:
        ModelError: a letter is not a single token there, or two letters share one.
    """
    if len(set(letters)) < 2 or len(set(letters)) != len(letters) or not all(letters):
        raise ModelError(f"letters must be at least two different texts, not {', '.join(map(repr, letters))}")
    places = [_place(chat, prompt, letters) for prompt in _PROBES]
    if any(place != places[0] for place in places):
        raise ModelError("the letters' tokens depend on the prompt; the letters of this model cannot be read")
    return places[0]


def _place(chat: Chat, prompt: Prompt, letters: Sequence[str]) -> AnswerPlace:
    asked = chat.text(prompt)
    renderings = [chat.text(prompt, answer=letter) for letter in letters]
    before = renderings[0][: _shared(renderings) - _shared(letters)]
    # A generation prompt may go on where a finished turn would not, as with a thought that it closes itself.
    # Then the answer stands there; only an open thought is no place for an answer.
    extra = asked.removeprefix(before) if asked.startswith(before) else ""
    closes = not extra or extra.count("<think>") > extra.count("</think>")
    if not closes:
        before = asked

    filled = [chat.ids(_filled(chat, prompt, letter, closes)) for letter in letters]
    at = _shared(filled)
    found, tails = [], set()
    for letter, ids in zip(letters, filled, strict=True):
        token = ids[at] if at < len(ids) else None
        text = "" if token is None else chat.decode([token])
        if token is None or text.strip() != letter.strip():
            raise ModelError(
                f"the letter {letter!r} is not a single token of this tokenizer at the place of the answer "
                f"(found {text!r}); the letters of this model cannot be read"
            )
        found.append(LetterToken(letter, token, text))
        tails.add(tuple(ids[at + 1 :]))
    if len(tails) != 1 or len({token.id for token in found}) != len(found):
        raise ModelError(
            f"the letters {', '.join(letters)} are not single tokens of their own at the place of the "
            "answer; the letters of this model cannot be read"
        )
    lead = before.removeprefix(asked) if before.startswith(asked) else ""
    if str(chat.tokenizer.convert_ids_to_tokens(found[0].id)).startswith(_SPACES):
        lead = lead.removesuffix(" ")  # that space is a part of the letter's token
    return AnswerPlace(tuple(found), lead, closes, tails.pop())


def _shared(rows: Sequence[Sequence[object]]) -> int:
    """How many entries all rows have in common from the start."""
    return next(
        (at for at, column in enumerate(zip(*rows, strict=False)) if len(set(column)) > 1),
        min(map(len, rows)),
    )


def _filled(chat: Chat, prompt: Prompt, letter: str, closes: bool) -> str:
    return chat.text(prompt, answer=letter) if closes else chat.text(prompt) + letter
