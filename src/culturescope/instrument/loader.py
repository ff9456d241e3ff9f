"""Finds and reads packs: folders with `pack.toml`, `scenarios/*.jsonl` and, for the instrument check, `personas.toml`."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from culturescope.errors import InstrumentError
from culturescope.instrument.files import check_unique, entries, read_toml, validate
from culturescope.instrument.scenario_files import load_scenarios
from culturescope.instrument.schema import Axis, CheckPersona, Item, Pack

PACKS = Path(__file__).parent / "data"
DEFAULT_NAME = "wvs"
DEFAULT_PACK = PACKS / DEFAULT_NAME
FEWEST_NEUTRAL = 2
MAKING = "culturescope scenarios generate makes candidates for it"


def packaged_packs() -> tuple[str, ...]:
    """Names of the packs that come with the package, the default first."""
    names = sorted(file.parent.name for file in PACKS.glob("*/pack.toml"))
    return (DEFAULT_NAME, *(n for n in names if n != DEFAULT_NAME))


def load_pack(pack: str | os.PathLike[str] | None = None, *, whole: bool = True) -> Pack:
    """Loads an instrument, by default the ten items of the map.

    Args:
        pack: a folder, or the name of a packaged pack; a name wins over a folder of that name (`./NAME` is the folder).
        whole: whether every item and every domain must have a scenario; a pack that is being written has not, and only what
            writes and checks scenarios takes it.

    Raises:
        InstrumentError: a file is missing or wrong; the message names file, line and field.
    """
    source = pack_source(pack)
    if source is None:
        return _packaged(DEFAULT_NAME)
    return _packaged(source) if source in packaged_packs() else _read_pack(Path(source), whole)


def pack_source(pack: str | os.PathLike[str] | None) -> str | None:
    """What a run stores of its pack: the name of a packaged one, the whole path of a folder, None for the default.

    Raises:
        InstrumentError: there is no such pack.
    """
    if pack is None or str(pack) == DEFAULT_NAME:
        return None
    if not isinstance(pack, (str, os.PathLike)):  # as it may stand in a file of a stranger
        raise InstrumentError(f"a pack is named by a text, not by {type(pack).__name__}")
    if str(pack) in packaged_packs():
        return str(pack)
    folder = Path(pack)
    if not (folder / "pack.toml").is_file():
        raise InstrumentError(
            f"{folder} is not a pack: it has no pack.toml; packaged packs are {', '.join(packaged_packs())}"
        )
    return str(folder.resolve())


@functools.cache
def _packaged(name: str) -> Pack:
    return _read_pack(PACKS / name)


def _read_pack(folder: Path, whole: bool = True) -> Pack:
    file = folder / "pack.toml"
    content, text = read_toml(file, ("pack", "axis", "item"))
    head = content.get("pack")
    if not isinstance(head, dict):
        raise InstrumentError(f"{file}: the table [pack] is missing")
    axes = entries(Axis, content, text, "axis", file)
    items = entries(Item, content, text, "item", file)
    _check_items(axes, items, file)
    domains = _domains(head, file)
    files = sorted((folder / "scenarios").glob("*.jsonl"))
    if whole and not files:
        raise InstrumentError(f"{folder / 'scenarios'} holds no .jsonl file; {MAKING}")
    scenarios = load_scenarios(files, items=[i.id for i in items], domains=domains)
    order = {item.id: n for n, item in enumerate(items)}
    fields = {
        **head,
        "axes": axes,
        "items": items,
        "scenarios": sorted(scenarios, key=lambda s: order[s.item]),
        "personas": _personas(folder / "personas.toml"),
    }
    for key in ("axes", "items", "scenarios", "personas"):
        if key in head:
            raise InstrumentError(f'{file}: the field "{key}" does not belong into [pack]')
    pack = validate(Pack, fields, f"{file}, [pack]")
    if whole and pack.without_scenario:
        raise InstrumentError(
            f"{folder / 'scenarios'}: no scenario belongs to the {pack.without_scenario[0]}; {MAKING}"
        )
    _check_societies(pack, file)
    return pack


def _check_items(axes: Sequence[Axis], items: Sequence[Item], file: Path) -> None:
    check_unique([a.id for a in axes], f"{file}: axis")
    check_unique([i.id for i in items], f"{file}: item")
    known = [a.id for a in axes]
    for item in items:
        if item.axis not in known:
            raise InstrumentError(
                f'{file}: item {item.id} names the axis "{item.axis}", which the pack does not have'
            )
        if item.scale is not None and item.scale.low >= item.scale.high:
            raise InstrumentError(
                f"{file}: item {item.id}: the scale ends at {item.scale.high}, below its beginning {item.scale.low}"
            )
    for axis in known:
        if axis not in {i.axis for i in items}:
            raise InstrumentError(f"{file}: axis {axis} has no item")


def _domains(head: dict[str, Any], file: Path) -> list[str]:
    domains = head.get("domains")
    if not isinstance(domains, list) or not domains or not all(isinstance(d, str) for d in domains):
        raise InstrumentError(f'{file}: [pack] needs domains, for example domains = ["family", "workplace"]')
    check_unique(domains, f"{file}: domain")
    return domains


def _personas(file: Path) -> list[CheckPersona]:
    """The personas of the instrument check; none where there is no file.

    The opposed ones come in pairs, positive-N with negative-N in wording N; neutral ones make the null band.
    """
    if not file.exists():
        return []
    content, text = read_toml(file, ("persona",))
    found = entries(CheckPersona, content, text, "persona", file)
    check_unique([p.id for p in found], f"{file}: persona")
    check_unique([p.text for p in found], f"{file}: the text of a persona,")
    numbers: dict[str, list[int]] = {"positive": [], "negative": [], "neutral": []}
    for p in found:
        number = p.id.removeprefix(f"{p.kind}-")
        if not (number.isascii() and number.isdigit() and p.id.startswith(f"{p.kind}-")):
            raise InstrumentError(f'{file}: persona "{p.id}": the id is its kind and a number, {p.kind}-1')
        if p.kind != "neutral" and int(number) != p.wording:
            raise InstrumentError(
                f'{file}: persona "{p.id}": wording is {p.wording}; {number} is expected, as in the id'
            )
        numbers[p.kind].append(int(number))
    if not numbers["positive"] or sorted(numbers["positive"]) != sorted(numbers["negative"]):
        raise InstrumentError(
            f"{file}: each positive persona needs a negative one of the same wording; positive are "
            f"{numbers['positive']}, negative are {numbers['negative']}"
        )
    if len(numbers["neutral"]) < FEWEST_NEUTRAL:
        raise InstrumentError(
            f"{file}: the null band needs {FEWEST_NEUTRAL} neutral personas or more (six serve well), "
            f"not {len(numbers['neutral'])}"
        )
    return found


def _check_societies(pack: Pack, file: Path) -> None:
    """Societies of the map belong to its ten items, whatever the language of the scenarios."""
    if pack.societies is None or file.parent == DEFAULT_PACK:
        return
    reference = {(i.id, i.axis, i.variable) for i in _packaged(DEFAULT_NAME).items}
    if {(i.id, i.axis, i.variable) for i in pack.items} != reference:
        raise InstrumentError(
            f'{file}: societies = "wvs" needs the ten items of the map, with the ids, axes and variables of the pack wvs'
        )
