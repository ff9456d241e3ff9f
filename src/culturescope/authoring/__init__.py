"""Making and checking scenarios: the linter, its rules and its report."""

from culturescope.authoring.embeddings import Encode, load_encoder, packaged_folder
from culturescope.authoring.findings import Balance, Finding, Leak, LintReport, Skipped
from culturescope.authoring.linter import lint
from culturescope.authoring.tables import as_text

__all__ = [
    "Balance",
    "Encode",
    "Finding",
    "Leak",
    "LintReport",
    "Skipped",
    "as_text",
    "lint",
    "load_encoder",
    "packaged_folder",
]
