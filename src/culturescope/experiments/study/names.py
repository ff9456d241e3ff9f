"""The names of a study's parts, in the order in which they are done, and what each needs."""

from __future__ import annotations

from collections.abc import Sequence

from culturescope.errors import BadInputError

TITLES = {
    "probe": "instrument check and dilemma probe",
    "survey": "direct survey",
    "personas": "personas of societies",
    "search": "fit, and search over blocks with controls",
    "sweep": "sweep of coefficients",
    "entangle": "entanglement",
    "domains": "domain shifts",
    "methods": "sites and methods of the fit",
    "steered": "scenarios unsteered and steered",
    "aim": "aim at societies",
    "together": "persona and vector together",
    "generate": "answers side by side",
    "tax": "quality on benchmarks",
}
PART_NAMES = tuple(TITLES)
AFTER_SEARCH = PART_NAMES[PART_NAMES.index("search") + 1 :]
"""Parts that begin from the search's folder."""
WHITE_BOX = ("search", *AFTER_SEARCH)
"""Parts that need the model's blocks."""


def check_names(names: Sequence[str], option: str) -> tuple[str, ...]:
    """The names, if they are parts.

    Raises:
        BadInputError: one is none.
    """
    for name in names:
        if name not in PART_NAMES:
            raise BadInputError(f'--{option}: "{name}" is no part; known are {", ".join(PART_NAMES)}')
    return tuple(names)
