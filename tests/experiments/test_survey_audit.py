"""The audit of personas by survey answers: followers are told from models that personas do not move."""

import json

import numpy as np
import pytest

from culturescope.experiments.personas import choose_personas
from culturescope.experiments.survey import carry_out_survey, start_survey
from culturescope.experiments.survey_audit import survey_audits
from culturescope.experiments.survey_design import SurveyDesign
from culturescope.models import MockModel
from culturescope.people import fit_projection, load_people, profile_of
from culturescope.probing.survey_reading import compute_survey
from culturescope.probing.survey_tasks import survey_tasks
from culturescope.prompts.survey import survey_questions

CODES = ("IND", "VNM", "MEX", "NLD", "JPN")
QUALITIES = {2: "independence determination", 1: "independence determination faith", -2: "faith obedience"}
QUALITIES |= {0: "independence determination faith obedience", -1: "independence faith obedience"}


@pytest.fixture(scope="module")
def personas():
    return choose_personas(["basic"], CODES, load_people())


def code_of(task, society):
    """The answer of the society's profile; without persona the middle-most one."""
    question = task.question
    codes = sorted(question.scale().codes)
    if society is None:
        return codes[len(codes) // 2]
    known = {a.item: a.category for a in profile_of(load_people(), society).answers}
    wanted = known[question.item]
    if question.item != "Y02":
        return wanted
    return int(question.id.removeprefix("Y02-") in QUALITIES[wanted].split())


def surveyed(personas, reply):
    tasks = survey_tasks(
        survey_questions(), instruments=("text",), samples=1, personas=[p.persona() for p in personas]
    )
    return compute_survey([t.row(str(n), "", reply(t)) for n, t in enumerate(tasks)])


def written(task, code):
    return str(next(a.number for a in task.question.scale(turned=task.turned).answers if a.code == code))


def following(task):
    return written(task, code_of(task, task.persona.society if task.persona else None))


def test_a_model_that_answers_as_the_people_do_follows_them(personas):
    (found,) = survey_audits(surveyed(personas, following), personas)
    audit = found.audit
    assert (audit.kind, audit.conversion, found.instrument) == ("basic", "paper", "text")
    assert [s.society for s in audit.societies] == list(CODES)
    assert audit.mean_change.value < -0.5
    for s in audit.societies:  # places by hand: the profile through the projection
        known = {a.item: float(a.category) for a in profile_of(load_people(), s.society).answers}
        assert s.place == pytest.approx(fit_projection().place(known), abs=1e-9)
        assert s.distance == pytest.approx(np.hypot(*np.subtract(s.place, s.people)))
    for axis in audit.axes:
        assert axis.slope.value > 0.4
        assert axis.r2.value > 0.5  # profiles are rounded to whole answers
    assert "wordings" in audit.caveat
    assert "missing" not in audit.caveat


def test_a_model_that_no_persona_moves_is_flat_and_comes_no_nearer(personas):
    def reply(task):
        return written(task, code_of(task, "MEX"))

    (found,) = survey_audits(surveyed(personas, reply), personas)
    assert all(a.slope.value == 0 and a.spread_ratio.value == 0 for a in found.audit.axes)
    assert found.audit.mean_change.value == pytest.approx(0)


def test_the_interval_is_that_of_wordings_and_what_all_share_cancels(personas):
    def shifted(task, by_persona):
        code = code_of(task, "MEX")
        moves = (
            task.question.id == "X03"
            and task.wording in (1, 2)
            and (by_persona <= (task.persona is not None))
        )
        return written(task, code + 2 if moves else code)

    shared, own = (
        survey_audits(surveyed(personas, lambda t, p=p: shifted(t, p)), personas)[0].audit
        for p in (False, True)
    )
    assert shared.mean_change.high - shared.mean_change.low == pytest.approx(0, abs=1e-9)
    assert own.mean_change.high - own.mean_change.low > 0.01


def test_without_a_place_there_is_no_audit_and_a_persona_that_refuses_is_left_out(personas):
    def refuses(task):
        silent = task.persona is not None and task.persona.society == "IND"
        return "I refuse." if silent else following(task)

    (found,) = survey_audits(surveyed(personas, refuses), personas)
    assert [s.society for s in found.audit.societies] == list(CODES[1:])
    assert survey_audits(surveyed(personas, lambda t: "I refuse."), personas) == ()
    assert survey_audits(surveyed((), following), personas) == ()


def test_the_audit_is_in_the_results_and_on_the_page(personas, tmp_path):
    design = SurveyDesign(instruments=("text",), samples=1, seed=7, personas=personas[:3])
    answers = {t.prompt.sha256: following(t) for t in design.tasks()}
    model = MockModel(lambda p: (0, 0), reply=lambda p, seed: answers[p.sha256], name="follower")
    with start_survey(model, design, load={"source": "mock"}, output_path=tmp_path / "run") as folder:
        results = carry_out_survey(model, folder, quiet=True)
    stored = json.loads((tmp_path / "run" / "results.json").read_text())
    expected = survey_audits(results, personas[:3], seed=7)
    assert stored["persona_audits"] == [a.model_dump(mode="json") for a in expected]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "As people of societies" in page
    assert "Basic personas, free replies" in page
    assert "Refusals under personas" in page
