"""Rules of balance: what holds over an item or a cell, and the table that shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from culturescope.authoring.findings import Balance, Finding
from culturescope.authoring.texts import by_item, count_words, options, read_texts, reading_ease
from culturescope.authoring.words import Lexicon
from culturescope.instrument import Pack, Scenario

LONGER_SHARE = (0.45, 0.55)
NEGATION_SHARE = (0.4, 0.6)
TOPICS = 12


def length_balance(scenarios: Sequence[Scenario]) -> list[Finding]:
    """Over an item the positive option is the longer one in 45-55% of cases, ties aside; over each split as well.

    An odd number cannot be halved: a difference of one is always allowed. By split it is a warning.
    """
    found = []
    for item, those in by_item(scenarios).items():
        for split in ("", *sorted({s.split for s in those})):
            longer, shorter = _longer([s for s in those if split in ("", s.split)])
            low, high = LONGER_SHARE
            if abs(longer - shorter) <= 1 or low <= longer / (longer + shorter) <= high:
                continue
            text = (
                f"the positive option is longer in {longer} of {longer + shorter}; 45-55% are expected"
                f"{f' (split {split})' if split else ''}"
            )
            found.append(Finding("length-balance", "warning" if split else "error", (item,), text))
    return found


def split_balance(scenarios: Sequence[Scenario]) -> list[Finding]:
    """Each cell (item and domain) is split half and half; an odd one may have one more of either."""
    cells: dict[tuple[str, str], Counter[str]] = {}
    for s in scenarios:
        cells.setdefault((s.item, s.domain), Counter())[s.split] += 1
    return [
        Finding(
            "split-balance",
            "error",
            (f"{item}-{domain}",),
            f"{n['optimise']} optimise and {n['evaluate']} evaluate; halves are expected",
        )
        for (item, domain), n in cells.items()
        if abs(n["optimise"] - n["evaluate"]) > 1
    ]


def nothing_missing(scenarios: Sequence[Scenario], pack: Pack) -> list[Finding]:
    """Every item and every domain of a pack has a scenario: one without is not loaded by what asks models."""
    missing = pack.model_copy(update={"scenarios": tuple(scenarios)}).without_scenario
    return [
        Finding("missing", "error", (one.partition(" ")[2],), f"no scenario belongs to the {one}")
        for one in missing
    ]


def topics(scenarios: Sequence[Scenario]) -> list[Finding]:
    """An item spans at least 12 topics (or one a scenario, if it has fewer); a topic that comes twice is a warning."""
    found = []
    for item, those in by_item(scenarios).items():
        ids: dict[str, list[str]] = {}
        for s in those:
            ids.setdefault(" ".join(s.tags.topic.casefold().split()), []).append(s.id)
        needed = min(TOPICS, len(those))
        if len(ids) < needed:
            found.append(
                Finding("topics", "error", (item,), f"{len(ids)} topics; at least {needed} are expected")
            )
        found += [
            Finding("topics", "warning", tuple(same), f'the same topic: "{topic}"')
            for topic, same in ids.items()
            if len(same) > 1
        ]
    return found


def negation_balance(scenarios: Sequence[Scenario], lexicon: Lexicon) -> list[Finding]:
    """Negations do not tell the pole of an item.

    Over the scenarios whose options differ in their number of negations, an exact sign test below 5% is an error;
    a share of all negations outside of 40-60% is a warning.
    """
    from scipy.stats import binomtest

    found = []
    low, high = NEGATION_SHARE
    for item, those in by_item(scenarios).items():
        counts = [(lexicon.negations(s.positive), lexicon.negations(s.negative)) for s in those]
        more, fewer = sum(p > n for p, n in counts), sum(p < n for p, n in counts)
        positive, negative = sum(p for p, _ in counts), sum(n for _, n in counts)
        text = f"{positive} negations in positive and {negative} in negative options"
        if more + fewer and (p := float(binomtest(more, more + fewer).pvalue)) < 0.05:
            text = f"{text}: they tell the pole ({more} to {fewer} scenarios, p = {p:.3f})"
            found.append(Finding("negation-balance", "error", (item,), text))
        elif abs(positive - negative) > 2 and not low <= positive / (positive + negative) <= high:
            found.append(Finding("negation-balance", "warning", (item,), text))
    return found


def balance(scenarios: Sequence[Scenario], lexicon: Lexicon | None) -> tuple[Balance, ...]:
    """The table of balance, one entry an item."""
    found = []
    for item, those in by_item(scenarios).items():
        longer, shorter = _longer(those)
        number = len(those)
        found.append(
            Balance(
                item=item,
                scenarios=number,
                domains=dict(Counter(s.domain for s in those)),
                splits=dict(sorted(Counter(s.split for s in those).items())),
                topics=len({s.tags.topic.casefold() for s in those}),
                longer=longer,
                shorter=shorter,
                equal=number - longer - shorter,
                situation_words=sum(count_words(s.situation) for s in those) / number,
                positive_words=sum(count_words(s.positive) for s in those) / number,
                negative_words=sum(count_words(s.negative) for s in those) / number,
                positive_negations=sum(lexicon.negations(s.positive) for s in those) if lexicon else None,
                negative_negations=sum(lexicon.negations(s.negative) for s in those) if lexicon else None,
                reading_ease=sum(reading_ease(read_texts(s)) for s in those) / number if lexicon else None,
            )
        )
    return tuple(found)


def _longer(scenarios: Sequence[Scenario]) -> tuple[int, int]:
    """In how many scenarios the positive option has more words, and in how many fewer."""
    gaps = [p - n for p, n in (map(count_words, options(s)) for s in scenarios)]
    return sum(g > 0 for g in gaps), sum(g < 0 for g in gaps)
