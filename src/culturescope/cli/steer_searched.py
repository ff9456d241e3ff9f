"""`steer aim MODEL`: the search that an aim begins from, made first where there is none yet."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from culturescope.cli.options import say
from culturescope.errors import BadInputError

SearchOrModel = Annotated[
    Path,
    typer.Argument(
        metavar="SEARCH|MODEL",
        help="The folder that steer search wrote; or a model, which is searched first (--first-order).",
    ),
]
SearchPath = Annotated[
    Path | None,
    typer.Option(
        "--search-path",
        "--search_path",
        help="For a model: the search's folder, used again if it is there; search-MODEL by default.",
        show_default=False,
    ),
]


def searched_folder(named: Path, kept: Path | None, options: dict[str, Any], *, quiet: bool) -> Path:
    """The folder of a search: the one named, or that of the model named, which is searched to first order if it has none.

    Args:
        named: a search's folder, or a model as `models.load` takes it.
        kept: where the model's search is kept.
        options: of `steer search` (limit, device, ...) that were given; None is not given.
        quiet: no word of progress.

    Raises:
        BadInputError: options of a model with a search, or the folder holds the search of another model.
    """
    from culturescope.experiments.steer.folder import NAME, read_search_file
    from culturescope.experiments.steer.stages import FOLDER as STAGES
    from culturescope.runs.place import safe_name

    given = {name: value for name, value in options.items() if value not in (None, False)}
    folder = named.is_dir() and not (named / "config.json").exists()
    if folder or (named / NAME).exists() or (named / STAGES).exists():
        if given or kept is not None:
            names = ", ".join(
                f"--{n.replace('_', '-')}" for n in [*given, *(["search_path"] if kept else [])]
            )
            raise BadInputError(f"{named} is a search, which names its model itself: leave out {names}")
        return named
    place = kept or Path(f"search-{safe_name(named.name)}")
    if (place / NAME).exists():
        source = str(read_search_file(place).load["source"])
        if source != str(named):
            raise BadInputError(
                f"{place} holds the search of {source}, not of {named}; name another folder with --search-path"
            )
        if given:
            raise BadInputError(f"{named} is searched already, in {place}: leave out {_flags(given)}")
        return place
    if not quiet:
        say(f"Searching {named} first, into {place}: the best blocks by estimate are measured")
    _search(named, place, given, quiet)
    return place


def _flags(names: Iterable[str]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in names)


def _search(model: Path, place: Path, options: dict[str, Any], quiet: bool) -> None:
    from culturescope.cli.steer_search import search_command

    with contextlib.redirect_stdout(sys.stderr):  # what the aim prints is the aim
        search_command(str(model), place, first_order=True, quiet=quiet, **options)
