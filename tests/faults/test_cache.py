"""What lies in the cache is what was written there, or is made anew."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from culturescope.errors import ModelError
from culturescope.models import load
from culturescope.models.conversion import gguf_folder
from tests.models.gguf_file import write_gguf


@pytest.fixture
def converted(tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.setenv("CULTURESCOPE_HOME", str(tmp_path / "home"))
    file = write_gguf(tiny("qwen2"), tmp_path / "model.gguf")
    return file, gguf_folder(file)


@pytest.mark.parametrize("how", ["flipped", "cut", "removed", "other tokenizer", "no note"])
def test_a_damaged_entry_is_found_by_its_hash_and_made_again(how: str, converted: tuple[Path, Path]) -> None:
    file, folder = converted
    good = {one.name: one.read_bytes() for one in folder.iterdir()}
    weights = folder / "model.safetensors"
    if how == "flipped":
        changed = bytearray(good[weights.name])
        changed[-9] ^= 0x10
        weights.write_bytes(changed)
        os.utime(weights, ns=(1, 1))
    elif how == "cut":
        weights.write_bytes(good[weights.name][:-1000])
    elif how == "removed":
        weights.unlink()
    elif how == "other tokenizer":
        text = json.loads((folder / "tokenizer_config.json").read_text())
        (folder / "tokenizer_config.json").write_text(json.dumps({**text, "extra": 1}))
    else:
        (folder / "culturescope.json").write_text("[]")
    said: list[str] = []
    assert gguf_folder(file, said.append) == folder
    assert "in the cache is damaged" in said[0]
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == good
    assert sorted(p.name for p in folder.parent.iterdir() if not p.name.endswith(".lock")) == [folder.name]
    said.clear()
    gguf_folder(file, said.append)
    assert said == []


def test_a_note_that_a_stranger_wrote_is_no_crash(tiny, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for one in tiny("llama").iterdir():
        (folder / one.name).write_bytes(one.read_bytes())
    for text in ("", "[]", "{}", "[" * 100_000):
        (folder / "culturescope.json").write_text(text)
        with pytest.raises(ModelError, match=r"culturescope\.json is damaged"):
            load(folder)
