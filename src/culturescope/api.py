"""Short verbs of the public API that combine rooms: choose scenarios, survey a model, fit a vector, write a page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError
from culturescope.instrument import Scenario, load_pack, select

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel
    from culturescope.models.protocols import BlackBox, ModelIdentity
    from culturescope.probing.reading import Reading
    from culturescope.probing.survey_results import SurveyPlace, SurveyResults
    from culturescope.probing.survey_tasks import Instrument
    from culturescope.prompts import Persona
    from culturescope.steering.directions import Method
    from culturescope.steering.vector import SteeringVector


def scenarios(
    split: str | None = None,
    *,
    items: Sequence[str] | None = None,
    domains: Sequence[str] | None = None,
    limit: int | None = None,
    pack: str | os.PathLike[str] | None = None,
) -> tuple[Scenario, ...]:
    """The scenarios of the instrument, or a choice of them.

    Args:
        split: `evaluate`, `optimise`, or None for both.
        items: item ids, for example `["Y01", "X04"]`.
        domains: for example `["family"]`.
        limit: at most so many, evenly from all items and domains.
        pack: another instrument, a folder or the name of a packaged one.

    Raises:
        InstrumentError: nothing fits, or the pack is wrong.
    """
    return select(load_pack(pack), split=split, items=items, domains=domains, limit=limit)


@dataclass(frozen=True)
class Survey:
    """What a direct survey found.

    Args:
        identity: who was asked.
        results: readings, ledger, and what personas change.
        samples: every prompt with its answer (rows of `samples.jsonl`).
        seed: of the replies and of the check.
    """

    identity: ModelIdentity
    results: SurveyResults
    samples: tuple[Mapping[str, Any], ...]
    seed: int = 42

    @property
    def places(self) -> tuple[SurveyPlace, ...]:
        """Where each reading falls on the map, and what missing answers leave open."""
        from culturescope.experiments.survey_place import survey_places

        return survey_places(self.results)

    def __str__(self) -> str:
        """Verdict and why, ledger, and place with its band, of each reading."""
        from culturescope.page.report import AxisText
        from culturescope.page.survey_words import summary_lines

        axes = [AxisText(a.id, a.name, a.negative, a.positive) for a in load_pack().axes]
        return "\n".join(summary_lines(self.results, self.places, axes))


def survey(
    model: BlackBox,
    *,
    instruments: Sequence[Instrument] | None = None,
    samples: int = 2,
    wordings: int = 4,
    items: Sequence[str] | None = None,
    personas: Sequence[Persona] = (),
    temperature: float = 0.7,
    max_new_tokens: int = 128,
    batch_size: int = 16,
    seed: int = 42,
) -> Survey:
    """Asks the items of the map directly, in memory; `culturescope survey` does the same with a run folder and a page.

    Args:
        model: from `load`, or anything that follows the `BlackBox` protocol.
        instruments: `text`, `options` or both; by default both, or `text` alone where the model offers no log-probabilities.
        samples: free replies to each prompt.
        wordings: of each question, 2 to 4.
        items: ids; by default all ten.
        personas: of societies (`prompts.personas_for`), under which everything is asked once more.
        temperature: of the free replies.
        max_new_tokens: longest free reply.
        batch_size: prompts in one forward pass, or requests under way.
        seed: of the replies and of the check.

    Raises:
        BadInputError: a number outside of its range, an unknown instrument, or a persona given twice.
        InstrumentError: an unknown item.
        CulturescopeError: the model does not answer.
    """
    from culturescope.experiments.survey import offered_instruments, task_key
    from culturescope.experiments.survey_design import SurveyDesign
    from culturescope.probing.survey_ask import ask_survey
    from culturescope.probing.survey_reading import compute_survey
    from culturescope.probing.survey_tasks import INSTRUMENTS, survey_tasks

    names = [p.id for p in personas]
    if len(set(names)) < len(names):
        raise BadInputError(f"each persona is asked once, not twice: {', '.join(names)}")
    if other := [p.id for p in personas if p.kind not in ("basic", "advanced")]:
        raise BadInputError(
            f"{other[0]} is no persona of a society: prompts.personas_for makes basic and advanced ones"
        )
    design = SurveyDesign(
        instruments=INSTRUMENTS if instruments is None else tuple(instruments),
        samples=samples,
        wordings=wordings,
        temperature=temperature,
        new_tokens=max_new_tokens,
        seed=seed,
        batch_size=batch_size,
        items=None if items is None else tuple(items),
    )
    if instruments is None:
        design, _ = offered_instruments(model, design)
    tasks = survey_tasks(
        design.questions(),
        instruments=design.instruments,
        wordings=wordings,
        samples=samples,
        personas=personas,
    )
    keys = [task_key(task, model.identity, design) for task in tasks]
    batches = ask_survey(
        model,
        list(zip(tasks, keys, strict=True)),
        temperature=temperature,
        new_tokens=max_new_tokens,
        seed=seed,
        batch_size=batch_size,
    )
    answered = {row["key"]: row for batch in batches for row in batch}
    rows = tuple(answered[key] for key in keys)
    return Survey(model.identity, compute_survey(rows, seed=seed), rows, seed)


def write_page(readings: Reading | Survey | Sequence[Reading | Survey], path: str | os.PathLike[str]) -> Path:
    """Writes one HTML page with verdict, positions, intervals and every prompt of a reading.

    Args:
        readings: a reading or a survey, or a list with one.
        path: where to write; an existing page is replaced.

    Raises:
        BadInputError: none or several readings (a page shows one).
        RunFolderError: the path cannot be written.
    """
    from culturescope.experiments.report import make_report
    from culturescope.page import write
    from culturescope.probing.reading import Reading
    from culturescope.runs.manifest import environment, now

    chosen = [readings] if isinstance(readings, (Reading, Survey)) else list(readings)
    if len(chosen) != 1:
        raise BadInputError(f"a page shows one reading, got {len(chosen)}; write a page for each")
    reading = chosen[0]
    run = {
        "created": now(),
        "versions": environment(),
        "model": reading.identity.as_dict(),
        "config": {"seed": reading.seed},
    }
    if isinstance(reading, Survey):
        from culturescope.experiments.survey_report import survey_report
        from culturescope.page.survey_document import write_survey

        write_survey(survey_report(reading.results, run, reading.samples), path)
        return Path(path)
    write(make_report(reading.results, run, reading.samples, reading.pack, seed=reading.seed), path)
    return Path(path)


def fit_vector(
    model: CausalModel,
    scenarios: Sequence[Scenario],
    axis: str | None = None,
    *,
    item: str | None = None,
    domain: str | None = None,
    method: str | Method = "mean-difference",
    site: str = "option-text",
    blocks: Sequence[int] | None = None,
    batch_size: int = 16,
    pack: str | os.PathLike[str] | None = None,
) -> SteeringVector:
    """Fits a steering vector on the contrast texts of scenarios; its positive direction is the positive pole.

    Args:
        model: white-box, as `load` gives it.
        scenarios: those of the split `optimise`; the others are for judging the result.
        axis: only the scenarios of this axis, for example `X`.
        item: only those of this item, for example `X04`.
        domain: only those of this domain, for example `legal`.
        method: `mean-difference`, `pca` (uncentred), `logistic`, or a function (positive, negative) -> direction on
            tensors (pairs, width).
        site: `option-text`, `option-mean` or `answer-letter`: what stands in the place of the answer, and where it is read.
        blocks: which blocks; all by default.
        batch_size: texts in one pass; changes the vector by floating-point noise only.
        pack: the instrument that the scenarios come from, if another one.

    Raises:
        BadInputError: no scenario is left, or an unknown method, site or block.
    """
    from culturescope.steering.fitting import fit, read_pairs

    instrument = load_pack(pack)
    chosen = [
        s
        for s in scenarios
        if (axis is None or instrument.axis_of(s) == axis)
        and (item is None or s.item == item)
        and (domain is None or s.domain == domain)
    ]
    asked = [word for word in (axis, item, domain) if word is not None]
    if not chosen:
        raise BadInputError(
            f"none of the {len(scenarios)} scenarios belongs to {' and '.join(asked) or 'anything'}"
        )
    splits = {s.split for s in chosen}
    states = read_pairs(
        model,
        chosen,
        where=site,
        blocks=blocks,
        split=splits.pop() if len(splits) == 1 else "both",
        batch_size=batch_size,
    )
    return fit(states, " ".join(asked) or "all", method)
