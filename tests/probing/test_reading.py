"""A planted value comes back, a planted bias cancels, and the verdict follows its fixed rules."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import culturescope as cs
from culturescope.errors import RunFolderError
from culturescope.instrument import load_pack
from culturescope.instrument.loader import DEFAULT_PACK
from culturescope.probing.reading import compute_results
from culturescope.probing.scores import score_samples, sigmoid
from tests.probing.planted import PERSONAS, planted

FEW = cs.scenarios(split="evaluate", limit=20)


@settings(max_examples=15, deadline=None)
@given(bias=st.floats(-1e4, 1e4))
def test_constant_letter_bias_cancels_exactly(bias):
    reading = cs.probe(planted(bias=bias), FEW)
    for position in (*reading.results.probe.axes, *reading.results.probe.items, *reading.results.probe.cells):
        assert position.d.value == pytest.approx(0, abs=1e-6)
        assert position.b == pytest.approx(bias, abs=1e-6)
        assert position.s.value == pytest.approx(0.5, abs=1e-6)


def test_averaged_probabilities_would_not_cancel_a_bias():
    """The easy, wrong score: with bias and value the mean probability is pulled to one half, d is not."""
    reading = cs.probe(planted(bias=4.0, value=1.0), FEW)
    wrong = np.mean(
        [
            1
            / (
                1
                + math.exp(
                    -(1 if row["order"] == "positive-A" else -1) * (row["logits"][0] - row["logits"][1])
                )
            )
            for row in reading.samples
        ]
    )
    assert abs(wrong - sigmoid(np.array(1.0))) > 0.1
    assert reading.axis("Y").d.value == pytest.approx(1.0, abs=1e-9)
    assert reading.axis("Y").s.value == pytest.approx(float(sigmoid(np.array(1.0))), abs=1e-9)


def test_planted_values_come_back_by_item():
    values = {f"{axis}0{n}": (0.1 * n if axis == "Y" else -0.2 * n) for axis in "YX" for n in range(1, 6)}
    reading = cs.probe(planted(bias=0.7, value=values.__getitem__), FEW)
    assert {p.item: pytest.approx(p.d.value) for p in reading.results.probe.items} == values
    assert reading.axis("Y").d.value == pytest.approx(0.3)
    assert reading.axis("X").d.value == pytest.approx(-0.6)


def test_random_single_order_keeps_its_key_and_says_that_bias_is_unknown():
    model = planted(bias=0.0, value=0.4)
    reading = cs.probe(model, FEW, orders="random", template_ids=["plain"])
    assert reading.results.probe.orders == "random"
    assert len(reading.samples) == len(FEW)
    assert {row["order"] for row in reading.samples} == {"positive-A", "positive-B"}
    assert reading.axis("Y").d.value == pytest.approx(0.4)
    assert reading.axis("Y").b is None
    again = cs.probe(model, FEW, orders="random", template_ids=["plain"])
    assert [row["order"] for row in again.samples] == [row["order"] for row in reading.samples]
    other = cs.probe(model, FEW, orders="random", template_ids=["plain"], seed=7)
    assert [row["order"] for row in other.samples] != [row["order"] for row in reading.samples]


def test_mean_s_is_not_sigmoid_of_mean_d():
    values = {f"{axis}0{n}": (4.0 if n == 1 else 0.0) for axis in "YX" for n in range(1, 6)}
    position = cs.probe(planted(value=values.__getitem__), FEW).axis("Y")
    assert position.s.value == pytest.approx((0.982013790 + 4 * 0.5) / 5, abs=1e-6)
    assert position.s.value != pytest.approx(float(sigmoid(np.array(position.d.value))), abs=0.05)


def test_without_check_the_verdict_is_not_checked_and_shown():
    reading = cs.probe(planted(value=1.0), FEW)
    assert reading.verdicts == {"Y": "not checked", "X": "not checked"}
    assert str(reading).count("not checked") == 2


def test_planted_persona_effect_is_interpretable():
    reading = cs.probe(
        planted(bias=0.5, value=0.2, persona=1.0, null_persona=0.02, noise=0.05), FEW, check=True
    )
    assert set(reading.verdicts.values()) == {"interpretable"}
    for axis in reading.results.check.axes:
        assert axis.D.value == pytest.approx(1.0, abs=0.15)
        assert axis.D.low > 0
        assert len(axis.null_pairs) == 15


def test_bias_without_value_is_not_interpretable():
    reading = cs.probe(planted(bias=2.0, noise=0.1), FEW, check=True)
    assert set(reading.verdicts.values()) == {"not interpretable"}


def test_an_effect_in_the_wrong_direction_is_not_interpretable():
    reading = cs.probe(planted(persona=-2.0, noise=0.05), FEW, check=True)
    assert set(reading.verdicts.values()) == {"not interpretable"}
    assert "wrong way" in reading.results.check.axes[0].reasons[1]


def test_an_effect_within_the_null_band_is_not_interpretable():
    reading = cs.probe(planted(persona=0.3, null_persona=1.0, noise=0.01), FEW, check=True)
    assert "interpretable" not in reading.verdicts.values()


@pytest.mark.parametrize(
    ("bias", "rest_mass", "reason"),
    [(3.5, 0.0, "prefers the letter A"), (0.1, 0.6, "the letters A and B hold only 40%")],
)
def test_bias_or_letter_mass_lowers_the_verdict_one_step_and_says_why(bias, rest_mass, reason):
    model = planted(bias=bias, persona=1.0, null_persona=0.02, noise=0.05, rest_mass=rest_mass)
    for axis in cs.probe(model, FEW, check=True).results.check.axes:
        assert axis.before_reasons == "interpretable"
        assert axis.verdict == "weak"
        assert reason in axis.reasons[-1]


@pytest.mark.parametrize("strengths", [(1.0, 2.0, 3.0), (0.5, 1.0, 1.5), (1.0, 1.0, 3.0)])
def test_wordings_of_unequal_strength_that_all_pass_are_interpretable(strengths):
    model = planted(noise=0.05, null_persona=0.01)
    by_wording = [planted(noise=0.05, null_persona=0.01, persona=strength)._logits for strength in strengths]
    model._logits = lambda prompt: by_wording[
        PERSONAS[prompt.messages[0].content].wording - 1 if len(prompt.messages) > 1 else 0
    ](prompt)
    assert set(cs.probe(model, FEW, check=True).verdicts.values()) == {"interpretable"}


def test_one_failing_wording_makes_it_weak():
    from culturescope.prompts import check_personas

    strong = planted(persona=2.0, null_persona=0.02, noise=0.02)
    third = {p.text for p in check_personas(load_pack()) if p.wording == 3 and p.kind != "neutral"}
    base = planted(noise=0.02)
    model = planted()
    model._logits = lambda prompt: (base if prompt.messages[0].content in third else strong)._logits(prompt)
    assert set(cs.probe(model, FEW, check=True).verdicts.values()) <= {"weak", "not interpretable"}
    assert "interpretable" not in cs.probe(model, FEW, check=True).verdicts.values()


def test_missing_answers_are_not_passed_over():
    reading = cs.probe(planted(value=0.3), FEW, check=True)
    rows = list(reading.samples)
    for gone in (0, len(rows) - 1):
        with pytest.raises(RunFolderError, match="culturescope resume"):
            compute_results(rows[:gone] + rows[gone + 1 :])
    with pytest.raises(RunFolderError, match="no samples"):
        compute_results([])


def test_results_do_not_depend_on_the_order_of_the_samples():
    reading = cs.probe(planted(value=0.3, noise=0.3, persona=0.5), FEW, check=True)
    other = compute_results(reversed(reading.samples))
    for position in other.probe.axes:
        assert position.d.value == pytest.approx(reading.axis(position.axis).d.value, abs=1e-12)
        assert position.d.low == pytest.approx(reading.axis(position.axis).d.low, abs=1e-6)
        assert position.d.high == pytest.approx(reading.axis(position.axis).d.high, abs=1e-6)


def test_a_single_scenario_has_no_interval_and_so_no_position():
    with pytest.raises(cs.BadInputError, match="axis Y has one scenario"):
        cs.probe(planted(), FEW[:1])
    reading = cs.probe(planted(noise=0.1), cs.scenarios(split="evaluate", limit=10))
    assert len(reading.results.probe.axes) == 2
    assert reading.results.probe.items == reading.results.probe.cells == ()


def test_scores_of_black_box_come_from_log_probabilities():
    reading = cs.probe(planted(value=0.3, bias=0.2), FEW)
    rows = [{**row, "logits": None} for row in reading.samples]
    np.testing.assert_allclose(score_samples(rows).d, score_samples(reading.samples).d, atol=1e-12)


def test_without_personas_the_check_is_refused_and_the_probe_is_not():
    other = load_pack().model_copy(update={"id": "other", "personas": ()})
    assert cs.probe(planted(), FEW, pack=other).verdicts == {"Y": "not checked", "X": "not checked"}
    with pytest.raises(cs.BadInputError, match=r'"other" has no personas\.toml'):
        cs.probe(planted(), FEW, pack=other, check=True)


def test_misspelt_or_foreign_input_is_refused():
    with pytest.raises(cs.BadInputError, match='"both" or "random"'):
        cs.probe(planted(), FEW, orders="Both")
    with pytest.raises(cs.BadInputError, match="no scenarios"):
        cs.probe(planted(), [])
    with pytest.raises(cs.BadInputError, match="was given 2 times"):
        cs.probe(planted(), [*FEW, FEW[0]])
    with pytest.raises(cs.BadInputError, match="does not have"):
        cs.probe(planted(), [s.model_copy(update={"item": "Z01"}) for s in FEW])


def test_a_reading_of_another_pack_is_shown_with_its_own_words(tmp_path):
    folder = tmp_path / "pack"
    (folder / "scenarios").mkdir(parents=True)
    text = (DEFAULT_PACK / "pack.toml").read_text()
    (folder / "pack.toml").write_text(
        text.replace('name = "Survival to Self-Expression"', 'name = "Near to Far"')
    )
    for f in (DEFAULT_PACK / "scenarios").iterdir():
        (folder / "scenarios" / f.name).write_text(f.read_text())
    reading = cs.probe(planted(value=0.2), cs.scenarios(limit=20, pack=folder), pack=folder)
    assert "Near to Far (X): not checked" in str(reading)
    assert "Survival to Self-Expression" not in str(reading)
    assert "Survival" in cs.write_page(reading, tmp_path / "page.html").read_text()
