"""The paper's claims beside what a reproduction found, and how the paper was read where it is unclear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from culturescope.page.map_figure import clean
from culturescope.page.study_section import Section
from culturescope.page.tables import Table

if TYPE_CHECKING:
    from culturescope.page.study_data import Study


def claims_section(study: Study) -> Section | None:
    """The section; None for a run that reproduces nothing, or whose claims were not judged yet."""
    from culturescope.experiments.reproduce.recording import found_words, summary

    if study.claims is None:
        return None
    claims = Table(
        ("claim", "outcome", "the paper", "found (95% interval)", "why"),
        tuple(
            (c.claim, c.outcome, c.paper, clean(found_words(c)), clean(c.why)) for c in study.claims.claims
        ),
    )
    readings = Table(
        ("unclear in the paper", "taken here"), tuple((r.unclear, r.taken) for r in study.claims.readings)
    )
    lead = (f"Claims of {study.claims.paper}, on {study.claims.of}.", *map(clean, summary(study.claims)))
    return Section(
        "claims", lead, tables=(("Claims as a table", claims), ("Where the paper is unclear", readings))
    )


def claims_sentence(study: Study) -> str | None:
    """How many claims came out how; None where none were judged."""
    from culturescope.experiments.reproduce.recording import summary

    return None if study.claims is None else clean(list(summary(study.claims))[-1])
