"""Writes the exercises of one model: every text that any system reads, rendered once, by culturescope.

    python -m comparison.prepare SPECIFICATION.json

A process of its own, so that the one that starts the peers stays small.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from comparison.models import DEFAULT, folder_for_peers, random_gemma, random_llama, write

SOCIETIES = ("IND", "VNM", "MEX", "NLD")
DOSE = 0.1
VERIFIED = 8
COEFFICIENTS = (-1.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.75, 1.0)
QUESTIONS = (
    "What makes a good neighbour?",
    "How should one spend a free Sunday?",
    "Describe a market in the morning.",
    "What do you tell a friend who has lost a job?",
    "Why do people sing together?",
    "How does one learn to cook?",
    "What is worth saving money for?",
    "Tell me about a long train journey.",
)


class Preparation:
    """The exercises of one model.

    Args:
        specification: `model` (name of the models' list), `source` (what culturescope loads), `home` (where exercises
            go), `threads`, and `exercises` (name to task and sizes).
    """

    def __init__(self, specification: dict[str, Any]) -> None:
        self.given = specification
        self.home = Path(specification["home"])
        self.home.mkdir(parents=True, exist_ok=True)
        self.common = {"threads": specification["threads"], "warm": True, "loads": True, "model": ""}

    def write_all(self) -> None:
        """Writes what is missing."""
        wanted = {
            name: given for name, given in self.given["exercises"].items() if not self._path(name).is_file()
        }
        plain = {name for name, given in wanted.items() if given["task"] in PLAIN}
        for name in plain:
            self._write(name, PLAIN[wanted[name]["task"]](self, wanted[name]))
        if wanted.keys() - plain:
            self._open()
            for name in wanted.keys() - plain:
                self._write(name, TASKS[wanted[name]["task"]](self, wanted[name]))

    def _open(self) -> None:
        import torch
        from transformers import AutoTokenizer

        import culturescope as cs
        from culturescope.models.sources import find_source

        torch.set_num_threads(self.given["threads"])
        self.source = self._source()
        self.model = cs.load(self.source)
        folder = folder_for_peers(find_source(self.source).folder, self.home / "weights")
        self.peers = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        ends = [self.model.tokenizer.eos_token_id, *_listed(self.model.module.generation_config.eos_token_id)]
        self.common |= {
            "model": str(self.source),
            "folder": str(folder),
            "block_count": len(self.model.blocks),
            "block_parameters": sum(p.numel() for b in self.model.blocks for p in b.parameters()),
            "letters": [letter.id for letter in self.model.identity.letters],
            "letter_texts": [letter.text for letter in self.model.identity.letters],
            "ends": sorted({end for end in ends if end is not None}),
        }

    def _source(self) -> str:
        from culturescope.models.sources import find_source

        given = self.given["source"]
        if not given.startswith("random:"):
            return str(given)
        like = find_source(DEFAULT).folder
        kind, _, blocks = given.removeprefix("random:").partition("-")
        target = self.home / "random"
        if kind == "vocabulary":
            return str(random_gemma(target, like))
        return str(random_llama(target, like, blocks=int(blocks)))

    def extraction(self, given: dict[str, Any]) -> dict[str, Any]:
        """Contrast texts, the answer's last token at the end."""
        import culturescope as cs
        from culturescope.models.answered import answered_tokens
        from culturescope.prompts.contrast import contrast_pairs, site

        scenarios = cs.scenarios(split="optimise", limit=given["pairs"])
        pairs = contrast_pairs(scenarios, site("option-text"))
        texts = [text for pair in pairs for text in (*pair.positive, *pair.negative)]
        ids = [list(found.ids) for found in answered_tokens(self.model, texts)]
        shown = [self.model.chat.decode(row) for row in ids]
        rows = [
            {"scenario": s.id, "positive": shown[2 * n], "negative": shown[2 * n + 1]}
            for n, s in enumerate(scenarios)
        ]
        return {"rows": rows, **self._counted(shown, ids)}

    def probing(self, given: dict[str, Any]) -> dict[str, Any]:
        """Dilemmas in both orders, in one or three wordings."""
        import culturescope as cs
        from culturescope.prompts import ORDERS, dilemma, templates

        scenarios = cs.scenarios(limit=given["scenarios"])
        wordings = templates(given["wordings"])
        return self._prompts([dilemma(s, w, o) for s in scenarios for w in wordings for o in ORDERS])

    def personas(self, given: dict[str, Any]) -> dict[str, Any]:
        """Dilemmas in both orders under the advanced personas of four societies."""
        import culturescope as cs
        from culturescope.people import load_people, profile_of
        from culturescope.prompts import ORDERS, dilemma, personas_for, templates

        people = load_people()
        asked = [p for code in SOCIETIES for p in personas_for("advanced", profile_of(people, code))]
        scenarios = cs.scenarios(split="evaluate", limit=given["scenarios"])
        (wording,) = templates(1)
        prompts = [dilemma(s, wording, o, p) for p in asked for s in scenarios for o in ORDERS]
        return {**self._prompts(prompts), "task": "probing"}

    def search(self, given: dict[str, Any]) -> dict[str, Any]:
        """Dilemmas of both axes, and a step of dose 0.1 along each axis at every block."""
        return {
            **self._steered(given, axes=2),
            "blocks": list(range(len(self.model.blocks))),
            "verify": VERIFIED,
        }

    def sweep(self, given: dict[str, Any]) -> dict[str, Any]:
        """Dilemmas of one axis, and nine coefficients at the middle block."""
        return {**self._steered(given, axes=1), "coefficients": COEFFICIENTS}

    def generation(self, given: dict[str, Any]) -> dict[str, Any]:
        """Everyday questions, and a step at the middle block."""
        from culturescope.prompts import Prompt

        prompts = [Prompt.of(question) for question in QUESTIONS[: given["texts"]]]
        shown = [self.model.chat.text(p) for p in prompts]
        counted = self._counted(shown, [self.model.chat.ids(text) for text in shown])
        rows = [_row(p, text) for p, text in zip(prompts, shown, strict=True)]
        return {"rows": rows, "new_tokens": given["new_tokens"], **self._steps(), **counted}

    def audit(self, given: dict[str, Any]) -> dict[str, Any]:
        """A whole quick audit, model loading included."""
        options = (
            ["--limit", str(given["limit"]), "--check-limit", str(given["limit"])] if given["limit"] else []
        )
        return {"warm": False, "loads": False, "options": options, "model": str(self.source)}

    def _prompts(self, prompts: Sequence[Any]) -> dict[str, Any]:
        shown = [self.model.show(p) for p in prompts]
        rows = [_row(p, text) for p, text in zip(prompts, shown, strict=True)]
        return {"rows": rows, **self._counted(shown, self.model.encode(prompts))}

    def _steered(self, given: dict[str, Any], axes: int) -> dict[str, Any]:
        import culturescope as cs
        from culturescope.instrument import load_pack
        from culturescope.prompts import ORDERS, dilemma, templates

        pack = load_pack(None)
        (wording,) = templates(1)
        rows, prompts = [], []
        for number, axis in enumerate(pack.axes[:axes]):
            items = [item.id for item in pack.items if item.axis == axis.id]
            chosen = cs.scenarios(split="evaluate", items=items, limit=given["scenarios"] // axes)
            for scenario in chosen:
                for order in ORDERS:
                    prompts.append(dilemma(scenario, wording, order))
                    rows.append({"axis": number, "scenario": scenario.id, "template": wording.id})
        found = self._prompts(prompts)
        rows = [{**one, **other} for one, other in zip(found.pop("rows"), rows, strict=True)]
        return {"rows": rows, **found, **self._steps()}

    def _steps(self) -> dict[str, Any]:
        import culturescope as cs
        from culturescope.instrument import load_pack

        path = self.home / f"steps-{self.given['fitted']}.npz"
        if not path.is_file():
            steps = []
            for axis in load_pack(None).axes[:2]:
                items = [item.id for item in load_pack(None).items if item.axis == axis.id]
                pairs = cs.scenarios(split="optimise", items=items, limit=self.given["fitted"])
                vector = cs.fit_vector(self.model, pairs, axis=axis.id)
                steps.append(np.stack([vector.alpha_for(DOSE, b) * vector[b].numpy() for b in vector.blocks]))
            np.savez(path, steps=np.stack(steps))
        return {"steps": str(path), "block": len(self.model.blocks) // 2}

    def _counted(self, texts: Sequence[str], ids: Sequence[Sequence[int]]) -> dict[str, Any]:
        """Tokens of all texts, and those that are left when no beginning is computed twice."""
        for text, row in zip(texts, ids, strict=True):
            if self.peers(text).input_ids != list(row):
                raise SystemExit(
                    f"the peers' tokenizer reads a text of {self.given['model']} otherwise than culturescope: {text[:80]!r}"
                )
        return {"tokens_asked": sum(map(len, ids)), "tokens_needed": distinct_beginnings(ids)}

    def _path(self, name: str) -> Path:
        return self.home / f"{name}.json"

    def _write(self, name: str, exercise: dict[str, Any]) -> None:
        task = self.given["exercises"][name]["task"]
        write(self._path(name), {"task": task, **self.common, **exercise})

    def bootstrap(self, given: dict[str, Any]) -> dict[str, Any]:
        """Made-up values of all scenarios under 61 changes."""
        import culturescope as cs

        scenarios = cs.scenarios()
        path = self.home / "values.npz"
        np.savez(
            path,
            values=np.random.default_rng(0).normal(size=(len(scenarios), 61)),
            items=np.array([s.item for s in scenarios]),
            cells=np.array([f"{s.item}/{s.domain}" for s in scenarios]),
        )
        return {
            "warm": False,
            "loads": False,
            "values": str(path),
            "resamples": given["resamples"],
            "seed": 42,
        }

    def survey(self, given: dict[str, Any]) -> dict[str, Any]:
        """A made-up Stata file of the size of the Integrated Values Surveys."""
        sys.path.append(str(Path(__file__).resolve().parents[2]))
        from survey_import import DtaWriter, columns_of, parts

        rng = np.random.default_rng(0)
        path = self.home / "integrated.dta"
        names = columns_of(838)
        writer = DtaWriter(path, names, "byte", given["respondents"])
        for part in parts(given["respondents"], rng):
            writer.write(part, rng)
        writer.close()
        return {"warm": False, "loads": False, "file": str(path)}

    def peak(self, given: dict[str, Any]) -> dict[str, Any]:
        """Square matrix products."""
        return {"warm": False, "loads": False, "size": 2048, "repeats": given["repeats"]}


def distinct_beginnings(ids: Sequence[Sequence[int]]) -> int:
    """Number of different beginnings of texts: the tokens of the tree that they form."""
    kept: dict[tuple[int, int], int] = {}
    count = 0  # a beginning is known by the number of the one before it and its last token
    for row in ids:
        at = 0
        for token in row:
            if (at, token) not in kept:
                count += 1
                kept[at, token] = count
            at = kept[at, token]
    return count


def _row(prompt: Any, text: str) -> dict[str, Any]:
    return {"messages": [[m.role, m.content] for m in prompt.messages], "text": text}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


TASKS = {
    "extraction": Preparation.extraction,
    "probing": Preparation.probing,
    "personas": Preparation.personas,
    "search": Preparation.search,
    "sweep": Preparation.sweep,
    "generation": Preparation.generation,
    "audit": Preparation.audit,
}
PLAIN = {"bootstrap": Preparation.bootstrap, "import": Preparation.survey, "peak": Preparation.peak}

if __name__ == "__main__":
    Preparation(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))).write_all()
