"""What every part of a study would take: prompts, readings, tokens, and after a short measurement the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from culturescope.errors import CulturescopeError
from culturescope.experiments.accounting import white_box
from culturescope.experiments.audit import own_task
from culturescope.experiments.study.amounts import Amount, Reading
from culturescope.experiments.study.clock import Rates, measured_rates
from culturescope.experiments.study.file import Planned
from culturescope.experiments.study.names import PART_NAMES, TITLES, WHITE_BOX
from culturescope.experiments.study.scope import Scope
from culturescope.experiments.survey_planning import survey_cost
from culturescope.models.filling import PROMPTS
from culturescope.probing.agreement import NEW_TOKENS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from culturescope.experiments.design import Design
    from culturescope.experiments.study.steering_amounts import SteeringAmounts
    from culturescope.models.causal import CausalModel
    from culturescope.models.protocols import BlackBox
    from culturescope.probing.survey_tasks import SurveyTask


class Planner:
    """Counts the parts of one study, reading its scenarios' tokens once.

    Args:
        scope: what is studied.
        model: who is asked; without one, or for a served one, only prompts are counted.
    """

    def __init__(self, scope: Scope, model: BlackBox | None) -> None:
        self._scope, self._model = scope, model
        self._own = None if model is None else white_box(model)
        self._steering: SteeringAmounts | None = None

    def amount(self, part: str, blocks: Sequence[int] | None = None) -> Amount:
        """Work of one part.

        Args:
            part: its name.
            blocks: that are steered, where they are known.

        Raises:
            CulturescopeError: the part makes no sense for these scenarios.
        """
        scope, own = self._scope, self._own
        if part == "probe":
            return _asked(scope.design, own, beyond=False)
        if part == "personas":
            return _asked(scope.persona_design(), own, beyond=True)
        if part == "survey":
            tasks = scope.survey_design().tasks()
            cost = survey_cost(scope.survey_design(), self._model, tasks)
            flops = 0 if own is None else _survey_flops(tasks, own)
            written = cost["prompts"].get("text", 0) * scope.settings.survey.new_tokens
            return Amount(cost["prompts_total"], 0, cost["tokens_read"], float(flops), written)
        if part == "tax" or own is None:
            return Amount()
        if self._steering is None:
            self._steering = scope.steering_amounts(own)
        return replace(self._steering, blocks=blocks).amount(part)


def _asked(design: Design, model: CausalModel | None, *, beyond: bool) -> Amount:
    """Letters of a design and answers in words; `beyond` counts only what the study's own probe has not asked."""
    tasks = design.tasks()
    prompts = [t.prompt for t in tasks if own_task(t) or not beyond]
    words = [] if beyond else [t.prompt for t in design.agreement_tasks(tasks)]
    if model is None:
        return Amount(len(prompts) + len(words), 0, 0, 0.0, len(words) * NEW_TOKENS)
    work = model.expected_work(prompts, batch_size=PROMPTS)
    letters = Amount(len(prompts), 0, work.tokens_read, float(work.flops))
    written = Amount(written=len(words) * NEW_TOKENS)
    return letters + written + (Reading.of_chats(model, words).once() if words else Amount())


def _survey_flops(tasks: Sequence[SurveyTask], model: CausalModel) -> int:
    """Arithmetic of reading a survey's prompts: those that are answered in words are rows of their own."""
    words = [t.prompt for t in tasks if t.instrument == "text"]
    options = [t.prompt for t in tasks if t.instrument == "options"]
    rows = sum(model.arithmetic.flops(n, n * n, 1) for n in model.content_tokens(words)) if words else 0
    return rows + (model.expected_work(options, batch_size=PROMPTS).flops if options else 0)


def planned(amount: Amount, rates: Rates | None) -> Planned:
    """The amount as `study.json` has it."""
    return Planned(
        prompts=amount.prompts,
        readings=amount.readings,
        tokens=amount.tokens,
        written=amount.written,
        flops=amount.flops,
        seconds=None if rates is None else round(rates.seconds(amount), 1),
    )


def rates_of(scope: Scope, model: BlackBox) -> Rates | None:
    """How fast the model is here; None for a served one."""
    own = white_box(model)
    return None if own is None else measured_rates(own, [t.prompt for t in scope.design.tasks()])


def plan_study(scope: Scope, model: BlackBox | None) -> dict[str, Any]:
    """Every part of a study before it runs.

    Returns:
        `profile`, `parts` (name to figures, or to `reason` where it is left out), totals, and `lines` that say it in words.
    """
    rates = None if model is None else rates_of(scope, model)
    planner = Planner(scope, model)
    parts: dict[str, dict[str, Any]] = {}
    total = Amount()
    for name in PART_NAMES:
        why = scope.why_not(name, model)
        if why is None:
            try:
                amount = planner.amount(name)
            except CulturescopeError as error:
                why = str(error)
            else:
                total += amount
                known = model is not None or name not in WHITE_BOX
                parts[name] = {**planned(amount, rates).model_dump(), "counted": known and name != "tax"}
                continue
        parts[name] = {"reason": why}
    found: dict[str, Any] = {"profile": scope.settings.profile, "parts": parts}
    found["total"] = planned(total, rates).model_dump()
    return {**found, "lines": _lines(found)}


def _lines(found: Mapping[str, Any]) -> list[str]:
    lines = [f"Study, profile {found['profile']}:"]
    for name, part in found["parts"].items():
        if "reason" in part:
            lines.append(f"  {name:9s} -  {part['reason']}")
        elif not part["counted"]:
            lines.append(f"  {name:9s} {TITLES[name]}: counted with a model (culturescope plan MODEL)")
        else:
            lines.append(f"  {name:9s} {TITLES[name]}: {amount_line(part)}")
    lines.append(f"  in all: {amount_line(found['total'])}")
    if found["total"]["seconds"] is not None:
        lines.append(
            "Estimated from a few seconds just now; while a part runs, again after its first minute."
        )
    return lines


def amount_line(part: Mapping[str, Any]) -> str:
    """A part's figures in words."""
    said = [f"{part['prompts']:,} prompts"]
    if part["tokens"]:
        said[0] += f" ({part['tokens']:,} tokens)"
    if part["readings"]:
        said.append(f"{part['readings']:,} readings under a step")
    if part["written"]:
        said.append(f"at most {part['written']:,} tokens written")
    if part["seconds"] is not None:
        said.append(f"about {duration(part['seconds'])}")
    return ", ".join(said)


def duration(seconds: float) -> str:
    """A time in words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.1f} minutes" if minutes < 90 else f"{minutes / 60:.1f} hours"
