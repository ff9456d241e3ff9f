"""Csv files, read in blocks that end where a record ends, so that memory does not grow with the file."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

import numpy as np

from culturescope.errors import BadInputError
from culturescope.people.survey_files.opening import Chunk

if TYPE_CHECKING:
    import polars as pl

BLOCK = 16 << 20
LONGEST = 64 << 20
"""Bytes that one record, or the header, may have at most."""
QUOTED = re.compile(rb'"[^"]*"')
BLANKS = ("", "NA", "N/A", "NaN", "nan", ".", "NULL", "#NULL!")
SEPARATORS = (",", ";", "\t", "|")


class CsvReader:
    """A csv file with a header, separated by comma, semicolon, tab or bar; with semicolons a decimal comma is read too."""

    form = "csv"
    unit = "MB"

    def __init__(self, name: str, file: IO[bytes], size: int) -> None:
        self.name = name
        self.total = size / 1e6
        self.labels: dict[str, dict[str, str]] = {}
        self._file = file
        self._size = size
        self._read = 0
        self._rest = self._take().removeprefix(codecs.BOM_UTF8)
        while b"\n" not in self._rest and (more := self._take()):
            self._rest += more
            self._short()
        self._header, _, self._rest = self._rest.partition(b"\n")
        self._header = self._header.rstrip(b"\r")
        line = self._header.decode("utf-8", "replace")
        self._separator = max(SEPARATORS, key=line.count)
        self.columns = tuple(c.strip().strip('"').strip() for c in line.split(self._separator))
        if len(self.columns) < 2:
            raise BadInputError(
                f"{name}: the first line is no header of a csv file (columns with , or ; between)"
            )

    def chunks(self, numbers: tuple[str, ...], words: tuple[str, ...]) -> Iterator[Chunk]:
        """Reads the columns from the first respondent to the last.

        Raises:
            BadInputError: the file is cut off, its records are uneven, or words are not in UTF-8.
        """
        done = 0
        while block := self._block():
            yield self._parse(block, numbers, words, (self._read - done) / 1e6)
            done = self._read

    def _take(self) -> bytes:
        data = self._file.read(BLOCK)
        self._read += len(data)
        if self._read > self._size:
            raise BadInputError(f"{self.name} unpacks to more than it says: not read")
        return data

    def _short(self) -> None:
        if len(self._rest) > LONGEST:
            raise BadInputError(f"{self.name}: a record does not end (a quotation mark that is not closed?)")

    def _block(self) -> bytes:
        """The next whole records; line ends inside of quotation marks do not end one."""
        while True:
            more = self._take()
            text = self._rest + more
            if not more:
                self._rest = b""
                if text.count(b'"') % 2:
                    raise BadInputError(
                        f"{self.name} is cut off: its last record does not end; download it again"
                    )
                if text.strip() and not text.endswith((b"\n", b"\r")):
                    self._whole(text[text.rfind(b"\n") + 1 :])
                return text if text.strip() else b""
            end = text.rfind(b"\n")
            while end >= 0 and text.count(b'"', 0, end) % 2:
                end = text.rfind(b"\n", 0, text.rfind(b'"', 0, end))
            if end >= 0:
                self._rest = text[end + 1 :]
                return text[: end + 1]
            self._rest = text
            self._short()

    def _whole(self, last: bytes) -> None:
        if last.count(self._separator.encode()) < len(self.columns) - 1:
            raise BadInputError(f"{self.name} is cut off: its last record lacks columns; download it again")

    def _check_even(self, block: bytes) -> None:
        """Every record has as many columns as the header: one more or less would shift answers into other columns."""
        bare = np.frombuffer(QUOTED.sub(b"", block) if b'"' in block else block, dtype=np.uint8)
        separators = np.flatnonzero(bare == ord(self._separator))
        counts = np.diff(np.searchsorted(separators, np.flatnonzero(bare == ord("\n"))), prepend=0)
        wrong = counts[counts != len(self.columns) - 1]
        if len(wrong):
            raise BadInputError(
                f"{self.name}: {len(wrong):,} records have {'fewer' if (wrong < len(self.columns) - 1).all() else 'more'} "
                "columns than the header: the file is damaged; download it again"
            )

    def _parse(self, block: bytes, numbers: tuple[str, ...], words: tuple[str, ...], done: float) -> Chunk:
        import polars as pl

        block = block.replace(b"\r\n", b"\n").strip(b"\n") + b"\n"
        while b"\n\n" in block:
            block = block.replace(b"\n\n", b"\n")
        self._check_even(block)
        wanted = {self.columns.index(c): c for c in (*numbers, *words)}
        try:
            frame = pl.read_csv(
                self._header + b"\n" + block,
                separator=self._separator,
                columns=sorted(wanted),
                infer_schema=False,
                encoding="utf8-lossy",
            )
        except pl.exceptions.PolarsError:
            raise BadInputError(
                f"{self.name}: some records cannot be told apart (quotation marks that do not close?); download it again"
            ) from None
        frame.columns = [wanted[i] for i in sorted(wanted)]
        text: dict[str, int] = {}
        found = {}
        for column in numbers:
            values, odd = self._numbers(frame[column])
            found[column] = values.to_numpy()
            if odd:
                text[column] = odd
        return Chunk(found, {c: self._words(frame[c]) for c in words}, text, done)

    def _numbers(self, column: pl.Series) -> tuple[pl.Series, int]:
        import polars as pl

        bare = column.str.strip_chars(" \t\"'").fill_null("")
        if self._separator == ";":
            bare = bare.str.replace(",", ".", literal=True)
        values = bare.cast(pl.Float64, strict=False)
        blank = bare.is_in(BLANKS)
        odd = int((values.is_null() & ~blank).sum())
        return values.set(blank, None).fill_null(float("nan")), odd

    def _words(self, column: pl.Series) -> list[str]:
        found: list[str] = column.fill_null("").str.strip_chars(" \t\"'").to_list()
        if any("\ufffd" in word for word in set(found)):
            raise BadInputError(
                f"{self.name}: {column.name} holds text that is not UTF-8: save the file as UTF-8"
            )
        return found
