"""What a file is, told by its first bytes; its content is never unpacked to the disk."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import hashlib
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from culturescope.errors import BadInputError

Floats = NDArray[np.float64]
UNPACKED_LIMIT = 8 << 30
RATIO_LIMIT = 200
EXPORT = "export it as csv, sav (SPSS) or dta (Stata)"


@dataclass(frozen=True)
class Chunk:
    """Some respondents of a file.

    Args:
        numbers: column to codes (n), NaN where blank.
        words: column to words (n), "" where blank.
        text: columns of numbers that hold text, with the number of cells.
        done: amount of the file read since the last chunk, in the unit of the reader.
    """

    numbers: dict[str, Floats]
    words: dict[str, list[str]]
    text: dict[str, int]
    done: float


class Reader(Protocol):
    """A survey file that can be read once, a part at a time.

    `form` is csv, sav or dta, `total` the size in `unit`; `labels` are value labels by column, where the file has them.
    """

    form: str
    columns: tuple[str, ...]
    total: float
    unit: str
    labels: dict[str, dict[str, str]]

    def chunks(self, numbers: tuple[str, ...], words: tuple[str, ...]) -> Iterator[Chunk]:
        """Reads the columns from the first respondent to the last."""
        ...


@contextlib.contextmanager
def open_survey(path: Path) -> Iterator[Reader]:
    """Opens a survey file: csv, sav, zsav, dta, or a zip with one csv.

    Raises:
        BadInputError: there is no such file, or it is nothing that can be read.
    """
    from culturescope.people.survey_files.reading_csv import CsvReader
    from culturescope.people.survey_files.reading_stat import StatReader

    name = safe_name(path)
    try:
        with path.open("rb") as file:
            head = file.read(64)
            form = _form(name, head, path)
            if form == "csv":
                file.seek(0)
                yield CsvReader(name, file, path.stat().st_size)
            elif form == "zip":
                with _member(name, path) as (member, size):
                    yield CsvReader(name, member, size)
            else:
                yield StatReader(name, path, form)
    except OSError as error:
        raise BadInputError(f"{name} cannot be read: {error.strerror or 'input/output error'}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        if form != "zip":
            raise
        reason = "it has a password" if "password" in str(error) else "it is broken or cut off"
        raise BadInputError(f"{name}: this zip file cannot be read: {reason}; download it again") from None


def safe_name(path: Path) -> str:
    """A file's name for messages, without what a terminal might act upon."""
    return "".join(c if c.isprintable() else "?" for c in path.name)


def sha256(path: Path) -> str:
    """Hash of a file's content."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def _form(name: str, head: bytes, path: Path) -> str:
    if not head:
        raise BadInputError(f"{name} is empty")
    if head.startswith((b"$FL2", b"$FL3")):
        return "sav"
    if head.startswith(b"<stata_dta>") or (
        head[0] in (0x69, 0x6C, 0x6E, 0x6F, 0x71, 0x72, 0x73) and head[2] == 1
    ):
        return "dta"
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    kinds: dict[bytes, tuple[str, Callable[[Path], Any]]] = {
        b"\x1f\x8b": ("compressed by gzip", gzip.GzipFile),
        b"BZh": ("compressed by bzip2", bz2.BZ2File),
        b"\xfd7zXZ": ("compressed by xz", lzma.LZMAFile),
    }
    for start, (what, opened) in kinds.items():
        if head.startswith(start):
            with contextlib.suppress(OSError, EOFError, lzma.LZMAError, zlib.error), opened(path) as file:
                head = file.read(8)
            if not _is_r(head):
                raise BadInputError(f"{name} is {what}: unpack it first")
    if _is_r(head):
        raise BadInputError(
            f"{name} is an R file (.rds, .RData): {EXPORT}, in R for example with haven::write_sav"
        )
    foreign = {
        b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xc2\xea\x81\x60": "a SAS file",
        b"HEADER RECORD": "a SAS transport file",
        b"%PDF": "a PDF file",
        b"\xd0\xcf\x11\xe0": "an old Office file",
        b"PAR1": "a Parquet file",
        b"7z\xbc\xaf": "a 7z archive",
        b"Rar!": "a rar archive",
    }
    for start, what in foreign.items():
        if head.startswith(start):
            raise BadInputError(f"{name} is {what}: {EXPORT}")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in head:
        raise BadInputError(f"{name} is no text in UTF-8, and not a sav or dta file: {EXPORT} (csv as UTF-8)")
    if head.lstrip().startswith((b"<", b"{")):
        raise BadInputError(
            f"{name} is a web page or a document, not a survey file: download the data file itself"
        )
    return "csv"


def _is_r(head: bytes) -> bool:
    return head.startswith((b"RDX", b"RDA", b"RDB", b"X\n\x00\x00", b"A\n2\n", b"A\n3\n"))


@contextlib.contextmanager
def _member(name: str, path: Path) -> Iterator[tuple[IO[bytes], int]]:
    """The only file of a zip, read as a stream: nothing is written, so its path does not matter."""
    with zipfile.ZipFile(path) as archive:
        files = [i for i in archive.infolist() if not i.is_dir() and not i.filename.startswith("__MACOSX/")]
        if len(files) != 1:
            raise BadInputError(
                f"{name} holds {len(files)} files: unpack it and import the csv, sav or dta file"
            )
        (one,) = files
        if one.file_size > UNPACKED_LIMIT or one.file_size > RATIO_LIMIT * max(one.compress_size, 1 << 16):
            raise BadInputError(
                f"{name} would unpack to {one.file_size / 1e9:.1f} GB, more than a survey file has: not read"
            )
        with archive.open(one) as file:
            head = file.peek(64)[:64]  # type: ignore[attr-defined]
            if head.startswith((b"$FL2", b"$FL3", b"<stata_dta>", b"PK", b"\x1f\x8b")) or b"\x00" in head:
                raise BadInputError(f"{name} holds no csv: unpack it and import the file that is in it")
            yield file, one.file_size
