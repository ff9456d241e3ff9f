"""What a full study of large models takes, counted without them: FLOP by part, memory, GPUs of a worker, hours.

    python benchmarks/large_models.py --gpu-memory 80 --peak 989e12 --mfu 0.4

Prompts, readings and tokens are counted as `culturescope plan --profile full` does, with the tokenizer of the default model and
a stand-in that has the large model's number of blocks and next to no width; its arithmetic is replaced by that of the large
model's shapes (on the device `meta`, where nothing is allocated). Takes some minutes a model; needs no GPU.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import culturescope as cs
from culturescope.cli import asked, studying
from culturescope.experiments.study.planning import Planner
from culturescope.experiments.study.scope import Scope
from culturescope.models.arithmetic import Arithmetic, arithmetic_of
from culturescope.models.blocks import find_blocks
from culturescope.models.sources import find_source

PROBING = ("probe", "survey", "personas")
STEERING = ("search", "sweep", "entangle", "domains", "methods", "steered", "aim", "together", "generate")
PARTS = PROBING + STEERING
TOKENS_A_PASS = 32_768  # on an accelerator, see `models.batching.token_budget`
STORED = 0.5  # GB of keys and values between passes


@dataclass(frozen=True)
class Shape:
    """What decides the cost of a Llama."""

    name: str
    blocks: int
    width: int
    heads: int
    inner: int


SHAPES = (
    Shape("8B", 32, 4_096, 32, 14_336),
    Shape("70B", 80, 8_192, 64, 28_672),
    Shape("405B", 126, 16_384, 128, 53_248),
)


def config_of(shape: Shape, **changed: Any) -> Any:
    """The shape as transformers knows it."""
    from transformers import LlamaConfig

    return LlamaConfig(
        **{
            "num_hidden_layers": shape.blocks,
            "hidden_size": shape.width,
            "num_attention_heads": shape.heads,
            "num_key_value_heads": 8,
            "intermediate_size": shape.inner,
            "vocab_size": 128_256,
            "tie_word_embeddings": False,
            **changed,
        }
    )


def real(shape: Shape) -> tuple[Arithmetic, int]:
    """Costs in FLOP and number of parameters."""
    import torch
    from transformers import AutoModelForCausalLM

    with torch.device("meta"):
        module = AutoModelForCausalLM.from_config(config_of(shape))
    return arithmetic_of(module, list(find_blocks(module, None)[0])), sum(
        p.numel() for p in module.parameters()
    )


def stand_in(shape: Shape, folder: Path) -> Any:
    """A model with as many blocks and the default model's tokenizer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = find_source("smollm2-135m").folder
    for file in source.iterdir():
        if file.suffix in (".json", ".txt", ".jinja") and file.name not in (
            "config.json",
            "culturescope.json",
        ):
            shutil.copy(file, folder)
    tokens = len(AutoTokenizer.from_pretrained(source))
    narrow = {
        "hidden_size": 8,
        "num_attention_heads": 1,
        "num_key_value_heads": 1,
        "intermediate_size": 8,
        "head_dim": 8,
    }
    AutoModelForCausalLM.from_config(config_of(shape, vocab_size=tokens, **narrow)).save_pretrained(folder)
    return cs.load(str(folder))


def counted(shape: Shape) -> dict[str, dict[str, float]]:
    """FLOP and tokens to write of every part."""
    arithmetic, _ = real(shape)
    with tempfile.TemporaryDirectory() as folder:
        model = stand_in(shape, Path(folder))
        model.arithmetic, model.token_budget = arithmetic, TOKENS_A_PASS
        design = asked.design("full", None, None, None, None, None, None, None, None)
        settings = studying.settings_of("full", None, None, design, ())
        planner = Planner(Scope(replace(design, personas=()), settings), model)
        amounts = {part: planner.amount(part) for part in PARTS}
    return {part: {"flops": a.flops, "written": a.written, "tokens": a.tokens} for part, a in amounts.items()}


def main() -> None:
    """Counts, and prints a line of JSON for each model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gpu-memory", type=float, default=80, help="GB of a GPU")
    parser.add_argument("--filled", type=float, default=0.85, help="share of it that weights may take")
    parser.add_argument("--peak", type=float, default=989e12, help="FLOP/s of a GPU in bfloat16")
    parser.add_argument("--bandwidth", type=float, default=3.35e12, help="bytes/s of its memory")
    parser.add_argument("--mfu", type=float, default=0.4, help="share of the peak that forward passes reach")
    parser.add_argument("--rows", type=int, default=16, help="answers that are written at once")
    parser.add_argument("--models", default="8B,70B,405B")
    given = parser.parse_args()
    for shape in SHAPES:
        if shape.name not in given.models.split(","):
            continue
        parts, (arithmetic, parameters) = counted(shape), real(shape)
        weights = 2 * parameters / 1e9
        gpus = math.ceil(weights / (given.filled * given.gpu_memory))
        found: dict[str, Any] = {
            "model": shape.name,
            "parameters": parameters,
            "flop_per_token": arithmetic.per_token,
            "weights_gb": round(weights, 1),
            "activations_gb": round(3 * 2 * TOKENS_A_PASS * shape.inner / 1e9 + STORED, 1),
            "gpus": gpus,
            "petaflop": {part: round(amount["flops"] / 1e15, 1) for part, amount in parts.items()},
        }
        for name, chosen in (("probing", PROBING), ("all", PARTS)):
            flops = sum(parts[part]["flops"] for part in chosen)
            written = sum(parts[part]["written"] for part in chosen)
            reading = flops / (given.mfu * given.peak) / 3600
            # A step of writing reads every weight once, at half of the memory's rate.
            writing = written / given.rows * 2 * parameters / (0.5 * given.bandwidth) / 3600
            found[name] = {
                "petaflop": round(flops / 1e15, 1),
                "written": written,
                "hours_reading": round(reading, 2),
                "hours_writing": round(writing, 2),
                "gpu_hours": round(gpus * (reading + writing), 1),
            }
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
