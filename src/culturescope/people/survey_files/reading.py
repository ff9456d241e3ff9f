"""One survey file into a tally: who counts, with what weight, in which cell, with which answers."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError
from culturescope.people.moments import VARIABLES, PairwiseMoments
from culturescope.people.survey_files import deriving
from culturescope.people.survey_files.columns import COMPONENTS, DIRECT, Found
from culturescope.people.survey_files.deriving import Floats
from culturescope.people.survey_files.opening import Chunk
from culturescope.people.survey_files.societies import society_code
from culturescope.people.survey_files.tallying import Tally

PROGRAMMES = {1: "evs", 2: "wvs"}
MOST_CELLS = 50_000
Group = tuple["Survey", tuple[str, ...]]
LOW_AGE, HIGH_AGE = 1, 120
LONGEST_WORD = 200
LARGEST_WEIGHT = 1e9


@dataclass(frozen=True, order=True)
class Survey:
    """A society surveyed by a programme in a year, in file number `file`."""

    society: str
    year: int
    programme: str
    file: int


class FileTally:
    """Adds the chunks of one file up.

    Args:
        name: of the file, for errors.
        number: of the file among those imported together.
        found: its columns.
        totals: tally of surveys (`Survey`), shared by the files.
        groups: tally below them (`Survey`, words), or None.
        moments: sums for the projection by `Survey`, shared by the files.
        without: societies to leave out.
        bands: ages at which a new age group begins.
    """

    def __init__(
        self,
        name: str,
        number: int,
        found: Found,
        totals: Tally[Survey],
        groups: Tally[Group] | None,
        moments: dict[Survey, PairwiseMoments],
        *,
        without: frozenset[str] = frozenset(),
        bands: Sequence[int] = (),
    ) -> None:
        self.name = name
        self.respondents = 0
        self.used = 0
        self.ungrouped = 0
        self.dropped: Counter[str] = Counter()
        self.missing: dict[str, Counter[str]] = defaultdict(Counter)
        self.differing: Counter[str] = Counter()
        self._number = number
        self._found = found
        self._totals = totals
        self._groups = groups
        self._moments = moments
        self._without = without
        self._bands = tuple(bands)
        self._scales = {s.name: (s.low, s.high) for s in totals.slots}
        self._codings = deriving.Codings()
        self._seen: Counter[str] = Counter()
        self._counted: Counter[str] = Counter()
        self._words: dict[str, dict[str, str]] = defaultdict(dict)

    def add(self, chunk: Chunk) -> None:
        """Adds some respondents.

        Raises:
            BadInputError: labels instead of codes, another wave, too many cells.
        """
        found = self._found
        if chunk.text:
            raise BadInputError(
                f"{self.name}: {', '.join(sorted(chunk.text))} holds text where codes were expected (labels instead "
                "of codes?); export the file again with numeric codes"
            )
        self._check_wave(chunk)
        keep, society, programme = self._who(chunk)
        year = chunk.numbers[found.year][keep].astype(np.int64)
        size = len(keep)
        weights = chunk.numbers[found.weight] if found.weight else np.ones(size)
        self.respondents += size
        self.used += int(keep.sum())
        if not keep.any():
            return
        values = self._values({c: v[keep] for c, v in chunk.numbers.items()})
        base = (society[keep] * 10_000 + year) * 4 + programme[keep]
        kinds, cell = np.unique(base, return_inverse=True)
        surveys = [
            Survey(society_code(k // 40_000), k // 4 % 10_000, PROGRAMMES[k % 4], self._number)
            for k in kinds.tolist()
        ]
        for survey, count in zip(surveys, np.bincount(cell).tolist(), strict=True):
            self._counted[survey.society] += count
        try:
            self._totals.add(surveys, cell, weights[keep], values)
        except OverflowError:
            raise BadInputError(
                f"{self.name}: {found.society} and {found.year} name more than {MOST_CELLS:,} societies and years: "
                "these are not the codes of the surveys"
            ) from None
        answers = np.column_stack([values[v] for v in VARIABLES])
        for number, survey in enumerate(surveys):
            here = cell == number
            self._moments.setdefault(survey, PairwiseMoments()).add(answers[here], weights[keep][here])
        if self._groups is not None:
            self._add_groups(self._groups, chunk, keep, surveys, cell, weights[keep], values)

    def finish(self) -> None:
        """Checks what can only be said at the end of the file.

        Raises:
            BadInputError: nobody counts, a society has nobody, or the codes are not those of the survey.
        """
        self._codings.check(self.name)
        reasons = ", ".join(f"{reason}: {count:,}" for reason, count in self.dropped.most_common())
        if not self.respondents:
            raise BadInputError(f"{self.name} has columns but no respondents; download it again")
        if not self.used:
            raise BadInputError(
                f"{self.name}: none of its {self.respondents:,} respondents can be used"
                + (f" ({reasons})" if reasons else "")
                + "; --weight COLUMN takes another weight, --weight none does without"
            )
        empty = [s for s in self._seen if not self._counted[s]]
        if empty:
            raise BadInputError(
                f"{self.name}: {', '.join(sorted(empty))}: empty, no respondent has a valid weight, year and programme; "
                f"--without {','.join(sorted(empty))} leaves it out"
            )

    def _check_wave(self, chunk: Chunk) -> None:
        if self._found.wave and self._found.layout.wave:
            waves = np.unique(chunk.numbers[self._found.wave])
            waves = waves[~np.isnan(waves)]
            wanted = self._found.layout.wave[1]
            if (waves != wanted).any():
                other = ", ".join([f"{w:g}" for w in waves if w != wanted][:4])
                raise BadInputError(
                    f"{self.name}: {self._found.wave} holds {other}: a {self._found.layout.title} file is of wave "
                    f"{wanted} only; for several waves import the WVS trend file"
                )

    def _who(self, chunk: Chunk) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
        """Who is kept, and the society and programme of each; the first reason against somebody is counted."""
        found, numbers = self._found, chunk.numbers
        society = numbers[found.society]
        size = len(society)
        weights = numbers[found.weight] if found.weight else np.ones(size)
        programme = (
            numbers[found.programme] if found.programme else np.full(size, _code(found.layout.programme))
        )
        year = numbers[found.year]
        there = (society > 0) & (society < 100_000) & (society == np.floor(society))
        whole = np.where(there, society, 0).astype(np.int64)
        codes = {int(number): society_code(int(number)) for number in np.unique(whole)}
        left = [number for number, code in codes.items() if code in self._without]
        keep = np.ones(size, dtype=bool)
        with np.errstate(invalid="ignore"):
            reasons = {
                "no society": ~there,
                "society left out as asked": np.isin(whole, left),
                "no year": ~((year > 1900) & (year < 2100)),
                "no programme": ~np.isin(programme, list(PROGRAMMES)),
                "weight missing": ~((weights >= 0) & (weights < LARGEST_WEIGHT)),
                "weight zero": weights == 0,
            }
        for reason, against in reasons.items():
            count = int((keep & against).sum())
            if count:
                self.dropped[reason] += count
            keep &= ~against
            if reason == "society left out as asked":
                for number, count in zip(*np.unique(whole[keep], return_counts=True), strict=True):
                    self._seen[codes[int(number)]] += int(count)
        return keep, whole, np.where(keep, programme, 0).astype(np.int64)

    def _values(self, numbers: Mapping[str, Floats]) -> dict[str, Floats]:
        """Variable to answers; counts what is missing and what is odd."""
        column = self._found.variables
        values: dict[str, Floats] = {}
        indices = {i: parts for i, parts in COMPONENTS.items() if all(p in column for p in parts)}
        for variable in (*DIRECT, *COMPONENTS):
            if variable in column:
                codes = numbers[column[variable]]
                values[variable], kinds = deriving.answers(variable, codes, *self._scales[variable])
                valid = int((~np.isnan(values[variable])).sum())
                self._codings.scale(column[variable], valid, kinds[deriving.OFF])
                if variable not in indices:
                    self.missing[variable] += kinds
        for index, parts in indices.items():
            components = [numbers[column[p]] for p in parts]
            if index == "Y003":
                for part, one in zip(parts, components, strict=True):
                    self._codings.quality(column[part], one)
                derived = deriving.autonomy(*(deriving.mentioned(one) for one in components))
            else:
                derived = deriving.postmaterialism(*components)
            given = values.get(index)
            if given is not None:
                self.differing[index] += int(
                    (~np.isnan(derived) & ~np.isnan(given) & (derived != given)).sum()
                )
            values[index], kinds = deriving.index_answers(derived, given, components)
            self.missing[index] += kinds
        return values

    def _add_groups(
        self,
        tally: Tally[Group],
        chunk: Chunk,
        keep: NDArray[np.bool_],
        surveys: Sequence[Survey],
        cell: NDArray[np.int64],
        weights: Floats,
        values: Mapping[str, Floats],
    ) -> None:
        words = [self._group(word, chunk, keep) for word in self._found.groups]
        there = np.ones(len(cell), dtype=bool)
        key = cell.copy()
        for each in words:
            names, code = np.unique(each, return_inverse=True)
            there &= each != ""
            key = np.unique(key * len(names) + code, return_inverse=True)[1]
        self.ungrouped += int((~there).sum())
        if not there.any():
            return
        _, first, place = np.unique(key[there], return_index=True, return_inverse=True)
        rows = np.flatnonzero(there)[first]
        keys = [(surveys[cell[r]], tuple(str(each[r]) for each in words)) for r in rows.tolist()]
        try:
            tally.add(keys, place, weights[there], {s: v[there] for s, v in values.items()})
        except OverflowError:
            raise BadInputError(
                f"{self.name}: --by {','.join(self._found.groups)} makes more than {MOST_CELLS:,} cells; take columns "
                "with fewer values"
            ) from None

    def _group(self, word: str, chunk: Chunk, keep: NDArray[np.bool_]) -> NDArray[np.str_]:
        """The group of each respondent, "" where it is missing (blank or a negative code)."""
        column = self._found.groups[word]
        if word in self._found.ages:
            ages = chunk.numbers[column][keep]
            names = np.array(["", *age_bands(self._bands)])
            with np.errstate(invalid="ignore"):
                valid = (ages >= LOW_AGE) & (ages <= HIGH_AGE)
            return np.asarray(names[np.where(valid, np.searchsorted(self._bands, ages, side="right") + 1, 0)])
        known = self._words[column]
        found = np.array([w[:LONGEST_WORD] for w in chunk.words[column]], dtype=np.str_)[keep]
        names, code = np.unique(found, return_inverse=True)
        clean = [known.setdefault(n, _clean(n)) for n in names.tolist()]
        return np.array(clean, dtype=np.str_)[code]


def age_bands(begins: Sequence[int]) -> tuple[str, ...]:
    """Names of the age groups that begin at these ages, with one below the first.

    Example:
        >>> age_bands((30, 50))
        ('under 30', '30-49', '50 and over')
    """
    middle = [f"{a}-{b - 1}" for a, b in itertools.pairwise(begins)]
    return (f"under {begins[0]}", *middle, f"{begins[-1]} and over")


def _clean(word: str) -> str:
    """Whole numbers are written alike in all formats; negative codes are missing."""
    try:
        number = float(word)
    except ValueError:
        return word
    if not np.isfinite(number) or number < 0:
        return ""
    return f"{number:.15g}"


def _code(programme: str) -> int:
    return {name: code for code, name in PROGRAMMES.items()}[programme]
