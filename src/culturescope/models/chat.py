"""Renders a prompt for a model: by its chat template, or as plain text for base models; every day the same.

Everything that a template may do differently is settled once, when the chat is opened: whether it has a
system role, whether it wants its texts in parts, what it must be told to leave today's date and thoughts out,
and who writes the token that begins a text.
"""

from __future__ import annotations

import datetime
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from culturescope.errors import ModelError
from culturescope.models.templates import bounded, check_template
from culturescope.prompts import Message, Prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FIXED_DATE = datetime.date(2024, 7, 26)
_PLAIN_TURNS = {"system": "{}\n\n", "user": "{}\nAnswer:", "assistant": " {}\n\n"}
_SYSTEM_PROBE = "Probe of the system turn 7193."
_USER_PROBE = "Probe of the user turn 2846."


@dataclass(frozen=True)
class Chat:
    """How one model is spoken to.

    Args:
        tokenizer: of the model.
        template: the chat template, or None for a base model.
        options: what the template is told beside the messages.
        folds_system: whether the system text stands at the start of the user turn.
        in_parts: whether the template wants a text as a list of parts.
        adds_bos: whether the tokenizer begins a text with a token of its own.
    """

    tokenizer: PreTrainedTokenizerBase
    template: str | None
    options: dict[str, Any] = field(default_factory=dict)
    folds_system: bool = False
    in_parts: bool = False
    adds_bos: bool = False

    @property
    def template_sha256(self) -> str:
        """Hash of the chat template, or of the plain prompt's wording."""
        return hashlib.sha256((self.template or "".join(_PLAIN_TURNS.values())).encode()).hexdigest()

    def text(self, prompt: Prompt, answer: str | None = None) -> str:
        """The prompt as the model reads it, up to the place of the answer, or with an answer in its place.

        Raises:
            ModelError: the chat template cannot render it.
        """
        if self.template is None:
            plain = "".join(_PLAIN_TURNS[turn.role].format(turn.content) for turn in prompt.messages)
            return plain if answer is None else f"{plain} {answer}"
        messages = prompt.messages
        if self.folds_system:
            messages = _folded(messages)
        if answer is not None:
            messages = (*messages, Message("assistant", answer))
        try:
            with bounded():
                return self._render(messages, add_generation_prompt=answer is None)
        except ModelError:
            raise
        except Exception as error:  # a template is a program, and fails in any way
            raise ModelError(
                f"the model's chat template cannot render the prompt: {_one_line(error)}"
            ) from error

    def ids(self, text: str) -> list[int]:
        """The tokens of a rendered text, with exactly one BOS where the tokenizer adds one."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        bos = self.tokenizer.bos_token_id
        if self.adds_bos and ids[:1] != [bos]:
            return [bos, *ids]
        return ids

    def decode(self, ids: list[int], *, skip_special_tokens: bool = False) -> str:
        """The text of some tokens, with every space as it was."""
        return str(
            self.tokenizer.decode(
                ids, skip_special_tokens=skip_special_tokens, clean_up_tokenization_spaces=False
            )
        )

    def _render(self, messages: tuple[Message, ...], *, add_generation_prompt: bool) -> str:
        turns: Any = [
            {
                "role": turn.role,
                "content": [{"type": "text", "text": turn.content}] if self.in_parts else turn.content,
            }
            for turn in messages
        ]
        rendered = self.tokenizer.apply_chat_template(
            turns,
            chat_template=_with_fixed_date(self.template or ""),
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
            **self.options,
        )
        return str(rendered)


def open_chat(tokenizer: PreTrainedTokenizerBase) -> Chat:
    """Finds out how the model of this tokenizer is spoken to.

    Raises:
        ModelError: the tokenizer's chat template renders no user turn.
    """
    beginning = tokenizer("x", verbose=False)["input_ids"]
    adds_bos = tokenizer.bos_token_id is not None and beginning[:1] == [tokenizer.bos_token_id]
    template = _template_of(tokenizer)
    if template is None:
        return Chat(tokenizer, None, adds_bos=adds_bos)
    check_template(template)

    options: dict[str, Any] = {}
    if re.search(r"\bdate_string\b", template):
        options["date_string"] = FIXED_DATE.strftime("%d %b %Y")
    if re.search(r"\benable_thinking\b", template):
        options["enable_thinking"] = False

    reason = "its rendering lacks the user's text"
    for in_parts in (False, True):
        chat = Chat(tokenizer, template, options, in_parts=in_parts, adds_bos=adds_bos)
        try:
            if _USER_PROBE not in chat.text(Prompt.of(_USER_PROBE)):
                continue
        except ModelError as error:
            reason = str(error)
            continue
        try:
            with_system = chat.text(Prompt.of(_USER_PROBE, _SYSTEM_PROBE))
            folds = _SYSTEM_PROBE not in with_system or _USER_PROBE not in with_system
        except ModelError:
            folds = True
        return Chat(tokenizer, template, options, folds_system=folds, in_parts=in_parts, adds_bos=adds_bos)
    raise ModelError(f"the model's chat template cannot be used: {reason}")


def _template_of(tokenizer: PreTrainedTokenizerBase) -> str | None:
    stored = getattr(tokenizer, "chat_template", None)
    if isinstance(stored, dict):
        if not stored:
            return None
        if "default" not in stored:
            raise ModelError(
                f"the tokenizer has several chat templates ({', '.join(sorted(stored))}) and none of them is "
                "called 'default'; keep one in the folder's chat_template.jinja"
            )
        stored = stored["default"]
    return str(stored) if stored else None


def _folded(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The turns without a system turn; its text stands at the start of the first one that is left."""
    system = [turn.content for turn in messages if turn.role == "system"]
    first, *later = (turn for turn in messages if turn.role != "system")
    return (Message(first.role, "\n\n".join([*system, first.content])), *later)


def _with_fixed_date(template: str) -> str:
    """The template, with its clock replaced by a macro that knows one day only."""
    if "strftime_now" not in template:
        return template
    day = datetime.datetime.combine(FIXED_DATE, datetime.time())
    formats = "".join(
        f" | replace('%{directive}', '{day.strftime('%' + directive)}')"
        for directive in "aAbBdHIjmMpSUwWxXyYcFT"
    )
    macro = f"{{%- macro strftime_now(format) -%}}{{{{ format{formats} }}}}{{%- endmacro %}}\n"
    return macro + template


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
