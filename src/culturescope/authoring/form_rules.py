"""Rules of form: each scenario by itself, and what must not occur twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

from culturescope.authoring.findings import Finding, Level
from culturescope.authoring.texts import by_item, count_words, options, runs, sentences, words
from culturescope.instrument import Scenario

SITUATION_WORDS = (25, 60)
OPTION_WORDS = (5, 20)
LENGTH_GAP = 0.25
SHARED_RUNS_ERROR = 0.2
SHARED_RUNS_WARNING = 3
POLES = ("positive", "negative")


def situation_length(scenarios: Sequence[Scenario]) -> list[Finding]:
    """Situations have 25 to 60 words."""
    low, high = SITUATION_WORDS
    return [
        _error("situation-length", s, f"the situation has {n} words; {low} to {high} are expected")
        for s in scenarios
        if not low <= (n := count_words(s.situation)) <= high
    ]


def option_length(scenarios: Sequence[Scenario]) -> list[Finding]:
    """Options have 5 to 20 words."""
    low, high = OPTION_WORDS
    return [
        _error("option-length", s, f"the {pole} option has {n} words; {low} to {high} are expected")
        for s in scenarios
        for pole, text in zip(POLES, options(s), strict=True)
        if not low <= (n := count_words(text)) <= high
    ]


def option_gap(scenarios: Sequence[Scenario]) -> list[Finding]:
    """The options of a scenario differ in words by at most a quarter of the longer one."""
    found = []
    for s in scenarios:
        short, long = sorted(map(count_words, options(s)))
        if long - short > LENGTH_GAP * long:
            found.append(
                _error("option-gap", s, f"options of {short} and {long} words differ by more than a quarter")
            )
    return found


def one_sentence(scenarios: Sequence[Scenario]) -> list[Finding]:
    """Options are one sentence with a full stop; situations end with a full stop and ask nothing."""
    found = []
    for s in scenarios:
        if "?" in s.situation:
            found.append(_error("sentence", s, "the situation has a question mark"))
        if not _stopped(s.situation):
            found.append(_error("sentence", s, "the situation does not end with a full stop"))
        for pole, text in zip(POLES, options(s), strict=True):
            if not _stopped(text):
                found.append(_error("sentence", s, f"the {pole} option does not end with a full stop"))
            if (n := len(sentences(text))) != 1:
                found.append(_error("sentence", s, f"the {pole} option has {n} sentences, not one"))
    return found


def unique_ids(scenarios: Sequence[Scenario]) -> list[Finding]:
    """An id names one scenario."""
    seen: set[str] = set()
    found = []
    for s in scenarios:
        if s.id in seen:
            found.append(_error("unique", s, f'the id "{s.id}" is there twice'))
        seen.add(s.id)
    return found


def unique_texts(scenarios: Sequence[Scenario]) -> list[Finding]:
    """No situation occurs twice (case and punctuation aside); an option that does is a warning."""
    situations, said = defaultdict(list), defaultdict(list)
    for s in scenarios:
        situations[tuple(words(s.situation))].append(s.id)
        for text in options(s):
            said[tuple(words(text))].append(s.id)
    twice = [
        Finding("unique", "error", tuple(ids), "the same situation")
        for ids in situations.values()
        if len(ids) > 1
    ]
    return twice + [
        Finding("unique", "warning", tuple(ids), f'the same option: "{" ".join(text)}"')
        for text, ids in said.items()
        if len(ids) > 1
    ]


def shared_runs(scenarios: Sequence[Scenario]) -> list[Finding]:
    """Two scenarios of an item share few runs of five words (options and situation together).

    A fifth of the shorter one's runs is an error; three runs (seven words on end) are a warning.
    """
    found = []
    for those in by_item(scenarios).values():
        kept = [(s.id, runs((s.situation, *options(s)))) for s in those]
        for (first, mine), (second, other) in combinations(kept, 2):
            both = mine & other
            share = len(both) / max(1, min(len(mine), len(other)))
            if share >= SHARED_RUNS_ERROR or len(both) >= SHARED_RUNS_WARNING:
                example = " ".join(min(both))
                text = f'{len(both)} runs of five words are the same ({share:.0%}), for example "{example}"'
                level: Level = "error" if share >= SHARED_RUNS_ERROR else "warning"
                found.append(Finding("near-duplicate-words", level, (first, second), text))
    return found


def _stopped(text: str) -> bool:
    return text.rstrip("\"'”’)").endswith(".")


def _error(rule: str, scenario: Scenario, message: str) -> Finding:
    return Finding(rule, "error", (scenario.id,), message)
