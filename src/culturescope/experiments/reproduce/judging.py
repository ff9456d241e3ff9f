"""The paper's claims held against a finished study: confirmed, not confirmed, or not testable, each with its reason.

`confirmed` needs an effect beyond its interval, beyond random vectors where there are any, on an axis that the instrument check
calls readable. `not confirmed` holds what the run contradicts and what it leaves open; the reason says which. Whatever says
something of values on an axis that is not interpretable is `not testable`, as is what was not measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from culturescope.experiments.reproduce import judging_people, judging_search, judging_steps
from culturescope.experiments.reproduce.claims import (
    Claim,
    Judged,
    Outcome,
    Table,
    claims_of,
    paper_file,
)
from culturescope.experiments.reproduce.configurations import Configuration
from culturescope.experiments.reproduce.evidence import Evidence, Found, Rule

RULES: dict[str, Rule] = {**judging_people.RULES, **judging_search.RULES, **judging_steps.RULES}
_NOT_OF_THE_CHECK = ("middle-answers", "more-refusals", "further-directly", "perplexity-kept", "other-runs")
_OUTCOMES: dict[bool | None, Outcome] = {True: "confirmed", False: "not confirmed", None: "not testable"}


def judge(claims: Iterable[Claim], evidence: Evidence) -> tuple[Judged, ...]:
    """Every claim beside what the study found."""
    return tuple(_judged(claim, RULES[claim.rule](claim, evidence), evidence) for claim in claims)


def table_of(configuration: Configuration, evidence: Evidence, asked: str) -> Table:
    """All claims that the paper makes of a configuration's model.

    Args:
        configuration: what was run.
        evidence: what it found.
        asked: name of the model that was asked.
    """
    claims, paper = claims_of(configuration.of), paper_file()
    used = {name for claim in claims for name in claim.readings} | _ALWAYS
    return Table(
        paper=paper.paper,
        of=configuration.of,
        asked=asked,
        stand_in=configuration.stand_in,
        reduced=configuration.reduced,
        verdicts=dict(evidence.verdicts),
        claims=judge(claims, evidence),
        readings=tuple(r for r in paper.readings if r.id in used),
    )


def evidence_of(run: Path) -> Evidence:
    """What a finished study found, from its folder.

    Raises:
        BadInputError: a part's file is damaged.
        RunFolderError: no run, or some of its prompts have no answer yet.
    """
    from culturescope.page.study_reading import read_study_report
    from culturescope.probing.reading import verdicts_of

    report, study = read_study_report(run)
    blocks = report.model.get("blocks")
    return Evidence(study, verdicts_of(report.results), blocks if isinstance(blocks, int) else None)


_ALWAYS = {"scenarios", "halves", "precision"}


def _judged(claim: Claim, found: Found, evidence: Evidence) -> Judged:
    weak = [axis for axis, verdict in evidence.verdicts.items() if verdict == "weak"]
    why = found.why
    if found.holds and weak and claim.rule not in _NOT_OF_THE_CHECK:
        why += f" (the instrument is weak on {' and '.join(weak)})"
    return Judged(
        id=claim.id,
        claim=claim.claim,
        about=claim.about,
        paper=claim.paper,
        outcome=_OUTCOMES[found.holds],
        figures=found.figures,
        why=why,
        readings=claim.readings,
    )
