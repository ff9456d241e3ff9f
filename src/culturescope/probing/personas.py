"""The probe under personas of societies: a reading each, and what each changes against no persona."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from culturescope.errors import RunFolderError
from culturescope.probing.aggregate import interval, position
from culturescope.probing.results import PersonaReading, PersonaShift
from culturescope.probing.scores import Array, Scores, score_samples
from culturescope.probing.tasks import probe_rows


def personas_of(samples: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Ids of the personas under which a probe was asked, as they come."""
    found = (row["persona"] for row in samples if row["part"] == "probe")
    return tuple(dict.fromkeys(name for name in found if name is not None))


def persona_readings(samples: Iterable[Mapping[str, Any]], *, seed: int = 42) -> tuple[PersonaReading, ...]:
    """Computes the readings under all personas of a probe.

    Args:
        samples: rows of `samples.jsonl`.
        seed: of the bootstrap.

    Raises:
        RunFolderError: samples are missing, under a persona or without.
    """
    rows = list(samples)
    names = personas_of(rows)
    if not names:
        return ()
    bare = score_samples(probe_rows(rows))
    return tuple(_reading(probe_rows(rows, name), bare, name, seed) for name in names)


def paired(scores: Scores, bare: Scores) -> Array:
    """d of `bare` in the order of `scores` (S x W).

    Raises:
        RunFolderError: one was asked scenarios or wordings that the other was not.
    """
    if set(scores.scenarios) != set(bare.scenarios) or set(scores.columns) != set(bare.columns):
        raise RunFolderError("some prompts have no answer yet: culturescope resume RUN goes on with them")
    at = {name: n for n, name in enumerate(bare.scenarios)}
    rows = [at[name] for name in scores.scenarios]
    return bare.d[rows][:, [bare.columns.index(name) for name in scores.columns]]


def _reading(rows: list[Mapping[str, Any]], bare: Scores, name: str, seed: int) -> PersonaReading:
    scores, first = score_samples(rows), rows[0]
    axes = tuple(dict.fromkeys(scores.axes))
    moved = scores.d - paired(scores, bare)
    missing = tuple(first.get("persona_missing") or ())
    return PersonaReading(
        id=name,
        kind=first["persona_kind"],
        society=first["society"],
        partial=bool(missing),
        missing=missing,
        scenarios=len(scores.scenarios),
        prompts=len(rows),
        axes=tuple(position(scores.on(axis=a), seed, axis=a) for a in axes),
        shifts=tuple(
            PersonaShift(
                axis=a, d=interval(scores.on(axis=a), moved[[x == a for x in scores.axes]], seed=seed)
            )
            for a in axes
        ),
    )
