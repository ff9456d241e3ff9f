"""What a user may write as a model, and the one clear line for what cannot be loaded."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig

from culturescope.errors import ModelError
from culturescope.models import load
from culturescope.models.loading import _placed
from culturescope.models.sources import find_source
from tests.tiny import BLOCKS, tiny_model


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path):
    """Neither the user's cache nor the hub's is looked at."""
    monkeypatch.setenv("CULTURESCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def folder(tiny, tmp_path):
    """A copy of a model's folder, to be damaged."""
    return shutil.copytree(tiny("qwen2"), tmp_path / "model")


def refusal(source, **options) -> str:
    with pytest.raises(ModelError) as caught:
        load(source, **options)
    line = str(caught.value)
    assert "\n" not in line
    assert caught.value.exit_code == 2
    return line


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("", "no model was given"),
        ("  ", "no model was given"),
        ("./nowhere", "there is no folder or file ./nowhere"),
        ("/nowhere/at/all", "there is no folder or file"),
        ("~/nowhere-at-all", "there is no folder or file"),
        ("nowhere.gguf", "there is no folder or file"),
        ("a/b/c", "there is no folder or file"),
        ("smolm2-135m", "did you mean smollm2-135m"),
        ("SmolLM2", "did you mean smollm2-135m"),
        ("gpt2", "packaged models: smollm2-135m"),
        ("what is this?", "there is no model 'what is this?'"),
        ("org/name", "--download (download=True)"),
        ("smollm2-135m", "culturescope models get smollm2-135m"),
    ],
)
def test_names_that_lead_nowhere(source, line):
    assert line in refusal(source)


def test_a_hub_id_in_the_local_cache_is_loaded_with_its_commit(folder, tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    repo = tmp_path / "hub" / "models--org--name"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text(commit)
    shutil.copytree(folder, repo / "snapshots" / commit)
    model = load("org/name")
    assert (model.identity.source, model.identity.name, model.identity.revision) == (
        "hub",
        "org/name",
        commit,
    )
    assert load("org/name", revision=commit).identity.revision == commit
    assert "at revision other" in refusal("org/name", revision="other")


def test_a_folder_says_all_that_can_change_a_number(folder, tiny):
    identity = load(folder).identity
    assert (identity.source, identity.name, identity.family) == ("folder", "model", "qwen2")
    assert (identity.dtype, identity.device, identity.chat) == ("float32", "cpu", True)
    assert identity == load(str(folder)).identity
    assert identity.weights_sha256 == load(tiny("qwen2")).identity.weights_sha256
    assert load(folder, name="mine").identity.name == "mine"
    json.dumps(identity.as_dict())

    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"] += 1e-3
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert load(folder).identity.weights_sha256 != identity.weights_sha256
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 1e-3}))
    assert load(folder).identity.extra["config_sha256"] != identity.extra["config_sha256"]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("config.json", "config_sha256"),
        ("tokenizer.json", "tokenizer_sha256"),
        ("tokenizer_config.json", "tokenizer_sha256"),
        ("special_tokens_map.json", "tokenizer_sha256"),
        ("added_tokens.json", "tokenizer_sha256"),
        ("tokenizer.model", "tokenizer_sha256"),
        ("sentencepiece.bpe.model", "tokenizer_sha256"),
        ("vocab.json", "tokenizer_sha256"),
        ("vocab.txt", "tokenizer_sha256"),
        ("merges.txt", "tokenizer_sha256"),
        ("qwen.tiktoken", "tokenizer_sha256"),
        ("chat_template.json", "tokenizer_sha256"),
        ("chat_template.jinja", "tokenizer_sha256"),
        ("additional_chat_templates/short.jinja", "tokenizer_sha256"),
        ("generation_config.json", "generation_sha256"),
        ("adapter_config.json", "adapter_sha256"),
        ("modeling_own.py", "code_sha256"),
        ("layers/attention.py", "code_sha256"),
    ],
)
def test_every_file_that_can_change_a_number_is_hashed(folder, name, key):
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    seen = []
    for change in ("", " ", "\n"):
        if change or not file.exists():
            with file.open("a", encoding="utf-8") as opened:
                opened.write(change)
        seen.append(find_source(folder, trust_remote_code=True).extra)
    assert len({extra[key] for extra in seen}) == 3
    rest = [{other: value for other, value in extra.items() if other != key} for extra in seen]
    assert rest[0] == rest[1] == rest[2]

    file.rename(file.with_name(f"x{file.name}.old"))
    if name != "config.json":
        assert find_source(folder, trust_remote_code=True).extra.get(key) not in {e[key] for e in seen}


def test_the_hashes_reach_the_identity(folder):
    before = load(folder).identity
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "add_prefix_space": True}))
    after = load(folder).identity
    assert after.extra["tokenizer_sha256"] != before.extra["tokenizer_sha256"]


def test_what_changes_no_number_is_not_hashed(folder):
    before = find_source(folder).extra
    for name in ("README.md", "LICENSE.txt", "trainer_state.json", "modeling_own.py"):
        (folder / name).write_text("{}")
    assert find_source(folder).extra == before
    assert "code_sha256" in find_source(folder, trust_remote_code=True).extra


def test_folders_that_lack_a_part(folder):
    (folder / "tokenizer.json").rename(folder / "t")
    (folder / "tokenizer_config.json").rename(folder / "tc")
    assert "has no tokenizer" in refusal(folder)
    (folder / "t").rename(folder / "tokenizer.json")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "only as pickles (pytorch_model.bin)" in refusal(folder)
    (folder / "pytorch_model.bin").unlink()
    assert "has no weights" in refusal(folder)
    (folder / "config.json").unlink()
    assert "has no config.json" in refusal(folder)
    (folder / "adapter_config.json").write_text("{}")
    assert "is an adapter" in refusal(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"model_type": "unheard"}', "{}", '{"model_type": "bert"}'])
def test_configs_that_are_none(folder, text):
    (folder / "config.json").write_text(text)
    refusal(folder)


@pytest.mark.parametrize("keep", [0, 4, 100, 5000, -1])
def test_safetensors_cut_short(folder, keep):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    assert "cannot be loaded" in refusal(folder)


def test_weights_that_lack_a_tensor_are_not_made_up(folder):
    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert "1 tensors are missing, among them model.layers.1.mlp.up_proj.weight" in refusal(folder)


@pytest.mark.parametrize(
    ("family", "section", "entry"),
    [
        ("llama", None, "num_hidden_layers"),
        ("gpt2", None, "n_layer"),
        ("gemma3_vlm", "text_config", "num_hidden_layers"),
    ],
)
def test_a_config_without_the_number_of_layers(tiny, tmp_path, family, section, entry):
    folder = shutil.copytree(tiny(family), tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    part = config[section] if section else config
    del part[entry]
    part.pop("layer_types", None)
    (folder / "config.json").write_text(json.dumps(config))
    named = f"{section}.{entry}" if section else entry
    line = refusal(folder)
    assert f"the config.json of model does not say how many layers the model has: the entry {named}" in line
    assert line.endswith(f"(the names of the weights count {BLOCKS})")

    part["num_hidden_layers"] = BLOCKS  # every family takes the common name too
    (folder / "config.json").write_text(json.dumps(config))
    assert load(folder).identity.blocks == BLOCKS


def test_a_default_number_of_layers_is_taken_where_the_weights_have_it(tmp_path):
    """Some models of text and pictures leave the number out, because it is the default of their class."""
    folder = tiny_model("llava", tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    del config["text_config"]["num_hidden_layers"]
    (folder / "config.json").write_text(json.dumps(config))
    assert "text_config.num_hidden_layers" in refusal(folder)

    default = LlamaConfig().num_hidden_layers
    weights = load_file(folder / "model.safetensors")
    for name, tensor in list(weights.items()):
        if ".layers.0." in name and "vision" not in name:
            for block in range(1, default):
                weights[name.replace(".layers.0.", f".layers.{block}.")] = tensor.clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert load(folder).identity.blocks == default


def test_a_tokenizer_of_another_model(folder, tiny):
    config = json.loads((folder / "config.json").read_text())
    weights = load_file(folder / "model.safetensors")
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        weights[name] = weights[name][:200].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps({**config, "vocab_size": 200}))
    assert "do not belong together" in refusal(folder)
    (folder / "tokenizer.json").write_text("{}")
    assert "tokenizer of model cannot be loaded" in refusal(folder)


def test_options_that_do_not_exist(folder, tiny):
    assert "there is no dtype 'float31'" in refusal(folder, dtype="float31")
    assert "there is no dtype 'int8'" in refusal(folder, dtype="int8")
    assert "there is no device 'toaster'" in refusal(folder, device="toaster")
    assert "no device cuda:99" in refusal(folder, device="cuda:99")
    for device in ("meta", "vulkan", "hpu", "xla:0", "cpu,cuda"):
        assert f"no device {device}" in refusal(folder, device=device).replace("'", "")
    assert "padding_side" in refusal(folder, padding_side="top")
    assert "revision= is for hub ids" in refusal(folder, revision="main")
    assert "is a file" in refusal(folder / "config.json")
    assert load(folder, dtype="auto", device="cpu").identity.dtype == "float32"


@pytest.mark.parametrize("device", ["vulkan", "xla", "hpu"])
def test_a_device_that_takes_no_model(device):
    """A backend may be named and counted, and yet fail when the weights are moved."""
    with pytest.raises(ModelError, match=f"on the device {device} cannot be loaded"):
        _placed(torch.nn.Linear(2, 2), torch.device(device))


@pytest.mark.skipif(torch.accelerator.is_available(), reason="the build without accelerators is meant")
@pytest.mark.parametrize("device", ["xpu", "cuda", "mps"])
def test_accelerators_that_are_not_there(folder, device):
    assert f"no device {device}; use cpu or auto" in refusal(folder, device=device)
    with pytest.raises(ModelError, match="cannot be loaded"):
        _placed(torch.nn.Linear(2, 2), torch.device(device))


def test_foreign_code_does_not_run_unasked(folder, tmp_path):
    config = json.loads((folder / "config.json").read_text())
    proof = tmp_path / "ran"
    code = f"open({str(proof)!r}, 'w').close()\nclass C: pass\n"
    (folder / "code.py").write_text(code)
    auto = {"AutoConfig": "code.C", "AutoModelForCausalLM": "code.C"}
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "foreign", "auto_map": auto}))
    assert "trust_remote_code" in refusal(folder)
    assert not proof.exists()


def test_nothing_is_printed(folder, capfd):
    load(folder)
    assert capfd.readouterr() == ("", "")


def test_a_folder_is_found_without_reading_its_weights(folder):
    source = find_source(folder)
    assert [file.name for file in source.weights] == ["model.safetensors"]
