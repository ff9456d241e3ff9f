"""GGUF files and packaged models: converted once, whole or not at all, and refused in one line when damaged."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from culturescope.errors import CulturescopeError, ModelError, RunFailedError
from culturescope.models import load, packaged
from culturescope.models.cache import build_folder, known_sha256, models_home
from culturescope.models.packaged import PackagedModel
from culturescope.models.writing import end_ids
from tests.models.gguf_file import write_gguf
from tests.models.plain import PROMPTS

MEMBER = "tiny_model/tiny.gguf"


@pytest.fixture(scope="module")
def gguf(tiny, tmp_path_factory) -> Path:
    return write_gguf(tiny("qwen2"), tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(autouse=True)
def home(monkeypatch, tmp_path) -> Path:
    monkeypatch.setenv("CULTURESCOPE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CULTURESCOPE_WHEELS", raising=False)
    return tmp_path / "home"


@pytest.fixture
def shelf(gguf, tmp_path, monkeypatch) -> PackagedModel:
    """A packaged model whose wheel lies on the shelf."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    wheel = folder / "tiny_model-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("../../evil.txt", "out of the folder")
        archive.write(gguf, MEMBER)
    monkeypatch.setenv("CULTURESCOPE_WHEELS", str(folder))
    model = PackagedModel(
        "tiny-model", "tiny-model", "1.0", _sha(wheel), MEMBER, _sha(gguf), "MIT", wheel.stat().st_size, 0
    )
    monkeypatch.setitem(packaged.REGISTRY, model.name, model)
    return model


def _sha(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _left(home: Path) -> list[str]:
    return sorted(entry.name for entry in (home / "models").glob("*") if not entry.name.endswith(".lock"))


def _same_readings(one, other):
    for (_, left), (_, right) in zip(one.read_letters(PROMPTS), other.read_letters(PROMPTS), strict=True):
        for a, b in zip(left, right, strict=True):
            assert a.logits == pytest.approx(b.logits, abs=1e-6)


def test_a_gguf_file_reads_as_the_model_it_was_made_from(gguf, tiny_loaded, home, capfd):
    said: list[str] = []
    model = load(gguf, progress=said.append)
    assert capfd.readouterr() == ("", "")
    assert said[0].startswith("converting tiny.gguf")
    original = tiny_loaded("qwen2")
    assert model.encode(PROMPTS) == original.encode(PROMPTS)
    assert model.chat.template == original.chat.template
    _same_readings(model, original)
    assert model.identity.source == "gguf"
    assert model.identity.extra["gguf_sha256"] == _sha(gguf)
    assert model.tokenizer.eos_token == "<|im_end|>"
    assert model.tokenizer.convert_tokens_to_ids("<|im_end|>") in end_ids(
        model.module, model.tokenizer, model._place.tail
    )
    assert len(_left(home)) == 1

    said.clear()
    again = load(gguf, progress=said.append)
    assert said == []
    assert again.identity == model.identity


def test_a_packaged_model_is_taken_from_its_wheel(shelf, home, tiny_loaded):
    assert [(model.name, model.fetched) for model in packaged.listing()] == [
        ("smollm2-135m", False),
        ("tiny-model", False),
    ]
    folder = packaged.get("tiny-model")
    assert packaged.get("tiny-model") == folder
    assert shelf.fetched
    assert _left(home) == [folder.name]
    assert {file.suffix for file in folder.rglob("*")} == {".json", ".jinja", ".safetensors"}
    assert not list(home.rglob("evil.txt"))
    assert not list(home.parent.glob("evil.txt"))
    model = load("tiny-model")
    assert (model.identity.source, model.identity.revision) == ("packaged", "1.0")
    _same_readings(model, tiny_loaded("qwen2"))


def test_download_fetches_a_packaged_model_too(shelf):
    assert load("tiny-model", download=True).identity.name == "tiny-model"


@pytest.mark.parametrize("field", ["wheel_sha256", "gguf_sha256", "member"])
def test_what_is_not_the_thing_expected_is_not_used(shelf, field, monkeypatch, home):
    import dataclasses

    monkeypatch.setitem(packaged.REGISTRY, shelf.name, dataclasses.replace(shelf, **{field: "other"}))
    with pytest.raises(RunFailedError, match=r"not the one expected|holds no other"):
        packaged.get("tiny-model")
    assert _left(home) == []


def test_unknown_names_and_failed_downloads(monkeypatch, home, shelf):
    with pytest.raises(ModelError, match="did you mean smollm2-135m"):
        packaged.get("smollm-135")
    monkeypatch.delenv("CULTURESCOPE_WHEELS")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(
        RunFailedError, match=r"pip could not download tiny-model==1.0: .*CULTURESCOPE_WHEELS"
    ):
        packaged.get("tiny-model")
    assert _left(home) == []


KILLED = """
import os, sys
from culturescope.models import packaged
from culturescope.models.packaged import PackagedModel
model = PackagedModel(*{fields!r})
packaged.REGISTRY[model.name] = model
def stop(text):
    print(text, flush=True)
    if text.startswith({stage!r}):
        sys.stdin.read()
packaged.get(model.name, stop)
"""


@pytest.mark.skipif(os.name == "nt", reason="kills by signal")
@pytest.mark.parametrize("stage", ["converting", "finishing"])
def test_a_killed_conversion_leaves_nothing_that_looks_done(shelf, stage, home):
    import dataclasses

    code = KILLED.format(fields=dataclasses.astuple(shelf), stage=stage)
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=-1, stdout=-1, stderr=subprocess.STDOUT, text=True
    )
    for line in process.stdout:
        if line.startswith(stage):
            break
    else:
        pytest.fail(f"never came to {stage}")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not shelf.fetched
    leftovers = _left(home)
    assert len(leftovers) == 1
    assert leftovers[0].startswith(".partial-")
    with pytest.raises(ModelError, match="culturescope models get tiny-model"):
        load("tiny-model")

    folder = packaged.get("tiny-model")
    assert _left(home) == [folder.name]
    assert load("tiny-model").identity.blocks == 3


def test_an_interrupt_takes_its_leftovers_along(shelf, home):
    def interrupt(text: str) -> None:
        if text == "finishing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        packaged.get("tiny-model", interrupt)
    assert _left(home) == []


def test_two_that_want_the_same_folder_make_it_once(home):
    made: list[int] = []
    started = threading.Barrier(2)

    def write(folder: Path) -> None:
        made.append(1)
        (folder / "file").write_text("whole")

    def build() -> None:
        started.wait()
        assert (build_folder("both", write) / "file").read_text() == "whole"

    threads = [threading.Thread(target=build) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_a_cache_that_cannot_be_written_is_one_line(home):
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file where the cache should be")
    with pytest.raises(RunFailedError, match="cannot be written; set CULTURESCOPE_HOME"):
        build_folder("any", lambda folder: None)
    assert models_home() == home / "models"


def test_a_full_disk_is_one_line():
    import errno

    def write(folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(RunFailedError, match="is full"):
        build_folder("any", write)


def test_hashes_of_large_files_are_remembered_until_they_change(tmp_path, home):
    file = tmp_path / "large"
    file.write_bytes(bytes(17_000_000))
    first = known_sha256(file)
    (note,) = (home / "hashes").iterdir()
    note.write_text(note.read_text().replace(first, "remembered"))
    assert known_sha256(file) == "remembered"
    file.write_bytes(bytes(16_999_999) + b"x")
    changed = known_sha256(file)
    assert changed == _sha(file) != first
    note.write_text("no json")
    assert known_sha256(file) == changed


def _damaged(data: bytes, how: str) -> bytes:
    rng = random.Random(how)
    if how.startswith("cut"):
        return data[: int(len(data) * float(how.split()[1]))]
    if how.startswith("random"):
        return b"GGUF" + data[4:8] + rng.randbytes(int(how.split()[1]))
    if how.startswith("flip"):
        damaged = bytearray(data)
        for _ in range(200):
            damaged[rng.randrange(8, 6000)] = rng.randrange(256)
        return bytes(damaged)
    return {"empty": b"", "text": b"not a model at all", "version": b"GGUF\x09\0\0\0" + data[8:]}[how]


@pytest.mark.parametrize(
    "how",
    ["empty", "text", "version", "cut 0.0001", "cut 0.01", "cut 0.2", "cut 0.9", "cut 0.999"]
    + [f"random {size}" for size in (1, 16, 200, 5000)]
    + [f"flip {number}" for number in range(4)],
)
def test_damaged_gguf_files_are_refused_in_one_line(how, gguf, tmp_path, home):
    file = tmp_path / "damaged.gguf"
    file.write_bytes(_damaged(gguf.read_bytes(), how))
    try:
        load(file)
        line = None
    except CulturescopeError as error:
        line = str(error)
    if line is None:
        assert how.startswith("flip")  # flipped bits may hit a text that nobody needs
    else:
        assert "\n" not in line
        assert "damaged.gguf" in line
        assert how.startswith("flip") or _left(home) == []
