"""The profile: phases exclude what runs inside them, and add up to the wall time."""

from __future__ import annotations

import pytest

from culturescope.models.options import option_logprobs
from culturescope.prompts import Prompt
from culturescope.timing import PHASES, Profile, open_profile, phase


class Ticks:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_phases_are_counted_without_those_inside_and_add_up():
    clock = Ticks()
    with Profile(clock=clock) as profile:
        clock.now += 1
        with phase("forward"):
            clock.now += 2
            with phase("head"):
                clock.now += 4
            with phase("hooks"):
                clock.now += 8
            clock.now += 16
        with phase("writing"):
            clock.now += 32
    assert {name: s for name, s in profile.seconds.items() if s} == {
        "forward": 18,
        "head": 4,
        "hooks": 8,
        "writing": 32,
        "other": 1,
    }
    assert profile.wall == clock.now == 63
    assert list(profile.seconds) == list(PHASES)
    assert profile.lines()[-1].split() == ["wall", "63.00", "s"]


def test_an_error_ends_its_phases():
    clock = Ticks()

    def fail():
        with phase("forward"), phase("hooks"):
            clock.now += 1
            raise ValueError("in the middle")

    with Profile(clock=clock) as profile:
        with pytest.raises(ValueError, match="in the middle"):
            fail()
        clock.now += 2
    assert profile.seconds["hooks"] == 1
    assert profile.seconds["other"] == 2


def test_without_a_profile_a_phase_is_one_shared_object():
    assert open_profile() is None
    assert phase("forward") is phase("head")
    with Profile() as profile:
        assert open_profile() is profile
        assert phase("forward") is not phase("forward")
    assert open_profile() is None


def test_queued_work_is_waited_for_at_every_border():
    waits = []
    with Profile(wait=lambda: waits.append(1)), phase("forward"):
        pass
    assert len(waits) == 3


@pytest.mark.parametrize("what", ["letters", "options", "text"])
def test_every_way_to_ask_a_model_counts_as_forward(what, tiny_loaded):
    """Or the profile of an audit leaves its survey to `other`."""
    model, prompts = tiny_loaded("qwen2"), [Prompt.of("A or B?"), Prompt.of("From 1 to 4?")]
    list(model.read_letters(prompts))  # checks of the model come first, once
    clock = Ticks()
    forward = model.module.forward

    def slow(**named):
        clock.now += 1.0
        return forward(**named)

    with pytest.MonkeyPatch.context() as patch, Profile(clock=clock) as profile:
        patch.setattr(model.module, "forward", slow)
        if what == "letters":
            list(model.read_letters(prompts, share=False))
        elif what == "options":
            option_logprobs(model, prompts, ["1", "2", "10"])
        else:
            model.generate(prompts, max_new_tokens=2)
    assert profile.seconds["forward"] > 0
    assert profile.seconds["other"] == 0
