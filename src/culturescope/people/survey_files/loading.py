"""Imported aggregates beside the package's own tables."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from culturescope.errors import BadInputError
from culturescope.people.survey_files.writing import ABOUT, FORMAT, GROUP_MEANS, MEANS, POSITIONS, SHARES
from culturescope.people.tables import (
    ItemMeans,
    People,
    Society,
    Source,
    Unplaced,
    check_item_value,
    load_people,
)


@dataclass(frozen=True)
class Surveyed:
    """A society surveyed in a year, or a group of it, as imported.

    Args:
        code: of the society.
        name: of the society.
        year: of the survey.
        means: item to mean.
        errors: item to standard error.
        n: item to respondents.
        sources: keys of the sources.
        groups: column of `--by` to the group, empty for the whole society.
    """

    code: str
    name: str
    year: int
    means: Mapping[str, float]
    errors: Mapping[str, float]
    n: Mapping[str, int]
    sources: tuple[str, ...]
    groups: Mapping[str, str] = field(default_factory=dict)


def load_imported(folder: Path, people: People | None = None) -> People:
    """The tables with the item means of an import added.

    A society keeps one set of means: most items first, then a year that the map has a position of, then the later year, then
    the imported one. Official positions stay. Where the import reproduces the official map, its positions of further years and
    societies are added; societies that are still without one stand apart, in `unplaced`.

    Args:
        folder: what `culturescope people import` wrote.
        people: tables to add to, by default those of the package.

    Raises:
        BadInputError: no import, or a damaged one.
    """
    people = people or load_people()
    people = people.with_societies(_new_positions(folder, people))
    names = {code: u.name for code, u in people.unplaced.items()}
    means = {**people.item_means, **{code: u.means for code, u in people.unplaced.items()}}

    def mapped(code: str, year: int) -> bool:
        return code in people.societies and people.position(code, year) is not None

    ranked = {code: (len(m.means), mapped(code, m.year), m.year, False) for code, m in means.items()}
    for one in imported_surveys(folder):
        rank = (len(one.means), mapped(one.code, one.year), one.year, True)
        if one.code not in ranked or rank > ranked[one.code]:
            ranked[one.code] = rank
            names[one.code] = one.name
            means[one.code] = ItemMeans(
                code=one.code, year=one.year, means=dict(one.means), sources=one.sources
            )
    return replace(
        people,
        item_means={code: m for code, m in sorted(means.items()) if code in people.societies},
        sources={**people.sources, **_sources(folder)},
        unplaced={
            code: Unplaced(code=code, name=names[code], means=m)
            for code, m in sorted(means.items())
            if code not in people.societies
        },
    )


def imported_surveys(folder: Path) -> tuple[Surveyed, ...]:
    """All societies and years of an import, whether the map knows them or not.

    Raises:
        BadInputError: no import, or a damaged one.
    """
    return _surveyed(folder, MEANS, ())


def imported_groups(folder: Path) -> tuple[Surveyed, ...]:
    """The groups below societies of an import that was divided (`--by`).

    Raises:
        BadInputError: no import, one that was not divided, or a damaged one.
    """
    by = tuple(str(b).lower() for b in _about(folder).get("by", ()))
    if not by:
        raise BadInputError(
            f"{folder} was imported without groups; import again with --by, for example --by sex,age_group"
        )
    return _surveyed(folder, GROUP_MEANS, by)


def _surveyed(folder: Path, file: str, by: tuple[str, ...]) -> tuple[Surveyed, ...]:
    names = {s["code"]: s["name"] for s in _about(folder).get("societies", ())}
    items = {i.id: i for i in load_people().items}
    rows: dict[tuple[str, int, tuple[str, ...]], dict[str, tuple[float, float, int, str]]] = {}
    for where, row in _rows(folder / file):
        try:
            value = check_item_value(items[row["item"]], float(row["mean"]))
            key = (row["code"], int(row["year"]), tuple(row[b] for b in by))
            rows.setdefault(key, {})[row["item"]] = (value, float(row["se"]), int(row["n"]), row["source"])
        except (KeyError, ValueError, TypeError):
            raise BadInputError(f"{where}: not a mean of an item; import the survey files again") from None
        except BadInputError as error:
            raise BadInputError(f"{where}: {error}") from None
    return tuple(
        Surveyed(
            code=code,
            name=names.get(code, code),
            year=year,
            means={i: found[i][0] for i in items if i in found},
            errors={i: found[i][1] for i in items if i in found},
            n={i: found[i][2] for i in items if i in found},
            sources=tuple(dict.fromkeys(k for *_, keys in found.values() for k in keys.split("+"))),
            groups=dict(zip(by, groups, strict=True)),
        )
        for (code, year, groups), found in rows.items()
    )


def _new_positions(folder: Path, people: People) -> list[Society]:
    """Positions that the tables lack, if the import's map is the official one."""
    about = _about(folder)
    if not (about.get("map") or {}).get("is_official"):
        return []
    names = {s["code"]: s["name"] for s in about.get("societies", ())}
    key = next(iter(_sources(folder)), "")
    found = []
    for where, row in _rows(folder / POSITIONS):
        try:
            code, year, x, y = row["code"], int(row["year"]), float(row["x"]), float(row["y"])
        except (KeyError, ValueError, TypeError):
            raise BadInputError(f"{where}: not a position; import the survey files again") from None
        known = people.societies.get(code)
        if known is None or people.position(code, year) is None:
            name, zone = (known.name, known.zone) if known else (names.get(code, code), None)
            found.append(
                Society(
                    code=code, name=name, zone=zone, year=year, x=x, y=y, series=people.series, source=key
                )
            )
    return sorted(found, key=lambda s: s.year)


def imported_distributions(folder: Path) -> dict[tuple[str, int, str], dict[int, float]]:
    """Society, year and item to the share of each answer.

    Raises:
        BadInputError: no import, or a damaged one.
    """
    _about(folder)
    found: dict[tuple[str, int, str], dict[int, float]] = {}
    for where, row in _rows(folder / SHARES):
        try:
            key = (row["code"], int(row["year"]), row["item"])
            found.setdefault(key, {})[int(row["answer"])] = float(row["share"])
        except (KeyError, ValueError, TypeError):
            raise BadInputError(f"{where}: not a share of an answer; import the survey files again") from None
    return found


def _about(folder: Path) -> dict[str, Any]:
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        raise BadInputError(
            f"{folder} holds no imported survey files; culturescope people import FILE --output {folder} makes it"
        ) from None
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise BadInputError(f"{folder / ABOUT} is of another version: import the survey files again")
    societies, by, own_map = about.get("societies", []), about.get("by", []), about.get("map") or {}
    whole = isinstance(societies, list) and isinstance(by, list) and isinstance(own_map, dict)
    if not whole or not all(
        isinstance(s, dict) and isinstance(s.get("code"), str) and isinstance(s.get("name"), str)
        for s in societies
    ):
        raise BadInputError(f"{folder / ABOUT} is damaged: import the survey files again")
    return about


def _sources(folder: Path) -> dict[str, Source]:
    try:
        return {key: Source.model_validate(value) for key, value in _about(folder)["sources"].items()}
    except (KeyError, AttributeError, ValidationError):
        raise BadInputError(f"{folder / ABOUT} is damaged: import the survey files again") from None


def _rows(file: Path) -> Iterator[tuple[str, dict[str, str]]]:
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines), 2):
                if None in row or None in row.values():
                    raise BadInputError(
                        f"{file.name}, line {number}: fields are missing; import the survey files again"
                    )
                yield f"{file.name}, line {number}", row
    except (OSError, UnicodeDecodeError, csv.Error):
        raise BadInputError(f"{file} cannot be read: import the survey files again") from None
