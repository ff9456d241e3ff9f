"""SPSS and Stata files, through pyreadstat, some respondents at a time and only the columns that are needed.

Declared missing values are kept as they are: a sav file may declare -2 missing for Y003, where it is an answer.
Chunks start at an offset. Stata and plain SPSS files seek there; compressed SPSS files decode what lies before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from culturescope.errors import BadInputError
from culturescope.people.survey_files.deriving import STATA
from culturescope.people.survey_files.opening import Chunk, Floats
from culturescope.people.survey_files.reading_csv import BLANKS

ROWS = 50_000
OTHER_ENCODING = "windows-1252"


class StatReader:
    """A file of SPSS (`form` sav, also compressed) or Stata (dta)."""

    unit = "respondents"

    def __init__(self, name: str, path: Path, form: str) -> None:
        self.name = name
        self.form = form
        self._path = path
        self._encoding: str | None = None
        _, about = self._call(metadataonly=True)
        self.columns = tuple(about.column_names)
        if not self.columns or not all(self.columns):
            raise self._damaged()
        self._rows = about.number_rows
        self.total = float(self._rows or 0)
        kinds = about.readstat_variable_types
        self._strings = {c for c in self.columns if kinds.get(c) == "string"}
        self.labels = {
            column: {_word(code): str(label) for code, label in labels.items()}
            for column, labels in about.variable_value_labels.items()
        }

    def chunks(self, numbers: tuple[str, ...], words: tuple[str, ...]) -> Iterator[Chunk]:
        """Reads the columns from the first respondent to the last.

        Raises:
            BadInputError: the file is damaged or cut off.
        """
        wanted = list(dict.fromkeys((*numbers, *words)))
        start = 0
        while self._rows is None or start < self._rows:
            data, _ = self._call(usecols=wanted, row_offset=start, row_limit=ROWS)
            rows = len(data[wanted[0]])
            if self._encoding and (unsure := self._strings & set(words)):
                raise BadInputError(
                    f"{self.name}: {', '.join(sorted(unsure))} holds text in another encoding than the file says: "
                    "save the file as UTF-8"
                )
            if not rows and self._rows is None:
                return
            if self._rows is not None and rows != min(ROWS, self._rows - start):
                raise self._damaged()
            text: dict[str, int] = {}
            found = {}
            for column in numbers:
                found[column], odd = _numbers(data[column], strings=column in self._strings)
                if odd:
                    text[column] = odd
            yield Chunk(found, {c: self._words(c, data[c]) for c in words}, text, float(rows))
            start += rows

    def _call(self, **options: Any) -> tuple[Mapping[str, list[Any]], Any]:
        import pyreadstat

        read = pyreadstat.read_sav if self.form == "sav" else pyreadstat.read_dta
        try:
            data, about = read(
                str(self._path),
                output_format="dict",
                user_missing=True,
                disable_datetime_conversion=True,
                encoding=self._encoding,
                **options,
            )
        # Of a file without what its header promises pyreadstat itself makes a TypeError.
        except (
            pyreadstat.ReadstatError,
            pyreadstat.PyreadstatError,
            ValueError,
            OverflowError,
            TypeError,
        ) as error:
            if self._encoding is None and (isinstance(error, UnicodeDecodeError) or "encoding" in str(error)):
                # Labels in another encoding than the file says do not hinder codes.
                self._encoding = OTHER_ENCODING
                return self._call(**options)
            raise self._damaged() from None
        return data, about

    def _words(self, column: str, values: list[Any]) -> list[str]:
        # A letter in a column of numbers is an extended missing value.
        plain = column in self._strings
        return [_word(v) if plain or not isinstance(v, str) else "" for v in values]

    def _damaged(self) -> BadInputError:
        other = "dta (Stata)" if self.form == "sav" else "sav (SPSS)"
        return BadInputError(
            f"{self.name}: this {self.form} file cannot be read: it is broken or cut off; download it again, "
            f"or take the {other} or csv file of the same data"
        )


def _numbers(values: list[Any], *, strings: bool) -> tuple[Floats, int]:
    """Codes with NaN for blanks and `STATA - n` for extended missing values, and the number of cells that are text."""
    if not strings:
        try:
            return np.array(values, dtype=np.float64), 0
        except (ValueError, TypeError):
            letters = {chr(ord("a") + n): STATA - min(n + 1, 5) for n in range(26)}
            return np.array(
                [letters.get(v, v) if isinstance(v, str) else v for v in values], dtype=np.float64
            ), 0
    found = np.full(len(values), np.nan)
    odd = 0
    for n, value in enumerate(values):
        word = (value or "").strip()
        if word in BLANKS:
            continue
        try:
            found[n] = float(word)
        except ValueError:
            odd += 1
    return found, odd


def _word(value: Any) -> str:
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else f"{value:.15g}"
