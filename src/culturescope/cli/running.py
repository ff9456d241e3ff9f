"""Commands that ask a model, go on asking it, and write its page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from culturescope.cli import asked
from culturescope.cli import executor_options as eo
from culturescope.cli import options as o
from culturescope.cli import speed_options as so
from culturescope.cli import studying as st
from culturescope.cli.reproducing import after_resume as claims_of_resumed
from culturescope.cli.surveying import print_survey
from culturescope.errors import BadInputError
from culturescope.executors.placement import Placement


def audit(
    model: o.Model,
    profile: o.Profile = "quick",
    limit: o.Limit = None,
    check_limit: o.CheckLimit = None,
    templates: o.Templates = None,
    orders: o.Orders = None,
    split: o.Split = None,
    batch_size: so.Batches = None,
    seed: o.Seed = None,
    pack: o.PackFolder = None,
    only: st.Only = None,
    without: st.Without = None,
    tasks: st.Tasks = None,
    persona: o.Persona = None,
    society: o.Society = None,
    given_name: o.GivenName = None,
    allow_partial: o.AllowPartial = False,
    tables: o.Tables = None,
    dtype: o.Dtype = None,
    device: o.Device = None,
    revision: o.Revision = None,
    blocks_path: o.BlocksPath = None,
    model_args: o.ModelArgs = None,
    threads: so.Threads = None,
    attn_implementation: so.AttnImplementation = None,
    compiled: so.Compile = False,
    exact: so.Exact = False,
    executor: eo.Executor = None,
    workers: eo.Workers = None,
    gpus_per_worker: eo.GpusPerWorker = None,
    device_map: eo.DeviceMap = None,
    download: o.Download = False,
    trust_remote_code: o.TrustRemoteCode = False,
    output_path: o.OutputPath = None,
    profile_time: so.ProfileTime = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Do the whole study of a model: every part of the profile in one run folder, and one page to read.

    Asks everyday dilemmas in both orders and several wordings, checks with opposed personas whether the answers carry
    values at all, and goes on with the profile's further parts: direct survey, personas of societies, steering. --only and
    --without choose parts; a part that makes no sense for a model is left out, and study.json says why.
    """
    personas = asked.personas(persona, society, given_name, allow_partial, tables)
    size = so.batch_size_of(batch_size)
    design = asked.design(profile, limit, check_limit, templates, orders, split, size, seed, pack)
    settings = st.settings_of(profile, only, without, design, personas, tasks=tasks, tables=tables)
    load = o.load_options(
        model_args,
        dtype=dtype,
        device=device,
        revision=revision,
        blocks=blocks_path,
        threads=threads,
        attn_implementation=attn_implementation,
        compiled=compiled,
        exact=exact,
        device_map=device_map,
        download=download,
        trust_remote_code=trust_remote_code,
    )
    placement = Placement.of(executor, workers, gpus_per_worker)
    with so.profiling(profile_time) as times:
        path, results = st.new_study(
            model, design, settings, load, output_path, quiet=quiet, placement=placement
        )
    _print_run(path, results, as_json)
    so.say_cost(path, times)
    st.fail_if_failed(st.study_at(path))


def probe(
    model: o.Model,
    profile: o.Profile = "quick",
    limit: o.Limit = None,
    templates: o.Templates = None,
    orders: o.Orders = None,
    split: o.Split = None,
    batch_size: so.Batches = None,
    seed: o.Seed = None,
    pack: o.PackFolder = None,
    persona: o.Persona = None,
    society: o.Society = None,
    given_name: o.GivenName = None,
    allow_partial: o.AllowPartial = False,
    tables: o.Tables = None,
    dtype: o.Dtype = None,
    device: o.Device = None,
    revision: o.Revision = None,
    blocks_path: o.BlocksPath = None,
    model_args: o.ModelArgs = None,
    threads: so.Threads = None,
    attn_implementation: so.AttnImplementation = None,
    compiled: so.Compile = False,
    exact: so.Exact = False,
    executor: eo.Executor = None,
    workers: eo.Workers = None,
    gpus_per_worker: eo.GpusPerWorker = None,
    device_map: eo.DeviceMap = None,
    download: o.Download = False,
    trust_remote_code: o.TrustRemoteCode = False,
    output_path: o.OutputPath = None,
    profile_time: so.ProfileTime = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Read a model's position only, without the instrument check (the verdict is then "not checked")."""
    personas = asked.personas(persona, society, given_name, allow_partial, tables)
    size = so.batch_size_of(batch_size)
    design = asked.design(profile, limit, 0, templates, orders, split, size, seed, pack, personas)
    load = o.load_options(
        model_args,
        dtype=dtype,
        device=device,
        revision=revision,
        blocks=blocks_path,
        threads=threads,
        attn_implementation=attn_implementation,
        compiled=compiled,
        exact=exact,
        device_map=device_map,
        download=download,
        trust_remote_code=trust_remote_code,
    )
    placement = Placement.of(executor, workers, gpus_per_worker)
    with so.profiling(profile_time) as times:
        path, results = _new_run(model, design, load, placement, output_path, quiet=quiet)
    _print_run(path, results, as_json)
    so.say_cost(path, times)


def resume(
    run: o.Run,
    batch_size: so.Batches = None,
    executor: eo.Executor = None,
    workers: eo.Workers = None,
    gpus_per_worker: eo.GpusPerWorker = None,
    profile_time: so.ProfileTime = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Go on with a run that was stopped or killed; what was answered is not asked again."""
    from culturescope.experiments.resume import resume_run

    size = so.batch_size_of(batch_size)
    try:
        with so.profiling(profile_time) as times:
            folder, results = resume_run(
                run,
                batch_size=size,
                executor=executor,
                workers=workers,
                gpus_per_worker=gpus_per_worker,
                quiet=quiet,
                progress=None if quiet else o.say,
            )
    except KeyboardInterrupt:
        o.say(f"Stopped. To go on: culturescope resume {run}")
        raise
    _print_run(folder, results, as_json)
    claims_of_resumed(folder, as_json)
    so.say_cost(folder, times)
    st.fail_if_failed(st.study_at(folder))


def page(
    run: o.Run,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Another place for the page.", show_default=False)
    ] = None,
    figures: Annotated[
        str | None,
        typer.Option(
            "--figures",
            metavar="FORMATS",
            help="Write every chart as a file, too: svg, png, pdf, and csv for its numbers, with commas.",
            show_default=False,
        ),
    ] = None,
    figures_dir: Annotated[
        Path | None,
        typer.Option(
            "--figures-dir",
            help="Where the figures go, with --figures; figures in the run folder by default.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Compute results and page of a run again, from its samples alone (no model needed).

    --figures writes the charts of the page as files, without a browser: those of the report, the maps, and those of a study.
    """
    from culturescope.experiments.audit import rewrite_page
    from culturescope.experiments.survey import is_survey, rewrite_survey
    from culturescope.runs import RunFolder

    formats = st.listed(figures)
    for name in formats:
        o.one_of("figures", name, ("svg", "png", "pdf", "csv"))
    if figures_dir is not None and not formats:
        raise BadInputError(
            "--figures-dir says where figures go, so it needs --figures, for example --figures svg,pdf"
        )
    surveyed = is_survey(RunFolder.open(run))
    if surveyed and formats:
        raise BadInputError(f"a survey's figure is its map: culturescope map {run} -o map.svg")
    typer.echo(str((rewrite_survey if surveyed else rewrite_page)(run, output)))
    if formats:
        from culturescope.page.study_reading import write_study_figures

        written = write_study_figures(run, figures_dir, [f".{name}" for name in formats])
        typer.echo(f"{len(written)} files in {written[0].parent}" if written else "No figures.")


def _new_run(
    model_source: str,
    design: Any,
    load: dict[str, Any],
    placement: Placement,
    output_path: Path | None,
    *,
    quiet: bool,
) -> tuple[Path, Any]:
    """Loads, asks, and gives the run's folder and results."""
    from culturescope.executors import note_placement, opened
    from culturescope.experiments.audit import carry_out, start_run
    from culturescope.runs.place import refuse_taken

    if output_path is not None:
        refuse_taken(output_path)
    source = str(Path(model_source).resolve()) if Path(model_source).exists() else model_source
    load = placement.fitted(load)
    with (
        opened(placement, model_source, load, progress=None if quiet else o.say) as model,
        start_run(model, design, load={"source": source, **load}, output_path=output_path) as folder,
    ):
        note_placement(folder, placement)
        typer.echo(f"Run folder: {folder.path}", err=True)
        effect = so.say_effect(model, source, load, [t.prompt for t in design.tasks()], quiet=quiet)
        if effect is not None:
            folder.update(effect=effect)
        try:
            results = carry_out(model, folder, quiet=quiet)
        except KeyboardInterrupt:
            typer.echo(f"Stopped. To go on: culturescope resume {folder.path}", err=True)
            raise
    return folder.path, results


def _print_run(path: Path, results: Any, as_json: bool) -> None:
    from culturescope.probing.survey_results import SurveyResults

    if isinstance(results, SurveyResults):
        print_survey(path, results, as_json)
        return
    from culturescope.experiments.audit import design_of
    from culturescope.experiments.persona_words import describe_personas
    from culturescope.probing.reading import describe
    from culturescope.runs import RunFolder

    study = st.study_at(path)
    if as_json:
        parts = {} if study is None else {"study": study.model_dump(mode="json", exclude={"settings"})}
        typer.echo(json.dumps({"run": str(path), **results.model_dump(mode="json"), **parts}))
        return
    lines = describe(results, design_of(RunFolder.open(path)).load_pack())
    for line in (*lines, *describe_personas(results)):
        typer.echo(line)
    for line in () if study is None else st.study_lines(study):
        typer.echo(line)
    typer.echo(f"Page: {path / 'report.html'}")
