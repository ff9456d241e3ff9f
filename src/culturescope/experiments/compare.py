"""Several models or revisions over the same scenarios: positions, paired differences, order by distance, conditions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from culturescope.errors import BadInputError
from culturescope.experiments.compare_align import align
from culturescope.experiments.compare_failures import check_names, failures_of, share
from culturescope.experiments.compare_places import Places, distance_of, ranks
from culturescope.experiments.compare_steering import personas_of_runs, vectors_of
from culturescope.experiments.report import places_of
from culturescope.instrument import Pack
from culturescope.page.compare_results import Compared, ComparedRun, Difference, Order, Ranked
from culturescope.probing.aggregate import interval, position
from culturescope.probing.reading import verdicts_of
from culturescope.probing.scores import Scores

if TYPE_CHECKING:
    from culturescope.page import MapFigure
    from culturescope.people import Conversion, People, Placement, Society

SOCIETIES = ("IND", "VNM", "MEX", "DNK")
READ = ("weak", "interpretable")


class Comparing:
    """Aligned runs with their places, from which a comparison is made.

    Args:
        runs: run folders, the first one is the base of the differences.
        conversion: how scores become item values.
        seed: of the intervals.

    Raises:
        BadInputError: the runs cannot be compared (see `compare_align.align`).
        RunFolderError: a folder is no run, is not finished, or its texts have changed since.
    """

    def __init__(
        self,
        runs: Sequence[str | os.PathLike[str]],
        *,
        conversion: Conversion = "anchored",
        seed: int = 42,
    ) -> None:
        self.aligned = align(runs)
        self.conversion: Conversion = conversion
        self.seed = seed
        self.scores = [run.scores for run in self.aligned]
        self.verdicts = [verdicts_of(run.results) for run in self.aligned]
        self.axes = tuple(dict.fromkeys(self.scores[0].axes))
        mapped = all(run.pack.societies is not None for run in self.aligned)
        self.places = Places.of(self.scores, conversion, seed=seed) if mapped else None
        self.placements: list[list[Placement]] = [
            places_of(run.results, run.shared, run.label, conversions=(conversion,), seed=seed)
            if self.places is not None
            else []
            for run in self.aligned
        ]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the runs."""
        return tuple(run.label for run in self.aligned)

    @property
    def pack(self) -> Pack:
        """The instrument."""
        return self.aligned[0].pack

    def place(self, run: int) -> Placement | None:
        """The place of a run, if the map has one."""
        return next((p for p in self.placements[run] if p.kind == "model"), None)

    def on_axis(self, run: int, axis: str) -> bool:
        """Whether the run may be read on an axis (on both axes of the map: `place(run).readable`)."""
        return self.verdicts[run].get(axis, "not checked") in READ

    def readable(self, run: int) -> bool:
        """Whether the run's place may be read as a position."""
        place = self.place(run)
        return place is not None and place.readable


def compare_runs(
    runs: Sequence[str | os.PathLike[str]],
    *,
    conversion: Conversion = "anchored",
    societies: Sequence[str] = SOCIETIES,
    searches: Sequence[str | os.PathLike[str]] = (),
    fail_if: Sequence[str] = (),
    fail_if_sure: Sequence[str] = (),
    seed: int = 42,
) -> tuple[Compared, MapFigure | None]:
    """Compares runs of audit or probe over what all of them were asked.

    Args:
        runs: run folders; differences are those from the first one, and of each pair.
        conversion: how scores become item values, `anchored` or `paper`.
        societies: codes or names; the runs are put in the order of their distance to each.
        searches: folders of `culturescope steer search`, of the models that are compared.
        fail_if: conditions (`compare_conditions`) on the values.
        fail_if_sure: conditions that must hold for the whole intervals.
        seed: of the intervals.

    Returns:
        The comparison, and its map (None where the pack has no societies or an item of the map is not shared).

    Raises:
        BadInputError: the runs cannot be compared, or a condition, society, axis or search is wrong.
        RunFolderError: a folder is no run, is not finished, or its texts have changed since.
    """
    from culturescope.people import load_people

    conditions = check_names(fail_if, fail_if_sure)
    comparing = Comparing(runs, conversion=conversion, seed=seed)
    people = load_people()
    chosen = {s.code: s for s in (people.society(name) for name in societies)}
    failures = failures_of(comparing, conditions, people)
    compared = Compared(
        pack=comparing.pack.id,
        conversion=conversion,
        orders=comparing.aligned[0].design.orders,
        scenarios=comparing.scores[0].scenarios,
        wordings=comparing.scores[0].columns,
        runs=tuple(_run(comparing, n) for n in range(len(comparing.aligned))),
        differences=_differences(comparing, tuple(chosen.values())),
        orders_by_distance=tuple(_order(comparing, s) for s in chosen.values())
        if comparing.places is not None
        else (),
        vectors=vectors_of(comparing.aligned, searches),
        personas=personas_of_runs(comparing.aligned, conversion),
        failures=failures,
        notes=_notes(comparing, people),
    )
    return compared, _figure(comparing, tuple(chosen))


def _run(comparing: Comparing, n: int) -> ComparedRun:
    run, scores = comparing.aligned[n], comparing.scores[n]
    manifest, places = run.folder.manifest, comparing.places
    return ComparedRun(
        label=run.label,
        run=run.folder.path.name,
        created=manifest.created,
        model={k: manifest.model.get(k) for k in ("name", "source", "revision", "weights_sha256", "dtype")},
        verdicts={axis: comparing.verdicts[n].get(axis, "not checked") for axis in comparing.axes},
        left_out_scenarios=len(run.left_out),
        left_out_wordings=run.left_out_wordings,
        axes=tuple(position(scores.on(axis=a), comparing.seed, axis=a) for a in comparing.axes),
        mass={
            axis or "all": share(interval(part, part.mass, seed=comparing.seed))
            for axis, part in _parts(comparing, scores)
        },
        place=comparing.place(n),
        x=places.coordinate(n, 0) if places else None,
        y=places.coordinate(n, 1) if places else None,
    )


def _parts(comparing: Comparing, scores: Scores) -> list[tuple[str | None, Scores]]:
    return [(axis, scores.on(axis=axis)) for axis in (None, *comparing.axes)]


def _differences(comparing: Comparing, societies: Sequence[Society]) -> tuple[Difference, ...]:
    """Of each pair of runs on the axes and the map; item by item only from the first run."""
    found: list[Difference] = []
    for i in range(len(comparing.aligned)):
        for j in range(i + 1, len(comparing.aligned)):
            found += _axis_differences(comparing, i, j)
            found += _map_differences(comparing, i, j, societies)
    return tuple(found)


def _axis_differences(comparing: Comparing, i: int, j: int) -> list[Difference]:
    first, second = comparing.scores[i], comparing.scores[j]
    change, labels = second.d - first.d, comparing.labels
    found = []
    for axis in comparing.axes:
        read = comparing.on_axis(i, axis) and comparing.on_axis(j, axis)
        rows = [n for n, one in enumerate(first.axes) if one == axis]
        parts: list[tuple[str | None, list[int]]] = [(None, rows)]
        if i == 0:
            by_item = {
                item: [n for n in rows if first.items[n] == item] for item in dict.fromkeys(first.items)
            }
            parts += [(item, own) for item, own in by_item.items() if len(own) > 1]
        found += [
            Difference(
                first=labels[i],
                second=labels[j],
                quantity="d",
                axis=axis,
                item=item,
                value=interval(first.on(axis=axis, item=item), change[own], seed=comparing.seed),
                readable=read,
            )
            for item, own in parts
        ]
    return found


def _map_differences(comparing: Comparing, i: int, j: int, societies: Sequence[Society]) -> list[Difference]:
    places, labels = comparing.places, comparing.labels
    if places is None:
        return []
    read = comparing.readable(i) and comparing.readable(j)
    found = [
        Difference(
            first=labels[i], second=labels[j], quantity=name, value=places.coordinate(j, n, i), readable=read
        )
        for n, name in ((0, "x"), (1, "y"))
    ]
    found += [
        Difference(
            first=labels[i],
            second=labels[j],
            quantity="distance",
            society=s.code,
            value=places.nearer(i, j, np.array([s.x, s.y])),
            readable=read,
        )
        for s in societies
    ]
    return found


def _order(comparing: Comparing, society: Society) -> Order:
    places, point = comparing.places, np.array([society.x, society.y])
    if places is None:
        raise BadInputError("there is no map of these runs")
    read = [n for n in range(len(comparing.aligned)) if comparing.readable(n)]
    ranked = ranks(places, read, point)
    rows = []
    for n, label in enumerate(comparing.labels):
        place = comparing.place(n)
        if place is None:
            continue
        rank, lowest, highest = ranked.get(n, (None, None, None))
        rows.append(
            Ranked(label=label, distance=distance_of(place, point), rank=rank, lowest=lowest, highest=highest)
        )
    rows.sort(key=lambda row: (row.rank is None, row.rank or 0, row.distance.value))
    return Order(
        society=society.code,
        name=society.name,
        year=society.year,
        x=society.x,
        y=society.y,
        runs=tuple(rows),
    )


def _notes(comparing: Comparing, people: People) -> tuple[str, ...]:
    """What stands between the figures and their reader."""
    notes = []
    if comparing.aligned[0].design.orders == "random":
        notes.append("One order a prompt: a preference for a letter is still in d and in the places.")
    if len(comparing.scores[0].columns) == 1:
        notes.append("One wording of the prompt is shared: what another would change is in no interval.")
    if comparing.places is None and comparing.pack.societies is None:
        notes.append(f"The pack {comparing.pack.id} has no societies, so there is no map and no distance.")
    elif comparing.places is None:
        missing = [i for i in people.item_ids if i not in comparing.scores[0].items]
        notes.append(f"No map and no distance: the runs share no scenario of {', '.join(missing)}.")
    return tuple(notes)


def _figure(comparing: Comparing, named: tuple[str, ...]) -> MapFigure | None:
    from culturescope.page import figure_of

    if comparing.places is None:
        return None
    found: list[Placement] = []
    for places in comparing.placements:
        found += [p for p in places if p.kind == "model" or p not in found]
    return figure_of(found, named=named)
