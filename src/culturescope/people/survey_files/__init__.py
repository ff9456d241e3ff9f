"""Survey files of the user's own: read once, kept as aggregates, nothing of single respondents written."""

from culturescope.people.survey_files.importing import Figure, Imported, Options, import_files
from culturescope.people.survey_files.loading import (
    Surveyed,
    imported_distributions,
    imported_groups,
    imported_surveys,
    load_imported,
)
from culturescope.people.survey_files.writing import check_output, write_import

__all__ = [
    "Figure",
    "Imported",
    "Options",
    "Surveyed",
    "check_output",
    "import_files",
    "imported_distributions",
    "imported_groups",
    "imported_surveys",
    "load_imported",
    "write_import",
]
