"""Texts of a study: answers side by side, and every scenario read unsteered and steered."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from culturescope.page.embed import finite
from culturescope.page.figures import count, plain, signed
from culturescope.page.map_figure import clean

if TYPE_CHECKING:
    from culturescope.experiments.steer.generating import Generated
    from culturescope.experiments.study.steered import SteeredReadings
    from culturescope.page.study_data import Study

LONGEST = 4_000
"""Characters of an answer on the page."""
SHOWN = 60
"""Questions on the page; all are in generate.json."""


@dataclass(frozen=True)
class Answers:
    """Answers side by side, with what is said of them."""

    sentence: str
    made: str
    answers: tuple[tuple[str, str, str, bool], ...]
    left_out: int
    data: str


@dataclass(frozen=True)
class Browser:
    """Every scenario of the steered readings, packed for the page."""

    sentence: str
    blob: str
    items: tuple[str, ...]
    domains: tuple[str, ...]


def answers_of(study: Study) -> Answers | None:
    """The answers side by side; None where nothing was generated."""
    found = study.generated
    if found is None or not found.answers:
        return None
    shown = found.answers[:SHOWN]
    text = json.dumps(finite(found.as_dict()), ensure_ascii=False, default=str)
    return Answers(
        sentence=answers_sentence(found),
        made=_made(found),
        answers=tuple((_cut(a.question), _cut(a.unsteered), _cut(a.steered), a.same) for a in shown),
        left_out=len(found.answers) - len(shown),
        data="data:application/json;base64,"
        + base64.b64encode(text.encode("utf-8", "replace")).decode("ascii"),
    )


def answers_sentence(found: Generated) -> str:
    """How many answers the steering changed, and how their length changed."""
    same = sum(a.same for a in found.answers)
    total = len(found.answers)
    before = sum(len(a.unsteered.split()) for a in found.answers) / total
    after = sum(len(a.steered.split()) for a in found.answers) / total
    changed = f"Steering changes the words of {total - same} of {count(total, 'answer')}"
    return (
        f"{changed}; they are {plain(before, 0)} words long on average without it, {plain(after, 0)} "
        "with it. Both are drawn with the "
        "same noise, so they differ by the steering alone. Single texts illustrate; they measure nothing."
    )


def _made(found: Generated) -> str:
    steps = []
    for edit in found.steering:
        blocks = edit.get("blocks") or []
        where = f" at blocks {', '.join(map(str, blocks))}" if blocks else ""
        alpha = edit.get("alpha")
        size = f" with alpha {signed(float(alpha), 3)}" if isinstance(alpha, int | float) else ""
        steps.append(f"{clean(str(edit.get('label') or 'vector'))}{size}{where}")
    heat = (
        "the likeliest words"
        if not found.temperature
        else f"temperature {found.temperature:g}, seed {found.seed}"
    )
    return f"Steered: {'; '.join(steps) or 'nothing'}. At most {found.max_new_tokens} tokens, {heat}."


def _cut(text: str) -> str:
    whole = text.encode("utf-8", "replace").decode("utf-8")
    whole = "".join(c if c.isprintable() or c == "\n" else " " for c in whole).strip()
    return whole if len(whole) <= LONGEST else whole[:LONGEST] + " …"


def browser_of(study: Study) -> Browser | None:
    """The steered readings, scenario by scenario; None where they were not made."""
    found = study.steered
    if found is None or not found.scenarios:
        return None
    known = {s.id: s for s in study.pack.scenarios}
    labels = {i.id: i for i in study.pack.items}
    rows: list[dict[str, Any]] = []
    for s in found.scenarios:
        about, item = known.get(s.scenario), labels.get(s.item)
        rows.append(
            {
                "scenario": s.scenario,
                "item": s.item,
                "label": item.label if item else "",
                "domain": s.domain,
                "axis": s.axis,
                "template": s.template,
                "situation": about.situation if about else "",
                "positive": about.positive if about else "",
                "negative": about.negative if about else "",
                "d": [round(v, 4) for v in s.d],
                "b": [round(v, 4) for v in s.b],
                "mass": [round(v, 4) for v in s.letter_mass],
            }
        )
    content = {
        "changes": [{"name": c.name, "axis": c.axis} for c in found.changes],
        "step": found.step,
        "unit": found.unit,
        "rows": rows,
    }
    text = json.dumps(finite(content), ensure_ascii=False, separators=(",", ":"))
    packed = gzip.compress(text.encode("utf-8", "replace"), compresslevel=9, mtime=0)
    return Browser(
        browser_sentence(found),
        base64.b64encode(packed).decode("ascii"),
        tuple(dict.fromkeys(s.item for s in found.scenarios)),
        tuple(dict.fromkeys(s.domain for s in found.scenarios)),
    )


def browser_sentence(found: SteeredReadings) -> str:
    """How many choices turn round under a step along their own axis."""
    said = []
    names = [c.name for c in found.changes]
    for n, change in enumerate(found.changes):
        if change.axis is None:
            continue
        own = [s for s in found.scenarios if s.axis == change.axis]
        turned = sum((s.d[n] > 0) != (s.d[0] > 0) for s in own)
        along = sum((s.d[n] - s.d[0]) * change.coefficient > 0 for s in own)
        said.append(
            f"{clean(names[n])} turns {turned} of {count(len(own), 'reading')} of its own axis, and "
            f"moves {along} of them its way"
        )
    blocks = ", ".join(map(str, found.blocks))
    text = f"One step is {clean(found.unit)} {found.step:g} at blocks {blocks}. {'; '.join(said)}. "
    text += "Chance alone would move half."
    return text
