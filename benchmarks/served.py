"""Compares a real server with the same weights read here: letters' log-probabilities, then prompts and tokens a second.

    python benchmarks/served.py http://localhost:8000/v1#org/model org/model --dtype float32

For a server such as vLLM (`vllm serve org/model --dtype float32 --max-logprobs 20`). Letters that are not among the
server's likeliest tokens are only bounded there: they are counted, not compared. Rounds alternate. The server caches
beginnings that it has seen, so every round asks scenarios and questions that no round before has asked.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence

import culturescope as cs
from culturescope.experiments.design import Design
from culturescope.experiments.survey_design import SurveyDesign
from culturescope.models import CausalModel, ServedModel
from culturescope.models.protocols import LetterReading
from culturescope.models.served import TOP_LOGPROBS, open_model
from culturescope.prompts import Prompt
from sharing import spread


def main() -> None:
    """Parse the arguments, compare numbers, then times."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("server", help="address with the served model's name: http://host:port/v1#name")
    parser.add_argument("model", help="the same weights: packaged name, hub id or folder")
    parser.add_argument(
        "--scenarios", type=int, default=24, help="of each round, both orders and three wordings"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--replies", type=int, default=16, help="to questions of the survey, written in each round"
    )
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()

    served = open_model(options.server)
    if not isinstance(served, ServedModel):
        parser.error(f"{options.server} is not the address of a server")
    local = cs.load(options.model, dtype=options.dtype, device=options.device)
    rounds = rounds_of(options.scenarios, options.rounds + 1)
    letters = {
        name: lambda prompts, model=model: read(model, prompts, options.batch_size)
        for name, model in (("here", local), ("server", served))
    }
    compare(letters["here"](rounds[0]), letters["server"](rounds[0]))
    alternate("prompts", rounds[1:], letters, [len(part) for part in rounds[1:]])
    # The server may end a reply early, so tokens are those of the texts that came back.
    written: dict[str, list[int]] = {"here": [], "server": []}

    def write(name: str, model: CausalModel | ServedModel) -> Callable[[Sequence[Prompt]], None]:
        def act(prompts: Sequence[Prompt]) -> None:
            texts = model.generate(prompts, max_new_tokens=options.new_tokens, batch_size=options.batch_size)
            written[name].append(sum(len(row) for row in local.tokenizer(texts).input_ids))

        return act

    texts = [task.prompt for task in SurveyDesign(samples=1, instruments=("text",)).tasks()]
    asked = [texts[n :: options.rounds][: options.replies] for n in range(options.rounds)]
    alternate("tokens", asked, {"here": write("here", local), "server": write("server", served)}, written)


def rounds_of(scenarios: int, rounds: int) -> list[list[Prompt]]:
    """Prompts of each round, of scenarios of its own."""
    tasks = [task for task in Design.of("full").tasks() if task.persona is None]
    known = list(dict.fromkeys(task.scenario.id for task in tasks))
    step = max(1, len(known) // (scenarios * rounds))
    chosen = known[::step][: scenarios * rounds]
    parts = [set(chosen[n::rounds]) for n in range(rounds)]
    return [[task.prompt for task in tasks if task.scenario.id in part] for part in parts]


def read(model: CausalModel | ServedModel, prompts: Sequence[Prompt], batch_size: int) -> list[LetterReading]:
    """Letters of the prompts, in their order."""
    found: dict[int, LetterReading] = {}
    for indices, readings in model.read_letters(prompts, batch_size=batch_size):
        found.update(zip(indices, readings, strict=True))
    return [found[n] for n in range(len(prompts))]


def compare(here: Sequence[LetterReading], there: Sequence[LetterReading]) -> None:
    """Prints how far the server's log-probabilities are from those read here."""
    gaps = [
        abs(one - other)
        for a, b in zip(here, there, strict=True)
        for letter, one, other in zip("AB", a.logprobs, b.logprobs, strict=True)
        if letter not in b.bounded
    ]
    tokens = sum(a.tokens != b.tokens for a, b in zip(here, there, strict=True))
    print(
        f"{len(gaps)} log-probabilities of {2 * len(here)} letters (the others are not among the likeliest {TOP_LOGPROBS}): "
        f"largest difference {max(gaps, default=0):.1e}, median {statistics.median(gaps or [0]):.1e}; "
        f"prompts with another number of tokens: {tokens}"
    )


def alternate(
    what: str,
    parts: Sequence[Sequence[Prompt]],
    ways: dict[str, Callable[[Sequence[Prompt]], object]],
    counts: Sequence[int] | dict[str, list[int]],
) -> None:
    """Times both ways on each part, in alternating order, and prints rates and their ratios."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for turn, part in enumerate(parts):
        for name in list(ways)[:: 1 if turn % 2 == 0 else -1]:
            began = time.perf_counter()
            ways[name](part)
            took = time.perf_counter() - began
            count = counts[name][turn] if isinstance(counts, dict) else counts[turn]
            rates[name].append(count / took)
    ratio = [one / other for one, other in zip(rates["here"], rates["server"], strict=True)]
    shown = ", ".join(f"{name} {spread(found)}" for name, found in rates.items())
    print(f"{what} a second, {os.cpu_count()} cores: {shown}; here / server {spread(ratio)}")


if __name__ == "__main__":
    main()
