"""Asks the prompts of a survey, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from culturescope.models.options import read_options
from culturescope.models.protocols import BlackBox, batches_at_once
from culturescope.probing.survey_tasks import SurveyTask

Row = dict[str, Any]


def ask_survey(
    model: BlackBox,
    tasks: Sequence[tuple[SurveyTask, str]],
    *,
    temperature: float,
    new_tokens: int,
    seed: int,
    batch_size: int = 16,
) -> Iterator[list[Row]]:
    """Asks each task and yields the rows of `samples.jsonl` as batches are answered.

    Log-probabilities come first: they cost least, and a model that offers none is found out at once.

    Args:
        model: who is asked.
        tasks: with the key under which each answer is kept.
        temperature: of free replies.
        new_tokens: longest free reply.
        seed: of the first sample; each further one has its own.
        batch_size: prompts in one forward pass (a prompt whose options go on at several places counts as often), or
            requests under way.

    Raises:
        CulturescopeError: the model does not answer.
    """
    left = [p for p in tasks if p[0].instrument == "options"]
    if left:
        prompts, options = [task.prompt for task, _ in left], [task.options for task, _ in left]
        for indices, readings in read_options(model, prompts, options, batch_size=batch_size):
            yield [
                left[n][0].row(left[n][1], model.show(prompts[n]), reading)
                for n, reading in zip(indices, readings, strict=True)
            ]
    free = [p for p in tasks if p[0].instrument == "text"]
    for repeat in sorted({task.repeat for task, _ in free}):
        mine = [p for p in free if p[0].repeat == repeat]
        step = batch_size * batches_at_once(model)
        for start in range(0, len(mine), step):
            batch = mine[start : start + step]
            replies = model.generate(
                [task.prompt for task, _ in batch],
                max_new_tokens=new_tokens,
                temperature=temperature,
                seed=seed + repeat,
                batch_size=batch_size,
            )
            yield [
                task.row(key, model.show(task.prompt), reply)
                for (task, key), reply in zip(batch, replies, strict=True)
            ]
