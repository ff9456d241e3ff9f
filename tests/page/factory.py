"""Made-up reports for every verdict: scenarios, samples and figures that hang together, without a model."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import Any

from culturescope.page import AxisText, ItemText, Report
from culturescope.probing.results import (
    Agreement,
    AxisCheck,
    Check,
    Estimate,
    PersonaWording,
    Position,
    Probe,
    Results,
    WordingPosition,
)

AXES = (
    AxisText("Y", "Traditional - Secular-Rational", "Traditional", "Secular-Rational"),
    AxisText("X", "Survival - Self-Expression", "Survival", "Self-Expression"),
)
_ITEMS = {
    "Y01": ("Importance of God", "God is very important in one's life", "God is not important in one's life"),
    "Y02": (
        "Qualities of children",
        "children should learn obedience and faith rather than independence and determination",
        "children should learn independence and determination rather than obedience and faith",
    ),
    "Y03": ("Abortion", "abortion is never justifiable", "abortion is always justifiable"),
    "Y04": ("National pride", "strong national pride", "no national pride"),
    "Y05": (
        "Respect for authority",
        "favours more respect for authority",
        "favours less respect for authority",
    ),
    "X01": ("Security or expression", "security before self-expression", "self-expression before security"),
    "X02": ("Happiness", "not very happy", "very happy"),
    "X03": ("Homosexuality", "homosexuality is never justifiable", "homosexuality is always justifiable"),
    "X04": ("Petitions", "would not sign a petition", "has signed a petition"),
    "X05": ("Trust", "one must be very careful with people", "most people can be trusted"),
}
ITEMS = tuple(ItemText(key, key[0], *words) for key, words in _ITEMS.items())
DOMAINS = ("family", "workplace", "legal")
TEMPLATES = ("plain", "question", "advice")
WORDS = """
    the council asks whether a neighbour may keep her shop open on the day of the festival while an older
    colleague would rather close it and a cousin writes that nobody minds so long as the school agrees to it
    before winter comes and the letters are signed by those who live along the river near an orchard
"""
# verdict: (value of d on the axis, D of the personas, half the interval of D, null band, bias, letter mass)
WORLDS: dict[str, tuple[float, float, float, float, float, float]] = {
    "interpretable": (0.42, 1.35, 0.21, 0.16, 0.14, 0.99),
    "weak": (0.12, 0.22, 0.13, 0.16, 0.35, 0.91),
    "not interpretable": (0.01, 0.02, 0.07, 0.08, 0.51, 0.75),
}


def around(value: float, half: float) -> Estimate:
    return Estimate(value=value, low=value - half, high=value + half, df=29.0)


def position(
    axis: str, d: float, half: float, n: int, world: str, *, both: bool = True, **where: str | None
) -> Position:
    bias, mass = WORLDS[world][4:]
    s = 1 / (1 + math.exp(-d))
    return Position(
        axis=axis,
        scenarios=n,
        d=around(d, half),
        s=around(s, half / 5),
        b=bias if both else None,
        mean_abs_b=bias * 1.1 if both else None,
        letter_mass=mass,
        **where,
    )


def axis_check(axis: str, world: str) -> AxisCheck:
    _, D, half, band, bias, mass = WORLDS[world]
    verdict: Any = world
    reasons = {
        "interpretable": ("D lies above zero and above the null band under both wordings.",),
        "weak": ("D lies above the null band under one wording of two.",),
        "not interpretable": (
            "The interval of D holds zero.",
            "D is no larger than the null band.",
            "The mean position bias exceeds D.",
        ),
    }[world]
    return AxisCheck(
        axis=axis,
        verdict=verdict,
        before_reasons=verdict,
        reasons=reasons,
        scenarios=30,
        D=around(D, half),
        null_band=band,
        null_level=0.96,
        null_pairs=tuple(band * x for x in (0.11, 0.2, 0.36, 0.41, 0.58, 0.8)),
        wordings=tuple(
            PersonaWording(
                wording=i,
                D=around(D + shift, half * 1.4),
                above_zero=D + shift > half * 1.4,
                above_band=D + shift - half > band,
            )
            for i, shift in enumerate((-0.04, 0.05), start=1)
        ),
        mean_b=bias,
        letter_mass=mass,
    )


def results(
    worlds: dict[str, str], *, orders: Any = "both", checked: tuple[str, ...] = ("Y", "X"), agree: bool = True
) -> Results:
    rng = random.Random(7)
    both = orders == "both"
    axes, items, cells, wordings = [], [], [], []
    for axis, world in worlds.items():
        mean = WORLDS[world][0]
        axes.append(position(axis, mean, 0.06, 150, world, both=both))
        wordings += [
            WordingPosition(axis=axis, template=t, d=around(mean + rng.gauss(0, 0.03), 0.08))
            for t in TEMPLATES
        ]
        for item in (i.id for i in ITEMS if i.axis == axis):
            centre = mean + rng.gauss(0, 0.12)
            items.append(position(axis, centre, 0.1, 30, world, both=both, item=item))
            cells += [
                position(
                    axis, centre + rng.gauss(0, 0.1), 0.17, 10, world, both=both, item=item, domain=domain
                )
                for domain in DOMAINS
            ]
    return Results(
        probe=Probe(
            orders=orders,
            templates=TEMPLATES,
            scenarios=300,
            prompts=1800,
            axes=tuple(axes),
            items=tuple(items),
            cells=tuple(cells),
            wordings=tuple(wordings),
        ),
        check=Check(scenarios=60, prompts=960, axes=tuple(axis_check(a, worlds[a]) for a in checked))
        if checked
        else None,
        agreement=Agreement(
            prompts=60, agree=55, differ=3, unreadable=2, rate=Estimate(value=55 / 60, low=0.82, high=0.96)
        )
        if agree
        else None,
    )


def sentence(rng: random.Random, length: int) -> str:
    words: list[str] = []
    while sum(map(len, words)) + len(words) < length:
        words.append(rng.choice(WORDS.split()))
    return " ".join(words).capitalize()[: length - 1].rstrip() + "."


def scenarios_and_samples(
    worlds: dict[str, str], *, per_cell: int, length: int = 900, both: bool = True, personas: bool = True
) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]]]:
    rng = random.Random(3)
    scenarios: dict[str, dict[str, Any]] = {}
    samples: list[dict[str, Any]] = []
    for item in ITEMS:
        value, D, _, _, bias, mass = WORLDS[worlds.get(item.axis, "not interpretable")]
        for domain in DOMAINS:
            for n in range(per_cell):
                key = f"{item.id}-{domain}-{n + 1:02d}"
                words = {
                    "situation": sentence(rng, 170),
                    "positive": sentence(rng, 60),
                    "negative": sentence(rng, 60),
                    "note": "Tests the item and nothing beside it.",
                    "tags": {"topic": "everyday", "setting": domain},
                }
                scenarios[key] = words
                d, b = rng.gauss(value, 0.25), rng.gauss(bias, 0.25)
                states: list[tuple[str, str | None, str, float]] = [("probe", None, t, d) for t in TEMPLATES]
                if personas and n == 0:
                    states += [
                        ("check", "positive-1", "plain", d + D / 2),
                        ("check", "negative-1", "plain", d - D / 2),
                        ("check", "neutral-1", "plain", d),
                    ]
                for part, persona, template, shown in states:
                    for order in ("positive-A", "positive-B") if both else ("positive-A",):
                        gap = (shown if order == "positive-A" else -shown) + b
                        p = mass / (1 + math.exp(-gap))
                        first, second = words["positive"], words["negative"]
                        if order == "positive-B":
                            first, second = second, first
                        text = f"<|im_start|>user\n{words['situation']}\n\nA: {first}\nB: {second}\n\n"
                        text += sentence(rng, max(length - len(text) - 43, 2))
                        text += "<|im_end|>\n<|im_start|>assistant\n"
                        samples.append(
                            {
                                "key": f"{key}/{persona}/{template}/{order}",
                                "part": part,
                                "scenario": key,
                                "item": item.id,
                                "domain": domain,
                                "axis": item.axis,
                                "template": template,
                                "order": order,
                                "persona": persona,
                                "text": text,
                                "logits": [round(14 + gap, 4), 14.0],
                                "logprobs": [math.log(p), math.log(mass - p)],
                                "tokens": 211,
                            }
                        )
    return scenarios, samples


RUN: dict[str, Any] = {
    "model": {
        "name": "SmolLM2-135M-Instruct",
        "source": "packaged",
        "revision": "0.1.2",
        "weights_sha256": "5a1395716f7913741cc51d98581b9b1228d80987a9f7d3664106742eb06bba83",
        "family": "llama",
        "dtype": "float32",
        "device": "cpu",
        "blocks": 30,
        "parameters": 134515008,
        "template_sha256": "1f0c3d5f9f1d0e0b8f4f3f0b6f9c74d2ad0f67a3cfb4d8a2f3b1e7d2b1b6a0e1",
        "chat": True,
        "letters": [{"letter": "A", "id": 49, "text": "A"}, {"letter": "B", "id": 50, "text": "B"}],
        "trust_remote_code": False,
        "extra": {},
    },
    "status": "success",
    "versions": {"culturescope": "0.1.0", "python": "3.11.2", "torch": "2.13.0", "transformers": "5.23.0"},
    "config": {"profile": "paper", "batch_size": 16, "limit": None},
    "templates": {"plain": "9b2f…", "question": "0c41…"},
    "seed": 42,
    "created": "2026-11-24 09:12 UTC",
    "elapsed_seconds": 1234.5,
    "command": ["culturescope", "audit", "smollm2-135m", "--profile", "paper"],
}


def report(
    y: str = "not interpretable",
    x: str = "not interpretable",
    *,
    per_cell: int = 1,
    length: int = 500,
    orders: str = "both",
    checked: tuple[str, ...] = ("Y", "X"),
    agree: bool = True,
    **changes: Any,
) -> Report:
    worlds = {"Y": y, "X": x}
    scenarios, samples = scenarios_and_samples(
        worlds, per_cell=per_cell, length=length, both=orders == "both"
    )
    made = Report(
        results=results(worlds, orders=orders, checked=checked, agree=agree),
        run=RUN,
        items=ITEMS,
        axes=AXES,
        samples=samples,
        scenarios=scenarios,
    )
    return replace(made, **changes)
