"""The paper's claims against planted studies: each rule confirms, refuses to confirm, and says where nothing can be tested."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from culturescope.experiments.reproduce.claims import Claim, Figure, Judged, claims_of, paper_file
from culturescope.experiments.reproduce.configurations import configuration, configuration_names
from culturescope.experiments.reproduce.evidence import Evidence, size
from culturescope.experiments.reproduce.judging import RULES, judge, table_of
from culturescope.experiments.reproduce.recording import markdown, summary
from culturescope.experiments.steer.results import Drawn
from culturescope.experiments.steer.search_results import ItemEffect
from culturescope.page.study_data import Study, Surveyed
from culturescope.probing.ledger import share
from culturescope.probing.results import Figure as AuditFigure
from culturescope.probing.survey_results import LedgerRow
from tests.page import study_factory as factory

GOOD = {"Y": "interpretable", "X": "interpretable"}
DARK = {"Y": "interpretable", "X": "not interpretable"}
EVERY = {c.id: c for c in paper_file().claims}
SURE = Drawn(value=0.5, low=0.4, high=0.6)
NONE = Drawn(value=0.02, low=-0.05, high=0.09)


def drawn(value: float, half: float = 0.05) -> Drawn:
    return Drawn(value=value, low=value - half, high=value + half)


@pytest.fixture(scope="module")
def plain() -> Study:
    return factory.study()


def judged(claim: str | Claim, study: Study, verdicts: Any = None, blocks: int = 28) -> Judged:
    chosen = EVERY[claim] if isinstance(claim, str) else claim
    (found,) = judge([chosen], Evidence(study, GOOD if verdicts is None else verdicts, blocks))
    return found


def bare(study: Study, **left: Any) -> Study:
    return Study(study.pack, study.model, **left)


# --- every claim ---


def test_every_rule_of_the_file_exists_and_every_reading_is_known() -> None:
    known = {r.id for r in paper_file().readings}
    used = {name for c in EVERY.values() for name in c.readings}
    assert {c.rule for c in EVERY.values()} == set(RULES)
    assert used <= known
    models = {configuration(n).of for n in configuration_names()}
    assert {m for c in EVERY.values() for m in c.models} == models
    assert all(len(claims_of(m)) >= 10 for m in models)


@pytest.mark.parametrize("claim", sorted(EVERY))
def test_a_study_without_parts_tests_nothing_and_says_which_part_is_missing(claim: str, plain: Study) -> None:
    for record in (None, plain.record):
        found = judged(claim, bare(plain, record=record))
        assert found.outcome == "not testable"
        assert len(found.why.split()) > 4


@pytest.mark.parametrize("claim", sorted(EVERY))
def test_nothing_of_values_is_confirmed_or_denied_where_no_axis_may_be_read(claim: str, plain: Study) -> None:
    """Refusals, middle answers, distances by the survey's own check and perplexity do not hang on the check of the probe."""
    free = {"middle-answers", "refusals", "advanced-direct", "perplexity"}
    dark = dict.fromkeys(GOOD, "not interpretable")
    personas = plain.personas
    assert personas is not None
    audit = personas.results.persona_audit
    assert audit is not None
    kinds = tuple(k.model_copy(update={"verdict": "not interpretable"}) for k in audit.kinds)
    results = personas.results.model_copy(update={"persona_audit": audit.model_copy(update={"kinds": kinds})})
    study = replace(plain, personas=replace(personas, results=results), entangle=stepped())
    found = judged(claim, study, dark, blocks=int(EVERY[claim].expect.get("of", 28)))
    if claim not in free:
        assert found.outcome == "not testable", found.why
        assert "interpretable" in found.why or claim == "gemma-most"


def test_a_missing_part_quotes_why_it_was_left_out(plain: Study) -> None:
    assert plain.record is not None
    off = plain.record.parts[-1].model_copy(
        update={"part": "sweep", "status": "off", "reason": "left out by --only"}
    )
    record = plain.record.model_copy(update={"parts": (off,)})
    assert judged("perplexity", bare(plain, record=record)).why == "the part sweep is off: left out by --only"


def test_a_weak_instrument_stands_beside_what_is_confirmed(plain: Study) -> None:
    study = replace(plain, entangle=entangled_at(0.8))
    assert "(the instrument is weak on X)" in judged("entangled", study, {**GOOD, "X": "weak"}).why
    assert "weak" not in judged("perplexity", plain, {**GOOD, "X": "weak"}).why


# --- places and people ---


def test_a_secular_place_that_a_model_without_values_reaches_is_not_the_models(plain: Study) -> None:
    def at(y: float, above_null: float, **more: Any) -> Study:
        place = factory.place("model", "paper", 0.0, y, **more)
        place = place.model_copy(
            update={"displacement": (0.0, above_null), "covariance": ((0.001, 0.0), (0.0, 0.001))}
        )
        return replace(plain, placements=(place,))

    assert judged("secular-bias", at(2.5, 0.8)).outcome == "confirmed"
    # s = 0.5 everywhere lands at +1.72, above all societies: noise must not be confirmed.
    null = judged("secular-bias", at(1.74, 0.02))
    assert (null.outcome, "without values" in null.why) == ("not confirmed", True)
    letters = at(2.5, 0.8).placements[0].model_copy(update={"letters": (0.0, 0.9)})
    assert judged("secular-bias", replace(plain, placements=(letters,))).outcome == "not confirmed"
    low = judged("secular-bias", at(0.3, -1.4))
    assert (low.outcome, "Japan" in low.why) == ("not confirmed", True)
    assert judged("secular-bias", at(2.5, 0.8), DARK).outcome == "not testable"


def row(
    item: str | None, persona: str | None, *, middle: int = 0, answered: int = 0, refused: int = 0
) -> LedgerRow:
    n = middle + answered + refused
    return LedgerRow(
        item=item,
        persona=persona,
        instrument="text",
        replies=n,
        answered=share(answered, n),
        neutral=share(middle, n),
        refused=share(refused, n),
        invalid=share(0, n),
        empty=share(0, n),
    )


def ledger(plain: Study, rows: list[LedgerRow]) -> Study:
    assert isinstance(plain.survey, Surveyed)
    base = next(r for r in plain.survey.results.readings if r.instrument == "text")
    who = {None: None, "basic-IND": "basic", "basic-MEX": "basic", "advanced-IND": "advanced"}
    readings = tuple(base.model_copy(update={"persona": p, "persona_kind": k}) for p, k in who.items())
    results = plain.survey.results.model_copy(update={"ledger": tuple(rows), "readings": readings})
    return replace(plain, survey=replace(plain.survey, results=results))


def test_answers_from_the_middle_count_among_items_with_ten_answers(plain: Study) -> None:
    def with_middle(none: int, basic: int, advanced: int) -> Study:
        rows = []
        for who, middle in (
            (None, none),
            ("basic-IND", basic),
            ("basic-MEX", basic),
            ("advanced-IND", advanced),
        ):
            rows += [row("Y01", who, middle=middle, answered=50 - middle, refused=9)]
            rows += [row("Y05", who, middle=50)]  # three answers, all in the middle
        return ledger(plain, rows)

    found = judged("middle-answers", with_middle(20, 21, 19))
    assert found.outcome == "confirmed"
    assert [round(f.value, 2) for f in found.figures] == [0.40, 0.42, 0.38]
    assert [f.low is not None and f.low < f.value for f in found.figures] == [True] * 3
    assert (
        judged("middle-answers", with_middle(20, 21, 12)).outcome == "not confirmed"
    )  # not surely above chance
    assert (
        judged("middle-answers", with_middle(45, 44, 46)).outcome == "not confirmed"
    )  # far above the paper's share
    assert judged("middle-answers", ledger(plain, [row("Y01", None, refused=5)])).outcome == "not testable"


def test_refusals_are_advanced_less_basic(plain: Study) -> None:
    def refusing(basic: int, advanced: int) -> Study:
        rows = [row(None, None, answered=60, refused=40)]
        rows += [row(None, f"basic-{c}", answered=100 - basic, refused=basic) for c in ("IND", "MEX")]
        return ledger(plain, [*rows, row(None, "advanced-IND", answered=100 - advanced, refused=advanced)])

    found = judged("refusals", refusing(10, 30))
    assert found.outcome == "confirmed"
    assert [round(f.value, 2) for f in found.figures] == [0.10, 0.30, 0.20]
    assert judged("refusals", refusing(10, 12)).outcome == "not confirmed"
    assert "below zero" in judged("refusals", refusing(30, 10)).why
    assert judged("refusals", ledger(plain, [row(None, None, refused=5)])).outcome == "not testable"


def test_distances_under_advanced_personas_need_the_interval_on_the_claimed_side(plain: Study) -> None:
    def moved(value: float, half: float, **more: Any) -> Study:
        audit = factory.audit("advanced", "paper", value).model_copy(
            update={"mean_change": AuditFigure(value=value, low=value - half, high=value + half), **more}
        )
        assert plain.survey is not None
        assert plain.personas is not None
        whole = plain.personas.results.persona_audit
        assert whole is not None
        basic = [k for k in whole.kinds if k.kind == "basic"]
        results = plain.personas.results.model_copy(
            update={"persona_audit": whole.model_copy(update={"kinds": (*basic, audit)})}
        )
        survey = replace(
            plain.survey, audits=(("options", factory.audit("advanced", "paper", 9.0)), ("text", audit))
        )
        return replace(plain, survey=survey, personas=replace(plain.personas, results=results))

    outcomes = {
        value: [judged(c, moved(value, 0.1)).outcome for c in ("advanced-direct", "advanced-dilemmas")]
        for value in (0.3, 0.05, -0.3)
    }
    assert outcomes == {
        0.3: ["confirmed", "not confirmed"],
        0.05: ["not confirmed", "not confirmed"],
        -0.3: ["not confirmed", "confirmed"],
    }
    for claim in ("advanced-direct", "advanced-dilemmas"):
        assert judged(claim, moved(0.3, 0.1, verdict="not interpretable")).outcome == "not testable"
        none = moved(0.3, 0.1, mean_change=AuditFigure(value=None, note="one society"))
        assert "one society" in judged(claim, none).why


# --- search ---


def searched(
    plain: Study, chosen: tuple[int, ...], effect: Drawn = SURE, items: dict[str, float] | None = None
) -> Study:
    assert plain.search is not None
    axes = {}
    for axis, found in plain.search.axes.items():
        choices = tuple(c.model_copy(update={"effect": effect, "random_band": 0.1}) for c in found.choices)
        moved = tuple(
            ItemEffect(item=i, effect=e, random_band=0.1, moved=e > 0.1)
            for i, e in (items or {}).items()
            if i[0] == axis
        )
        axes[axis] = found.model_copy(update={"chosen": chosen, "choices": choices, "items": moved})
    return replace(plain, search=plain.search.model_copy(update={"axes": axes}))


def test_blocks_are_the_papers_where_chance_would_not_meet_as_many(plain: Study) -> None:
    def blocks(chosen: tuple[int, ...], **more: Any) -> Judged:
        return judged("blocks-llama", searched(plain, chosen, more.pop("effect", SURE)), **more)

    assert blocks((8, 9, 11, 14)).outcome == "confirmed"  # three of four: p = 0.005
    assert blocks((8, 9, 14, 15)).outcome == "not confirmed"  # two of four: p = 0.09
    inside = blocks((8, 9, 11, 12), effect=NONE)
    assert (inside.outcome, "beyond random" in inside.why) == ("not confirmed", True)
    assert "a model with 28; this one has 30" in blocks((8, 9, 11, 12), blocks=30).why
    one = blocks((8, 9, 11, 12), verdicts=DARK)
    assert (one.outcome, one.why.count("same (by chance"), "X: not interpretable" in one.why) == (
        "not testable",
        1,
        True,
    )
    # What fails on a readable axis fails, whatever the other one.
    assert blocks((1, 2, 3, 4), verdicts=DARK).outcome == "not confirmed"


def test_items_count_within_one_and_the_one_that_moves_most_is_named(plain: Study) -> None:
    names = [f"{a}0{n}" for a in "YX" for n in range(1, 6)]

    def items(moved: int, **more: float) -> Study:
        return searched(plain, (1,), items={n: 0.2 if k < moved else 0.0 for k, n in enumerate(names)} | more)

    outcomes = [judged("items-llama", items(n)).outcome == "confirmed" for n in range(6)]
    assert outcomes == [False, False, True, True, True, False]
    assert judged("items-qwen", items(8)).outcome == "confirmed"
    few = judged("items-qwen", searched(plain, (1,), items={"Y01": 0.5, "X01": 0.5}))
    assert (few.outcome, "2 items" in few.why) == ("not testable", True)
    assert judged("gemma-petitions", items(3, X04=0.9)).outcome == "confirmed"
    other = judged("gemma-petitions", items(3, X04=0.15))
    assert (other.outcome, other.why) == ("not confirmed", "Y01 moves most")
    assert (
        judged("gemma-petitions", items(0, X04=0.05)).outcome == "not confirmed"
    )  # most, but as random vectors
    assert judged("gemma-petitions", items(3, X04=0.9), DARK).outcome == "not testable"
    assert judged("gemma-most", items(3)).outcome == "not testable"


def test_pca_is_weaker_where_the_paired_difference_says_so(plain: Study) -> None:
    def compared(difference: Drawn, inside: bool = False) -> Study:
        tables = {}
        for axis in ("Y", "X"):
            table = plain.methods["X"]
            default, pca = table.rows[0], table.rows[1]
            rows = (
                default.model_copy(update={"inside": inside}),
                pca.model_copy(update={"difference": dict.fromkeys(("Y", "X"), difference)}),
            )
            tables[axis] = table.model_copy(update={"axis": axis, "rows": rows})
        return replace(plain, methods=tables)

    assert judged("mean-difference", compared(drawn(-0.3))).outcome == "confirmed"
    assert judged("mean-difference", compared(drawn(-0.03))).outcome == "not confirmed"
    assert "no further than random" in judged("mean-difference", compared(drawn(-0.3), inside=True)).why
    # Compared on one axis alone, the claim about both stays open.
    assert (
        judged("mean-difference", replace(plain, methods={"X": compared(drawn(-0.3)).methods["X"]})).outcome
        == "not testable"
    )


# --- steps ---


def entangled_at(e: float | None, off: Drawn = SURE) -> Any:
    study = factory.entangle()
    ways = tuple(
        x.model_copy(
            update={
                "e": None if e is None else drawn(e, 0.1),
                "undefined": "the change on the axis lies inside the band of random vectors"
                if e is None
                else None,
                "off_axis": off,
                "off_band": 0.12,
            }
        )
        for x in study.overall.entanglements
    )
    return study.model_copy(update={"overall": study.overall.model_copy(update={"entanglements": ways})})


def test_entanglement_needs_both_changes_beyond_random_vectors(plain: Study) -> None:
    def outcome(study: Any, verdicts: Any = None) -> Judged:
        return judged("entangled", replace(plain, entangle=study), verdicts)

    assert outcome(entangled_at(0.8)).outcome == "confirmed"
    assert outcome(entangled_at(0.3)).outcome == "not confirmed"
    # 0.72 is what two noises give: without a change off the axis it confirms nothing.
    noise = outcome(entangled_at(0.72, off=NONE))
    assert (noise.outcome, "not surely beyond random" in noise.why) == ("not confirmed", True)
    assert "not defined" in outcome(entangled_at(None)).why
    wide = outcome(entangled_at(0.62))
    assert (wide.outcome, "reaches into" in wide.why) == ("not confirmed", True)
    assert outcome(entangled_at(0.8), DARK).outcome == "not testable"


def domains(plain: Study, y: dict[str, Drawn], x: Drawn = SURE) -> Study:
    table = plain.domains["X"]
    cells = tuple(
        c.model_copy(update={"change": {"Y": y[c.tested], "X": x}, "random_band": {"Y": 0.11, "X": 0.1}})
        if c.fitted == "all"
        else c
        for c in table.cells
    )
    return replace(plain, domains={**plain.domains, "X": table.model_copy(update={"cells": cells})})


def test_domains_agree_in_sign_whichever_it_is(plain: Study) -> None:
    def alike(*values: float) -> str:
        y = {d: drawn(v) for d, v in zip(factory.DOMAINS, values, strict=True)}
        return judged("domains-alike", domains(plain, y)).outcome

    assert alike(-0.3, -0.3, -0.2) == alike(0.3, 0.3, 0.2) == "confirmed"
    assert alike(-0.3, 0.3, -0.2) == alike(-0.3, -0.3, -0.1) == "not confirmed"
    cells = tuple(c for c in plain.domains["X"].cells if c.tested != "legal")
    table = plain.domains["X"].model_copy(update={"cells": cells})
    assert "legal" in judged("domains-alike", replace(plain, domains={"X": table})).why


def test_the_legal_domain_crosses_over_where_the_intervals_part(plain: Study) -> None:
    def crossing(y: float, x: float) -> str:
        by = {"family": SURE, "workplace": SURE, "legal": drawn(y)}
        return judged("legal-crosses", domains(plain, by, drawn(x))).outcome

    assert crossing(-2.3, -1.0) == crossing(2.3, -1.0) == "confirmed"
    assert crossing(0.5, 0.45) == crossing(0.05, 0.0) == "not confirmed"
    assert (size(drawn(-0.5)), size(drawn(0.01))) == ((0.45, 0.55), (0.0, pytest.approx(0.06)))


def test_domains_cancel_only_where_each_moves_and_both_together_do_not(plain: Study) -> None:
    def cancelling(work: float, legal: float, together: Drawn) -> str:
        by = {"family": NONE, "workplace": drawn(work), "legal": drawn(legal)}
        study = replace(domains(plain, by), entangle=entangled_at(0.5, off=together))
        return judged("domains-cancel", study).outcome

    assert cancelling(0.3, -0.3, NONE) == cancelling(-0.3, 0.3, NONE) == "confirmed"
    assert cancelling(0.3, 0.3, NONE) == "not confirmed"
    assert cancelling(0.3, -0.3, SURE) == "not confirmed"
    assert cancelling(0.05, -0.3, NONE) == "not confirmed"
    by = {"family": NONE, "workplace": drawn(0.3), "legal": drawn(-0.3)}
    assert judged("domains-cancel", replace(domains(plain, by), entangle=None)).outcome == "not testable"


def test_perplexity_counts_up_to_a_moderate_alpha_interval_and_all(plain: Study) -> None:
    def rising(ratio: float, half: float, prompts: int = 20) -> Study:
        assert plain.sweep is not None
        rows = tuple(
            r.model_copy(
                update={
                    "quality": r.quality.model_copy(
                        update={
                            "prompts": prompts,
                            "perplexity_ratio": drawn(ratio if abs(r.alpha) < 0.3 else 9.0, half),
                        }
                    )
                }
            )
            for r in plain.sweep.rows
            if r.quality
        )
        return replace(plain, sweep=plain.sweep.model_copy(update={"rows": rows}))

    assert judged("perplexity", rising(1.02, 0.02)).outcome == "confirmed"
    assert "reaches beyond" in judged("perplexity", rising(1.02, 0.05)).why
    assert "rises beyond" in judged("perplexity", rising(1.2, 0.02)).why
    assert judged("perplexity", rising(1.02, 0.02, prompts=4)).outcome == "not testable"


def stepped(small: Drawn = SURE, large: Drawn = SURE, unit: str = "alpha") -> Any:
    def table(change: Drawn) -> Any:
        found = factory.table(None, 0.5, 0.5)
        ways = tuple(e.model_copy(update={"on_axis": change}) for e in found.entanglements)
        return found.model_copy(update={"entanglements": ways})

    return factory.entangle().model_copy(
        update={"step": 0.4, "unit": unit, "overall": table(large), "by_step": {"0.2": table(small)}}
    )


def test_a_moderate_alpha_suffices_or_a_larger_one_is_needed(plain: Study) -> None:
    def both(**steps: Any) -> list[str]:
        study = replace(plain, entangle=stepped(**steps))
        return [judged(c, study).outcome for c in ("moderate-suffices", "needs-more")]

    assert both() == ["confirmed", "not confirmed"]
    assert both(small=NONE) == ["not confirmed", "confirmed"]
    assert both(small=NONE, large=NONE) == ["not confirmed", "not confirmed"]
    # Doses are not the paper's coefficients.
    assert both(unit="dose") == ["not testable", "not testable"]


# --- the table ---


def test_the_table_holds_the_claims_of_its_model_and_says_what_a_stand_in_means(plain: Study) -> None:
    own = configuration("llama-3.2-3b")
    table = table_of(own, Evidence(plain, GOOD, 28), "Llama-3.2-3B-Instruct")
    assert [c.id for c in table.claims] == [c.id for c in claims_of(own.of)]
    assert sum(table.count(o) for o in ("confirmed", "not confirmed", "not testable")) == len(table.claims)
    used = {r for c in table.claims for r in c.readings}
    assert used <= {r.id for r in table.readings}
    assert "middle" not in {r.id for r in table.readings}  # of Qwen alone
    assert not table.stand_in
    other = table_of(own.standing_in("a|b`<i>"), Evidence(plain, GOOD, 28), "a|b`<i>\n# x")
    said = markdown(other)
    assert "in the place of meta-llama" in next(iter(summary(other)))
    assert "\n# x" not in said
    assert "<i>" not in said
    assert all(line.count(" | ") in (2, 4) for line in said.splitlines() if line.startswith("| "))


def test_figures_say_their_kind_and_zero_has_no_sign() -> None:
    shown = [
        str(Figure(name="d", value=-0.0001, low=-0.05, high=0.21, kind="change")),
        str(Figure(name="share", value=0.4, low=0.3, high=0.5, kind="share")),
        str(Figure(name="blocks", value=3, kind="count")),
        str(Figure(name="E", value=0.716, kind="size")),
    ]
    assert shown == ["d 0.000 [-0.050, +0.21]", "share 40% [30%, 50%]", "blocks 3", "E 0.72"]
