"""Runs with planted values, asked of a model made of a function: no weights, real run folders."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from culturescope.experiments.audit import design_of, start_run
from culturescope.experiments.design import Design
from culturescope.instrument import Scenario, load_pack
from culturescope.models.mock import MockModel
from culturescope.probing.ask import ask, letters_key
from culturescope.prompts import Prompt

Value = Callable[[Scenario], float]


def noise(*words: str) -> float:
    """A number from -1 to 1 that depends on the words alone."""
    digest = hashlib.sha256("/".join(words).encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**31 - 1


def planted_model(
    value: Value,
    *,
    name: str = "planted",
    follow: float = 2.0,
    bias: float = 0.0,
    rest_mass: float = 0.05,
    pack_name: str | None = None,
    told: Mapping[str, float] | None = None,
) -> MockModel:
    """A model with a value logit d for each scenario, that follows the check's convinced personas by `follow` logits.

    `told` are further texts of personas, and by how many times `follow` they move it.
    """
    pack = load_pack(pack_name)
    by_option = {option: s for s in pack.scenarios for option in (s.positive, s.negative)}
    turned = {p.text: {"positive": 1.0, "negative": -1.0}.get(p.kind, 0.0) for p in pack.personas} | dict(
        told or {}
    )

    def logits(prompt: Prompt) -> tuple[float, float]:
        text = prompt.messages[-1].content
        option = next(line[3:] for line in text.splitlines() if line[:3] in ("A. ", "A: "))
        scenario = by_option[option]
        system = prompt.messages[0].content if len(prompt.messages) > 1 else ""
        d = value(scenario) + follow * turned.get(system, 0.0) + 0.02 * noise(name, text)
        first = text.index(scenario.positive) < text.index(scenario.negative)
        return (d + bias, 0.0) if first else (bias, d)

    return MockModel(logits, name=name, rest_mass=rest_mass)


def planted_run(path: Path, value: Value, *, limit: int = 30, **options: Any) -> Path:
    """The answers of an audit (a probe where `check_limit` is 0) of a planted model, in a run folder without its page."""
    asked: dict[str, Any] = {"check_limit": 10, "template_ids": ("plain", "options"), "agreement": 0}
    asked |= {k: options.pop(k) for k in list(options) if k in Design.__dataclass_fields__}
    model = planted_model(value, pack_name=asked.get("pack"), **options)
    design = Design(limit=limit, **asked)
    with start_run(model, design, load={"source": "planted"}, output_path=path) as folder:
        tasks = design_of(folder).tasks()
        for rows in ask(model, tasks, [letters_key(model.identity, task) for task in tasks], batch_size=500):
            folder.append(rows)
        folder.finish("success")
    return path


def by_axis(x: float, y: float, spread: float = 1.0) -> Value:
    """The value of a scenario: that of its axis, and much that is the scenario's own and alike in all models."""
    return lambda s: (x if s.item.startswith("X") else y) + spread * noise(s.id)
