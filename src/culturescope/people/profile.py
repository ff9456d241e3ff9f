"""A society's profile: for each item the mean answer and the answer category that lies nearest to it.

A mean lies between categories, so the nearest one is a rounding: nobody need have given all of these answers, and how
far people differ is lost. On a tie the category nearer to the middle of the scale is taken, and where both are as near
(a scale with an even number of categories) the lower code.
"""

from __future__ import annotations

import math

from culturescope.errors import BadInputError
from culturescope.people.placement import Frozen
from culturescope.people.tables import People, item_range

TIE = 1e-9


class ProfileAnswer(Frozen):
    """The answer of a society to one item: its mean, and the category (a code of the item's scale) nearest to it."""

    item: str
    label: str
    mean: float
    category: int


class SocietyProfile(Frozen):
    """What the tables know of a society's answers.

    `year` is that of the item means, None where there are none; `missing` are the items without a mean; `sources` are keys
    of the tables' sources.
    """

    code: str
    name: str
    year: int | None
    answers: tuple[ProfileAnswer, ...]
    missing: tuple[str, ...]
    sources: tuple[str, ...]


def profile_of(people: People, name: str) -> SocietyProfile:
    """The profile of a society by code or name, with as many items as the tables hold; it needs no place on the map.

    Raises:
        BadInputError: unknown society.
    """
    unplaced = people.without_place(name)
    society = unplaced or people.society(name)
    known = unplaced.means if unplaced else people.item_means.get(society.code)
    means = known.means if known else {}
    return SocietyProfile(
        code=society.code,
        name=society.name,
        year=known.year if known else None,
        answers=tuple(
            ProfileAnswer(
                item=item.id,
                label=item.label,
                mean=means[item.id],
                category=nearest_category(means[item.id], *item_range(item)),
            )
            for item in people.items
            if item.id in means
        ),
        missing=tuple(i for i in people.item_ids if i not in means),
        sources=known.sources if known else (),
    )


def nearest_category(mean: float, low: float, high: float) -> int:
    """The code from low to high (whole numbers) that lies nearest to a mean; ties go towards the middle, then down.

    Raises:
        BadInputError: the mean lies outside of the scale.

    Example:
        >>> nearest_category(1.5, 1, 3), nearest_category(2.5, 1, 3), nearest_category(1.5, 1, 2)
        (2, 2, 1)
    """
    if not low <= mean <= high:
        raise BadInputError(f"a mean of {mean:g} lies outside of its scale, {low:g} to {high:g}")
    below = math.floor(mean)
    over = mean - below
    if abs(over - 0.5) > TIE:
        return below if over < 0.5 else below + 1
    middle = (low + high) / 2
    return below + 1 if abs(below + 1 - middle) < abs(below - middle) else below
