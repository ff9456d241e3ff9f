"""What steering costs: perplexity, coherence, letter mass over the coefficient, and benchmarks where they were run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from culturescope.page.drawing import Spec, Theme
from culturescope.page.figures import count, listing, plain, signed
from culturescope.page.map_figure import clean
from culturescope.page.study_chart import KeyEntry, StudyChart, Value, series_key, span
from culturescope.page.study_section import Section
from culturescope.page.study_sweep import rows_of, vectors_of
from culturescope.page.study_views import LineMark, PointMark, RowMark, lines_view, rows_view
from culturescope.page.tables import Table

if TYPE_CHECKING:
    from culturescope.experiments.steer.results import Drawn
    from culturescope.experiments.steer.sweep_results import Sweep, SweepRow
    from culturescope.experiments.steer.tax import Tax
    from culturescope.page.study_data import Study

Measure = Callable[["SweepRow"], "Drawn | None"]
BUDGET = KeyEntry("budget", "dashed", "zero")


def cost_section(study: Study) -> Section | None:
    """The section; None where neither a sweep nor benchmarks were run."""
    sweep, tax = study.sweep, study.tax
    charts: list[StudyChart] = []
    tables: list[tuple[str, Table]] = []
    lead = []
    if sweep is not None and vectors_of(sweep):
        charts += _charts(sweep)
        tables.append(("Recommended coefficients as a table", _recommended(sweep)))
        written = [r.quality.prompts for r in sweep.rows if r.quality]
        lead.append(recommendation_sentence(sweep))
        if written:
            lead.append(
                f"Texts were written to {count(max(written), 'neutral prompt')} under every "
                "coefficient; perplexity is that of the "
                "written tokens under the unsteered model, over that of unsteered texts."
            )
        else:
            lead.append("No texts were written in this sweep, so only letter mass stands for quality.")
    if tax is not None and tax.differences:
        charts.append(_tax_chart(tax))
        tables.append(("Benchmarks as a table", _tax_table(tax)))
    return Section("cost", tuple(lead), tuple(charts), tuple(tables)) if charts else None


def recommendation_sentence(sweep: Sweep) -> str:
    """Up to which coefficient quality stays within the budget."""
    said = []
    for vector in vectors_of(sweep):
        ends = {r.sign: r.alpha for r in sweep.recommendations if r.vector == vector}
        if not ends:
            continue
        low, high = ends.get(-1), ends.get(1)
        if low is None and high is None:
            said.append(f"{clean(vector)} at no coefficient")
        else:
            said.append(f"{clean(vector)} from {signed(low or 0.0)} to {signed(high or 0.0)}")
    budget = sweep.budget
    if not said:
        return "No coefficient was judged against a budget."
    return (
        f"Quality stays within the budget, interval and all, for {listing(said)} (perplexity ratio at most "
        f"{plain(budget.perplexity_ratio)}, KL at most {plain(budget.kl)} nats, letter mass at least "
        f"{plain(budget.letter_mass_ratio)} of the unsteered)."
    )


def _charts(sweep: Sweep) -> list[StudyChart]:
    budget = sweep.budget
    made = [
        _chart(
            sweep,
            "perplexity",
            "Perplexity",
            "perplexity ratio",
            lambda r: r.quality.perplexity_ratio if r.quality else None,
            budget.perplexity_ratio,
            1.0,
            higher_is_worse=True,
        ),
        _chart(
            sweep,
            "kl",
            "Distance of next words",
            "KL in nats a position",
            lambda r: r.quality.kl if r.quality else None,
            budget.kl,
            0.0,
            higher_is_worse=True,
        ),
        _chart(
            sweep,
            "similarity",
            "Coherence of question and answer",
            "change of similarity",
            lambda r: r.quality.similarity_change if r.quality else None,
            None,
            0.0,
            higher_is_worse=False,
        ),
        _chart(
            sweep,
            "repetition",
            "Repetition",
            "change of repeated 4-grams",
            lambda r: r.quality.repetition_change if r.quality else None,
            None,
            0.0,
            higher_is_worse=True,
        ),
        _chart(
            sweep,
            "mass",
            "Letter mass",
            "share of the unsteered letter mass",
            lambda r: r.letter_mass_ratio,
            budget.letter_mass_ratio,
            1.0,
            higher_is_worse=False,
        ),
    ]
    return [chart for chart in made if chart is not None]


def _chart(
    sweep: Sweep,
    name: str,
    title: str,
    unit: str,
    measure: Measure,
    limit: float | None,
    base: float,
    *,
    higher_is_worse: bool,
) -> StudyChart | None:
    """One figure of quality over alpha, a line a vector; None where it was not measured."""
    lines, rows = [], []
    for n, vector in enumerate(vectors_of(sweep)):
        points = []
        for r in rows_of(sweep, vector):
            found = measure(r)
            if found is None:
                continue
            points.append(
                PointMark(
                    r.alpha,
                    found.value,
                    found.low,
                    found.high,
                    f"{clean(vector)}, alpha {signed(r.alpha)}\n{unit} {plain(found.value, 3)} "
                    f"({plain(found.low, 3)} to {plain(found.high, 3)})",
                )
            )
            row: dict[str, Value] = {
                "vector": vector,
                "alpha": r.alpha,
                "value": found.value,
                "low": found.low,
                "high": found.high,
            }
            rows.append(row)
        if any(p.x for p in points):
            lines.append(LineMark(clean(vector), n, tuple(points)))
    if not lines:
        return None
    words = None if limit is None else (limit, f"budget {plain(limit)}")

    def draw(theme: Theme) -> Spec:
        return lines_view(
            lines, ("coefficient alpha", unit), theme, limit=words, base=base, signed=base == 0.0, height=190
        )

    key = (*series_key([line.name for line in lines]), *((BUDGET,) if limit is not None else ()))
    sentence = _sentence(lines, unit, limit, base, higher_is_worse)
    return StudyChart(f"cost-{name}", title, sentence, draw, tuple(rows), key)


def _sentence(
    lines: Sequence[LineMark], unit: str, limit: float | None, base: float, higher_is_worse: bool
) -> str:
    points = [(line, p) for line in lines for p in line.points if p.x]
    line, worst = (max if higher_is_worse else min)(points, key=lambda pair: pair[1].value)
    low, high = worst.low or 0.0, worst.high or 0.0
    text = (
        f"The worst {unit} is {plain(worst.value, 3)} ({plain(low, 3)} to {plain(high, 3)}), of {line.name} "
        f"at alpha {signed(worst.x)}"
    )
    if limit is None:
        apart = low > base or high < base
        return f"{text}, {'clear of no change' if apart else 'which cannot be told from no change'}."
    broken = sum((p.value > limit) if higher_is_worse else (p.value < limit) for _, p in points)
    if not broken:
        return f"{text}; no coefficient breaks the budget of {plain(limit)}."
    return f"{text}; {broken} of {len(points)} coefficients break the budget of {plain(limit)}."


def _recommended(sweep: Sweep) -> Table:
    rows = tuple(
        (
            f"{clean(r.vector)}, {'above' if r.sign > 0 else 'below'} zero",
            "none" if r.alpha is None else signed(r.alpha),
            "none" if r.by_estimate is None else signed(r.by_estimate),
            clean(r.reason),
        )
        for r in sweep.recommendations
    )
    return Table(("vector", "largest alpha, intervals within", "estimates within", "what stopped it"), rows)


def _tax_chart(tax: Tax) -> StudyChart:
    marks = []
    rows: list[dict[str, Value]] = []
    for d in tax.differences:
        band = max((abs(r - d.unsteered) for r in d.random), default=None)
        name = f"{clean(d.task)}, {clean(d.metric)}"
        marks.append(
            RowMark(
                name,
                d.difference.value,
                d.difference.low,
                d.difference.high,
                f"{name}\n{plain(d.unsteered, 3)} unsteered, {plain(d.steered, 3)} steered\n"
                f"difference {span(d.difference.value, d.difference.low, d.difference.high, 3)}",
                band,
                quiet=d.difference.low <= 0 <= d.difference.high,
            )
        )
        rows.append(
            {
                "task": d.task,
                "metric": d.metric,
                "questions": d.questions,
                "unsteered": d.unsteered,
                "steered": d.steered,
                "difference": d.difference.value,
                "low": d.difference.low,
                "high": d.difference.high,
                "p": d.p,
            }
        )

    def draw(theme: Theme) -> Spec:
        return rows_view(marks, "steered less unsteered", theme)

    clear = [m.label for m in marks if not m.quiet]
    sentence = (
        f"{len(clear)} of {count(len(marks), 'score')} change clearly ({listing(clear)})."
        if clear
        else f"None of {count(len(marks), 'score')} changes clearly: every interval holds zero."
    )
    key = (
        KeyEntry("difference with 95% interval", "point", "first"),
        KeyEntry("holds zero", "hollow", "muted"),
        KeyEntry("largest change under random vectors", "band"),
    )
    return StudyChart("cost-tax", "Benchmarks", sentence, draw, tuple(rows), key)


def _tax_table(tax: Tax) -> Table:
    rows = tuple(
        (
            f"{clean(d.task)}, {clean(d.metric)}",
            str(d.questions),
            plain(d.unsteered, 3),
            plain(d.steered, 3),
            span(d.difference.value, d.difference.low, d.difference.high, 3),
            f"{d.lost} / {d.gained}",
            "" if d.p is None else plain(d.p, 3),
            ", ".join(plain(r, 3) for r in d.random),
        )
        for d in tax.differences
    )
    head = ("task", "questions", "unsteered", "steered", "difference", "lost / gained", "p", "random vectors")
    return Table(head, rows)
