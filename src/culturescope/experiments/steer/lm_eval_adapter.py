"""lm-eval on our model with our hooks active: its tasks, its scores question by question.

lm-eval passes whole batches through the module without a mask, padded on the right: pads are steered then as well, which no
real token can see in a causal model. Positions other than `all` would need the mask, so they are refused.

lm-eval is imported only here, when it is used. A task file is read as plain YAML (no `!function` tags, which run code); its
data files are found beside it and nothing is downloaded for it. Tasks of lm-eval's own go by their name; their data come from
the local cache, and from the hub only if the user asks for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from culturescope.errors import BadInputError, ModelError
from culturescope.steering.applying import Edit, steered

if TYPE_CHECKING:
    from culturescope.models.causal import CausalModel

INSTALL = 'pip install "culturescope[tax]"'
LOCAL_KINDS = ("json", "csv", "parquet", "text")
Task = str | dict[str, Any]
Scores = dict[str, dict[str, dict[str, float]]]
"""Task to metric to question (hash and number) to score."""


@dataclass(frozen=True)
class Evaluated:
    """Scores of one run of lm-eval, question by question, with its version."""

    scores: Scores
    version: str


def check_installed() -> None:
    """Raises BadInputError where lm-eval is not installed."""
    import importlib.util

    if importlib.util.find_spec("lm_eval") is None:
        raise BadInputError(f"the alignment tax is measured with lm-eval, which is not installed: {INSTALL}")


def go_offline() -> None:
    """Keeps the hub's libraries from the network, whether they are imported already or not."""
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        os.environ[name] = "1"
    hub, data = sys.modules.get("huggingface_hub.constants"), sys.modules.get("datasets.config")
    if hub is not None:
        hub.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]
    if data is not None:
        data.HF_HUB_OFFLINE = data.HF_DATASETS_OFFLINE = True  # type: ignore[attr-defined]


def read_task(name: str, *, download: bool = False) -> Task:
    """A task of lm-eval by its name, or the configuration in a YAML file, its data files as absolute paths.

    Raises:
        BadInputError: the file cannot be read, is no task, or its data are not here.
    """
    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        if os.sep in name or path.exists():  # names of lm-eval may have dots
            raise BadInputError(f"a task is a .yaml file or the name of one of lm-eval's, not {name}")
        return name
    import yaml

    try:
        task = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInputError(f"cannot read the task {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        first = " ".join(str(error).split())[:160]
        raise BadInputError(
            f"{path} is no plain YAML (tags such as !function are not run): {first}"
        ) from error
    if not isinstance(task, dict) or not isinstance(task.get("task"), str):
        raise BadInputError(f"{path} is no task of lm-eval: it needs an entry `task` with its name")
    if "include" in task:
        raise BadInputError(f"{path} includes another file, which is not followed; write one file")
    if task.get("dataset_path") not in LOCAL_KINDS:
        if not download:
            raise BadInputError(
                f"the data of {path} ({task.get('dataset_path')}) are not local files ({', '.join(LOCAL_KINDS)}); "
                "--download lets lm-eval fetch them"
            )
        return task
    options = task.setdefault("dataset_kwargs", {})
    options["data_files"] = _found(options.get("data_files"), path)
    return task


def evaluate(
    model: CausalModel,
    tasks: Sequence[Task],
    edits: Sequence[Edit] = (),
    *,
    limit: int | None = None,
    batch_size: int = 8,
    num_fewshot: int | None = None,
    chat: bool = False,
    seed: int = 42,
) -> Evaluated:
    """Runs lm-eval under some edits, none for the unsteered model.

    Args:
        model: white-box.
        tasks: by `read_task`.
        edits: applied to every token.
        limit: first so many questions of every task.
        batch_size: requests in one pass.
        num_fewshot: examples before each question, the task's own number by default.
        chat: whether questions go through the chat template.
        seed: of lm-eval's choices (few-shot examples), the same in every run.

    Raises:
        BadInputError: lm-eval is missing, a task is unknown or its data are not here, or an edit's positions are not `all`.
    """
    check_installed()
    if any(edit.positions != "all" for edit in edits):
        raise BadInputError("lm-eval shows hooks no mask, so only positions=all can be steered there")
    import copy
    import logging

    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    from culturescope.models.quiet import quiet

    run: Any = lm_eval.simple_evaluate
    logging.getLogger("lm_eval").setLevel(logging.ERROR)  # it warns of every model that was loaded before
    # lm-eval fills the dictionaries of tasks in place; a second run needs them as they were.
    asked = copy.deepcopy(list(tasks))
    own = any(isinstance(task, str) for task in tasks)
    try:
        with steered(model, edits), quiet():
            found = run(
                # A tokenizer of its own: lm-eval gives it a pad token.
                model=HFLM(
                    pretrained=model.module, tokenizer=copy.deepcopy(model.tokenizer), batch_size=batch_size
                ),
                tasks=asked,
                limit=limit,
                num_fewshot=num_fewshot,
                apply_chat_template=chat,
                log_samples=True,
                bootstrap_iters=0,
                task_manager=TaskManager(include_defaults=own),
                random_seed=seed,
                numpy_random_seed=seed,
                torch_random_seed=seed,
                fewshot_random_seed=seed,
            )
    except (KeyError, ValueError, OSError, TypeError) as error:
        first = (" ".join(str(error).split()) or type(error).__name__)[:240]
        raise BadInputError(f"lm-eval cannot run these tasks: {first}") from error
    if not found or not found.get("samples"):
        raise ModelError("lm-eval gave no samples back; its tasks had no questions")
    return Evaluated(scores_of(found["samples"]), str(lm_eval.__version__))


def scores_of(samples: dict[str, list[dict[str, Any]]]) -> Scores:
    """Scores by task, metric and question from lm-eval's samples; what is no number by question is left out.

    Of several filters of one question each gets its own metric (`exact_match,strict`); the usual one (`none`) is not named.
    """
    found: Scores = {}
    for task, rows in samples.items():
        for row in rows:
            question = f"{row.get('doc_hash', '')}/{row['doc_id']}"
            kind = row.get("filter", "none")
            for metric in row.get("metrics", ()):
                value = row.get(metric)
                if isinstance(value, (bool, int, float)):
                    name = metric if kind == "none" else f"{metric},{kind}"
                    found.setdefault(task, {}).setdefault(name, {})[question] = float(value)
    return found


def _found(files: Any, path: Path) -> dict[str, list[str]]:
    named = files if isinstance(files, dict) else {"train": files}
    found = {}
    for split, part in named.items():
        parts = part if isinstance(part, list) else [part]
        if not all(isinstance(p, str) for p in parts) or not parts:
            raise BadInputError(f"{path}: dataset_kwargs.data_files must name files")
        places = [(path.parent / p).resolve() for p in parts]
        missing = next((p for p in places if not p.is_file()), None)
        if missing is not None:
            raise BadInputError(f"{path}: there is no data file {missing}")
        found[str(split)] = [str(p) for p in places]
    return found
