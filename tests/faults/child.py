"""The command line as a child of a process that has imported its libraries; no model, no thread is made before the fork."""

from __future__ import annotations

import os
import signal
import sys

import torch
import transformers  # noqa: F401

import culturescope.cli.app
import culturescope.experiments.audit
import culturescope.experiments.resume
import culturescope.page  # noqa: F401


def command(arguments: list[str], said: str) -> None:
    """Runs `culturescope ARGUMENTS` and ends with its exit code; what it says goes to a file."""
    from culturescope.cli import run

    signal.signal(signal.SIGINT, signal.default_int_handler)
    with open(said, "ab", buffering=0) as file:  # noqa: PTH123
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    torch.set_num_threads(1)
    code = run(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
