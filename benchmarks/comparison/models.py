"""The models of the comparison, and folders from which old and new versions of transformers load the same numbers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

DEFAULT = "smollm2-135m"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "special_tokens_map.json", "generation_config.json")


def folder_for_peers(source: Path, target: Path) -> Path:
    """A folder that transformers 4 and 5 read alike; the weights are links to those of the source.

    Version 5 writes positions as `rope_parameters` and a tokenizer class that version 4 does not know; what version 4
    does not find it replaces by a default, without a word.
    """
    target.mkdir(parents=True, exist_ok=True)
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    write(target / "config.json", config_for_both(config))
    tokenizer = json.loads((source / "tokenizer_config.json").read_text(encoding="utf-8"))
    if tokenizer.get("tokenizer_class") == "TokenizersBackend":
        tokenizer["tokenizer_class"] = "PreTrainedTokenizerFast"
    # Version 4 adds token types where nothing is said, and causal models refuse them when they write.
    tokenizer.setdefault("model_input_names", ["input_ids", "attention_mask"])
    write(target / "tokenizer_config.json", tokenizer)
    for name in (*TOKENIZER_FILES, "chat_template.jinja", "vocab.json", "merges.txt"):
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
    for path in source.glob("*.safetensors*"):
        link = target / path.name
        link.unlink(missing_ok=True)
        link.symlink_to(path.resolve())
    return target


def config_for_both(config: dict[str, Any]) -> dict[str, Any]:
    """A configuration of transformers 5 with the names of version 4 beside them."""
    found = dict(config)
    if "dtype" in config:
        found["torch_dtype"] = config["dtype"]
    rope = config.get("rope_parameters")
    if not isinstance(rope, dict):
        return found
    general = rope.get("full_attention", rope)
    found["rope_theta"] = general["rope_theta"]
    if "sliding_attention" in rope:
        found["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
    if general.get("rope_type", "default") != "default":
        found["rope_scaling"] = {key: value for key, value in general.items() if key != "rope_theta"}
    return found


def random_gemma(target: Path, tokenizer: Path, *, vocabulary: int = 262_144, blocks: int = 8) -> Path:
    """Random weights in the shape of Gemma 3 270M, with fewer blocks: most of its arithmetic is the output layer."""
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    config = Gemma3TextConfig(
        vocab_size=vocabulary,
        hidden_size=640,
        intermediate_size=2048,
        num_hidden_layers=blocks,
        num_attention_heads=4,
        num_key_value_heads=1,
        head_dim=256,
        sliding_window=512,
        **_ends(tokenizer),
    )
    return _random(Gemma3ForCausalLM, config, target, tokenizer)


def random_llama(target: Path, like: Path, *, blocks: int) -> Path:
    """Random weights in the shape of another Llama, with another number of blocks."""
    from transformers import AutoConfig, LlamaForCausalLM

    config = AutoConfig.from_pretrained(str(like), local_files_only=True)
    config.num_hidden_layers = blocks
    return _random(LlamaForCausalLM, config, target, like)


def write(path: Path, value: Any) -> None:
    """Writes JSON."""
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _ends(tokenizer: Path) -> dict[str, int]:
    from transformers import AutoTokenizer

    found = AutoTokenizer.from_pretrained(str(tokenizer), local_files_only=True)
    names = ("bos_token_id", "eos_token_id", "pad_token_id")
    return {name: getattr(found, name) for name in names if getattr(found, name) is not None}


def _random(kind: Any, config: Any, target: Path, tokenizer: Path) -> Path:
    import torch
    from transformers import AutoTokenizer

    if (target / "config.json").is_file():
        return target
    torch.manual_seed(0)
    beside = target.with_name(target.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    kind(config).eval().save_pretrained(str(beside))
    AutoTokenizer.from_pretrained(str(tokenizer), local_files_only=True).save_pretrained(str(beside))
    beside.rename(target)
    return target
