"""How a report was made: the entries of `run.json` as name and value, the known ones first, none left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

KNOWN: tuple[tuple[str, str], ...] = (
    ("model.name", "Model"),
    ("model.source", "Source of the model"),
    ("model.revision", "Revision"),
    ("model.weights_sha256", "Weights (sha256)"),
    ("model.family", "Family"),
    ("model.parameters", "Parameters"),
    ("model.blocks", "Blocks"),
    ("model.dtype", "Type of the weights"),
    ("model.device", "Device"),
    ("model.chat", "Chat template used"),
    ("model.template_sha256", "Chat template (sha256)"),
    ("model.letters", "Tokens of the letters"),
    ("model.trust_remote_code", "Foreign code allowed"),
    ("command", "Command"),
    ("profile", "Profile"),
    ("config.profile", "Profile"),
    ("seed", "Seed"),
    ("config.seed", "Seed"),
    ("status", "Status"),
    ("created", "Started"),
    ("finished", "Finished"),
    ("elapsed_seconds", "Took"),
    ("versions.culturescope", "culturescope"),
    ("versions.torch", "torch"),
    ("versions.transformers", "transformers"),
    ("versions.python", "Python"),
    ("versions.processor", "Processor"),
)
HIDDEN = (
    "config.load.source",
    "config.design.scenario_ids",
    "config.design.check_ids",
    "config.design.personas",
    "error",
)
"""Paths of a user's machine and long lists: they stand in run.json; personas have a part of the page to themselves."""


Rows = tuple[tuple[str, str], ...]


def provenance(run: Mapping[str, Any]) -> tuple[Rows, Rows]:
    """The entries of the run as (name, value): first those with a name in words, then the others with their path."""
    flat = {path: value for path, value in _flatten(run, "") if path not in HIDDEN}
    known = [(name, _words(path, flat.pop(path))) for path, name in KNOWN if path in flat]
    others = [(path, _words(path, value)) for path, value in flat.items()]
    return tuple(row for row in known if row[1]), tuple(row for row in others if row[1])


def _flatten(value: Any, path: str) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping) and (value or not path):
        prefix = path + "." if path else ""
        return [pair for key, inner in value.items() for pair in _flatten(inner, f"{prefix}{key}")]
    return [(path, value)]


def _words(path: str, value: Any) -> str:
    if value is None or value == {} or value == []:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if path == "elapsed_seconds" and isinstance(value, int | float):
        return _duration(value)
    if path == "model.parameters" and isinstance(value, int):
        return f"{value:,}"
    if path == "model.letters":
        return ", ".join(_letter(letter) for letter in value)
    if path == "command" and isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(str(part) for part in value)
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value)
    return str(value)


def _letter(letter: Any) -> str:
    if isinstance(letter, Mapping):
        return f"{letter.get('letter')} = {letter.get('id')} “{letter.get('text')}”"
    return str(letter)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
