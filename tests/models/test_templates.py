"""Templates of strangers end by the time they compute, not by how busy the machine is."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from culturescope.errors import ModelError
from culturescope.models.templates import bounded


def test_what_computes_without_end_is_ended() -> None:
    with pytest.raises(ModelError, match=r"longer than 0\.1 s"), bounded(0.1):
        all(_ >= 0 for _ in itertools.count())


@pytest.mark.skipif(not hasattr(time, "pthread_getcpuclockid"), reason="the system tells no thread's time")
def test_a_thread_that_waits_for_a_busy_machine_is_not_late() -> None:
    with bounded(0.1):
        threading.Event().wait(1.2)  # the watch looks twice a second
