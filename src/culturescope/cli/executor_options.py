"""Options on where a model computes: this process, or workers of Ray here and elsewhere."""

from __future__ import annotations

from typing import Annotated

import typer

Executor = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="local|ray|ray://HOST:PORT",
        help="Who computes: this process (default), or workers of Ray, each holding the model: on this machine, or on a "
        "cluster that you trust.",
        show_default=False,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", help="Workers of Ray, 2 by default.", show_default=False),
]
GpusPerWorker = Annotated[
    float | None,
    typer.Option(
        "--gpus-per-worker",
        "--gpus_per_worker",
        metavar="N",
        help="GPUs of each worker, none by default; with several the model is spread over them, 0.5 lets two share one.",
        show_default=False,
    ),
]
DeviceMap = Annotated[
    str | None,
    typer.Option(
        "--device-map",
        "--device_map",
        help="auto spreads the model over all GPUs that a process sees, in the place of --device.",
        show_default=False,
    ),
]
