"""Designs and keys: what is asked, and that everything that can change a number changes the key."""

from dataclasses import replace

import pytest

from culturescope.errors import BadInputError
from culturescope.experiments.design import PROFILES, Design
from culturescope.models.mock import MockModel
from culturescope.probing.ask import letters_key, text_key


@pytest.mark.parametrize("profile", PROFILES)
def test_designs_survive_the_run_folder(profile):
    design = Design.of(profile, limit=5, template_ids=("plain", "options"))
    assert Design.from_dict(design.as_dict()) == design
    with pytest.raises(BadInputError):
        Design.from_dict({**design.as_dict(), "unknown": 1})
    with pytest.raises(BadInputError):
        Design.from_dict({})


def test_every_prompt_has_its_own_key():
    identity = MockModel(lambda prompt: (0.0, 0.0)).identity
    tasks = Design.of("full").tasks()
    assert len({letters_key(identity, t) for t in tasks}) == len(tasks)
    assert (
        letters_key(identity, tasks[0]) != text_key(identity, tasks[0], 8) != text_key(identity, tasks[0], 9)
    )


@pytest.mark.parametrize(
    "change",
    [{"revision": "b"}, {"weights_sha256": "b"}, {"dtype": "b"}, {"template_sha256": "b"}, {"name": "b"}],
)
def test_another_model_has_other_keys(change):
    identity = MockModel(lambda prompt: (0.0, 0.0)).identity
    task = Design.of("quick").tasks()[0]
    assert letters_key(replace(identity, **change), task) != letters_key(identity, task)


def test_the_check_uses_scenarios_of_the_probe_in_both_orders():
    design = Design.of("quick")
    assert set(design.check_scenarios()) <= set(design.scenarios())
    check = [t for t in design.tasks() if t.part == "check"]
    assert len(check) == len(design.check_scenarios()) * 12 * 2
    assert {t.template.id for t in check} == {"plain"}
    assert Design.of("quick", check_limit=0).check_scenarios() == ()


def test_the_sample_for_words_is_drawn_from_the_probe_by_the_seed():
    design = Design.of("quick")
    drawn = design.agreement_tasks(design.tasks())
    assert len(drawn) == 20
    assert {t.part for t in drawn} == {"probe"}
    assert drawn == design.agreement_tasks(design.tasks())
    assert drawn != replace(design, seed=7).agreement_tasks(design.tasks())
