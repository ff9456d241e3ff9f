"""The words of the report say what its numbers say, for every verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from culturescope.page import summary
from culturescope.page.figures import listing, percent_with_interval, plain, signed, with_interval
from culturescope.page.readings import scenario_readings
from culturescope.page.report import Report
from culturescope.probing.results import Agreement, AxisCheck, Estimate
from tests.page.factory import AXES, report

Y, X = AXES


def said(made: Report) -> str:
    return summary.summary(made).replace("\N{NO-BREAK SPACE}", " ")


def with_check(made: Report, **changes: object) -> Report:
    """The report with its check of Y changed."""
    assert made.results.check is not None
    first, *rest = made.results.check.axes
    axes = (first.model_copy(update=changes), *rest)
    check = made.results.check.model_copy(update={"axes": axes})
    return replace(made, results=made.results.model_copy(update={"check": check}))


def estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate(value=value, low=low, high=high)


def test_a_model_without_values_is_said_to_have_none() -> None:
    assert said(report()) == (
        "SmolLM2-135M-Instruct’s answers carry no values that this instrument can see: two opposed personas "
        "move them by +0.02 (−0.05 to +0.09) on Traditional – Secular-Rational, while value-free personas "
        "differ by up to 0.08; and by +0.02 (−0.05 to +0.09) on Survival – Self-Expression, against 0.08. "
        "Where its dots lie below should not be read as a position."
    )


def test_an_interpretable_model_is_placed_with_its_interval() -> None:
    words = said(report("interpretable", "interpretable"))
    assert (
        "answers carry values that this instrument can see: two opposed personas move them by +1.35" in words
    )
    assert (
        "they stand at +0.42 (+0.36 to +0.48) on Traditional – Secular-Rational, on the Secular-Rational side"
        in words
    )
    assert "should not be read" not in words


def test_a_weak_model_gets_a_side_and_no_distance() -> None:
    words = said(report("weak", "weak"))
    assert "carry values that this instrument sees only weakly" in words
    assert words.count("weak: a side at most, no distance") == 2


def test_an_unchecked_model_has_no_position() -> None:
    words = said(report(checked=()))
    assert "answers were not checked: no opposed personas were tried" in words
    assert words.endswith("Where its dots lie below should not be read as a position.")
    assert "they stand" not in words


@pytest.mark.parametrize(
    ("y", "x", "expected"),
    [
        ("interpretable", "weak", "can be read on Traditional – Secular-Rational, only weakly on Survival –"),
        (
            "interpretable",
            "not interpretable",
            "can be read on Traditional – Secular-Rational, not on Survival –",
        ),
        (
            "weak",
            "not interpretable",
            "can be read only weakly on Traditional – Secular-Rational, not on Survival",
        ),
    ],
)
def test_axes_with_different_verdicts_are_told_apart(y: str, x: str, expected: str) -> None:
    assert expected in said(report(y, x))


def test_an_axis_left_out_of_the_check_is_not_checked() -> None:
    made = report("interpretable", "interpretable", checked=("Y",))
    assert made.verdict_of("X") == "not checked"
    assert "were not checked on Survival – Self-Expression" in said(made)
    assert "Where its dots lie on Survival – Self-Expression should not be read" in said(made)


def test_a_verdict_lowered_by_bias_says_so() -> None:
    made = with_check(report("not interpretable", "not interpretable"), before_reasons="interpretable")
    assert "the personas alone would say “interpretable”" in said(made)
    assert "a mean position bias of +0.51 and a letter mass of 75% lower that to “not interpretable”" in said(
        made
    )
    assert "can tell from the model's own biases" in said(made)


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        (estimate(0.4, 0.3, 0.5), "beyond the 0.08 by which"),
        (estimate(0.05, 0.01, 0.09), "no more than the 0.08 by which"),
        (estimate(0.02, -0.1, 0.14), "cannot be told from nothing"),
        (estimate(-0.3, -0.4, -0.2), "against the direction"),
    ],
)
def test_the_check_sentence_follows_the_numbers(moved: Estimate, expected: str) -> None:
    check = with_check(report(), D=moved).check_of("Y")
    assert isinstance(check, AxisCheck)
    assert expected in summary.check_sentence(Y, check)


def test_a_position_is_never_said_without_its_interval_and_verdict() -> None:
    bad, good = report(), report("interpretable", "weak")
    assert "+0.01 (−0.05 to +0.07)" in summary.position_sentence(bad, Y)
    assert "not interpretable, this is no position" in summary.position_sentence(bad, Y)
    assert "+0.42 (+0.36 to +0.48), on the Secular-Rational side" in summary.position_sentence(good, Y)
    assert "not to be read" in summary.items_sentence(bad, X)
    assert "15 of 15 cells" in summary.items_sentence(good, Y)


def test_a_position_on_the_negative_side_names_the_negative_pole() -> None:
    made = report("interpretable", "interpretable")
    low = made.results.probe.axes[0].model_copy(update={"d": estimate(-0.3, -0.4, -0.2)})
    probe = made.results.probe.model_copy(update={"axes": (low, made.results.probe.axes[1])})
    made = replace(made, results=made.results.model_copy(update={"probe": probe}))
    assert "−0.30 (−0.40 to −0.20), on the Traditional side" in summary.position_sentence(made, Y)


def test_the_place_is_said_to_decide_where_it_does() -> None:
    made = report()
    readings = scenario_readings(made.samples)
    decided = sum(abs(r.b) > abs(r.d) for r in readings if r.axis == "Y")
    assert f"In {decided} of 15 scenarios the place outweighs the content" in summary.scatter_sentence(
        readings, Y
    )
    assert "cannot be told apart" in summary.scatter_sentence((), Y)


def test_one_order_leaves_the_bias_unknown() -> None:
    words = summary.bias_sentence(report(orders="random"))
    assert words.startswith(
        "With one order a prompt the position bias is unknown; the letters A and B take 75%"
    )


def test_agreement_is_said_or_missed() -> None:
    agreement = Agreement(prompts=60, agree=55, differ=3, unreadable=2, rate=estimate(0.92, 0.82, 0.96))
    words = summary.agreement_sentence(agreement)
    assert "In 55 of 60 prompts" in words
    assert "92% (82% to 96%)" in words
    assert "3 name the other letter and 2 name neither" in words
    assert "No free answers" in summary.agreement_sentence(None)


def test_readings_are_half_differences_and_half_sums() -> None:
    def sample(order: str, gap: float) -> dict[str, object]:
        about = {
            "part": "probe",
            "persona": None,
            "scenario": "s",
            "axis": "Y",
            "item": "Y01",
            "domain": "family",
        }
        return {**about, "template": "t", "order": order, "logprobs": [gap - 1, -1.0]}

    (reading,) = scenario_readings([sample("positive-A", 0.7), sample("positive-B", 0.1)])
    assert reading.d == pytest.approx(0.3)
    assert reading.b == pytest.approx(0.4)
    assert reading.place_decides
    assert scenario_readings([sample("positive-A", 0.7)]) == ()


def test_figures_have_true_signs() -> None:
    assert [signed(x) for x in (0.123, -0.123, -0.004, 0.0)] == ["+0.12", "−0.12", "0.00", "0.00"]
    assert signed(float("nan")) == "?"
    assert plain(0.08) == "0.08"
    assert with_interval(estimate(0.02, -0.05, 0.09)) == "+0.02 (−0.05 to +0.09)"
    assert percent_with_interval(estimate(0.5, 0.4, 0.6)) == "50% (40% to 60%)"
    assert listing(["a", "b", "c"]) == "a, b and c"
