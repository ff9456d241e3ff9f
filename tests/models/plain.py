"""The plain way to read letters, as a reference: transformers alone, one prompt at a time, all logits, no padding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from culturescope.prompts import Prompt

# The families whose template has no system role, and those whose tokenizer adds a BOS that the template leaves out.
FOLDED = {"gemma2", "mistral", "mixtral"}
BARE = {"gpt2", "gpt_neox"}
BOS_MISSING = {"phi3", "llava"}

PROMPTS = [
    Prompt.of("Your sister wants to move.\nA: help her\nB: ask her to stay"),
    Prompt.of("A or B?"),
    Prompt.of("The council asks. A: yes. B: no.", system="You are a person who answers B. A"),
    Prompt.of("The old law should stay. " * 6 + "A or B?", system="You think about work."),
    Prompt.of("A or C?"),
    Prompt.of(
        "Your family and the law: " + "should it stay? " * 12 + "A says yes and B says no.", system="A"
    ),
    Prompt.of("Ünïcødé 北京 and numbers 12345. A or B?"),
    Prompt.of("x"),
    Prompt.of("Answer with one letter, A or B."),
]


def plain_ids(family: str, tokenizer: Any, prompt: Prompt) -> list[int]:
    turns = {turn.role: turn.content for turn in prompt.messages}
    system, user = turns.get("system"), turns["user"]
    if family in BARE:
        text = f"{system}\n\n{user}\nAnswer:" if system else f"{user}\nAnswer:"
        return list(tokenizer(text)["input_ids"])
    if family in FOLDED and system:
        messages = [{"role": "user", "content": f"{system}\n\n{user}"}]
    else:
        messages = [{"role": turn.role, "content": turn.content} for turn in prompt.messages]
    if family == "llava":
        messages = [{**turn, "content": [{"type": "text", "text": turn["content"]}]} for turn in messages]
    ids = tokenizer.apply_chat_template(
        messages,
        add_generation_prompt=True,
        return_dict=False,
        date_string="26 Jul 2024",
        enable_thinking=False,
    )
    return [tokenizer.bos_token_id, *ids] if family in BOS_MISSING else list(ids)


def plain_module(family: str, folder: Path) -> Any:
    import transformers

    kind = transformers.AutoModelForImageTextToText if "vlm" in family or family == "llava" else None
    return (kind or transformers.AutoModelForCausalLM).from_pretrained(folder, dtype="float32").eval()


def plain_logits(module: Any, ids: list[int]) -> Any:
    """Logits (tokens, vocabulary) in float32."""
    import torch

    with torch.no_grad():
        return module(torch.tensor([ids])).logits[0].float()
