"""Files are old and whole or new and whole, on disks that are full, read-only or not there."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path

import pytest

from culturescope.errors import RunFailedError, RunFolderError
from culturescope.runs import write_bytes, write_json, write_text
from culturescope.runs.atomic import TEMPORARY_SUFFIX, remove_leftovers


def test_writes_text_bytes_and_json_as_given(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "één\r\nzwei\n")
    write_bytes(tmp_path / "b", b"\x00\xff")
    write_json(tmp_path / "c", {"z": "文化", "a": [1.5, None]})
    assert (tmp_path / "a").read_bytes() == "één\r\nzwei\n".encode()
    assert (tmp_path / "b").read_bytes() == b"\x00\xff"
    assert json.loads((tmp_path / "c").read_text("utf-8")) == {"z": "文化", "a": [1.5, None]}
    assert "文化" in (tmp_path / "c").read_text("utf-8")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b", "c"]


def test_replaces_the_old_file_and_takes_very_long_names(tmp_path: Path) -> None:
    target = tmp_path / ("n" * 250)
    write_text(target, "old")
    write_text(target, "new")
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_half_surrogates_are_written_as_escapes(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"file": "\udcff"})
    assert json.loads((tmp_path / "a.json").read_bytes()) == {"file": "\udcff"}


@pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}, object()])
def test_a_value_without_json_form_leaves_the_old_file(tmp_path: Path, value: object) -> None:
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(RunFailedError, match=r"a\.json.*no JSON form"):
        write_json(tmp_path / "a.json", {"x": value})
    assert (tmp_path / "a.json").read_text() == "1\n"


def test_a_full_disk_leaves_the_old_file_and_nothing_else(small_disk: Path) -> None:
    target = small_disk / "report.html"
    write_text(target, "old")
    with pytest.raises(
        RunFailedError, match=rf"{re.escape(str(target))}: the disk is full; make room"
    ) as caught:
        write_bytes(target, bytes(200_000))
    assert "\n" not in str(caught.value)
    assert target.read_text() == "old"
    assert list(small_disk.iterdir()) == [target]


def test_a_file_larger_than_the_limit_leaves_the_old_file_and_nothing_else(tmp_path: Path, child) -> None:
    pytest.importorskip("resource", reason="no file size limits on this system")
    write_text(tmp_path / "report.html", "old")
    process = child(
        """
import resource, sys
from culturescope.errors import RunFailedError
from culturescope.runs import write_bytes
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_bytes(sys.argv[1], bytes(100_000))
except RunFailedError as error:
    print(error)
""",
        tmp_path / "report.html",
    )
    out, err = process.communicate(timeout=20)
    assert not err
    assert "report.html: the file would be larger than this system allows" in out
    assert (tmp_path / "report.html").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_a_read_only_disk_is_said_in_one_line(read_only_disk: Path) -> None:
    with pytest.raises(RunFolderError, match=r"the disk is read-only; choose another place"):
        write_text(read_only_disk / "a", "x")


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is of Linux")
def test_a_folder_that_takes_no_files_is_said_in_one_line() -> None:
    with pytest.raises(RunFolderError, match=r"cannot write /proc/a\.json"):
        write_json("/proc/a.json", 1)


def test_missing_folder_file_as_folder_and_folder_as_file(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "x")
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(RunFolderError, match="does not exist"):
        write_text(tmp_path / "nowhere" / "a", "x")
    with pytest.raises(RunFolderError, match="a file, not a folder"):
        write_text(tmp_path / "file" / "a", "x")
    with pytest.raises(RunFolderError, match="a folder stands in its place"):
        write_text(tmp_path / "folder", "x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_readers_never_see_half_a_file_while_a_writer_is_killed(tmp_path: Path, child) -> None:
    target = tmp_path / "results.json"
    process = child(
        """
import sys
from culturescope.runs import write_json
turn = 0
while True:
    write_json(sys.argv[1], [turn] * 50_000)
    turn += 1
    print(turn)
""",
        target,
    )
    for _ in range(5):
        process.stdout.readline()
        assert len(set(json.loads(target.read_bytes()))) == 1
    process.kill()
    process.wait()
    values = json.loads(target.read_bytes())
    assert len(values) == 50_000
    assert values[0] >= 4


def test_leftovers_of_killed_writers_are_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    leftover = tmp_path / "figures" / f".map.svg.0a1b2c3d{TEMPORARY_SUFFIX}"
    leftover.write_text("half")
    (tmp_path / ".hidden").write_text("the user's own")
    remove_leftovers(tmp_path)
    assert sorted(p.name for p in tmp_path.rglob("*")) == [".hidden", "figures"]
