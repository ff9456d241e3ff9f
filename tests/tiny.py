"""Tiny random models of the families that are supported: a folder each, with weights, tokenizer and chat template.

`tiny_model(family, folder)` writes one in a fraction of a second; `load(folder)` opens it. The weights are random but the
same in every run, and large enough that the letters' logits differ by whole numbers.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from culturescope.models.quiet import quiet

BLOCKS = 3
HIDDEN = 32
LONGEST = 1024

_CORPUS = [
    "Your sister wants to move to the city. Option A: help her. Option B: ask her to stay.",
    "Answer with one letter, A or B. Answer: A Answer: B",
    "The council asks the people whether the old law should stay. A says yes and B says no.",
    "You are a person who thinks about family, work and the law, and answers with A or B.",
    "system user assistant model turn start end think",
] * 4

_CHATML = (
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are helpful.<|im_end|>\n' }}{% endif %}"
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
_THINKING = (
    "{% for m in messages %}{% if m['role'] == 'assistant' %}"
    "{{ '<|im_start|>assistant\n<think>\n\n</think>\n\n' + m['content'] + '<|im_end|>\n' }}{% else %}"
    "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}{% endif %}{% endif %}"
)
_LLAMA3 = (
    "{{ bos_token }}{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}"
    "{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content']|trim %}"
    "{% set messages = messages[1:] %}{% else %}{% set system = '' %}{% endif %}"
    "{{ '<|start_header_id|>system<|end_header_id|>\n\nToday Date: ' + date_string + '\n\n' + system + '<|eot_id|>' }}"
    "{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n' + m['content']|trim "
    "+ '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
_GEMMA2 = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for m in messages %}{% if m['role'] == 'assistant' %}{% set role = 'model' %}{% else %}"
    "{% set role = m['role'] %}{% endif %}"
    "{{ '<start_of_turn>' + role + '\n' + m['content']|trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
_GEMMA3 = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set first = messages[0]['content'] + '\n\n' %}"
    "{% set messages = messages[1:] %}{% else %}{% set first = '' %}{% endif %}"
    "{% for m in messages %}{% if m['role'] == 'assistant' %}{% set role = 'model' %}{% else %}"
    "{% set role = m['role'] %}{% endif %}"
    "{{ '<start_of_turn>' + role + '\n' + (first if loop.first else '') + m['content']|trim + '<end_of_turn>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)
# Two ways to have no system role: to drop it without a word, and to refuse turns that do not alternate.
_MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
    "{% elif m['role'] == 'assistant' %}{{ ' ' + m['content'] + eos_token }}{% endif %}{% endfor %}"
)
_MIXTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant') }}{% endif %}"
    "{% if m['role'] == 'user' %}{{ '[INST]' + m['content'] + '[/INST]' }}"
    "{% else %}{{ m['content'] + eos_token }}{% endif %}{% endfor %}"
)
_PHI3 = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
_OLMO2 = (
    "{{ bos_token }}{% for m in messages %}{{ '<|' + m['role'] + '|>\n' + m['content'] }}"
    "{% if m['role'] == 'assistant' %}{{ eos_token }}{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)
_LLAVA = (
    "{% for m in messages %}{{ m['role']|upper + ': ' }}{% for part in m['content'] if part['type'] == 'text' %}"
    "{{ part['text'] }}{% endfor %}{{ eos_token if m['role'] == 'assistant' else '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)


def _im(extra: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"special": ("<|endoftext|>", "<|im_start|>", "<|im_end|>", *extra), "eos": "<|im_end|>"}


def _turns(template: str) -> dict[str, Any]:
    special = ("<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>")
    return {"special": special, "bos": "<bos>", "eos": "<eos>", "pieces": True, "template": template}


def _sentencepiece(template: str | None, *special: str) -> dict[str, Any]:
    return {
        "special": ("<unk>", "<s>", "</s>", *special),
        "bos": "<s>",
        "eos": "</s>",
        "pieces": True,
        "template": template,
    }


_TOKENIZERS: dict[str, dict[str, Any]] = {
    "llama": {
        "special": ("<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"),
        "bos": "<|begin_of_text|>",
        "eos": "<|eot_id|>",
        "template": _LLAMA3,
    },
    "qwen2": _im() | {"template": _CHATML},
    "qwen3": _im(("<think>", "</think>")) | {"template": _THINKING},
    "gemma2": _turns(_GEMMA2),
    "gemma3": _turns(_GEMMA3),
    "gemma3_vlm": _turns(_GEMMA3),
    "mistral": _sentencepiece(_MISTRAL),
    "mixtral": _sentencepiece(_MIXTRAL),
    "gpt2": {"special": ("<|endoftext|>",), "eos": "<|endoftext|>", "template": None},
    "gpt_neox": {"special": ("<|endoftext|>",), "eos": "<|endoftext|>", "template": None},
    "phi3": _sentencepiece(_PHI3, "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"),
    "olmo2": {
        "special": ("<|endoftext|>",),
        "bos": "<|endoftext|>",
        "eos": "<|endoftext|>",
        "template": _OLMO2,
    },
    "llava": _sentencepiece(_LLAVA),
}
FAMILIES = tuple(sorted(_TOKENIZERS))


def tiny_model(family: str, folder: Path, *, seed: int = 0) -> Path:
    """Writes the tiny model of a family into a folder and returns it."""
    import torch

    tokenizer = tiny_tokenizer(family)
    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(seed)
        model = _model(family, len(tokenizer))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1 and "vision" not in name:
                parameter.mul_(8.0)
    folder.mkdir(parents=True, exist_ok=True)
    with quiet():
        model.save_pretrained(folder)
    template = tokenizer.chat_template
    if family == "llava":  # as older models of this kind: the template lies beside the processor
        tokenizer.chat_template = None
        (folder / "chat_template.json").write_text(json.dumps({"chat_template": template}), encoding="utf-8")
    tokenizer.save_pretrained(folder)
    return folder


def tiny_tokenizer(family: str) -> Any:
    """A small tokenizer of the family's kind, with its special tokens and chat template."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    how = _TOKENIZERS[family]
    special = list(how["special"])
    if how.get("pieces"):  # as SentencePiece: spaces are part of the pieces, unknown characters are bytes
        tokenizer = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
        tokenizer.decoder = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
        )
        special += [f"<0x{byte:02X}>" for byte in range(256)]
        alphabet = sorted(set("".join(_CORPUS)) - {" "})
    else:
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=420, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(_CORPUS, trainer)
    if how.get("pieces"):  # the bytes are ordinary tokens
        state = json.loads(tokenizer.to_str())
        state["added_tokens"] = [
            token for token in state["added_tokens"] if token["content"] in how["special"]
        ]
        tokenizer = Tokenizer.from_str(json.dumps(state))
    if bos := how.get("bos"):
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))]
        )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=how.get("bos"), eos_token=how["eos"])
    if "<pad>" in special:
        fast.pad_token = "<pad>"
    fast.chat_template = how["template"]
    return fast


def _model(family: str, vocabulary: int) -> Any:
    import transformers as t

    common = {
        "vocab_size": vocabulary,
        "hidden_size": HIDDEN,
        "intermediate_size": 2 * HIDDEN,
        "num_hidden_layers": BLOCKS,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": LONGEST,
        "pad_token_id": None,
        "bos_token_id": None,
        "eos_token_id": None,
    }
    gemma = {**common, "head_dim": 8, "sliding_window": 16, "query_pre_attn_scalar": 8}
    if family == "llama":
        return t.LlamaForCausalLM(t.LlamaConfig(**common, tie_word_embeddings=True))
    if family == "qwen2":
        return t.Qwen2ForCausalLM(t.Qwen2Config(**common))
    if family == "qwen3":
        return t.Qwen3ForCausalLM(t.Qwen3Config(**common, head_dim=16))
    if family == "gemma2":
        config = t.Gemma2Config(**gemma, final_logit_softcapping=3.0, attn_logit_softcapping=5.0)
        return t.Gemma2ForCausalLM(config)
    if family == "gemma3":
        return t.Gemma3ForCausalLM(t.Gemma3TextConfig(**gemma, layer_types=_LAYERS))
    if family == "gemma3_vlm":
        text = t.Gemma3TextConfig(**gemma, layer_types=_LAYERS)
        vision = {
            "hidden_size": HIDDEN,
            "intermediate_size": HIDDEN,
            "num_hidden_layers": BLOCKS,
            "num_attention_heads": 2,
            "image_size": 8,
            "patch_size": 4,
        }
        config = t.Gemma3Config(text_config=text, vision_config=vision, mm_tokens_per_image=4)
        return t.Gemma3ForConditionalGeneration(config)
    if family == "llava":
        vision = t.CLIPVisionConfig(
            hidden_size=HIDDEN,
            intermediate_size=HIDDEN,
            num_hidden_layers=BLOCKS,
            num_attention_heads=2,
            image_size=8,
            patch_size=4,
            projection_dim=HIDDEN,
        )
        config = t.LlavaConfig(text_config=t.LlamaConfig(**common), vision_config=vision, image_token_index=0)
        return t.LlavaForConditionalGeneration(config)
    if family == "mistral":
        return t.MistralForCausalLM(t.MistralConfig(**common, sliding_window=16))
    if family == "mixtral":
        return t.MixtralForCausalLM(
            t.MixtralConfig(**common, num_local_experts=BLOCKS, num_experts_per_tok=2, sliding_window=None)
        )
    if family == "gpt2":
        config = t.GPT2Config(
            vocab_size=vocabulary,
            n_embd=HIDDEN,
            n_layer=BLOCKS,
            n_head=4,
            n_positions=LONGEST,
            bos_token_id=None,
        )
        return t.GPT2LMHeadModel(config)
    if family == "gpt_neox":
        return t.GPTNeoXForCausalLM(
            t.GPTNeoXConfig(**{key: value for key, value in common.items() if key != "num_key_value_heads"})
        )
    if family == "phi3":
        return t.Phi3ForCausalLM(t.Phi3Config(**common))
    if family == "olmo2":
        return t.Olmo2ForCausalLM(t.Olmo2Config(**common))
    raise ValueError(f"no tiny model of the family {family}")


_LAYERS = ["sliding_attention", "full_attention", "sliding_attention"]
