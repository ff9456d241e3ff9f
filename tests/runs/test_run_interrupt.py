"""Ctrl-C by real signals to real processes."""

from __future__ import annotations

import signal
import sys
import threading

import pytest

from culturescope.runs import Interrupts

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent by another way on Windows")

# A test run started in the background may hand down an ignored SIGINT.
START = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from culturescope.runs import Interrupts, RunFolder
"""
WORK = (
    START
    + """
with RunFolder.create("runs", "m", {}, path=sys.argv[1]) as run, Interrupts() as interrupts:
    batch = 0
    while not interrupts.requested:
        run.append([{"key": f"{batch}-{i}"} for i in range(10)])
        batch += 1
        print(batch)
    run.finish("cancelled")
print("saved", batch)
"""
)


def test_the_first_ctrl_c_ends_after_the_batch_which_is_saved(child, tmp_path) -> None:
    from culturescope.runs import RunFolder

    process = child(WORK, tmp_path / "run")
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert "the batch is being finished and saved" in err
    assert "Traceback" not in err
    run = RunFolder.open(tmp_path / "run")
    assert run.manifest.status == "cancelled"
    assert f"saved {len(run.samples()) // 10}" in out
    assert len(run.samples()) % 10 == 0


def test_the_second_ctrl_c_stops_at_once(child) -> None:
    process = child(
        START
        + """
import threading
try:
    with Interrupts() as interrupts:
        print("ready")
        while not interrupts.requested:
            pass
        print("first")
        threading.Event().wait()
except KeyboardInterrupt:
    print("stopped", signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "first\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert out == "stopped True\n"
    assert "Traceback" not in err


def test_after_the_block_ctrl_c_is_as_before(child) -> None:
    process = child(
        START
        + """
with Interrupts():
    pass
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("as before")
"""
    )
    assert process.communicate(timeout=20)[0] == "as before\n"


def test_an_inner_block_hands_its_request_to_the_outer(child) -> None:
    process = child(
        START
        + """
with Interrupts() as outer:
    with Interrupts() as inner:
        signal.raise_signal(signal.SIGINT)
    print(inner.requested, outer.requested)
"""
    )
    assert process.communicate(timeout=20)[0] == "True True\n"


def test_an_ignored_ctrl_c_stays_ignored(child) -> None:
    process = child(
        START
        + """
signal.signal(signal.SIGINT, signal.SIG_IGN)
with Interrupts() as interrupts:
    signal.raise_signal(signal.SIGINT)
print(interrupts.requested, signal.getsignal(signal.SIGINT) is signal.SIG_IGN)
"""
    )
    assert process.communicate(timeout=20)[0] == "False True\n"


def test_a_closed_stderr_does_not_matter(child) -> None:
    process = child(
        START
        + """
sys.stderr.close()
with Interrupts() as interrupts:
    signal.raise_signal(signal.SIGINT)
sys.stderr = None
with Interrupts() as again:
    signal.raise_signal(signal.SIGINT)
print(interrupts.requested, again.requested)
"""
    )
    assert process.communicate(timeout=20)[0] == "True True\n"


def test_other_threads_leave_signals_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen: list[object] = []

    def work() -> None:
        with Interrupts() as interrupts:
            seen.extend([interrupts.requested, signal.getsignal(signal.SIGINT)])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False, before]
