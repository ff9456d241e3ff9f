"""The page's part on personas: the verdict before any figure, partial profiles marked, hostile text harmless."""

import json

import pytest

from culturescope.experiments.persona_words import describe_personas
from culturescope.page import Report, render
from culturescope.page.personas import audit_sentences, figure, lead_sentence, persona_section
from culturescope.probing.results import (
    AxisFollowing,
    Figure,
    KindAudit,
    PersonaAudit,
    PersonaReading,
    PersonaShift,
    Results,
    SocietyDistance,
)
from tests.page.factory import report as make_report

HOSTILE = "</script><script>alert(1)</script>{{ 7 * 7 }}"


def reading(results, society="IND", kind="advanced", missing=()):
    return PersonaReading(
        id=f"{kind}-{society}", kind=kind, society=society, partial=bool(missing), missing=missing,
        scenarios=10, prompts=20, axes=results.probe.axes,
        shifts=tuple(PersonaShift(axis=a.axis, d=a.d) for a in results.probe.axes),
    )  # fmt: skip


def audit(verdict, change=(-0.3, -0.5, -0.1)):
    value, low, high = change
    moved = Figure(value=value, low=low, high=high)
    following = AxisFollowing(
        axis="X", verdict=verdict, slope=Figure(value=0.2, low=-1, high=1.4), r2=Figure(value=0.4, note="why"),
        spread_ratio=Figure(value=0.3, low=0.1, high=0.9), spread_ratio_less_noise=Figure(value=None, note="not estimable: x"),
    )  # fmt: skip
    distance = SocietyDistance(
        persona="advanced-IND", society="IND", name=HOSTILE, partial=True, people=(-0.2, -0.4), people_year=2023,
        place=(0.1, 0.1), distance=0.6, distance_without=0.9, change=moved,
    )  # fmt: skip
    return KindAudit(
        kind="advanced", conversion="anchored", verdict=verdict, without=(0.3, 0.4), societies=(distance,),
        axes=(following, following.model_copy(update={"axis": "Y"})), mean_change=moved, mean_change_of_such=moved,
        caveat="1 society tells little of others",
    )  # fmt: skip


def with_personas(verdict, **changes):
    base = make_report(verdict, verdict)
    results = base.results.model_copy(
        update={
            "personas": (reading(base.results), reading(base.results, "TJK", missing=("Y03", "X03"))),
            "persona_audit": PersonaAudit(kinds=(audit(verdict),)),
        }
    )
    personas = [{"id": "advanced-IND", "name": HOSTILE, "text": f"You are {HOSTILE}."}]
    run = {**base.run, "config": {**base.run.get("config", {}), "design": {"personas": personas}}}
    return Report(**{**base.__dict__, "results": results, "run": run, **changes})


@pytest.mark.parametrize("verdict", ["not interpretable", "weak"])
def test_nothing_is_read_where_the_check_does_not_allow_it(verdict):
    report = with_personas(verdict)
    assert "nothing may be read into them" in lead_sentence(report)
    said = " ".join(audit_sentences(audit(verdict)))
    assert f"The verdict is “{verdict}”" in said
    assert "nearer" not in said
    assert "not to be read" in said
    section = persona_section(report)
    assert verdict in section.audits[0].title
    assert all(row[2] == verdict for row in section.readings.rows)
    lines = describe_personas(report.results)
    assert "not to be read" in lines[0]
    assert verdict in next(line for line in lines if line.startswith("Audit"))


def test_what_may_be_read_is_said_with_its_interval():
    assert "may be read, with its interval" in lead_sentence(with_personas("interpretable"))
    said = audit_sentences(audit("interpretable"))
    assert "a change of −0.30 (−0.50 to −0.10), nearer to them." in said[0]
    assert "further from them" in audit_sentences(audit("interpretable", (0.3, 0.1, 0.5)))[0]
    assert "cannot be told from none" in audit_sentences(audit("interpretable", (0.3, -0.1, 0.5)))[0]
    assert said[-1] == "1 society tells little of others."


def test_figures_without_value_or_interval_say_why():
    assert (
        figure(Figure(value=None, note="not estimable: three are needed"))
        == "not estimable: three are needed"
    )
    assert figure(Figure(value=0.5)) == "+0.50"


def test_partial_profiles_are_marked():
    section = persona_section(with_personas("weak"))
    assert any("TJK, advanced (partial: without Y03, X03)" in row[0] for row in section.readings.rows)
    assert "(partial profile)" in section.audits[0].distances.rows[0][0]
    lines = describe_personas(with_personas("weak").results)
    assert any("partial: without Y03, X03" in line for line in lines)


def test_hostile_names_and_texts_stay_text():
    html = render(with_personas("weak"))
    assert "<script>alert(1)</script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "{{ 7 * 7 }}" in html
    assert html.index('id="h-verdict"') < html.index('id="h-personas"')
    assert "config.design.personas" not in html


def test_a_run_without_personas_has_no_such_part():
    report = make_report("weak")
    assert persona_section(report) is None
    assert describe_personas(report.results) == []
    assert Results.model_validate(json.loads(report.results.model_dump_json())) == report.results
