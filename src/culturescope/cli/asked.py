"""What the options ask for: designs, personas and tables, made and checked before anything long begins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from culturescope.cli.options import one_of, template_ids
from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from culturescope.experiments.design import Design
    from culturescope.experiments.personas import SocietyPersona
    from culturescope.models.filling import BatchSize as Size
    from culturescope.people import People


def design(
    profile: str,
    limit: int | None,
    check_limit: int | None,
    templates: str | None,
    orders: str | None,
    split: str | None,
    batch_size: Size | None,
    seed: int | None,
    pack: str | None,
    personas: tuple[SocietyPersona, ...] = (),
) -> Design:
    """What the options ask for, checked before anything is loaded.

    Raises:
        BadInputError: a value that cannot be meant.
    """
    from culturescope.experiments.design import Design
    from culturescope.instrument import pack_source

    found = Design.of(
        profile,
        limit=limit,
        check_limit=check_limit,
        template_ids=template_ids(templates),
        orders=one_of("orders", orders, ("both", "random")),
        split=one_of("split", split, ("evaluate", "optimise")),
        batch_size=batch_size,
        seed=seed,
        pack=pack_source(pack),
        personas=personas,
    )
    found.tasks()
    return found


def personas(
    kinds: str | None,
    societies: str | None,
    given_names: list[str] | None = None,
    allow_partial: bool = False,
    tables: Path | None = None,
) -> tuple[SocietyPersona, ...]:
    """The personas of societies that the options ask for, made before anything is loaded.

    Raises:
        BadInputError: an unknown kind or society, missing answers, or a name that is not SOCIETY=NAME.
    """
    if kinds is None and societies is None and not given_names and not allow_partial and tables is None:
        return ()
    from culturescope.experiments.personas import choose_personas

    names = {}
    for pair in given_names or ():
        code, equals, name = pair.partition("=")
        if not equals or not name.strip():
            raise BadInputError(f'--given-name: "{pair}" is not SOCIETY=NAME, for example IND=Sunita')
        names[code] = name
    return choose_personas(
        _listed("persona", kinds),
        _listed("society", societies),
        people_tables(tables),
        given_names=names,
        allow_partial=allow_partial,
    )


def people_tables(folder: Path | None) -> People:
    """The package's tables, with the item means of an import added where its folder is given.

    Raises:
        BadInputError: the folder holds no import.
    """
    from culturescope.people import load_people

    if folder is None:
        return load_people()
    from culturescope.people.survey_files import load_imported

    return load_imported(folder)


def _listed(name: str, text: str | None) -> list[str]:
    """Entries with commas.

    Raises:
        BadInputError: the option was given without any.
    """
    found = [part.strip() for part in (text or "").split(",") if part.strip()]
    if text is not None and not found:
        raise BadInputError(f"--{name}: nothing was given")
    return found
