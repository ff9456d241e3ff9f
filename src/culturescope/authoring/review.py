"""The review sheet of a pool: one HTML form that works offline, and the same as CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from culturescope.authoring.pool import Candidate, read_pool
from culturescope.errors import RunFolderError
from culturescope.instrument import Pack
from culturescope.runs.atomic import write_text
from culturescope.runs.keys import digest

PAGE, SHEET = "review.html", "review.csv"
DATA = Path(__file__).parent / "data"
TEXTS = ("situation", "positive", "negative", "note", "topic", "setting")
TICKS = ("neutral", "toxic")
COLUMNS = ("id", "item", "domain", "decision", *TICKS, "reviewer", "comment", *TEXTS)
DECISIONS = ("accept", "reject", "")


def write_review(folder: Path) -> tuple[Path, Path]:
    """Writes the sheet of a pool's shortlist, as HTML and as CSV.

    Raises:
        RunFolderError: the folder is no pool, nothing is on the shortlist, or the files cannot be written.
    """
    pack, known, chosen = read_pool(folder)
    candidates = [known[one] for one in chosen]
    if not candidates:
        raise RunFolderError(
            f"nothing in {folder} is on the shortlist; rejects.jsonl says why, and a larger --pool or another teacher helps"
        )
    write_text(folder / PAGE, review_page(pack, candidates))
    write_text(folder / SHEET, review_csv(candidates))
    return folder / PAGE, folder / SHEET


def texts_of(candidate: Candidate) -> dict[str, str]:
    """The texts of a candidate that a reviewer may edit."""
    s = candidate.scenario
    return {
        "situation": s.situation,
        "positive": s.positive,
        "negative": s.negative,
        "note": s.note,
        "topic": s.tags.topic,
        "setting": s.tags.setting,
    }


def review_csv(candidates: Sequence[Candidate]) -> str:
    """The sheet as CSV, decisions empty. A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for one in candidates:
        row = dict.fromkeys(COLUMNS, "")
        row |= {"id": one.scenario.id, "item": one.scenario.item, "domain": one.scenario.domain}
        row |= texts_of(one)
        writer.writerow({name: guarded(value) for name, value in row.items()})
    return "\ufeff" + out.getvalue()  # the mark tells spreadsheets that it is UTF-8


def guarded(value: str) -> str:
    """A cell that no spreadsheet takes for a formula.

    Example:
        >>> guarded("=1+1"), unguarded(guarded("=1+1"))
        ("'=1+1", '=1+1')
    """
    return f"'{value}" if re.match(r"'*[=+\-@\t\r]", value) else value


def unguarded(value: str) -> str:
    """What `guarded` was given."""
    return value[1:] if re.match(r"'+[=+\-@\t\r]", value) else value


def review_page(pack: Pack, candidates: Sequence[Candidate]) -> str:
    """The sheet as one HTML page without network: every text is shown as text, and decisions are saved as CSV or JSON."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from culturescope.page.embed import code_for_script, policy

    environment = Environment(
        loader=FileSystemLoader(DATA),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = code_for_script((DATA / "review.js").read_text(encoding="utf-8"))
    return environment.get_template("review.html.j2").render(
        pack=pack,
        script=script,
        style=(DATA / "review.css").read_text(encoding="utf-8"),
        policy=policy([script]),
        cards=[_card(pack, one) for one in candidates],
        columns=",".join(COLUMNS),
        key=digest([pack.id, [one.as_dict() for one in candidates]])[:16],
    )


def _card(pack: Pack, one: Candidate) -> dict[str, Any]:
    item = pack.item(one.scenario.item)
    said = one.verdict
    return {
        "id": one.scenario.id,
        "item": item,
        "domain": one.scenario.domain,
        "texts": texts_of(one),
        "warnings": one.warnings,
        "relevance": said.relevance if said else None,
    }
