"""Options on how the machine is used, and what a run says about its time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from culturescope.cli.options import say
from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from culturescope.models.filling import BatchSize
    from culturescope.timing import Profile

Batches = Annotated[
    str | None,
    typer.Option(
        "--batch-size",
        "--batch_size",
        metavar="N|auto",
        help="Prompts in one forward pass; auto measures first how large passes should be here.",
        show_default=False,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        help="Threads on the CPU; by default OMP_NUM_THREADS, or the cores that may be used.",
        show_default=False,
    ),
]
AttnImplementation = Annotated[
    str | None,
    typer.Option(
        "--attn-implementation",
        "--attn_implementation",
        help="sdpa, eager, or another attention of transformers; its effect on the letters is measured and printed.",
        show_default=False,
    ),
]
Compile = Annotated[
    bool,
    typer.Option(
        "--compile", help="Compile parts of the blocks (torch.compile); effect measured and printed."
    ),
]
Exact = Annotated[
    bool,
    typer.Option("--exact", help="Every optimisation off: a row for each prompt, whole passes, all logits."),
]
ProfileTime = Annotated[
    bool,
    typer.Option("--profile-time", "--profile_time", help="Say where the time went, phase by phase."),
]


def batch_size_of(text: str | None) -> BatchSize | None:
    """A number of prompts, or `auto`.

    Raises:
        BadInputError: it is neither.
    """
    if text is None or text == "auto":
        return text  # type: ignore[return-value]
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise BadInputError(f"--batch-size must be at least 1, or auto, not {text}")
    return int(text)


@contextmanager
def profiling(wanted: bool) -> Iterator[Profile | None]:
    """An open profile where one is wanted."""
    if not wanted:
        yield None
        return
    from culturescope.timing import Profile

    with Profile() as profile:
        yield profile


def say_cost(run: Path, profile: Profile | None) -> None:
    """Prints what a run cost, and keeps and prints where its time went."""
    from culturescope.experiments.accounting import work_lines
    from culturescope.runs import RunFolder

    folder = RunFolder.open(run)
    for line in work_lines(folder.manifest.model_dump().get("work")):
        say(line)
    if profile is None:
        return
    try:
        folder.update(profile=dict(profile.seconds))
    finally:
        folder.close()
    for line in profile.lines():
        say(line)


def say_effect(
    model: Any, source: str, load: dict[str, Any], prompts: list[Any], *, quiet: bool
) -> dict[str, Any] | None:
    """Measures and prints what options of speed do to the letters; None where no such option was given."""
    from culturescope.experiments.effects import effect_lines, measured_effect

    effect = measured_effect(model, source, load, prompts)
    if effect is not None and not quiet:
        for line in effect_lines(effect):
            say(line)
    return effect
