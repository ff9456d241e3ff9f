"""The grammar of `--fail-if`: what it says, what it refuses, and what an interval makes of it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from culturescope.errors import BadInputError
from culturescope.experiments.compare_conditions import Comparison, Joined, Quantity, met, parse, quantities
from culturescope.probing.results import Estimate


def look(**values):
    """Values by the text of their quantity without `abs`; a pair is an interval about its middle."""

    def of(quantity):
        name = str(Quantity(quantity.name, quantity.argument, quantity.change))
        found = values[{"d(X)": "dx", "d(Y)": "dy", "change(d(X))": "cx"}.get(name, name)]
        if isinstance(found, str):
            return found
        return Estimate(value=sum(found) / 2, low=found[0], high=found[1])

    return of


@pytest.mark.parametrize(
    ("text", "quantity", "sign", "bound"),
    [
        ("distance(IND) > 1.5", Quantity("distance", "IND"), ">", 1.5),
        ('distance("Great Britain")>=1e-1', Quantity("distance", "Great Britain"), ">=", 0.1),
        ("1.5 < d(X)", Quantity("d", "X"), ">", 1.5),
        ("x<-.5", Quantity("x"), "<", -0.5),
        ("abs(change(d(X))) > 0.3", Quantity("d", "X", change=True, absolute=True), ">", 0.3),
        ("change(abs_)", None, None, None),
        ("verdict != 'interpretable'", Quantity("verdict"), "!=", "interpretable"),
        ('verdict(X) < "weak"', Quantity("verdict", "X"), "<", "weak"),
        ("((mass(Y) <= 0.5))", Quantity("mass", "Y"), "<=", 0.5),
    ],
)
def test_what_is_said_is_what_is_compared(text, quantity, sign, bound):
    if quantity is None:
        with pytest.raises(BadInputError):
            parse(text)
        return
    assert parse(text) == Comparison(quantity, sign, bound)
    assert parse(str(parse(text)).replace("Great Britain", '"Great Britain"')) == parse(text)


def test_and_binds_before_or():
    found = parse("x > 1 or y > 1 and mass < 1")
    assert isinstance(found, Joined)
    assert found.word == "or"
    assert found.parts[1].word == "and"
    assert [q.name for q in quantities(found)] == ["x", "y", "mass"]
    values = look(x=(2, 2), y=(0, 0), mass=(5, 5))
    assert met(found, values, sure=False)
    assert not met(parse("(x > 1 or y > 1) and mass < 1"), values, sure=False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "distance > 1",
        "distance() > 1",
        "x(1) > 1",
        "x > y",
        "1 > 2",
        "x",
        "x >",
        "x > 1 and",
        "x > 1 x > 2",
        "(x > 1",
        "x > 1)",
        "x => 1",
        "x == 1",
        "d(X) != 0",
        "x > 1.5.2",
        "x > 1e999",
        "x > nan",
        "verdict > 1",
        'verdict == "good"',
        'x > "interpretable"',
        "abs(verdict) == 'weak'",
        "change(verdict) == 'weak'",
        "abs(abs(x)) > 1",
        "change(abs(x)) > 1",
        "change(change(x)) > 1",
        "speed > 1",
        "__import__('os').system('true') > 1",
        "().__class__ > 1",
        "x > 1; y > 1",
        "x > 1 AND y > 1",
        "not x > 1",
        "x + 1 > 1",
        "(" * 400 + "x > 1" + ")" * 400,
        "x > 1 or " * 500 + "x > 1",
    ],
)
def test_all_else_is_refused_in_one_line(text):
    with pytest.raises(BadInputError) as error:
        parse(text)
    assert "\n" not in str(error.value)


@given(st.text(max_size=60))
def test_no_text_does_anything_but_parse_or_be_refused(text):
    with contextlib.suppress(BadInputError):
        parse(text)


def test_sure_needs_the_whole_interval():
    for text, low, high, sure in (
        ("dx > 1", 0.9, 3, False),
        ("dx > 1", 1.1, 3, True),
        ("dx < 1", -1, 0.9, True),
        ("dx < 1", -1, 1.5, False),
    ):
        condition = parse(text.replace("dx", "d(X)"))
        assert bool(met(condition, look(dx=(low, high)), sure=True)) is sure
        assert met(condition, look(dx=(low, high)), sure=False)


def test_without_sign_an_interval_over_zero_begins_at_zero():
    condition = parse("abs(change(d(X))) > 0.1")
    assert not met(condition, look(cx=(-1.0, 2.0)), sure=True)
    assert met(condition, look(cx=(-2.0, -1.0)), sure=True)
    (found,) = met(condition, look(cx=(-2.0, -1.0)), sure=False)
    assert (found.found.low, found.found.value, found.found.high) == (1.0, 1.5, 2.0)


def test_verdicts_have_an_order_and_and_needs_all():
    assert met(parse('verdict < "weak"'), look(verdict="not checked"), sure=False)
    assert not met(parse('verdict < "weak"'), look(verdict="interpretable"), sure=False)
    assert not met(parse("x > 1 and y > 1"), look(x=(2, 2), y=(0, 0)), sure=False)
    assert len(met(parse("x > 1 and y > 1"), look(x=(2, 2), y=(2, 2)), sure=False)) == 2
