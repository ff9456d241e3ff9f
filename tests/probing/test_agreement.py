"""The letter that a reply names; the article "A" is not one."""

import pytest

import culturescope as cs
from culturescope.probing.agreement import agreement, written_letter
from tests.probing.planted import planted


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("A", "A"),
        (" B", "B"),
        ("b", "B"),
        ("A.", "A"),
        ("(B)", "B"),
        ("**A**", "A"),
        ("B\n\nBecause it is fair", "B"),
        ("A) Tell her", "A"),
        ("A. Tell her at once", "A"),
        ("Option B", "B"),
        ("Option A: tell her", "A"),
        ("Answer: B", "B"),
        ("The answer is B.", "B"),
        ("I would choose A.", "A"),
        ("My choice is (B)", "B"),
        ("I would choose option B, since", "B"),
        ("A friend would tell her", None),
        ("A or B", None),
        ("Both A and B are fine", None),
        ("I would choose a quiet talk", None),
        ("I choose A friend", None),
        ("Tell her at once", None),
        ("", None),
        ("C", None),
        ("Because it is fair", None),
    ],
)
def test_written_letter(text, letter):
    assert written_letter(text) == letter


def test_every_reply_is_counted():
    asked = cs.probe(planted(bias=1.0), cs.scenarios(limit=20)).samples
    rows = [dict(row, reply=reply) for row, reply in zip(asked[:4], "AABx", strict=True)]
    found = agreement(rows)
    assert (found.agree, found.differ, found.unreadable) == (2, 1, 1)
    assert found.rate.low < 0.5 < found.rate.high
    assert agreement([]) is None
