"""Shows where a language model stands on the human map of values, and how sure one may be of it.

    >>> import culturescope as cs
    >>> model = cs.load("smollm2-135m")
    >>> reading = cs.probe(model, cs.scenarios(split="evaluate"), check=True)
    >>> print(reading)
    >>> cs.write_page(reading, "report.html")

Importing the package is cheap: torch and the like are imported by the functions that need them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from culturescope.errors import (
    BadInputError,
    CulturescopeError,
    InstrumentError,
    ModelError,
    RunFailedError,
    RunFolderError,
)

if TYPE_CHECKING:
    from culturescope.api import Survey, fit_vector, scenarios, survey, write_page
    from culturescope.experiments.compare import compare_runs
    from culturescope.exporting import LoadedRun, export_run, load_run
    from culturescope.models import open_model as load
    from culturescope.probing.reading import Reading, probe
    from culturescope.steering.files import load_vector

__version__ = "0.1.0"

_WHERE = {
    "compare_runs": "culturescope.experiments.compare",
    "export_run": "culturescope.exporting",
    "fit_vector": "culturescope.api",
    "load": "culturescope.models",
    "load_run": "culturescope.exporting",
    "load_vector": "culturescope.steering.files",
    "LoadedRun": "culturescope.exporting",
    "probe": "culturescope.probing.reading",
    "Reading": "culturescope.probing.reading",
    "scenarios": "culturescope.api",
    "survey": "culturescope.api",
    "Survey": "culturescope.api",
    "write_page": "culturescope.api",
}

_CALLED = {"load": "open_model"}  # inside of the package, `load` means weights, never a served model

__all__ = [
    "BadInputError",
    "CulturescopeError",
    "InstrumentError",
    "LoadedRun",
    "ModelError",
    "Reading",
    "RunFailedError",
    "RunFolderError",
    "Survey",
    "compare_runs",
    "export_run",
    "fit_vector",
    "load",
    "load_run",
    "load_vector",
    "probe",
    "scenarios",
    "survey",
    "write_page",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'culturescope' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_WHERE[name]), _CALLED.get(name, name))


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
