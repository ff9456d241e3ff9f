"""Neutral prompts: everyday questions that touch no value, on which a model's quality is watched while it is steered."""

from __future__ import annotations

import functools
import sys
from pathlib import Path

from culturescope.errors import BadInputError
from culturescope.prompts.prompt import Prompt

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DATA = Path(__file__).parent / "data" / "neutral.toml"


@functools.cache
def all_neutral_prompts() -> tuple[Prompt, ...]:
    """All of them, in their fixed order: kinds of questions in turn, so that a few are a mixture as well."""
    stored = tomllib.loads(DATA.read_text(encoding="utf-8"))
    return tuple(Prompt.of(text) for text in stored["prompts"])


def neutral_prompts(count: int | None = None) -> tuple[Prompt, ...]:
    """The first so many, or all.

    Raises:
        BadInputError: there are not so many, or fewer than two are asked for.
    """
    known = all_neutral_prompts()
    if count is None:
        return known
    if not 2 <= count <= len(known):
        raise BadInputError(f"neutral prompts must be between 2 and {len(known)}, not {count}")
    return known[:count]
