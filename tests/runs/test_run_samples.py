"""`samples.jsonl` under truncation, garbage, a full disk and real kills."""

from __future__ import annotations

import json
import math
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culturescope.errors import RunFailedError, RunFolderError
from culturescope.runs.samples import SampleLog

values = st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
batches = st.lists(st.dictionaries(st.text(max_size=5), values, max_size=3), min_size=1, max_size=6)


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    log = SampleLog(tmp_path / "samples.jsonl")
    assert log.samples() == []
    log.append([])
    assert not log.path.exists()
    rows = [{"key": "a", "text": "文\u2028化\r\n"}, {"key": "b", "d": 0.1, "parts": [1, None]}]
    log.append(rows[:1])
    log.append(iter(rows[1:]))
    assert log.samples() == rows
    assert log.path.read_bytes().count(b"\n") == 2


def test_of_one_key_the_first_row_counts(tmp_path: Path) -> None:
    log = SampleLog(tmp_path / "samples.jsonl")
    log.append([{"key": "a", "d": 1}, {"key": "b", "d": 2}])
    log.append([{"key": "a", "d": 3}])
    assert log.known() == {"a": {"key": "a", "d": 1}, "b": {"key": "b", "d": 2}}
    assert log.samples() == [{"key": "a", "d": 1}, {"key": "b", "d": 2}]


@pytest.mark.parametrize(
    "row", [{"d": 1}, {"key": ""}, {"key": 3}, {"key": "x", "d": math.nan}, {"key": "x", "d": {1}}]
)
def test_a_bad_row_saves_nothing_of_its_batch(tmp_path: Path, row: dict[str, object]) -> None:
    log = SampleLog(tmp_path / "samples.jsonl")
    log.append([{"key": "a"}])
    with pytest.raises(RunFailedError, match="nothing of the batch was saved"):
        log.append([{"key": "b"}, row])
    assert log.samples() == [{"key": "a"}]


@settings(max_examples=150, deadline=None)
@given(rows=batches, data=st.data())
def test_cut_at_any_byte_all_whole_rows_come_back_and_the_next_append_is_whole(
    rows: list[dict[str, object]], data: st.DataObject
) -> None:
    rows = [{**row, "key": f"{index}"} for index, row in enumerate(rows)]
    with tempfile.TemporaryDirectory() as folder:
        log = SampleLog(Path(folder) / "samples.jsonl")
        log.append(rows)
        whole = log.path.read_bytes()
        cut = data.draw(st.integers(0, len(whole)))
        log.path.write_bytes(whole[:cut])
        ends = [index for index, byte in enumerate(whole) if byte == ord("\n")]
        kept = sum(end <= cut for end in ends)
        assert log.samples() == rows[:kept]
        log.append([{"key": "next"}])
        assert log.samples() == [*rows[:kept], {"key": "next"}]
        assert log.path.read_bytes().endswith(b'{"key": "next"}\n')


def test_a_last_line_longer_than_a_read_is_cut_whole(tmp_path: Path) -> None:
    log = SampleLog(tmp_path / "samples.jsonl")
    log.append([{"key": "a"}])
    with log.path.open("ab") as file:
        file.write(b'{"key": "b", "text": "' + b"x" * 300_000)
    assert log.samples() == [{"key": "a"}]
    log.append([{"key": "c"}])
    assert log.path.read_bytes() == b'{"key": "a"}\n{"key": "c"}\n'


def test_a_whole_last_line_without_its_end_is_kept(tmp_path: Path) -> None:
    log = SampleLog(tmp_path / "samples.jsonl")
    log.path.write_bytes(b'{"key": "a"}')
    assert log.samples() == [{"key": "a"}]
    log.append([{"key": "b"}])
    assert log.path.read_bytes() == b'{"key": "a"}\n{"key": "b"}\n'


@pytest.mark.parametrize(
    "garbage",
    [
        b"nonsense",
        b'{"key": "x", "d": NaN}',
        b"[1]",
        b'{"d": 1}',
        b"\xff\xfe",
        b'{"key": "x"}{"key": "y"}',
        b"\x00" * 40,
        b"[" * 100_000,
    ],
    ids=["words", "nan", "list", "no key", "not utf-8", "merged", "zeros", "deep"],
)
def test_garbage_in_the_middle_is_refused_by_its_line(tmp_path: Path, garbage: bytes) -> None:
    log = SampleLog(tmp_path / "samples.jsonl")
    log.path.write_bytes(b'{"key": "a"}\n' + garbage + b'\n{"key": "b"}\n')
    with pytest.raises(RunFolderError, match=r"samples\.jsonl, line 2: not a sample"):
        log.samples()


@pytest.mark.parametrize(
    "garbage", [b"\x00" * 40, b'{"key": "\xe6\x96', b"[" * 100_000], ids=["zeros", "utf-8", "deep"]
)
def test_garbage_at_the_end_is_a_broken_last_line(tmp_path: Path, garbage: bytes) -> None:
    log = SampleLog(tmp_path / "samples.jsonl")
    log.path.write_bytes(b'{"key": "a"}\n' + garbage)
    assert log.samples() == [{"key": "a"}]
    log.append([{"key": "b"}])
    assert log.samples() == [{"key": "a"}, {"key": "b"}]


def test_a_full_disk_keeps_all_earlier_batches_and_goes_on_with_room(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(30_000))
    log = SampleLog(small_disk / "samples.jsonl")
    saved: list[dict[str, object]] = []

    def fill() -> None:
        for index in range(1000):
            batch = [{"key": f"{index}-{i}", "text": "x" * 700} for i in range(7)]
            log.append(batch)
            saved.extend(batch)

    with pytest.raises(RunFailedError, match=r"samples\.jsonl: the disk is full; make room"):
        fill()
    assert saved
    assert log.samples() == saved
    assert log.path.read_bytes().endswith(b"\n")
    ballast.unlink()
    log.append([{"key": "next"}])
    assert log.samples() == [*saved, {"key": "next"}]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_disk_that_takes_nothing(tmp_path: Path) -> None:
    log = SampleLog(tmp_path / "samples.jsonl")
    log.path.symlink_to("/dev/full")
    with pytest.raises(RunFailedError, match="the disk is full"):
        log.append([{"key": "a"}])


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of POSIX")
@pytest.mark.parametrize("acknowledged", [1, 2, 5, 11, 23, 40])
def test_a_kill_in_the_middle_of_appending_loses_nothing_that_was_saved(
    tmp_path: Path, child, acknowledged: int
) -> None:
    log = SampleLog(tmp_path / "samples.jsonl")
    process = child(
        """
import sys
from pathlib import Path
from culturescope.runs.samples import SampleLog
log = SampleLog(Path(sys.argv[1]))
batch = 0
while True:
    log.append([{"key": f"{batch}-{i}", "text": "x" * 4000} for i in range(50)])
    print(batch)
    batch += 1
""",
        log.path,
    )
    for _ in range(acknowledged):
        process.stdout.readline()
    process.kill()
    process.wait()
    rows = log.samples()
    assert len(rows) >= 50 * acknowledged
    assert [row["key"] for row in rows] == [f"{n // 50}-{n % 50}" for n in range(len(rows))]
    log.append([{"key": "next"}])
    assert [row["key"] for row in log.samples()] == [*(row["key"] for row in rows), "next"]
    for line in log.path.read_text().splitlines():
        json.loads(line)
