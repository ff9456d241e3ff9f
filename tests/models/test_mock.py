"""The mock keeps the contract of a black box and needs no torch."""

from __future__ import annotations

import inspect
import math
import subprocess
import sys

import pytest

from culturescope.errors import ModelError
from culturescope.models import BlackBox, CausalModel, MockModel, WhiteBox
from culturescope.prompts import Prompt

PROMPTS = [Prompt.of("one"), Prompt.of("two words", system="and a system"), Prompt.of("three")]


def test_it_is_a_black_box_only():
    model = MockModel(lambda prompt: (0.0, 0.0))
    assert isinstance(model, BlackBox)
    assert not isinstance(model, WhiteBox)
    assert model.identity.source == "mock"


@pytest.mark.parametrize("rest_mass", [0.0, 0.25])
def test_log_probabilities_follow_from_the_logits(rest_mass):
    model = MockModel(lambda prompt: (float(len(prompt.messages)), -800.0), rest_mass=rest_mass)
    batches = list(model.read_letters(PROMPTS, batch_size=2))
    assert [indices for indices, _ in batches] == [[0, 1], [2]]
    for _, readings in batches:
        for reading in readings:
            assert sum(map(math.exp, reading.logprobs)) == pytest.approx(1 - rest_mass)
            assert reading.logits[0] - reading.logits[1] == pytest.approx(
                reading.logprobs[0] - reading.logprobs[1]
            )


def test_it_writes_the_likelier_letter():
    model = MockModel(lambda prompt: (0.0, 1.0 if prompt.messages[0].role == "system" else -1.0))
    assert model.generate(PROMPTS, max_new_tokens=1) == ["A", "B", "A"]
    assert model.generate(PROMPTS, max_new_tokens=1, batch_size=2) == ["A", "B", "A"]
    assert "two words" in model.show(PROMPTS[1])


def test_every_model_takes_what_the_protocol_says():
    for method in ("read_letters", "generate"):
        said = inspect.signature(getattr(BlackBox, method)).parameters
        assert said["batch_size"].kind is inspect.Parameter.KEYWORD_ONLY
        for kind in (CausalModel, MockModel):
            taken = inspect.signature(getattr(kind, method)).parameters
            assert [(p.name, p.kind, p.default) for p in taken.values() if p.name in said] == [
                (p.name, p.kind, p.default) for p in said.values()
            ]
            more = [p for p in taken.values() if p.name not in said]
            assert all(
                p.kind is inspect.Parameter.KEYWORD_ONLY and p.default is not inspect.Parameter.empty
                for p in more
            )


def test_the_rest_mass_is_a_probability():
    with pytest.raises(ModelError, match="rest_mass"):
        MockModel(lambda prompt: (0.0, 0.0), rest_mass=1.0)


def test_importing_the_room_imports_no_torch():
    code = "import sys, culturescope.models as m; m.MockModel; assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
