"""The instrument: axes, items, scenarios and packs, as data with a schema and a loader."""

from culturescope.instrument.choice import select
from culturescope.instrument.loader import load_pack, pack_source, packaged_packs
from culturescope.instrument.scenario_files import load_scenarios, scenarios_sha256
from culturescope.instrument.schema import (
    Axis,
    CheckPersona,
    Item,
    Pack,
    Scale,
    Scenario,
    Split,
    Tags,
    split_of,
)

__all__ = [
    "Axis",
    "CheckPersona",
    "Item",
    "Pack",
    "Scale",
    "Scenario",
    "Split",
    "Tags",
    "load_pack",
    "load_scenarios",
    "pack_source",
    "packaged_packs",
    "scenarios_sha256",
    "select",
    "split_of",
]
