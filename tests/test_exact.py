"""Every optimisation on and off: the same letters within 1e-4, the same directions, the same study."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
import torch

import culturescope as cs
from culturescope.experiments.steer.measuring import measure
from culturescope.instrument import load_pack
from culturescope.models import load
from culturescope.models.options import option_logprobs
from culturescope.prompts import templates
from culturescope.prompts.survey import question, survey_prompt
from culturescope.steering.fitting import fit, read_pairs

FAMILIES = ("llama", "gemma3", "mixtral")
SWITCHES = ("all", "sharing", "budget", "batches", "head")
"""Switched off one by one: everything (`--exact`), shared beginnings, large passes, batches, the output layer at ends alone."""


@contextmanager
def without(model, switch):
    """The model with one optimisation off, or with all of them."""
    reader, kept = model._reader, model._reader.unshared_because
    batch_size = 1 if switch == "batches" else 5
    try:
        model.exact = switch == "all"
        model.token_budget = 100 if switch == "budget" else None
        if switch == "sharing":
            reader.unshared_because = "switched off"
        if switch == "head":
            model._accepts = model._accepts - {"logits_to_keep"}
            reader.unshared_because = "its output layer sees every token"
        yield batch_size
    finally:
        model.exact, model.token_budget, reader.unshared_because = False, None, kept
        if switch == "head":
            model._accepts = model._accepts | {"logits_to_keep"}


@pytest.fixture(scope="module")
def asked():
    pack = load_pack("individualism-collectivism")
    return pack, cs.scenarios(split="evaluate", limit=2, pack="individualism-collectivism"), templates(1)


@pytest.fixture(scope="module")
def usual(tiny, asked):
    """Per family: the model, and everything that is computed with all optimisations on."""
    known = {}

    def of(family):
        if family not in known:
            model = load(tiny(family))
            known[family] = model, everything(model, asked, 5)
        return known[family]

    return of


def everything(model, asked, batch_size):
    """Letters under changes of the residual stream, options, activations of contrast texts, and a small study."""
    pack, chosen, wordings = asked
    torch.manual_seed(1)
    changes = [{}, {0: torch.randn(model.hidden_size)}, {1: torch.randn(model.hidden_size)}]
    changes.append({**changes[1], 2: torch.randn(model.hidden_size)})
    measured = measure(model, chosen, changes, pack, wordings, batch_size=batch_size)
    pairs = read_pairs(model, chosen, batch_size=batch_size)
    reading = cs.probe(model, chosen, check=True, template_ids=1, batch_size=batch_size, pack=pack)
    questions = [survey_prompt(question(q), w) for q in ("X03", "Y01") for w in (1, 2)]
    options = option_logprobs(model, questions, [str(n) for n in range(1, 11)], batch_size=batch_size)
    return {
        "options": np.array([reading.logprobs for reading in options]),
        "letters": np.array([row["logits"] for row in reading.samples]),
        "changed": np.stack([measured.d + measured.b, measured.d - measured.b]) / 2,
        "states": torch.cat([pairs.positive, pairs.negative]),
        "norms": pairs.median_norms,
        "directions": fit(pairs, "all"),
        "keys": [row["key"] for row in reading.samples],
        "study": [(p.axis, p.d.value, p.d.low, p.d.high) for p in reading.results.probe.axes]
        + [(c.axis, c.D.value, c.D.low, c.D.high) for c in reading.results.check.axes],
        "verdicts": reading.verdicts,
    }


def same(found, expected, alike=0.99999):
    """Equal but for rounding; `alike` is the least cosine of two directions."""
    assert np.abs(found["options"] - expected["options"]).max() < 1e-4
    assert np.abs(found["letters"] - expected["letters"]).max() < 1e-4
    assert np.abs(found["changed"] - expected["changed"]).max() < 1e-4
    cosines = torch.cosine_similarity(found["states"].double(), expected["states"].double(), dim=-1)
    assert cosines.min() > 0.99999
    assert torch.allclose(found["norms"], expected["norms"], rtol=1e-4)
    for block in expected["directions"].blocks:
        one, other = found["directions"][block], expected["directions"][block]
        assert torch.cosine_similarity(one.double(), other.double(), dim=0) > alike
    for one, other in zip(found["study"], expected["study"], strict=True):
        assert one[0] == other[0]
        assert one[1:] == pytest.approx(other[1:], abs=1e-4)
    assert found["verdicts"] == expected["verdicts"]


@pytest.mark.parametrize(
    ("family", "switch"),
    [(family, "all") for family in FAMILIES] + [(FAMILIES[0], switch) for switch in SWITCHES[1:]],
)
def test_an_optimisation_changes_nothing_but_rounding(family, switch, usual, asked):
    model, expected = usual(family)
    before = model.work
    with without(model, switch) as batch_size:
        found = everything(model, asked, batch_size)
    work = model.work - before
    if switch in ("all", "sharing"):
        assert work.tokens_computed > work.tokens_needed  # it was off indeed
    assert found["keys"] == expected["keys"]
    same(found, expected)
