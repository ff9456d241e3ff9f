"""A whole study of a tiny model: every part, what is left out and why, stops and resumes, and what it was planned to take."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from culturescope.cli import run
from culturescope.errors import BadInputError, ModelError
from culturescope.experiments import audit
from culturescope.experiments.design import Design
from culturescope.experiments.resume import resume_run
from culturescope.experiments.steer.folder import read_search_file
from culturescope.experiments.steer.results import AimStudy, DomainTable, EntangleStudy
from culturescope.experiments.steer.sweep_results import Sweep
from culturescope.experiments.study.doing import Doing
from culturescope.experiments.study.file import StudyFile, read_study
from culturescope.experiments.study.making import made
from culturescope.experiments.study.names import PART_NAMES
from culturescope.experiments.study.running import carry_out_study, start_study
from culturescope.experiments.study.scope import Scope
from culturescope.experiments.study.settings import Settings, profiles
from culturescope.experiments.study.steered import SteeredReadings
from culturescope.models import load
from culturescope.runs import RunFolder

TINY = {
    "survey": {"instruments": ["options"], "wordings": 2, "personas": False},
    "personas": {"societies": ["ARG"]},
    "search": {"limit": 30, "top": 2, "how": "first-order"},
    "step": {"random": "estimated"},
    "sweep": {"doses": [0.1], "random": 0, "quality_prompts": 2, "new_tokens": 2},
    "entangle": {"penalised": False, "others": [0.2]},
    "methods": {"sites": ["option-text"], "methods": ["mean-difference"], "first_order": True},
    "aim": {"steps": 1, "most_perplexity": 1.5, "quality_prompts": 4, "new_tokens": 2, "random": 0},
    "generate": {"questions": 2, "new_tokens": 2},
}
ASKED = {"limit": 10, "check_limit": 4, "template_ids": ("plain",), "agreement": 2}


def scope_of(*parts: str, **changes: Any) -> Scope:
    design = Design.of("quick", **ASKED)
    settings = made("full", design, changes={**TINY, **changes})
    # A probe smaller than the search, which needs a scenario of every item in each of its parts.
    search = settings.search.model_copy(update={"limit": 30})
    settings = settings.model_copy(update={"search": search})
    return Scope(design, settings.chosen(parts) if parts else settings)


def begun(model: Any, source: Path, scope: Scope, place: Path) -> RunFolder:
    return start_study(model, scope, load={"source": str(source)}, output_path=place)


@pytest.fixture(scope="module")
def source(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that reads as much as a persona and a dilemma need together."""
    path = tmp_path_factory.mktemp("model") / "qwen3"
    shutil.copytree(tiny("qwen3"), path)
    for name in ("config.json", "tokenizer_config.json"):
        text = (path / name).read_text()
        (path / name).write_text(text.replace("1024", "4096"))
    return path


@pytest.fixture(scope="module")
def model(source: Path) -> Any:
    return load(str(source))


@pytest.fixture(scope="module")
def studied(model: Any, source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A study with all parts but benchmarks."""
    place = tmp_path_factory.mktemp("study") / "run"
    said: list[str] = []
    parts = [p for p in PART_NAMES if p not in ("probe", "tax")]
    with begun(model, source, scope_of(*parts), place) as folder:
        carry_out_study(model, folder, quiet=False, say=said.append)
    return place, said


def test_every_part_writes_what_its_own_command_writes(studied: tuple[Path, list[str]]) -> None:
    place, _ = studied
    study = read_study(place)
    assert tuple(r.part for r in study.parts) == PART_NAMES
    assert {r.part: (r.status, r.reason) for r in study.parts} == {
        **dict.fromkeys(PART_NAMES, ("done", None)),
        "tax": ("off", "left out by --only"),
    }
    for record in study.parts:
        assert all((place / name).is_file() for name in record.files), record
        assert record.status == "off" or (record.files and record.seconds)
    search = place / "search"
    assert set(read_search_file(search).axes) == {"Y", "X"}
    assert Sweep.model_validate_json((search / "sweep" / "sweep.json").read_text()).rows[0].alpha == 0
    EntangleStudy.model_validate_json((search / "entangle.json").read_text())
    for table in json.loads((search / "domains.json").read_text()).values():
        DomainTable.model_validate(table)
    aimed = AimStudy.model_validate_json((search / "aim-ARG.json").read_text())
    on_top = AimStudy.model_validate_json((search / "aim-ARG-advanced.json").read_text())
    assert (aimed.on_top_of, on_top.on_top_of) == (None, "advanced-ARG")
    # Personas stand beside either aim, with the texts that the personas' part asked.
    assert {"basic-ARG", "advanced-ARG"} <= {r.name for r in aimed.reached}
    written = json.loads((search / "generate.json").read_text())
    assert ([e["label"] for e in written["steering"]], len(written["answers"])) == (["Y", "X"], 2)


def test_steered_readings_hold_the_probabilities_of_both_orders(
    studied: tuple[Path, list[str]], model: Any
) -> None:
    import torch

    from culturescope.experiments.steer.opening import open_search
    from culturescope.instrument import load_pack
    from culturescope.prompts import ORDERS, dilemma, templates

    place, _ = studied
    found = SteeredReadings.model_validate_json((place / "search" / "steered.json").read_text())
    assert [c.name for c in found.changes] == ["unsteered", "Y+", "Y-", "X+", "X-"]
    row = found.scenarios[0]
    scenario = next(s for s in load_pack().scenarios if s.id == row.scenario)
    prompts = [dilemma(scenario, templates([row.template])[0], order) for order in ORDERS]
    opened = open_search(place / "search")
    from culturescope.steering.applying import Edit, steered
    from culturescope.steering.vector import Origin, SteeringVector

    step = SteeringVector(
        {
            b: opened.vectors["X"].alpha_for(0.1, b) * opened.vectors["X"][b]
            for b in opened.vectors["X"].blocks
        },
        Origin(label="step", method="step"),
    )
    for column, edits in ((0, []), (3, [Edit(step, 1.0)])):
        with steered(model, edits):
            read = {
                n: r for numbers, rs in model.read_letters(prompts) for n, r in zip(numbers, rs, strict=True)
            }
        gaps = [read[n].logits[0] - read[n].logits[1] for n in range(2)]
        assert torch.allclose(
            torch.tensor([row.b[column] + row.d[column], row.b[column] - row.d[column]]).double(),
            torch.tensor(gaps).double(),
            atol=1e-4,
        )


def test_personas_take_what_the_probe_has_answered_and_ask_the_rest(studied: tuple[Path, list[str]]) -> None:
    place, _ = studied
    own, asked = RunFolder.open(place).known(), RunFolder.open(place / "personas").known()
    assert set(own) < set(asked)
    assert {row["persona"] for key, row in asked.items() if key not in own} == {"basic-ARG", "advanced-ARG"}


def check_counts(study: StudyFile, at_most: tuple[str, ...]) -> None:
    """What was planned is what the model counted, part by part; `at_most` may end before."""
    for record in study.parts:
        if record.status == "off":
            continue
        planned, asked = record.planned, record.asked
        assert asked is not None, record.part
        found = (asked.prompts, asked.readings, asked.tokens)
        expected = (planned.prompts, planned.readings, planned.tokens or 0)
        # A number of two tokens has its first one read again; personas of one kind differ in a few words.
        near = [pytest.approx(e, rel=0.01) for e in expected]
        if record.part in at_most:
            assert all(0.4 * e <= f <= 1.01 * e for f, e in zip(found, expected, strict=True)), record
        else:
            assert list(found) == [*expected[:2], near[2]], record
            # Which blocks a search will choose is not known before it; of three blocks, one more is much.
            off = 3.0 if record.part == "search" else 1.5
            assert 1 / off < planned.flops / asked.flops < off, record
        assert asked.written <= planned.written, record
        # Texts that an aim wrote before are kept.
        assert asked.written > 0 or not planned.written or record.part in at_most, record


def test_the_plan_counts_what_every_part_asks(studied: tuple[Path, list[str]]) -> None:
    """The easy wrong version: controls forgotten, contrast texts taken for prompts, texts of quality not counted at all."""
    place, said = studied
    study = read_study(place)
    check_counts(study, at_most=("methods", "aim", "together"))
    for part in ("probe", "survey", "personas"):
        known = set(RunFolder.open(place if part == "probe" else place / part).known())
        if part == "personas":
            known -= set(RunFolder.open(place).known())
        assert study.part(part).planned.prompts == len(known)
    for part in PART_NAMES[:-1]:
        assert sum(line.startswith(f"{part}: ") and "prompts" in line for line in said) == 1, part


def test_other_ways_are_counted_as_well(
    model: Any, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every block measured, all random steps measured for each vector, penalised directions, several sites and steps."""
    changes = {
        "search": {"limit": 11, "how": "exact"},
        "step": {"alpha": 0.3, "random": "measured"},
        "sweep": {"alphas": [-0.2, 0, 0.2], "doses": [], "random": 20, "quality_prompts": 0},
        "entangle": {"penalised": True, "others": []},
        "methods": {"sites": ["option-mean", "answer-letter"], "first_order": False},
    }
    design = Design.of("quick", **{**ASKED, "limit": 4, "check_limit": 0, "agreement": 0})
    settings = made("full", design, changes={**TINY, **changes})
    settings = settings.model_copy(update={"search": settings.search.model_copy(update={"limit": 11})})
    plain = Scope.parts

    def few(self: Scope) -> Any:
        """Two scenarios of each axis to report on, as twenty random steps are many readings."""
        parts = plain(self)
        by_axis: dict[str, list[Any]] = {}
        for s in parts.report:
            by_axis.setdefault(self.pack().axis_of(s), []).append(s)
        return replace(parts, report=tuple(s for found in by_axis.values() for s in found[:2]))

    monkeypatch.setattr(Scope, "parts", few)
    scope = Scope(design, settings.chosen(("search", "sweep", "entangle", "methods")))
    with begun(model, source, scope, tmp_path / "run") as folder:
        carry_out_study(model, folder, quiet=True)
    study = read_study(tmp_path / "run")
    assert {r.status for r in study.parts} == {"done", "off"}, [r.reason for r in study.parts]
    check_counts(study, at_most=())


def test_a_part_that_was_stopped_goes_on_and_what_was_done_stays(
    model: Any, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = scope_of("survey", "search", "steered")
    plain = Doing.do

    def stopped(self: Doing, part: str) -> list[str]:
        if part == "steered":
            raise KeyboardInterrupt
        return plain(self, part)

    with monkeypatch.context() as patch:
        patch.setattr(Doing, "do", stopped)
        with pytest.raises(KeyboardInterrupt), begun(model, source, scope, tmp_path / "run") as folder:
            carry_out_study(model, folder, quiet=True)
    study = read_study(tmp_path / "run")
    assert [study.part(p).status for p in ("survey", "search", "steered")] == ["done", "done", "stopped"]
    kept = {
        name: (tmp_path / "run" / name).read_bytes()
        for name in ("survey/samples.jsonl", "search/search.json")
    }
    resume_run(tmp_path / "run", quiet=True)
    assert read_study(tmp_path / "run").part("steered").status == "done"
    assert {name: (tmp_path / "run" / name).read_bytes() for name in kept} == kept


def test_a_search_killed_in_the_middle_ends_with_the_numbers_of_one_that_was_not(
    studied: tuple[Path, list[str]], model: Any, source: Path, tmp_path: Path
) -> None:
    place, _ = studied
    stored = Settings.from_dict(read_study(place).settings)
    scope = Scope(audit.design_of(RunFolder.open(place)), stored.chosen(("search",)))

    class Killed(BaseException):
        pass

    def say(line: str) -> None:
        if line.startswith("X: slopes"):
            raise Killed

    with pytest.raises(Killed), begun(model, source, scope, tmp_path / "run") as folder:
        carry_out_study(model, folder, quiet=True, say=say)
    assert read_study(tmp_path / "run").part("search").status == "running"
    assert list((tmp_path / "run" / "search" / "stages").glob("*.safetensors"))
    resume_run(tmp_path / "run", quiet=True)
    whole, again = (read_search_file(p / "search").axes for p in (place, tmp_path / "run"))
    assert whole == again


def test_a_part_that_fails_stops_no_other_and_the_command_exits_with_1(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = Doing.do

    def broken(self: Doing, part: str) -> list[str]:
        if part == "survey":
            raise ModelError("its answers ended")
        return plain(self, part)

    asked = ["--limit", "4", "--check-limit", "0", "--templates", "1", "--quiet", "-o", str(tmp_path / "run")]
    with monkeypatch.context() as patch:
        patch.setattr(Doing, "do", broken)
        assert run(["audit", str(source), "--only", "survey,search,steered", *asked]) == 1
    study = read_study(tmp_path / "run")
    assert (study.part("survey").status, study.part("survey").reason) == ("failed", "its answers ended")
    # Four scenarios are too few to search on; that is no failure, and what begins from the search is left out with it.
    assert study.part("search").status == study.part("steered").status == "skipped"
    assert "scenarios" in str(study.part("search").reason)
    assert "Failed: survey" in capsys.readouterr().err
    assert run(["resume", str(tmp_path / "run"), "--quiet"]) == 0
    assert read_study(tmp_path / "run").part("survey").status == "done"


def test_parts_are_chosen_by_profile_and_by_name() -> None:
    quick = Settings.of("quick")
    assert set(PART_NAMES) - set(quick.off) == {"probe", "survey"}
    assert quick.off["aim"] == "not part of the profile quick"
    assert set(Settings.of("full").off) == set()
    chosen = quick.chosen(("aim", "search"))
    assert set(PART_NAMES) - set(chosen.off) == {"probe", "search", "aim"}
    assert quick.chosen((), ("survey",)).off["survey"] == "switched off by --without"
    for wrong in (("aims",), ()), ((), ("aims",)), (("aim",), ("aim",)), ((), ("probe",)):
        with pytest.raises(BadInputError):
            quick.chosen(*wrong)
    for wrong_changes in ({"swep": {}}, {"sweep": {"alpha": 1}}, {"parts": ["aims"]}):
        with pytest.raises(BadInputError):
            Settings.of("quick", wrong_changes)
    with pytest.raises(BadInputError, match="unknown profile"):
        Settings.of("slow")
    assert set(profiles()) == {"quick", "paper", "full"}


def test_what_makes_no_sense_says_why(tmp_path: Path) -> None:
    settings = Settings.of("full").chosen()
    scope = Scope(Design.of("quick", pack="individualism-collectivism"), settings)
    assert "ten items of the map" in str(scope.why_not("survey", None))
    assert "two axes" in str(scope.why_not("entangle", None))
    bare = Scope(Design.of("quick"), made("quick", Design.of("quick")).chosen(("personas", "aim", "search")))
    assert "--persona" in str(bare.why_not("personas", None))
    assert "no society" in str(bare.why_not("aim", None))
    off = Scope(Design.of("quick"), Settings.of("full").chosen((), ("search",)))
    assert str(off.why_not("sweep", None)) == "it begins from the search: switched off by --without"


def test_quick_asks_at_most_1500_prompts(model: Any) -> None:
    from culturescope.experiments.study.planning import plan_study

    design = Design.of("quick")
    found = plan_study(Scope(design, made("quick", design)), model)
    assert found["parts"]["probe"]["prompts"] == 680
    assert found["total"]["prompts"] <= 1500
    assert found["parts"]["sweep"] == {"reason": "not part of the profile quick"}


def test_the_plan_command_names_every_part(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask = ["plan", "--limit", "30", "--check-limit", "0", "--templates", "1"]
    assert run([*ask, str(source), "--json", "--only", "search"]) == 0
    parts = json.loads(capsys.readouterr().out)["study"]["parts"]
    assert tuple(parts) == PART_NAMES
    assert parts["survey"] == {"reason": "left out by --only"}
    assert parts["search"]["readings"] > 0
    assert parts["search"]["seconds"] > 0
    assert run([*ask, "--only", "search"]) == 0
    assert "counted with a model" in capsys.readouterr().out
