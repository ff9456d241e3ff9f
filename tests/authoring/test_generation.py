"""The generator against a teacher behind a real socket: plan, checks, judge, shortlist, and what goes wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from culturescope.authoring.generation import Order, describe, generate
from culturescope.authoring.generation_checks import Checker
from culturescope.authoring.generation_plan import plan
from culturescope.authoring.judge import Judgement, sheet, verdict
from culturescope.authoring.pool import Candidate, Pool, Reject, read_pool
from culturescope.authoring.teacher import Draft, LocalTeacher, ServedTeacher, examples_for, writing_prompt
from culturescope.cli import run
from culturescope.errors import BadInputError, RunFailedError, RunFolderError
from culturescope.instrument import load_pack
from culturescope.models import Address, Budget, Endpoint, EndpointError, MockModel
from tests.authoring.making import GOOD
from tests.authoring.scripted_teacher import GoodTeacher
from tests.scripted_server import ScriptedServer, Step, says, status, writes

PACK = load_pack()
SMALL = Order(items=("Y01", "X04"), domains=("family",), per_cell=2, pool=2, workers=3)
ABOUT = {"pack": None, "seed": 42}


def teacher(server: ScriptedServer, **budget: Any) -> ServedTeacher:
    return ServedTeacher(
        Endpoint(Address(server.url, "t"), sleep=lambda seconds: None, budget=Budget(**budget), retries=1)
    )


def make(folder: Path, server: ScriptedServer, order: Order = SMALL, **budget: Any) -> Any:
    pool = Pool.open(folder, ABOUT)
    try:
        return generate(pool, PACK, order, teacher(server, **budget))
    finally:
        pool.close()


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_a_plan_grows_without_changing_and_repeats_nothing() -> None:
    few, many = plan(["Y01", "X02"], ["family", "legal"], 5), plan(["Y01", "X02"], ["family", "legal"], 60)
    assert many[: len(few)] == few
    assert len({one.id for one in many}) == 240
    for item in ("Y01", "X02"):
        for domain in ("family", "legal"):
            cell = [one for one in many if (one.item, one.domain) == (item, domain)]
            assert len({one.theme for one in cell[:36]}) == 36
            assert len({(one.theme, one.setting) for one in cell}) == 60
            assert Counter(one.longer for one in cell) == {"positive": 30, "negative": 30}
    assert plan(["Y01"], ["family"], 5, seed=1) != plan(["Y01"], ["family"], 5, seed=2)
    assert plan(["Y01"], ["a-domain-of-its-own"], 1)[0].theme
    with pytest.raises(BadInputError):
        plan(["Y01"], ["family"], 0)


def test_the_teacher_reads_item_poles_and_plan_and_never_an_evaluation_scenario() -> None:
    (wanted,) = plan(["Y01"], ["family"], 1)
    examples = examples_for(PACK, wanted, 3)
    assert {s.split for s in examples} == {"optimise"}
    assert {s.item for s in examples} == {"Y01"}
    text = writing_prompt(PACK, wanted, examples).messages[-1].content
    item = PACK.item("Y01")
    for part in (item.label, item.positive, item.negative, wanted.theme, wanted.setting, wanted.occasion):
        assert part in text
    assert not re.search(r"\{\w+\}", text)
    assert "EXAMPLES" not in writing_prompt(PACK, wanted).messages[-1].content


def test_the_judge_is_blind() -> None:
    scenario = PACK.scenarios[0]
    orders = set()
    for seed in range(40):
        shown = sheet(PACK, scenario, seed)
        text = "\n".join(m.content for m in shown.prompt.messages)
        assert scenario.id not in text
        assert scenario.note not in text
        assert scenario.item not in text
        right = next(code for code, item in shown.codes.items() if item == scenario.item)
        orders.add((right, shown.pole_of_a, text.index(scenario.positive) < text.index(scenario.negative)))
        line = next(one for one in text.split("\n") if one.startswith(f"{right}. "))
        poles = re.fullmatch(rf"{right}\. .*\. Pole 1: (.*)\. Pole 2: (.*)\.", line)
        assert poles
        a = scenario.positive if f"(a) {scenario.positive}" in text else scenario.negative
        stands_for = (
            PACK.item(scenario.item).positive if a == scenario.positive else PACK.item(scenario.item).negative
        )
        assert poles.group(shown.pole_of_a) == stands_for
        good = verdict(
            shown, Judgement(item=f" {right.lower()}.", pole_of_a=shown.pole_of_a, relevance=4), scenario
        )
        turned = verdict(shown, Judgement(item=right, pole_of_a=3 - shown.pole_of_a, relevance=5), scenario)
        assert good.relevant()
        assert not good.relevant(5)
        assert not turned.relevant()
        assert turned.item_recovered
        assert not verdict(shown, Judgement(item="Q99", pole_of_a=1, relevance=5), scenario).item_recovered
    assert len({first for first, _, _ in orders}) > 5
    assert {pole for _, pole, _ in orders} == {1, 2}
    assert {first for _, _, first in orders} == {True, False}


def draft(**fields: str) -> Draft:
    texts = {
        "situation": GOOD.situation,
        "positive": GOOD.positive,
        "negative": GOOD.negative,
        "note": GOOD.note,
        "topic": "water",
        "setting": "village",
    }
    return Draft.model_validate({**texts, **fields})


@pytest.mark.parametrize(
    ("fields", "stage", "words"),
    [
        ({"situation": "Too short."}, "rules", "situation-length"),
        ({"positive": "Give the water to her. Then go home with the others."}, "rules", "sentence"),
        (
            {"positive": "Give the water in the modern way to Amparo and tell the elders."},
            "rules",
            "value-word",
        ),
        ({"negative": GOOD.positive.upper()}, "rules", "both options are the same"),
        ({"negative": "Give the \u202ewater to the widow and tell the elders that."}, "rules", "U+202E"),
        ({"positive": ". . . . . . . . . ."}, "rules", "positive holds no word"),
        ({"situation": PACK.scenarios[0].situation}, "repeat", f"same situation as {PACK.scenarios[0].id}"),
        ({"situation": f"{PACK.scenarios[0].situation} So it is today."}, "repeat", "runs of five words"),
    ],
)
def test_what_breaks_a_rule_is_rejected_with_the_reason(
    fields: dict[str, str], stage: str, words: str
) -> None:
    (wanted,) = plan(["Y01"], ["family"], 1)
    checker = Checker(PACK)
    assert isinstance(Checker(PACK).check(wanted, draft()), Candidate)
    found = checker.check(wanted, draft(**fields))
    assert isinstance(found, Reject)
    assert found.stage == stage
    assert words in found.reason


def test_meaning_is_held_against_the_pack_and_earlier_candidates() -> None:
    import numpy as np

    def encode(texts: Any) -> Any:
        """Two directions: texts with and without water."""
        return np.asarray(
            [[1.0, 0.0] if "water" in t.lower() else [0.0, 1.0] for t in texts], dtype=np.float32
        )

    dry = PACK.model_copy(
        update={"scenarios": tuple(s for s in PACK.scenarios if "water" not in s.situation.lower())[:1]}
    )
    first, second = plan(["Y01"], ["family"], 2)
    checker = Checker(dry, encode)
    taken = checker.check(first, draft())
    assert isinstance(taken, Candidate)
    assert re.fullmatch(rf"{first.id}-[0-9a-f]{{6}}", taken.scenario.id)
    other = "Nine goats drink of the water that ran down from upper terraces, while two herders wait for a word from you, and both would be content with either order of the herds."
    found = checker.check(
        second,
        draft(
            situation=other,
            positive="Let the brown herd go down first, and then the white one.",
            negative="Let the white herd go down first, and then the brown one.",
        ),
    )
    assert isinstance(found, Reject)
    assert f"in meaning as {taken.scenario.id} (cosine 1.00)" in found.reason


def test_a_run_makes_a_shortlist(tmp_path: Path) -> None:
    with ScriptedServer([writes(GoodTeacher())]) as server:
        outcome = make(tmp_path / "pool", server)
    assert (outcome.asked, len(outcome.candidates), len(outcome.rejects)) == (8, 8, 0)
    assert len(server.requests) == 16
    pack, known, chosen = read_pool(tmp_path / "pool")
    assert pack.id == "wvs"
    assert len(known) == 8
    assert Counter(one.split("-p")[0] for one in chosen) == {
        "Y01-family": 2,
        "X04-family": 2,
    }
    assert all((said := known[one].verdict) and said.relevant() for one in chosen)
    assert outcome.diversity.cells == 2
    assert outcome.diversity.greedy >= outcome.diversity.random
    svg = (tmp_path / "pool" / "diversity.svg").read_text()
    assert svg.startswith("<svg")
    assert "at random" in svg
    assert "coverage" in "\n".join(describe(outcome, {"requests": 16, "tokens": 240}))


def test_a_second_run_pays_nothing_and_a_larger_pool_only_for_the_new(tmp_path: Path) -> None:
    with ScriptedServer([writes(GoodTeacher())]) as server:
        first = make(tmp_path, server)
        again = make(tmp_path, server)
        assert len(server.requests) == 16
        assert again.shortlist == first.shortlist
        assert again.candidates == first.candidates
        more = make(tmp_path, server, replace(SMALL, pool=3))
    assert len(server.requests) == 24
    assert more.candidates[:8] == first.candidates
    replies = lines(tmp_path / "replies.jsonl")
    assert len({row["key"] for row in replies}) == len(replies) == 24


def test_a_judge_that_does_not_recover_keeps_a_candidate_off_the_shortlist(tmp_path: Path) -> None:
    with ScriptedServer([writes(GoodTeacher(relevance=3))]) as server:
        outcome = make(tmp_path, server)
    assert outcome.shortlist == []
    assert {r.stage for r in outcome.rejects} == {"judge"}
    assert {r.reason for r in outcome.rejects} == {"relevance 3 of 5"}
    assert outcome.short == {"Y01-family": 0, "X04-family": 0}
    assert not (tmp_path / "diversity.svg").exists()


def test_faults_of_some_answers_are_rejects_and_the_rest_goes_on(tmp_path: Path) -> None:
    good = GoodTeacher()
    faults = iter(["refuse", "cut", "words", "broken", "half"])

    def answer(request: dict[str, Any]) -> Step:
        text = request["messages"][-1]["content"]
        fault = None if text.startswith("Below") or "could not be used" in text else next(faults, None)
        if "THIS IS BROKEN" in text:
            fault = "words"
        if fault == "refuse":
            return says(None, refusal="I will not write this.")(request)
        if fault == "cut":
            return says('{"situation": "It', finish="length")(request)
        if fault == "words":
            return says("Here is my dilemma: should one?")(request)
        if fault == "broken":
            return says("```json\n" + good.write(text) + "\n```")(request)
        if fault == "half":
            return says('{"situation": "Only this."}')(request)
        return writes(good)(request)

    with ScriptedServer([answer]) as server:
        outcome = make(tmp_path, server, replace(SMALL, workers=1))
    assert [r.reason.split(":")[0] for r in outcome.rejects] == ["refused", "truncated"]
    assert len(outcome.candidates) == 6, (
        "fences are taken off, one without JSON and one with half of it are repaired"
    )
    stored = lines(tmp_path / "rejects.jsonl")
    assert [(r["stage"], r["text"]) for r in stored] == [("answer", ""), ("answer", '{"situation": "It')]


def test_a_teacher_that_repeats_itself_is_stopped(tmp_path: Path) -> None:
    good = GoodTeacher()
    kept: list[str] = []

    def answer(request: dict[str, Any]) -> str:
        if request["messages"][-1]["content"].startswith("Below"):
            return good(request)
        kept.append(good(request))
        return kept[0]

    with ScriptedServer([writes(answer)]) as server:
        outcome = make(
            tmp_path,
            server,
            replace(SMALL, items=("Y01",), domains=("family",), per_cell=50, pool=3, workers=1),
        )
    assert len(outcome.candidates) == 1
    assert outcome.asked == 61
    assert len(kept) <= 63
    assert {r.stage for r in outcome.rejects} == {"repeat"}
    assert "60 answers in a row" in outcome.stopped
    assert len(outcome.shortlist) == 1


def test_a_teacher_that_cannot_do_it_is_paid_for_a_trial_only(tmp_path: Path) -> None:
    words = pytest.raises(RunFailedError, match=r"none of the first 20 of 24 answers.*20 answer: refused")
    with ScriptedServer([says("I can't help with that.")]) as server, words:
        make(tmp_path, server, replace(SMALL, per_cell=6))
    assert len(server.requests) == 20
    assert len(lines(tmp_path / "rejects.jsonl")) == 20
    assert lines(tmp_path / "candidates.jsonl") == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (status(401), "key"),
        (status(429, "Out.", "insufficient_quota"), "quota"),
        (status(503), "failed"),
        (status(429), "busy"),
    ],
)
def test_a_fault_of_the_endpoint_keeps_what_was_paid_for(tmp_path: Path, fault: Any, kind: str) -> None:
    good = GoodTeacher()
    faulty = True
    answered: list[str] = []

    def answer(request: dict[str, Any]) -> Step:
        if faulty and len(answered) == 5:
            return fault(request)
        answered.append(json.dumps(request["messages"]))
        return writes(good)(request)

    with ScriptedServer([answer]) as server:
        with pytest.raises(EndpointError) as caught:
            make(tmp_path, server)
        assert caught.value.kind == kind
        assert len(lines(tmp_path / "replies.jsonl")) == 5
        assert len(lines(tmp_path / "candidates.jsonl")) <= 5
        faulty = False
        assert len(make(tmp_path, server).shortlist) == 4
    assert len(answered) == len(set(answered)) == 16


def test_budgets_count_what_the_folder_holds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ScriptedServer([writes(GoodTeacher())]) as server:
        command = ["scenarios", "generate", "--teacher", f"{server.url}#t", "--output", str(tmp_path / "p")]
        command += ["--items", "Y01,X04", "--domains", "family", "--per-cell", "2", "--pool", "2", "--quiet"]
        assert run([*command, "--max-requests", "5", "--workers", "1"]) == 1
        assert len(server.requests) == 5
        said = capsys.readouterr().err
        assert "budget of 5 requests is used up" in said
        assert "5 replies (75 tokens) are kept" in said
        assert run([*command, "--max-requests", "5"]) == 1
        assert len(server.requests) == 5
        assert run([*command, "--max-requests", "16", "--json"]) == 0
        assert len(server.requests) == 16
    found = json.loads(capsys.readouterr().out)
    assert (found["asked"], found["shortlist"], found["paid"]) == (8, 4, {"requests": 16, "tokens": 240})
    stored = json.loads((tmp_path / "p" / "pool.json").read_text())
    assert stored["outcome"]["shortlist"] == 4


def test_server_and_model_may_be_given_apart_and_another_model_may_judge(tmp_path: Path) -> None:
    with ScriptedServer([writes(GoodTeacher())]) as server:
        command = ["scenarios", "generate", "--base-url", server.url, "--teacher", "big", "--judge", "other"]
        command += ["--output", str(tmp_path / "p"), "--item", "Y01", "--domain", "family", "--per-cell", "1"]
        assert run([*command, "--pool", "1", "--quiet"]) == 0
    assert [r["model"] for r in server.requests] == ["big", "other"]
    assert [r["temperature"] for r in server.requests] == [0.9, 0.0]


def test_a_killed_run_goes_on_without_paying_twice(tmp_path: Path) -> None:
    good = GoodTeacher()
    process: list[subprocess.Popen[bytes]] = []
    killed = []

    def answer(request: dict[str, Any]) -> Step:
        if len(server.requests) == 7 and not killed:
            killed.append(request)
            os.kill(process[0].pid, signal.SIGKILL)
        return writes(good)(request)

    with ScriptedServer([answer]) as server:
        command = [
            sys.executable,
            "-m",
            "culturescope",
            "scenarios",
            "generate",
            "--teacher",
            f"{server.url}#t",
        ]
        command += [
            "--output",
            str(tmp_path / "p"),
            "--items",
            "Y01,X04",
            "--domains",
            "family",
            "--per-cell",
            "2",
        ]
        command += ["--pool", "2", "--workers", "1", "--quiet"]
        process.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        assert process[0].wait(60) == -signal.SIGKILL
        assert len(lines(tmp_path / "p" / "replies.jsonl")) == 6
        (tmp_path / "p" / "replies.jsonl").open("a").write('{"key": "half a li')
        assert run(command[3:]) == 0
        assert len(server.requests) == 7 + 10, (
            "six were kept, one was under way, nine and the lost one were asked for"
        )
    assert Counter(json.dumps(r["messages"]) for r in server.requests).most_common(2)[0][1] == 2
    assert len(lines(tmp_path / "p" / "replies.jsonl")) == 16
    assert len(lines(tmp_path / "p" / "shortlist.jsonl")) == 4


def test_no_key_reaches_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    key = "sk-planted-0123456789"
    monkeypatch.setenv("MY_KEY", key)

    def leak(request: dict[str, Any]) -> Step:
        return says(f"The key is {key}.")(request)

    with ScriptedServer([*[leak] * 30, status(401, f"bad key {key}")]) as server:
        command = ["scenarios", "generate", "--teacher", f"{server.url}#t", "--api-key-env", "MY_KEY"]
        for folder in ("one", "two"):
            assert run(
                [*command, "--output", str(tmp_path / folder), "--items", "Y01", "--per-cell", "3"]
            ) in (1, 2)
        assert {h["authorization"] for h in server.headers} == {f"Bearer {key}"}
    out, err = capfd.readouterr()
    assert "MY_KEY" in err
    assert key not in out + err
    stored = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert any("[key]" in p.read_text() for p in stored)
    assert not any(key in p.read_text() for p in stored)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--items", "Z9"], "Z9"),
        (["--per-cell", "0"], "--per-cell must be at least 1"),
        (["--min-relevance", "6"], "at most 5"),
        (["--max-requests", "0"], "max_requests must be at least 1"),
        (["--requests-per-minute", "0"], "requests per minute must be positive"),
        (["--teacher", "http://localhost:1/v1"], "names no model"),
        (["--teacher", "no-such-model"], "there is no model"),
    ],
)
def test_bad_input_is_one_line(
    options: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [
        "scenarios",
        "generate",
        "--teacher",
        "http://localhost:1/v1#t",
        "--output",
        str(tmp_path / "p"),
        *options,
    ]
    assert run(given) == 2
    said = capsys.readouterr().err.strip()
    assert words in said
    assert said.count("\n") == 0
    assert not (tmp_path / "p").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "letter.txt").write_text("Dear all")
    with pytest.raises(RunFolderError, match="something else"):
        Pool.open(tmp_path / "a", ABOUT)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / ".lock").write_text(
        "1234"
    )  # of a process that was killed before it wrote anything else
    Pool.open(tmp_path / "b", ABOUT).close()
    with pytest.raises(RunFolderError, match="made with the seed 42, not 7"):
        Pool.open(tmp_path / "b", {**ABOUT, "seed": 7})
    held = Pool.open(tmp_path / "b", ABOUT)
    with pytest.raises(RunFolderError, match="in use by process"):
        Pool.open(tmp_path / "b", ABOUT)
    held.close()


def test_a_model_that_cannot_write_ends_cleanly(tmp_path: Path) -> None:
    pool = Pool.open(tmp_path, ABOUT)
    order = Order(items=("Y01",), domains=("family",), per_cell=1, pool=2, workers=1)
    writer = LocalTeacher(MockModel(lambda prompt: (1.0, 0.0)), budget=Budget(max_requests=10))
    with pytest.raises(RunFailedError, match="none of the first 2 of 2 answers"):
        generate(pool, PACK, order, writer)
    pool.close()
    assert [(r["stage"], r["text"]) for r in lines(tmp_path / "rejects.jsonl")] == [("answer", "A")] * 2
    assert writer.budget.requests == 4, "each was asked for once more"
