"""`steer search`: which blocks to steer, each alone and together, beside random vectors and shuffled labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from culturescope.cli import options as o
from culturescope.cli import steer_options as so
from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from culturescope.experiments.steer.results import Search


def search_command(
    model: o.Model,
    output: Annotated[
        Path,
        typer.Option("--output-path", "--output_path", "-o", help="Folder for search.json and the vectors."),
    ] = Path("search"),
    axis: Annotated[str | None, typer.Option("--axis", help="Axes with commas; all by default.")] = None,
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
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            help="Change of d from which an item counts as moved; what random vectors reach by default.",
            show_default=False,
        ),
    ] = None,
    limit: o.Limit = None,
    templates: o.Templates = "1",
    seed: o.Seed = None,
    batch_size: Annotated[
        int, typer.Option("--batch-size", "--batch_size", help="Prompts recorded together.")
    ] = 8,
    pack: o.PackFolder = None,
    dtype: o.Dtype = None,
    device: o.Device = None,
    revision: o.Revision = None,
    blocks_path: o.BlocksPath = None,
    model_args: o.ModelArgs = None,
    download: o.Download = False,
    trust_remote_code: o.TrustRemoteCode = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Search the blocks where steering moves an axis: fit, choose and report on three separate parts of the scenarios.

    Every block is steered alone with both signs; the change is (d(+) - d(-)) / 2. --limit counts the scenarios of each split.
    The folder holds search.json and one vector an axis; steer entangle and steer aim begin from it.
    """
    from culturescope.api import scenarios
    from culturescope.experiments.steer.folder import NAME, write_search
    from culturescope.experiments.steer.parts import parts_of
    from culturescope.experiments.steer.search import SearchPlan, search
    from culturescope.instrument import load_pack, pack_source
    from culturescope.models import load as load_model
    from culturescope.prompts import templates as wordings_of
    from culturescope.prompts.contrast import site as site_of
    from culturescope.steering.directions import method_of

    if (output / NAME).exists():
        raise BadInputError(f"{output} holds a search already; name another folder with --output-path")
    instrument = load_pack(pack)
    wanted = tuple(a.strip() for a in axis.split(",")) if axis else tuple(a.id for a in instrument.axes)
    for one in wanted:
        o.one_of("axis", one, tuple(a.id for a in instrument.axes))
    method_of(method)
    site_of(site)
    chosen_wordings = wordings_of(o.template_ids(templates))
    plan = SearchPlan(
        axes=wanted,
        dose=dose,
        alpha=alpha,
        method=method,
        site=site,
        top=top,
        how="first-order" if first_order else "exact",
        joint="greedy" if greedy else "top",
        verify=max(8, top),
        threshold=threshold,
        blocks=so.blocks_of(blocks),
        seed=42 if seed is None else seed,
    )
    items = [i.id for i in instrument.items if i.axis in wanted]
    parts = parts_of(
        *(scenarios(split, items=items, limit=limit, pack=pack) for split in ("optimise", "evaluate")),
        seed=plan.seed,
    )
    options = o.load_options(
        model_args,
        dtype=dtype,
        device=device,
        revision=revision,
        blocks=blocks_path,
        download=download,
        trust_remote_code=trust_remote_code,
    )
    loaded = load_model(model, **options, progress=None if quiet else o.say)
    found = search(
        loaded,
        parts,
        instrument,
        chosen_wordings,
        plan,
        batch_size=batch_size,
        progress=None if quiet else o.say,
    )
    path = write_search(
        output,
        found,
        plan,
        parts,
        identity=loaded.identity,
        load={"source": model, **options},
        pack=pack_source(pack),
        templates=[w.id for w in chosen_wordings],
    )
    if as_json:
        typer.echo(path.read_text(encoding="utf-8"))
        return
    for one, result in found.found.items():
        for line in table_of(one, result):
            typer.echo(line)
    typer.echo(f"Search: {path}")


def table_of(axis: str, found: Search) -> list[str]:
    """The search of an axis in lines: each block beside its controls, then sets of blocks on other scenarios."""
    lines = [
        f"{axis}: signed change of d when one block is steered (95% interval; random: 95% of random vectors lie inside)",
        "  block   alpha    change                    random  shuffled  estimate",
    ]
    for e in found.blocks:
        change = (
            "not measured           "
            if e.effect is None
            else (f"{e.effect.value:+.3f} [{e.effect.low:+.3f}, {e.effect.high:+.3f}]")
        )
        mark = "*" if e.block in found.chosen else " "
        lines.append(
            f"  {e.block:5d}{mark} {e.alpha:7.3f}  {change}  +-{e.random_band:.3f}   {e.shuffled:+.3f}    {e.first_order:+.3f}"
        )
    agreement = found.rank_agreement
    lines.append(
        f"  chosen (*): {', '.join(map(str, found.chosen))}; share of random vectors whose best block does as well: "
        f"{found.p_chosen:.2f} (their 95% quantile {found.largest_random:+.3f})"
    )
    lines.append(
        f"  random vectors measured at the best block are {found.control_ratio:.2f} times their estimate"
        + ("; all bands are wider by it" if found.control_ratio > 1 else "")
    )
    spearman = "not defined" if agreement.spearman is None else f"{agreement.spearman:.2f}"
    regret = "not defined" if agreement.regret is None else f"{agreement.regret:.0%}"
    lines.append(
        f"  estimate against measure: Spearman {spearman}, {agreement.overlap} of the best {agreement.of} the same, "
        f"effect lost by trusting it {regret}"
    )
    lines.append("  together, on scenarios that chose nothing:")
    for choice in found.choices:
        band = "" if choice.random_band is None else f", random +-{choice.random_band:.3f}"
        lines.append(
            f"    {choice.name:7s} {choice.effect.value:+.3f} [{choice.effect.low:+.3f}, {choice.effect.high:+.3f}]{band}; "
            f"letter mass {choice.letter_mass:.2f}, mean |b| {choice.mean_abs_b:.2f}; {len(choice.blocks)} blocks"
        )
    moved = [i.item for i in found.items if i.moved]
    lines.append(
        f"  items that move beyond the threshold: {', '.join(moved) or 'none'} ({len(moved)} of {len(found.items)})"
    )
    return lines
