"""What is compared: systems, and the cases (a task with its sizes, on one model) that each of them can do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from comparison.models import DEFAULT

OURS = "culturescope"


@dataclass(frozen=True)
class System:
    """A way to do a task.

    Args:
        script: under `peers`.
        environment: of a peer; None is the one that this benchmark runs in.
        settings: that replace those of the exercise.
        about: in the table's key.
    """

    script: str
    about: str
    environment: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


SYSTEMS: dict[str, System] = {
    OURS: System("with_culturescope", "the public functions, with their own settings"),
    "culturescope, unshared": System(
        "with_culturescope", "the same with `share=False`", settings={"share": False}
    ),
    "culturescope, first order": System(
        "with_culturescope", "estimates of all blocks by one backward pass", settings={"how": "first-order"}
    ),
    "culturescope, best verified": System(
        "with_culturescope", "the estimate, then its best blocks measured", settings={"how": "verified"}
    ),
    "lean": System(
        "with_lean",
        "plain transformers with care: sorted batches of 16, last position, two rows of the output layer",
    ),
    "plain": System("with_plain", "plain transformers, one text at a time, logits at all positions"),
    "plain loop": System("with_lean", "numpy, a loop over draws and cells"),
    "plain hook": System("with_lean", "`generate` of transformers with a hook that adds the vector"),
    "dialz": System("with_dialz", "mean difference, its batch size 32", "dialz"),
    "repeng": System("with_repeng", "its default (principal component), its batch size 32", "repeng"),
    "steering-vectors": System("with_steering_vectors", "as installed: batch size 1", "steering_vectors"),
    "steering-vectors, batch 32": System(
        "with_steering_vectors", "the same in batches", "steering_vectors", {"batch_size": 32}
    ),
    "lm-eval": System("with_lm_eval", "`loglikelihood` of both letters, batch size 16", "lm_eval"),
}

EXTRACTION = (OURS, "lean", "plain", "dialz", "repeng", "steering-vectors", "steering-vectors, batch 32")
PROBING = (OURS, "lean", "plain", "lm-eval")
SEARCH = (OURS, "culturescope, first order", "culturescope, best verified", "lean")
GENERATION = (OURS, "plain hook", "dialz", "repeng", "steering-vectors")


@dataclass(frozen=True)
class Case:
    """A task of one size on one model.

    Args:
        model: name in `SOURCES`.
        name: of the exercise, and of the line in the table.
        task: how the exercise is prepared.
        sizes: of the exercise.
        systems: that do it, in the order of the table.
        rounds: measurements of each.
        settings: that replace those of the exercise, for all systems.
        exercise: name of another case's exercise that is used.
    """

    model: str
    name: str
    task: str
    sizes: Mapping[str, Any]
    systems: tuple[str, ...]
    rounds: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    exercise: str | None = None

    @property
    def prepared(self) -> str:
        """Name of the exercise; another size is another exercise."""
        text = json.dumps(dict(self.sizes), sort_keys=True)
        return f"{self.exercise or self.name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def key(self, system: str, turn: int) -> str:
        """Of one measurement."""
        return f"{self.model}/{self.name}/{self.prepared}/{system}/{turn}"


@dataclass(frozen=True)
class Sizes:
    """Sizes of all tasks on one model; a task of size 0 is left out."""

    pairs: int = 300
    scenarios: int = 600
    worded: int = 60
    personas: int = 30
    search: int = 16
    sweep: int = 16
    texts: int = 8
    new_tokens: int = 64
    audit: int | None = None
    audits: int = 3
    respondents: int = 450_000
    resamples: int = 2000
    rounds: int = 5


SOURCES = {"default": DEFAULT, "vocabulary": "random:vocabulary"}
FULL = {
    "default": Sizes(),
    "vocabulary": Sizes(scenarios=60, worded=0, personas=0, search=0, sweep=0, texts=0, audits=0),
    "reference": Sizes(
        pairs=30,
        scenarios=30,
        worded=10,
        personas=8,
        search=8,
        sweep=8,
        texts=4,
        new_tokens=32,
        audits=1,
        rounds=3,
    ),
}
QUICK = Sizes(
    pairs=6,
    scenarios=6,
    worded=3,
    personas=3,
    search=4,
    sweep=4,
    texts=3,
    new_tokens=8,
    audit=10,
    audits=1,
    respondents=20_000,
    resamples=200,
    rounds=2,
)
SMALL = "llama-"
"""Models `llama-2`, `llama-8`: random, in the default model's shape, with so many blocks."""


def source_of(model: str) -> str | None:
    """What culturescope loads, or `random:` and what is made; None for a model that is not known."""
    if model in SOURCES:
        return SOURCES[model]
    blocks = model.removeprefix(SMALL)
    return f"random:{model}" if model.startswith(SMALL) and blocks.isdigit() else None


def sizes_of(model: str, *, quick: bool, changes: Mapping[str, int | None]) -> Sizes:
    """Sizes for a model, some of them replaced; a task that a model leaves out stays out."""
    full = found = FULL.get(model, Sizes(respondents=0, resamples=0))
    if quick:
        names = [n for n in QUICK.__dataclass_fields__ if getattr(full, n) != 0]
        found = replace(full, **{n: getattr(QUICK, n) for n in names})
    wanted = {n: v for n, v in changes.items() if v is not None and getattr(full, n) != 0}
    return replace(found, **wanted)


def cases_of(model: str, s: Sizes) -> list[Case]:
    """The cases of one model; the measured matmul peak is the first, the ones without a model belong to the default."""
    found = [
        Case(model, "peak", "peak", {"repeats": 10}, ("lean",), s.rounds),
        Case(model, "extraction", "extraction", {"pairs": s.pairs}, EXTRACTION, s.rounds),
        Case(model, "probing", "probing", {"scenarios": s.scenarios, "wordings": 1}, PROBING, s.rounds),
        Case(
            model,
            "both orders, three wordings",
            "probing",
            {"scenarios": s.worded, "wordings": 3},
            PROBING,
            s.rounds,
        ),
        Case(
            model,
            "personas",
            "personas",
            {"scenarios": s.personas},
            (OURS, "culturescope, unshared", "lean"),
            s.rounds,
        ),
        Case(model, "search", "search", {"scenarios": s.search}, SEARCH, s.rounds),
        Case(model, "sweep", "sweep", {"scenarios": s.sweep}, (OURS, "lean"), s.rounds),
        Case(
            model,
            "generation",
            "generation",
            {"texts": s.texts, "new_tokens": s.new_tokens},
            GENERATION,
            s.rounds,
        ),
    ]
    if s.audits:
        found.append(Case(model, "audit", "audit", {"limit": s.audit}, (OURS,), s.audits))
    if model == "default":
        found += [
            Case(model, "import", "import", {"respondents": s.respondents}, (OURS,), s.rounds),
            Case(model, "bootstrap", "bootstrap", {"resamples": s.resamples}, (OURS, "plain loop"), s.rounds),
        ]
    return [c for c in found if all(v != 0 for v in c.sizes.values())]
