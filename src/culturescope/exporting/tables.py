"""Tables of a run: a row a prompt, a row a scenario and wording, a row a position. Plain columns, no library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError
from culturescope.probing.choices import chose_positive, chosen_letter
from culturescope.probing.personas import personas_of
from culturescope.probing.results import Estimate, Position
from culturescope.probing.scores import score_samples
from culturescope.probing.tasks import probe_rows

if TYPE_CHECKING:
    from culturescope.exporting.loading import LoadedRun

Columns = dict[str, list[Any]]
TABLES = ("samples", "scores", "positions")
_KEPT = (
    "key",
    "part",
    "axis",
    "item",
    "domain",
    "scenario",
    "template",
    "order",
    "persona",
    "persona_kind",
    "society",
)


def table_of(run: LoadedRun, name: str) -> Columns:
    """One of the tables of a run.

    Raises:
        BadInputError: there is no such table.
    """
    if name not in TABLES:
        raise BadInputError(f"“{name}” is no table of a run; there are {', '.join(TABLES)}")
    rows = {"samples": _samples, "scores": _scores, "positions": _positions}[name](run)
    columns: Columns = {}
    for row in rows:
        for column, value in row.items():
            columns.setdefault(column, []).append(value)
    return columns


def _samples(run: LoadedRun) -> Iterable[dict[str, Any]]:
    for row in run.samples:
        a, b = row["logits"] if row["logits"] is not None else (None, None)
        log_a, log_b = row["logprobs"]
        yield {
            "model": run.model_name,
            **{name: row.get(name) for name in _KEPT},
            "logit_a": a,
            "logit_b": b,
            "logprob_a": log_a,
            "logprob_b": log_b,
            "letter": chosen_letter(row),
            "chose_positive": chose_positive(row),
            "tokens": row["tokens"],
            "reply": row.get("reply"),
            "text": row["text"],
        }


def _scores(run: LoadedRun) -> Iterable[dict[str, Any]]:
    for persona in (None, *personas_of(run.samples)):
        rows = probe_rows(run.samples, persona)
        found, first = score_samples(rows), rows[0]
        for n, scenario in enumerate(found.scenarios):
            for m, template in enumerate(found.columns):
                yield {
                    "model": run.model_name,
                    "axis": found.axes[n],
                    "item": found.items[n],
                    "domain": found.domains[n],
                    "scenario": scenario,
                    "template": template,
                    "persona": persona,
                    "persona_kind": first["persona_kind"],
                    "society": first["society"],
                    "d": float(found.d[n, m]),
                    "s": float(found.s[n, m]),
                    "b": None if found.b is None else float(found.b[n, m]),
                    "letter_mass": float(found.mass[n, m]),
                }


def _positions(run: LoadedRun) -> Iterable[dict[str, Any]]:
    probe = run.results.probe
    for position in (*probe.axes, *probe.items, *probe.cells):
        yield _position(run, position, {})
    for reading in run.results.personas:
        about = {"persona": reading.id, "persona_kind": reading.kind, "society": reading.society}
        for position in reading.axes:
            yield _position(run, position, about)


def _position(run: LoadedRun, position: Position, about: Mapping[str, str]) -> dict[str, Any]:
    return {
        "model": run.model_name,
        "axis": position.axis,
        "item": position.item,
        "domain": position.domain,
        **{name: about.get(name) for name in ("persona", "persona_kind", "society")},
        "scenarios": position.scenarios,
        **_estimate("d", position.d),
        **_estimate("s", position.s),
        "b": position.b,
        "mean_abs_b": position.mean_abs_b,
        "letter_mass": position.letter_mass,
        "verdict": run.verdicts.get(position.axis, "not checked"),
    }


def _estimate(name: str, found: Estimate) -> dict[str, float]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
