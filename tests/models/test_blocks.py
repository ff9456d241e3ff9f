"""Finding the blocks by structure, and by name where the structure does not tell."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from torch import nn

from culturescope.errors import ModelError
from culturescope.models import load
from culturescope.models.blocks import find_blocks
from tests.tiny import BLOCKS


class Net(nn.Module):
    def __init__(self, count: object, **parts: nn.Module) -> None:
        super().__init__()
        self.config = SimpleNamespace(num_hidden_layers=count)
        for name, part in parts.items():
            self.add_module(name, part)


def lists(count: int) -> nn.ModuleList:
    return nn.ModuleList(nn.Linear(2, 2) for _ in range(count))


def test_a_list_inside_every_block_is_not_the_blocks():
    blocks = nn.ModuleList(nn.ModuleDict({"experts": lists(3)}) for _ in range(3))
    assert find_blocks(Net(3, layers=blocks))[1] == "layers"


def test_two_lists_of_the_same_length_are_told_apart_by_name_only():
    net = Net(3, one=lists(3), other=lists(3))
    with pytest.raises(ModelError, match=r"blocks=/--blocks-path; candidates: one \(3\), other \(3\)"):
        find_blocks(net)
    found, path = find_blocks(net, "other")
    assert found is net.other
    assert path == "other"


@pytest.mark.parametrize("count", [None, "three", 0])
def test_a_config_without_number_of_layers(count):
    with pytest.raises(ModelError, match=r"num_hidden_layers.*--blocks-path; candidates: layers \(3\)"):
        find_blocks(Net(count, layers=lists(3)))


def test_no_fitting_list():
    with pytest.raises(ModelError, match=r"no list of 4 modules.*--blocks-path"):
        find_blocks(Net(4, layers=lists(3)))
    with pytest.raises(ModelError, match="no module lists at all"):
        find_blocks(Net(4))


@pytest.mark.parametrize("family", ["gemma3_vlm", "llava"])
def test_the_vision_tower_is_as_deep_and_is_not_taken(family, tiny, tiny_loaded):
    model = tiny_loaded(family)
    towers = [
        name
        for name, module in model.module.named_modules()
        if isinstance(module, nn.ModuleList) and "vision" in name and len(module) == BLOCKS
    ]
    assert towers  # the test would prove nothing without a tower of the same depth
    overridden = load(tiny(family), blocks=towers[0])
    assert overridden.identity.extra["blocks_path"] == towers[0]
    with pytest.raises(ModelError, match=r"no list of blocks at 'model.nowhere'.*candidates"):
        load(tiny(family), blocks="model.nowhere")
