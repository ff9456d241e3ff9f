"""A teacher and judge by script: it writes scenarios that keep every rule, and recovers what it wrote."""

from __future__ import annotations

import json
import random
import re
from typing import Any

WORDS = [
    "basket",
    "river",
    "lamp",
    "ladder",
    "table",
    "garden",
    "bridge",
    "kettle",
    "window",
    "button",
    "carpet",
    "lemon",
    "pepper",
    "marble",
    "engine",
    "pencil",
    "saddle",
    "candle",
    "blanket",
    "mirror",
    "anchor",
    "barrel",
    "copper",
    "feather",
    "hammer",
    "island",
    "jacket",
    "ladle",
    "meadow",
    "needle",
    "onion",
    "paddle",
    "rabbit",
    "shovel",
    "timber",
    "valley",
    "walnut",
    "yarn",
    "zipper",
    "apron",
    "bucket",
    "cellar",
    "drawer",
    "easel",
    "fiddle",
    "gravel",
    "hollow",
    "kernel",
    "locket",
    "mortar",
    "nickel",
    "orchard",
    "pocket",
    "quilt",
    "ribbon",
    "spindle",
    "trellis",
    "umbrella",
    "velvet",
    "wagon",
]


class GoodTeacher:
    """Answers a writing prompt with a new scenario, a judge's prompt with the item and pole that it wrote for."""

    def __init__(self, relevance: int = 5) -> None:
        self.relevance = relevance
        self.written: dict[str, tuple[str, str, str]] = {}

    def __call__(self, request: dict[str, Any]) -> str:
        text = str(request["messages"][-1]["content"])
        return self.judge(text) if text.startswith("Below is") else self.write(text)

    def write(self, text: str) -> str:
        label, pole = _after("SURVEY ITEM: ", text), _after("- pole P: ", text)
        draw = random.Random(text)

        def some(number: int) -> str:
            return " ".join(draw.choice(WORDS) for _ in range(number))

        first, second = some(9), some(9)
        draft = {
            "situation": f"Today {_after('THEME: ', text)} comes up, with {some(30)}.",
            "positive": f"Take {first} home.",
            "negative": f"Leave {second} here.",
            "note": "Only the choice shows.",
            "topic": f"{some(2)}",
            "setting": _after("SETTING: ", text),
        }
        self.written[" ".join(draft["situation"].split())] = (label, pole, draft["positive"])
        return json.dumps(draft)

    def judge(self, text: str) -> str:
        label, pole, positive = self.written[text.split("DILEMMA\n")[1].split("\n")[0]]
        found = re.search(rf"^(Q\d+)\. {re.escape(label)}\. Pole 1: (.*)\. Pole 2:", text, re.MULTILINE)
        assert found
        a_is_positive = _after("(a) ", text) == positive
        one_is_positive = found.group(2) == pole
        return json.dumps(
            {
                "item": found.group(1),
                "pole_of_a": 1 if a_is_positive == one_is_positive else 2,
                "relevance": self.relevance,
            }
        )


def _after(mark: str, text: str) -> str:
    return next(line for line in text.split("\n") if line.startswith(mark)).removeprefix(mark)
