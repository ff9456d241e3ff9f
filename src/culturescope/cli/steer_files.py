"""`steer show` and `steer export`: what is known of a vector, and the same vector in other tools' formats."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from culturescope.cli import options as o
from culturescope.cli import steer_options as so
from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from culturescope.steering.vector import SteeringVector

FORMATS = ("safetensors", "gguf", "lm-eval")
_KINDS = {
    "safetensors": "a vector of culturescope (safetensors)",
    "gguf": "a GGUF control vector (llama.cpp, repeng)",
    "lm-eval": "a steering file of lm-eval",
}
_BAR = 24


def show_command(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A vector: .safetensors, a GGUF control vector, or a .pt file of lm-eval; or the folder of a search.",
        ),
    ],
    figure: Annotated[
        Path | None,
        typer.Option("--figure", help="Draw the search anew: a .svg, .png or .pdf file.", show_default=False),
    ] = None,
    as_json: o.Json = False,
) -> None:
    """Print all that a file tells of a vector: origin, model, and norm, gap and dose of each block.

    A dose is alpha |v| / median |h|: how far a coefficient moves the residual stream, in units of its own norm. The folder of
    a search prints what was found, block by block.
    """
    from culturescope.steering.files import read_vector

    if file.is_dir() or file.name == "search.json":
        _show_search(file if file.is_dir() else file.parent, figure, as_json)
        return
    if figure is not None:
        raise BadInputError("--figure draws a search: name its folder")
    vector, kind = read_vector(file)
    if as_json:
        typer.echo(json.dumps({"file": str(file), "kind": kind, **as_dict(vector)}, ensure_ascii=False))
        return
    typer.echo(f"{file}: {_KINDS[kind]}")
    for line in describe(vector):
        typer.echo(line)
    typer.echo(f"SHA-256 of the directions: {vector.sha256}")


def _show_search(folder: Path, figure: Path | None, as_json: bool) -> None:
    """Prints what a search found, and draws it where a figure is asked for."""
    from culturescope.cli.steer_search_text import table_of
    from culturescope.experiments.steer.folder import read_search_file
    from culturescope.experiments.steer.search_words import sentence_of

    stored = read_search_file(folder)
    if figure is not None:
        from culturescope.experiments.steer.search_figure import draw_search

        draw_search(stored, figure)
    if as_json:
        typer.echo(stored.model_dump_json())
        return
    parts = ", ".join(f"{len(ids)} to {part}" for part, ids in stored.parts.items())
    typer.echo(f"{folder}: a search of {stored.model.get('name')}, scenarios {parts}")
    for found in stored.found.values():
        for line in table_of(found):
            typer.echo(line)
        typer.echo(f"  {sentence_of(found)}")


def export_command(
    file: so.VectorFile,
    output: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="Where to write it: .gguf, .pt or .safetensors.")
    ],
    to: Annotated[str, typer.Option("--to", help="gguf, lm-eval or safetensors.")],
    blocks: so.Blocks = None,
    alpha: Annotated[
        float | None,
        typer.Option(
            "--alpha",
            help="For lm-eval: the coefficient, which it cannot be told later; 1 by default.",
            show_default=False,
        ),
    ] = None,
    hookpoint: Annotated[
        str | None,
        typer.Option(
            "--hookpoint",
            help="For lm-eval: name of a block below the base model, layers.{}, where the vector does not tell it.",
            show_default=False,
        ),
    ] = None,
    model_hint: Annotated[
        str | None,
        typer.Option(
            "--model-hint",
            "--model_hint",
            help="For gguf: kind of model, for example llama; by default that of the vector's model.",
            show_default=False,
        ),
    ] = None,
    leave_out_block_0: Annotated[
        bool,
        typer.Option(
            "--leave-out-block-0",
            "--leave_out_block_0",
            help="For gguf, which cannot say block 0: write the other blocks.",
        ),
    ] = False,
) -> None:
    """Write a vector as a GGUF control vector, a steering file of lm-eval, or a safetensors file.

    Directions are written as they are: alpha here is the scale of llama.cpp's --control-vector-scaled FILE:alpha.
    """
    from culturescope.steering.files import load_vector

    o.one_of("to", to, FORMATS)
    for option, value, kind in (
        ("--alpha", alpha, "lm-eval"),
        ("--hookpoint", hookpoint, "lm-eval"),
        ("--model-hint", model_hint, "gguf"),
        ("--leave-out-block-0", leave_out_block_0 or None, "gguf"),
    ):
        if value is not None and to != kind:
            raise BadInputError(f"{option} is for --to {kind}, not for --to {to}")
    suffixes = {"safetensors": (".safetensors",), "gguf": (".gguf",), "lm-eval": (".pt", ".pth")}[to]
    so.output_file(output, *suffixes)
    chosen = so.blocks_of(blocks)
    vector = load_vector(file)
    if chosen is not None:
        vector = vector.at(chosen)
    if to == "gguf":
        from culturescope.steering.gguf_files import to_gguf

        to_gguf(vector, output, model_hint=model_hint, leave_out_block_0=leave_out_block_0)
    elif to == "lm-eval":
        from culturescope.steering.foreign import to_lm_eval

        to_lm_eval(vector, output, alpha=1.0 if alpha is None else alpha, hookpoint=hookpoint)
    else:
        vector.save(output)
    typer.echo(str(output))


def as_dict(vector: SteeringVector) -> dict[str, Any]:
    """All that is known of a vector, for JSON; a figure that is not known is null."""
    origin = vector.origin.model_dump(mode="json", exclude={"median_norm", "gap"})
    blocks = [
        {
            "block": block,
            "norm": vector.norm(block),
            "gap": vector.origin.gap.get(block),
            "median_norm": vector.origin.median_norm.get(block),
            "dose_of_alpha_1": _dose(vector, block),
        }
        for block in vector.blocks
    ]
    return {**origin, "width": vector.width, "sha256": vector.sha256, "blocks": blocks}


def describe(vector: SteeringVector) -> Iterator[str]:
    """The same in lines of text."""
    origin = vector.origin
    how = f"method {origin.method}" + (f", site {origin.site}" if origin.site else "")
    pairs = "" if origin.pairs is None else f", {origin.pairs} contrast pairs"
    split = "" if origin.split is None else f" of the split {origin.split}"
    seed = "" if origin.seed is None else f", seed {origin.seed}"
    yield f"{origin.label}: {how}{pairs}{split}{seed}"
    if origin.split in ("evaluate", "both"):
        yield "Warning: it saw scenarios of the split evaluate, so it cannot be judged on them."
    yield _model_line(vector)
    if origin.blocks_path is not None:
        yield f"Blocks: {origin.blocks_path}"
    for what, digest in (
        ("weights", origin.weights_sha256),
        ("scenarios", origin.scenarios_sha256),
        ("site", origin.site_sha256),
    ):
        if digest is not None:
            yield f"SHA-256 of the {what}: {digest}"
    shares = {
        block: gap / origin.median_norm[block]
        for block, gap in origin.gap.items()
        if block in vector.blocks and origin.median_norm.get(block, 0) > 0
    }
    most = max(map(abs, shares.values()), default=0.0)
    yield f"{'block':>5} {'|v|':>9} {'gap':>9} {'median|h|':>9} {'dose':>7}  gap / median|h|"
    for block in vector.blocks:
        gap, median, dose = origin.gap.get(block), origin.median_norm.get(block), _dose(vector, block)
        bar = "#" * round(_BAR * abs(shares[block]) / most) if most and block in shares else ""
        share = f"{shares[block]:.3f} {bar}" if block in shares else "-"
        yield (
            f"{block:>5} {vector.norm(block):>9.3f} {_cell(gap):>9} {_cell(median):>9} {_cell(dose):>7}  {share}"
        ).rstrip()
    yield "dose: of alpha 1, alpha |v| / median|h|; gap: between the means of the poles, along the direction."


def _model_line(vector: SteeringVector) -> str:
    origin = vector.origin
    if origin.model is None:
        kind = f" of the kind {origin.family}" if origin.family else ""
        return f"Model: not told{kind}; width {vector.width}."
    told = [
        origin.family,
        f"revision {origin.revision}" if origin.revision else None,
        origin.dtype,
        f"{origin.block_count} blocks" if origin.block_count else None,
        f"width {vector.width}",
    ]
    return f"Model: {origin.model} ({', '.join(part for part in told if part)})"


def _dose(vector: SteeringVector, block: int) -> float | None:
    return vector.dose(1.0, block) if vector.origin.median_norm.get(block, 0) > 0 else None


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
