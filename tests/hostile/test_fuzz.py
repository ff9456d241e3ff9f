"""Changed files for every reader: an error of the toolkit in one line, or an answer; no traceback, hang, or file elsewhere.

The examples are the same in every run. More of them, drawn anew: `make fuzz N=100000`, which reports counts.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from culturescope.errors import CulturescopeError
from tests.hostile.mutation import DEEP, Edit, edits, mutated
from tests.hostile.readers import READERS, Reader, imported_readers

ALL = [*READERS, *imported_readers()]
WANTED = int(os.environ.get("CULTURESCOPE_FUZZ", "0"))
SLOWEST = 20.0  # seconds for one file; a hang ends the process after three times as long, with the place where it hung
MEMORY = 2 << 30  # more than at the beginning


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Whoever asks for more memory gets a MemoryError, which no reader may hand on; whoever hangs is shown."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = (
        int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        if sys.platform == "linux"
        else 0
    )
    if used:
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))
    faulthandler.dump_traceback_later(3 * SLOWEST, exit=True, file=sys.__stderr__)
    began = time.monotonic()
    try:
        yield
        assert time.monotonic() - began < SLOWEST
    finally:
        faulthandler.cancel_dump_traceback_later()
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def names(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*")}


@pytest.mark.parametrize("reader", ALL, ids=lambda reader: reader.name)
def test_a_changed_file_is_read_or_refused_in_one_line(
    reader: Reader, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good_folder, folder = tmp_path / "good", tmp_path / "files"
    good_folder.mkdir()
    folder.mkdir()
    good = reader.good(good_folder)
    if reader.around is not None:
        reader.around(folder)
    file = folder / reader.file
    file.write_bytes(reader.wrap(good))
    with contextlib.suppress(CulturescopeError):  # the template among them is hostile as it is
        reader.read(file)
    before = names(tmp_path)
    seen: Counter[str] = Counter()

    examples = reader.share if not WANTED else max(1, WANTED * reader.share // sum(r.share for r in ALL))

    @settings(
        max_examples=examples,
        derandomize=not WANTED,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(changes=edits(reader.kinds))
    def check(changes: list[Edit]) -> None:
        read_one(changes)

    def read_one(changes: list[Edit]) -> None:
        file.write_bytes(reader.wrap(mutated(good, changes, reader.head)))
        try:
            with bounded():
                reader.read(file)
        except CulturescopeError as error:
            line = str(error)
            seen["refused"] += 1
        else:
            line = "read"
            seen["read"] += 1
        assert line
        assert line.isprintable()

    def nasty() -> None:
        """What a random draw hits too rarely: nests and numbers without end, in a few places of every text."""
        for atom in (DEEP, b'{"a":' * 5_000, b"1" + b"0" * 5_000, b"\x00", b'"\\ud800"'):
            for share in (0.0, 0.3, 0.6, 0.9):
                read_one([("token", share, 0, atom)])

    if reader.share >= 20 and "token" in reader.kinds:
        nasty()
    check()
    assert names(tmp_path) == before
    assert sum(seen.values()) >= min(examples, 5)
    with capsys.disabled():
        if WANTED:
            print(
                f"\n{reader.name}: {seen['read'] + seen['refused']} files, {seen['refused']} refused",
                flush=True,
            )


def test_the_number_of_files_in_continuous_integration() -> None:
    assert sum(reader.share for reader in ALL) >= 2_000
