"""Personas of societies in a run: never mixed into the model's own reading, marked, kept, and set against people."""

import json
from dataclasses import replace

import numpy as np
import pytest

import culturescope as cs
from culturescope.cli import run
from culturescope.errors import BadInputError
from culturescope.experiments.audit import start_run
from culturescope.experiments.design import Design
from culturescope.experiments.personas import choose_personas
from culturescope.experiments.planning import plan, power_table
from culturescope.experiments.report import map_of, places_of
from culturescope.instrument import load_pack
from culturescope.page.drawing import LIGHT
from culturescope.page.map_chart import map_spec
from culturescope.page.map_data import people_rows, way_rows
from culturescope.page.map_words import places_table
from culturescope.page.readings import scenario_readings
from culturescope.people import load_people
from culturescope.probing.agreement import NEW_TOKENS
from culturescope.probing.ask import ask, ask_freely, letters_key, text_key
from culturescope.probing.personas import persona_readings
from culturescope.probing.reading import compute_results
from culturescope.probing.scores import score_samples
from culturescope.probing.tasks import probe_rows
from tests.experiments.planted_personas import planted_personas

ITEMS = load_pack().item_ids
SOCIETIES = ["IND", "VNM", "MEX"]
BOTH = choose_personas(["basic", "advanced"], SOCIETIES, load_people())
OWN = Design(limit=10, template_ids=("plain", "options"), agreement=6, check_limit=4)
WITH = replace(OWN, personas=BOTH)
VALUES = {"none": {i: 0.5 + 0.1 * int(i[-1]) for i in ITEMS}} | {
    p.id: dict.fromkeys(ITEMS, -2.0 - n) for n, p in enumerate(BOTH)
}
MODEL = planted_personas(VALUES, {p.id: p.text for p in BOTH})


def answered(design, model=MODEL):
    tasks = design.tasks()
    keys = [letters_key(model.identity, t) for t in tasks]
    rows = [row for batch in ask(model, tasks, keys) for row in batch]
    words = design.agreement_tasks(tasks)
    letters = [rows[tasks.index(t)] for t in words]
    return rows + ask_freely(
        model, words, letters, [text_key(model.identity, t, NEW_TOKENS) for t in words], new_tokens=NEW_TOKENS
    )


@pytest.fixture(scope="module")
def own():
    """The answers of the study without personas."""
    return answered(OWN)


@pytest.fixture(scope="module")
def rows():
    """The answers of the same study with personas."""
    return answered(WITH)


@pytest.fixture(scope="module")
def results(rows):
    return compute_results(rows)


def test_persona_rows_never_touch_what_is_said_of_the_model_itself(own, rows, results, tmp_path):
    """The easy wrong version: rows of part `probe` taken whole, so that a persona overwrites or shifts the model."""
    assert len(rows) - len(own) == 6 * len(probe_rows(own)) > 0
    bare = compute_results(own)
    assert results.probe == bare.probe
    assert (results.check, results.agreement) == (bare.check, bare.agreement)
    assert places_of(results, rows, "m") == places_of(bare, own, "m")
    assert scenario_readings(rows) == scenario_readings(own)
    assert {r["persona"] for r in rows if r["part"] == "agreement"} == {None}
    kept = {r["key"]: r for r in rows}
    assert all(kept[r["key"]] == r for r in own)
    power = []
    for name, design, found in (("own", OWN, own), ("with", WITH, rows)):
        with start_run(MODEL, design, load={}, output_path=tmp_path / name) as folder:
            folder.append(found)
        power.append(power_table(0.1, tmp_path / name)["rows"])
    assert power[0] == power[1]


def test_scores_of_several_personas_are_refused(rows):
    with pytest.raises(ValueError, match=r"several personas.*probe_rows"):
        score_samples([r for r in rows if r["part"] == "probe"])


def test_rows_say_whose_persona_and_of_what_kind(rows):
    rows = [r for r in rows if r["part"] == "probe"]
    found = {(r["persona"], r["persona_kind"], r["society"]) for r in rows}
    assert found == {(None, None, None)} | {(p.id, p.kind, p.society) for p in BOTH}
    assert all(r["persona_missing"] == (None if r["persona"] is None else []) for r in rows)
    texts = {p.id: p.text for p in BOTH}
    assert all(texts[r["persona"]] in r["text"] for r in rows if r["persona"])
    assert len({r["key"] for r in rows}) == len(rows)


def test_each_persona_has_its_reading_and_its_shift(rows, results):
    assert [p.id for p in results.personas] == [p.id for p in BOTH]
    own = {a.axis: a.d.value for a in results.probe.axes}
    for n, found in enumerate(results.personas):
        assert (found.kind, found.society, found.partial, found.missing) == (
            BOTH[n].kind,
            BOTH[n].society,
            False,
            (),
        )
        assert found.prompts == results.probe.prompts
        for axis, shift in zip(found.axes, found.shifts, strict=True):
            assert axis.d.low < axis.d.value < axis.d.high
            assert shift.d.value == pytest.approx(axis.d.value - own[axis.axis])
            assert shift.d.value == pytest.approx(-2.0 - n - 0.8)
        # Differences between scenarios are common to both and paired away; those between items stay where they are none.
        assert all(
            s.d.high - s.d.low < a.d.high - a.d.low for s, a in zip(found.shifts, found.axes, strict=True)
        )
    assert compute_results(probe_rows(rows)).personas == ()


def test_the_order_of_rows_has_no_effect(rows):
    shuffled = [rows[n] for n in np.random.default_rng(0).permutation(len(rows))]
    for one, other in zip(
        persona_readings(rows),
        sorted(persona_readings(shuffled), key=lambda p: [q.id for q in BOTH].index(p.id)),
        strict=True,
    ):
        for a, b in zip(one.shifts, sorted(other.shifts, key=lambda s: s.axis, reverse=True), strict=True):
            assert (a.axis, a.d.value) == (b.axis, pytest.approx(b.d.value))


def test_a_run_with_personas_survives_its_folder_and_older_runs_are_read():
    assert Design.from_dict(json.loads(json.dumps(WITH.as_dict()))) == WITH
    assert "personas" not in OWN.as_dict()
    assert Design.from_dict(OWN.as_dict()) == OWN
    with pytest.raises(BadInputError, match="advanced-IND was given 2 times"):
        replace(WITH, personas=(BOTH[3], BOTH[3]))
    with pytest.raises(BadInputError, match="no persona that this version knows"):
        Design.from_dict({**OWN.as_dict(), "personas": [{"id": "x"}]})


def test_rows_of_earlier_versions_are_read(own):
    new = ("persona_kind", "society", "persona_missing")
    rows = [{k: v for k, v in r.items() if k not in new} for r in own]
    assert compute_results(rows) == compute_results(own)


def test_single_orders_are_the_same_with_and_without_persona():
    tasks = [t for t in replace(WITH, orders="random").tasks() if t.part == "probe"]
    orders = {}
    for t in tasks:
        orders.setdefault((t.scenario.id, t.template.id), set()).add(t.order)
    assert {len(found) for found in orders.values()} == {1}
    assert len(tasks) == 7 * len(orders)


def test_what_cannot_be_asked_is_said_in_one_line():
    people = load_people()
    for kinds, societies, options, words in (
        (["basic"], [], {}, "--persona needs societies"),
        ([], ["IND"], {}, "--society needs a kind"),
        (["loud"], ["IND"], {}, '"loud" is not one of'),
        (["basic"], ["Atlantis"], {}, "unknown society"),
        (["advanced"], ["DNK"], {}, "Denmark.*missing: Y01.*people import FILE"),
        (["advanced"], ["TJK"], {}, "lacks the means of Y03, X03"),
        (["basic"], ["IND"], {"given_names": {"IND": "Asha"}}, "no advanced persona here"),
        (["advanced"], ["IND"], {"given_names": {"KOR": "Minjun"}}, "KOR has no advanced persona"),
    ):
        with pytest.raises(BadInputError, match=words) as caught:
            choose_personas(kinds, societies, people, **options)
        assert "\n" not in str(caught.value)
    assert choose_personas(["none"], [], people) == ()
    twice = choose_personas(["none", "basic", "basic"], ["IND", "india"], people)
    assert [p.id for p in twice] == ["basic-IND"]


def test_a_persona_keeps_the_human_point_of_the_year_of_its_answers():
    people = load_people()
    for one in choose_personas(
        ["advanced"], [c for c in people.item_means if not people.item_means[c].missing(ITEMS)], people
    ):
        place = people.position(one.society, one.year) or people.societies[one.society]
        assert (one.x, one.y, one.position_year) == (place.x, place.y, place.year)


def test_a_partial_profile_is_marked_everywhere():
    partial = choose_personas(["advanced"], ["TJK", "IND"], load_people(), allow_partial=True)
    assert [p.missing for p in partial] == [("Y03", "X03"), ()]
    model = planted_personas(
        VALUES | {p.id: VALUES["none"] for p in partial}, {p.id: p.text for p in partial}
    )
    design = replace(OWN, personas=partial, check_limit=0, agreement=0)
    assert "advanced-TJK lacks Y03, X03" in "\n".join(plan(design, None, {})["lines"])
    rows = answered(design, model)
    results = compute_results(rows)
    assert {tuple(r["persona_missing"]) for r in rows if r["persona"] == "advanced-TJK"} == {("Y03", "X03")}
    assert [(p.partial, p.missing) for p in results.personas] == [(True, ("Y03", "X03")), (False, ())]
    labels = {p.label for p in map_of(results, rows, "m", load_pack()).placements}
    assert {"m as Tajikistan (advanced, partial)", "m as India (advanced)"} <= labels


def test_the_map_has_each_persona_beside_its_people(rows, results):
    figure = map_of(results, rows, "m", load_pack())
    placed = [p for p in figure.placements if p.society]
    assert len(placed) == 2 * len(BOTH)
    assert [p.label for p in placed[:2]] == ["m as India (basic)", "m as India (basic)"]
    assert {(p.persona, p.society) for p in placed} == {(p.kind, p.society) for p in BOTH}
    assert [p for p in figure.placements if not p.society] == places_of(results, rows, "m")
    points = {s.code: (s.x, s.y) for s in figure.societies}
    for conversion in figure.conversions:
        lines = people_rows(figure, figure.of(conversion))
        assert len(lines) == len(BOTH)
        ends = {(round(r["x2"], 4), round(r["y2"], 4)) for r in lines}
        assert ends == {points[code] for code in SOCIETIES}
        # Their way is that to their people; only the model itself has one from the null.
        assert len(way_rows(figure.of(conversion))) == 1
        spec = map_spec(figure, LIGHT, conversion=conversion)
        assert "people" in [layer.get("name") for layer in spec["layer"]]
    table = places_table(figure)
    own = [row for row in table.rows if row[0] == "m as Mexico (advanced)"]
    assert all("from its people" in row[-1] for row in own)


def test_cost_is_counted_by_itself():
    found = plan(WITH, None, {})
    assert found["prompts"]["probe"] == 10 * 2 * 2
    assert found["prompts"]["personas"] == 6 * found["prompts"]["probe"]
    assert found["prompts_total"] == 7 * 40 + 4 * 24


def test_in_memory_as_on_disk():
    personas = [p.persona() for p in BOTH[:1]]
    reading = cs.probe(MODEL, cs.scenarios(split="evaluate", limit=10), personas=personas, template_ids=1)
    assert reading.results.personas[0].id == "basic-IND"
    assert reading.axis("Y").d.value == pytest.approx(0.8, abs=0.3)


def test_command_line(tiny, tmp_path, capsys):
    folder = tmp_path / "run"
    asked = ["--limit", "4", "--templates", "1", "--persona", "basic,advanced", "--allow-partial", "--quiet"]
    whose = ["--society", "TJK, hong kong sar", "--given-name", "TJK=Asha <b>", "-o", str(folder)]
    assert run(["probe", str(tiny("gemma2")), *asked, *whose]) == 0
    rows = [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]
    found = {r["persona"] for r in rows if r["part"] == "probe"}
    assert found == {None, "basic-TJK", "basic-HKG", "advanced-TJK", "advanced-HKG"}
    assert any("You are Asha <b>, a person living in Tajikistan." in r["text"] for r in rows)
    assert "Asha <b>" not in (folder / "report.html").read_text()
    config = json.loads((folder / "run.json").read_text())["config"]["design"]
    assert [p["id"] for p in config["personas"]] == ["basic-TJK", "basic-HKG", "advanced-TJK", "advanced-HKG"]
    results = json.loads((folder / "results.json").read_text())
    assert [p["partial"] for p in results["personas"]] == [False, False, True, True]
    assert '<section id="personas"' in (folder / "report.html").read_text()
    assert (
        "Personas of societies (Y not checked, X not checked): shown, not to be read"
        in capsys.readouterr().out
    )
    assert run(["plan", "--persona", "advanced", "--society", "DNK"]) == 2
    assert "people import FILE" in capsys.readouterr().err
    assert run(["plan", "--persona", "basic", "--society", "IND", "--given-name", "IND"]) == 2
    assert "SOCIETY=NAME" in capsys.readouterr().err
