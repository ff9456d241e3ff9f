"""Reads scenario files: one JSON object a line; every fault is one line that names the file, the line and the field."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from culturescope.errors import InstrumentError
from culturescope.instrument.files import read_text, validate
from culturescope.instrument.schema import Scenario

MAX_LINE = 1_000_000


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
        for number, line in enumerate(read_text(path).split("\n"), 1):
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


def scenarios_sha256(scenarios: Sequence[Scenario]) -> str:
    """Hash of all that a set of scenarios says, in its order."""
    lines = [s.model_dump_json() for s in scenarios]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _scenario(line: str, where: str) -> Scenario:
    if len(line) > MAX_LINE:
        raise InstrumentError(f"{where}: the line is longer than {MAX_LINE:,} characters")
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        if isinstance(error, RecursionError):
            reason = "nested too deeply"
        else:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "a number is too long"
        raise InstrumentError(f"{where}: not valid JSON: {reason}") from None
    if not isinstance(entry, dict):
        raise InstrumentError(f"{where}: a JSON object is expected, not {type(entry).__name__}")
    return validate(Scenario, entry, where)


def _check_known(what: str, value: str, allowed: Sequence[str] | None, where: str) -> None:
    if allowed is not None and value not in allowed:
        raise InstrumentError(f'{where}: unknown {what} "{value}"; known are {", ".join(allowed)}')
