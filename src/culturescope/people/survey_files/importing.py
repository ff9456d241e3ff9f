"""From survey files to aggregates: item means and answer distributions by society and year, or below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from culturescope.errors import BadInputError
from culturescope.people.moments import VARIABLES, PairwiseMoments
from culturescope.people.survey_files.columns import INTEGRATED, Found, find_columns
from culturescope.people.survey_files.mapping import OwnMap, fit_own_map
from culturescope.people.survey_files.opening import Reader, open_survey, safe_name, sha256
from culturescope.people.survey_files.reading import MOST_CELLS, FileTally, Group, Survey
from culturescope.people.survey_files.suppressing import kept_cells
from culturescope.people.survey_files.tallying import Estimate, Slot, Tally
from culturescope.people.tables import item_range, load_people
from culturescope.runs.progress import Progress

BANDS = (30, 50)
MINIMUM = 100
Surveys = dict[tuple[str, int], tuple[Survey, ...]]
"""Society and year to the surveys behind them."""
CHOICES = ("evs", "wvs", "pooled")


@dataclass(frozen=True)
class Options:
    """How files are imported.

    Args:
        by: region, sex, age_group, or columns, to divide societies by.
        programme: which of two surveys of a society in the same year: evs, wvs, or pooled.
        weight: column of the weight instead of the usual one, or none.
        minimum: respondents below which a figure is not written.
        without: codes of societies to leave out.
        bands: ages at which a new age group begins.
    """

    by: tuple[str, ...] = ()
    programme: str | None = None
    weight: str | None = None
    minimum: int = MINIMUM
    without: tuple[str, ...] = ()
    bands: tuple[int, ...] = BANDS

    def __post_init__(self) -> None:
        if self.programme is not None and self.programme not in CHOICES:
            raise BadInputError(f'--programme: "{self.programme}" is not one of {", ".join(CHOICES)}')
        if self.minimum < 2:
            raise BadInputError("--min-cell: at least 2; figures of single respondents are never written")
        if (
            not self.bands
            or list(self.bands) != sorted(set(self.bands))
            or not 1 <= self.bands[0] <= self.bands[-1] <= 120
        ):
            raise BadInputError("--age-bands: ages with commas, rising, for example 30,50")
        words = [b.strip().lower() for b in self.by]
        if "" in words or len(set(words)) < len(words):
            raise BadInputError(f"--by: a column is empty or there twice: {','.join(self.by)}")
        if {"society", "year", "item"} & set(words):
            raise BadInputError(
                "--by: society, year and item always divide; name region, sex, age_group or a column"
            )


@dataclass(frozen=True)
class Figure:
    """An estimate with its place: society, year, groups (empty for the whole society) and item."""

    society: str
    year: int
    groups: tuple[str, ...]
    item: str
    variable: str
    estimate: Estimate


@dataclass(frozen=True)
class FileReport:
    """What was found in one file; counts are of respondents."""

    name: str
    sha256: str
    bytes: int
    form: str
    kind: str
    title: str
    source: str
    programmes: tuple[str, ...]
    weight: str | None
    columns: Mapping[str, str]
    respondents: int
    used: int
    dropped: Mapping[str, int]
    ungrouped: int
    missing: Mapping[str, Mapping[str, int]]
    differing: Mapping[str, int]
    labels: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Imported:
    """Aggregates of survey files.

    Args:
        options: how they were imported.
        files: what was found.
        totals: figures of societies by year.
        groups: figures below, in the order of `options.by`.
        suppressed: figures not given because they rest on too few, or would give such a one away.
        sources: society and year to the numbers of the files.
        own_map: the official procedure on these respondents.
        notes: what the user should know, in sentences.
    """

    options: Options
    files: tuple[FileReport, ...]
    totals: tuple[Figure, ...]
    groups: tuple[Figure, ...]
    suppressed: Mapping[str, int]
    sources: Mapping[tuple[str, int], tuple[int, ...]]
    own_map: OwnMap
    notes: tuple[str, ...]


def import_files(paths: Sequence[Path], options: Options | None = None, *, quiet: bool = True) -> Imported:
    """Reads survey files once, a part at a time, and gives aggregates only.

    Args:
        paths: WVS wave 7, WVS or EVS trend, Joint EVS/WVS or Integrated file (csv, sav, dta, or a zip with one csv).
        options: see `Options`.
        quiet: show no progress.

    Raises:
        BadInputError: a file cannot be used as it is, or two surveys of a society in one year are not chosen between.
    """
    options = options or Options()
    people = load_people()
    items = {item.variable: item for item in people.items if item.variable}
    slots = [Slot(v, *(int(end) for end in item_range(items[v]))) for v in VARIABLES]
    moments: dict[Survey, PairwiseMoments] = {}
    totals: Tally[Survey] = Tally(slots, MOST_CELLS)
    groups: Tally[Group] | None = Tally(slots, MOST_CELLS) if options.by else None
    reports = []
    for number, path in enumerate(paths):
        with open_survey(path) as reader:
            found = find_columns(safe_name(path), reader.columns, by=options.by, weight=options.weight)
            tally = FileTally(
                safe_name(path),
                number,
                found,
                totals,
                groups,
                moments,
                without=frozenset(c.upper() for c in options.without),
                bands=options.bands,
            )
            _read(reader, found, tally, quiet=quiet)
            reports.append(_report(path, reader, found, tally, totals, number))
    surveys = _choose(list(totals.keys), options, [r.name for r in reports])
    ids = {variable: item.id for variable, item in items.items()}
    whole, parts, small, silent = _figures(surveys, totals, groups, ids, options.minimum)
    if not whole:
        raise BadInputError(
            f"no society has {options.minimum} respondents with an answer: nothing to write (--min-cell sets the number)"
        )
    return Imported(
        options=options,
        files=tuple(reports),
        totals=tuple(whole),
        groups=tuple(parts),
        suppressed=small,
        sources={key: tuple(sorted({s.file for s in those})) for key, those in surveys.items()},
        own_map=fit_own_map(
            {key: [moments[s] for s in those] for key, those in surveys.items()}, options.minimum
        ),
        notes=_notes(reports, silent),
    )


def _read(reader: Reader, found: Found, tally: FileTally, *, quiet: bool) -> None:
    read, shown = 0.0, 0
    with Progress(int(reader.total), f"Import {tally.name}", unit=reader.unit, quiet=quiet) as progress:
        for chunk in reader.chunks(found.numeric, found.words):
            tally.add(chunk)
            read += chunk.done
            progress.advance(int(read) - shown)
            shown = int(read)
    tally.finish()


def _report(
    path: Path, reader: Reader, found: Found, tally: FileTally, totals: Tally[Survey], number: int
) -> FileReport:
    programmes = {s.programme for s in totals.keys if s.file == number}
    layout = (
        INTEGRATED if len(programmes) > 1 and found.layout.society == INTEGRATED.society else found.layout
    )
    return FileReport(
        name=safe_name(path),
        sha256=sha256(path),
        bytes=path.stat().st_size,
        form=reader.form,
        kind=layout.kind,
        title=layout.title,
        source=layout.source,
        programmes=tuple(sorted(programmes)),
        weight=found.weight,
        columns={**found.variables, **found.groups},
        respondents=tally.respondents,
        used=tally.used,
        dropped=dict(tally.dropped),
        ungrouped=tally.ungrouped,
        missing={v: dict(kinds) for v, kinds in tally.missing.items()},
        differing=dict(tally.differing),
        labels={
            word: reader.labels[column] for word, column in found.groups.items() if column in reader.labels
        },
    )


def _choose(surveys: list[Survey], options: Options, names: Sequence[str]) -> Surveys:
    """The surveys behind each society and year."""
    twice = [key for key, n in Counter((s.society, s.year, s.programme) for s in surveys).items() if n > 1]
    if twice:
        shown = ", ".join(
            f"{society} {year} ({programme.upper()})" for society, year, programme in sorted(twice)[:6]
        )
        raise BadInputError(
            f"the same survey is in several files ({', '.join(names)}): {shown}"
            f"{' and more' if len(twice) > 6 else ''}; import one file of those"
        )
    if options.programme in ("evs", "wvs"):
        surveys = [s for s in surveys if s.programme == options.programme]
        if not surveys:
            raise BadInputError(
                f"--programme {options.programme}: {', '.join(names)}: no survey of this programme"
            )
    found: Surveys = {}
    for survey in sorted(surveys):
        key = (survey.society, survey.year)
        found[key] = (*found.get(key, ()), survey)
    double = [f"{society} {year}" for (society, year), those in found.items() if len(those) > 1]
    if double and options.programme is None:
        raise BadInputError(
            f"both programmes surveyed {', '.join(double[:9])}{' and more' if len(double) > 9 else ''}: choose "
            "--programme wvs or evs for one of them alone, or --programme pooled for all respondents together"
        )
    return found


def _figures(
    surveys: Surveys, totals: Tally[Survey], groups: Tally[Group] | None, ids: Mapping[str, str], minimum: int
) -> tuple[list[Figure], list[Figure], dict[str, int], list[str]]:
    """Figures of societies and of groups, how many are too small, and societies without any answer."""
    below: dict[Survey, list[tuple[str, ...]]] = {}
    for survey, words in groups.keys if groups else ():
        below.setdefault(survey, []).append(words)
    whole: list[Figure] = []
    parts: list[Figure] = []
    small, silent = {"societies": 0, "groups": 0}, []
    for (society, year), those in surveys.items():
        known = totals.estimates(those)
        if not known:
            silent.append(f"{society} {year}")
        for variable, one in known.items():
            if one.n >= minimum:
                whole.append(Figure(society, year, (), ids[variable], variable, one))
            else:
                small["societies"] += 1
        if groups is None:
            continue
        cells = {
            words: groups.estimates([(s, words) for s in those if words in below.get(s, ())])
            for words in sorted({w for s in those for w in below.get(s, ())})
        }
        for variable, total in known.items():
            sizes = {words: found[variable].n for words, found in cells.items() if variable in found}
            kept = kept_cells(sizes, total.n, minimum)
            small["groups"] += len(sizes) - len(kept)
            parts += [
                Figure(society, year, words, ids[variable], variable, cells[words][variable])
                for words in kept
            ]
    return sorted(whole, key=_order), sorted(parts, key=_order), small, silent


def _order(figure: Figure) -> tuple[str, int, tuple[str, ...], str]:
    return figure.society, figure.year, figure.groups, figure.item


def _notes(files: Sequence[FileReport], silent: Sequence[str]) -> tuple[str, ...]:
    notes = []
    for file in files:
        for reason, count in file.dropped.items():
            notes.append(f"{file.name}: {count:,} of {file.respondents:,} respondents dropped: {reason}.")
        if file.ungrouped:
            notes.append(
                f"{file.name}: {file.ungrouped:,} respondents have no group (--by) and are in the totals only."
            )
        for index, count in file.differing.items():
            if count:
                notes.append(
                    f"{file.name}: {index} of {count:,} respondents differs from its components; the derived one is used."
                )
        for variable, kinds in file.missing.items():
            if kinds.get("off the scale"):
                notes.append(
                    f"{file.name}: {kinds['off the scale']:,} codes of {variable} lie off its scale and count as missing."
                )
    if silent:
        notes.append(f"No answer to any of the ten items: {', '.join(silent)}.")
    return tuple(notes)
