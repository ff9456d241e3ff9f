"""Options that several commands share, spelled as in lm-eval where they mean the same (dashes or underscores)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from culturescope.errors import BadInputError

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A packaged model (see `models list`), a hub id (org/name), a folder, a .gguf file, or where letters or text "
        "suffice a served model (http://host:port/v1#name).",
    ),
]
Run = Annotated[
    Path, typer.Argument(metavar="RUN", help="A run folder, for example runs/2026-01-31-model-1a2b3c.")
]
Profile = Annotated[
    str, typer.Option("--profile", help="How much is asked: quick (about 700 prompts), paper, or full.")
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit", help="Number of scenarios, taken evenly from all items and domains.", show_default=False
    ),
]
CheckLimit = Annotated[
    int | None,
    typer.Option(
        "--check-limit",
        "--check_limit",
        help="Number of scenarios in the instrument check (24 prompts each); 0 leaves it out.",
        show_default=False,
    ),
]
Templates = Annotated[
    str | None,
    typer.Option(
        "--templates",
        help="Wordings of the prompt: a number, or ids with commas (plain,options,situation).",
        show_default=False,
    ),
]
Orders = Annotated[
    str | None,
    typer.Option(
        "--orders",
        help="both: each prompt in both orders of its options; random: one order drawn by the seed (the paper's way).",
        show_default=False,
    ),
]
Split = Annotated[
    str | None, typer.Option("--split", help="evaluate (default) or optimise.", show_default=False)
]
BatchSize = Annotated[
    int | None,
    typer.Option("--batch-size", "--batch_size", help="Prompts in one forward pass.", show_default=False),
]
Seed = Annotated[
    int | None, typer.Option("--seed", help="Seed of orders, samples and bootstrap.", show_default="42")
]
OutputPath = Annotated[
    Path | None,
    typer.Option(
        "--output-path",
        "--output_path",
        "-o",
        help="Exact place of the run folder; otherwise runs/<date>-<model>-<id>.",
        show_default=False,
    ),
]
PackFolder = Annotated[
    str | None,
    typer.Option(
        "--pack",
        metavar="DIR|NAME",
        help="Another instrument: a folder (pack.toml, scenarios/), or the name of a packaged one (`scenarios list`).",
        show_default=False,
    ),
]
Dtype = Annotated[
    str | None,
    typer.Option("--dtype", help="float32 (default), bfloat16, float16, or auto.", show_default=False),
]
Device = Annotated[
    str | None,
    typer.Option("--device", help="cpu (default), cuda, cuda:1, mps, or auto.", show_default=False),
]
Revision = Annotated[
    str | None, typer.Option("--revision", help="Commit, tag or branch of a hub id.", show_default=False)
]
BlocksPath = Annotated[
    str | None,
    typer.Option(
        "--blocks-path",
        help="Dotted path of the list of blocks, where it is not found by itself.",
        show_default=False,
    ),
]
ModelArgs = Annotated[
    str | None,
    typer.Option(
        "--model-args",
        "--model_args",
        help="The same in lm-eval's way: dtype=bfloat16,revision=main,device=cuda.",
        show_default=False,
    ),
]
Download = Annotated[bool, typer.Option("--download", help="Fetch a hub id that is not in the local cache.")]
TrustRemoteCode = Annotated[
    bool,
    typer.Option(
        "--trust-remote-code",
        "--trust_remote_code",
        help="Let code from the model's repository run on this machine; named in the report.",
    ),
]
Persona = Annotated[
    str | None,
    typer.Option(
        "--persona",
        help="Ask also as people of societies: basic (lives there), advanced (with the society's nearest answers), or both "
        "with a comma; none is always asked.",
        show_default=False,
    ),
]
Society = Annotated[
    str | None,
    typer.Option(
        "--society",
        help="Societies of the personas, codes or names with commas: IND,VNM,MEX.",
        show_default=False,
    ),
]
GivenName = Annotated[
    list[str] | None,
    typer.Option(
        "--given-name",
        "--given_name",
        help="A name for a society's advanced persona: IND=Sunita; may be given several times.",
        show_default=False,
    ),
]
AllowPartial = Annotated[
    bool,
    typer.Option(
        "--allow-partial",
        "--allow_partial",
        help="Make advanced personas of the known answers where items are missing; marked everywhere.",
    ),
]
Tables = Annotated[
    Path | None,
    typer.Option(
        "--tables",
        help="Folder that `people import` wrote: its item means are added to the package's tables.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts, nothing else, on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar.")]

LOAD_OPTIONS = (
    *(
        "dtype",
        "device",
        "revision",
        "blocks",
        "trust_remote_code",
        "download",
        "padding_side",
        "api_key_env",
    ),
    *("threads", "attn_implementation", "compiled", "exact", "device_map"),
)


def load_options(model_args: str | None = None, **given: Any) -> dict[str, Any]:
    """Options for `load`, from `--model_args` and from options of their own, which win; unset ones are left out.

    Raises:
        BadInputError: `--model_args` is not `key=value,key=value`, or has an unknown key.
    """
    found: dict[str, Any] = {}
    for pair in (model_args or "").split(","):
        key, equals, value = pair.partition("=")
        key = key.strip()
        if not pair.strip():
            continue
        if not equals:
            raise BadInputError(
                f'--model_args: "{pair}" is not key=value; write for example dtype=bfloat16,device=cuda'
            )
        if key == "pretrained":
            raise BadInputError("--model_args: the model is the command's argument here, not pretrained=...")
        if key not in LOAD_OPTIONS:
            raise BadInputError(f'--model_args: unknown key "{key}"; known are {", ".join(LOAD_OPTIONS)}')
        found[key] = _value(key, value)
    return {**found, **{k: v for k, v in given.items() if v is not None and v is not False}}


def template_ids(text: str | None) -> tuple[str, ...] | None:
    """Wordings from the option's text: a number takes the first so many.

    Raises:
        BadInputError: too many, or unknown ids.
    """
    if text is None:
        return None
    from culturescope.prompts import templates

    chosen = int(text) if text.strip().isascii() and text.strip().isdigit() else None
    ids = [part.strip() for part in text.split(",") if part.strip()]
    return tuple(t.id for t in templates(ids if chosen is None else chosen))


def one_of(name: str, value: str | None, known: tuple[str, ...]) -> str | None:
    """The value, if it is known.

    Raises:
        BadInputError: it is not.
    """
    if value is not None and value not in known:
        raise BadInputError(f'--{name}: "{value}" is not one of {", ".join(known)}')
    return value


def say(text: str) -> None:
    """Tells the user what is going on, beside the output."""
    typer.echo(text, err=True)


def _value(key: str, value: str) -> str | int | bool:
    """A value of `--model_args` in the type of its option.

    Raises:
        BadInputError: it has another type.
    """
    text = value.strip().lower()
    if key == "threads":
        if not (text.isascii() and text.isdigit()):
            raise BadInputError(f'--model_args: {key} is a number, not "{value}"')
        return int(text)
    if key not in ("trust_remote_code", "download", "compiled", "exact"):
        return value.strip()
    if text not in ("true", "false", "1", "0"):
        raise BadInputError(f'--model_args: {key} is true or false, not "{value}"')
    return text in ("true", "1")
