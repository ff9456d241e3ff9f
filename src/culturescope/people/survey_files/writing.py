"""The folder that an import leaves: tables of aggregates and where they come from. It appears whole or not at all."""

from __future__ import annotations

import csv
import datetime
import io
import secrets
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import culturescope
from culturescope.errors import BadInputError
from culturescope.people.survey_files.importing import Figure, Imported
from culturescope.people.survey_files.mapping import OwnMap
from culturescope.people.survey_files.societies import society_name
from culturescope.people.tables import load_people
from culturescope.runs.atomic import TEMPORARY_SUFFIX, disk_errors, write_json, write_text

FORMAT = 1
ABOUT = "import.json"
MEANS, SHARES = "item_means.csv", "distributions.csv"
GROUP_MEANS, GROUP_SHARES = "group_means.csv", "group_distributions.csv"
POSITIONS = "positions.csv"
FILES = (ABOUT, MEANS, SHARES, GROUP_MEANS, GROUP_SHARES, POSITIONS)
ERRORS = (
    "Standard errors come from Kish's effective sample size (se) or linearisation (se_linearised). The files name "
    "neither strata nor clusters, so the errors of clustered samples are larger than these."
)
CITE = (
    "Cite the data in whatever you publish with these figures; use is non-profit (WVSA) or scientific (EVS, GESIS); "
    "the survey files themselves must not be passed on."
)
SOURCES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "wvs7": (
        "World Values Survey, wave 7 (2017-2022), respondents' answers weighted by {weight}",
        "World Values Survey Association",
        ("10.14281/18241.24",),
    ),
    "joint": (
        "Joint EVS/WVS 2017-2022, respondents' answers weighted by {weight}",
        "European Values Study and World Values Survey Association",
        ("10.14281/18241.26", "10.4232/1.14023"),
    ),
    "wvs-trend": (
        "World Values Survey trend file 1981-2022, respondents' answers weighted by {weight}",
        "World Values Survey Association",
        ("10.14281/18241.23",),
    ),
    "evs-trend": (
        "EVS trend file 1981-2017 (ZA7503), respondents' answers weighted by {weight}",
        "European Values Study",
        ("10.4232/1.14021",),
    ),
    "integrated": (
        "Integrated Values Surveys 1981-2022 (EVS and WVS trend files), respondents' answers weighted by {weight}",
        "European Values Study and World Values Survey Association",
        ("10.4232/1.14021", "10.14281/18241.23"),
    ),
}


def check_output(folder: Path, *, overwrite: bool = False) -> None:
    """Says early whether the folder can be written.

    Raises:
        BadInputError: something else stands there, or an import does and is not to be replaced.
    """
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir():
        raise BadInputError(f"{folder} is a file; --output needs a folder")
    inside = {p.name for p in folder.iterdir()}
    if not inside:
        return
    if ABOUT not in inside or not inside <= set(FILES):
        raise BadInputError(f"{folder} holds other files; --output needs a new or empty folder")
    if not overwrite:
        raise BadInputError(f"{folder} holds an import already; --overwrite replaces it")


def write_import(found: Imported, folder: Path, *, overwrite: bool = False) -> Path:
    """Writes the aggregates as csv with their provenance as JSON, and returns the folder.

    Raises:
        BadInputError: see `check_output`.
        RunFailedError, RunFolderError: the disk is full, or the place cannot be written.
    """
    check_output(folder, overwrite=overwrite)
    keys = source_keys(found)
    by = [b.lower() for b in found.options.by]
    beside = folder.with_name(f".{folder.name[:60]}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside.mkdir()
        try:
            write_text(beside / MEANS, _means(found.totals, (), found, keys))
            write_text(beside / SHARES, _shares(found.totals, ()))
            if found.options.by:
                write_text(beside / GROUP_MEANS, _means(found.groups, by, found, keys))
                write_text(beside / GROUP_SHARES, _shares(found.groups, by))
            if found.own_map.projection:
                write_text(beside / POSITIONS, _positions(found))
            write_json(beside / ABOUT, about(found))
            if folder.exists():
                old = beside.with_name(beside.name.replace(TEMPORARY_SUFFIX, f"-old{TEMPORARY_SUFFIX}"))
                folder.replace(old)
                beside.replace(folder)
                shutil.rmtree(old, ignore_errors=True)
            else:
                beside.replace(folder)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
    return folder


def source_keys(found: Imported) -> tuple[str, ...]:
    """Key of the source of each file."""
    return tuple(
        f"import-{f.source}" if n == 0 else f"import-{f.source}-{n + 1}" for n, f in enumerate(found.files)
    )


def about(found: Imported) -> dict[str, Any]:
    """Where the figures come from, as JSON: files with their hashes, columns, weights, what is missing, what to cite."""
    known = {s.code: s.name for s in load_people().societies.values()}
    years = Counter((f.society, f.year) for f in found.totals)
    options = found.options
    return {
        "format": FORMAT,
        "culturescope": culturescope.__version__,
        "written": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "by": list(options.by),
        "age_bands": list(options.bands) if "age_group" in (b.lower() for b in options.by) else None,
        "programme": options.programme,
        "minimum_respondents": options.minimum,
        "suppressed_figures": dict(found.suppressed),
        "errors": ERRORS,
        "cite": CITE,
        "files": [
            {
                "name": f.name,
                "sha256": f.sha256,
                "bytes": f.bytes,
                "format": f.form,
                "kind": f.kind,
                "title": f.title,
                "programmes": list(f.programmes),
                "weight": f.weight,
                "columns": dict(f.columns),
                "respondents": f.respondents,
                "used": f.used,
                "dropped": dict(f.dropped),
                "without_group": f.ungrouped,
                "missing": {v: dict(kinds) for v, kinds in f.missing.items()},
                "index_differs_from_components": dict(f.differing),
                "group_labels": {w: dict(labels) for w, labels in f.labels.items()},
            }
            for f in found.files
        ],
        "societies": [
            {"code": code, "year": year, "name": society_name(code, known), "items": items}
            for (code, year), items in sorted(years.items())
        ],
        "sources": {
            key: _source(f.source, f.weight) for key, f in zip(source_keys(found), found.files, strict=True)
        },
        "map": _own_map(found.own_map),
        "notes": list(found.notes),
    }


def _own_map(found: OwnMap) -> dict[str, Any]:
    if found.projection is None:
        return {"series": None, "problem": found.problem}
    gap = found.against_official
    return {
        "series": found.projection.series,
        "societies": len(found.positions),
        "is_official": found.is_official,
        "root_mean_square_to_official": {"x": gap.x, "y": gap.y, "societies": gap.societies} if gap else None,
    }


def _positions(found: Imported) -> str:
    rows = [
        [
            code,
            year,
            f"{p.x:.4f}",
            f"{p.y:.4f}",
            _error(p.se_x),
            _error(p.se_y),
            p.complete,
            f"{p.effective:.1f}",
            p.series,
        ]
        for (code, year), p in sorted(found.own_map.positions.items())
    ]
    return _table(["code", "year", "x", "y", "se_x", "se_y", "n", "n_effective", "series"], rows)


def _error(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _source(source: str, weight: str | None) -> dict[str, Any]:
    title, by, doi = SOURCES[source]
    title = title.format(weight=weight) if weight else title.replace("weighted by {weight}", "not weighted")
    return {"title": title, "by": by, "doi": list(doi)}


def _means(figures: Iterable[Figure], by: Sequence[str], found: Imported, keys: Sequence[str]) -> str:
    header = [
        "code",
        "year",
        *by,
        "item",
        "variable",
        "mean",
        "se",
        "se_linearised",
        "n",
        "n_effective",
        "source",
    ]
    rows = []
    for f in figures:
        e = f.estimate
        source = "+".join(keys[n] for n in found.sources[f.society, f.year])
        errors = [f"{e.mean:.6f}", f"{e.se:.6f}", f"{e.se_linearised:.6f}", e.n, f"{e.n_effective:.1f}"]
        rows.append([f.society, f.year, *f.groups, f.item, f.variable, *errors, source])
    return _table(header, rows)


def _shares(figures: Iterable[Figure], by: Sequence[str]) -> str:
    low = {i.variable: i.scale.low for i in load_people().items if i.scale}
    rows = [
        [f.society, f.year, *f.groups, f.item, f.variable, low[f.variable] + n, f"{share:.4f}", f.estimate.n]
        for f in figures
        for n, share in enumerate(f.estimate.shares)
    ]
    return _table(["code", "year", *by, "item", "variable", "answer", "share", "n"], rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
