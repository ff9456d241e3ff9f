"""Progress tells prompts, rate and time left: a bar on a real terminal, lines elsewhere."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Callable

import pytest

from culturescope.runs import Progress


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(clock: Clock) -> Callable[..., tuple[Progress, io.StringIO]]:
    def build(*arguments: object, **options: object) -> tuple[Progress, io.StringIO]:
        stream = io.StringIO()
        return Progress(*arguments, stream=stream, clock=clock, **options), stream  # type: ignore[arg-type]

    return build


def test_a_line_every_thirty_seconds_and_at_the_end(make, clock: Clock) -> None:
    progress, stream = make(100, "Probe")
    with progress:
        for _ in range(100):
            clock.now += 1
            progress.advance()
    assert stream.getvalue().splitlines() == [
        "Probe: 30/100 prompts, 1 prompts/s, 1:10 left",
        "Probe: 60/100 prompts, 1 prompts/s, 0:40 left",
        "Probe: 90/100 prompts, 1 prompts/s, 0:10 left",
        "Probe: 100/100 prompts, 1 prompts/s, 1:40 in all",
    ]


def test_time_left_follows_the_work_not_the_prompts(make, clock: Clock) -> None:
    progress, _ = make(4, total_weight=1000)
    with progress:
        clock.now += 10
        progress.advance(3, weight=100)
        assert progress.rate == pytest.approx(0.3)
        assert progress.seconds_left == pytest.approx(90)
        assert progress.summary() == "3/4 prompts, 0.3 prompts/s, 1:30 left"


def test_saved_prompts_count_as_done_but_not_for_the_rate(make, clock: Clock) -> None:
    progress, _ = make(100, "Probe")
    with progress:
        progress.skip(50)
        assert progress.summary() == "Probe: 50/100 prompts"
        clock.now += 5
        progress.advance(10)
        assert progress.rate == pytest.approx(2)
        assert progress.seconds_left == pytest.approx(20)


def test_long_times_show_hours(make, clock: Clock) -> None:
    progress, _ = make(1000)
    with progress:
        clock.now += 3700
        progress.advance(500)
        assert progress.summary().endswith("1:01:40 left")


def test_a_stopped_phase_says_so(make, clock: Clock) -> None:
    progress, stream = make(10, "Probe")
    clock_at_start = clock.now

    def stop() -> None:
        with progress:
            clock.now = clock_at_start + 1
            progress.advance(4)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert stream.getvalue() == "Probe: 4/10 prompts, 4 prompts/s, 0:02 left (stopped)\n"


def test_quiet_says_nothing(make, clock: Clock) -> None:
    progress, stream = make(2, "Probe", quiet=True)
    with progress:
        clock.now += 100
        progress.advance(2)
    assert stream.getvalue() == ""


def test_nothing_to_do_is_no_error(make) -> None:
    progress, stream = make(0, "Probe")
    with progress:
        pass
    assert stream.getvalue() == "Probe: 0/0 prompts, 0:00 in all\n"


def test_a_reader_that_went_away_does_not_end_the_run(clock: Clock) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "w")
    with Progress(1, stream=stream, clock=clock) as progress:
        clock.now += 100
        progress.advance()
    assert progress.done == 1
    with pytest.raises(BrokenPipeError):
        stream.close()


def test_stdout_stays_clean_and_rich_is_not_loaded_without_a_terminal(child) -> None:
    process = child(
        """
import sys
from culturescope.runs import Progress
with Progress(3, "Probe") as progress:
    progress.advance(3)
assert "rich" not in sys.modules
"""
    )
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert out == ""
    assert err.startswith("Probe: 3/3 prompts")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
def test_a_terminal_gets_a_bar(child, tmp_path) -> None:
    import pty

    ours, theirs = pty.openpty()
    code = """
from culturescope.runs import Progress
with Progress(8, "Probe [AB]") as progress:
    for _ in range(8):
        progress.advance(weight=1)
"""
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100", "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", code], stderr=theirs, stdout=subprocess.PIPE, env=environment, cwd=tmp_path
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # Linux says so when the other side is closed.
        pass
    os.close(ours)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0, shown
    assert out == b""
    text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", shown).decode()
    assert "Probe [AB]" in text
    assert "8/8 prompts" in text
    assert "━" in text
