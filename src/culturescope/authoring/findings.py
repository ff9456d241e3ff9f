"""What the linter finds, and the report that holds it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One fault of a set of scenarios.

    Args:
        rule: name of the rule.
        level: an error closes the gate, a warning asks for another look.
        ids: scenarios, or the item or cell where the rule is about a whole; empty for the whole set.
        message: what is wrong, with figures.
    """

    rule: str
    level: Level
    ids: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class Skipped:
    """A rule that could not be run, and what it needs."""

    rule: str
    reason: str


@dataclass(frozen=True)
class Balance:
    """What one item holds.

    Args:
        item: its id.
        scenarios: how many.
        domains: scenarios by domain.
        splits: scenarios by split.
        topics: different topics.
        longer: scenarios whose positive option has more words.
        shorter: scenarios whose positive option has fewer words.
        equal: scenarios whose options have equally many words.
        situation_words: mean of the situations.
        positive_words: mean of the positive options.
        negative_words: mean of the negative options.
        positive_negations: negations in all positive options; None without a word list of the language.
        negative_negations: negations in all negative options.
        reading_ease: mean Flesch reading ease of situation and options.
    """

    item: str
    scenarios: int
    domains: dict[str, int]
    splits: dict[str, int]
    topics: int
    longer: int
    shorter: int
    equal: int
    situation_words: float
    positive_words: float
    negative_words: float
    positive_negations: int | None
    negative_negations: int | None
    reading_ease: float | None


@dataclass(frozen=True)
class Leak:
    """How often the positive option is guessed from its surface, without the situation.

    Args:
        cue: what the guess is made from.
        scope: an item's id, or `all`.
        correct: right guesses.
        guesses: scenarios where the cue differs between the options.
        ties: scenarios where it does not.
        low: lower end of the Wilson interval (95%) of the share of right guesses.
        high: upper end.
        gate: whether an interval that misses 50% is an error.
    """

    cue: str
    scope: str
    correct: int
    guesses: int
    ties: int
    low: float
    high: float
    gate: bool

    @property
    def share(self) -> float:
        """Share of right guesses."""
        return self.correct / self.guesses


@dataclass(frozen=True)
class LintReport:
    """All that the linter says of a set of scenarios."""

    pack: str
    scenarios: int
    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    balance: tuple[Balance, ...]
    leaks: tuple[Leak, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that close the gate."""
        return tuple(f for f in self.findings if f.level == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that ask for another look."""
        return tuple(f for f in self.findings if f.level == "warning")

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON can hold it."""
        leaks = [{**asdict(leak), "share": leak.share} for leak in self.leaks]
        counts = {"errors": len(self.errors), "warnings": len(self.warnings)}
        return {**asdict(self), "leaks": leaks, **counts}


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Errors first, then by rule and ids."""
    return tuple(sorted(findings, key=lambda f: (f.level, f.rule, f.ids, f.message)))
