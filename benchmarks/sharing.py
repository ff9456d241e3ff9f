"""Measures what shared beginnings save when letters are read, and that they change no number.

    python benchmarks/sharing.py smollm2-135m --rounds 5

Two tasks: scenarios in both orders and three wordings, and scenarios in both orders under four long personas. Every
round reads both ways, in alternating order. `rows` is the plain way: prompts sorted by length, padded batches, logits
at the last position only. On a machine that others use, trust the CPU seconds (`--threads 1` for the least noise).
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch

import culturescope as cs
from culturescope.experiments.design import Design
from culturescope.models import CausalModel
from culturescope.prompts import Prompt

# Four made-up profiles as long as those that are built from survey answers; what they say does not matter here.
LIFE = (
    "You are {name}, {age} years old, from {place}. You live with your family and work as a {work}. In a survey on "
    "values you have said the following. How important is God in your life, from 1 to 10? You chose {god}. Which "
    "qualities should children learn at home? You named {quality} first, and did not name imagination. Would you sign a "
    "petition? You said that you {petition}. Can most people be trusted? You said that {trust}. All things considered, "
    "how happy are you? You said {happy}. How proud are you of your nationality? You said {proud}. Should people have "
    "more respect for authority in the future? You said that it would be {respect}. Which aims of your country are most "
    "important? You chose {aim}. Is it ever justified to be homosexual, or to have an abortion? On a scale from 1, never, "
    "to 10, always, you chose {homo} and {abortion}. You answer every question as this person would: by what you have "
    "lived through, by what your family and neighbours expect of you, and by what you hold to be right. You do not speak "
    "of yourself as an assistant, you do not say that it depends, and you do not leave your part."
)
NAMES = [
    "name",
    "age",
    "place",
    "work",
    "god",
    "quality",
    "petition",
    "trust",
    "happy",
    "proud",
    "respect",
    "aim",
    "homo",
    "abortion",
]
LIVES = (
    "Asha|41|Pune|teacher|9|obedience|never would|one must be careful|rather happy|very proud|good|a strong economy|2|2",
    "Minh|33|Hue|mechanic|4|hard work|might do so|most can be|very happy|very proud|good|order in the nation|3|4",
    "Lupita|52|Oaxaca|nurse|10|faith|might do so|one must be careful|very happy|very proud|good|rising prices|5|3",
    "Mette|29|Aarhus|carpenter|3|independence|have done so|most can be|very happy|quite proud|bad|a voice for all|10|9",
)
PERSONAS = tuple(LIFE.format(**dict(zip(NAMES, life.split("|"), strict=True))) for life in LIVES)


def main() -> None:
    """Parse the arguments, run both ways in rounds, print a line a task."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("model", help="packaged name, hub id, folder or .gguf file")
    parser.add_argument("--scenarios", type=int, default=30, help="evenly drawn from all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    model = cs.load(options.model, dtype=options.dtype, device=options.device)
    print(
        f"{options.model}, {options.dtype}, {options.device}, {options.threads} threads, batch {options.batch_size}"
    )
    for name, prompts in tasks(options.scenarios).items():
        measure(model, name, prompts, options.rounds, options.batch_size)


def tasks(scenarios: int) -> dict[str, list[Prompt]]:
    """Prompts of the two tasks."""
    plain = [task for task in Design.of("full").tasks() if task.persona is None]
    known = list(dict.fromkeys(task.scenario.id for task in plain))
    chosen = {known[len(known) * n // scenarios] for n in range(scenarios)}
    asked = [task for task in plain if task.scenario.id in chosen]
    first = asked[0].template.sha256
    users = [task.prompt.messages[-1].content for task in asked if task.template.sha256 == first]
    return {
        "both orders, three wordings": [task.prompt for task in asked],
        "four personas, both orders": [Prompt.of(user, system=life) for life in PERSONAS for user in users],
    }


def measure(model: CausalModel, name: str, prompts: list[Prompt], rounds: int, batch_size: int) -> None:
    """Reads the prompts both ways in alternating rounds and prints what it took."""
    read(model, prompts[:4], batch_size, share=True)
    wall: dict[bool, list[float]] = {True: [], False: []}
    cpu: dict[bool, list[float]] = {True: [], False: []}
    logits = {}
    for turn in range(rounds):
        for share in (turn % 2 == 0, turn % 2 == 1):
            began, busy = time.perf_counter(), time.process_time()
            logits[share] = read(model, prompts, batch_size, share=share)
            wall[share].append(time.perf_counter() - began)
            cpu[share].append(time.process_time() - busy)
    work = {
        share: model.expected_work(prompts, batch_size=batch_size, share=share) for share in (False, True)
    }
    tokens = {share: work[share].tokens_computed + work[share].tokens_padding for share in work}
    print(
        f"{name}: {len(prompts)} prompts, {work[True].tokens_asked} tokens, {work[True].tokens_needed} needed"
    )
    for share, way in ((False, "rows"), (True, "shared")):
        times = f"wall {spread(wall[share])} s, CPU {spread(cpu[share])} s"
        print(f"  {way:7s} {tokens[share]:7d} tokens in {work[share].passes} passes, {times}")
    ratios = [spread([a / b for a, b in zip(took[False], took[True], strict=True)]) for took in (wall, cpu)]
    gap = (logits[True] - logits[False]).abs().max()
    counted = tokens[False] / tokens[True]
    print(
        f"  ratio by tokens {counted:.2f}, by wall {ratios[0]}, by CPU {ratios[1]}; largest difference {gap:.1e}"
    )


def read(model: CausalModel, prompts: list[Prompt], batch_size: int, *, share: bool) -> torch.Tensor:
    """Logits (prompts, 2) of the letters."""
    found = torch.empty(len(prompts), 2, dtype=torch.float64)
    for indices, readings in model.read_letters(prompts, batch_size=batch_size, share=share):
        found[indices] = torch.tensor([reading.logits for reading in readings], dtype=torch.float64)
    return found


def spread(values: list[float]) -> str:
    """Median with the smallest and the largest value."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


if __name__ == "__main__":
    main()
