"""The people tables: societies with their place on the official map, item means, and where each figure comes from.

The files are `societies.csv` (latest survey of each society), `other_years.csv` (positions of the years of the item means,
where these differ), `item_means.csv` (raw means on the item's own scale) and `sources.toml`. Aggregates only.
"""

from __future__ import annotations

import csv
import difflib
import functools
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from culturescope.errors import BadInputError
from culturescope.instrument import Item, load_pack
from culturescope.people.placement import Frozen

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DATA = Path(__file__).parent / "data"


class Society(Frozen):
    """A society's place on the official map (x: to self-expression, y: to secular-rational) in one year and series."""

    code: str
    name: str
    zone: str | None
    year: int
    x: float
    y: float
    series: str
    source: str


class ItemMeans(Frozen):
    """A society's raw item means in one survey year; `means` goes from item id to the mean on the item's own scale."""

    code: str
    year: int
    means: dict[str, float]
    sources: tuple[str, ...]

    def missing(self, items: Iterable[str]) -> tuple[str, ...]:
        """Those of the items that have no mean here."""
        return tuple(i for i in items if i not in self.means)


class Source(Frozen):
    """Where figures come from."""

    title: str
    by: str
    doi: tuple[str, ...]

    def __str__(self) -> str:
        """One line to cite."""
        return f"{self.title}; {self.by}; doi " + ", ".join(self.doi)


@dataclass(frozen=True, eq=False)
class People:
    """Everything about people that one series of the map holds.

    Args:
        series: id of the series; figures of another one are never put beside it.
        societies: latest survey of each, by code.
        other_years: positions in the year of the item means, where that is not the latest.
        item_means: by code; societies without any are not in it.
        items: the items of the map, in the order of the projection.
        sources: by key.
        left_out: societies that the fit leaves out although years and items would allow them, with the reason.
        rescaling: slope and intercept from factor scores to the official x and y.
    """

    series: str
    societies: Mapping[str, Society]
    other_years: tuple[Society, ...]
    item_means: Mapping[str, ItemMeans]
    items: tuple[Item, ...]
    sources: Mapping[str, Source]
    left_out: Mapping[str, str]
    rescaling: Mapping[str, tuple[float, float]]

    @property
    def item_ids(self) -> tuple[str, ...]:
        """Ids of the ten items."""
        return tuple(i.id for i in self.items)

    @property
    def zones(self) -> tuple[str, ...]:
        """Names of the cultural zones, in alphabetical order."""
        return tuple(sorted({s.zone for s in self.societies.values() if s.zone}))

    def society(self, name: str) -> Society:
        """A society by code or name, in any case.

        Raises:
            BadInputError: unknown; the message gives the nearest codes and names.
        """
        asked = name.strip().casefold()
        known = {s.code.casefold(): s for s in self.societies.values()}
        known |= {s.name.casefold(): s for s in self.societies.values()}
        if asked in known:
            return known[asked]
        # A word of a name ("Rico"), or letters in the wrong order ("Vietman", "IDN" for "IND").
        words = [k for k in known if len(asked) > 2 and asked in k]
        near = dict.fromkeys(known[k].code for k in words + difflib.get_close_matches(asked, known, 6, 0.6))
        shown = ", ".join(f"{code} ({self.societies[code].name})" for code in list(near)[:3])
        hint = f"; nearest are {shown}" if shown else ""
        raise BadInputError(f'unknown society "{name}"{hint}; culturescope people list shows all')

    def position(self, code: str, year: int) -> Society | None:
        """A society's position in a year, where these tables hold it."""
        places = [self.societies[code], *(s for s in self.other_years if s.code == code)]
        return next((s for s in places if s.year == year), None)

    def complete(self) -> tuple[ItemMeans, ...]:
        """The item means of the societies that have all ten, by code."""
        return tuple(m for m in self.item_means.values() if not m.missing(self.item_ids))

    def with_societies(self, more: Iterable[Society]) -> People:
        """The same tables with further societies (a later survey replaces an earlier one).

        Raises:
            BadInputError: they belong to another series.
        """
        joined = dict(self.societies)
        for s in more:
            check_series(self.series, s)
            if s.code not in joined or joined[s.code].year <= s.year:
                joined[s.code] = s
        return People(**{**self.__dict__, "societies": dict(sorted(joined.items()))})


def check_series(series: str, society: Society) -> None:
    """Stops two series from being compared.

    Raises:
        BadInputError: the society's position is of another series.
    """
    if society.series != series:
        raise BadInputError(
            f'{society.code} is of the series "{society.series}", these tables are of "{series}": '
            "positions of two series cannot be compared; take all of them from one"
        )


@functools.cache
def load_people(folder: Path = DATA) -> People:
    """Reads the people tables, by default those of the package.

    Raises:
        BadInputError: a file is missing or wrong, series are mixed, or a mean lies outside of its item's range.
    """
    notes = _toml(folder / "sources.toml")
    series = str(notes["series"]["id"])
    latest = _societies(folder / "societies.csv", series)
    names = {s.code: (s.name, s.zone or "") for s in latest}
    items = {i.id: i for i in load_pack().items}
    return People(
        series=series,
        societies={s.code: s for s in latest},
        other_years=_societies(folder / "other_years.csv", series, names),
        item_means=_item_means(folder / "item_means.csv", items, names),
        items=tuple(items.values()),
        sources={k: Source.model_validate(v) for k, v in notes["source"].items()},
        left_out=dict(notes["left_out"]),
        rescaling={k: (v["slope"], v["intercept"]) for k, v in notes["rescaling"].items()},
    )


def society(name: str) -> Society:
    """A society of the package's tables by code or name, in any case.

    Raises:
        BadInputError: unknown; the message gives the nearest codes and names.

    Example:
        >>> society("ind").name
        'India'
    """
    return load_people().society(name)


def item_range(item: Item) -> tuple[float, float]:
    """Lowest and highest code of an item's scale.

    Raises:
        BadInputError: the item has no scale, so it has no place on the map.
    """
    if item.scale is None:
        raise BadInputError(f"{item.id} ({item.label}) has no answer scale, so it cannot be put on the map")
    return float(item.scale.low), float(item.scale.high)


def check_item_value(item: Item, value: float) -> float:
    """The value, if an answer to the item can have it.

    Raises:
        BadInputError: it lies outside of the item's scale; item, value and range are named.
    """
    low, high = item_range(item)
    if not low <= value <= high:
        raise BadInputError(
            f"{item.id} ({item.label}): {value:g} lies outside of its range {low:g} to {high:g}"
        )
    return value


def _societies(
    file: Path, series: str, names: Mapping[str, tuple[str, str]] | None = None
) -> tuple[Society, ...]:
    found: dict[tuple[str, int | None], Society] = {}
    for number, row in _rows(file):
        where = f"{file.name}, line {number}"
        if names is not None:
            row["name"], row["zone"] = names.get(row["code"], ("", ""))
        try:
            one = Society.model_validate({**row, "zone": row["zone"] or None})
        except (ValidationError, KeyError) as error:
            raise BadInputError(f"{where}: not a society: {error}") from None
        check_series(series, one)
        key = (one.code, None if names is None else one.year)
        if key in found:
            raise BadInputError(f"{where}: {one.code} is there twice")
        found[key] = one
    return tuple(found.values())


def _item_means(file: Path, items: Mapping[str, Item], known: Mapping[str, Any]) -> dict[str, ItemMeans]:
    rows: dict[tuple[str, int], dict[str, tuple[float, str]]] = {}
    for number, row in _rows(file):
        where = f"{file.name}, line {number}"
        if row["item"] not in items or row["code"] not in known:
            raise BadInputError(f"{where}: unknown item or society: {row['item']}, {row['code']}")
        try:
            value, year = float(row["mean"]), int(row["year"])
            check_item_value(items[row["item"]], value)
        except ValueError:
            raise BadInputError(f"{where}: year and mean must be numbers") from None
        except BadInputError as error:
            raise BadInputError(f"{where}: {error}") from None
        rows.setdefault((row["code"], year), {})[row["item"]] = (value, row["source"])
    return {
        code: ItemMeans(
            code=code,
            year=year,
            means={i: means[i][0] for i in items if i in means},
            sources=tuple(dict.fromkeys(source for _, source in means.values())),
        )
        for (code, year), means in rows.items()
    }


def _rows(file: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            return list(enumerate(csv.DictReader(lines), 2))
    except OSError as error:
        raise BadInputError(f"{file} cannot be read: {error.strerror}") from None


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInputError(f"{file} cannot be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise BadInputError(f"{file}: not valid TOML: {error}") from None
