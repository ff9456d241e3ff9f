"""What options of speed (precision, attention, compiling) do to the letters, measured before a run trusts them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from culturescope.errors import ModelError
from culturescope.experiments.accounting import white_box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from culturescope.models.causal import CausalModel
    from culturescope.models.protocols import BlackBox
    from culturescope.prompts import Prompt

OPTIONS = ("dtype", "attn_implementation", "compiled")
"""Those whose effect is measured, against the same model in float32 without any of them."""
PROMPTS = 12


def measured_effect(
    model: BlackBox, source: str, load: Mapping[str, Any], prompts: Sequence[Prompt]
) -> dict[str, Any] | None:
    """Reads a few prompts with the options and without, and compares the letters' logits.

    Args:
        model: loaded with the options.
        source: where it comes from, to load it again.
        load: the options it was loaded with.
        prompts: of the run; twelve of them are taken evenly.

    Returns:
        `options`, `prompts`, and the changes `logit_largest`, `logit_mean` (of a letter), `gap_largest`, `gap_mean` (of
        z_A - z_B, from which value logits are made), `gap_spread` (its standard deviation over these prompts), `speed`
        (tokens a second, as a multiple of the plain model's); or `skipped`, which says why nothing was measured. None
        without such options.

    Raises:
        ModelError: the model cannot be read with these options.
    """
    own = white_box(model)
    chosen = {name: load[name] for name in OPTIONS if load.get(name) and load[name] != "float32"}
    if own is None and chosen and hasattr(model, "batches_at_once"):
        why = "workers hold the model; a probe of a few scenarios with --executor local measures it"
        return {"options": chosen, "prompts": 0, "skipped": why}
    if own is None or own.exact or not chosen or not prompts:
        return None
    take = [prompts[n] for n in np.linspace(0, len(prompts) - 1, min(PROMPTS, len(prompts))).astype(int)]
    found: dict[str, Any] = {"options": chosen, "prompts": len(take)}
    needed = 4 * (own.identity.parameters or 0)
    free = _free_memory(own)
    if free is not None and needed > 0.9 * free:
        return found | {
            "skipped": f"the plain model needs {needed / 2**30:.1f} GiB beside this one, {free / 2**30:.1f} are free"
        }
    fast, rate = _read(own, take)
    from culturescope.models import load as load_model

    plain_options = {name: value for name, value in load.items() if name not in OPTIONS}
    plain, plain_rate = _read(load_model(source, **plain_options), take)
    gap = plain[:, 0] - plain[:, 1]
    moved = fast[:, 0] - fast[:, 1] - gap
    return found | {
        "logit_largest": float(np.abs(fast - plain).max()),
        "logit_mean": float(np.abs(fast - plain).mean()),
        "gap_largest": float(np.abs(moved).max()),
        "gap_mean": float(np.abs(moved).mean()),
        "gap_spread": float(gap.std()),
        "speed": rate / plain_rate,
    }


def effect_lines(effect: Mapping[str, Any]) -> list[str]:
    """An effect in words."""
    options = ", ".join(f"{name} {value}".removesuffix(" True") for name, value in effect["options"].items())
    if "skipped" in effect:
        return [f"Effect of {options} on the letters: not measured ({effect['skipped']})."]
    return [
        f"Effect of {options} on {effect['prompts']} prompts: A against B moves by {effect['gap_mean']:.2g} logits on average, "
        f"{effect['gap_largest']:.2g} at most (its spread over the prompts is {effect['gap_spread']:.2g}); "
        f"{effect['speed']:.2f} times the tokens a second."
    ]


def _read(model: CausalModel, prompts: Sequence[Prompt]) -> tuple[NDArray[np.float64], float]:
    """The letters' logits (prompts, 2), and tokens a second of a second reading."""
    work = model.work
    try:
        logits = np.empty((len(prompts), 2))
        for indices, readings in model.read_letters(prompts):
            logits[indices] = [reading.logits for reading in readings]
        before, began = model.work, time.perf_counter()
        for _ in model.read_letters(prompts):
            pass
        took = max(time.perf_counter() - began, 1e-9)
        return logits, (model.work - before).tokens_computed / took
    except ModelError:
        raise
    except Exception as error:  # a compiler, or an attention function of another package
        words = " ".join(str(error).split())[:200]
        raise ModelError(
            f"the model cannot be read with these options: {words} ({type(error).__name__}); leave --compile and "
            "--attn-implementation out"
        ) from error
    finally:
        model.work = work


def _free_memory(model: CausalModel) -> int | None:
    """Bytes that are free where the model is, as far as the system tells."""
    import torch

    device = model.module.device
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return None
