"""Carries an experiment: run folder, keys, resume, progress; does not know what a study means."""

from culturescope.runs.atomic import write_bytes, write_json, write_text
from culturescope.runs.folder import RunFolder
from culturescope.runs.interrupt import Interrupts
from culturescope.runs.keys import SampleKey, digest
from culturescope.runs.manifest import FinalStatus, Manifest, Status
from culturescope.runs.progress import Progress

__all__ = [
    "FinalStatus",
    "Interrupts",
    "Manifest",
    "Progress",
    "RunFolder",
    "SampleKey",
    "Status",
    "digest",
    "write_bytes",
    "write_json",
    "write_text",
]
