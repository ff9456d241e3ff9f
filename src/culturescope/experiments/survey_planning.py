"""What a survey costs at most, before it asks anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from culturescope.errors import BadInputError
from culturescope.experiments.survey_design import SurveyDesign
from culturescope.models.limits import estimated_tokens
from culturescope.models.protocols import BlackBox
from culturescope.probing.survey_tasks import SurveyTask


def survey_cost(
    design: SurveyDesign, model: BlackBox | None = None, tasks: Sequence[SurveyTask] | None = None
) -> dict[str, Any]:
    """Prompts and tokens of a survey, counted with the model's tokenizer where it has one.

    Tokens are an upper bound: every free reply is taken to be as long as it may be. A prompt whose log-probabilities are
    read counts once, with one new token.

    Args:
        design: what is asked.
        model: who is asked; without one, tokens are estimated (four bytes each).
        tasks: those that are left to ask, by default all.

    Returns:
        `prompts` by instrument, `prompts_total`, `tokens_read`, `tokens_written`, `tokens_total` (bounds), `counted`, `lines`.
    """
    asked = design.tasks() if tasks is None else list(tasks)
    prompts = {task.prompt.sha256: task.prompt for task in asked}
    count = getattr(model, "content_tokens", None)
    if count is not None:
        length = dict(zip(prompts, count(list(prompts.values())), strict=True))
    else:
        length = {
            key: sum(estimated_tokens(m.content) + 4 for m in prompt.messages)
            for key, prompt in prompts.items()
        }
    read = sum(length[task.prompt.sha256] for task in asked)
    by_instrument = Counter(task.instrument for task in asked)
    written = by_instrument["text"] * design.new_tokens + by_instrument["options"]
    asked_as = (
        f"without persona and as {len(design.personas)} personas" if design.personas else "without persona"
    )
    lines = [
        f"Survey: {len(asked):,} prompts ({len(design.questions())} questions, {design.wordings} wordings, both directions of "
        f"the scale, with and without “a number only”; {asked_as}).",
        *(
            [
                f"  free replies: {by_instrument['text']:,} ({design.samples} each, temperature {design.temperature:g}, "
                f"at most {design.new_tokens} new tokens)"
            ]
            if by_instrument["text"]
            else []
        ),
        *([f"  option log-probabilities: {by_instrument['options']:,}"] if by_instrument["options"] else []),
        f"  tokens: at most {read + written:,} ({read:,} read{'' if count else ', estimated'}, {written:,} written)",
    ]
    return {
        "prompts": dict(by_instrument),
        "prompts_total": len(asked),
        "tokens_read": read,
        "tokens_written": written,
        "tokens_total": read + written,
        "counted": count is not None,
        "lines": lines,
    }


def check_cost(cost: dict[str, Any], most: int | None) -> None:
    """Refuses a survey that may cost more than allowed.

    Raises:
        BadInputError: it may; both numbers and ways to ask less are named.
    """
    if most is None:
        return
    if most < 1:
        raise BadInputError(f"--max-tokens-total must be at least 1, not {most}")
    if cost["tokens_total"] > most:
        raise BadInputError(
            f"the survey may take {cost['tokens_total']:,} tokens, more than --max-tokens-total {most:,}: nothing was asked; "
            "take fewer --samples or --items, a smaller --max-new-tokens, or --instrument options"
        )
