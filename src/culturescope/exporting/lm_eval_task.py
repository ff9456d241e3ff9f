"""Scenarios as tasks of lm-eval: one an axis, each prompt a question with the letters A and B; right is the positive pole's.

So `acc` is the share of positive choices (`probing.choices`). Every prompt stands there in both orders, as it is asked here,
so a preference for a letter gives one half. The YAML is plain (no `!function`), its data lie beside it: lm-eval takes
relative names from the folder in which it is started.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from culturescope.errors import BadInputError
from culturescope.instrument import Pack, Scenario
from culturescope.probing.choices import LETTERS, TASK_VERSION, task_name
from culturescope.prompts import ORDERS, Order, dilemma, templates


def task_files(
    pack: Pack,
    scenarios: Sequence[Scenario],
    template_ids: Sequence[str],
    orders: Mapping[tuple[str, str], str] | None,
) -> dict[str, bytes]:
    """The files of the tasks by their name: a YAML and its data for each axis, and one YAML for all.

    Args:
        pack: the instrument.
        scenarios: of the pack.
        template_ids: wordings.
        orders: (scenario, wording) to its single order; None for both orders.

    Raises:
        BadInputError: no scenarios.
        InstrumentError: an unknown wording.
    """
    if not scenarios:
        raise BadInputError("a task needs scenarios")
    wordings = templates(tuple(template_ids))
    by_axis: dict[str, list[dict[str, Any]]] = {}
    for scenario in scenarios:
        axis = pack.axis_of(scenario)
        for wording in wordings:
            for order in _orders(orders, scenario.id, wording.id):
                docs = by_axis.setdefault(axis, [])
                text = dilemma(scenario, wording, order).messages[-1].content
                docs.append(
                    {
                        "id": f"{scenario.id}/{wording.id}/{order}",
                        "scenario": scenario.id,
                        "axis": axis,
                        "item": scenario.item,
                        "domain": scenario.domain,
                        "template": wording.id,
                        "order": order,
                        "text": text,
                        "target": LETTERS.index("A" if order == "positive-A" else "B"),
                    }
                )
    files: dict[str, bytes] = {}
    for axis, docs in by_axis.items():
        name = task_name(pack.id, axis)
        lines = [json.dumps(doc, ensure_ascii=False) for doc in docs]
        files[f"{name}.jsonl"] = ("\n".join(lines) + "\n").encode()
        files[f"{name}.yaml"] = _task_yaml(name, pack, axis).encode()
    if len(by_axis) > 1:
        group = group_name(pack.id)
        files[f"{group}.yaml"] = _group_yaml(group, [task_name(pack.id, axis) for axis in by_axis]).encode()
    return files


def group_name(pack: str) -> str:
    """The name of the group of all axes."""
    return task_name(pack, "").rstrip("_")


def _orders(chosen: Mapping[tuple[str, str], str] | None, scenario: str, wording: str) -> tuple[Order, ...]:
    if chosen is None:
        return ORDERS
    return tuple(order for order in ORDERS if order == chosen[scenario, wording])


def _task_yaml(name: str, pack: Pack, axis: str) -> str:
    words = next(a for a in pack.axes if a.id == axis)
    told = f"{pack.name}: share of choices of the pole {words.positive!r} over {words.negative!r}".replace(
        "\n", " "
    )
    return f"""# {told}
# Start lm_eval in this folder: the data are found beside this file. For chat models add --apply_chat_template.
task: {name}
dataset_path: json
dataset_kwargs:
  data_files:
    test: {name}.jsonl
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{text}}}}"
doc_to_choice: ["A", "B"]
doc_to_target: target
target_delimiter: ""
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
metadata:
  version: {TASK_VERSION}
"""


def _group_yaml(group: str, tasks: Sequence[str]) -> str:
    lines = "".join(f"  - {task}\n" for task in tasks)
    return f"""# Every axis. The mean over axes says little; read the tasks.
group: {group}
task:
{lines}metadata:
  version: {TASK_VERSION}
"""
