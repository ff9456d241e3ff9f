"""The linter's report as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from culturescope.authoring.findings import Balance, Finding, Leak, LintReport


def as_text(report: LintReport) -> str:
    """The report as lines of text: balance, leaks, skipped rules, findings, and the verdict at the end."""
    parts = [_balance(report.balance), _leaks(report.leaks), _leaks_by_item(report.leaks)]
    if report.skipped:
        parts.append("\n".join(["Skipped", *(f"  {s.rule}: {s.reason}" for s in report.skipped)]))
    for title, findings in (("Warnings", report.warnings), ("Errors", report.errors)):
        if findings:
            parts.append("\n".join([title, *_findings(findings)]))
    parts.append(
        f"{report.scenarios} scenarios of {report.pack}: {_count(len(report.errors), 'error')}, "
        f"{_count(len(report.warnings), 'warning')}."
    )
    return "\n\n".join(parts)


def _balance(rows: Sequence[Balance]) -> str:
    domains = list(dict.fromkeys(d for row in rows for d in row.domains))
    head = ["item", "all", *domains, "optimise", "evaluate", "topics", "longer", "shorter", "equal"]
    head += ["situation", "positive", "negative", "not+", "not-", "ease"]
    lines = [
        [
            row.item,
            str(row.scenarios),
            *(str(row.domains.get(d, 0)) for d in domains),
            *(str(row.splits.get(s, 0)) for s in ("optimise", "evaluate")),
            *map(str, (row.topics, row.longer, row.shorter, row.equal)),
            *(f"{n:.1f}" for n in (row.situation_words, row.positive_words, row.negative_words)),
            *("-" if n is None else str(n) for n in (row.positive_negations, row.negative_negations)),
            "-" if row.reading_ease is None else f"{row.reading_ease:.0f}",
        ]
        for row in rows
    ]
    note = (
        "longer, shorter, equal: the positive option in words, beside the negative one; situation, positive, negative: mean\n"
        "number of words; not+, not-: negations in positive and negative options; ease: mean Flesch reading ease."
    )
    return f"Balance\n{_table(head, lines)}\n{note}"


def _leaks(leaks: Sequence[Leak]) -> str:
    lines = [
        [
            leak.cue,
            f"{leak.correct}/{leak.guesses}",
            str(leak.ties),
            f"{leak.share:.1%}",
            f"{leak.low:.1%} to {leak.high:.1%}",
            "gate" if leak.gate else "reported",
        ]
        for leak in leaks
        if leak.scope == "all"
    ]
    note = (
        "How often the positive option is guessed without the situation (Wilson intervals, 95%; ties have no guess);\n"
        "learned: by logistic regression on all other items. A gate must reach 50%."
    )
    head = ["guessed from", "right", "ties", "share", "interval", ""]
    return f"Surface leaks\n{_table(head, lines)}\n{note}"


def _leaks_by_item(leaks: Sequence[Leak]) -> str:
    items = list(dict.fromkeys(leak.scope for leak in leaks if leak.scope != "all"))
    cues = list(dict.fromkeys(leak.cue for leak in leaks))
    right = {(leak.cue, leak.scope): f"{leak.correct}/{leak.guesses}" for leak in leaks}
    lines = [[cue, *(right.get((cue, item), "-") for item in items)] for cue in cues]
    return f"Surface leaks by item: right guesses\n{_table(['guessed from', *items], lines)}"


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    width = max(len(f.rule) for f in findings)
    for f in findings:
        yield f"  {f.rule:<{width}}  {', '.join(f.ids) or 'whole set'}: {f.message}"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Columns of equal width, the first to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(head, *lines, strict=True)]
    return "\n".join(
        "  "
        + "  ".join(
            f"{cell:<{w}}" if n == 0 else f"{cell:>{w}}"
            for n, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *lines)
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
