"""From a filled-in review sheet to scenarios: only what was accepted, with the edits, checked again, under final ids."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from culturescope.authoring.findings import Finding
from culturescope.authoring.generation_checks import single_findings, to_scenario
from culturescope.authoring.generation_plan import Wanted
from culturescope.authoring.linter import lint
from culturescope.authoring.pool import Candidate, read_pool
from culturescope.authoring.review import COLUMNS, DECISIONS, TEXTS, TICKS, texts_of, unguarded
from culturescope.authoring.teacher import Draft
from culturescope.errors import InstrumentError
from culturescope.instrument import Pack, Scenario, split_of
from culturescope.runs.atomic import encode_json, write_bytes, write_json

NUMBERS = "accepted.json"
CELL = re.compile(r"-p\d+(-[0-9a-f]{6})?$")  # what follows item and domain in the id of a candidate
YES, NO = ("yes", "y", "true", "1", "x"), ("no", "n", "false", "0", "")


@dataclass(frozen=True)
class Accepted:
    """What a sheet came to.

    Args:
        scenarios: under their final ids.
        edited: how many were changed by the reviewer.
        rejected: how many were rejected.
        open: how many were not decided.
        findings: of the linter on the accepted ones together; none is an error of a single scenario.
    """

    scenarios: tuple[Scenario, ...]
    edited: int
    rejected: int
    open: int
    findings: tuple[Finding, ...]


def accept(folder: Path, sheet: Path, output: Path) -> Accepted:
    """Writes the accepted scenarios of a sheet as a file that a pack can hold.

    Ids go on where the pack's end, and the pool remembers them: a second sheet gives the same candidate the same id.

    Raises:
        RunFolderError: the folder is no pool, or a file cannot be written.
        InstrumentError: the sheet is wrong; all its faults are counted, the first ones are named, and nothing is written.
    """
    pack, known, shortlist = read_pool(folder)
    rows = read_sheet(sheet)
    faults: list[str] = []
    chosen: list[tuple[str, Scenario, bool]] = []
    decisions: Counter[str] = Counter()
    for where, row in rows:
        one = known.get(row["id"])
        if one is None:
            faults.append(f'{where}: the pool has no candidate "{row["id"]}" (any more)')
            continue
        decisions[row["decision"]] += 1
        if row["decision"] == "accept":
            found = _edited(pack, one, row)
            if isinstance(found, str):
                faults.append(f"{where} ({row['id']}): {found}")
            else:
                chosen.append((row["id"], found, _texts(row) != texts_of(one)))
    doubles = [one for one, n in Counter(row["id"] for _, row in rows).items() if n > 1]
    faults += [f"{sheet}: {one} is there more than once" for one in doubles]
    if not faults and not chosen:
        faults.append(f"{sheet}: nothing is accepted")
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        raise InstrumentError("; ".join(faults[:3]) + more)
    numbers = _numbers(folder, pack, [(one, s) for one, s, _ in chosen])
    scenarios = _final(chosen, numbers, pack)
    write_json(folder / NUMBERS, numbers)
    write_bytes(output, b"".join(encode_json(s.model_dump()) + b"\n" for s in scenarios))
    return Accepted(
        scenarios=scenarios,
        edited=sum(changed for _, _, changed in chosen),
        rejected=decisions["reject"],
        open=decisions[""] + len(set(shortlist) - {row["id"] for _, row in rows}),
        findings=lint(scenarios, pack).findings,
    )


def read_sheet(path: Path) -> list[tuple[str, dict[str, str]]]:
    """The rows of a sheet, CSV or JSON, each with its place for messages.

    Raises:
        InstrumentError: it cannot be read, lacks columns, or a cell holds what it cannot.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InstrumentError(f"{path} does not exist") from None
    except UnicodeDecodeError:
        raise InstrumentError(f"{path} is not UTF-8; save the sheet as CSV UTF-8") from None
    except OSError as error:
        raise InstrumentError(f"{path} cannot be read: {error.strerror}") from None
    rows = _json_rows(path, text) if text.lstrip().startswith(("[", "{")) else _csv_rows(path, text)
    if not rows:
        raise InstrumentError(f"{path} holds no rows")
    return [(where, _row(where, row)) for where, row in rows]


def _csv_rows(path: Path, text: str) -> list[tuple[str, dict[str, Any]]]:
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)  # spreadsheets of some languages write semicolons
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise InstrumentError(f"{path} lacks the columns {', '.join(missing)}")
        found = [(f"{path}, row {n}", row) for n, row in enumerate(reader, 2)]
    except csv.Error as error:
        raise InstrumentError(f"{path} is not CSV: {error}") from None
    return [
        (where, {name: unguarded(value or "") for name, value in row.items() if isinstance(name, str)})
        for where, row in found
        if any(value for value in row.values())
    ]


def _json_rows(path: Path, text: str) -> list[tuple[str, dict[str, Any]]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InstrumentError(f"{path} is not valid JSON: {str(error)[:120]}") from None
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise InstrumentError(f"{path}: a list of objects is expected, as the review page saves it")
    return [(f"{path}, entry {n}", row) for n, row in enumerate(found, 1)]


def _row(where: str, row: Mapping[str, Any]) -> dict[str, str]:
    missing = [name for name in COLUMNS if name not in row]
    if missing:
        raise InstrumentError(f"{where}: {missing[0]} is missing")
    found = {name: "" if row[name] is None else str(row[name]).strip() for name in COLUMNS}
    found["decision"] = {"edit": "accept"}.get(found["decision"].lower(), found["decision"].lower())
    if found["decision"] not in DECISIONS:
        raise InstrumentError(
            f'{where}: the decision is accept, edit, reject or empty, not "{found["decision"][:40]}"'
        )
    for name in TICKS:
        value = found[name].lower()
        if value not in YES + NO:
            raise InstrumentError(f'{where}: {name} is yes or no, not "{value[:40]}"')
        found[name] = "yes" if value in YES else "no"
    return found


def _texts(row: Mapping[str, str]) -> dict[str, str]:
    return {name: " ".join(row[name].split()) for name in TEXTS}


def _edited(pack: Pack, one: Candidate, row: Mapping[str, str]) -> Scenario | str:
    """The scenario as it was accepted, or why it cannot be."""
    if row["toxic"] == "yes":
        return "accepted, but ticked as toxic"
    if row["neutral"] != "yes":
        return "accepted without the tick for neutrality"
    if not row["reviewer"]:
        return "accepted without the name of a reviewer"
    place = one.scenario
    try:
        draft = Draft.model_validate(_texts(row))
        scenario = to_scenario(Wanted(place.item, place.domain, 1, "", "", "", ""), draft)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except ValueError as error:
        return str(error)
    scenario = scenario.model_copy(update={"id": place.id})
    errors = [f for f in single_findings(scenario, pack) if f.level == "error"]
    return f"{errors[0].rule}: {errors[0].message}" if errors else scenario


def _numbers(folder: Path, pack: Pack, chosen: Sequence[tuple[str, Scenario]]) -> dict[str, int]:
    """Final numbers of candidates by their id: old ones stay, new ones go on from the highest of pack and pool in the cell."""
    try:
        stored = json.loads((folder / NUMBERS).read_text(encoding="utf-8"))
        given = {str(one): int(number) for one, number in stored.items()}
    except FileNotFoundError:
        given = {}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise InstrumentError(f"{folder / NUMBERS} cannot be read: {error}") from None
    highest: Counter[str] = Counter()
    for scenario in pack.scenarios:
        digits = re.search(r"\d+$", scenario.id)
        cell = f"{scenario.item}-{scenario.domain}"
        highest[cell] = max(highest[cell], int(digits.group()) if digits else 0)
    for one, number in given.items():
        cell = CELL.sub("", one)
        highest[cell] = max(highest[cell], number)
    for one, scenario in chosen:
        if one not in given:
            cell = f"{scenario.item}-{scenario.domain}"
            highest[cell] += 1
            given[one] = highest[cell]
    return given


def _final(
    chosen: Sequence[tuple[str, Scenario, bool]], numbers: Mapping[str, int], pack: Pack
) -> tuple[Scenario, ...]:
    order = {item: n for n, item in enumerate(pack.item_ids)}
    final = []
    for one, scenario, _ in chosen:
        number = numbers[one]
        update = {
            "id": f"{scenario.item}-{scenario.domain}-{number:02}",
            "split": split_of(scenario.item, scenario.domain, number),
        }
        final.append((number, scenario.model_copy(update=update)))
    final.sort(key=lambda one: (order[one[1].item], pack.domains.index(one[1].domain), one[0]))
    return tuple(scenario for _, scenario in final)
