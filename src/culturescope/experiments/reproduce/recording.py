"""The files that make a study's run folder a reproduction, and its claims as a page of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.errors import RunFolderError, one_line
from culturescope.experiments.reproduce.claims import (
    CLAIMS_JSON,
    CLAIMS_MD,
    REPRODUCTION,
    Judged,
    Reproduction,
    Table,
    read_reproduction,
)
from culturescope.runs import write_json, write_text

if TYPE_CHECKING:
    from culturescope.experiments.reproduce.configurations import Configuration


def note(run: Path, configuration: Configuration, options: Mapping[str, Any]) -> None:
    """Writes beside a study that was just begun what it reproduces.

    Args:
        run: its folder.
        configuration: of the study.
        options: what the command changed of it.

    Raises:
        RunFolderError: it cannot be written.
    """
    stored = Reproduction(configuration=configuration, options=dict(options))
    write_json(run / REPRODUCTION, stored.model_dump(mode="json"))


def write_claims(run: Path, configuration: Configuration) -> Table:
    """Judges the claims of a study, writes `claims.json` and `claims.md`, and the page again with them.

    Args:
        run: the folder of a study whose probe is done.
        configuration: whose claims; of a study that it did not begin, what was run is told instead.

    Raises:
        BadInputError: a part's file is damaged.
        RunFolderError: no run, its probe is not done, or it cannot be written.
    """
    from culturescope.experiments import audit
    from culturescope.experiments.reproduce.judging import evidence_of, table_of
    from culturescope.runs import RunFolder

    manifest = RunFolder.open(run).manifest
    chosen = _as_begun(
        run, configuration, dict(manifest.config.get("load") or {}), manifest.config.get("profile")
    )
    asked = str(manifest.model_dump()["model"].get("name") or chosen.asked)
    table = table_of(chosen, evidence_of(run), asked)
    write_json(run / CLAIMS_JSON, table.model_dump(mode="json"))
    write_text(run / CLAIMS_MD, markdown(table))
    audit.rewrite_page(run, run / audit.PAGE_NAME)
    return table


def _as_begun(run: Path, wanted: Configuration, load: Mapping[str, Any], profile: object) -> Configuration:
    """The configuration that the run was begun with, or what is to be said of a run that was begun otherwise."""
    own = read_reproduction(run)
    if own is not None and own.configuration.of == wanted.of:
        return own.configuration
    source = str(load.get("source"))
    return wanted.model_copy(
        update={
            "model": None if source == wanted.of else source,
            "reduced": f"this is a study of the profile {profile}, which was not begun by the configuration {wanted.name}",
        }
    )


def configuration_of(run: Path) -> Configuration:
    """What a run reproduces.

    Raises:
        RunFolderError: it reproduces nothing.
    """
    found = read_reproduction(run)
    if found is None:
        raise RunFolderError(
            f"{run} was not begun by culturescope reproduce; name the configuration whose claims it is to be held against"
        )
    return found.configuration


def summary(table: Table) -> Iterator[str]:
    """Who was asked, and what that means for the claims."""
    if table.stand_in:
        yield f"{table.asked} was asked in the place of {table.of}: what is confirmed here is so of {table.asked} alone."
    else:
        given = "as in the paper" if table.asked == table.of else f"given as {table.of}"
        yield f"{table.asked} was asked, {given}."
    if table.reduced:
        yield f"Not the whole of the paper's study: {table.reduced}."
    verdicts = ", ".join(f"{axis} {verdict}" for axis, verdict in table.verdicts.items())
    yield f"Instrument check: {verdicts or 'not done'}."
    counts = [(table.count("confirmed"), "confirmed"), (table.count("not confirmed"), "not confirmed")]
    counts.append((table.count("not testable"), "not testable"))
    yield f"Of {len(table.claims)} claims " + ", ".join(f"{n} {word}" for n, word in counts) + "."


def found_words(claim: Judged) -> str:
    """The figures of a claim in words."""
    return "; ".join(map(str, claim.figures)) or "-"


def markdown(table: Table) -> str:
    """The claims and the readings as Markdown."""
    lines = ["# Claims of the paper, and what the run found", "", f"{table.paper}, on {table.of}.", ""]
    for line in summary(table):
        lines += [_safe(line), ""]
    lines += ["| claim | outcome | the paper | found (95% interval) | why |", "|---|---|---|---|---|"]
    for c in table.claims:
        lines.append(
            "| " + " | ".join(map(_safe, (c.claim, c.outcome, c.paper, found_words(c), c.why))) + " |"
        )
    lines += ["", "## Where the paper is unclear", "", "| unclear | taken here | claims |", "|---|---|---|"]
    for r in table.readings:
        used = ", ".join(c.id for c in table.claims if r.id in c.readings) or "all"
        lines.append("| " + " | ".join(map(_safe, (r.unclear, r.taken, used))) + " |")
    return "\n".join(lines) + "\n"


def _safe(text: str) -> str:
    """Text of others in one cell: no line, column or tag of its own."""
    plain = one_line(text).replace("\\", "\\\\").replace("|", "\\|")
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace("`", "\\`")
