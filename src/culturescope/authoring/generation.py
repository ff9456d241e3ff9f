"""The order of a generator run: ask, check, judge, choose; what was paid for is kept whatever happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from culturescope.authoring.embeddings import Encode
from culturescope.authoring.generation_checks import Checker
from culturescope.authoring.generation_plan import Wanted, plan
from culturescope.authoring.judge import LOWEST_RELEVANCE, Judgement, sheet, verdict
from culturescope.authoring.pool import CANDIDATES, REJECTS, SHORTLIST, Candidate, Pool, Reject
from culturescope.authoring.selection import Diversity, choose
from culturescope.authoring.teacher import EXAMPLES, Draft, Teacher, examples_for, writing_prompt
from culturescope.errors import RunFailedError
from culturescope.instrument import Pack
from culturescope.models.structured import Answer, ask_for
from culturescope.runs.atomic import write_bytes

PATIENCE, TIRED = 20, 60
DIVERSITY, PLOT = "diversity.json", "diversity.svg"
In = TypeVar("In")
Out = TypeVar("Out")


@dataclass(frozen=True)
class Order:
    """What is asked for.

    Args:
        items: ids.
        domains: names.
        per_cell: scenarios on the shortlist for each item and domain.
        pool: so many times more are asked for.
        seed: of plan, examples and orders.
        examples: scenarios of the pack's optimise split that the teacher is shown; 0 shows none.
        temperature: of the teacher; the judge answers at 0.
        lowest_relevance: that the judge has to give.
        workers: requests under way at a time.
    """

    items: tuple[str, ...]
    domains: tuple[str, ...]
    per_cell: int = 20
    pool: int = 3
    seed: int = 42
    examples: int = EXAMPLES
    temperature: float = 0.9
    lowest_relevance: int = LOWEST_RELEVANCE
    workers: int = 4


@dataclass
class Outcome:
    """What a run made.

    Args:
        asked: scenarios asked for so far.
        candidates: that keep the rules, in the order of the plan.
        rejects: all others.
        shortlist: ids for review.
        diversity: of the shortlist against a choice at random.
        short: cells with fewer relevant candidates than asked for, and how many they have.
        stopped: why not all were asked for, or an empty text.
    """

    asked: int = 0
    candidates: list[Candidate] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    shortlist: list[str] = field(default_factory=list)
    diversity: Diversity | None = None
    short: dict[str, int] = field(default_factory=dict)
    stopped: str = ""

    def counts(self) -> dict[str, Any]:
        """Figures for `pool.json` and the screen."""
        stages = Counter(f"{r.stage}: {_head(r.reason)}" for r in self.rejects)
        return {
            "asked": self.asked,
            "candidates": len(self.candidates),
            "rejects": len(self.rejects),
            "rejects_by_reason": dict(stages.most_common()),
            "shortlist": len(self.shortlist),
            "short_cells": self.short,
        }


def generate(
    pool: Pool,
    pack: Pack,
    order: Order,
    teacher: Teacher,
    *,
    judge: Teacher | None = None,
    encode: Encode | None = None,
    advance: Callable[[str, int, int], None] = lambda phase, done, total: None,
) -> Outcome:
    """Makes a shortlist of candidates.

    Args:
        pool: the folder; replies that it holds are not asked for again.
        pack: the instrument.
        order: what is asked for.
        teacher: writes.
        judge: recovers item and poles; the teacher, if None.
        encode: sentence encoder.
        advance: is told phase, steps done, and steps in all.

    Raises:
        EndpointError: the teacher cannot be asked any more; what came before is in the folder.
        RunFailedError: none of the first answers could be used, so that no more were paid for.
    """
    outcome = Outcome()
    pack = pool.as_begun(pack)
    try:
        _write_candidates(pool, pack, order, teacher, encode, outcome, advance)
        _judge(pool, pack, order, judge or teacher, outcome, advance)
    finally:
        pool.write(CANDIDATES, [one.as_dict() for one in outcome.candidates])
        pool.write(REJECTS, [vars(one) for one in outcome.rejects])
    _shortlist(pool, order, encode, outcome)
    return outcome


def _write_candidates(
    pool: Pool,
    pack: Pack,
    order: Order,
    teacher: Teacher,
    encode: Encode | None,
    outcome: Outcome,
    advance: Callable[[str, int, int], None],
) -> None:
    wanted = plan(order.items, order.domains, order.per_cell * order.pool, order.seed)
    checker = Checker(pack, encode, order.items)

    def write(one: Wanted) -> Answer[Draft]:
        prompt = writing_prompt(pack, one, examples_for(pack, one, order.examples, order.seed))
        return ask_for(
            Draft,
            lambda asked, schema: pool.ask(
                teacher, asked, temperature=order.temperature, seed=order.seed, schema=schema
            ),
            prompt,
        )

    useless = 0

    def take(part: Sequence[Wanted]) -> None:
        nonlocal useless
        with closing(_each(write, part, order.workers)) as answers:
            for one, answer in zip(part, answers, strict=False):
                outcome.asked += 1
                result = _result(checker, one, answer)
                if isinstance(result, Candidate):
                    outcome.candidates.append(result)
                    useless = 0
                else:
                    outcome.rejects.append(result)
                    useless += 1
                advance("Write", outcome.asked, len(wanted))
                if useless == TIRED:
                    outcome.stopped = f"The last {TIRED} answers in a row could not be used, so that no more were asked for."
                    return

    # The first answers are asked for by themselves: a teacher that cannot do it is found out before the rest is paid.
    take(wanted[:PATIENCE])
    if not outcome.candidates:
        raise RunFailedError(_nothing(outcome, len(wanted)))
    take(wanted[PATIENCE:])


def _result(checker: Checker, wanted: Wanted, answer: Answer[Draft]) -> Candidate | Reject:
    if answer.value is None:
        return Reject(wanted.id, "answer", f"{answer.fault}: {answer.reason}", answer.replies[-1].text)
    return checker.check(wanted, answer.value)


def _judge(
    pool: Pool,
    pack: Pack,
    order: Order,
    judge: Teacher,
    outcome: Outcome,
    advance: Callable[[str, int, int], None],
) -> None:
    def ask(one: Candidate) -> Candidate:
        shown = sheet(pack, one.scenario, order.seed)
        answer = ask_for(
            Judgement,
            lambda asked, schema: pool.ask(judge, asked, temperature=0.0, seed=order.seed, schema=schema),
            shown.prompt,
        )
        if answer.value is None:
            return replace(one, fault=f"{answer.fault}: {answer.reason}")
        return replace(one, verdict=verdict(shown, answer.value, one.scenario))

    waiting = list(outcome.candidates)
    for n, judged in enumerate(_each(ask, waiting, order.workers)):
        outcome.candidates[n] = judged
        said = judged.verdict
        if said is None or not said.relevant(order.lowest_relevance):
            low = f"relevance {said.relevance} of 5" if said else f"no judgement: {judged.fault}"
            reason = (said.reason if said else "") or low
            text = judged.scenario.model_dump_json()
            outcome.rejects.append(Reject(judged.scenario.id, "judge", reason, text))
        advance("Judge", n + 1, len(waiting))


def _shortlist(pool: Pool, order: Order, encode: Encode | None, outcome: Outcome) -> None:
    cells: dict[str, list[Candidate]] = {
        f"{item}-{domain}": [] for item in order.items for domain in order.domains
    }
    for one in outcome.candidates:
        if one.verdict and one.verdict.relevant(order.lowest_relevance):
            cells[f"{one.scenario.item}-{one.scenario.domain}"].append(one)
    texts = {cell: [one.scenario.situation for one in those] for cell, those in cells.items()}
    chosen, outcome.diversity = choose(texts, order.per_cell, encode, seed=order.seed)
    outcome.short = {cell: len(those) for cell, those in cells.items() if len(those) < order.per_cell}
    outcome.shortlist = [cells[cell][n].scenario.id for cell, places in chosen.items() for n in places]
    pool.write(SHORTLIST, [{"id": one} for one in outcome.shortlist])
    for name in (DIVERSITY, PLOT):
        (pool.folder / name).unlink(missing_ok=True)
    if outcome.diversity:
        from culturescope.authoring.selection_plot import diversity_svg

        pool.write(DIVERSITY, [outcome.diversity.as_dict()])
        write_bytes(pool.folder / PLOT, diversity_svg(outcome.diversity))


def _each(do: Callable[[In], Out], those: Sequence[In], workers: int) -> Generator[Out, None, None]:
    """Results in order, several under way at a time; after an error those under way come to their end, and no more begin."""
    with ThreadPoolExecutor(max(1, workers)) as threads:
        waiting = [threads.submit(do, one) for one in those]
        try:
            for one in waiting:
                yield one.result()
        except BaseException:
            threads.shutdown(wait=True, cancel_futures=True)
            raise


def _nothing(outcome: Outcome, wanted: int) -> str:
    reasons = Counter(f"{r.stage}: {_head(r.reason)}" for r in outcome.rejects).most_common(3)
    said = ", ".join(f"{n} {reason}" for reason, n in reasons)
    rest = "" if outcome.asked == wanted else "; the rest was not asked for"
    return (
        f"none of the first {outcome.asked} of {wanted} answers could be used ({said}){rest}. "
        f"{REJECTS} holds them with reasons: take a stronger teacher"
    )


def _head(reason: str) -> str:
    return reason.split(":")[0].split(" (")[0][:60]


def describe(outcome: Outcome, paid: Mapping[str, int]) -> list[str]:
    """A run in a few lines."""
    counts = outcome.counts()
    lines = [
        f"Asked for {counts['asked']} scenarios; {counts['candidates']} keep the rules; "
        f"{counts['shortlist']} are on the shortlist.",
        f"Paid for in this folder: {paid['requests']:,} requests, {paid['tokens']:,} tokens.",
    ]
    if outcome.rejects:
        lines.append(f"Not used, {len(outcome.rejects)}:")
        lines += [f"  {n:>5}  {reason}" for reason, n in list(counts["rejects_by_reason"].items())[:12]]
    if outcome.stopped:
        lines.append(outcome.stopped)
    if outcome.diversity:
        lines.append(f"Diversity: {outcome.diversity}.")
    if outcome.short:
        few = ", ".join(f"{cell} {n}" for cell, n in list(outcome.short.items())[:6])
        more = len(outcome.short) - 6
        lines.append(
            f"{len(outcome.short)} cells have fewer than asked for ({few}{f' and {more} more' if more > 0 else ''}); "
            "a larger --pool goes on from here."
        )
    return lines
