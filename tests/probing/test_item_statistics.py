"""Item statistics: respondents are put together rightly, planted figures are found, convinced personas raise alpha."""

import json
from dataclasses import replace

import numpy as np
import pytest

import culturescope as cs
from culturescope.cli import run
from culturescope.cli.statistics import as_text
from culturescope.errors import BadInputError
from culturescope.instrument import load_pack
from culturescope.probing.item_statistics import item_statistics, respondents
from culturescope.stats.reliability import NO_VARIANCE, ONE_RESPONDENT, Resampling
from tests.probing.planted import planted

HOW = Resampling(resamples=200)
TWENTY = cs.scenarios(split="evaluate", limit=20)


def rows_of(model, scenarios=TWENTY, **options):
    return list(cs.probe(model, scenarios, **options).samples)


def row(scenario, persona, d, *, template="plain", item="Y01", orders=("positive-A", "positive-B"), bias=0.0):
    """Answers with value logit d."""
    return [
        {
            "key": f"{scenario}/{persona}/{template}/{order}/{d}",
            "part": "check" if persona else "probe",
            "axis": item[0],
            "item": item,
            "domain": "family",
            "scenario": scenario,
            "template": template,
            "order": order,
            "persona": persona,
            "logits": [bias + d if order == "positive-A" else bias - d, 0.0],
            "logprobs": [-0.7, -0.7],
        }
        for order in orders
    ]


def figures(found, level="item", panel=0):
    return {r.id: r for r in found.panels[panel].rows if r.level == level}


def test_a_respondent_is_a_model_persona_and_wording():
    rows = rows_of(planted(noise=0.2), check=True)
    who = respondents([("m", "identity", rows)])
    assert len(who) == 3 + 12
    assert sum(r.convinced for r in who) == 6
    assert len({(r.persona, r.wording) for r in who}) == 15
    found = item_statistics(who, HOW)
    assert [(p.name, p.respondents) for p in found.panels] == [
        ("without convinced personas", 9),
        ("with convinced personas", 15),
    ]
    assert (found.scenarios, found.left_out, found.one_order) == (20, 0, 0)


def test_two_runs_of_one_model_are_no_new_respondents():
    few, many = rows_of(planted(noise=0.2), TWENTY[:10]), rows_of(planted(noise=0.2))
    keys = {(r["scenario"], r["template"], r["order"]): r["key"] for r in many}
    assert all(keys[r["scenario"], r["template"], r["order"]] == r["key"] for r in few)
    who = respondents([("m", "same", few), ("m", "same", many)])
    assert len(who) == 3
    assert all(len(r.scenarios) == 20 for r in who)
    assert len(respondents([("m", "one", few), ("n", "another", many)])) == 6


def test_other_texts_under_the_same_persona_id_are_other_respondents():
    one = [*row("s1", "basic-IND", 0.1), *row("s2", "basic-IND", 0.2)]
    other = [{**r, "key": "other " + r["key"]} for r in one]
    assert len(respondents([("m", "same", one), ("m", "same", other)])) == 2


def test_figures_by_hand():
    """Item Y01: scenarios with d (1, 2, 3, 4), (1, 2, 2, 3) and (1, 2, 4, 1); see the hand computation of alpha."""
    columns = {"a": (1, 2, 3, 4), "b": (1, 2, 2, 3), "c": (1, 2, 4, 1)}
    rows = [
        r
        for scenario, values in columns.items()
        for n, d in enumerate(values, 1)
        for r in row(scenario, f"neutral-{n}", d, bias=5.0)
    ]
    found = item_statistics(respondents([("m", "i", rows)]), HOW)
    item = figures(found)["Y01"]
    assert item.alpha.value == pytest.approx(3 / 2 * (1 - (5 / 3 + 2 / 3 + 2) / 7))
    assert item.mean.value == pytest.approx(26 / 12)
    assert item.spread.value == pytest.approx(np.std([1, 2, 3, 8 / 3], ddof=1))
    scenario = figures(found, "scenario")["a"]
    assert scenario.rest.value == pytest.approx(4 / np.sqrt(5 * 8))
    assert item.scenarios == item.parts == 3


def test_convinced_personas_raise_alpha_of_worthless_scenarios():
    """Scenarios that share nothing but the obedience to a persona: no reliability without it, nearly all with it."""
    rows = rows_of(planted(noise=1.0, persona=6.0), check=True)
    found = item_statistics(respondents([("m", "i", rows)]), HOW)
    without, with_them = (figures(found, "axis", n)["Y"] for n in (0, 1))
    assert with_them.alpha.value > 0.9 > 0.6 > without.alpha.value
    assert with_them.split_half.value > 0.9


def test_the_planted_reliability_of_an_axis_is_found():
    """Five items of one scenario, true score with variance 1, noise with variance 4: alpha is 5 / 9."""
    rng = np.random.default_rng(3)
    rows = []
    for n in range(1500):
        true = rng.normal()
        for k in range(1, 6):
            rows += row(f"s{k}", f"neutral-{n}", true + 2 * rng.normal(), item=f"Y0{k}")
    axis = figures(item_statistics(respondents([("m", "i", rows)]), HOW), "axis")["Y"]
    assert axis.alpha.value == pytest.approx(5 / 9, abs=0.05)
    assert axis.split_half.value == pytest.approx(5 / 9, abs=0.06)
    assert axis.alpha.low < 5 / 9 < axis.alpha.high
    assert (axis.parts, axis.scenarios) == (5, 5)


def test_scenarios_that_some_were_not_asked_are_left_out():
    rows = [r for n in (1, 2, 3) for s in ("a", "b", "c") for r in row(s, f"neutral-{n}", n + ord(s) % 3)]
    rows += [r for s in ("b", "c", "d") for r in row(s, None, 0.5)]
    found = item_statistics(respondents([("m", "i", rows)]), HOW)
    assert (found.scenarios, found.left_out) == (2, 2)
    assert figures(found)["Y01"].scenarios == 2


def test_runs_without_a_common_scenario_are_refused():
    rows = [*row("a", None, 0.1), *row("b", "neutral-1", 0.1)]
    with pytest.raises(BadInputError, match="no scenario was asked of all 2 respondents"):
        item_statistics(respondents([("m", "i", rows)]))
    with pytest.raises(BadInputError, match="need answers"):
        item_statistics([])


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([r for s in "ab" for r in row(s, None, 0.3)], ONE_RESPONDENT),
        ([r for n in range(6) for s in "ab" for r in row(s, f"neutral-{n}", 0.3)], NO_VARIANCE),
    ],
)
def test_what_cannot_be_estimated_says_why_and_is_never_nan(rows, reason):
    found = item_statistics(respondents([("m", "i", rows)]), HOW)
    assert figures(found)["Y01"].alpha.reason == figures(found)["Y01"].split_half.reason == reason
    text = as_text(found, scenarios=True)
    assert "not estimable (" in text
    assert reason in text
    assert "nan" not in text.lower().replace("nance", "")
    assert "NaN" not in json.dumps(found.as_dict())


def test_one_order_is_named():
    rows = [
        r
        for n in range(3)
        for s in "abc"
        for r in row(s, f"neutral-{n}", n + ord(s) % 3, orders=("positive-A",))
    ]
    found = item_statistics(respondents([("m", "i", rows)]), HOW)
    assert found.one_order == 3
    assert "position bias is part of their d" in as_text(found)


def test_the_table_names_respondents_and_warns():
    found = item_statistics(respondents([("small", "i", rows_of(planted(noise=0.3), check=True))]), HOW)
    text = as_text(found)
    assert (
        "Respondents without convinced personas: 9 (small: 9; 7 personas, none at all counted as one)" in text
    )
    assert "not a sample of people" in text
    assert "raise alpha" in text
    assert "Y01-" not in text
    assert "Y01-" in as_text(found, scenarios=True)
    assert as_text(replace(found, left_out=4)).startswith(
        "20 scenarios were asked of every respondent; 4 others were asked of some only and are left out."
    )


def test_the_command(tiny, tmp_path, capsys):
    arguments = ["--limit", "6", "--check-limit", "4", "--templates", "2", "--only", "probe", "--quiet"]
    assert run(["audit", str(tiny("qwen2")), *arguments, "-o", str(tmp_path / "run")]) == 0
    capsys.readouterr()
    assert run(["scenarios", "stats", str(tmp_path / "run"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["scenarios"], found["left_out"]) == (4, 2)
    assert [p["respondents"] for p in found["panels"]] == [8, 14]
    assert run(["scenarios", "stats", str(tmp_path / "run")]) == 0
    assert "4 scenarios were asked of every respondent; 2 others" in capsys.readouterr().out
    assert run(["scenarios", "stats", str(tmp_path / "run"), "--pack", "individualism-collectivism"]) == 2
    assert "is a run of the pack wvs, not of individualism-collectivism" in capsys.readouterr().err
    assert run(["scenarios", "stats", str(tmp_path / "none")]) == 2


def test_labels_and_items_are_the_packs():
    found = item_statistics(respondents([("m", "i", rows_of(planted(noise=0.3)))]), HOW)
    assert list(figures(found, "axis")) == ["Y", "X"]
    assert set(figures(found)) == set(load_pack().item_ids)
