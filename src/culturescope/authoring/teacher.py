"""Who writes candidates: a served model or a loaded one; and what it is told."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from culturescope.authoring.form_rules import OPTION_WORDS, SITUATION_WORDS
from culturescope.authoring.generation_plan import Wanted, texts
from culturescope.instrument import Item, Pack, Scenario
from culturescope.models import BlackBox, Budget, Endpoint
from culturescope.models.limits import estimated_tokens
from culturescope.models.wire import Reply
from culturescope.prompts import Prompt

EXAMPLES = 2
REPLY_TOKENS = 900


class Draft(BaseModel):
    """What a teacher writes: a scenario without id and split."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    situation: str = Field(min_length=1, max_length=2000)
    positive: str = Field(min_length=1, max_length=600)
    negative: str = Field(min_length=1, max_length=600)
    note: str = Field(min_length=1, max_length=1000)
    topic: str = Field(min_length=1, max_length=200)
    setting: str = Field(min_length=1, max_length=200)


class Teacher(Protocol):
    """Whoever answers a prompt; `key` tells one teacher from another."""

    @property
    def name(self) -> str:
        """For display."""
        ...

    @property
    def key(self) -> Mapping[str, Any]:
        """All of the teacher that can change an answer, for the key under which it is kept."""
        ...

    @property
    def budget(self) -> Budget:
        """What may be spent, and what was."""
        ...

    def ask(self, prompt: Prompt, *, temperature: float, seed: int, schema: Mapping[str, Any]) -> Reply:
        """Answers once."""
        ...


@dataclass(frozen=True)
class ServedTeacher:
    """A model behind an OpenAI-compatible endpoint."""

    endpoint: Endpoint
    reply_tokens: int = REPLY_TOKENS

    @property
    def name(self) -> str:
        """Model and address."""
        return f"{self.endpoint.address.model} at {self.endpoint.address.url}"

    @property
    def key(self) -> Mapping[str, Any]:
        """Address, model and longest reply; the key of the account is no part of it."""
        address = self.endpoint.address
        return {"url": address.url, "model": address.model, "max_new_tokens": self.reply_tokens}

    @property
    def budget(self) -> Budget:
        """That of the endpoint."""
        return self.endpoint.budget

    def ask(self, prompt: Prompt, *, temperature: float, seed: int, schema: Mapping[str, Any]) -> Reply:
        """Asks the server once (with retries)."""
        return self.endpoint.chat(
            prompt, max_new_tokens=self.reply_tokens, temperature=temperature, seed=seed, schema=schema
        )


@dataclass(frozen=True)
class LocalTeacher:
    """A loaded model. It counts no tokens, so they are estimated."""

    model: BlackBox
    reply_tokens: int = REPLY_TOKENS
    budget: Budget = field(default_factory=Budget)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.model.identity.name

    @property
    def key(self) -> Mapping[str, Any]:
        """Identity of the model and longest reply."""
        return {"model": self.model.identity.as_dict(), "max_new_tokens": self.reply_tokens}

    def ask(self, prompt: Prompt, *, temperature: float, seed: int, schema: Mapping[str, Any]) -> Reply:
        """Lets the model write; the schema is known to it from the prompt alone."""
        read = sum(estimated_tokens(m.content) for m in prompt.messages)
        with self.budget.reserved(read + self.reply_tokens) as spend:
            (text,) = self.model.generate(
                [prompt], max_new_tokens=self.reply_tokens, temperature=temperature, seed=seed
            )
            spend(read + estimated_tokens(text))
        return Reply(text, prompt_tokens=read, new_tokens=estimated_tokens(text), counted=False)


def writing_prompt(pack: Pack, wanted: Wanted, examples: Sequence[Scenario] = ()) -> Prompt:
    """What the teacher reads for one wanted scenario.

    Args:
        pack: gives item and language.
        wanted: item, domain, theme, setting, occasion.
        examples: scenarios of the same item, shown as models of form.
    """
    words = texts()["teacher"]
    item: Item = pack.item(wanted.item)
    lines = "\n".join(_example(s) for s in examples)
    user = words["user"].format(
        label=item.label,
        positive=item.positive,
        negative=item.negative,
        domain=wanted.domain,
        theme=wanted.theme,
        setting=wanted.setting,
        occasion=wanted.occasion,
        language=pack.language,
        situation_low=SITUATION_WORDS[0],
        situation_high=SITUATION_WORDS[1],
        option_low=OPTION_WORDS[0],
        option_high=OPTION_WORDS[1],
        longer=words[f"longer_{wanted.longer}"],
        examples=words["examples"].format(lines=lines) if examples else "",
    )
    return Prompt.of(user.strip(), words["system"].strip())


def examples_for(pack: Pack, wanted: Wanted, number: int, seed: int = 42) -> list[Scenario]:
    """Scenarios of the item from the pack's optimise split, drawn by the seed; those for evaluation are never shown."""
    known = [s for s in pack.scenarios if s.item == wanted.item and s.split == "optimise"]
    return random.Random(f"{seed}/{wanted.id}/examples").sample(known, min(number, len(known)))


def _example(scenario: Scenario) -> str:
    shown = {
        "situation": scenario.situation,
        "positive": scenario.positive,
        "negative": scenario.negative,
        "note": scenario.note,
        "topic": scenario.tags.topic,
        "setting": scenario.tags.setting,
    }
    return json.dumps(shown, ensure_ascii=False)
