"""The parts of a whole study on the command line: which are done, with which settings, and what became of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from culturescope.cli import asked
from culturescope.cli import options as o
from culturescope.cli import speed_options as so
from culturescope.executors.placement import Placement

if TYPE_CHECKING:
    from culturescope.experiments.design import Design
    from culturescope.experiments.personas import SocietyPersona
    from culturescope.experiments.study.file import StudyFile
    from culturescope.experiments.study.settings import Settings
    from culturescope.probing.results import Results

Only = Annotated[
    str | None,
    typer.Option(
        "--only",
        help="Do these parts alone (with commas), and the probe; also parts that the profile leaves out: survey, personas, "
        "search, sweep, entangle, domains, methods, steered, aim, together, generate, tax.",
        show_default=False,
    ),
]
Without = Annotated[
    str | None,
    typer.Option("--without", help="Leave these parts out, with commas.", show_default=False),
]
Tasks = Annotated[
    str | None,
    typer.Option(
        "--tasks",
        help="Benchmarks of the part tax, with commas: names of lm-eval's tasks, or .yaml files with local data.",
        show_default=False,
    ),
]


def settings_of(
    profile: str,
    only: str | None,
    without: str | None,
    design: Design,
    personas: tuple[SocietyPersona, ...],
    *,
    tasks: str | None = None,
    tables: Path | None = None,
) -> Settings:
    """The settings of a study's parts: the profile's, with what the options change.

    Raises:
        BadInputError: an unknown profile or part.
    """
    from culturescope.experiments.study.making import made

    found = made(
        profile,
        design,
        personas,
        tasks=listed(tasks),
        people=None if tables is None else asked.people_tables(tables),
    )
    return found.chosen(listed(only), listed(without))


def listed(text: str | None) -> tuple[str, ...]:
    """Entries with commas."""
    return tuple(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))


def new_study(
    model_source: str,
    design: Design,
    settings: Settings,
    load: dict[str, Any],
    output_path: Path | None,
    *,
    quiet: bool,
    placement: Placement | None = None,
    batch_size: Any = None,
    begun: Callable[[Path], Any] | None = None,
) -> tuple[Path, Results]:
    """Loads once, does every part, and gives the run's folder and the probe's results; `begun` is told where it lies."""
    from culturescope.executors import note_placement, opened
    from culturescope.experiments.study.running import carry_out_study, start_study
    from culturescope.experiments.study.scope import Scope
    from culturescope.runs.place import refuse_taken

    if output_path is not None:
        refuse_taken(output_path)
    source = str(Path(model_source).resolve()) if Path(model_source).exists() else model_source
    placement = placement or Placement()
    load = placement.fitted(load)
    scope = Scope(design, settings)
    with (
        opened(placement, model_source, load, progress=None if quiet else o.say) as model,
        start_study(model, scope, load={"source": source, **load}, output_path=output_path) as folder,
    ):
        note_placement(folder, placement)
        o.say(f"Run folder: {folder.path}")
        if begun is not None:
            begun(folder.path)
        effect = so.say_effect(model, source, load, [t.prompt for t in design.tasks()], quiet=quiet)
        if effect is not None:
            folder.update(effect=effect)
        try:
            results, _ = carry_out_study(model, folder, quiet=quiet, say=None if quiet else o.say)
        except KeyboardInterrupt:
            o.say(f"Stopped. To go on: culturescope resume {folder.path}")
            raise
    return folder.path, results


def study_at(run: Path) -> StudyFile | None:
    """What became of a study's parts; None for a run that is no study."""
    from culturescope.experiments.study.file import is_study, read_study

    return read_study(run) if is_study(run) else None


def study_lines(study: StudyFile) -> Iterator[str]:
    """One line for each further part that was not switched off."""
    from culturescope.experiments.study.names import TITLES
    from culturescope.experiments.study.planning import duration

    for record in study.parts[1:]:
        if record.status == "off":
            continue
        took = f" in {duration(record.seconds)}" if record.seconds is not None else ""
        why = f": {record.reason}" if record.reason else ""
        files = f" ({', '.join(record.files)})" if record.status == "done" else ""
        yield f"{TITLES[record.part]}: {record.status}{took}{why}{files}"


def fail_if_failed(study: StudyFile | None) -> None:
    """Ends with exit code 1 where a part failed, after everything was printed."""
    failed = [r.part for r in study.parts if r.status == "failed"] if study else []
    if failed:
        o.say(f"Failed: {', '.join(failed)}; culturescope resume tries again")
        raise typer.Exit(1)
