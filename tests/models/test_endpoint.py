"""The client of endpoints against a real server that misbehaves by script."""

from __future__ import annotations

import json
import random
import socket
from typing import Any

import pytest
from pydantic import BaseModel

from culturescope.errors import BadInputError, ModelError
from culturescope.models import Address, Budget, Endpoint, EndpointError
from culturescope.models.limits import Pace, estimated_tokens, retry_after
from culturescope.models.structured import ask_for, find_objects
from culturescope.prompts import Prompt
from tests.scripted_server import ScriptedServer, completion, hang_up, raw, says, silence, status

HELLO = Prompt.of("Hello?", system="Be short.")
KEY = "sk-planted-0123456789"


def endpoint(server: ScriptedServer | str, waits: list[float] | None = None, **options: Any) -> Endpoint:
    url = server if isinstance(server, str) else server.url
    slept = waits if waits is not None else []
    options = {"environ": {}, "jitter": random.Random(1), **options}
    return Endpoint(Address(url, "scripted"), sleep=slept.append, **options)


def ask(one: Endpoint, **options: Any) -> Any:
    return one.chat(HELLO, **{"max_new_tokens": 20, **options})


def test_a_reply_comes_with_its_tokens_and_the_request_holds_what_was_asked() -> None:
    with ScriptedServer([says("Hi.")]) as server:
        reply = ask(endpoint(server), seed=3, temperature=0.5)
    assert (reply.text, reply.finish, reply.tokens, reply.counted) == ("Hi.", "stop", 15, True)
    (request,) = server.requests
    assert [m["role"] for m in request["messages"]] == ["system", "user"]
    assert (request["model"], request["seed"], request["temperature"], request["max_tokens"]) == (
        "scripted",
        3,
        0.5,
        20,
    )


def test_tokens_are_estimated_where_the_server_counts_none() -> None:
    with ScriptedServer([says("four by4", usage=None)]) as server:
        one = endpoint(server)
        reply = ask(one)
    assert not reply.counted
    assert reply.new_tokens == estimated_tokens("four by4") == 2
    assert one.budget.tokens == reply.tokens > 2


@pytest.mark.parametrize("fault", [status(429), status(500), status(503), hang_up, raw("<html>proxy</html>")])
def test_a_passing_fault_is_tried_again(fault: Any) -> None:
    waits: list[float] = []
    with ScriptedServer([says("first"), fault, says("Hi.")]) as server:
        one = endpoint(server, waits)
        ask(one)
        assert ask(one).text == "Hi."
    assert len(server.requests) == 3
    assert len(waits) == 1


def test_waits_grow_and_are_spread() -> None:
    waits: list[float] = []
    with ScriptedServer([status(500)]) as server, pytest.raises(EndpointError, match="500: no") as caught:
        ask(endpoint(server, waits, retries=4))
    assert caught.value.kind == "failed"
    assert len(server.requests) == 5
    for n, wait in enumerate(waits):
        assert 0.5 * 2**n <= wait <= 2**n
    assert len(waits) == 4
    assert len({wait / 2**n for n, wait in enumerate(waits)}) == 4


def test_retry_after_is_honoured() -> None:
    waits: list[float] = []
    with ScriptedServer([status(429, Retry_After="7"), says("Hi.")]) as server:
        assert ask(endpoint(server, waits)).text == "Hi."
    assert waits == [7.0]


def test_retry_after_may_be_a_date_or_milliseconds() -> None:
    at = "Wed, 21 Oct 2026 07:28:10 GMT"
    assert retry_after({"retry-after": at}, now=lambda: 1792567680.0) == 10.0
    assert retry_after({"retry-after-ms": "1500", "retry-after": "9"}) == 1.5
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({"retry-after": "nan"}) is None
    assert retry_after({}) is None


def test_a_wait_of_hours_is_said_and_not_slept() -> None:
    waits: list[float] = []
    hours = pytest.raises(EndpointError, match="asks to wait 7200 s")
    with ScriptedServer([status(429, Retry_After="7200")]) as server, hours as caught:
        ask(endpoint(server, waits))
    assert (caught.value.kind, waits) == ("busy", [])


@pytest.mark.parametrize(
    ("step", "kind", "exit_code", "words"),
    [
        (status(401), "key", 2, "api_key_env"),
        (status(403), "key", 2, "api_key_env"),
        (status(404, "no such model"), "missing", 2, "scripted.*no such model"),
        (status(400, "bad prompt"), "rejected", 2, "bad prompt"),
        (status(429, "You are out.", "insufficient_quota", Retry_After="1"), "quota", 1, "quota .* used up"),
        (status(402, "Pay."), "quota", 1, "quota .* used up"),
    ],
)
def test_what_will_not_pass_is_not_tried_again(step: Any, kind: str, exit_code: int, words: str) -> None:
    with ScriptedServer([step]) as server, pytest.raises(EndpointError, match=words) as caught:
        ask(endpoint(server))
    assert (caught.value.kind, caught.value.exit_code) == (kind, exit_code)
    assert len(server.requests) == 1


def test_silence_ends_as_a_time_out() -> None:
    with ScriptedServer([silence]) as server:
        one = endpoint(server, timeout=0.1, retries=1)
        with pytest.raises(EndpointError, match=r"within 0\.1 s") as caught:
            ask(one)
    assert caught.value.kind == "timeout"
    assert one.budget.requests == 2, "what ran into a time-out may have to be paid"


def test_no_server_is_said_soon() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        waits: list[float] = []
        with pytest.raises(EndpointError, match="no server answers at") as caught:
            ask(endpoint(url, waits))
    assert caught.value.kind == "down"
    assert len(waits) == 1


def test_a_page_in_place_of_json_is_asked_for_once_more_only() -> None:
    page = pytest.raises(EndpointError, match="<html>login")
    with ScriptedServer([raw("<html>login</html>")]) as server, page as caught:
        ask(endpoint(server))
    assert caught.value.kind == "malformed"
    assert len(server.requests) == 2


def test_the_key_is_sent_and_never_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    leak = f"bad key {KEY}; see {KEY}"
    answer = says(f"your key is {KEY}", refusal=KEY, finish=KEY, top=[(KEY, -0.1)])
    with ScriptedServer([answer, status(401, leak), raw(leak)]) as server:
        one = endpoint(server, api_key_env="MINE", environ={"MINE": f"{KEY}\n"})
        reply = ask(one)
        with pytest.raises(EndpointError) as refused:
            ask(one)
        with pytest.raises(EndpointError) as malformed:
            ask(one)
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    said = [repr(reply), repr(one), str(refused.value), str(malformed.value), caplog.text]
    assert "MINE" in said[2]
    assert (reply.text, reply.finish, reply.first) == ("your key is [key]", "[key]", (("[key]", -0.1),))
    assert not any(KEY in text for text in said)
    for error in (refused.value, malformed.value):
        assert error.__cause__ is None
        assert error.__suppress_context__ or error.__context__ is None


def test_a_key_is_wanted_for_https_and_kept_from_http() -> None:
    environ = {"OPENAI_API_KEY": KEY}
    with ScriptedServer([says("Hi.")]) as server:
        ask(endpoint(server, environ=environ))
    assert KEY not in server.headers[0]["authorization"]
    with pytest.raises(ModelError, match="OPENAI_API_KEY is not set"):
        endpoint("https://example.invalid/v1")
    with pytest.raises(ModelError, match="OTHER is not set"):
        endpoint("http://example.invalid/v1", api_key_env="OTHER")
    with pytest.raises(ModelError, match="line end"):
        endpoint("https://example.invalid/v1", environ={"OPENAI_API_KEY": "sk-1\nsk-2"})
    endpoint("https://example.invalid/v1", api_key_env="none")


def test_budgets_hold_before_a_request_is_sent() -> None:
    with ScriptedServer([says("Hi.")]) as server:
        one = endpoint(server, budget=Budget(max_requests=2))
        ask(one), ask(one)
        with pytest.raises(EndpointError, match="budget of 2 requests") as caught:
            ask(one)
        assert caught.value.kind == "budget"
        assert len(server.requests) == 2
        few = endpoint(server, budget=Budget(max_tokens=45))
        ask(few)
        with pytest.raises(EndpointError, match="45 tokens is used up: 15 are spent"):
            ask(few, max_new_tokens=30)
        assert ask(few, max_new_tokens=20).text == "Hi."
    assert few.budget.tokens == 30


def test_what_was_turned_away_costs_nothing() -> None:
    with ScriptedServer([status(500), status(429), says("Hi.")]) as server:
        one = endpoint(server, budget=Budget(max_requests=1))
        assert ask(one).text == "Hi."
    assert (one.budget.requests, one.budget.tokens) == (1, 15)


def test_the_pace_is_even() -> None:
    now = [100.0]
    pace = Pace(30, clock=lambda: now[0])
    assert [pace.wait() for _ in range(3)] == [0.0, 2.0, 4.0]
    now[0] += 60
    assert pace.wait() == 0.0
    assert Pace(None).wait() == 0.0
    for bad in (0, -1):
        with pytest.raises(BadInputError):
            Pace(bad)


@pytest.mark.parametrize(
    ("text", "url", "model"),
    [
        ("http://localhost:8000/v1#org/name", "http://localhost:8000/v1", "org/name"),
        ("https://host/v1/#name", "https://host/v1", "name"),
        ("http://[::1]:8000/v1/chat/completions#a%20b", "http://[::1]:8000/v1", "a b"),
    ],
)
def test_addresses(text: str, url: str, model: str) -> None:
    assert Address.of(text) == Address(url, model)


@pytest.mark.parametrize(
    "text",
    [
        "http://host/v1",
        "http://#name",
        "ftp://host#name",
        "http://host:port/v1#n",
        "http://user:pw@host/v1#n",
    ],
)
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(ModelError) as caught:
        Address.of(text)
    assert "pw" not in str(caught.value)


class Colour(BaseModel):
    name: str
    share: float


def asking(one: Endpoint) -> Any:
    return lambda prompt, schema: one.chat(prompt, max_new_tokens=50, schema=schema)


GOOD = '{"name": "red", "share": 0.5}'


def test_a_schema_is_sent_and_the_answer_checked() -> None:
    with ScriptedServer([says(GOOD)]) as server:
        answer = ask_for(Colour, asking(endpoint(server)), HELLO)
    assert answer.value == Colour(name="red", share=0.5)
    assert server.requests[0]["response_format"]["json_schema"]["schema"]["required"] == ["name", "share"]


def test_a_server_without_schemas_is_asked_for_less_and_that_is_remembered() -> None:
    def no(request: dict[str, Any]) -> Any:
        kind = request.get("response_format", {}).get("type")
        return status(400, f"unsupported {kind}")(request) if kind else says(f"Sure! {GOOD} Bye.")(request)

    with ScriptedServer([no]) as server:
        one = endpoint(server)
        assert ask_for(Colour, asking(one), HELLO).value == Colour(name="red", share=0.5)
        assert [r.get("response_format", {}).get("type") for r in server.requests] == [
            "json_schema",
            "json_object",
            None,
        ]
        ask_for(Colour, asking(one), HELLO)
    assert len(server.requests) == 4


def test_seed_and_the_name_of_the_limit_are_given_up_where_they_are_not_known() -> None:
    def picky(request: dict[str, Any]) -> Any:
        if "seed" in request:
            return status(400, 'Unknown name "seed"')(request)
        if "max_tokens" in request:
            return status(400, "Use 'max_completion_tokens' instead.")(request)
        return says("Hi.")(request)

    with ScriptedServer([picky]) as server:
        assert ask(endpoint(server), seed=1).text == "Hi."
    assert server.requests[-1]["max_completion_tokens"] == 20
    assert "seed" not in server.requests[-1]


@pytest.mark.parametrize("bad", ["no JSON at all", '{"name": "red"', '{"name": "red", "share": "much"}'])
def test_one_round_of_repair(bad: str) -> None:
    with ScriptedServer([says(bad), says(f"```json\n{GOOD}\n```")]) as server:
        answer = ask_for(Colour, asking(endpoint(server)), HELLO)
    assert answer.value == Colour(name="red", share=0.5)
    assert len(answer.replies) == 2
    assert "could not be used" in server.requests[1]["messages"][-1]["content"]


def test_a_second_bad_answer_is_the_last() -> None:
    with ScriptedServer([says("nothing")]) as server:
        answer = ask_for(Colour, asking(endpoint(server)), HELLO)
    assert (answer.value, answer.fault) == (None, "malformed")
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("step", "fault", "reason"),
    [
        (says('{"name": "re', finish="length"), "truncated", "cut off after 5 tokens"),
        (says(None, refusal="I will not."), "refused", "I will not."),
        (says("", finish="content_filter"), "refused", "content filter"),
        (says("I'm sorry, but I can't help with that."), "refused", "I'm sorry"),
    ],
)
def test_truncated_and_refused_answers_are_not_asked_for_again(step: Any, fault: str, reason: str) -> None:
    with ScriptedServer([step]) as server:
        answer = ask_for(Colour, asking(endpoint(server)), HELLO)
    assert (answer.value, answer.fault) == (None, fault)
    assert reason in answer.reason
    assert len(server.requests) == 1


def test_json_is_found_among_words() -> None:
    assert find_objects('{not} {\'this\'} but {"a": {"b": 2}} and {"c": 3}') == [{"a": {"b": 2}}, {"c": 3}]
    assert find_objects("[1, 2]") == []
    assert find_objects("{" * 5000) == []


@pytest.mark.parametrize(
    "before", ['Like {"name": "..."}? No: ', '<think>{"name": "blue", "share": 1}</think>']
)
def test_the_object_that_fits_is_taken_and_thoughts_are_not(before: str) -> None:
    with ScriptedServer([says(before + GOOD)]) as server:
        assert ask_for(Colour, asking(endpoint(server)), HELLO).value == Colour(name="red", share=0.5)
    assert len(server.requests) == 1


def test_only_its_own_account_is_named_to_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-mine")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-mine")
    with ScriptedServer([says("Hi.")]) as server:
        ask(endpoint(server))
    assert "of-mine" not in json.dumps(server.headers)


def test_a_hostile_answer_is_no_crash() -> None:
    odd: list[Any] = [{"choices": []}, {"choices": [{"message": None}]}, [], {"choices": {"a": 1}}, None]
    for body in odd:
        with ScriptedServer([raw(json.dumps(body))]) as server, pytest.raises(EndpointError, match="no chat"):
            ask(endpoint(server))
    strange = {**completion("x"), "usage": {"total_tokens": "many"}}
    strange["choices"][0]["message"]["content"] = ["parts"]
    with ScriptedServer([raw(json.dumps(strange))]) as server:
        assert ask(endpoint(server)).text == ""
