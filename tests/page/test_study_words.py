"""What a study's page says is what its numbers say: nothing inside a control is called an effect."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from culturescope.experiments.steer.results import Drawn
from culturescope.page.drawing import LIGHT
from culturescope.page.study_aim import aim_section, distance_sentence, path_sentence, short_sentence, unread
from culturescope.page.study_axes import axes_section, entanglement_sentence, parted_sentence
from culturescope.page.study_blocks import blocks_section
from culturescope.page.study_cost import cost_section, recommendation_sentence
from culturescope.page.study_data import Study
from culturescope.page.study_direct import direct_sentence, near_section, near_sentence, nearness
from culturescope.page.study_domains import matrix_sentence
from culturescope.page.study_methods import methods_sentence
from culturescope.page.study_sweep import sweep_section, trajectory_sentence
from culturescope.page.study_texts import answers_sentence, browser_sentence
from culturescope.page.study_views import RowMark, rows_view
from culturescope.page.study_words import parts_table, summary_lines
from tests.page import factory, study_factory

WHOLE = study_factory.study()


def drawn(value: float, low: float, high: float) -> Drawn:
    return Drawn(value=value, low=low, high=high)


def with_chosen(effect: Drawn, band: float) -> Study:
    """The study with another effect of the chosen blocks of X."""
    assert WHOLE.search is not None
    found = WHOLE.search.axes["X"]
    choices = tuple(
        c.model_copy(update={"effect": effect, "random_band": band}) if c.name == "chosen" else c
        for c in found.choices
    )
    axes = {**WHOLE.search.axes, "X": found.model_copy(update={"choices": choices})}
    return replace(WHOLE, search=WHOLE.search.model_copy(update={"axes": axes}))


def chart(study: Study, name: str) -> Any:
    section = blocks_section(study)
    assert section is not None
    return next(c for c in section.charts if c.id == name)


@pytest.mark.parametrize(
    ("effect", "band", "said", "not_said"),
    [
        (drawn(0.6, 0.5, 0.7), 0.12, "beyond the ±0.120 of random vectors and clear of zero", "no more than"),
        (drawn(0.1, 0.05, 0.15), 0.12, "no more than the ±0.120", "beyond the ±"),
        (drawn(-0.6, -0.7, -0.5), 0.12, "against the direction", "clear of zero"),
        (drawn(0.2, -0.1, 0.5), 0.12, "its interval holds zero", "clear of zero"),
    ],
)
def test_chosen_blocks_are_an_effect_only_beyond_random_vectors(
    effect: Drawn, band: float, said: str, not_said: str
) -> None:
    """The easy wrong version: an interval clear of zero is enough, or the sign does not matter."""
    study = with_chosen(effect, band)
    shown = chart(study, "together-X")
    assert said in shown.sentence
    assert not_said not in shown.sentence
    values = shown.draw(LIGHT)["data"]["values"]
    assert {v["label"]: v["quiet"] for v in values}["the chosen blocks"] == (abs(effect.value) <= band)
    line = next(x for x in summary_lines(factory.report("weak"), study) if x.anchor == "search").sentence
    assert ("surely beyond" in line.split("Self-Expression")[1]) == (effect.low > band)
    if effect.value < 0:
        assert "not beyond" in line


def test_items_move_only_beyond_their_threshold() -> None:
    assert WHOLE.search is not None
    shown = chart(WHOLE, "moved-X")
    items = WHOLE.search.axes["X"].items
    assert "3 of 5 items move beyond their threshold, most of all X05 by +0.200" in shown.sentence
    values = shown.draw(LIGHT)["data"]["values"]
    assert [v["quiet"] for v in values] == [not i.moved for i in items]
    assert [r["effect"] for r in shown.rows] == [i.effect for i in items]
    still = tuple(i.model_copy(update={"moved": False}) for i in items)
    axes = {**WHOLE.search.axes, "X": WHOLE.search.axes["X"].model_copy(update={"items": still})}
    none = replace(WHOLE, search=WHOLE.search.model_copy(update={"axes": axes}))
    assert "None of 5 items moves" in chart(none, "moved-X").sentence


def test_bands_of_controls_are_drawn_about_zero_beside_the_effect() -> None:
    spec = rows_view([RowMark("a", 0.1, 0.05, 0.15, "tip", 0.3)], "d", LIGHT)
    row = spec["data"]["values"][0]
    assert (row["under"], row["band"]) == (-0.3, 0.3)
    low, high = spec["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low < -0.3
    assert high > 0.3


def test_a_sweep_names_its_random_vectors_or_says_there_are_none() -> None:
    assert WHOLE.sweep is not None
    assert "beyond the −0.30 to +0.34 of 20 random vectors" in trajectory_sentence(WHOLE, WHOLE.sweep, "X")
    inside = tuple(e.model_copy(update={"beyond": False}) for e in WHOLE.sweep.random)
    assert "inside of" in trajectory_sentence(WHOLE, WHOLE.sweep.model_copy(update={"random": inside}), "X")
    bare = WHOLE.sweep.model_copy(update={"random": ()})
    assert "No random vectors" in trajectory_sentence(WHOLE, bare, "X")
    section = sweep_section(replace(WHOLE, sweep=bare))
    assert section is not None
    assert not any(e.kind == "band" for c in section.charts for e in c.key)


def test_coefficients_without_texts_have_no_chart_of_perplexity() -> None:
    assert WHOLE.sweep is not None
    rows = tuple(r.model_copy(update={"quality": None}) for r in WHOLE.sweep.rows)
    section = cost_section(replace(WHOLE, sweep=WHOLE.sweep.model_copy(update={"rows": rows}), tax=None))
    assert section is not None
    assert [c.id for c in section.charts] == ["cost-mass"]
    assert "No texts were written" in " ".join(section.lead)


def test_a_budget_that_nothing_keeps_is_said() -> None:
    assert WHOLE.sweep is not None
    none = tuple(r.model_copy(update={"alpha": None}) for r in WHOLE.sweep.recommendations)
    said = recommendation_sentence(WHOLE.sweep.model_copy(update={"recommendations": none}))
    assert "Y at no coefficient and X at no coefficient" in said


def test_undefined_entanglement_is_neither_drawn_nor_called_low() -> None:
    """The easy wrong version: an undefined E drawn as 0, which reads as two axes that are parted."""
    assert WHOLE.entangle is not None
    none = study_factory.table(None, None, 0.4)
    study = replace(WHOLE, entangle=WHOLE.entangle.model_copy(update={"overall": none, "domains": ()}))
    assert study.entangle is not None
    assert "E is undefined" in entanglement_sentence(study.entangle, [])
    section = axes_section(study)
    assert section is not None
    shown = next(c for c in section.charts if c.id == "entanglement")
    assert [v["label"] for v in shown.draw(LIGHT)["data"]["values"]] == ["X, all domains"]
    assert [row["E"] for row in shown.rows] == [None, 0.4]


def test_entanglement_at_other_steps_is_shown_beside_random_steps_as_long() -> None:
    assert WHOLE.entangle is not None
    section = axes_section(WHOLE)
    assert section is not None
    shown = next(c for c in section.charts if c.id == "entanglement-steps")
    assert [(r["steered"], r["step"], r["E"]) for r in shown.rows] == [
        ("Y", 0.05, None),
        ("X", 0.05, 0.4),
        ("Y", 0.1, 0.71),
        ("X", 0.1, 0.42),
        ("Y", 0.2, 0.75),
        ("X", 0.2, 0.9),
    ]
    values = shown.draw(LIGHT)["data"]["values"]
    # What is undefined is no point at 0; random steps have their own line at every size.
    assert [v["x"] for v in values if v["series"] == 0] == [0.1, 0.2]
    assert [v["value"] for v in values if v["series"] == 2] == [0.68] * 3
    assert "Y, E is 0.71 at 0.1, 0.75 at 0.2; all intervals overlap" in shown.sentence
    assert "at 0.05 the change on the axis stays within random steps" in shown.sentence
    assert "X, E is 0.40 at 0.05, 0.42 at 0.1, 0.90 at 0.2; the lowest and the highest have" in shown.sentence
    assert any("0.2" in row[0] for name, t in section.tables if "other steps" in name for row in t.rows)
    one = axes_section(replace(WHOLE, entangle=WHOLE.entangle.model_copy(update={"by_step": {}})))
    assert one is not None
    assert "entanglement-steps" not in [c.id for c in one.charts]


def test_the_axes_of_people_stand_beside_entanglement() -> None:
    """The easy wrong version: a name that the results do not have, and the sentence never appears."""
    from culturescope.experiments.steer.entangle_study import human_slopes

    assert WHOLE.entangle is not None
    section = axes_section(
        replace(WHOLE, entangle=WHOLE.entangle.model_copy(update={"human": human_slopes()}))
    )
    assert section is not None
    lead = " ".join(section.lead)
    assert "Over societies the two axes correlate by +0." in lead
    # What the map adds by itself stands beside E there, and an undefined E is no number.
    assert (
        "Y 0.50 (0.30 to 0.70, the projection alone 0.20) and X 0.40 (0.10 to 0.70, the projection alone 0.35)"
        in lead
    )
    overall = WHOLE.entangle.overall.model_copy(update={"map": {"X": drawn(0.4, 0.1, 0.9)}})
    section = axes_section(replace(WHOLE, entangle=WHOLE.entangle.model_copy(update={"overall": overall})))
    assert section is not None
    assert "Y undefined (the projection alone 0.20)" in " ".join(section.lead)


def test_a_way_to_part_axes_is_surely_better_only_by_its_paired_difference() -> None:
    assert WHOLE.entangle is not None
    assert "surely below" in parted_sentence(WHOLE.entangle)
    ways = tuple(d.model_copy(update={"lowered": drawn(0.4, -0.1, 0.8)}) for d in WHOLE.entangle.decoupled)
    assert "not surely below" in parted_sentence(WHOLE.entangle.model_copy(update={"decoupled": ways}))


def test_cells_inside_of_random_steps_do_not_count() -> None:
    table = WHOLE.domains["X"]
    wide = tuple(c.model_copy(update={"random_band": {"Y": 9.0, "X": 9.0}}) for c in table.cells)
    said = matrix_sentence(table.model_copy(update={"cells": wide}), "X")
    assert "0 of 3 where the vector was fitted, 0 of 6 in another domain" in said


def test_a_method_is_better_only_by_its_paired_difference_and_beyond_random_steps() -> None:
    table = WHOLE.methods["X"]
    assert "2 of 3 vectors change d beyond random steps; 1 surely more than the default" in methods_sentence(
        table
    )
    rows = tuple(r.model_copy(update={"inside": r.difference is not None}) for r in table.rows)
    assert "1 of 3 vectors" in methods_sentence(table.model_copy(update={"rows": rows}))
    assert "none surely more" in methods_sentence(table.model_copy(update={"rows": rows}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (drawn(-0.5, -0.6, -0.4), "surely nearer"),
        (drawn(-0.1, -0.3, 0.1), "which may be none"),
        (drawn(0.5, 0.4, 0.6), "surely further"),
    ],
)
def test_an_aim_is_nearer_only_by_its_interval(change: Drawn, said: str) -> None:
    one = study_factory.aim("DNK")
    reached = tuple(r.model_copy(update={"change": change}) if r.name == "aimed" else r for r in one.reached)
    made = one.model_copy(update={"reached": reached})
    assert said in distance_sentence(made)
    assert ("surely nearer" in short_sentence(made).replace("not surely nearer", "")) == (change.high < 0)


def test_an_aim_of_a_model_that_may_not_be_read_says_so_first() -> None:
    assert unread(WHOLE) == ()
    dark = tuple(
        p.model_copy(update={"verdicts": {"Y": "not interpretable", "X": "weak"}}) for p in WHOLE.placements
    )
    study = replace(WHOLE, placements=dark)
    section = aim_section(study)
    assert section is not None
    assert "not that its values came nearer" in section.lead[0]
    line = next(x for x in summary_lines(factory.report("weak"), study) if x.anchor == "aim")
    assert line.sentence.startswith("The model’s place is not interpretable")


def test_an_aim_on_top_of_a_persona_is_set_against_the_persona() -> None:
    one = study_factory.aim("DNK", "advanced-DNK")
    assert "−0.10 (−0.15 to −0.05) from the persona alone" in distance_sentence(one)
    assert "within what random steps do" not in short_sentence(one)
    assert one.random is not None
    weak = one.model_copy(update={"random": one.random.model_copy(update={"beyond": False})})
    assert "no nearer than 20 random steps" in distance_sentence(weak)
    assert "No random steps" in distance_sentence(one.model_copy(update={"random": None}))


@pytest.mark.parametrize(
    ("overshoot", "said"), [(0.2, "passes the target by 0.20"), (-0.3, "0.30 short"), (None, "2.21")]
)
def test_overshoot_has_a_sign(overshoot: float | None, said: str) -> None:
    one = study_factory.aim("DNK")
    path = path_sentence(one.model_copy(update={"aim": one.aim.model_copy(update={"overshoot": overshoot})}))
    assert said in path
    assert ("target by" in path) == (overshoot is not None and overshoot > 0)


def test_direct_answers_and_dilemmas_are_apart_only_where_intervals_are() -> None:
    base = RowMark("dilemmas", 0.0, -0.5, 0.5, "")
    far, near = (
        RowMark("direct, free replies", 1.0, 0.6, 1.4, ""),
        RowMark("direct, free replies", 0.4, 0.0, 0.8, ""),
    )
    assert "do not overlap" in direct_sentence([base, far])
    assert "the intervals overlap" in direct_sentence([base, near])
    assert "cannot be set beside" in direct_sentence([base])
    assert "Not to be read" in direct_sentence([base, replace(far, quiet=True)])


def test_changes_of_a_model_that_may_not_be_read_are_no_effect() -> None:
    found = nearness(WHOLE)
    assert {n.method for n in found} >= {"steered", "steered and persona", "basic persona in dilemmas"}
    assert "no effect on values" not in near_sentence(found)
    assert "no effect on values" in near_sentence([replace(n, verdict="not interpretable") for n in found])


@pytest.mark.parametrize(
    ("verdict", "said", "not_said"),
    [
        ("interpretable", "The nearest place is that of steered", "that is interpretable"),
        ("weak", "The nearest place that is interpretable is that of advanced persona", "of steered"),
        ("not interpretable", "The nearest place that is interpretable is that of advanced", "of steered"),
    ],
)
def test_only_an_interpretable_place_is_called_the_nearest(verdict: str, said: str, not_said: str) -> None:
    """The easy wrong version: the shortest distance wins, whatever the verdict; the map names no neighbour then."""
    places = tuple(p.model_copy(update={"verdicts": {"Y": verdict, "X": verdict}}) for p in WHOLE.placements)
    study = replace(WHOLE, placements=places, survey=None)
    section = near_section(study)
    assert section is not None
    denmark = next(c for c in section.charts if c.title == "Denmark")
    assert said in denmark.sentence
    assert not_said not in denmark.sentence
    alone = near_section(replace(study, personas=None))
    assert alone is not None
    for shown in alone.charts:
        assert ("No verdict allows" in shown.sentence) == (verdict != "interpretable")


def test_readings_are_counted_on_their_own_axis_and_in_their_direction() -> None:
    assert WHOLE.steered is not None
    said = browser_sentence(WHOLE.steered)
    own = [s for s in WHOLE.steered.scenarios if s.axis == "X"]
    down = sum(s.d[4] < s.d[0] for s in own)
    assert f"X- turns {sum((s.d[4] > 0) != (s.d[0] > 0) for s in own)} of {len(own)} readings" in said
    assert f"moves {down} of them its way" in said.rsplit("X-", 1)[1]


def test_what_a_part_asked_stands_beside_what_was_planned() -> None:
    from culturescope.experiments.study.file import Done, PartRecord, Planned, StudyFile

    planned = Planned(prompts=304, readings=1600, seconds=10.0)
    parts = (
        PartRecord(part="probe", status="done", planned=planned),
        PartRecord(
            part="aim", status="done", planned=planned, asked=Done(prompts=280, readings=1600, written=12)
        ),
    )
    table = parts_table(replace(WHOLE, record=StudyFile(profile="full", settings={}, parts=parts)))
    assert table is not None
    assert table.rows[0][4:7] == ("304 planned", "1,600 planned", "")
    assert table.rows[1][4:7] == ("280 (304 planned)", "1,600", "12 (0 planned)")


def test_answers_that_are_the_same_are_counted() -> None:
    assert WHOLE.generated is not None
    assert "changes the words of 1 of 2 answers" in answers_sentence(WHOLE.generated)
