"""The people tables: societies with their place on the official map, item means, and where each figure comes from.

The files are `societies.csv` (latest survey of each society), `other_years.csv` (positions of the years of the item means,
where these differ), `item_means.csv` (raw means on the item's own scale) and `sources.toml`. Aggregates only.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import FiniteFloat, ValidationError

from culturescope.errors import BadInputError
from culturescope.instrument import Item, load_pack
from culturescope.people.placement import Frozen
from culturescope.people.table_files import notes_of, rows_of

DATA = Path(__file__).parent / "data"
LATEST = ("code", "name", "zone", "year", "x", "y", "series", "source")
OTHER = ("code", "year", "x", "y", "series", "source")
MEANS = ("code", "year", "item", "mean", "source")


class Society(Frozen):
    """A society's place on the official map (x: to self-expression, y: to secular-rational) in one year and series."""

    code: str
    name: str
    zone: str | None
    year: int
    x: FiniteFloat
    y: FiniteFloat
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


class Unplaced(Frozen):
    """A society with item means, imported from survey files, that the map has no position of."""

    code: str
    name: str
    means: ItemMeans


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
        unplaced: societies of an import without a position, by code; no fit, map or distance on it counts them.
    """

    series: str
    societies: Mapping[str, Society]
    other_years: tuple[Society, ...]
    item_means: Mapping[str, ItemMeans]
    items: tuple[Item, ...]
    sources: Mapping[str, Source]
    left_out: Mapping[str, str]
    rescaling: Mapping[str, tuple[float, float]]
    unplaced: Mapping[str, Unplaced] = field(default_factory=dict)

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
            BadInputError: unknown (the message gives the nearest codes and names), or one without a place on the map.
        """
        if one := self.without_place(name):
            raise BadInputError(
                f"{one.name} ({one.code}) has imported item means but no place on the map, which this needs; "
                f"culturescope people show {one.code} --tables FOLDER shows what is known of it"
            )
        asked = _plain(name)
        if not asked:
            raise BadInputError(
                "no society was named: give a code or a name, for example IND or India; culturescope people list shows all"
            )
        known = {s.code.casefold(): s for s in self.societies.values()}
        known |= {s.name.casefold(): s for s in self.societies.values()}
        if asked in known:
            return known[asked]
        # A word of a name ("Rico"), or letters in the wrong order ("Vietman", "IDN" for "IND").
        words = [k for k in known if len(asked) > 2 and asked in k]
        close = difflib.get_close_matches(asked, known, 6, 0.6) or difflib.get_close_matches(
            asked, known, 6, 0.0
        )
        near = dict.fromkeys(known[k].code for k in words + close)
        shown = ", ".join(f"{code} ({self.societies[code].name})" for code in list(near)[:3])
        given = " ".join(name.split())
        given = given if len(given) <= 40 else given[:39] + "…"
        raise BadInputError(
            f'unknown society "{given}"; nearest are {shown}; culturescope people list shows all'
        )

    def without_place(self, name: str) -> Unplaced | None:
        """A society of an import that has no position, by code or name, in any case; None for all others."""
        asked = _plain(name)
        return next((u for u in self.unplaced.values() if asked in (_plain(u.code), _plain(u.name))), None)

    def position(self, code: str, year: int) -> Society | None:
        """A society's position in a year, where these tables hold it."""
        places = [self.societies[code], *(s for s in self.other_years if s.code == code)]
        return next((s for s in places if s.year == year), None)

    def complete(self) -> tuple[ItemMeans, ...]:
        """The item means of the societies that have all ten, by code."""
        return tuple(m for m in self.item_means.values() if not m.missing(self.item_ids))

    def with_societies(self, more: Iterable[Society]) -> People:
        """The same tables with further societies; the latest survey of each is its place on the map.

        Positions of other years stay, or are kept, beside it: the projection takes that of the year of the item means.

        Raises:
            BadInputError: they belong to another series, or hold a society and year twice.
        """
        joined, others = dict(self.societies), {(s.code, s.year): s for s in self.other_years}
        given: set[tuple[str, int]] = set()
        for s in more:
            check_series(self.series, s)
            if (s.code, s.year) in given:
                raise BadInputError(
                    f"{s.code} of {s.year} was given twice; each society and year has one position"
                )
            given.add((s.code, s.year))
            known = joined.get(s.code)
            if known is not None and known.year > s.year:
                others[s.code, s.year] = s
                continue
            if known is not None and known.year < s.year:
                others[known.code, known.year] = known
            others.pop((s.code, s.year), None)
            joined[s.code] = s
        return replace(self, societies=dict(sorted(joined.items())), other_years=tuple(others.values()))


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
    notes = notes_of(folder / "sources.toml")
    series, sources = str(notes["series"]["id"]), _sources(notes["source"])
    latest = _societies(folder / "societies.csv", LATEST, series, sources)
    names = {s.code: (s.name, s.zone or "") for s in latest}
    items = {i.id: i for i in load_pack().items}
    if unknown := [code for code in notes["left_out"] if code not in names]:
        raise BadInputError(f"sources.toml, [left_out]: {', '.join(unknown)} is not in societies.csv")
    return People(
        series=series,
        societies={s.code: s for s in latest},
        other_years=_societies(folder / "other_years.csv", OTHER, series, sources, names),
        item_means=_item_means(folder / "item_means.csv", items, names, sources),
        items=tuple(items.values()),
        sources=sources,
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


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def _societies(
    file: Path,
    columns: tuple[str, ...],
    series: str,
    sources: Mapping[str, Source],
    names: Mapping[str, tuple[str, str]] | None = None,
) -> tuple[Society, ...]:
    found: dict[tuple[str, int | None], Society] = {}
    for where, row in rows_of(file, columns, sources):
        if names is not None:
            if row["code"] not in names:
                raise BadInputError(f"{where}: {row['code']} is not in societies.csv")
            row["name"], row["zone"] = names[row["code"]]
        try:
            one = Society.model_validate({**row, "zone": row["zone"] or None})
            check_series(series, one)
        except ValidationError as error:
            first = error.errors()[0]
            raise BadInputError(f"{where}: {first['loc'][0]} is not right: {first['msg']}") from None
        except BadInputError as error:
            raise BadInputError(f"{where}: {error}") from None
        key = (one.code, None if names is None else one.year)
        if not one.code or key in found:
            raise BadInputError(f"{where}: {one.code or 'a society without a code'} is there twice")
        found[key] = one
    return tuple(found.values())


def _item_means(
    file: Path, items: Mapping[str, Item], known: Mapping[str, Any], sources: Mapping[str, Source]
) -> dict[str, ItemMeans]:
    rows: dict[str, dict[str, tuple[float, str]]] = {}
    years: dict[str, int] = {}
    for where, row in rows_of(file, MEANS, sources):
        code, item = row["code"], row["item"]
        if item not in items or code not in known:
            raise BadInputError(f"{where}: unknown item or society: {item}, {code}")
        try:
            value, year = float(row["mean"]), int(row["year"])
            check_item_value(items[item], value)
        except ValueError:
            raise BadInputError(f"{where}: year and mean must be numbers") from None
        except BadInputError as error:
            raise BadInputError(f"{where}: {error}") from None
        if years.setdefault(code, year) != year:
            raise BadInputError(
                f"{where}: {code} has means of {years[code]} and of {year}; the means of a society are of one survey"
            )
        if item in rows.setdefault(code, {}):
            raise BadInputError(f"{where}: the mean of {item} in {code} is there twice")
        rows[code][item] = (value, row["source"])
    return {
        code: ItemMeans(
            code=code,
            year=years[code],
            means={i: means[i][0] for i in items if i in means},
            sources=tuple(dict.fromkeys(source for _, source in means.values())),
        )
        for code, means in rows.items()
    }


def _sources(entries: Mapping[str, Any]) -> dict[str, Source]:
    found = {}
    for key, entry in entries.items():
        try:
            found[key] = Source.model_validate(entry)
        except ValidationError as error:
            first = error.errors()[0]
            part = ".".join(map(str, first["loc"]))
            raise BadInputError(f"sources.toml, [source.{key}]: {part}: {first['msg']}") from None
    return found
