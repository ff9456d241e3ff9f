"""The survey from end to end: planted values come back, nulls are refused, missing answers leave their band, runs go on."""

import json
import random

import numpy as np
import pytest

import culturescope as cs
from culturescope.cli import run
from culturescope.errors import BadInputError, RunFolderError
from culturescope.experiments.survey import (
    carry_out_survey,
    offered_instruments,
    rewrite_survey,
    start_survey,
    survey_design_of,
)
from culturescope.experiments.survey_design import SurveyDesign
from culturescope.experiments.survey_place import null_placement, placement_of, survey_places
from culturescope.experiments.survey_planning import check_cost, survey_cost
from culturescope.models import MockModel
from culturescope.models.limits import EndpointError
from culturescope.models.options import option_logprobs
from culturescope.people import fit_projection
from culturescope.probing.survey_check import outweighs
from culturescope.probing.survey_reading import compute_survey
from culturescope.probing.survey_tasks import survey_tasks
from culturescope.prompts.survey import survey_questions
from culturescope.runs import RunFolder
from tests.scripted_server import ScriptedServer, says, status, writes

PLANTED = {
    "Y01": 3, "Y03": 7, "Y04": 3, "Y05": 2, "X01": 3, "X02": 1, "X03": 9, "X04": 1, "X05": 1,
    "Y02-independence": 1, "Y02-determination": 1, "Y02-faith": 0, "Y02-obedience": 1,
}  # fmt: skip
MEANS = {**{k: v for k, v in PLANTED.items() if "-" not in k}, "Y02": 1}


def number(task, code):
    return next(a.number for a in task.question.scale(turned=task.turned).answers if a.code == code)


def planted(task):
    return str(number(task, PLANTED[task.question.id]))


def last(task):
    return task.question.scale().last


def surveyed(reply, *, samples=1, questions=None, personas=()):
    tasks = survey_tasks(
        questions or survey_questions(), instruments=("text",), samples=samples, personas=personas
    )
    return compute_survey([task.row(f"{n}", "", reply(task)) for n, task in enumerate(tasks)])


def verdicts(results):
    return {a.axis: a.verdict for a in results.readings[0].axes}


def test_planted_values_come_back_and_stand_where_the_projection_puts_them():
    results = surveyed(planted)
    assert {v.item: v.mean.value for v in results.readings[0].items} == pytest.approx(MEANS)
    assert verdicts(results) == {"Y": "interpretable", "X": "interpretable"}
    place = placement_of(results.readings[0], "planted")
    assert (place.x, place.y) == pytest.approx(fit_projection().place(MEANS))
    null = null_placement()
    assert place.displacement == pytest.approx((place.x - null.x, place.y - null.y))
    band = survey_places(results)[0].band
    assert band.missing == 0
    assert place.open == ()
    assert band.x == pytest.approx((place.x, place.x))
    assert band.neutral == pytest.approx(band.drop)


@pytest.mark.parametrize(
    "reply",
    [
        lambda task: "5",
        lambda task: "1",
        lambda task: str(last(task)),
        lambda task: str((last(task) + 1) // 2),
        lambda task: task.question.scale(turned=task.turned).answers[0].label or "1",
        lambda task: "yes" if task.question.item == "Y02" else "1",
        lambda task: str(random.Random(f"{task.question.id}/{task.wording}").randint(1, last(task))),
        lambda task: "I'd say 7.",
    ],
    ids=["5", "first", "last", "middle", "first label", "yes", "one number a question", "7"],
)
def test_models_that_follow_the_order_of_the_scale_are_not_interpretable(reply):
    assert set(verdicts(surveyed(reply)).values()) == {"not interpretable"}


def test_saying_yes_to_everything_is_the_middle_of_the_autonomy_index():
    results = surveyed(lambda task: "yes" if task.question.item == "Y02" else planted(task))
    assert next(v.mean.value for v in results.readings[0].items if v.item == "Y02") == 0


def test_random_numbers_are_rarely_anything_but_not_interpretable():
    found = []
    for seed in range(10):
        draw = random.Random(seed)
        found += verdicts(surveyed(lambda task, draw=draw: str(draw.randint(1, last(task))))).values()
    assert "interpretable" not in found
    assert found.count("weak") <= 2  # at most 2% of 20 axes; three or more have a chance below 1%


def test_numbers_drawn_for_a_question_and_kept_under_every_wording_are_rarely_read():
    found = []
    for seed in range(10):

        def kept(task, seed=seed):
            return str(random.Random(f"{seed}/{task.question.id}/{task.turned}").randint(1, last(task)))

        found += verdicts(surveyed(kept)).values()
    assert len(found) - found.count("not interpretable") <= 4  # 15 of 200 axes; a third without the ratio


def test_two_wordings_are_too_few_for_a_verdict_and_that_is_said():
    tasks = survey_tasks(survey_questions(), instruments=("text",), samples=1, wordings=2)
    results = compute_survey([t.row(str(n), "", planted(t)) for n, t in enumerate(tasks)])
    for axis in results.readings[0].axes:
        assert axis.verdict == "not interpretable"
        assert any("p is at least 0.03" in reason for reason in axis.reasons)
    assert not any("at least" in r for a in surveyed(planted).readings[0].axes for r in a.reasons)


def test_fewer_items_need_a_larger_ratio():
    assert outweighs(5) == pytest.approx(np.sqrt(5.050), abs=1e-3)  # tables of F at 5%
    assert outweighs(2) == pytest.approx(np.sqrt(19.0), abs=1e-3)


def test_an_order_that_weighs_half_as_much_as_the_meaning_is_named():
    def pulled(task):  # on two items the first place in one direction, the same under every wording
        item = task.question.item
        return "1" if item in ("X03", "X01") and not task.turned else planted(task)

    axis = next(a for a in surveyed(pulled).readings[0].axes if a.axis == "X")
    assert 1 < axis.meaning / axis.order < 2.25
    assert axis.verdict == "not interpretable"
    assert any("the order of the scale weighs too much" in reason for reason in axis.reasons)


def test_answers_that_follow_meaning_at_times_and_order_mostly_are_named_as_such():
    draw = random.Random(1)
    results = surveyed(lambda task: planted(task) if draw.random() < 0.25 else "1", samples=3)
    axis = results.readings[0].axes[1]
    assert axis.verdict == "not interpretable"
    assert "the answers follow the order of the scale, not its meaning" in axis.reasons


def test_the_order_of_the_scale_cancels_in_the_mean():
    # Half a step of everybody's answers goes to the first place: the mean over both directions stays.
    def pulled(task):
        return str(max(1, int(planted(task)) - 1)) if task.question.id in ("Y03", "Y01") else planted(task)

    values = {v.item: v.mean.value for v in surveyed(pulled).readings[0].items}
    assert values["Y03"] == 7
    assert values["Y01"] == 3


def test_missing_answers_leave_the_band_that_filling_them_in_would_give():
    def is_missing(task):
        return task.number_only and task.wording in (2, 3) and task.question.item != "X02"

    def filled(missing):
        return surveyed(lambda task: missing(task) if is_missing(task) else planted(task))

    results = filled(lambda task: "As an AI, I have no opinion.")
    reading, place = results.readings[0], survey_places(results)[0]
    row = next(r for r in results.ledger if r.item is None)
    assert row.refused.count == 8 * len(survey_questions()) // 2 - 4
    assert place.band.missing == pytest.approx(row.refused.value)
    assert {v.item: v.mean.value for v in reading.items} == pytest.approx(MEANS)

    up = {"lowest": min, "highest": max}
    for name, end in up.items():

        def extreme(task, end=end, name=name):
            codes = task.question.scale().codes
            lowered = task.question.id in ("Y02-faith", "Y02-obedience")
            return str(number(task, (max if end is min else min)(codes) if lowered else end(codes)))

        by_hand = {v.item: v.mean.value for v in filled(extreme).readings[0].items}
        assert {v.item: getattr(v, name) for v in reading.items} == pytest.approx(by_hand)

    projection = fit_projection()
    values = {v.item: v for v in reading.items}
    rng = np.random.default_rng(0)
    for _ in range(300):  # whatever the missing answers are, the place is within the band and its outline
        means = [rng.choice([values[i].lowest, values[i].highest]) for i in projection.people.item_ids]
        x, y = projection.project(np.array(means))
        assert place.band.x[0] - 1e-9 <= x <= place.band.x[1] + 1e-9
        assert place.band.y[0] - 1e-9 <= y <= place.band.y[1] + 1e-9
        assert inside((x, y), place.band.corners)
    said = placement_of(reading, "partly refused").survey
    assert placement_of(reading, "partly refused").open == place.band.corners
    assert f"x {place.band.x[0]:+.2f} to {place.band.x[1]:+.2f}" in said
    corners = np.array(place.band.corners)
    assert corners.min(axis=0) == pytest.approx((place.band.x[0], place.band.y[0]))
    assert corners.max(axis=0) == pytest.approx((place.band.x[1], place.band.y[1]))


def inside(point, corners):
    ring = np.array(corners)
    steps = np.roll(ring, -1, axis=0) - ring
    to = np.array(point) - ring
    return bool((steps[:, 0] * to[:, 1] - steps[:, 1] * to[:, 0] > -1e-9).all())


def test_an_item_that_is_refused_in_one_direction_has_no_mean_and_the_survey_no_place():
    def reply(task):
        return "I prefer not to answer." if task.question.id == "X03" and task.turned else planted(task)

    results = surveyed(reply)
    place = survey_places(results)[0]
    assert next(v.mean for v in results.readings[0].items if v.item == "X03") is None
    assert place.band.drop is None
    assert place.reason == "no usable answers on X03"
    assert place.band.x[0] < place.band.neutral[0] < place.band.x[1]


def test_mostly_refused_is_one_step_lower():
    def reply(task):
        kept = task.wording in (1, 2) and not (task.wording == 2 and task.number_only)
        return planted(task) if kept else "I cannot answer."

    results = surveyed(reply, samples=2)
    for axis in results.readings[0].axes:
        assert axis.before_reasons != axis.verdict or axis.verdict == "not interpretable"
        assert any("have a value" in reason for reason in axis.reasons)


def test_the_ledger_counts_every_reply_and_answers_that_no_persona_moves():
    from culturescope.prompts import Persona

    personas = [
        Persona("basic-IND", "basic", 1, "You live in India."),
        Persona("basic-MEX", "basic", 1, "Mexico."),
    ]
    texts = ["5", "never", "", "As an AI, I can't.", "10", "it depends"]

    def reply(task):
        if task.question.id == "X03":
            return "5" if task.persona is None or task.wording != 1 else "6"
        return random.Random(task.prompt.sha256).choice(texts)

    results = surveyed(reply, personas=personas)
    for row in results.ledger:
        counted = [row.answered, row.neutral, row.refused, row.invalid, row.empty]
        assert sum(s.count for s in counted) == row.replies
        assert all(s.low <= s.value <= s.high and s.of == row.replies for s in counted)
    asked = [r for r in results.ledger if r.item == "X03"]
    assert [(r.persona, r.replies) for r in asked] == [(None, 16), ("basic-IND", 16), ("basic-MEX", 16)]
    only = surveyed(reply, personas=personas, questions=[q for q in survey_questions() if q.id == "X03"])
    assert only.unmoved[0].personas == 3
    assert (only.unmoved[0].same.count, only.unmoved[0].same.of) == (12, 16)
    assert only.unmoved[0].neutral.value == 1


def test_refusals_under_personas_are_held_against_those_without():
    from culturescope.prompts import Persona

    personas = [Persona(f"basic-{c}", "basic", 1, f"You live in {c}.", c) for c in ("IND", "MEX")]

    def reply(task):
        refuses = task.persona is not None and (task.persona.society == "IND" or task.wording == 1)
        return "I prefer not to answer." if refuses else planted(task)

    found = {r.persona: r for r in surveyed(reply, personas=personas).refusals}
    assert list(found) == [None, "basic-IND", "basic-MEX"]
    assert (found["basic-IND"].without.count, found["basic-IND"].under.value) == (0, 1)
    assert found["basic-MEX"].change.value == pytest.approx(0.25)
    assert found[None].change.value == pytest.approx(0.625)
    assert found[None].under.of == 2 * found["basic-MEX"].under.of == 2 * found["basic-MEX"].without.of
    for row in found.values():
        assert row.change.low < row.change.value <= row.change.high
    same = surveyed(planted, personas=personas).refusals[0].change
    assert same.low < same.value == 0 < same.high
    assert surveyed(planted).refusals == ()


def test_refusals_under_personas_are_on_the_page_and_in_the_words():
    from culturescope.page.survey_words import refusal_sentence, refusals_table
    from culturescope.prompts import Persona

    personas = [Persona("basic-IND", "basic", 1, "You live in India.", "IND")]
    results = surveyed(lambda t: "I refuse." if t.persona else planted(t), personas=personas)
    assert refusals_table(results.refusals).rows[0][0] == "basic-IND"
    assert "a change of +100 (" in refusal_sentence(results.refusals[0])


def test_a_very_long_reply_is_cut_on_the_page():
    from culturescope.page.survey_words import LONGEST, shown

    assert shown("7" * LONGEST) == "7" * LONGEST
    assert shown("7" * (LONGEST + 5)).endswith("… (5 more characters in samples.jsonl)")


def by_prompt(answer):
    """Prompt hash to what is answered there, for models that see only the prompt."""
    return {task.prompt.sha256: (task, answer(task)) for task in survey_tasks(survey_questions(), samples=1)}


def mock(answer=planted, sharp=8.0):
    known = by_prompt(answer)

    def options(prompt, texts):
        z = np.array([sharp if t == known[prompt.sha256][1] else 0.0 for t in texts])
        return (z - np.log(np.exp(z).sum())).tolist()

    return MockModel(
        lambda p: (0, 0), reply=lambda p, seed: known[p.sha256][1], options=options, name="<b>planted</b>"
    )


def test_options_give_the_planted_values_and_refuse_a_model_that_likes_a_number():
    tasks = SurveyDesign(instruments=("options",)).tasks()
    for answer, verdict in ((planted, "interpretable"), (lambda t: "1", "not interpretable")):
        read = option_logprobs(mock(answer), [t.prompt for t in tasks], [t.options for t in tasks])
        results = compute_survey(
            t.row(str(n), "", one) for n, (t, one) in enumerate(zip(tasks, read, strict=True))
        )
        assert set(verdicts(results).values()) == {verdict}
        if verdict == "interpretable":
            values = {v.item: v.mean.value for v in results.readings[0].items}
            assert values == pytest.approx(MEANS, abs=0.02)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("survey") / "run"
    model, design = mock(), SurveyDesign(samples=1)
    with start_survey(model, design, load={"source": "mock"}, output_path=folder) as opened:
        carry_out_survey(model, opened, quiet=True)
    return folder


def test_a_run_folder_is_whole_and_its_page_escapes_what_the_model_says(whole):
    assert {"run.json", "samples.jsonl", "results.json", "report.html"} <= {f.name for f in whole.iterdir()}
    stored = json.loads((whole / "results.json").read_text())
    assert stored["kind"] == "survey"
    assert len(stored["places"]) == 2
    page = (whole / "report.html").read_text()
    assert "<b>planted</b>" not in page
    assert "&lt;b&gt;planted&lt;/b&gt;" in page
    assert "Ledger: no persona, free replies" in page


def test_hostile_replies_are_text_on_the_page(tmp_path):
    hostile = "</td><script>alert(1)</script><img src=x onerror=alert(1)> \ud800 7"
    model = mock(lambda task: hostile)
    design = SurveyDesign(instruments=("text",), samples=1, items=("X03", "Y01"))
    known = by_prompt(lambda task: hostile.replace("\ud800", ""))
    model = MockModel(lambda p: (0, 0), reply=lambda p, seed: known[p.sha256][1])
    with start_survey(model, design, load={"source": "mock"}, output_path=tmp_path / "run") as folder:
        carry_out_survey(model, folder, quiet=True)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_page_can_be_written_again_from_the_samples_alone(whole, tmp_path):
    before = (whole / "results.json").read_text()
    again = rewrite_survey(whole, tmp_path / "other.html")

    def found(page):
        return page.read_text().partition('<section id="made"')[0]

    assert found(again) == found(whole / "report.html")
    rewrite_survey(whole)
    assert (whole / "results.json").read_text() == before


def test_a_survey_that_fails_midway_keeps_its_answers_and_goes_on(whole, tmp_path):
    class Failing(MockModel):
        left = 5

        def generate(self, prompts, **options):
            self.left -= 1
            if self.left < 0:
                raise EndpointError("the server at http://localhost:1 is gone", "down")
            return super().generate(prompts, **options)

    good = mock()
    model = Failing(lambda p: (0, 0), reply=good._reply, options=good._options, name="<b>planted</b>")
    design = SurveyDesign(samples=1)
    with (
        pytest.raises(EndpointError),
        start_survey(model, design, load={"source": "mock"}, output_path=tmp_path / "run") as folder,
    ):
        carry_out_survey(model, folder, quiet=True)
    stopped = RunFolder.open(tmp_path / "run")
    assert stopped.manifest.status == "error"
    assert "is gone" in stopped.manifest.error
    kept = len(stopped.samples())
    assert kept == len(survey_questions()) * 16 + 5 * design.batch_size
    with pytest.raises(RunFolderError, match="have no answer yet"):
        rewrite_survey(tmp_path / "run")
    model.left = 10**6
    asked = []
    inner = model._reply
    model._reply = lambda p, seed: asked.append(p) or inner(p, seed)
    with RunFolder.resume(tmp_path / "run") as folder:
        folder.restart()
        carry_out_survey(model, folder, quiet=True)
    assert len(asked) == len(survey_questions()) * 16 - 5 * design.batch_size
    assert json.loads((tmp_path / "run" / "results.json").read_text()) == json.loads(
        (whole / "results.json").read_text()
    )


def test_free_replies_alone_where_a_model_offers_no_log_probabilities():
    model = MockModel(lambda p: (0, 0), reply=lambda p, seed: "5")
    design, why = offered_instruments(model, SurveyDesign())
    assert design.instruments == ("text",)
    assert "offers no log-probabilities" in why
    assert offered_instruments(mock(), SurveyDesign())[1] is None


def test_the_cost_is_bounded_before_anything_is_asked():
    design = SurveyDesign(samples=3, new_tokens=100, items=("X03",))
    cost = survey_cost(design)
    assert cost["prompts"] == {"text": 48, "options": 16}
    assert cost["tokens_written"] == 48 * 100 + 16
    assert not cost["counted"]
    check_cost(cost, cost["tokens_total"])
    with pytest.raises(BadInputError, match="nothing was asked"):
        check_cost(cost, cost["tokens_total"] - 1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"samples": 0}, "samples must be at least 1"),
        ({"wordings": 1}, "wordings must be between 2 and 4"),
        ({"temperature": 0.0}, "temperature"),
        ({"instruments": ("letters",)}, "instruments are text, options"),
        ({"items": ("Q9",)}, 'no question for "Q9"'),
    ],
)
def test_designs_that_cannot_be_meant_are_refused(wrong, said):
    with pytest.raises(BadInputError, match=said):
        SurveyDesign(**wrong)


def test_a_design_is_stored_whole(whole):
    folder = RunFolder.open(whole)
    assert survey_design_of(folder) == SurveyDesign(samples=1)
    assert SurveyDesign.from_dict(json.loads(json.dumps(SurveyDesign(items=("X03",)).as_dict()))).items == (
        "X03",
    )


SMALL = ["--samples", "1", "--items", "X05,Y05", "--max-new-tokens", "2", "--wordings", "2", "--quiet"]


def test_the_command_asks_a_white_model_prints_and_rewrites_its_page(tiny, tmp_path, capsys):
    assert run(["survey", str(tiny("qwen2")), *SMALL, "-o", str(tmp_path / "run")]) == 0
    out = capsys.readouterr().out
    assert "not interpretable" in out
    assert "ledger" in out
    assert "none: not asked: " in out
    assert out.splitlines()[-1] == f"Page: {tmp_path / 'run' / 'report.html'}"
    rows = [json.loads(line) for line in (tmp_path / "run" / "samples.jsonl").read_text().splitlines()]
    assert len({row["key"] for row in rows}) == len(rows) == 2 * 2 * 2 * 2 * 2
    assert run(["page", str(tmp_path / "run")]) == 0
    assert run(["resume", str(tmp_path / "run"), "--json", "--quiet"]) == 0
    stored = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert stored["kind"] == "survey"


def test_the_command_asks_nothing_where_it_would_cost_too_much(tiny, tmp_path, capsys):
    command = ["survey", str(tiny("qwen2")), *SMALL, "--max-tokens-total", "100", "-o", str(tmp_path / "run")]
    assert run(command) == 2
    assert "nothing was asked" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    assert run(["survey", str(tiny("qwen2")), *SMALL, "--dry-run"]) == 0
    assert "tokens: at most" in capsys.readouterr().out


def answers_of(request):
    text = request["messages"][-1]["content"]
    return "1" if "1 = " in text or "1. " in text else "2"


def test_a_server_that_goes_away_midway_leaves_a_run_that_goes_on(tmp_path, capsys):
    top = [("1", -0.5), ("2", -1.0), ("The", -3.0)]
    folder = tmp_path / "run"
    with ScriptedServer([*[writes(answers_of, top=top)] * 20, status(401, "key revoked")]) as server:
        command = ["survey", f"{server.url}#org/name", *SMALL, "--batch-size", "2", "-o", str(folder)]
        assert run(command) == 2
        err = capsys.readouterr().err
        assert f"culturescope resume {folder}" in err
        assert "Traceback" not in err
        kept = len((folder / "samples.jsonl").read_text().splitlines())
        assert 0 < kept < 32
        server.script[:] = [writes(answers_of, top=top)]
        asked = len(server.requests)
        assert run(["resume", str(folder), "--quiet"]) == 0
        assert len(server.requests) - asked == 32 - kept
    assert json.loads((folder / "run.json").read_text())["status"] == "success"


def test_a_server_without_log_probabilities_is_asked_in_words(tmp_path, capsys):
    with ScriptedServer([says("2")]) as server:
        assert run(["survey", f"{server.url}#org/name", *SMALL, "-o", str(tmp_path / "run")]) == 0
    assert "Free replies only" in capsys.readouterr().err
    stored = json.loads((tmp_path / "run" / "results.json").read_text())
    assert [r["instrument"] for r in stored["readings"]] == ["text"]
    assert stored["ledger"][0]["answered"]["count"] + stored["ledger"][0]["neutral"]["count"] == 16


def test_a_survey_stands_on_the_map_beside_others_and_says_why_it_does_not(whole, tiny, tmp_path, capsys):
    output = tmp_path / "map.html"
    assert run(["map", str(whole), "-o", str(output), "--json"]) == 0
    places = json.loads(capsys.readouterr().out)["placements"]
    assert [p["kind"] for p in places] == ["null", "model", "model"]
    assert all(p["conversion"] == "paper" for p in places)
    assert places[1]["label"].endswith("direct survey (free replies)")
    assert places[2]["label"].endswith("direct survey (log-probabilities)")
    assert (places[1]["x"], places[1]["y"]) == pytest.approx(fit_projection().place(MEANS))
    assert places[1]["survey"] == "every reply has a value"
    assert "answers of a direct survey are on people" in output.read_text()
    assert run(["map", str(whole), "-o", str(output), "--conversion", "anchored"]) == 2
    assert "take no conversion" in capsys.readouterr().err
    for asked in (["--domain", "legal"], ["--domain", "each"], ["--calibrate", str(whole)]):
        assert run(["map", str(whole), "-o", str(output), *asked]) == 2
        assert "has no domains and takes no calibration" in capsys.readouterr().err
    assert run(["survey", str(tiny("qwen2")), *SMALL, "-o", str(tmp_path / "run")]) == 0
    assert run(["map", str(tmp_path / "run"), "-o", str(output)]) == 2
    assert "has no place on the map: not asked: " in capsys.readouterr().err


def test_a_survey_in_memory_finds_what_a_run_folder_does(whole, tmp_path):
    found = cs.survey(mock(), samples=1)
    stored = json.loads((whole / "results.json").read_text())
    assert found.results.model_dump(mode="json") == {
        k: v for k, v in stored.items() if k not in ("places", "persona_audits")
    }
    assert "interpretable" in str(found)
    assert [p.model_dump(mode="json") for p in found.places] == stored["places"]
    page = cs.write_page(found, tmp_path / "page.html").read_text()
    assert "&lt;b&gt;planted&lt;/b&gt; · direct survey" in page


def test_a_survey_in_memory_keeps_personas_apart_and_falls_back_to_words():
    from culturescope.prompts import Persona

    persona = Persona("basic-IND", "basic", 1, "You live in India.", "IND")
    model = MockModel(
        lambda p: (0, 0), reply=lambda p, seed: "I refuse." if len(p.messages) > 1 else "2", name="words"
    )
    found = cs.survey(model, samples=1, wordings=2, items=["X05"], personas=[persona])
    assert [(r.persona, r.instrument, r.answered) for r in found.results.readings] == [
        (None, "text", 1.0),
        ("basic-IND", "text", 0.0),
    ]
    assert found.results.refusals[0].change.value == 1
    with pytest.raises(BadInputError, match="not twice"):
        cs.survey(model, personas=[persona, persona])
    with pytest.raises(BadInputError, match="no persona of a society"):
        cs.survey(model, personas=[Persona("devout", "negative", 1, "You are devout.")])


def test_plan_counts_a_survey_without_a_model_and_refuses_options_of_the_probe(capsys):
    assert run(["plan", "--survey", "--persona", "basic", "--society", "IND", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["prompts"] == {"text": 832, "options": 416}
    assert run(["plan", "--survey", "--limit", "5"]) == 2
    assert "--limit belongs to the probe" in capsys.readouterr().err
