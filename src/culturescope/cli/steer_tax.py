"""`steer tax`: what a model loses on benchmarks while it is steered, through lm-eval."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from culturescope.cli import options as o
from culturescope.cli import steer_options as so
from culturescope.cli.steer_generate import Alphas, Vectors, alphas_of
from culturescope.errors import BadInputError

if TYPE_CHECKING:
    from culturescope.experiments.steer.tax import Tax


def tax_command(
    model: o.Model,
    vector: Vectors,
    alpha: Alphas,
    tasks: Annotated[
        str,
        typer.Option(
            "--tasks",
            help="Tasks with commas: a .yaml file of a task with local data, or names of lm-eval's own (arc_easy).",
        ),
    ],
    limit: Annotated[
        int | None,
        typer.Option("--limit", help="First so many questions of every task.", show_default=False),
    ] = None,
    random_vectors: Annotated[
        int,
        typer.Option("--random", help="Random vectors of the same norms beside it; each is one more run."),
    ] = 0,
    num_fewshot: Annotated[
        int | None,
        typer.Option(
            "--num-fewshot", "--num_fewshot", help="Examples before each question.", show_default=False
        ),
    ] = None,
    chat: Annotated[
        bool,
        typer.Option(
            "--apply-chat-template", "--apply_chat_template", help="Ask through the model's chat template."
        ),
    ] = False,
    blocks: so.Blocks = None,
    batch_size: o.BatchSize = None,
    seed: o.Seed = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write the result as well, .json.", show_default=False),
    ] = None,
    force: so.Force = False,
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
    """Measure the alignment tax: tasks of lm-eval unsteered and steered, compared question by question.

    Data of a task file lie beside it and nothing is downloaded; data of lm-eval's own tasks come from the local cache, and with
    --download from the hub. To run lm-eval itself on the steered model: culturescope steer export FILE OUT.pt --to lm-eval.
    """
    from culturescope.experiments.steer import lm_eval_adapter as adapter

    adapter.check_installed()
    names = [part.strip() for part in tasks.split(",") if part.strip()]
    if not names:
        raise BadInputError("--tasks: name a .yaml file or a task of lm-eval")
    if not download:
        adapter.go_offline()
    if quiet:
        os.environ.setdefault("TQDM_DISABLE", "1")  # lm-eval's bars; read when tqdm is imported
    asked = [adapter.read_task(name, download=download) for name in names]
    from culturescope.experiments.steer.tax import tax
    from culturescope.models import load as load_model
    from culturescope.runs.atomic import write_json
    from culturescope.steering.applying import Edit

    numbers, alphas = so.blocks_of(blocks), alphas_of(vector, alpha)
    if output is not None:
        so.output_file(output, ".json")
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
    opened = [so.vector_for(path, loaded, force=force) for path in vector]
    found = tax(
        loaded,
        asked,
        [Edit(v if numbers is None else v.at(numbers), a) for v, a in zip(opened, alphas, strict=True)],
        random=random_vectors,
        limit=limit,
        batch_size=batch_size or 8,
        num_fewshot=num_fewshot,
        chat=chat,
        seed=42 if seed is None else seed,
        progress=None if quiet else o.say,
    )
    if output is not None:
        write_json(output, found.model_dump(mode="json"))
    if as_json:
        typer.echo(json.dumps(found.model_dump(mode="json"), ensure_ascii=False))
        return
    for line in lines_of(found):
        typer.echo(line)
    if output is not None:
        typer.echo(f"Tax: {output}")


def lines_of(found: Tax) -> Iterator[str]:
    """The differences in lines of text."""
    steering = ", ".join(f"{e['label']} {e['alpha']:+.3g} at {e['blocks']}" for e in found.steering)
    yield f"Steered: {steering}; lm-eval {found.lm_eval}"
    yield (
        f"{'task':<24} {'metric':<16} {'n':>5} {'unsteered':>9} {'steered':>8} {'difference':>26} {'lost':>5} {'gained':>6} "
        f"{'p':>7}"
    )
    for d in found.differences:
        interval = f"{d.difference.value:+.3f} [{d.difference.low:+.3f}, {d.difference.high:+.3f}]"
        p = "-" if d.p is None else f"{d.p:.3f}"
        yield (
            f"{d.task[:24]:<24} {d.metric[:16]:<16} {d.questions:>5} {d.unsteered:>9.3f} {d.steered:>8.3f} {interval:>26} "
            f"{d.lost:>5} {d.gained:>6} {p:>7}"
        )
        if d.random:
            scores = ", ".join(f"{score:.3f}" for score in d.random)
            yield f"{'':<24} under random vectors of the same norms: {scores}"
    yield "difference: steered less unsteered, with its 95% interval paired over questions; p: McNemar's exact test."
