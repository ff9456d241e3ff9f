"""`steer search`: which blocks to steer, each alone and together, beside random vectors and shuffled labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from culturescope.cli import options as o
from culturescope.cli import speed_options as speed
from culturescope.cli import steer_options as so
from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from typing import Literal

    from culturescope.instrument import Pack


def search_command(
    model: o.Model,
    output: Annotated[
        Path,
        typer.Option("--output-path", "--output_path", "-o", help="Folder for search.json and the vectors."),
    ] = Path("search"),
    axis: Annotated[str | None, typer.Option("--axis", help="Axes with commas; all by default.")] = None,
    item: Annotated[
        str | None,
        typer.Option(
            "--item",
            help="Items with commas, by id or survey variable (X05 or A165): a vector for each instead of one an axis.",
            show_default=False,
        ),
    ] = None,
    level: Annotated[
        str | None,
        typer.Option(
            "--level", help="axis (default), or item: a vector for each item of the axes.", show_default=False
        ),
    ] = None,
    dose: Annotated[
        float, typer.Option("--dose", help="Step at every block, in units of the median |h| there.")
    ] = 0.1,
    alpha: Annotated[
        float | None,
        typer.Option(
            "--alpha", help="One raw coefficient for all blocks instead of a dose.", show_default=False
        ),
    ] = None,
    method: Annotated[
        str, typer.Option("--method", help="mean-difference, pca (uncentred), logistic.")
    ] = "mean-difference",
    site: Annotated[
        str, typer.Option("--site", help="option-text, option-mean or answer-letter (both orders).")
    ] = "option-text",
    top: Annotated[int, typer.Option("--top", "-k", help="Blocks that are steered together.")] = 4,
    blocks: so.Blocks = None,
    first_order: Annotated[
        bool,
        typer.Option(
            "--first-order",
            help="Measure only the best blocks by estimate (one backward pass), not all of them.",
        ),
    ] = False,
    greedy: Annotated[
        bool, typer.Option("--greedy", help="Add block to block by their joint effect, not each block's own.")
    ] = False,
    random: Annotated[
        str | None,
        typer.Option(
            "--random",
            help="Random vectors on the scenarios that report: measured (default), all of them, or estimated to first order "
            "and corrected by five that are measured (default with --first-order).",
            show_default=False,
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            help="Change of d from which an item counts as moved; what random vectors reach by default.",
            show_default=False,
        ),
    ] = None,
    quality_prompts: Annotated[
        int,
        typer.Option(
            "--quality-prompts",
            "--quality_prompts",
            help="Neutral prompts answered under the best block, the chosen ones and all, with either sign; none by default.",
        ),
    ] = 0,
    max_new_tokens: Annotated[
        int, typer.Option("--max-new-tokens", "--max_new_tokens", help="Longest of these answers.")
    ] = 128,
    figure: Annotated[
        Path | None,
        typer.Option(
            "--figure",
            help="Where to draw the search: .svg, .png or .pdf; search.svg in the folder by default.",
            show_default=False,
        ),
    ] = None,
    limit: o.Limit = None,
    report_limit: Annotated[
        int | None,
        typer.Option(
            "--report-limit",
            "--report_limit",
            help="Scenarios of the split that reports; as --limit by default.",
            show_default=False,
        ),
    ] = None,
    choose_share: Annotated[
        float,
        typer.Option(
            "--choose-share",
            "--choose_share",
            help="Share of the split optimise that chooses blocks; the rest fits.",
            show_default="one third",
        ),
    ] = 1 / 3,
    templates: o.Templates = "1",
    seed: o.Seed = None,
    batch_size: so.BatchSize = 8,
    pack: o.PackFolder = None,
    dtype: o.Dtype = None,
    device: o.Device = None,
    revision: o.Revision = None,
    blocks_path: o.BlocksPath = None,
    model_args: o.ModelArgs = None,
    download: o.Download = False,
    trust_remote_code: o.TrustRemoteCode = False,
    exact: speed.Exact = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Search the blocks where steering moves an axis or item: fit, choose and report on three separate parts of the scenarios.

    Every block is steered alone with both signs; the change is (d(+) - d(-)) / 2. --limit counts the scenarios of each split.
    The folder holds search.json, search.svg and one vector an axis or item; steer entangle and steer aim begin from a search
    of axes. A search that was stopped goes on when the same command is called again.
    """
    from culturescope.api import scenarios
    from culturescope.cli.steer_search_text import table_of
    from culturescope.experiments.accounting import work_lines
    from culturescope.experiments.steer.folder import NAME, read_search_file
    from culturescope.experiments.steer.parts import parts_of
    from culturescope.experiments.steer.search_figure import FIGURE, check_figure, draw_search
    from culturescope.experiments.steer.search_plan import SearchPlan, groups_of
    from culturescope.experiments.steer.steps import search_into
    from culturescope.instrument import load_pack, pack_source
    from culturescope.models import load as load_model
    from culturescope.prompts import templates as wordings_of
    from culturescope.prompts.contrast import site as site_of
    from culturescope.steering.directions import method_of

    if (output / NAME).exists():
        raise BadInputError(f"{output} holds a search already; name another folder with --output-path")
    if exact and (first_order or random == "estimated"):
        raise BadInputError(
            "--exact switches every estimate off; leave --first-order and --random estimated out"
        )
    drawing = figure or output / FIGURE
    check_figure(drawing)
    o.one_of("random", random, ("measured", "estimated"))
    instrument = load_pack(pack)
    axes, items = _wanted(instrument, axis, item, level)
    method_of(method)
    site_of(site)
    chosen_wordings = wordings_of(o.template_ids(templates))
    plan = SearchPlan(
        axes=axes,
        items=items,
        dose=dose,
        alpha=alpha,
        method=method,
        site=site,
        top=top,
        how="first-order" if first_order else "exact",
        joint="greedy" if greedy else "top",
        verify=max(8, top),
        random_way="measured" if exact else cast("Literal['measured', 'estimated'] | None", random),
        threshold=threshold,
        blocks=so.blocks_of(blocks),
        quality_prompts=quality_prompts,
        max_new_tokens=max_new_tokens,
        seed=42 if seed is None else seed,
    )
    asked = items or [i.id for i in instrument.items if i.axis in axes]
    limits = {"optimise": limit, "evaluate": limit if report_limit is None else report_limit}
    parts = parts_of(
        *(scenarios(split, items=asked, limit=most, pack=pack) for split, most in limits.items()),
        share=choose_share,
        seed=plan.seed,
    )
    groups_of(parts, instrument, plan)
    options = o.load_options(
        model_args,
        dtype=dtype,
        device=device,
        revision=revision,
        blocks=blocks_path,
        download=download,
        trust_remote_code=trust_remote_code,
        exact=exact,
    )
    loaded = load_model(model, **options, progress=None if quiet else o.say)
    try:
        found, path = search_into(
            output,
            loaded,
            parts,
            instrument,
            chosen_wordings,
            plan,
            load={"source": model, **options},
            pack_source=pack_source(pack),
            batch_size=batch_size,
            progress=None if quiet else o.say,
        )
    except KeyboardInterrupt:
        o.say(f"What was measured is kept in {output}: the same command goes on from there.")
        raise
    stored = read_search_file(output)
    sentences = draw_search(stored, drawing)
    for line in work_lines(stored.work):
        o.say(line)
    if as_json:
        typer.echo(path.read_text(encoding="utf-8"))
        return
    for (_, result), sentence in zip(found.found.items(), sentences, strict=True):
        for line in table_of(result):
            typer.echo(line)
        typer.echo(f"  {sentence}")
    typer.echo(f"Search: {path}")
    typer.echo(f"Figure: {drawing}")


def _wanted(
    pack: Pack, axis: str | None, item: str | None, level: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Axes, and items where vectors of items are searched.

    Raises:
        BadInputError: unknown or contradicting.
    """
    o.one_of("level", level, ("axis", "item"))
    if item is not None and (axis is not None or level == "axis"):
        raise BadInputError("--item names items itself: leave out --axis and --level axis")
    axes = tuple(a.strip() for a in axis.split(",")) if axis else tuple(a.id for a in pack.axes)
    for one in axes:
        o.one_of("axis", one, tuple(a.id for a in pack.axes))
    if item is None:
        return axes, tuple(i.id for i in pack.items if i.axis in axes) if level == "item" else ()
    ids = {name: i.id for i in pack.items for name in (i.variable, i.id) if name}
    names = [part.strip() for part in item.split(",")]
    for one in names:
        if one not in ids:
            known = ", ".join(f"{i.id} ({i.variable})" if i.variable else i.id for i in pack.items)
            raise BadInputError(f'--item: "{one}" is not one of {known}')
    items = tuple(ids[one] for one in names)
    chosen = {pack.item(i).axis for i in items}
    return tuple(a.id for a in pack.axes if a.id in chosen), items
