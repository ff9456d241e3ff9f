"""Vectors as files: what is written is read again to the bit, other tools read it, and no file of a stranger does harm."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save

import culturescope as cs
from culturescope.errors import BadInputError
from culturescope.models.blockhooks import on_blocks
from culturescope.steering.files import KEY, check_fits, read_vector, save_vector
from culturescope.steering.foreign import to_lm_eval
from culturescope.steering.gguf_files import to_gguf
from culturescope.steering.vector import Origin, SteeringVector
from tests.tiny import BLOCKS, FAMILIES, HIDDEN


def vector(blocks=(1, 2), width=HIDDEN, **origin) -> SteeringVector:
    generator = torch.Generator().manual_seed(3)
    directions = {b: torch.randn(width, generator=generator) for b in blocks}
    return SteeringVector(directions, Origin(**{"label": "X", "method": "test", **origin}))


@pytest.fixture(scope="module")
def fitted(tiny_loaded) -> SteeringVector:
    return cs.fit_vector(tiny_loaded("qwen2"), cs.scenarios(split="optimise", limit=4), "X")


def same(one: SteeringVector, other: SteeringVector) -> bool:
    return one.sha256 == other.sha256 and one.origin == other.origin and one.blocks == other.blocks


def test_a_file_holds_the_whole_vector(fitted, tmp_path):
    path = fitted.save(tmp_path / "x.safetensors")
    again = cs.load_vector(path)
    assert same(fitted, again)
    assert again.dose(0.3, 1) == fitted.dose(0.3, 1)
    assert again.origin.gap == fitted.origin.gap
    tensors = load_file(path)
    assert sorted(tensors) == ["block.0", "block.1", "block.2"]
    assert {t.dtype for t in tensors.values()} == {torch.float32}
    assert [f.name for f in tmp_path.iterdir()] == ["x.safetensors"], "nothing is left beside"
    with pytest.raises(BadInputError, match=r"safetensors, not x\.pt"):
        fitted.save(tmp_path / "x.pt")


def test_a_file_that_cannot_be_written_leaves_the_old_one(fitted, tmp_path):
    path = fitted.save(tmp_path / "x.safetensors")
    old = path.read_bytes()
    with pytest.raises(cs.CulturescopeError, match="folder"):
        fitted.save(tmp_path / "nowhere" / "x.safetensors")
    (tmp_path / "y.safetensors").mkdir()
    with pytest.raises(cs.CulturescopeError):
        fitted.save(tmp_path / "y.safetensors")
    assert path.read_bytes() == old


def stored(tensors=None, header=None, **metadata) -> bytes:
    v = vector()
    text = {"format": 1, "sha256": v.sha256, "origin": {"label": "X", "method": "test"}}
    if header is not None:
        text = {**text, **header} if isinstance(header, dict) else header
    kept = {f"block.{b}": v[b] for b in v.blocks} if tensors is None else tensors
    return save(kept, metadata={KEY: text if isinstance(text, str) else json.dumps(text), **metadata})


def raw(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


ROW = torch.ones(HIDDEN)
HOSTILE = {
    "empty": (b"", "is no vector"),
    "text": (b"hello, I am no vector at all", "is no vector"),
    "pickle": (pickle.dumps({"a": 1}, protocol=0), "is no vector"),
    "cut in the header": (stored()[:100], "cut off"),
    "cut in the data": (stored()[:-5], "damaged"),
    "more data than said": (stored() + b"1234", "damaged"),
    "huge header": (struct.pack("<Q", 2**62) + b"{}", "bytes long"),
    "no JSON": (raw(b"{hello"), "not JSON"),
    "nested": (raw(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "not JSON"),
    "not UTF-8": (raw(b'{"\xff\xfe": 1}'), "not JSON"),
    "foreign": (save({"block.1": ROW}, metadata={"format": "pt"}), "no entry culturescope"),
    "no metadata": (save({"block.1": ROW}), "no entry culturescope"),
    "metadata no dictionary": (raw(b'{"__metadata__": [1]}'), "no entry culturescope"),
    "no tensors": (stored({}), "at least one block"),
    "float64": (stored({"block.1": ROW.double()}), "F32, not F64"),
    "integers": (stored({"block.1": ROW.long()}), "F32, not I64"),
    "matrix": (stored({"block.1": torch.ones(2, HIDDEN)}), "one row"),
    "scalar": (stored({"block.1": torch.tensor(1.0)}), "one row"),
    "no numbers": (stored({"block.1": torch.ones(0)}), "no numbers"),
    "two widths": (stored({"block.1": ROW, "block.2": torch.ones(HIDDEN + 1)}), "same width"),
    "NaN": (stored({"block.1": ROW * float("nan")}), "finite"),
    "infinite": (stored({"block.1": ROW * float("inf")}), "finite"),
    "path as a name": (stored({"block.../../etc/passwd": ROW}), "block.0, block.1"),
    "negative block": (stored({"block.-1": ROW}), "block.0, block.1"),
    "block with a zero": (stored({"block.01": ROW}), "block.0, block.1"),
    "other digits": (stored({"block.\u0663": ROW}), "block.0, block.1"),
    "offsets beyond": (
        raw(
            b'{"__metadata__":{"culturescope":"{}"},"block.1":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}'
        ),
        "damaged",
    ),
    "shape that overflows": (
        raw(
            b'{"__metadata__":{"culturescope":"{}"},"block.1":{"dtype":"F32","shape":[4611686018427387904],'
            b'"data_offsets":[0,0]}}'
        ),
        "damaged",
    ),
    "header no JSON": (stored(header="{"), "not JSON"),
    "header a list": (stored(header="[]"), "not a JSON object"),
    "newer": (stored(header={"format": 2}), "newer version"),
    "format true": (stored(header={"format": True}), "newer version"),
    "no origin": (stored(header={"origin": None}), "no origin"),
    "unknown field": (stored(header={"origin": {"label": "X", "method": "m", "evil": 1}}), "evil"),
    "label a list": (stored(header={"origin": {"label": [], "method": "m"}}), "label"),
    "infinite norm": (
        stored(header='{"format": 1, "origin": {"label": "X", "method": "m", "median_norm": {"1": 1e999}}}'),
        "not a finite number",
    ),
    "figure of no block": (
        stored(header={"origin": {"label": "X", "method": "m", "gap": {"-3": 1.0}}}),
        "no model has",
    ),
    "changed directions": (stored({"block.1": ROW}), "damaged or was changed"),
    "other width": (
        stored(header={"origin": {"label": "X", "method": "m", "hidden_size": 99}}),
        "its header says 99",
    ),
    "beyond the model": (
        stored(header={"origin": {"label": "X", "method": "m", "block_count": 2}}),
        "block 2 of a model with 2",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_one_clear_line(name, tmp_path):
    content, message = HOSTILE[name]
    path = tmp_path / "v.safetensors"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=message) as caught:
        cs.load_vector(path)
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    assert len(line) < 400


def test_places_that_hold_no_file(tmp_path):
    for place in (tmp_path, tmp_path / "missing.safetensors", f"{tmp_path}/a\0b"):
        with pytest.raises(BadInputError):
            cs.load_vector(place)


def test_what_a_terminal_would_obey_is_not_kept(tmp_path):
    path = tmp_path / "v.safetensors"
    path.write_bytes(stored(header={"origin": {"label": "X\x1b[2J\n\u202e", "method": "\ud800"}}))
    origin = cs.load_vector(path).origin
    assert origin.label == "X?[2J??"
    assert origin.method == "?"


def test_every_byte_of_a_file_may_be_wrong(tmp_path):
    """Flipped bytes: refused, or the same directions (lm-eval's may carry another coefficient); never another exception."""
    v = vector()
    for whole in (
        stored(),
        to_gguf(vector(), tmp_path / "v.gguf").read_bytes(),
        to_lm_eval(vector(), tmp_path / "v.pt", hookpoint="layers.{}").read_bytes(),
    ):
        path = tmp_path / "flipped"
        for at in range(0, len(whole), 11):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
            try:
                found = cs.load_vector(path)
            except BadInputError:
                continue
            assert found.blocks == v.blocks
            assert all(abs(found.cosine(v, block)) > 1 - 1e-9 for block in v.blocks)


# --- which model a vector belongs to ---


def test_a_vector_fits_its_own_model_and_its_revisions_only_when_forced(fitted, tiny_loaded):
    model = tiny_loaded("qwen2")
    assert check_fits(fitted, model) is None

    def of(**changed) -> SteeringVector:
        return SteeringVector({1: fitted[1]}, fitted.origin.model_copy(update=changed))

    moved = of(model="somewhere/else")
    assert check_fits(moved, model) is None, "the same weights under another name"
    for changed, word in (
        ({"weights_sha256": "0" * 64}, "other weights"),
        ({"weights_sha256": "0" * 64, "revision": "abc"}, "revision abc"),
    ):
        with pytest.raises(BadInputError, match=f"{word}.*--force"):
            check_fits(of(**changed), model)
        assert word in check_fits(of(**changed), model, force=True)
    for changed, message in (
        ({"model": "another", "weights_sha256": "0" * 64}, "made for the model another"),
        ({"model": "another", "weights_sha256": None}, "made for the model another"),
        ({"block_count": 9}, "9 blocks"),
    ):
        for force in (False, True):
            with pytest.raises(BadInputError, match=message):
                check_fits(of(**changed), model, force=force)
    assert "not known" in check_fits(of(weights_sha256=None), model)


def test_width_and_blocks_are_never_forced(tiny_loaded):
    model = tiny_loaded("qwen2")
    for wrong, message in (
        (vector(width=HIDDEN + 1), f"width {HIDDEN + 1}"),
        (vector((BLOCKS,)), f"block {BLOCKS}"),
    ):
        with pytest.raises(BadInputError, match=message):
            check_fits(wrong, model, force=True)
    assert "does not say" in check_fits(vector(), model)
    assert "does not say" in check_fits(vector(family="qwen2"), model)
    with pytest.raises(BadInputError, match=r"kind mamba.*--force"):
        check_fits(vector(family="mamba"), model)


def test_a_model_without_hash_is_told_by_its_name(fitted, tiny_loaded):
    class Other:
        blocks, hidden_size = tiny_loaded("qwen2").blocks, HIDDEN
        identity = replace(tiny_loaded("qwen2").identity, weights_sha256=None, revision="2")

    with pytest.raises(BadInputError, match="revision unknown, this is 2"):
        check_fits(fitted, Other)


# --- GGUF control vectors ---


def test_gguf_says_every_block_but_the_first(fitted, tmp_path):
    from gguf import GGUFReader

    path = tmp_path / "x.gguf"
    with pytest.raises(BadInputError, match="block 0"):
        to_gguf(fitted, path)
    with pytest.raises(BadInputError, match="block 0"):
        to_gguf(fitted.at([0]), path, leave_out_block_0=True)
    assert not path.exists()
    to_gguf(fitted, path, leave_out_block_0=True)
    read = GGUFReader(path)
    assert {t.name: t.data.tolist() for t in read.tensors} == {
        f"direction.{b}": fitted[b].tolist() for b in (1, 2)
    }
    told = {name: read.fields[name].contents() for name in read.fields if "." in name}
    assert told["general.architecture"] == "controlvector"
    assert told["controlvector.model_hint"] == "qwen2"
    assert told["controlvector.layer_count"] == 2
    assert same(cs.load_vector(path), fitted.at([1, 2]))


def other_gguf(path, tensors, hint="llama", architecture="controlvector", signed=False, **fields):
    """As repeng writes it (layer_count unsigned) or llama.cpp's own generator (signed)."""
    from gguf import GGUFWriter

    writer = GGUFWriter(path, architecture)
    writer.add_string("controlvector.model_hint", hint)
    (writer.add_int32 if signed else writer.add_uint32)("controlvector.layer_count", len(tensors))
    for name, value in fields.items():
        writer.add_string(f"culturescope.{name}", value)
    writer.add_array("some.list", ["a", "b"])
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize("signed", [False, True])
def test_control_vectors_of_others(tmp_path, signed):
    directions = {b: torch.full((HIDDEN,), float(b + 1)) for b in (2, 0, 1)}
    path = other_gguf(
        tmp_path / "mood.gguf", {f"direction.{b}": d for b, d in directions.items()}, signed=signed
    )
    found, kind = read_vector(path)
    assert kind == "gguf"
    assert found.blocks == (0, 1, 2), "the number is that of the block, and repeng may name block 0"
    assert all(torch.equal(found[b], directions[b]) for b in directions)
    assert (found.origin.label, found.origin.family, found.origin.model) == ("mood", "llama", None)
    with pytest.raises(BadInputError, match="median norm"):
        found.dose(1.0, 1)
    half = other_gguf(tmp_path / "half.gguf", {"direction.1": torch.ones(4, dtype=torch.float16) / 3})
    assert cs.load_vector(half)[1].tolist() == pytest.approx([1 / 3] * 4, abs=1e-3)


@pytest.mark.parametrize(
    ("tensors", "how", "message"),
    [
        ({"direction.1": torch.ones(4)}, {"architecture": "llama"}, "architecture llama"),
        ({"direction.x": torch.ones(4)}, {}, "not a direction"),
        ({"blk.1.weight": torch.ones(4)}, {}, "not a direction"),
        ({"direction.1": torch.ones(4, 4)}, {}, "not a direction"),
        ({"direction.1": torch.ones(4, dtype=torch.int32)}, {}, "not a direction"),
        ({"direction.1": torch.ones(4) / 0}, {}, "finite"),
        ({"direction.1": torch.full((4,), 1e300, dtype=torch.float64)}, {}, "finite"),
        ({"direction.1": torch.ones(4), "direction.2": torch.ones(5)}, {}, "same width"),
        ({}, {}, "at least one block"),
        ({"direction.1": torch.ones(4)}, {"vector": "{}"}, "newer version"),
        ({"direction.1": torch.ones(4)}, {"vector": "not JSON"}, "not JSON"),
    ],
)
def test_gguf_files_that_are_no_control_vectors(tmp_path, tensors, how, message):
    path = other_gguf(tmp_path / "v.gguf", tensors, **how)
    with pytest.raises(BadInputError, match=message):
        cs.load_vector(path)


def test_gguf_lengths_are_not_believed(tmp_path):
    """Each of these makes a reader that believes lengths run without end, or ask for all memory."""
    key = struct.pack("<Q", 1) + b"a"
    endless = struct.pack("<Q", 2**60)
    head = {n: b"GGUF" + struct.pack("<IQQ", 3, *n) for n in ((0, 1), (2**60, 0), (0, 2**60))}
    bodies = [
        b"GGUF",
        b"GGUF" + struct.pack(">IQQ", 3, 0, 1),
        *head.values(),
        head[0, 1] + endless + b"name",
        head[0, 1] + key + struct.pack("<I", 8) + endless,
        head[0, 1] + key + struct.pack("<II", 9, 4) + endless,
        head[0, 1] + key + struct.pack("<II", 9, 8) + endless,
        head[0, 1] + key + struct.pack("<II", 9, 9) + endless,
        head[0, 1] + key + (struct.pack("<II", 9, 9) + struct.pack("<Q", 1)) * 50,
        head[0, 1] + key + struct.pack("<I", 77),
        to_gguf(vector(), tmp_path / "w.gguf").read_bytes()[:-9],
    ]
    path = tmp_path / "v.gguf"
    for body in bodies:
        path.write_bytes(body)
        with pytest.raises(BadInputError, match="damaged"):
            cs.load_vector(path)


# --- lm-eval ---


def lm_eval_letters(module, path, ids) -> torch.Tensor:
    """What lm-eval 0.4.13 does with a file (lm_eval/models/hf_steered.py), without its package."""
    hooks = {}
    for hookpoint, info in torch.load(path, weights_only=True).items():
        assert info["action"] == "add"
        assert info.get("bias") is None
        assert info.get("head_index") is None
        hooks[hookpoint] = info["steering_vector"].to(module.dtype) * float(info["steering_coefficient"])
    handles = []
    for name, part in module.base_model.named_modules():
        if name in hooks:
            add = hooks[name]
            handles.append(
                part.register_forward_hook(
                    lambda m, a, out, add=add: (
                        (out[0] + add, *out[1:]) if isinstance(out, tuple) else out + add
                    )
                )
            )
    assert len(handles) == len(hooks), "every hookpoint must be found"
    try:
        with torch.inference_mode():
            return module(input_ids=ids).logits
    finally:
        for handle in handles:
            handle.remove()


@pytest.mark.parametrize("family", FAMILIES)
def test_lm_eval_steers_as_this_toolkit_does(tiny_loaded, tmp_path, family):
    model = tiny_loaded(family)
    v = cs.fit_vector(model, cs.scenarios(split="optimise", limit=2))
    path = to_lm_eval(v, tmp_path / "v.pt", alpha=-3.0)
    ids = torch.arange(5, 17)[None]
    with torch.inference_mode():
        plain = model.module(input_ids=ids).logits
        with v.applied(model, -3.0):
            expected = model.module(input_ids=ids).logits
    found = lm_eval_letters(model.module, path, ids)
    assert torch.allclose(found, expected, atol=1e-5)
    assert (found - plain).abs().max() > 1e-3
    again = cs.load_vector(path)
    assert again.origin.model == v.origin.model
    for block in v.blocks:
        assert torch.allclose(again[block], -3.0 * v[block])


def test_lm_eval_files_of_others(tmp_path):
    path = tmp_path / "mood.pt"
    ones = torch.ones(4)
    torch.save(
        {
            "layers.3": {"steering_vector": ones, "steering_coefficient": 2.5, "action": "add", "bias": None},
            "layers.1": {"steering_vector": ones.bfloat16(), "action": "add"},
        },
        path,
    )
    found, kind = read_vector(path)
    assert kind == "lm-eval"
    assert found.blocks == (1, 3)
    assert found[3].tolist() == [2.5] * 4
    assert found[1].tolist() == [1.0] * 4
    with pytest.raises(BadInputError, match="--hookpoint"):
        to_lm_eval(found, tmp_path / "again.pt")
    to_lm_eval(found, tmp_path / "again.pt", hookpoint="h.{}")
    assert list(torch.load(tmp_path / "again.pt", weights_only=True)) == ["h.1", "h.3"]
    assert same(cs.load_vector(tmp_path / "again.pt"), found)
    for bad in (
        {"hookpoint": "layers"},
        {"hookpoint": "a.{}.{}"},
        {"hookpoint": "h.{}", "alpha": float("nan")},
    ):
        with pytest.raises(BadInputError):
            to_lm_eval(found, tmp_path / "bad.pt", **bad)
    with pytest.raises(BadInputError, match=r"\.pt"):
        to_lm_eval(found, tmp_path / "bad.bin", hookpoint="h.{}")


def entry(**changed):
    return {"layers.1": {"steering_vector": torch.ones(4), "action": "add", **changed}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (entry(action="clamp"), "clamp"),
        (entry(bias=torch.ones(4)), "bias"),
        (entry(head_index=0), "head"),
        (entry(steering_coefficient=float("nan")), "finite"),
        (entry(steering_coefficient=10**400), "finite"),
        (entry(steering_coefficient=3e38, steering_vector=torch.full((4,), 9.0)), "finite"),
        (entry(steering_coefficient="5"), "finite"),
        (entry(steering_vector=[1.0]), "one row"),
        (entry(steering_vector=torch.ones(2, 2)), "one row"),
        (entry(steering_vector=torch.ones(4, dtype=torch.int64)), "one row"),
        (entry(steering_vector=torch.ones(4).to_sparse()), "one row"),
        (entry(steering_vector=torch.ones(1).expand(10**12)), "one row"),
        (entry(steering_vector=torch.ones(0)), "one row"),
        (entry(steering_vector=torch.ones(4, device="meta")), "one row|not opened"),
        (entry(steering_vector=torch.full((4,), float("nan"))), "finite"),
        ({"layers.1.mlp": entry()["layers.1"]}, "not the output of a block"),
        ({"layers.1\n": entry()["layers.1"]}, "not the output of a block"),
        ({"h.1": entry()["layers.1"], "layers.1": entry()["layers.1"]}, "twice"),
        ({"layers.1": 5}, "dictionary"),
        ({}, "no steering file"),
        ([1, 2], "no steering file"),
        ({1: 2}, "no steering file"),
    ],
)
def test_lm_eval_files_that_are_no_vectors(tmp_path, content, message):
    path = tmp_path / "v.pt"
    torch.save(content, path)
    with pytest.raises(BadInputError, match=message) as caught:
        cs.load_vector(path)
    assert "\n" not in str(caught.value)


class Evil:
    ran = False

    def __reduce__(self):
        return (setattr, (Evil, "ran", True))


def test_code_in_a_file_of_torch_never_runs(tmp_path):
    path = tmp_path / "v.pt"
    torch.save({"layers.1": Evil()}, path)
    with pytest.raises(BadInputError, match="not opened"):
        cs.load_vector(path)
    assert not Evil.ran
    whole = to_lm_eval(vector(), tmp_path / "w.pt", hookpoint="layers.{}").read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            new.writestr(part.filename, old.read(part))
    for content, message in ((packed.getvalue(), "compressed"), (whole[: len(whole) // 2], "damaged")):
        path.write_bytes(content)
        with pytest.raises(BadInputError, match=message):
            cs.load_vector(path)
    (tmp_path / "v.csv").write_text("loader,action,sparse_model\n")
    with pytest.raises(BadInputError, match="sparse models"):
        cs.load_vector(tmp_path / "v.csv")


def test_a_steered_file_saved_again_steers_the_same(tiny_loaded, fitted, tmp_path):
    """From each format back into the model: the residual stream moves by the same amounts."""
    model = tiny_loaded("qwen2")
    whole = fitted.at([1, 2])
    paths = [
        save_vector(whole, tmp_path / "v.safetensors"),
        to_gguf(whole, tmp_path / "v.gguf"),
        to_lm_eval(whole, tmp_path / "v.pt"),
    ]
    seen = []
    for path in paths:
        kept = {}
        with (
            cs.load_vector(path).applied(model, 2.0),
            on_blocks({2: model.blocks[2]}, lambda n, h, kept=kept: kept.update(h=h.clone())),
        ):
            model.module(input_ids=torch.arange(5, 9)[None])
        seen.append(kept["h"])
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[2])
