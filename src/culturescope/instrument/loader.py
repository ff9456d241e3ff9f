"""Reads packs and scenario files; every fault is one line that names the file, the line and the field."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from culturescope.errors import InstrumentError
from culturescope.instrument.schema import Axis, Item, Pack, Scenario

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULT_PACK = Path(__file__).parent / "data" / "wvs"
MAX_LINE = 1_000_000
Model = TypeVar("Model", bound=BaseModel)


def load_pack(folder: str | os.PathLike[str] | None = None) -> Pack:
    """Loads an instrument: `pack.toml` and `scenarios/*.jsonl` of a folder, by default the ten items of the map.

    Raises:
        InstrumentError: a file is missing or wrong; the message names file, line and field.
    """
    return _default_pack() if folder is None else _load_pack(Path(folder))


@functools.cache
def _default_pack() -> Pack:
    return _load_pack(DEFAULT_PACK)


def _load_pack(folder: Path) -> Pack:
    file = folder / "pack.toml"
    if not file.is_file():
        raise InstrumentError(f"{folder} is not a pack: it has no pack.toml")
    try:
        content = tomllib.loads(_read(file))
    except tomllib.TOMLDecodeError as error:
        raise InstrumentError(f"{file}: not valid TOML: {error}") from None
    head = content.get("pack")
    if not isinstance(head, dict):
        raise InstrumentError(f"{file}: the table [pack] is missing")
    axes = [
        _validate(Axis, entry, f"{file}, axis {n}")
        for n, entry in enumerate(_entries(content, "axis", file), 1)
    ]
    items = [
        _validate(Item, entry, f"{file}, item {n}")
        for n, entry in enumerate(_entries(content, "item", file), 1)
    ]
    _check_unique([a.id for a in axes], f"{file}: axis")
    _check_unique([i.id for i in items], f"{file}: item")
    for item in items:
        if item.axis not in {a.id for a in axes}:
            raise InstrumentError(
                f'{file}: item {item.id} names the axis "{item.axis}", which the pack does not have'
            )
    domains = head.get("domains")
    if not isinstance(domains, list) or not domains or not all(isinstance(d, str) for d in domains):
        raise InstrumentError(f'{file}: [pack] needs domains, for example domains = ["family", "workplace"]')
    files = sorted((folder / "scenarios").glob("*.jsonl"))
    if not files:
        raise InstrumentError(f"{folder / 'scenarios'} holds no .jsonl file")
    scenarios = load_scenarios(files, items=[i.id for i in items], domains=domains)
    order = {item.id: n for n, item in enumerate(items)}
    in_order = sorted(scenarios, key=lambda s: order[s.item])
    whole = {**head, "axes": axes, "items": items, "scenarios": in_order}
    return _validate(Pack, whole, str(file))


def load_scenarios(
    files: Path | str | Iterable[Path | str],
    *,
    items: Sequence[str] | None = None,
    domains: Sequence[str] | None = None,
) -> tuple[Scenario, ...]:
    """Reads scenario files (JSON lines), in the order of the files.

    Args:
        files: one file or several.
        items: item ids that may occur; None allows all.
        domains: domains that may occur; None allows all.

    Raises:
        InstrumentError: broken JSON, missing or empty fields, duplicate ids, unknown items or domains.
    """
    paths = [Path(files)] if isinstance(files, (str, Path)) else [Path(f) for f in files]
    found: dict[str, str] = {}
    texts: dict[tuple[str, frozenset[str]], str] = {}
    scenarios: list[Scenario] = []
    for path in paths:
        before = len(scenarios)
        for number, line in enumerate(_read(path).split("\n"), 1):
            where = f"{path}, line {number}"
            if not line.strip():
                continue
            scenario = _scenario(line, where)
            if scenario.id in found:
                raise InstrumentError(
                    f'{where}: the id "{scenario.id}" was already used in {found[scenario.id]}'
                )
            _check_known("item", scenario.item, items, where)
            _check_known("domain", scenario.domain, domains, where)
            if scenario.positive == scenario.negative:
                raise InstrumentError(f"{where}: both options are the same")
            wording = (scenario.situation, frozenset((scenario.positive, scenario.negative)))
            if wording in texts:
                raise InstrumentError(f"{where}: the same situation and options as in {texts[wording]}")
            found[scenario.id] = texts[wording] = where
            scenarios.append(scenario)
        if len(scenarios) == before:
            raise InstrumentError(f"{path} holds no scenarios: one JSON object a line is expected")
    return tuple(scenarios)


def select(
    pack: Pack,
    *,
    split: str | None = None,
    items: Sequence[str] | None = None,
    domains: Sequence[str] | None = None,
    limit: int | None = None,
    among: Sequence[Scenario] | None = None,
) -> tuple[Scenario, ...]:
    """Chooses scenarios of a pack; a limit takes them evenly from axes, items and domains, a smaller one part of a larger.

    Args:
        pack: the instrument.
        split: `evaluate`, `optimise`, or None for both.
        items: item ids.
        domains: names of domains.
        limit: at most so many.
        among: choose from these scenarios of the pack only.

    Raises:
        InstrumentError: nothing is left, or the limit is not positive.
    """
    chosen = [
        s
        for s in (pack.scenarios if among is None else among)
        if (split is None or s.split == split)
        and (items is None or s.item in items)
        and (domains is None or s.domain in domains)
    ]
    if not chosen:
        asked = ", ".join(
            f"{k} {v}" for k, v in (("split", split), ("items", items), ("domains", domains)) if v
        )
        raise InstrumentError(
            f"no scenario fits {asked or 'the choice'}: culturescope scenarios list shows what there is"
        )
    if limit is None:
        return tuple(chosen)
    if limit < 1:
        raise InstrumentError(f"limit must be at least 1, not {limit}")
    return tuple(sorted(chosen, key=_even_order(pack))[:limit])


def _even_order(pack: Pack) -> Callable[[Scenario], tuple[int, int, int]]:
    """Order that walks over the items, axes in turn, each time one domain further: any beginning of it is balanced."""
    place = {item.id: [i.id for i in pack.items if i.axis == item.axis].index(item.id) for item in pack.items}
    axes = [axis.id for axis in pack.axes]
    walk = sorted(pack.items, key=lambda item: (place[item.id], axes.index(item.axis)))
    rank = {item.id: n for n, item in enumerate(walk)}
    seen: Counter[tuple[str, str, str]] = Counter()
    within = {}
    for s in pack.scenarios:
        within[s.id] = seen[s.item, s.domain, s.split]
        seen[s.item, s.domain, s.split] += 1

    def order(s: Scenario) -> tuple[int, int, int]:
        turn = (pack.domains.index(s.domain) - rank[s.item]) % len(pack.domains)
        return within[s.id], turn, rank[s.item]

    return order


def scenarios_sha256(scenarios: Sequence[Scenario]) -> str:
    """Hash of all that a set of scenarios says, in its order."""
    lines = [s.model_dump_json() for s in scenarios]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _scenario(line: str, where: str) -> Scenario:
    if len(line) > MAX_LINE:
        raise InstrumentError(f"{where}: the line is longer than {MAX_LINE:,} characters")
    try:
        entry = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deeply"
        raise InstrumentError(f"{where}: not valid JSON: {reason}") from None
    if not isinstance(entry, dict):
        raise InstrumentError(f"{where}: a JSON object is expected, not {type(entry).__name__}")
    return _validate(Scenario, entry, where)


def _validate(model: type[Model], entry: Any, where: str) -> Model:
    try:
        return model.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "entry"
        if first["type"] == "missing":
            raise InstrumentError(f'{where}: the field "{field}" is missing') from None
        if first["type"] == "string_too_short":
            raise InstrumentError(f'{where}: the field "{field}" is empty') from None
        raise InstrumentError(f'{where}: the field "{field}": {first["msg"][:200]}') from None


def _entries(content: dict[str, Any], key: str, file: Path) -> list[Any]:
    entries = content.get(key)
    if not isinstance(entries, list) or not entries:
        raise InstrumentError(f"{file}: at least one [[{key}]] is needed")
    return entries


def _check_unique(ids: Sequence[str], what: str) -> None:
    for n, one in enumerate(ids):
        if one in ids[:n]:
            raise InstrumentError(f'{what} "{one}" is there twice')


def _check_known(what: str, value: str, allowed: Sequence[str] | None, where: str) -> None:
    if allowed is not None and value not in allowed:
        raise InstrumentError(f'{where}: unknown {what} "{value}"; known are {", ".join(allowed)}')


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InstrumentError(f"{path} does not exist") from None
    except UnicodeDecodeError as error:
        raise InstrumentError(f"{path} is not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise InstrumentError(f"{path} cannot be read: {error.strerror}") from None
