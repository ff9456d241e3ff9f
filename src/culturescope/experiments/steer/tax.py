"""The alignment tax: what a model loses on benchmarks while it is steered, question by question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from culturescope.errors import BadInputError
from culturescope.experiments.steer.lm_eval_adapter import Scores, Task, evaluate
from culturescope.experiments.steer.results import Drawn, Stored
from culturescope.models.resuming import check_unsteered
from culturescope.stats.paired import paired_difference
from culturescope.steering.applying import Edit
from culturescope.steering.fitting import random_like

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel


class TaskDifference(Stored):
    """One metric of one task, unsteered and steered, paired over its questions.

    `lost` and `gained` count questions whose score fell and rose, `p` is McNemar's exact p (None for scores that are not 0 and
    1), `random` the scores under random vectors of the same norms.
    """

    task: str
    metric: str
    questions: int
    unsteered: float
    steered: float
    difference: Drawn
    lost: int
    gained: int
    p: float | None
    random: tuple[float, ...]


class Tax(Stored):
    """Differences on all tasks, with all that made them."""

    model: dict[str, Any]
    steering: tuple[dict[str, Any], ...]
    lm_eval: str
    limit: int | None
    chat: bool
    seed: int
    differences: tuple[TaskDifference, ...]


def tax(
    model: CausalModel,
    tasks: Sequence[Task],
    edits: Sequence[Edit],
    *,
    random: int = 0,
    limit: int | None = None,
    batch_size: int = 8,
    num_fewshot: int | None = None,
    chat: bool = False,
    seed: int = 42,
    progress: Callable[[str], Any] | None = None,
) -> Tax:
    """Runs the tasks unsteered, steered, and under random vectors of the same norms.

    Args:
        model: white-box, unsteered.
        tasks: by `lm_eval_adapter.read_task`.
        edits: what is steered.
        random: number of random vectors; each costs as much as the steered run.
        limit: first so many questions of every task.
        batch_size: requests in one pass.
        num_fewshot: examples before each question.
        chat: whether questions go through the chat template.
        seed: of lm-eval's choices, random vectors and bootstrap.
        progress: is told in words what is done.

    Raises:
        BadInputError: nothing is steered, lm-eval is missing, or it cannot run the tasks.
    """
    check_unsteered(model)
    if not edits or not tasks:
        raise BadInputError("the alignment tax needs a vector and a task")
    if limit is not None and limit < 2:
        raise BadInputError(f"a paired interval needs at least two questions, not a limit of {limit}")
    say = progress or (lambda line: None)
    options: dict[str, Any] = {
        "limit": limit,
        "batch_size": batch_size,
        "num_fewshot": num_fewshot,
        "chat": chat,
        "seed": seed,
    }
    say("steered")
    after = evaluate(model, tasks, edits, **options)
    say("unsteered")
    before = evaluate(model, tasks, **options)
    controls = []
    for r in range(random):
        say(f"random vector {r + 1} of {random}")
        drawn = [
            Edit(random_like(e.vector, seed + 100 * r + n), e.alpha, e.positions, e.operator)
            for n, e in enumerate(edits)
        ]
        controls.append(evaluate(model, tasks, drawn, **options).scores)
    return Tax(
        model=model.identity.as_dict(),
        steering=tuple(edit.as_dict() for edit in edits),
        lm_eval=after.version,
        limit=limit,
        chat=chat,
        seed=seed,
        differences=compare(before.scores, after.scores, controls, seed=seed),
    )


def compare(
    before: Scores, after: Scores, controls: Sequence[Scores] = (), *, seed: int = 42
) -> tuple[TaskDifference, ...]:
    """Differences of all metrics, question by question.

    Raises:
        BadInputError: the runs do not have the same tasks, metrics and questions, or fewer than two questions.
    """
    found = []
    if {t: set(m) for t, m in before.items()} != {t: set(m) for t, m in after.items()}:
        raise BadInputError("both runs need the same tasks and metrics to be compared")
    for task, metrics in before.items():
        for metric, scores in metrics.items():
            other = after[task][metric]
            if set(scores) != set(other) or len(scores) < 2:
                raise BadInputError(
                    f"{task}, {metric}: both runs need the same questions, two or more; they have {len(scores)} "
                    f"and {len(other)}"
                )
            pair = paired_difference(list(scores.values()), [other[q] for q in scores], seed=seed)
            found.append(
                TaskDifference(
                    task=task,
                    metric=metric,
                    questions=pair.n,
                    unsteered=pair.before,
                    steered=pair.after,
                    difference=Drawn(value=pair.value, low=pair.low, high=pair.high),
                    lost=pair.lost,
                    gained=pair.gained,
                    p=pair.p,
                    random=tuple(float(np.mean(list(c[task][metric].values()))) for c in controls),
                )
            )
    return tuple(found)
