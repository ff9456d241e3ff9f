"""Asks a model: tasks in, rows out, batch by batch, each under a key of all that can change its number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from culturescope.models.protocols import BlackBox, ModelIdentity
from culturescope.probing.scores import SCORER
from culturescope.probing.tasks import Task
from culturescope.runs.keys import SampleKey


def letters_key(identity: ModelIdentity, task: Task) -> str:
    """Digest of everything that can change the letters' logits of a task."""
    return SampleKey.of(identity, **_asked(task)).digest


def text_key(identity: ModelIdentity, task: Task, new_tokens: int) -> str:
    """Digest of everything that can change the greedy reply to a task."""
    return SampleKey.of(
        identity, **_asked(task), task="text", max_new_tokens=new_tokens, temperature=0.0
    ).digest


def _asked(task: Task) -> dict[str, Any]:
    return {
        "prompt_sha256": task.prompt.sha256,
        "dilemma_template_sha256": task.template.sha256,
        "persona_sha256": task.persona.sha256 if task.persona else None,
        "scorer_version": SCORER,
    }


def ask(
    model: BlackBox, tasks: Sequence[Task], keys: Sequence[str], *, batch_size: int = 16
) -> Iterator[list[dict[str, Any]]]:
    """Reads the letters for every task; yields the rows of each batch as soon as it is done.

    Args:
        model: white-box or black-box.
        tasks: what to ask.
        keys: digest of each task.
        batch_size: prompts in one forward pass; changes results by floating-point noise only.
    """
    prompts = [task.prompt for task in tasks]
    for indices, readings in model.read_letters(prompts, batch_size=batch_size):
        yield [
            tasks[n].row(keys[n], reading, model.show(prompts[n]))
            for n, reading in zip(indices, readings, strict=True)
        ]


def ask_freely(
    model: BlackBox,
    tasks: Sequence[Task],
    letters: Sequence[dict[str, Any]],
    keys: Sequence[str],
    *,
    new_tokens: int,
) -> list[dict[str, Any]]:
    """Lets the model answer in its own words (greedy); the rows hold letters and reply side by side."""
    replies = model.generate([task.prompt for task in tasks], max_new_tokens=new_tokens)
    return [
        {**row, "key": key, "part": "agreement", "reply": reply}
        for row, key, reply in zip(letters, keys, replies, strict=True)
    ]
