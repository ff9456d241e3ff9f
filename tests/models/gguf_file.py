"""Writes a small GGUF file with the weights and the tokenizer of the tiny Qwen2 model."""

from __future__ import annotations

import json
from pathlib import Path


def write_gguf(folder: Path, file: Path) -> Path:
    from gguf import GGUFWriter, TokenType
    from safetensors.numpy import load_file
    from transformers import AutoTokenizer

    config = json.loads((folder / "config.json").read_text())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    state = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    vocabulary = sorted(state["vocab"], key=state["vocab"].get)

    writer = GGUFWriter(file, "qwen2")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    writer.add_vocab_size(len(vocabulary))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(vocabulary)
    special = set(tokenizer.all_special_tokens) | {"<|endoftext|>", "<|im_start|>"}
    writer.add_token_types([TokenType.CONTROL if t in special else TokenType.NORMAL for t in vocabulary])
    writer.add_token_merges([" ".join(pair) for pair in state["merges"]])
    writer.add_eos_token_id(vocabulary.index("<|im_end|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template(tokenizer.chat_template)

    names = {
        "model.embed_tokens.weight": "token_embd.weight",
        "model.norm.weight": "output_norm.weight",
        "lm_head.weight": "output.weight",
    }
    parts = {
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    for name, tensor in load_file(folder / "model.safetensors").items():
        if name not in names:
            _, _, block, rest = name.split(".", 3)
            module, kind = rest.rsplit(".", 1)
            names[name] = f"blk.{block}.{parts[module]}.{kind}"
        writer.add_tensor(names[name], tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file
