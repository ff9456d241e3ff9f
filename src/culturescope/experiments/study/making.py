"""Settings of a study made from a profile and what its probe was given: personas, societies, scenarios, seed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError
from culturescope.experiments.study.settings import Settings

if TYPE_CHECKING:
    from culturescope.experiments.design import Design
    from culturescope.experiments.personas import SocietyPersona
    from culturescope.people import People


def made(
    profile: str,
    design: Design,
    personas: tuple[SocietyPersona, ...] = (),
    *,
    tasks: tuple[str, ...] = (),
    people: People | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Settings:
    """The profile's settings, with the personas' texts kept whole.

    Args:
        profile: its name.
        design: of the probe: its seed holds for all parts, and its limit, where it is smaller, for the search as well.
        personas: of societies, as the user named them; by default those of the profile's societies.
        tasks: of the part tax.
        people: tables of societies.
        changes: of the profile, a table a part.

    Raises:
        BadInputError: an unknown profile or setting.
    """
    found = Settings.of(profile, changes)
    part, off = found.personas, dict(found.off)
    texts = personas or part.texts or _of_profile(found, people)
    if personas:
        off.pop("personas", None)
    codes = tuple(dict.fromkeys(p.society for p in texts))
    kinds = tuple(dict.fromkeys(p.kind for p in texts))
    limits = [n for n in (design.limit, found.search.limit) if n is not None]
    return found.model_copy(
        update={
            "off": off,
            "seed": design.seed,
            "personas": part.model_copy(update={"societies": codes, "kinds": kinds, "texts": texts}),
            "search": found.search.model_copy(update={"limit": min(limits, default=None)}),
            "aim": found.aim.model_copy(update={"societies": found.aim.societies or codes}),
            "tax": found.tax.model_copy(update={"tasks": tasks or found.tax.tasks}),
        }
    )


def _of_profile(settings: Settings, people: People | None) -> tuple[SocietyPersona, ...]:
    """Personas of the profile's societies, as far as their answers are known."""
    from culturescope.experiments.personas import choose_personas
    from culturescope.people import load_people

    part = settings.personas
    if not part.societies:
        return ()
    people = people or load_people()
    found: list[SocietyPersona] = []
    for kind in part.kinds:
        for society in part.societies:
            try:
                found += choose_personas([kind], [society], people, allow_partial=part.allow_partial)
            except BadInputError:
                # No answer of this society is known at all; its other persona stays.
                people.society(society)
    return tuple(found)
