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
        ("I'd go with Option B.", "B"),
        ("I would pick Option B.", "B"),
        ("Choose A.", "A"),
        ("Answer is B", "B"),
        ("Option A is best", "A"),
        ("A - tell her", "A"),
        ("A: I would choose", "A"),
        ("I would choose A because it is kind", "A"),
        ("A. Calls carry no name.\nB. D", "A"),
        ("I would not choose A.", None),
        ("I wouldn't take B.", None),
        ("A, B", None),
        ("A. B. Both", None),
        ("(A) or (B)", None),
        ("Option A or option B", None),
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
