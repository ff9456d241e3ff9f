"""What a run would cost before it runs, and how many scenarios a difference needs."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from culturescope.errors import BadInputError
from culturescope.experiments.accounting import white_box
from culturescope.experiments.audit import answered_rows, design_of
from culturescope.experiments.cost import expected_cost
from culturescope.experiments.design import Design
from culturescope.experiments.personas import SocietyPersona
from culturescope.experiments.study.planning import plan_study
from culturescope.experiments.study.scope import Scope
from culturescope.experiments.study.settings import Settings
from culturescope.models import load, open_model
from culturescope.probing.aggregate import codes
from culturescope.probing.scores import score_samples
from culturescope.probing.tasks import Task, probe_rows
from culturescope.runs import RunFolder
from culturescope.stats import scenarios_needed, spread

USUAL_SPREADS = (0.1, 0.2, 0.3, 0.5, 0.8, 1.2)


def plan(
    design: Design,
    model_source: str | None,
    load_options: Mapping[str, Any],
    settings: Settings | None = None,
) -> dict[str, Any]:
    """Counts the prompts of a design; with a model also tokens and, after a short measurement, the time.

    Args:
        design: of check and probe.
        model_source: who would be asked.
        load_options: of the model.
        settings: of a study's further parts, which are counted as well.

    Returns:
        `prompts` by part, `scenarios`, and with a model `tokens` by part and the fields of `Cost`; with settings `study`, all
        its parts; `lines` says it in words.

    Raises:
        ModelError: the model cannot be loaded.
    """
    tasks = design.tasks()
    prompts = dict(Counter(_part(t) for t in tasks)) | {"agreement": len(design.agreement_tasks(tasks))}
    found: dict[str, Any] = {
        "profile": design.profile,
        "scenarios": len(design.scenarios()),
        "check_scenarios": len(design.check_scenarios()),
        "templates": list(design.template_ids),
        "orders": design.orders,
        "prompts": prompts,
        "prompts_total": len(tasks),
    }
    lines = [
        f"Profile {design.profile}: {len(tasks)} prompts, and {prompts['agreement']} of them answered in words as well.",
        f"  probe: {prompts.get('probe', 0)} prompts ({found['scenarios']} scenarios, "
        f"{len(design.template_ids)} wordings, {design.orders} orders)",
        f"  instrument check: {prompts['check']} prompts ({found['check_scenarios']} scenarios, "
        f"{len(design.load_pack().personas)} personas, both orders)"
        if "check" in prompts
        else "  no instrument check",
    ]
    if design.personas:
        found["personas"] = [p.id for p in design.personas]
        lines.append(
            f"  personas of societies: {prompts['personas']} prompts ({_count(len(design.personas), 'persona')}: "
            f"{', '.join(found['personas'])})"
        )
        partial = [f"{p.id} lacks {', '.join(p.missing)}" for p in design.personas if p.missing]
        lines += [f"  partial profile: {one}" for one in partial]
    model = None if model_source is None else open_model(model_source, **load_options)
    if settings is not None:
        found["study"] = plan_study(Scope(replace(design, personas=()), settings), model)
        study_lines = found["study"].pop("lines")
    else:
        study_lines = []
    if model is not None:
        by_part = Counter[str]()
        own = white_box(model)
        if own is None:
            lines.append(
                "  tokens and time: not known for a served model (culturescope survey --dry-run estimates tokens)"
            )
            return {**found, "lines": [*lines, *study_lines]}
        for task, count in zip(tasks, own.content_tokens([task.prompt for task in tasks]), strict=True):
            by_part[_part(task)] += count
        cost = expected_cost(own, design, tasks)
        found |= {"tokens": dict(by_part), "tokens_total": sum(by_part.values()), **cost.as_dict()}
        lines += cost.lines()
    return {**found, "lines": [*lines, *study_lines]}


def survey_plan(
    personas: Sequence[SocietyPersona], model_source: str | None, load_options: Mapping[str, Any]
) -> dict[str, Any]:
    """Prompts and tokens of a direct survey with its defaults; without a model, tokens are estimated.

    Raises:
        ModelError: the model cannot be loaded.
    """
    from culturescope.experiments.survey_design import SurveyDesign
    from culturescope.experiments.survey_planning import survey_cost

    model = None if model_source is None else open_model(model_source, **load_options)
    return survey_cost(SurveyDesign(personas=tuple(personas)), model)


def token_table(model_source: str, design: Design, load_options: Mapping[str, Any]) -> str:
    """The first prompt of a design token by token, with the place marked at which the letters are read.

    Raises:
        ModelError: the model cannot be loaded.
    """
    model = load(model_source, **load_options)
    lines = [
        f"{n:>4}  {token.id:>7}  {token.text!r}{'   <- the letters are read here' if token.read else ''}"
        for n, token in enumerate(model.letter_position(design.tasks()[0].prompt))
    ]
    tokens = ", ".join(f"{t.letter} is token {t.id} {t.text!r}" for t in model.identity.letters)
    return "\n".join([*lines, f"Letters: {tokens}"])


def power_table(delta: float, run: str | os.PathLike[str] | None = None) -> dict[str, Any]:
    """Scenarios an axis needs to show a difference in d between two conditions asked on the same scenarios.

    Two-sided t test at 5%, power 80%, paired over scenarios. The spread that counts is the standard deviation over scenarios of
    the difference; a run gives that of d itself, which is an upper bound where the two conditions go together.

    Args:
        delta: difference in d.
        run: folder of a run whose spread is taken; otherwise a table over usual spreads.

    Raises:
        BadInputError: delta is not positive.
        RunFolderError: the run has no samples.
    """
    if not 0 < delta < float("inf"):
        raise BadInputError(f"--delta must be a number above 0, not {delta}")
    rows: list[dict[str, Any]] = []
    if run is None:
        rows = [{"spread": sd, "scenarios": scenarios_needed(sd, delta)} for sd in USUAL_SPREADS]
        lines = [f"Scenarios an axis needs to show a difference of {delta:g} in d (80% power, 5% level):"]
        lines += [f"  spread over scenarios {row['spread']:.1f}: {row['scenarios']}" for row in rows]
        lines.append("With --run RUN the spread is taken from a run.")
        return {"delta": delta, "rows": rows, "lines": lines}
    folder = RunFolder.open(run)
    scores = score_samples(probe_rows(answered_rows(folder, design_of(folder))))
    lines = [
        f"Scenarios needed to show a difference of {delta:g} in d (80% power, 5% level), spread from {folder.path}:"
    ]
    for axis in dict.fromkeys(scores.axes):
        part = scores.on(axis=axis)
        found = spread(part.d, codes(part.items), codes(part.cells))
        needed = scenarios_needed(found.scenario, delta)
        rows.append({"axis": axis, "spread": found.scenario, "wording": found.wording, "scenarios": needed})
        between = "unknown, the run has one" if found.wording is None else f"{found.wording:.2f}"
        lines.append(
            f"  {axis}: {needed} (spread over scenarios {found.scenario:.2f}, between wordings {between})"
        )
    return {"delta": delta, "rows": rows, "lines": lines}


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _part(task: Task) -> str:
    """The part that a prompt counts for: those of the probe under a persona are counted by themselves."""
    return "personas" if task.part == "probe" and task.persona is not None else task.part
