"""The instrument: axes, items, scenarios and packs, as data with a schema and a loader."""

from culturescope.instrument.loader import load_pack, load_scenarios, scenarios_sha256, select
from culturescope.instrument.schema import Axis, Item, Pack, Scale, Scenario, Split, Tags, split_of

__all__ = [
    "Axis",
    "Item",
    "Pack",
    "Scale",
    "Scenario",
    "Split",
    "Tags",
    "load_pack",
    "load_scenarios",
    "scenarios_sha256",
    "select",
    "split_of",
]
