"""Personas of societies: a person living there, with or without the answers that lie nearest to the society's means."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from culturescope.errors import BadInputError
from culturescope.prompts.dilemma import Persona

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SocietyKind = Literal["basic", "advanced"]
KINDS: tuple[SocietyKind, SocietyKind] = ("basic", "advanced")
DATA = Path(__file__).parent / "data"
LONGEST_NAME = 60
PLACE = re.compile(r"\{(\w+)\}")


class Answer(Protocol):
    """The answer of a profile to one item: the code of a category."""

    @property
    def item(self) -> str:
        """Id of the item."""
        ...

    @property
    def category(self) -> int:
        """Code on the item's scale."""
        ...


class Profile(Protocol):
    """What a persona is made of; `people.profile_of` has it."""

    @property
    def code(self) -> str:
        """Code of the society."""
        ...

    @property
    def name(self) -> str:
        """Name of the society."""
        ...

    @property
    def answers(self) -> Sequence[Answer]:
        """The known answers, in the order in which they are said."""
        ...

    @property
    def missing(self) -> tuple[str, ...]:
        """Items without an answer."""
        ...


def personas_for(
    kind: Literal["none", "basic", "advanced"],
    profile: Profile,
    *,
    given_name: str | None = None,
    allow_partial: bool = False,
) -> tuple[Persona, ...]:
    """The personas of one society: none, or one.

    Args:
        kind: `none`; `basic`, a person living there; `advanced`, a name and the society's nearest answers as well.
        profile: of the society.
        given_name: used by `advanced`; by default the frequent one of the data file, or no name.
        allow_partial: make an advanced persona of the known answers where some are missing; it is marked by `missing`.

    Raises:
        BadInputError: unknown kind, answers are missing, or a name that is no name.

    Example:
        >>> from culturescope.people import load_people, profile_of
        >>> personas_for("basic", profile_of(load_people(), "NLD"))[0].text
        'You are a person living in the Netherlands.'
    """
    if kind == "none":
        return ()
    words = _data("society_personas.toml")
    society = str(words["prose"].get(profile.code, profile.name))
    if kind == "basic":
        return (
            Persona(
                f"basic-{profile.code}", "basic", 1, _fill(words["basic"], society=society), profile.code
            ),
        )
    if kind != "advanced":
        raise BadInputError(f'persona "{kind}" is not one of none, basic, advanced')
    if profile.missing and not (allow_partial and profile.answers):
        raise BadInputError(_lacking(profile))
    named = given_name if given_name is not None else given_name_of(profile.code)
    name = f"{check_given_name(named)}, " if named else ""
    lines = [
        _fill(words["answer"], about=about, answer=said)
        for about, said in (answer_words(a.item, a.category) for a in profile.answers)
    ]
    text = _fill(words["advanced"].strip(), name=name, society=society, answers="\n".join(lines))
    return (Persona(f"advanced-{profile.code}", "advanced", 1, text, profile.code, profile.missing),)


def answer_words(item: str, category: int) -> tuple[str, str]:
    """What an item is about and what an answer to it says, in short words.

    Raises:
        BadInputError: there are no words for the item or for the category.
    """
    known: Mapping[str, Any] = _data("answer_words.toml")["item"].get(item, {})
    if "rating" in known and 1 <= category <= 10:
        return str(known["about"]), _fill(known["rating"], code=str(category))
    said = known.get("answers", {}).get(str(category))
    if said is None:
        raise BadInputError(f"there are no words for the answer {category} to the item {item}")
    return str(known["about"]), str(said)


def given_name_of(code: str) -> str | None:
    """The frequent given name of a society, where the data file has one."""
    found = _data("given_names.toml").get(code)
    return str(found["name"]) if found else None


def given_name_source(code: str) -> str | None:
    """Where the frequent given name of a society comes from."""
    found = _data("given_names.toml").get(code)
    return str(found["source"]) if found else None


def check_given_name(name: str) -> str:
    """The name, if it can stand in a text as one.

    Raises:
        BadInputError: empty, longer than 60 characters, or with line breaks or other characters that are not printed.
    """
    found = name.strip()
    if not found or len(found) > LONGEST_NAME or not found.isprintable():
        raise BadInputError(
            f"a given name is one line of 1 to {LONGEST_NAME} printable characters, not {name[:80]!r}"
        )
    return found


def _lacking(profile: Profile) -> str:
    missing = ", ".join(profile.missing)
    if not profile.answers:
        start = f"{profile.name} ({profile.code}) has no item means in these tables (missing: {missing})"
        partial = ""
    else:
        start = f"{profile.name} ({profile.code}) lacks the means of {missing}"
        partial = "; or --allow-partial makes the profile of the others and marks the result"
    return (
        f"{start}, so it has no whole advanced persona: culturescope people import FILE computes them from a survey file"
        f"{partial}"
    )


def _fill(text: str, **parts: str) -> str:
    """Puts the parts into their places, once: braces inside a part stay as they are."""
    return PLACE.sub(lambda place: parts[place.group(1)], text)


@functools.cache
def _data(name: str) -> dict[str, Any]:
    return tomllib.loads((DATA / name).read_text(encoding="utf-8"))
